/* demo_stage.h - where the demo plays: a lab of three SIP servers and a DNS server on loopback
 * addresses, and everything that they saw.
 *
 * All of it runs in one loop, in this process.  What is printed happened; what the servers saw is
 * kept, for the checks at the end.
 */
#ifndef CLI_DEMO_STAGE_H
#define CLI_DEMO_STAGE_H

#include "lab/lab.h"

enum {
	STAGE_SERVERS = 3,
	STAGE_SEEN_MAX = 512,
	STAGE_CALL_ID_MAX = 128,
};

#define STAGE_DOMAIN "phones.example"
#define STAGE_USER "alice"
#define STAGE_PASSWORD "demo-only"

/* One thing that a server saw or did. */
struct stage_seen {
	uint64_t at_ms;
	unsigned server; /* from 1 */
	enum sip_method method;
	unsigned status;  /* 0: the request came; else it was answered so */
	bool credentials; /* the request, or that which is answered, had some */
	char call_id[STAGE_CALL_ID_MAX];
};

struct stage {
	struct net_loop *loop;
	struct net_timer *bell; /* wakes the loop */
	bool rung;
	struct lab_plan plan;
	struct lab_plan_server servers[STAGE_SERVERS];
	struct lab *lab;
	uint64_t began_at;
	bool colours;
	struct stage_seen seen[STAGE_SEEN_MAX];
	unsigned seen_count;
	unsigned srv_records; /* in the last answer to the SRV question */
};

/* Opens the servers on free ports, with EXPIRES_MAX_S as the longest registration that they grant
 * (0: what is asked for).  False: it was said on stderr why not; close the stage all the same. */
bool stage_open(struct stage *stage, uint32_t expires_max_s);
void stage_close(struct stage *stage);

/* The number of the server with this address, from 1; 0: none of them. */
unsigned stage_server_at(const struct stage *stage, const struct net_address *address);

/* Kills a server, or brings it back. */
void stage_set_fault(struct stage *stage, unsigned server, enum lab_fault_kind fault);

/* Prints one line: the time, who, and what. */
void stage_tell(const struct stage *stage, const char *who, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* On a terminal: how long it is until DUE_AT, on a line that the next one replaces. */
void stage_count_down(const struct stage *stage, uint64_t due_at);

/* Prints a heading. */
void stage_chapter(const struct stage *stage, const char *title);

/* The first thing of this kind that was seen at or after SINCE_MS; NULL: none. */
struct stage_wish {
	unsigned server;
	enum sip_method method;
	unsigned status;
	uint64_t since_ms;
};

const struct stage_seen *stage_find(const struct stage *stage, const struct stage_wish *wish);

/* All of them, up to MAX.  Returns how many it found. */
unsigned stage_find_all(const struct stage *stage, const struct stage_wish *wish,
			const struct stage_seen **found, unsigned max);

/* Runs the loop until CONDITION holds (true), or until AT_MS (false).  Without a condition: until
 * AT_MS. */
bool stage_wait(struct stage *stage, bool (*condition)(void *user), void *user, uint64_t at_ms);

#endif

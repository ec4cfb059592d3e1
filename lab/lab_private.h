/* lab_private.h - what lab.c (servers, orders), lab_names.c (the DNS) and lab_watch.c (what is
 * seen) share. */
#ifndef LAB_LAB_PRIVATE_H
#define LAB_LAB_PRIVATE_H

#include "lab/certificate.h"
#include "lab/eavesdrop.h"
#include "lab/lab.h"

enum { LAB_PATH_MAX = 1024, LAB_FOLDER_MAX = 64 };

struct lab_place_of {
	struct lab *lab;
	unsigned index;
};

struct lab {
	const struct lab_plan *plan;
	struct lab_watcher watcher;
	struct net_loop *loop;
	struct net_timer *timer; /* of the time line, and of the end */
	unsigned cues_done;
	uint64_t began_us;

	struct lab_sipserver *servers[LAB_SERVERS_MAX];
	struct lab_place_of places[LAB_SERVERS_MAX];
	char folder[LAB_FOLDER_MAX]; /* of the certificates; "": there is none */
	char ca_file[LAB_PATH_MAX];
	struct net_tls *tls[LAB_SERVERS_MAX][1 + LAB_CERTIFICATE_FAULTS]; /* the good one first */

	struct lab_dnsserver *dns;
	struct lab_fault dns_fault; /* LAB_UP: none; beside `ttl` and `lists` */
	struct lab_zone *zone;
	uint32_t ttl_s;
	unsigned listed[LAB_SERVERS_MAX], listed_count; /* servers that the names lead to */

	struct lab_trace trace;
	bool cut;                        /* the trace is full */
	struct lab_eavesdrop *eavesdrop; /* while a port is closed */
	bool blind;                      /* one was, and listening is not permitted */
	struct lab_entry entries[LAB_ENTRIES_MAX];
	uint64_t entry_count; /* ever */
};

/* ---- lab_names.c ---- */

/* Makes the zone of the servers that are listed now, in place of the one before. */
int lab_names_make(struct lab *lab, char why[LAB_WHY_MAX]);

/* False: WHY. */
bool lab_names_break(struct lab *lab, const struct lab_fault *fault, char why[LAB_WHY_MAX]);

/* ---- lab_tls.c ---- */

int lab_tls_open(struct lab *lab, char why[LAB_WHY_MAX]);
void lab_tls_close(struct lab *lab);

/* ---- lab_closed.c ---- */

/* Listens to what is sent to closed ports, if there are any now. */
void lab_listen_to_closed(struct lab *lab);

/* ---- lab_watch.c ---- */

void lab_take_wire(void *user, const struct lab_sip_wire *wire);
void lab_take_question(void *user, const struct lab_dns_reply *reply);
void lab_note_fault(struct lab *lab, int server, const char *text);

#endif

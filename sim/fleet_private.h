/* fleet_private.h - the fleet's world, between the files fleet*.c. */
#ifndef SIM_FLEET_PRIVATE_H
#define SIM_FLEET_PRIVATE_H

#include "sim/fleet.h"
#include "sim/radix.h"

#define FLEET_NONE UINT32_MAX

enum {
	FLEET_US = 1000, /* of a millisecond */
	FLEET_SECOND_US = 1000000,
	FLEET_MILLION = 1000000,
};

enum fleet_flag {
	FLEET_ON = 1,        /* started */
	FLEET_ONCE = 2,      /* was started before */
	FLEET_LINK_DOWN = 4, /* and knows it */
	FLEET_CUT = 8,       /* nothing gets through, and it does not know */
	FLEET_ASLEEP = 16,
	FLEET_SERVED = 32, /* is in service */
	FLEET_FRESH = 64,  /* was challenged, and has not had another answer since */
	FLEET_EVER = 128,  /* was in service once */
};

/* What the world keeps of a phone beside its engine. */
struct fleet_phone {
	uint64_t due_us;               /* the engine's deadline; UINT64_MAX: none */
	uint64_t queued_us;            /* of its item in the queue that counts; UINT64_MAX: none */
	uint32_t out_since_ms, out_ms; /* without service */
	uint32_t nonces;               /* a bit for each server whose nonce it has */
	uint32_t streams;              /* a bit for each server that it is connected to */
	uint32_t first_message;        /* under way, from it or to it */
	uint16_t site;
	uint8_t class;
	uint8_t boots;                 /* tells messages of another life */
	uint8_t bound[KL_ENTRIES_MAX]; /* the server that holds the registration, from 1; 0: none */
	uint8_t home[KL_ENTRIES_MAX];  /* the server that it is registered with, as it sees it, or
					* was last; from 1, 0: never */
	uint8_t active;                /* a bit for each entry that is registered, as it sees it */
	uint8_t flags;
	uint8_t probed;     /* a server that was dead and answered a probe of it since; from 1 */
	uint16_t moves;     /* from one home to another */
	uint32_t probed_ms; /* the first such answer */
};

_Static_assert(sizeof(struct fleet_phone) == 64, "a million of them are 64 MB");

enum fleet_what {
	FLEET_REQUEST, /* on its way to a server */
	FLEET_REPLY,   /* being made there, then on its way back */
	FLEET_FAULT,   /* an ICMP message, or the news of a stream */
	FLEET_NAMES,   /* the end of a DNS question */
	FLEET_HANG_UP, /* a call ends */
};

/* One thing that is under way for one phone. */
struct fleet_message {
	kl_tx tx;
	uint64_t token;     /* of the call; 0: none */
	uint64_t leaves_us; /* REPLY: the server has made it */
	uint32_t next, phone;
	uint32_t epoch; /* REPLY: of the server's life */
	uint32_t expires_ms, min_expires_ms, retry_after_ms;
	uint32_t query, answer; /* NAMES */
	uint16_t port, status;
	uint8_t what, method, server, transport, entry, boots;
	uint8_t fault;
	bool nonce; /* it carried one of this server's */
	bool stale; /* 401, 407 */
};

/* What the DNS says to one question, as it stands. */
struct fleet_answer {
	char name[KL_NAME_MAX + 1];
	enum kl_record_type type;
	uint32_t version; /* of the names that it was made from */
	enum kl_dns_status status;
	uint32_t count;
	struct kl_dns_record records[KL_DNS_RECORDS_MAX];
};

struct fleet_server {
	struct sim_server sip;
	const struct sim_plan_server *plan;
	uint64_t service_ns, busy_until_ns; /* 0: no limit */
	uint32_t epoch;                     /* grows when what it was at is lost */
	uint32_t back_ms;                   /* it hears again since then; 0: it was never dead */
	struct sim_server_second *seconds;
};

struct fleet_site {
	uint64_t delay_us;
	uint32_t jitter_us, loss;
};

struct fleet_call {
	uint64_t dialled_us;
	uint32_t phone, generation, next_free;
	uint8_t server, boots;
	bool used, up, rung, cut;
};

struct sim_fleet {
	const struct sim_plan *plan;
	struct sim_results *results;
	uint64_t now_us;
	uint64_t random;
	uint32_t second; /* now's place in the results */
	struct fleet_phone *phones;
	char *engines;
	size_t stride, engines_size;
	struct sim_radix queue;
	struct fleet_message *messages;
	size_t message_count, message_room;
	uint32_t free_message;
	struct fleet_server servers[SIM_FLEET_SERVERS_MAX];
	struct fleet_site *sites;
	struct sim_names names;
	uint32_t names_version;
	struct fleet_answer **answers;
	size_t answer_count, answer_room;
	uint32_t *active; /* faults that last */
	uint32_t active_count;
	struct fleet_call *calls;
	size_t call_count, call_room;
	uint32_t free_call;
	struct sim_fleet_second current; /* counted so far */
	uint32_t judged;
	struct sim_invariants **checkers; /* one for each `judged` phones */
	struct sim_fleet_watch watch;
};

/* ---- fleet.c: time, memory, chance ---- */

kl_ms fleet_now(const struct sim_fleet *fleet);
struct kl_engine *fleet_engine(const struct sim_fleet *fleet, uint32_t phone);

/* A whole number below LIMIT, which is not 0. */
uint64_t fleet_draw(struct sim_fleet *fleet, uint64_t limit);

/* Exponentially distributed around MEAN_US. */
uint64_t fleet_draw_wait(struct sim_fleet *fleet, double mean_us);

/* Is a datagram lost on its way? */
bool fleet_lost(struct sim_fleet *fleet, uint32_t site);

/* One way between a site and a server. */
uint64_t fleet_path_us(struct sim_fleet *fleet, uint32_t site);

/* Takes a record for a message of PHONE, and puts it into the queue. */
struct fleet_message *fleet_message_new(struct sim_fleet *fleet, uint32_t phone);
void fleet_message_send(struct sim_fleet *fleet, struct fleet_message *message, uint64_t at_us);
void fleet_message_free(struct sim_fleet *fleet, struct fleet_message *message);

/* Puts what concerns no phone into the queue: see fleet_happen(). */
void fleet_plan(struct sim_fleet *fleet, uint64_t at_us, uint32_t detail);

/* ---- fleet_phone.c ---- */

void fleet_phone_feed(struct sim_fleet *fleet, uint32_t phone, const struct kl_event *event);
int fleet_phone_request(struct sim_fleet *fleet, uint32_t phone, uint64_t token);
void fleet_phone_start(struct sim_fleet *fleet, uint32_t phone);
void fleet_phone_stop(struct sim_fleet *fleet, uint32_t phone);

/* Its item in the queue has come. */
void fleet_phone_due(struct sim_fleet *fleet, uint32_t phone, uint64_t at_us);

/* Sees to it that something happens at AT_US, its engine's deadline or its start. */
void fleet_phone_wake(struct sim_fleet *fleet, uint32_t phone, uint64_t at_us);

/* Is it in service?  To be asked again after whatever may have changed that. */
void fleet_phone_judge(struct sim_fleet *fleet, uint32_t phone);
void fleet_phone_judge_all(struct sim_fleet *fleet);

/* What was under way to it has come. */
void fleet_phone_take(struct sim_fleet *fleet, struct fleet_message *message);

/* ---- fleet_server.c ---- */

void fleet_servers_init(struct sim_fleet *fleet);

/* As the plan has it: no fault. */
void fleet_server_heal(const struct sim_fleet *fleet, struct fleet_server *server);
void fleet_server_set_capacity(struct fleet_server *server, uint32_t capacity);

/* The server that a route leads to; FLEET_NONE: none. */
uint32_t fleet_server_at(const struct sim_fleet *fleet, const struct kl_route *route);
void fleet_server_take(struct sim_fleet *fleet, struct fleet_message *message);

/* ---- fleet_names.c ---- */

void fleet_names_begin(struct sim_fleet *fleet);
void fleet_names_end(struct sim_fleet *fleet);
void fleet_names_ask(struct sim_fleet *fleet, uint32_t phone, const struct kl_action_query *query);
void fleet_names_answer(struct sim_fleet *fleet, struct fleet_message *message);

/* ---- fleet_call.c ---- */

void fleet_calls_begin(struct sim_fleet *fleet);
void fleet_call_place(struct sim_fleet *fleet);
void fleet_call_ring(struct sim_fleet *fleet, uint64_t token);
void fleet_call_outcome(struct sim_fleet *fleet, uint32_t phone,
			const struct kl_action_outcome *outcome);
void fleet_call_hang_up(struct sim_fleet *fleet, const struct fleet_message *message);

/* Calls that are up through SERVER are lost. */
void fleet_calls_cut_server(struct sim_fleet *fleet, uint32_t server);

/* So are all calls of phones that were stopped meanwhile. */
void fleet_calls_cut_stopped(struct sim_fleet *fleet);

/* ---- fleet_fault.c ---- */

void fleet_faults_begin(struct sim_fleet *fleet);
void fleet_fault_happen(struct sim_fleet *fleet, uint32_t fault, bool ends);

/* The `detail` of items of no phone: a fault begins (2 * i) or ends (2 * i + 1), or a call comes.
 */
#define FLEET_CALL_COMES UINT32_MAX

#endif

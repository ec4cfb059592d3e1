/* relay_private.h - what the parts of the relay share with each other and with the phone. */
#ifndef PHONE_RELAY_PRIVATE_H
#define PHONE_RELAY_PRIVATE_H

#include <sys/queue.h>

#include "phone/relay.h"
#include "phone/reload.h"
#include "phone/request.h"
#include "sip/clients.h"

enum { PHONE_RELAY_BUCKETS = 16384 };

struct phone_client;
struct phone_relay_ask;

struct phone_relay_line {
	uint64_t key; /* kl_line_config.key: the same after a reload */
	uint32_t now; /* its number in the phone; KL_NO_LINE: it left */
};

struct phone_relay {
	struct phone *phone;
	struct phone_relay_hooks hooks;
	struct phone_relay_line *lines;  /* by the numbers of those behind them */
	uint32_t line_count, line_limit; /* the latter is what there is room for */
	/* Requests inside dialogs. */
	struct sip_clients *clients;
	struct net_timer *timer;             /* of the two below */
	TAILQ_HEAD(, phone_relay_ask) ended; /* INVITEs, the first one to be forgotten first */
	LIST_HEAD(, phone_relay_ask) asks[PHONE_RELAY_BUCKETS];
};

/* What credentials are made of. */
struct phone_relay_proof {
	struct phone_account *account;
	const struct kl_route *route;
	uint64_t request; /* phone_proof.request */
	enum sip_digest_sent *sent;
};

/* What is known of one send. */
struct phone_relay_way {
	uint64_t token;
	const char *branch;
	const char *service_route;
	struct phone_self self;
	unsigned again;
};

/* Asks for a request, in the phone's scratch.  Its length, or a SIP_E*. */
int phone_relay_write(struct phone *phone, struct phone_relay_proof *proof,
		      const struct phone_relay_way *way);

/* The same, for phone_request_write(). */
int phone_relay_write_walk(struct phone *phone, struct phone_request *request);

/* ---- what the phone tells ---- */

/* An answer that CLIENT's request got. */
void phone_relay_pass(const struct phone_client *client, const struct sip_message *response);
void phone_relay_answered(struct phone *phone, const struct phone_relay_answer *answer);
void phone_relay_outcome(struct phone *phone, const struct kl_action_outcome *outcome);
json_t *phone_relay_status(const struct phone *phone); /* NULL: nobody is behind the lines */
void phone_relay_note(struct phone *phone, const struct kl_report *report);
bool phone_relay_take_request(struct phone *phone, const struct phone_relay_request *request);
bool phone_relay_take_cancel(struct phone *phone, sip_transaction_id invite);

/* ---- requests inside dialogs (relay_ask.c) ---- */

int phone_relay_asks_init(struct phone_relay *relay);
void phone_relay_asks_clear(struct phone_relay *relay);
void phone_relay_asks_carry(struct phone_relay *relay, const struct phone_reload *reload);

/* ---- reloads ---- */

/* Makes room for that many new lines.  0, -ENOMEM. */
int phone_relay_reserve(struct phone *phone, uint32_t line_count);

/* Before the phone has its new configuration, and after it. */
void phone_relay_carry(struct phone *phone, const struct phone_reload *reload);
void phone_relay_find_lines(struct phone *phone);

/* A line's number in the phone, of what those behind the lines call LINE; and the other way round.
 * KL_NO_LINE: it has none. */
uint32_t phone_relay_line(const struct phone_relay *relay, uint32_t line);
uint32_t phone_relay_name_line(const struct phone_relay *relay, uint32_t line);

#endif

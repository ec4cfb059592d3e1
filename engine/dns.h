/* dns.h - questions to the DNS, their answers, and what serves where there is none.
 *
 * Questions are shared by all route sets that look names up by the same policy. */
#ifndef ENGINE_DNS_H
#define ENGINE_DNS_H

#include "engine/state.h"

/* What a query owes the host. */
enum { OWES_ASK = 1, OWES_LOOKUP = 2 };

/* What an answer is good for. */
enum need {
	NEED_PENDING, /* never answered: the host is being asked */
	NEED_STALE,   /* answered, but the records ran out and are being asked for again */
	NEED_FOUND,   /* records: answered, restored, stale or static */
	NEED_NONE,    /* negative, failed or silent: no records (DNS-4) */
};

/* How to look at a question. */
enum look {
	LOOK_KEEP,   /* only mark it as used */
	LOOK_ASK,    /* and ask it if it was never asked */
	LOOK_DEMAND, /* and ask again if it found nothing: somebody waits, and has no route */
	LOOK_SETTLE, /* somebody waited long enough: take static records for it, if there are any */
};

/* A question: NAME is a text, kept by the call. */
struct question {
	const char *name;
	enum kl_record_type type;
	enum look look;
	uint32_t set; /* who asks */
};

/* Finds or makes the query for a question; *Q is its index (NONE: no room, and NEED_NONE). */
enum need dns_need(struct kl_engine *e, const struct question *question, uint32_t *q);

/* Are names looked up in the same way by both policies? */
bool dns_same_policy(const struct kl_policy *a, const struct kl_policy *b);

/* Did the lookup fail or was its answer cut, so that it does not say what is gone?  DNS-16 */
bool dns_failed(const struct kl_engine *e, uint32_t q);

/* Begins and ends a sweep: a query not marked by dns_need() in between is forgotten. */
void dns_sweep_begin(struct kl_engine *e);
void dns_sweep_end(struct kl_engine *e);

/* Forgets a question, its records with it. */
void dns_forget(struct kl_engine *e, uint32_t q);

/* A TTL as it is obeyed: 5 s at least, or 0 would mean a question, or a failback, without a pause
 * for as long as the phone runs (DNS-17). */
kl_ms dns_ttl_ms(kl_ms ttl_ms);

/* KL_EV_DNS: takes an answer; *SET is the route set that needs it, NONE if more than one does.
 * KL_IGNORED: nobody asked; KL_EINVAL: it makes no sense. */
int dns_answer(struct kl_engine *e, const struct kl_event_dns *event, uint32_t *set);

/* The node of query Q fired: its time is over.  Asks again.  Gives the route set that needs it,
 * NONE if more than one does. */
uint32_t dns_expire(struct kl_engine *e, uint32_t q);

/* Derives one action that query Q owes.  False: none. */
bool dns_act(struct kl_engine *e, uint32_t q, struct kl_action *action);

#endif

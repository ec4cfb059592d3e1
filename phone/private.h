/* private.h - what the parts of a phone share. */
#ifndef PHONE_PRIVATE_H
#define PHONE_PRIVATE_H

#include "phone/account.h"
#include "phone/call.h"
#include "phone/client.h"
#include "phone/content.h"
#include "phone/dialog.h"
#include "phone/dns.h"
#include "phone/event.h"
#include "phone/locate.h"
#include "phone/memory.h"
#include "phone/network.h"
#include "phone/phone.h"
#include "phone/pulse.h"
#include "phone/reload.h"
#include "phone/server.h"
#include "phone/subscription.h"
#include "phone/trace.h"
#include "phone/transport.h"
#include "sip/message.h"

/* What is odd, since the start: the log has sums of it. */
struct phone_counters {
	uint64_t dropped;  /* datagrams and messages of streams that are no SIP */
	uint64_t stray;    /* answers to nothing that is open */
	uint64_t refused;  /* requests from strangers, or from a server that may not send any */
	uint64_t overflow; /* what did not fit a table */
	uint64_t flooded;  /* NOTIFYs beyond what a subscription may send */
	uint64_t streams;  /* refused for their number, or dropped since they could not be read */
};

/* Lines that leave for good: their subscriptions end before their registrations do. */
enum phone_leaving {
	PHONE_STAYS,        /* nobody leaves, or all that leave know it */
	PHONE_IS_TOLD,      /* they are being told so */
	PHONE_UNSUBSCRIBES, /* the ends of subscriptions are waited for */
};

struct phone {
	struct net_loop *loop;
	const struct config *config;
	struct kl_config *engine_config; /* the configuration's, with the families that are here */
	struct kl_engine *engine;
	struct net_timer *alarm;   /* at kl_deadline() */
	struct net_timer *summary; /* when the next summary of what was dropped may be logged */
	bool acting;               /* the engine's actions are being carried out */
	struct phone_transport *transport;
	struct phone_dns *dns;
	struct phone_network network;
	struct phone_trace *trace;   /* NULL: none is wanted */
	struct phone_memory *memory; /* NULL: none is wanted */
	struct phone_accounts accounts;
	struct phone_clients clients;
	struct phone_pulses pulses;
	struct phone_redirect_names redirect_names;
	struct phone_dialogs dialogs;
	struct phone_calls calls;
	struct phone_subscriptions subscriptions;
	struct phone_listeners listeners;
	struct phone_server server;
	struct phone_relay *relay;   /* who is behind the lines; NULL: nobody */
	struct phone_reload *reload; /* that is under way; NULL: none */
	struct phone_counters counters;
	struct phone_counters told; /* as the last summary had them */
	bool summary_is_due;        /* there is more to tell */
	enum phone_leaving leaving;
	struct net_timer *leave; /* when their subscriptions are waited for no more */
	struct net_callback on_stopped;
	void (*on_action)(void *user, const struct kl_action *action, kl_ms at);
	void (*on_call)(void *user, const struct phone_call_event *event);
	void *user;
	char scratch[SIP_MESSAGE_MAX + 1]; /* a message being written */
};

/* The engine's clock.  The millisecond that is under way counts as over, so that nothing that is to
 * be waited for comes short. */
static inline kl_ms phone_now(void)
{
	return net_now_ms() + 1;
}

/* Tells the engine of one thing, and carries out what it asks for.  What comes of that is done when
 * this returns, unless it was called while actions are carried out: then by that caller. */
int phone_feed(struct phone *phone, const struct kl_event *event);

/* Where a server behind ROUTE finds us.  Errors: those of phone_transport_local(). */
int phone_self_toward(const struct phone *phone, const struct kl_route *route,
		      struct phone_self *self);

/* What the engine knows of an account. */
const struct kl_entry_config *phone_entry_config(const struct phone *phone,
						 const struct phone_account *account);

/* Begins to end all of the lines whose accounts leave: calls, subscriptions, registrations. */
void phone_send_away(struct phone *phone);

/* Looks whether those who leave are gone: then a stop or a reload goes on. */
void phone_check_stopped(struct phone *phone);

/* Is anything of the lines that leave still under way? */
bool phone_is_busy(const struct phone *phone);

/* Counts a request that was refused, or something without room; the log has a sum now and then. */
void phone_count_refused(struct phone *phone);
void phone_count_overflow(struct phone *phone);
void phone_count_flooded(struct phone *phone);

/* Sends a whole message. */
int phone_send(struct phone *phone, const struct phone_hop *hop, struct sip_span bytes);

/* In words for people.  Both return TO. */
const char *phone_route_text(const struct kl_route *route, char to[KL_TEXT_MAX]);
const char *phone_action_text(const struct phone *phone, const struct kl_action *action,
			      char to[KL_TEXT_MAX]);

#endif

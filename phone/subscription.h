/* subscription.h - subscriptions to what servers know (RFC 6665): their dialogs and what the
 * NOTIFYs said.
 *
 * The engine decides when and where each SUBSCRIBE goes, and when a subscription is void (SUBS-1,
 * SUBS-2).  Here is what that takes on the wire: names, dialog, bodies.  The SUBSCRIBE that seizes
 * a shared line for a call (SUBS-3) has its dialog here, too; to the engine that is part of the
 * call.
 */
#ifndef PHONE_SUBSCRIPTION_H
#define PHONE_SUBSCRIPTION_H

#include <sys/queue.h>

#include "phone/account.h"
#include "phone/notice.h"
#include "phone/phone.h"
#include "phone/transport.h"
#include "sip/dialog.h"
#include "sip/message.h"

struct phone_call;
struct phone_incoming;
struct phone_reload;

struct phone_subscription {
	LIST_ENTRY(phone_subscription) others;
	struct phone *phone;
	uint64_t id; /* the engine's token; of a seize its call's */
	bool seizes;
	bool configured;   /* a file asks for it: one that ended for good stays, to be seen */
	bool unasked;      /* it was asked for, and is to end; of a seize: its call is over */
	const void *owner; /* as in phone_subscribe_order */
	uint32_t line;
	char event[PHONE_EVENT_MAX + 1];
	char target[PHONE_TARGET_MAX + 8]; /* a SIP URI */
	enum kl_subscription_state state;
	struct kl_action_subscription last; /* how it came there */
	bool has_last;
	char call_id[PHONE_ID_MAX], tag[PHONE_ID_MAX]; /* of the dialog that is there, or made */
	uint64_t proof;                                /* phone_proof.request */
	struct sip_dialog *dialog;                     /* owned; NULL: none yet */
	struct kl_route dialog_from; /* who made it: the source of a NOTIFY, the route of a 2xx */
	bool notified;               /* a NOTIFY came in it, so that another one is a fork */
	enum kl_notified_state notified_state;
	uint64_t notifies; /* that were taken */
	struct phone_notice notice;
	/* NOTIFYs that may come at once, and when that was so. */
	unsigned room;
	uint64_t room_at_ms;
	/* Of a seize: by what the 2xx came (port 0: none did), the CSeq of the last SUBSCRIBE, and
	 * when what that asks for has run out. */
	struct kl_binding binding;
	uint32_t cseq;
	uint64_t runs_out_at_ms;
	/* Of a seize: when its dialog is forgotten; else when the first NOTIFY is waited for no
	 * more. */
	struct net_timer *end;
};

enum { PHONE_SUBSCRIPTIONS_MAX = 16384 }; /* of all lines, seizes apart */

struct phone_subscriptions {
	LIST_HEAD(, phone_subscription) all;
	uint32_t count;
};

void phone_subscriptions_clear(struct phone *phone);

/* Asks for all that the configuration of LINE has and that are not there; drops those that it has
 * no more. */
void phone_subscriptions_reconcile(struct phone *phone, uint32_t line);

/* Those of lines that leave are ended at their servers (RFC 6665 4.1.2.3). */
void phone_subscriptions_leave(struct phone *phone);

/* Is the end of one of those still under way? */
bool phone_subscriptions_busy(const struct phone *phone);

/* All cross over to the new configuration; those of lines that left are dropped. */
void phone_subscriptions_carry(struct phone *phone, const struct phone_reload *reload);

/* By its id, or the seize of the call of that id; NULL: it is gone. */
struct phone_subscription *phone_subscription_find(const struct phone *phone, uint64_t id,
						   bool seizes);

/* The subscription whose dialog a NOTIFY belongs to, or would make; NULL: none. */
struct phone_subscription *phone_subscription_of(const struct phone *phone,
						 const struct sip_message *notify);

/* Where a SUBSCRIBE of the engine belongs; that of a seize is made with its first send.  NULL: its
 * subscription is gone, or there is no memory. */
struct phone_subscription *phone_subscription_for(struct phone *phone,
						  const struct kl_action_send *send);

/* KL_DO_SUBSCRIPTION */
void phone_subscription_act(struct phone *phone, const struct kl_action_subscription *action);

/* Takes a 2xx to the SUBSCRIBE that was sent by HOP.  False: no dialog comes of it. */
bool phone_subscription_accept(struct phone_subscription *subscription, const struct phone_hop *hop,
			       const struct sip_message *request,
			       const struct sip_message *response);

/* ---- NOTIFY (notify.c) ---- */

/* May it send that many?  Else that is counted. */
bool phone_notify_has_room(struct phone_subscription *subscription);

/* Takes a NOTIFY that came with phone_subscription_of(), from an address that may send it. */
void phone_notify_take(struct phone_subscription *subscription,
		       const struct phone_incoming *incoming);

/* A NOTIFY that belongs nowhere: 481 (RFC 6665 4.1.3), or 489 for an event that is none of ours. */
unsigned phone_notify_refusal(const struct sip_message *notify);

/* The events that are understood, beyond those that are passed on as they are. */
#define PHONE_EVENTS_KNOWN "message-summary, dialog, presence, call-info, line-seize"

#endif

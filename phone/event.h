/* event.h - what happens to a phone, as JSON for whoever listens (docs/control.md).
 *
 *	{"event": "notify", "time_ms": 1763742000123, "line": 1, ...}
 *
 * A line is meant by its number in the configuration.  Nothing is made while nobody listens.
 */
#ifndef PHONE_EVENT_H
#define PHONE_EVENT_H

#include <jansson.h>
#include <sys/queue.h>

#include "keepline/keepline.h"

struct phone;
struct phone_call_event;
struct phone_subscription;
struct sip_message;

/* Somebody who listens.  The struct is his, and outlives phone_listen() until phone_unlisten(). */
struct phone_listener {
	LIST_ENTRY(phone_listener) others;
	uint32_t number; /* of the line that he wants to hear of; 0: all */
	/* TEXT is one event without a line end, valid until it returns.  He may stop to listen
	 * within, and must not call the phone otherwise. */
	void (*on_event)(void *user, const char *text);
	void *user;
};

struct phone_listeners {
	LIST_HEAD(, phone_listener) all;
};

void phone_listen(struct phone *phone, struct phone_listener *listener);
void phone_unlisten(struct phone_listener *listener);

enum { PHONE_EVENT_BODY_MAX = 16384 }; /* bytes of a NOTIFY's body that are passed on */

/* An event of a line, for more to be put into it; NULL: nobody listens, or there is no memory. */
json_t *phone_event_begin(const struct phone *phone, const char *name, uint32_t line);
void phone_event_tell(const struct phone *phone, json_t *event); /* takes the reference */

/* The engine decided: registrations, moves, routes and their health. */
void phone_event_report(struct phone *phone, const struct kl_action *action);

/* A subscription came to another state. */
void phone_event_subscription(struct phone *phone, const struct phone_subscription *subscription);

/* A NOTIFY was taken. */
void phone_event_notify(struct phone *phone, const struct phone_subscription *subscription,
			const struct sip_message *notify, const struct kl_event_notify *told);

/* A step of a call; and the same for one who is not among the listeners, his to json_decref().
 * NULL: no memory. */
void phone_event_call(struct phone *phone, const struct phone_call_event *event);
json_t *phone_event_of_call(const struct phone *phone, const struct phone_call_event *event);

#endif

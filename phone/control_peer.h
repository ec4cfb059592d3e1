/* control_peer.h - one connection to the control socket: lines of JSON in, lines of JSON out. */
#ifndef PHONE_CONTROL_PEER_H
#define PHONE_CONTROL_PEER_H

#include <jansson.h>

#include "phone/control.h"
#include "phone/event.h"

struct phone_peer {
	struct phone *phone;
	struct net_callback on_closed; /* it is freed once that returns */
	int fd;
	struct net_watch *reading, *writing; /* `writing` is there while something waits */
	bool broken;                         /* shut down: its end is read next, and frees it */
	uint64_t call;                       /* 0: none */
	json_t *tag; /* of the request that is being answered; NULL: it has none */
	bool listens;
	struct phone_listener listener;
	uint64_t missed; /* events since the last that found room */
	char in[PHONE_CONTROL_LINE_MAX];
	size_t in_length;
	char *out; /* owned */
	size_t out_length, out_sent;
};

/* Takes over FD.  0, or a negative errno value with FD closed. */
int phone_peer_create(struct phone_peer **out, struct phone *phone, int fd,
		      struct net_callback on_closed);

/* Hangs up its call, ends its subscriptions, closes the connection. */
void phone_peer_free(struct phone_peer *peer);

/* Queues an answer, with the request's tag if it has one; takes the reference to JSON, of which
 * NULL means that there was no memory.  A peer that does not read what it asked for is cut off. */
void phone_peer_answer(struct phone_peer *peer, json_t *json);
void phone_peer_refuse(struct phone_peer *peer, const char *why);

/* Queues a line that answers nothing; else as phone_peer_answer(). */
void phone_peer_put(struct phone_peer *peer, json_t *json);

/* Is it told of the events of that line (index in the configuration)? */
bool phone_peer_hears(const struct phone_peer *peer, uint32_t line);

/* Tells it of every event from now on; of the line of that NUMBER, or of all (0). */
void phone_peer_listen(struct phone_peer *peer, uint32_t number);

/* Does what a line asks for (control_verbs.c). */
void phone_peer_take_request(struct phone_peer *peer, const char *line, size_t length);

#endif

/* stream.h - the streams of a phone: TCP and TLS, opened by it or by its servers.
 *
 * Private to transport.c.
 */
#ifndef PHONE_STREAM_H
#define PHONE_STREAM_H

#include "phone/transport.h"
#include "sip/text.h"

enum {
	PHONE_STREAMS_MAX = 4096,   /* opened by us */
	PHONE_STREAMS_OWN_MAX = 64, /* ... each for one request alone: four doubts at a time */
	PHONE_STREAMS_ACCEPTED_MAX = 256, /* opened by others */
	/* Opened by one address: a server needs one, or a few while it restarts; so one that goes
	 * wild leaves room for the others. */
	PHONE_STREAMS_SOURCE_MAX = 32,
	PHONE_STREAM_UNSENT_MAX = 1 << 20, /* bytes that a far end may leave unread */
	PHONE_STREAM_GREETING_MS =
		32000,                   /* 64*T1: for the first whole message of an accepted one */
	PHONE_STREAM_MESSAGE_MS = 32000, /* 64*T1: from the first byte of a message to its last */
};

struct phone_streams;

/* CONFIG is copied.  Errors: those of net_tls_create(), with one sentence in WHY; -ENOMEM. */
int phone_streams_create(struct phone_streams **out, const struct phone_transport_config *config,
			 char why[PHONE_WHY_MAX]);
void phone_streams_free(struct phone_streams *streams); /* NULL is fine */

/* Takes connections at *LOCAL, whose port becomes the real one.  TLS: only with a certificate to
 * show, else nothing is opened and that is no error.  Errors: as net_listener_open(). */
int phone_streams_listen(struct phone_streams *streams, enum kl_transport transport,
			 struct net_address *local);

/* As phone_transport_send(); LOCAL is the address to connect from. */
int phone_streams_send(struct phone_streams *streams, const struct phone_hop *hop,
		       const struct net_address *local, struct sip_span bytes);

/* As phone_transport_connect(); LOCAL is the address to connect from. */
int phone_streams_connect(struct phone_streams *streams, const struct phone_hop *hop,
			  const struct net_address *local);

/* As phone_transport_is_open(). */
bool phone_streams_is_open(const struct phone_streams *streams, const struct kl_route *route);

/* As phone_transport_keep_alive(). */
void phone_streams_keep_alive(struct phone_streams *streams, const struct kl_route *route,
			      struct sip_span bytes);

/* As phone_transport_is_reading() and phone_transport_lose(). */
bool phone_streams_is_reading(const struct phone_streams *streams, const struct kl_route *route);
void phone_streams_lose(struct phone_streams *streams, const struct phone_stream_end *end);

/* As phone_transport_set_policy(). */
void phone_streams_set_policy(struct phone_streams *streams, const struct kl_policy *policy);

void phone_streams_drop(struct phone_streams *streams, const struct kl_route *route);

/* As phone_transport_end_own(). */
void phone_streams_end_own(struct phone_streams *streams, const struct phone_hop *hop);

/* As phone_transport_mark_stranded(). */
bool phone_streams_mark_stranded(struct phone_streams *streams);

/* As phone_transport_lose_stranded(). */
void phone_streams_lose_stranded(struct phone_streams *streams);

/* Adds its own to COUNTERS. */
void phone_streams_count(const struct phone_streams *streams,
			 struct phone_transport_counters *counters);

#endif

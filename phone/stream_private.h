/* stream_private.h - what the streams of a phone are, for stream.c and stream_ends.c. */
#ifndef PHONE_STREAM_PRIVATE_H
#define PHONE_STREAM_PRIVATE_H

#include <sys/queue.h>

#include "phone/stream.h"
#include "sip/frame.h"

/* TCP and TLS, over IPv4 and IPv6. */
enum { LISTENERS_MAX = 4 };

struct stream {
	LIST_ENTRY(stream) others;
	struct phone_streams *pool;
	uint64_t id;                /* never used twice */
	struct kl_route route;      /* with the name, of those that we opened */
	char name[KL_NAME_MAX + 1]; /* as in phone_hop; "": the route's address */
	struct kl_policy policy;    /* how it is kept */
	bool accepted;
	bool own;     /* as in phone_hop */
	bool greeted; /* a whole message came */
	bool doomed;  /* lose_doomed() ends it */
	bool *gone;   /* set when it is freed while its bytes are read */
	struct sip_framer framer;
	struct net_timer *idle;
	uint64_t close_at_ms;   /* when it is idle for too long */
	uint64_t part_until_ms; /* the message that has begun has to be whole by then; or NET_NEVER
				 */
	struct net_stream *net;
};

struct phone_streams {
	struct phone_transport_config config;
	struct net_tls *tls;
	struct net_listener *listeners[LISTENERS_MAX];
	unsigned listener_count;
	LIST_HEAD(, stream) all;
	uint32_t opened, accepted, own; /* `own` are among `opened` */
	uint64_t last_id;
	struct phone_transport_counters counters;
};

void phone_stream_free(struct stream *stream);

/* It ended, and not by our doing; its end is told if that matters to others. */
void phone_stream_lose(struct stream *stream, enum kl_fault fault, const char *why);

/* The one that HOP means; NULL: there is none. */
struct stream *phone_stream_find(const struct phone_streams *pool, const struct phone_hop *hop);

/* The next stream to ROUTE that we opened, and not for one request alone, behind one of them; NULL:
 * from the start. */
struct stream *phone_stream_next(const struct phone_streams *pool, const struct kl_route *route,
				 const struct stream *behind);

#endif

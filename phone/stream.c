/* stream.c - the streams of a phone. */
#include "phone/stream_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "phone/request.h"
#include "sip/message.h"

/* Poly Solution Guide: Failover and Route Redundancy (2023): so many TCP keep-alives without an
 * answer lose the connection.  KEEP-2 */
enum { KEEPALIVES_MAX = 4, MS_IN_S = 1000 };

/* ---- the table ------------------------------------------------------------------------------- */

void phone_stream_free(struct stream *stream)
{
	uint32_t *count = stream->accepted ? &stream->pool->accepted : &stream->pool->opened;

	if (stream->gone)
		*stream->gone = true;
	--*count;
	stream->pool->own -= stream->own;
	LIST_REMOVE(stream, others);
	net_stream_close(stream->net);
	net_timer_free(stream->idle);
	free(stream);
}

/* Did we open it, for whoever wants it? */
static bool is_shared(const struct stream *stream)
{
	return !stream->accepted && !stream->own;
}

/* A certificate that names one domain does not speak for another, so TLS streams are shared by
 * those alone who want the same name. */
struct stream *phone_stream_find(const struct phone_streams *pool, const struct phone_hop *hop)
{
	struct stream *stream;

	LIST_FOREACH(stream, &pool->all, others)
	if (hop->stream ? stream->id == hop->stream && stream->own == hop->own
			: is_shared(stream) && phone_route_equal(&stream->route, &hop->route) &&
				  (hop->route.transport != KL_TLS ||
				   !strcmp(stream->name, hop->name ? hop->name : "")))
		return stream;
	return NULL;
}

struct stream *phone_stream_next(const struct phone_streams *pool, const struct kl_route *route,
				 const struct stream *behind)
{
	struct stream *stream = behind ? LIST_NEXT(behind, others) : LIST_FIRST(&pool->all);

	while (stream && (!is_shared(stream) || !phone_route_same(&stream->route, route)))
		stream = LIST_NEXT(stream, others);
	return stream;
}

/* ---- idle time ------------------------------------------------------------------------------- */

/* KEEP-2: TCP's keep-alives are for TLS streams. */
static bool is_kept_alive(const struct stream *stream)
{
	return stream->route.transport == KL_TLS && stream->policy.stream_keepalive;
}

static void set_timer(struct stream *stream)
{
	net_timer_set(stream->idle, stream->part_until_ms < stream->close_at_ms
					    ? stream->part_until_ms
					    : stream->close_at_ms);
}

/* Starts the time anew.  KEEP-3: an idle stream stays if it is persistent, or has keep-alives of
 * ours. */
static void note_traffic(struct stream *stream)
{
	const struct kl_policy *policy = &stream->policy;
	bool stays = policy->persistent_connection || is_kept_alive(stream) ||
		     (policy->keepalive_ms && !stream->accepted);
	uint64_t close_at = stays ? NET_NEVER : net_now_ms() + policy->stream_close_ms;

	if (stream->accepted && !stream->greeted)
		close_at = net_now_ms() + PHONE_STREAM_GREETING_MS;
	stream->close_at_ms = close_at;
	set_timer(stream);
}

/* ---- what a stream tells --------------------------------------------------------------------- */

static enum kl_fault fault_of(const struct net_stream_ending *ending)
{
	switch (ending->end) {
	case NET_STREAM_UNREACHED:
		return phone_fault_of(-ending->error);
	case NET_STREAM_INSECURE:
		return KL_FAULT_TLS;
	case NET_STREAM_TIMED_OUT:
		return KL_FAULT_KEEPALIVE;
	case NET_STREAM_CLOSED:
	case NET_STREAM_RESET:
	case NET_STREAM_UNREAD:
		break;
	}
	return KL_FAULT_STREAM_LOST;
}

void phone_stream_lose(struct stream *stream, enum kl_fault fault, const char *why)
{
	const struct phone_transport_config config = stream->pool->config;
	const struct phone_stream_end end = {stream->route, fault, why};
	bool shared = is_shared(stream);

	phone_stream_free(stream);
	if (shared)
		config.on_stream_end(config.user, &end);
}

static void take_end(void *user, const struct net_stream_ending *ending)
{
	phone_stream_lose(user, fault_of(ending), ending->why);
}

static void take_open(void *user)
{
	const struct stream *stream = user;
	const struct phone_transport_config *config = &stream->pool->config;

	if (is_shared(stream) && config->on_stream_open)
		config->on_stream_open(config->user, &stream->route);
}

/* It can't be read any more. */
static void break_off(struct stream *stream, const char *why)
{
	const struct phone_transport_config config = stream->pool->config;

	stream->pool->counters.broken++;
	phone_stream_lose(stream, KL_FAULT_STREAM_LOST, why);
	config.on_odd(config.user);
}

/* KEEP-3: nothing went through it for so long; or it was accepted and never said anything.  A call
 * may ring for longer than that.  And a message that comes byte by byte has to end. */
static void take_idle(void *user)
{
	struct stream *stream = user;
	const struct phone_transport_config *config = &stream->pool->config;

	if (net_now_ms() >= stream->part_until_ms)
		break_off(stream, "a message that does not end");
	else if (!stream->accepted && config->needs(config->user, &stream->route))
		note_traffic(stream);
	else
		phone_stream_free(stream);
}

/* Line ends between messages are the answer to a ping of ours, or else a ping (KEEP-3). */
static void take_line_end(struct stream *stream, enum sip_frame_kind kind)
{
	const struct phone_transport_config *config = &stream->pool->config;

	if (is_shared(stream) && config->on_pong && config->on_pong(config->user, &stream->route))
		stream->framer = (struct sip_framer){0};
	else if (kind == SIP_FRAME_PING && stream->policy.persistent_connection)
		net_stream_write(stream->net, "\r\n", 2);
}

static void deliver(struct stream *stream, const uint8_t *bytes, const struct sip_frame *frame)
{
	struct phone_streams *pool = stream->pool;
	const struct phone_packet packet = {
		.source = stream->route,
		.local = net_stream_local(stream->net),
		.stream = stream->id,
		.bytes = bytes,
		.length = frame->length,
	};

	switch (frame->kind) {
	case SIP_FRAME_MESSAGE:
		pool->counters.received++;
		stream->greeted = true;
		note_traffic(stream);
		pool->config.on_packet(pool->config.user, &packet);
		break;
	case SIP_FRAME_PING:
	case SIP_FRAME_CRLF:
		take_line_end(stream, frame->kind);
		break;
	case SIP_FRAME_PART:
		break;
	}
}

/* Of LENGTH bytes TAKEN were whole messages. */
static void note_part(struct stream *stream, size_t taken, size_t length)
{
	if (taken == length)
		stream->part_until_ms = NET_NEVER;
	else if (taken || stream->part_until_ms == NET_NEVER)
		stream->part_until_ms = net_now_ms() + PHONE_STREAM_MESSAGE_MS;
	else
		return;
	set_timer(stream);
}

static size_t take_bytes(void *user, const uint8_t *bytes, size_t length)
{
	struct stream *stream = user;
	struct sip_frame frame;
	size_t taken = 0;
	bool gone = false;
	int error;

	stream->gone = &gone;
	do {
		error = sip_framer_next(
			&stream->framer,
			(struct sip_span){(const char *)bytes + taken, length - taken}, &frame);
		if (error)
			break;
		deliver(stream, bytes + taken, &frame);
		taken += frame.length;
	} while (!gone && frame.length);
	if (gone)
		return taken;
	stream->gone = NULL;
	if (error)
		break_off(stream, sip_strerror(error));
	else
		note_part(stream, taken, length);
	return taken;
}

/* ---- making one ------------------------------------------------------------------------------ */

static struct stream *stream_new(struct phone_streams *pool, const struct kl_route *route)
{
	struct stream *stream = calloc(1, sizeof *stream);

	if (!stream)
		return NULL;
	stream->pool = pool;
	stream->id = ++pool->last_id;
	stream->route = *route;
	stream->policy = *pool->config.policy;
	stream->part_until_ms = NET_NEVER;
	if (!net_timer_create(&stream->idle, pool->config.loop,
			      (struct net_callback){take_idle, stream}))
		return stream;
	free(stream);
	return NULL;
}

static struct net_stream_keepalive keepalive_of(const struct stream *stream)
{
	if (!is_kept_alive(stream))
		return (struct net_stream_keepalive){.idle_s = 0};
	return (struct net_stream_keepalive){
		.idle_s = stream->policy.stream_idle_ms / MS_IN_S,
		.interval_s = stream->policy.stream_probe_ms / MS_IN_S,
		.probes = KEEPALIVES_MAX,
	};
}

static struct net_stream_config describe(struct stream *stream, const struct net_address *local)
{
	const struct phone_streams *pool = stream->pool;
	bool secure = stream->route.transport == KL_TLS;

	return (struct net_stream_config){
		.local = *local,
		.remote = phone_route_address(&stream->route),
		.tls = secure ? pool->tls : NULL,
		.keepalive = keepalive_of(stream),
		.dscp = pool->config.dscp,
		.unread_max = SIP_MESSAGE_MAX + 1,
		.unsent_max = PHONE_STREAM_UNSENT_MAX,
		.on_open = take_open,
		.on_bytes = take_bytes,
		.on_end = take_end,
		.user = stream,
	};
}

/* Counts a stream whose connection is there, or drops it. */
static int keep(struct stream *stream, int error)
{
	if (error) {
		net_timer_free(stream->idle);
		free(stream);
		return error;
	}
	LIST_INSERT_HEAD(&stream->pool->all, stream, others);
	if (stream->accepted)
		stream->pool->accepted++;
	else
		stream->pool->opened++;
	stream->pool->own += stream->own;
	note_traffic(stream);
	return 0;
}

static int stream_open(struct stream **out, struct phone_streams *pool, const struct phone_hop *hop,
		       const struct net_address *local)
{
	const struct net_address address = phone_route_address(&hop->route);
	char text[NET_ADDRESS_TEXT_MAX];
	struct net_stream_config config;
	struct stream *stream;
	int error;

	if (pool->opened >= PHONE_STREAMS_MAX || (hop->own && pool->own >= PHONE_STREAMS_OWN_MAX))
		return -EMFILE;
	stream = stream_new(pool, &hop->route);
	if (!stream)
		return -ENOMEM;
	stream->own = hop->own;
	if (hop->own)
		stream->id = hop->stream;
	snprintf(stream->name, sizeof stream->name, "%s", hop->name ? hop->name : "");
	stream->route.tls_name =
		hop->name && hop->route.transport == KL_TLS ? kl_tls_name(hop->name) : 0;
	if (hop->policy)
		stream->policy = *hop->policy;
	config = describe(stream, local);
	config.tls_name = hop->name ? hop->name : phone_write_host(&address, text);
	error = keep(stream, net_stream_open(&stream->net, pool->config.loop, &config));
	if (!error)
		*out = stream;
	return error;
}

static bool has_room(const struct phone_streams *pool, const struct kl_route *source)
{
	const struct stream *stream;
	unsigned count = 0;

	LIST_FOREACH(stream, &pool->all, others)
	count += stream->accepted && !memcmp(stream->route.ip, source->ip, sizeof source->ip);
	return count < PHONE_STREAMS_SOURCE_MAX && pool->accepted < PHONE_STREAMS_ACCEPTED_MAX;
}

static void accept_stream(struct phone_streams *pool, enum kl_transport transport,
			  const struct net_arrival *arrival)
{
	const struct kl_route source = phone_route_of(&arrival->source, transport);
	struct net_stream_config config;
	struct stream *stream = NULL;

	if (pool->config.admits(pool->config.user, &source)) {
		if (has_room(pool, &source))
			stream = stream_new(pool, &source);
		else
			pool->counters.crowded++;
	}
	if (!stream) {
		close(arrival->fd);
		pool->config.on_odd(pool->config.user);
		return;
	}
	stream->accepted = true;
	config = describe(stream, &arrival->source);
	keep(stream, net_stream_accept(&stream->net, pool->config.loop, &config, arrival->fd));
}

static void take_tcp(void *user, const struct net_arrival *arrival)
{
	accept_stream(user, KL_TCP, arrival);
}

static void take_tls(void *user, const struct net_arrival *arrival)
{
	accept_stream(user, KL_TLS, arrival);
}

/* ---- life ------------------------------------------------------------------------------------ */

int phone_streams_create(struct phone_streams **out, const struct phone_transport_config *config,
			 char why[PHONE_WHY_MAX])
{
	struct phone_streams *pool = calloc(1, sizeof *pool);
	int error = -ENOMEM;

	snprintf(why, PHONE_WHY_MAX, "out of memory");
	if (pool)
		error = net_tls_create(&pool->tls, &config->tls, why, PHONE_WHY_MAX);
	if (error) {
		free(pool);
		return error;
	}
	pool->config = *config;
	LIST_INIT(&pool->all);
	*out = pool;
	return 0;
}

void phone_streams_free(struct phone_streams *pool)
{
	if (!pool)
		return;
	while (!LIST_EMPTY(&pool->all))
		phone_stream_free(LIST_FIRST(&pool->all));
	for (unsigned i = 0; i < pool->listener_count; i++)
		net_listener_close(pool->listeners[i]);
	net_tls_free(pool->tls);
	free(pool);
}

int phone_streams_listen(struct phone_streams *pool, enum kl_transport transport,
			 struct net_address *local)
{
	const struct net_listener_config config = {
		.local = *local,
		.on_arrival = transport == KL_TLS ? take_tls : take_tcp,
		.user = pool,
	};
	struct net_listener **listener = &pool->listeners[pool->listener_count];
	int error;

	if (transport == KL_TLS && !pool->config.tls.certificate_file)
		return 0;
	error = net_listener_open(listener, pool->config.loop, &config);
	if (error)
		return error;
	pool->listener_count++;
	*local = net_listener_local(*listener);
	return 0;
}

/* ---- use ------------------------------------------------------------------------------------- */

/* RFC 3261 18.2.2: the answer to a request whose stream is gone goes to where its sender listens.
 */
int phone_streams_send(struct phone_streams *pool, const struct phone_hop *hop,
		       const struct net_address *local, struct sip_span bytes)
{
	struct phone_hop anew = *hop;
	struct stream *stream = phone_stream_find(pool, hop);
	int error = 0;

	anew.stream = 0;
	anew.own = false;
	if (!stream && hop->own)
		stream_open(&stream, pool, hop, local); /* in vain: any serves */
	if (!stream && hop->stream)
		stream = phone_stream_find(pool, &anew);
	if (!stream)
		error = stream_open(&stream, pool, &anew, local);
	if (!error)
		error = net_stream_write(stream->net, bytes.at, bytes.length);
	if (error) {
		pool->counters.send_errors++;
		return error;
	}
	note_traffic(stream);
	pool->counters.sent++;
	return 0;
}

int phone_streams_connect(struct phone_streams *pool, const struct phone_hop *hop,
			  const struct net_address *local)
{
	struct stream *stream;

	return phone_stream_find(pool, hop) ? 0 : stream_open(&stream, pool, hop, local);
}

bool phone_streams_is_open(const struct phone_streams *pool, const struct kl_route *route)
{
	const struct stream *stream = NULL;

	while ((stream = phone_stream_next(pool, route, stream)))
		if (net_stream_is_open(stream->net))
			return true;
	return false;
}

void phone_streams_keep_alive(struct phone_streams *pool, const struct kl_route *route,
			      struct sip_span bytes)
{
	struct stream *stream = NULL;

	while ((stream = phone_stream_next(pool, route, stream)))
		if (!net_stream_write(stream->net, bytes.at, bytes.length))
			note_traffic(stream);
}

bool phone_streams_is_reading(const struct phone_streams *pool, const struct kl_route *route)
{
	const struct stream *stream = NULL;

	while ((stream = phone_stream_next(pool, route, stream)))
		if (stream->part_until_ms != NET_NEVER)
			return true;
	return false;
}

void phone_streams_set_policy(struct phone_streams *pool, const struct kl_policy *policy)
{
	pool->config.policy = policy;
}

void phone_streams_count(const struct phone_streams *pool,
			 struct phone_transport_counters *counters)
{
	counters->received += pool->counters.received;
	counters->sent += pool->counters.sent;
	counters->send_errors += pool->counters.send_errors;
	counters->broken = pool->counters.broken;
	counters->crowded = pool->counters.crowded;
	counters->streams = pool->opened + pool->accepted;
}

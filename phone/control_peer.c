/* control_peer.c - one connection to the control socket. */
#include "phone/control_peer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "phone/private.h"

static void peer_break(struct phone_peer *peer)
{
	peer->broken = true;
	shutdown(peer->fd, SHUT_RDWR);
}

/* ---- out ------------------------------------------------------------------------------------- */

static void peer_flush(struct phone_peer *peer);

static void take_writable(void *user, unsigned ready)
{
	(void)ready;
	peer_flush(user);
}

/* Sends what waits, and watches for room if that is not all. */
static void peer_flush(struct phone_peer *peer)
{
	const struct net_watch_config watch = {
		.fd = peer->fd, .events = NET_WRITABLE, .on_ready = take_writable, .user = peer};
	ssize_t sent;

	while (peer->out_sent < peer->out_length) {
		sent = send(peer->fd, peer->out + peer->out_sent, peer->out_length - peer->out_sent,
			    MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			break;
		peer->out_sent += (size_t)sent;
	}
	if (peer->out_sent < peer->out_length) {
		if (errno != EAGAIN ||
		    (!peer->writing && net_watch_create(&peer->writing, peer->phone->loop, &watch)))
			peer_break(peer);
		return;
	}
	peer->out_length = peer->out_sent = 0;
	net_watch_free(peer->writing);
	peer->writing = NULL;
}

/* Has it left less than MOST bytes unread, with this line? */
static bool has_room(const struct phone_peer *peer, size_t length, size_t most)
{
	return peer->out_length - peer->out_sent + length + 1 <= most;
}

/* A peer that does not read what it asked for is cut off. */
static void peer_put(struct phone_peer *peer, const char *line)
{
	size_t length = strlen(line);
	char *grown = NULL;

	if (peer->broken)
		return;
	if (peer->out_sent) {
		peer->out_length -= peer->out_sent;
		memmove(peer->out, peer->out + peer->out_sent, peer->out_length);
		peer->out_sent = 0;
	}
	if (has_room(peer, length, PHONE_CONTROL_WAITING_MAX))
		grown = realloc(peer->out, peer->out_length + length + 1);
	if (!grown) {
		peer_break(peer);
		return;
	}
	memcpy(grown + peer->out_length, line, length);
	grown[peer->out_length + length] = '\n';
	peer->out = grown;
	peer->out_length += length + 1;
	peer_flush(peer);
}

void phone_peer_put(struct phone_peer *peer, json_t *json)
{
	char *line = json ? json_dumps(json, JSON_COMPACT) : NULL;

	json_decref(json);
	if (line)
		peer_put(peer, line);
	else
		peer_break(peer);
	free(line);
}

void phone_peer_answer(struct phone_peer *peer, json_t *json)
{
	if (json && peer->tag)
		json_object_set(json, "tag", peer->tag);
	phone_peer_put(peer, json);
}

void phone_peer_refuse(struct phone_peer *peer, const char *why)
{
	phone_peer_answer(peer, json_pack("{s:s}", "error", why));
}

/* ---- events ---------------------------------------------------------------------------------- */

/* Who reads too slowly misses events, and is told how many once there is room again; the phone
 * waits for nobody. */
static void take_event(void *user, const char *text)
{
	struct phone_peer *peer = user;

	if (!has_room(peer, strlen(text), PHONE_CONTROL_EVENTS_MAX)) {
		peer->missed++;
		return;
	}
	if (peer->missed)
		phone_peer_put(peer, json_pack("{s:s, s:I}", "event", "gap", "missed",
					       (json_int_t)peer->missed));
	peer->missed = 0;
	peer_put(peer, text);
}

bool phone_peer_hears(const struct phone_peer *peer, uint32_t line)
{
	return peer->listens && (!peer->listener.number ||
				 peer->listener.number == peer->phone->config->lines[line].number);
}

void phone_peer_listen(struct phone_peer *peer, uint32_t number)
{
	peer->listener.number = number;
	if (!peer->listens)
		phone_listen(peer->phone, &peer->listener);
	peer->listens = true;
}

/* ---- in -------------------------------------------------------------------------------------- */

/* Takes the whole lines off what was read. */
static void take_lines(struct phone_peer *peer)
{
	char *end;

	while (!peer->broken && (end = memchr(peer->in, '\n', peer->in_length))) {
		size_t length = (size_t)(end - peer->in);

		phone_peer_take_request(peer, peer->in, length);
		peer->in_length -= length + 1;
		memmove(peer->in, end + 1, peer->in_length);
	}
	if (peer->in_length == sizeof peer->in) {
		phone_peer_refuse(peer, "the request is too long");
		peer_break(peer);
	}
}

static void take_readable(void *user, unsigned ready)
{
	struct phone_peer *peer = user;
	ssize_t got = recv(peer->fd, peer->in + peer->in_length, sizeof peer->in - peer->in_length,
			   MSG_DONTWAIT);

	(void)ready;
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got > 0) {
		peer->in_length += (size_t)got;
		take_lines(peer);
	}
	if (got <= 0 || peer->broken)
		peer->on_closed.call(peer->on_closed.user);
}

/* ---- life ------------------------------------------------------------------------------------ */

int phone_peer_create(struct phone_peer **out, struct phone *phone, int fd,
		      struct net_callback on_closed)
{
	struct phone_peer *peer = calloc(1, sizeof *peer);
	const struct net_watch_config watch = {
		.fd = fd, .events = NET_READABLE, .on_ready = take_readable, .user = peer};
	int error = peer ? net_watch_create(&peer->reading, phone->loop, &watch) : -ENOMEM;

	if (error) {
		free(peer);
		close(fd);
		return error;
	}
	peer->phone = phone;
	peer->fd = fd;
	peer->on_closed = on_closed;
	peer->listener.on_event = take_event;
	peer->listener.user = peer;
	*out = peer;
	return 0;
}

void phone_peer_free(struct phone_peer *peer)
{
	peer->broken = true;
	if (peer->listens)
		phone_unlisten(&peer->listener);
	phone_call_hang_up(peer->phone, peer->call);
	phone_unsubscribe_all(peer->phone, peer);
	net_watch_free(peer->reading);
	net_watch_free(peer->writing);
	close(peer->fd);
	free(peer->out);
	free(peer);
}

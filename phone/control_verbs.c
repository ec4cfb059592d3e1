/* control_verbs.c - what may be asked for over the control socket (docs/control.md). */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "phone/control_peer.h"
#include "phone/private.h"
#include "phone/status.h"

enum { EXPIRES_MAX_S = INT32_MAX / 1000, REJECT_DEFAULT = 486 };

/* Which line a request means; without a number, the first.  Its index; KL_NO_LINE: there is none.
 */
static uint32_t find_line(const struct phone *phone, const json_t *request)
{
	const json_t *number = json_object_get(request, "line");
	const struct config *config = phone->config;

	if (!number)
		return 0;
	for (uint32_t i = 0; i < config->engine.line_count; i++)
		if (json_is_integer(number) &&
		    config->lines[i].number == json_integer_value(number))
			return i;
	return KL_NO_LINE;
}

static const char *text_of(const json_t *request, const char *key)
{
	return json_string_value(json_object_get(request, key));
}

static void say_done(struct phone_peer *peer)
{
	phone_peer_answer(peer, json_pack("{s:b}", "ok", 1));
}

/* ---- calls ----------------------------------------------------------------------------------- */

/* Who listens to the line hears it with all the others. */
static void take_call_event(void *user, const struct phone_call_event *event)
{
	struct phone_peer *peer = user;

	if (event->type == PHONE_CALL_OVER)
		peer->call = 0;
	if (!phone_peer_hears(peer, event->line))
		phone_peer_put(peer, phone_event_of_call(peer->phone, event));
}

static void do_call(struct phone_peer *peer, const json_t *request)
{
	const char *target = text_of(request, "target");
	const json_t *hz = json_object_get(request, "tone_hz");
	unsigned tone = hz ? (unsigned)json_integer_value(hz) : 0;
	const struct phone_call_order order = {
		.line = find_line(peer->phone, request),
		.target = target,
		.audio = {.play = text_of(request, "play"),
			  .tone_hz = tone,
			  .record = text_of(request, "record")},
		.on_event = take_call_event,
		.user = peer,
	};
	char why[PHONE_WHY_MAX];

	if (!target || strlen(target) > PHONE_TARGET_MAX)
		phone_peer_refuse(peer, "a call needs a \"target\" of at most 255 bytes");
	else if (hz && (tone < PHONE_TONE_LEAST || tone > PHONE_TONE_MOST))
		phone_peer_refuse(peer, "\"tone_hz\" is a number, 100 to 3800");
	else if (peer->call)
		phone_peer_refuse(peer, "this connection has a call");
	else if (phone_call_place(peer->phone, &order, &peer->call, why))
		phone_peer_refuse(peer, why);
	else
		say_done(peer);
}

/* Calls that a verb is for, if the request names none. */
enum choice { ANY_CALL, RINGING_CALL, CALL_THAT_IS_UP };

static bool fits(enum choice choice, const struct phone_call_view *call)
{
	switch (choice) {
	case ANY_CALL:
		break;
	case RINGING_CALL:
		return call->incoming && !strcmp(call->state, "ringing");
	case CALL_THAT_IS_UP:
		return !strcmp(call->state, "up");
	}
	return true;
}

/* The call that a request names; without a name this connection's, else the only one that fits.
 * 0: refused. */
static uint64_t choose_call(struct phone_peer *peer, const json_t *request, enum choice choice)
{
	const json_t *named = json_object_get(request, "call");
	struct phone_call_view call;
	uint64_t found = named ? (uint64_t)json_integer_value(named) : 0;

	bool knows = named || (peer->call && choice != RINGING_CALL);

	if (knows && !named)
		found = peer->call;
	for (uint32_t i = 0; !knows && phone_get_call(peer->phone, i, &call); i++) {
		if (!fits(choice, &call))
			continue;
		if (found) {
			phone_peer_refuse(peer, "which \"call\"? there are several");
			return 0;
		}
		found = call.id;
	}
	if (!found)
		phone_peer_refuse(peer, "there is no such call");
	return found;
}

static int answer(struct phone *phone, uint64_t id, const json_t *request)
{
	(void)request;
	return phone_call_answer(phone, id);
}

static int reject(struct phone *phone, uint64_t id, const json_t *request)
{
	const json_t *status = json_object_get(request, "status");
	json_int_t number = status ? json_integer_value(status) : REJECT_DEFAULT;

	return number < 300 || number > 699 ? -EINVAL
					    : phone_call_reject(phone, id, (unsigned)number);
}

static int hang_up(struct phone *phone, uint64_t id, const json_t *request)
{
	(void)request;
	if (!phone_call_find(phone, id))
		return -ENOENT;
	phone_call_hang_up(phone, id);
	return 0;
}

static int hold(struct phone *phone, uint64_t id, const json_t *request)
{
	(void)request;
	return phone_call_hold(phone, id);
}

static int resume(struct phone *phone, uint64_t id, const json_t *request)
{
	(void)request;
	return phone_call_resume(phone, id);
}

static int digits(struct phone *phone, uint64_t id, const json_t *request)
{
	const char *text = text_of(request, "digits");

	return text && *text ? phone_call_send_digits(phone, id, text) : -EINVAL;
}

/* ---- subscriptions --------------------------------------------------------------------------- */

static void do_subscribe(struct phone_peer *peer, const json_t *request)
{
	const json_t *expires = json_object_get(request, "expires_s");
	const char *target = text_of(request, "target");
	struct phone_subscribe_order order = {
		.line = find_line(peer->phone, request),
		.event = text_of(request, "package"),
		.target = target ? target : "",
		.expires_ms = (kl_ms)json_integer_value(expires) * 1000,
		.owner = peer,
	};
	char why[PHONE_WHY_MAX];
	uint64_t id;

	if (!order.event || strlen(order.target) > PHONE_TARGET_MAX)
		phone_peer_refuse(peer,
				  "a subscription needs a \"package\", and a \"target\" of at "
				  "most 255 bytes");
	else if (expires &&
		 (json_integer_value(expires) < 1 || json_integer_value(expires) > EXPIRES_MAX_S))
		phone_peer_refuse(peer, "\"expires_s\" is a number of seconds, 1 to 2147483");
	else if (phone_subscribe(peer->phone, &order, &id, why))
		phone_peer_refuse(peer, why);
	else
		phone_peer_answer(peer,
				  json_pack("{s:b, s:I}", "ok", 1, "subscription", (json_int_t)id));
}

static void do_unsubscribe(struct phone_peer *peer, const json_t *request)
{
	json_int_t id = json_integer_value(json_object_get(request, "subscription"));

	if (phone_unsubscribe(peer->phone, (uint64_t)id))
		phone_peer_refuse(peer, "there is no such \"subscription\"");
	else
		say_done(peer);
}

/* ---- looking --------------------------------------------------------------------------------- */

static void do_status(struct phone_peer *peer, const json_t *request)
{
	(void)request;
	phone_peer_answer(peer, phone_status(peer->phone));
}

static void do_events(struct phone_peer *peer, const json_t *request)
{
	uint32_t line = find_line(peer->phone, request);

	if (line == KL_NO_LINE) {
		phone_peer_refuse(peer, "there is no such line");
		return;
	}
	say_done(peer);
	phone_peer_listen(peer, json_object_get(request, "line")
					? peer->phone->config->lines[line].number
					: 0);
}

/* ---- all of them ----------------------------------------------------------------------------- */

static const struct verb {
	const char *name;
	void (*run)(struct phone_peer *peer, const json_t *request);
	/* Without `run`: what it does to one call. */
	int (*handle)(struct phone *phone, uint64_t id, const json_t *request);
	enum choice choice;
} verbs[] = {
	{"status", do_status, NULL, ANY_CALL},
	{"events", do_events, NULL, ANY_CALL},
	{"call", do_call, NULL, ANY_CALL},
	{"answer", NULL, answer, RINGING_CALL},
	{"reject", NULL, reject, RINGING_CALL},
	{"hang-up", NULL, hang_up, ANY_CALL},
	{"hold", NULL, hold, CALL_THAT_IS_UP},
	{"resume", NULL, resume, CALL_THAT_IS_UP},
	{"digits", NULL, digits, CALL_THAT_IS_UP},
	{"subscribe", do_subscribe, NULL, ANY_CALL},
	{"unsubscribe", do_unsubscribe, NULL, ANY_CALL},
};

enum { VERBS = sizeof verbs / sizeof verbs[0], NAMES_MAX = 256 };

static void refuse_unknown(struct phone_peer *peer)
{
	char why[NAMES_MAX] = "\"do\" is none of ";

	for (size_t i = 0; i < VERBS; i++)
		snprintf(why + strlen(why), sizeof why - strlen(why), "%s%s", i ? ", " : "",
			 verbs[i].name);
	phone_peer_refuse(peer, why);
}

static const char *verb_error(const struct verb *verb, int error)
{
	switch (error) {
	case -EINVAL:
		return verb->handle == reject ? "\"status\" is a number, 300 to 699"
					      : "\"digits\" are of 0-9 * # A-D";
	case -ENOSPC:
		return "too many digits wait to be sent";
	case -ENOTSUP:
		return "the far end takes no digits";
	default:
		return "there is no such call";
	}
}

static void handle(struct phone_peer *peer, const json_t *request, const struct verb *verb)
{
	uint64_t id = choose_call(peer, request, verb->choice);
	int error = id ? verb->handle(peer->phone, id, request) : 0;

	if (error)
		phone_peer_refuse(peer, verb_error(verb, error));
	else if (id)
		say_done(peer);
}

static void run(struct phone_peer *peer, const json_t *request)
{
	const char *what = text_of(request, "do");

	if (!what) {
		phone_peer_refuse(peer, "a request is a line of JSON with a \"do\"");
		return;
	}
	for (size_t i = 0; i < VERBS; i++) {
		if (strcmp(what, verbs[i].name) != 0)
			continue;
		if (verbs[i].run)
			verbs[i].run(peer, request);
		else
			handle(peer, request, &verbs[i]);
		return;
	}
	refuse_unknown(peer);
}

void phone_peer_take_request(struct phone_peer *peer, const char *line, size_t length)
{
	json_t *request = json_loadb(line, length, JSON_REJECT_DUPLICATES, NULL);

	peer->tag = json_object_get(request, "tag");
	run(peer, request);
	peer->tag = NULL;
	json_decref(request);
}

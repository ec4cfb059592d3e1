/* control_verbs.c - what may be asked for over the control socket (docs/control.md). */
#include <stdio.h>
#include <string.h>

#include "phone/control_peer.h"
#include "phone/private.h"
#include "phone/status.h"

enum { EXPIRES_MAX_S = INT32_MAX / 1000 };

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

static void take_call_event(void *user, const struct phone_call_event *event)
{
	struct phone_peer *peer = user;
	char route[KL_TEXT_MAX];
	json_t *json = json_pack("{s:s, s:I, s:s}", "event", phone_call_event_name(event),
				 "after_ms", (json_int_t)event->after_ms, "text", event->text);

	if (event->status)
		json_object_set_new(json, "status", json_integer(event->status));
	if (event->route.port)
		json_object_set_new(json, "route",
				    json_string(phone_route_text(&event->route, route)));
	if (event->type == PHONE_CALL_OVER) {
		json_object_set_new(json, "was_up", json_boolean(event->was_up));
		peer->call = 0;
	}
	phone_peer_answer(peer, json);
}

static void do_call(struct phone_peer *peer, const json_t *request)
{
	const char *target = text_of(request, "target");
	const struct phone_call_order order = {
		.line = find_line(peer->phone, request),
		.target = target,
		.on_event = take_call_event,
		.user = peer,
	};
	char why[PHONE_WHY_MAX];

	if (!target || strlen(target) > PHONE_TARGET_MAX)
		phone_peer_refuse(peer, "a call needs a \"target\" of at most 255 bytes");
	else if (peer->call)
		phone_peer_refuse(peer, "this connection has a call");
	else if (phone_call_place(peer->phone, &order, &peer->call, why))
		phone_peer_refuse(peer, why);
}

static void do_hang_up(struct phone_peer *peer, const json_t *request)
{
	(void)request;
	phone_call_hang_up(peer->phone, peer->call);
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
} verbs[] = {
	{"status", do_status},   {"events", do_events},       {"call", do_call},
	{"hang-up", do_hang_up}, {"subscribe", do_subscribe}, {"unsubscribe", do_unsubscribe},
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
		verbs[i].run(peer, request);
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

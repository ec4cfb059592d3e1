#include "sim/story.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void sim_story_init(struct sim_story *story, const char *name, FILE *transcript)
{
	*story = (struct sim_story){
		.name = name, .transcript = transcript, .ttl_ms = 24 * 3600 * 1000};
	story->settings = &story->devices[0];
	sim_settings_init(story->settings);
	sim_world_init(&story->world, &(struct sim_watch){.context = story,
							  .event = sim_story_see_event,
							  .action = sim_story_see_action,
							  .settled = sim_story_see_settled,
							  .say = sim_story_see_text});
	sim_story_show(story,
		       &(struct sim_words){.word = {"query", "abandon", "routes"}, .count = 3},
		       true);
}

void sim_story_free(struct sim_story *story)
{
	sim_world_free(&story->world);
	free(story->invariants);
}

bool sim_story_fail(struct sim_story *story, const char *format, ...)
{
	size_t size = sizeof(story->error);
	va_list arguments;
	int used;

	used = snprintf(story->error, size, "%s:%u: ", story->name, story->line);
	if (used < 0 || (size_t)used >= size)
		return false;
	va_start(arguments, format);
	vsnprintf(story->error + used, size - (size_t)used, format, arguments);
	va_end(arguments);
	return false;
}

void sim_story_tell(struct sim_story *story, const char *format, ...)
{
	va_list arguments;

	fprintf(story->transcript, "[%5llu] ", (unsigned long long)sim_world_now(&story->world));
	va_start(arguments, format);
	vfprintf(story->transcript, format, arguments);
	va_end(arguments);
	fputc('\n', story->transcript);
}

/* Goes over to the device that was said since "reload". */
static bool adopt(struct sim_story *story)
{
	struct sim_settings *settings = story->settings;
	int count;

	struct sim_invariants *invariants;

	kl_limits_keep(&settings->config, story->world.config);
	count = sim_world_reload(&story->world, &settings->config);
	if (count < 0)
		return sim_story_fail(story, "%s", kl_strerror(count));
	invariants = malloc(sim_invariants_size(&settings->config));
	if (!invariants)
		return sim_story_fail(story, "no memory");
	sim_invariants_init(invariants, &settings->config);
	sim_invariants_carry(invariants, story->invariants);
	free(story->invariants);
	story->invariants = invariants;
	story->reloading = false;
	sim_story_tell(story, "reload: %d of %u lines go on", count, settings->config.line_count);
	return true;
}

bool sim_story_begin(struct sim_story *story)
{
	struct sim_settings *settings = story->settings;
	char reason[SIM_REASON_MAX] = "";
	int error;

	if (story->world.engine && !story->reloading)
		return true;
	if (!sim_settings_finish(settings, reason))
		return sim_story_fail(story, "%s", reason);
	if (story->reloading)
		return adopt(story);
	story->invariants = malloc(sim_invariants_size(&settings->config));
	if (!story->invariants)
		return sim_story_fail(story, "no memory");
	sim_invariants_init(story->invariants, &settings->config);
	error = sim_world_start(&story->world, &settings->config, settings->seed);
	return !error || sim_story_fail(story, "%s", kl_strerror(error));
}

bool sim_story_take_line(struct sim_story *story, struct sim_words *words, uint32_t *line)
{
	uint64_t number;

	*line = 0;
	if (!sim_words_skip(words, "line"))
		return true;
	if (!sim_parse_number(sim_words_take(words), story->settings->config.line_count, &number) ||
	    number == 0)
		return sim_story_fail(story, "there are %u lines",
				      story->settings->config.line_count);
	*line = (uint32_t)number - 1;
	return true;
}

/* ---- the device: what has to be said before it runs --------------------------------------- */

typedef bool (*setting)(struct sim_settings *settings, struct sim_words *words,
			char reason[SIM_REASON_MAX]);

static const struct {
	const char *name;
	setting apply;
} device_commands[] = {
	{"profile", sim_settings_profile},
	{"set", sim_settings_set},
	{"line", sim_settings_line},
	{"seed", sim_settings_seed},
	{"families", sim_settings_families},
	{"limit", sim_settings_limit},
	{"transports", sim_settings_transports},
};

static bool in_time(struct sim_story *story)
{
	return !story->world.engine || story->reloading ||
	       sim_story_fail(story, "too late: the device is made when its line starts");
}

static bool play_setting(struct sim_story *story, setting apply, struct sim_words *words)
{
	char reason[SIM_REASON_MAX] = "";

	return in_time(story) &&
	       (apply(story->settings, words, reason) || sim_story_fail(story, "%s", reason));
}

static bool play_remember(struct sim_story *story, struct sim_words *words)
{
	return in_time(story) && sim_story_remember(story, words);
}

static bool play_static(struct sim_story *story, struct sim_words *words)
{
	return in_time(story) && sim_story_static(story, words);
}

/* What follows is another device, said anew; lines go on by their keys. */
static bool play_reload(struct sim_story *story, struct sim_words *words)
{
	(void)words;
	story->settings = &story->devices[story->settings == &story->devices[0]];
	sim_settings_init(story->settings);
	story->reloading = true;
	return true;
}

/* ---- time and the user -------------------------------------------------------------------- */

bool sim_story_run(struct sim_story *story, kl_ms until)
{
	if (until < sim_world_now(&story->world))
		return sim_story_fail(story, "that time has passed: it is %llu ms",
				      (unsigned long long)sim_world_now(&story->world));
	return sim_world_run(&story->world, until) == 0 ||
	       sim_story_fail(story, "the engine does not stop to ask for the time %llu ms",
			      (unsigned long long)sim_world_now(&story->world));
}

static bool play_run(struct sim_story *story, struct sim_words *words)
{
	kl_ms ms;

	if (!sim_parse_time(sim_words_take(words), &ms))
		return sim_story_fail(story, "run how long? Say 500ms, 3.5s, 10min or 1h");
	return sim_story_run(story, sim_world_now(&story->world) + ms);
}

/* "until TIME" lets all happen up to TIME; "at TIME COMMAND" plays a command then. */
static bool play_until(struct sim_story *story, struct sim_words *words)
{
	kl_ms ms;

	if (!sim_parse_time(sim_words_take(words), &ms))
		return sim_story_fail(story, "when? Say 500ms, 3.5s, 10min or 1h");
	return sim_story_run(story, ms);
}

/* Feeds one event for one line, or for all if the words name none. */
static bool play_lines(struct sim_story *story, struct sim_words *words, enum kl_event_type type)
{
	bool all = !sim_words_peek(words);
	uint32_t line;

	if (!sim_story_take_line(story, words, &line))
		return false;
	for (uint32_t i = line; i < (all ? story->settings->config.line_count : line + 1); i++)
		sim_world_feed(&story->world, &(struct kl_event){.type = type, .line = i});
	return true;
}

static bool play_start(struct sim_story *story, struct sim_words *words)
{
	return play_lines(story, words, KL_EV_LINE_START);
}

static bool play_stop(struct sim_story *story, struct sim_words *words)
{
	return play_lines(story, words, KL_EV_LINE_STOP);
}

static bool take_token(struct sim_story *story, struct sim_words *words, uint64_t *token)
{
	return (sim_parse_number(sim_words_take(words), UINT64_MAX, token) && *token > 0) ||
	       sim_story_fail(story, "requests and calls are named by numbers from 1");
}

static bool request(struct sim_story *story, struct sim_words *words, enum kl_method method)
{
	uint64_t token;
	uint32_t line;
	int result;

	if (!take_token(story, words, &token) || !sim_story_take_line(story, words, &line))
		return false;
	if (sim_host_find_call(&story->world, token))
		return sim_story_fail(story, "number %llu is taken", (unsigned long long)token);
	result = sim_host_request(&story->world, line, method, token);
	if (result != KL_OK)
		sim_story_tell(story, "request %llu: %s", (unsigned long long)token,
			       result == KL_IGNORED ? "ignored" : kl_strerror(result));
	return true;
}

static bool play_call(struct sim_story *story, struct sim_words *words)
{
	return request(story, words, KL_INVITE);
}

static bool play_request(struct sim_story *story, struct sim_words *words)
{
	enum kl_method method;

	if (!sim_parse_method(sim_words_take(words), &method))
		return sim_story_fail(story, "request which method?");
	return request(story, words, method);
}

/* The address that a server, or its text, names. */
static bool take_source(struct sim_story *story, struct sim_words *words, struct kl_route *source)
{
	const char *name = sim_words_take(words);
	const struct sim_server *server = name ? sim_world_find_server(&story->world, name) : NULL;

	*source = (struct kl_route){.port = 5060, .transport = KL_UDP};
	if (!server)
		return sim_parse_address(name, source->ip) ||
		       sim_story_fail(story, "from which server or address?");
	memcpy(source->ip, server->ip4, sizeof(server->ip4));
	return true;
}

/* A call from SOURCE: is it taken (CALL-2, FAIL-5)? */
static void take_call_from(struct sim_story *story, uint32_t line, uint64_t token,
			   const struct kl_route *source)
{
	static const char *const ends[] = {"taken", "refused with 403", "dropped"};
	struct kl_binding binding;
	enum kl_acceptance end = kl_may_accept(story->world.engine, line, source, &binding);

	sim_story_tell(story, "call %llu comes in and is %s", (unsigned long long)token, ends[end]);
	if (end == KL_ACCEPT)
		sim_host_take_call(&story->world, line, token, &binding);
}

static bool play_incoming(struct sim_story *story, struct sim_words *words)
{
	struct kl_route source;
	uint64_t token;
	uint32_t line;

	if (!take_token(story, words, &token) || !sim_story_take_line(story, words, &line))
		return false;
	if (!sim_words_skip(words, "from")) {
		sim_host_take_call(&story->world, line, token, NULL);
		return true;
	}
	if (!take_source(story, words, &source))
		return false;
	take_call_from(story, line, token, &source);
	return true;
}

static bool take_call(struct sim_story *story, struct sim_words *words, struct sim_call **call)
{
	uint64_t token;

	if (!take_token(story, words, &token))
		return false;
	*call = sim_host_find_call(&story->world, token);
	return *call || sim_story_fail(story, "there is no %llu", (unsigned long long)token);
}

static bool play_hangup(struct sim_story *story, struct sim_words *words)
{
	struct sim_call *call;

	if (!take_call(story, words, &call))
		return false;
	if (!call->up)
		return sim_story_fail(story, "there is no call to hang up");
	sim_host_hang_up(&story->world, call);
	return true;
}

static bool play_cancel(struct sim_story *story, struct sim_words *words)
{
	struct sim_call *call;

	if (!take_call(story, words, &call))
		return false;
	sim_host_cancel(&story->world, call);
	return true;
}

/* Asks whether a request inside the call's dialog may be sent (FAIL-5, FAIL-6). */
static bool play_signal(struct sim_story *story, struct sim_words *words)
{
	struct sim_call *call;

	if (!take_call(story, words, &call))
		return false;
	sim_story_tell(story, "call %llu %s signal", (unsigned long long)call->token,
		       kl_may_signal(story->world.engine, &call->binding) ? "may" : "may not");
	return true;
}

/* A request inside the call's dialog failed: what does its line make of it (TRIG-10)? */
static bool play_dialog(struct sim_story *story, struct sim_words *words)
{
	struct kl_event event = {.type = KL_EV_DIALOG_FAILED};
	struct sim_call *call;

	if (!take_call(story, words, &call))
		return false;
	event.dialog.binding = call->binding;
	if (sim_words_skip(words, "408")) {
		event.dialog.status = 408;
		event.dialog.ms = SIM_ABSORB_MS;
	} else if (sim_words_skip(words, "503")) {
		event.dialog.status = 503;
	} else if (sim_words_skip(words, "unreachable")) {
		event.dialog.fault = KL_FAULT_PORT;
	} else {
		return sim_story_fail(story, "a dialog fails by 408, 503 or unreachable");
	}
	sim_world_feed(&story->world, &event);
	return true;
}

static bool play_link(struct sim_story *story, struct sim_words *words)
{
	bool down = sim_words_skip(words, "down");

	if (!down && !sim_words_skip(words, "up"))
		return sim_story_fail(story, "the link is down or up");
	story->world.link_down = down;
	sim_world_feed(&story->world,
		       &(struct kl_event){.type = down ? KL_EV_LINK_DOWN : KL_EV_LINK_UP});
	return true;
}

static bool play_address(struct sim_story *story, struct sim_words *words)
{
	(void)words;
	sim_world_feed(&story->world, &(struct kl_event){.type = KL_EV_ADDRESS_CHANGED});
	return true;
}

/* An ICMP message that quotes none of our packets (TRIG-1). */
static bool play_forge(struct sim_story *story, struct sim_words *words)
{
	const char *name = sim_words_take(words);
	const struct sim_server *server = name ? sim_world_find_server(&story->world, name) : NULL;
	struct kl_event event = {.type = KL_EV_TRANSPORT};

	if (!server)
		return sim_story_fail(story, "forge an ICMP message about which server?");
	event.transport.route = (struct kl_route){.port = server->port, .transport = KL_UDP};
	memcpy(event.transport.route.ip, server->ip4, sizeof(server->ip4));
	event.transport.fault = KL_FAULT_PORT;
	sim_world_feed(&story->world, &event);
	return true;
}

/* The far end closes its streams, or "keepalive": keep-alives find them dead (TRIG-6); "flow": the
 * same for UDP (OWN-6). */
static bool play_drop(struct sim_story *story, struct sim_words *words)
{
	const char *name = sim_words_take(words);
	const struct sim_server *server = name ? sim_world_find_server(&story->world, name) : NULL;
	bool keepalive = sim_words_skip(words, "keepalive");
	struct kl_event lost = {.type = KL_EV_STREAM_LOST, .transport.fault = KL_FAULT_KEEPALIVE};

	if (!server)
		return sim_story_fail(story, "drop the streams to which server?");
	if (sim_words_skip(words, "flow")) {
		lost.transport.route.port = server->port;
		memcpy(lost.transport.route.ip, server->ip4, sizeof(server->ip4));
		sim_world_feed(&story->world, &lost);
		return true;
	}
	sim_stream_drop(&story->world, server,
			keepalive ? KL_FAULT_KEEPALIVE : KL_FAULT_STREAM_LOST);
	return true;
}

/* The far end's own keep-alive (KEEP-3). */
static bool play_ping(struct sim_story *story, struct sim_words *words)
{
	const char *name = sim_words_take(words);
	const struct sim_server *server = name ? sim_world_find_server(&story->world, name) : NULL;

	if (!server)
		return sim_story_fail(story, "which server sends a keep-alive?");
	sim_stream_ping(&story->world, server);
	return true;
}

static bool play_show(struct sim_story *story, struct sim_words *words)
{
	return sim_story_show(story, words, false);
}

static bool play_hide(struct sim_story *story, struct sim_words *words)
{
	return sim_story_show(story, words, true);
}

static bool play_at(struct sim_story *story, struct sim_words *words);

static const struct {
	const char *name;
	bool (*play)(struct sim_story *story, struct sim_words *words);
	bool running; /* needs the engine */
} commands[] = {
	{"server", sim_story_server, false},
	{"dns", sim_story_dns, false},
	{"static", play_static, false},
	{"remember", play_remember, false},
	{"show", play_show, false},
	{"hide", play_hide, false},
	{"start", play_start, true},
	{"stop", play_stop, true},
	{"run", play_run, true},
	{"until", play_until, true},
	{"at", play_at, true},
	{"call", play_call, true},
	{"request", play_request, true},
	{"incoming", play_incoming, true},
	{"hangup", play_hangup, true},
	{"cancel", play_cancel, true},
	{"signal", play_signal, true},
	{"forge", play_forge, true},
	{"dialog", play_dialog, true},
	{"link", play_link, true},
	{"address", play_address, true},
	{"drop", play_drop, true},
	{"ping", play_ping, true},
	{"reload", play_reload, true},
	{"print", sim_story_print, true},
	{"network", sim_story_network, false},
	{"sleep", sim_story_sleep, true},
	{"restart", sim_story_restart, true},
	{"copy", sim_story_copy, true},
	{"adopt", sim_story_adopt, true},
	{"heal", sim_story_heal, true},
	{"release", sim_story_release, true},
	{"judge", sim_story_judge, true},
	{"subscribe", sim_story_subscribe, true},
	{"unsubscribe", sim_story_unsubscribe, true},
	{"notify", sim_story_notify, true},
	{"shared-call", sim_story_shared, true},
};

static bool play_words(struct sim_story *story, struct sim_words *words)
{
	const char *name = sim_words_take(words);

	for (size_t i = 0; name && i < sizeof(device_commands) / sizeof(device_commands[0]); i++) {
		if (strcmp(name, device_commands[i].name) == 0)
			return play_setting(story, device_commands[i].apply, words);
	}
	for (size_t i = 0; name && i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(name, commands[i].name) == 0)
			return (!commands[i].running || sim_story_begin(story)) &&
			       commands[i].play(story, words);
	}
	return sim_story_fail(story, "no command \"%s\"", name ? name : "");
}

static bool play_at(struct sim_story *story, struct sim_words *words)
{
	return play_until(story, words) && play_words(story, words);
}

bool sim_story_play_line(struct sim_story *story, const char *text, size_t size)
{
	struct sim_words words;

	story->line++;
	if (!sim_words_split(&words, text, size))
		return sim_story_fail(story, "too long: %d bytes and %d words at most",
				      SIM_LINE_MAX - 1, SIM_WORDS_MAX);
	if (!sim_words_peek(&words))
		return true;
	if (!play_words(story, &words))
		return false;
	return !sim_words_peek(&words) ||
	       sim_story_fail(story, "what does \"%s\" mean here?", sim_words_peek(&words));
}

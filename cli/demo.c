/* demo.c - `keepline demo`: the main job, told as it happens. */
#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/demo_stage.h"
#include "config/provenance.h"
#include "phone/log.h"
#include "phone/phone.h"

enum {
	STEP_WAIT_MS = 10000, /* for what should take less than a second */
	TALK_MS = 1500,
	PAUSE_MS = 1000,
	SECOND_MS = 1000,
	EARLY_MS = 10, /* how far a measured time may lie before its rule ... */
	LATE_MS = 300, /* ... and after it: the machine may be busy */
	SENDS = 3,
	MOVE_MS = 3500,      /* 500 + 1000 + 2000 ms: TIME-1 */
	DURATION_MS = 60000, /* the shortest failBack.timeout that the guide permits */
	GRANT_S = 30,        /* --failback=registration: the longest time that servers grant */
	REFRESH_MS = 15000,  /* of it the refresh comes after max(30 - 60, min(15, 30)) s: REG-1 */
};

/* What has to be seen for the demo to have shown anything. */
#define DEMO_STEPS(X)                                                                              \
	X(FOUND, "three servers found through one SRV name")                                       \
	X(REGISTERED, "registered with server 1, which asked for credentials")                     \
	X(CALLED, "a call answered by server 1")                                                   \
	X(TRIED, "server 1 silent: the next call sent to it at 0, 500 and 1500 ms")                \
	X(MOVED, "REGISTER sent to server 2 at 3500 ms")                                           \
	X(ANSWERED, "the same call then answered by server 2")                                     \
	X(STAYED, "the call after it sent to server 2 at once")                                    \
	X(RETURNED, "server 1 back: the line returned to it by its failback rule")                 \
	X(CALLED_AGAIN, "a call answered by server 1 again")

#define DEMO_STEP(name, text) STEP_##name,
enum step { DEMO_STEPS(DEMO_STEP) STEPS };
#undef DEMO_STEP

#define DEMO_TEXT(name, text) text,
static const char *const step_texts[STEPS] = {DEMO_STEPS(DEMO_TEXT)};
#undef DEMO_TEXT

/* The configuration, as a provisioning server would hand it to a Polycom phone.  Guide: Poly
 * Solution Guide: Failover and Route Redundancy (2023). */
static const char configuration[] = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
				    "<polycomConfig\n"
				    "  reg.1.address=\"" STAGE_USER "\"\n"
				    "  reg.1.auth.userId=\"" STAGE_USER "\"\n"
				    "  reg.1.auth.password=\"" STAGE_PASSWORD "\"\n"
				    "  voIpProt.server.1.address=\"" STAGE_DOMAIN "\"\n"
				    "  voIpProt.server.1.transport=\"UDPOnly\"\n"
				    "  voIpProt.server.1.failOver.reRegisterOn=\"1\"\n"
				    "  voIpProt.server.1.failOver.failBack.mode=\"%s\"\n"
				    "  voIpProt.server.1.failOver.failBack.timeout=\"60\"\n"
				    "/>\n";

struct demo {
	struct stage stage;
	struct config *config;
	struct phone *phone;
	bool by_refresh;       /* failBack.mode is "registration", else "duration" */
	uint64_t failback_ms;  /* by which rule, so long after connecting */
	uint32_t routes;       /* that the phone says it found */
	uint64_t connected_at; /* of server 2's 200 to REGISTER; 0: not yet */
	bool seen[STEPS];
};

/* ---- the phone ---- */

/* Routes go by the names of the demo's servers, rules by those of the parameters. */
static void name_route(void *context, const struct kl_route *route, char *to, size_t size)
{
	const struct demo *d = context;
	struct net_address address = {.port = route->port};

	memcpy(address.ip, route->ip, sizeof address.ip);
	snprintf(to, size, "server %u", stage_server_at(&d->stage, &address));
}

static void name_rule(void *context, uint32_t line, uint32_t entry, enum kl_policy_field rule,
		      char *to, size_t size)
{
	struct demo *d = context;

	config_name_rule(d->config, line, entry, rule, to, size);
}

static void take_action(void *user, const struct kl_action *action, kl_ms at)
{
	struct demo *d = user;
	const struct kl_words words = {
		.context = d,
		.route = name_route,
		.rule = name_rule,
		.config = &d->config->engine,
		.relative = true,
		.now = at,
	};
	char text[KL_TEXT_MAX];

	if (action->type == KL_DO_REPORT && action->report.why == KL_WHY_NAMES_FOUND)
		d->routes = action->report.count;
	if (action->type == KL_DO_REPORT &&
	    (action->report.type == KL_REPORT_STATE || action->report.type == KL_REPORT_MOVE))
		stage_tell(&d->stage, "phone", "%s",
			   kl_format_action(text, sizeof text, action, &words));
}

/* Writes the configuration to a file, as config_load() wants it, and loads it. */
static bool load_configuration(struct demo *d)
{
	char path[] = "/tmp/keepline-demo-XXXXXX";
	const char *file = path;
	const struct config_options options = {.files = &file, .file_count = 1};
	char text[KL_TEXT_MAX];
	int fd = mkstemp(path);
	FILE *to = fd >= 0 ? fdopen(fd, "w") : NULL;
	int error;

	if (!to) {
		fprintf(stderr, "keepline demo: %s: %s\n", path, strerror(errno));
		return false;
	}
	fprintf(to, configuration, d->by_refresh ? "registration" : "duration");
	fclose(to);
	error = config_load(&options, &d->config);
	unlink(path);
	for (uint32_t i = 0; error && i < d->config->diagnostic_count; i++)
		fprintf(stderr, "%s\n",
			config_format_diagnostic(text, sizeof text, &d->config->diagnostics[i]));
	return !error;
}

static bool open_phone(struct demo *d)
{
	struct phone_config config = {
		.loop = d->stage.loop,
		.config = d->config,
		.on_action = take_action,
		.user = d,
	};
	char why[PHONE_WHY_MAX];

	net_resolver_config_init(&config.resolver);
	config.resolver.servers[0] = lab_address(d->stage.lab, LAB_DNS);
	config.resolver.server_count = 1;
	if (!net_address_parse(&config.bind, "127.0.0.1", 0) &&
	    !phone_create(&d->phone, &config, why))
		return true;
	fprintf(stderr, "keepline demo: %s\n", why);
	return false;
}

/* ---- watching ---- */

struct watch {
	const struct stage *stage;
	struct stage_wish wish;
};

static bool is_seen(void *user)
{
	const struct watch *watch = user;

	return stage_find(watch->stage, &watch->wish);
}

/* Waits at most WAIT_MS for what is wished for.  NULL: it did not come. */
static const struct stage_seen *await(struct demo *d, struct stage_wish wish, uint64_t wait_ms)
{
	struct watch watch = {&d->stage, wish};

	stage_wait(&d->stage, is_seen, &watch, net_now_ms() + wait_ms);
	return stage_find(&d->stage, &wish);
}

static void pause_ms(struct demo *d, uint64_t ms)
{
	stage_wait(&d->stage, NULL, NULL, net_now_ms() + ms);
}

/* Prints a measured time beside the one that the rule asks for.  Does it keep to it? */
static bool keeps_time(const char *what, uint64_t measured_ms, uint64_t rule_ms)
{
	bool kept = measured_ms + EARLY_MS >= rule_ms && measured_ms <= rule_ms + LATE_MS;

	printf("      %-28s %8llu ms   rule %6llu ms   %s\n", what, (unsigned long long)measured_ms,
	       (unsigned long long)rule_ms, kept ? "ok" : "NOT KEPT");
	return kept;
}

/* ---- the story ---- */

static void take_call_event(void *user, const struct phone_call_event *event)
{
	struct demo *d = user;

	if (event->type == PHONE_CALL_UP || event->type == PHONE_CALL_OVER)
		stage_tell(&d->stage, "phone", "%s", event->text);
}

/* Calls, lets the two talk, and hangs up.  True: SERVER answered, and saw the call end. */
static bool call(struct demo *d, unsigned server)
{
	const struct phone_call_order order = {
		.target = "bob",
		.on_event = take_call_event,
		.user = d,
	};
	const uint64_t since = net_now_ms();
	char why[PHONE_WHY_MAX];
	uint64_t id;

	stage_tell(&d->stage, "you", "dial bob");
	if (phone_call_place(d->phone, &order, &id, why)) {
		stage_tell(&d->stage, "phone", "%s", why);
		return false;
	}
	if (await(d, (struct stage_wish){server, SIP_INVITE, 200, since}, STEP_WAIT_MS))
		pause_ms(d, TALK_MS);
	stage_tell(&d->stage, "you", "hang up");
	phone_call_hang_up(d->phone, id);
	return await(d, (struct stage_wish){server, SIP_BYE, 200, since}, STEP_WAIT_MS);
}

static void first_registration(struct demo *d)
{
	const struct stage_seen *challenged, *accepted;

	stage_chapter(&d->stage, "A line finds its servers and registers with the first");
	phone_start(d->phone);
	accepted = await(d, (struct stage_wish){1, SIP_REGISTER, 200, 0}, STEP_WAIT_MS);
	challenged = stage_find(&d->stage, &(struct stage_wish){1, SIP_REGISTER, 401, 0});
	d->seen[STEP_FOUND] = d->stage.srv_records == STAGE_SERVERS && d->routes == STAGE_SERVERS;
	d->seen[STEP_REGISTERED] = accepted && challenged && accepted->credentials;
	pause_ms(d, PAUSE_MS);
}

static void first_call(struct demo *d)
{
	stage_chapter(&d->stage, "A call");
	d->seen[STEP_CALLED] = call(d, 1);
	pause_ms(d, PAUSE_MS);
}

/* Guide, "UDP - Failover Timing Controls", example 1: sends at 0, 500 and 1500 ms, the next server
 * at 3500 ms; with reRegisterOn the line registers there before the call goes on. */
static void check_failover(struct demo *d, uint64_t since)
{
	static const uint64_t rules_ms[SENDS] = {0, 500, 1500};
	const struct stage *stage = &d->stage;
	const struct stage_seen *sends[SENDS + 1], *asked, *accepted, *moved, *answered;
	unsigned count;
	bool kept;

	count = stage_find_all(stage, &(struct stage_wish){1, SIP_INVITE, 0, since}, sends,
			       SENDS + 1);
	asked = stage_find(stage, &(struct stage_wish){2, SIP_REGISTER, 0, since});
	accepted = stage_find(stage, &(struct stage_wish){2, SIP_REGISTER, 200, since});
	moved = stage_find(stage, &(struct stage_wish){2, SIP_INVITE, 0, since});
	answered = stage_find(stage, &(struct stage_wish){2, SIP_INVITE, 200, since});
	if (!count)
		return;
	printf("\n    What the servers saw of this call:\n");
	kept = count == SENDS;
	for (unsigned i = 0; i < count && i < SENDS; i++)
		kept &= keeps_time("server 1   INVITE", sends[i]->at_ms - sends[0]->at_ms,
				   rules_ms[i]);
	d->seen[STEP_TRIED] = kept;
	if (asked)
		d->seen[STEP_MOVED] =
			keeps_time("server 2   REGISTER", asked->at_ms - sends[0]->at_ms, MOVE_MS);
	if (moved)
		printf("      %-28s %8llu ms   rule: once registered there\n", "server 2   INVITE",
		       (unsigned long long)(moved->at_ms - sends[0]->at_ms));
	d->seen[STEP_ANSWERED] = answered && accepted && moved->at_ms >= accepted->at_ms &&
				 !strcmp(moved->call_id, sends[0]->call_id);
	if (accepted)
		d->connected_at = accepted->at_ms;
}

/* The first server is dead still, and nothing is sent to it any more. */
static void call_meanwhile(struct demo *d)
{
	const uint64_t since = net_now_ms();
	const struct stage_wish calls = {2, SIP_INVITE, 0, since},
				tries = {1, SIP_INVITE, 0, since};

	stage_chapter(&d->stage,
		      "The next call does not wait: the line is registered with server 2 now");
	d->seen[STEP_STAYED] = call(d, 2) && !stage_find(&d->stage, &tries) &&
			       stage_find(&d->stage, &calls)->at_ms <= since + LATE_MS;
	pause_ms(d, PAUSE_MS);
}

static void failover(struct demo *d)
{
	const uint64_t since = net_now_ms();

	stage_chapter(&d->stage,
		      "Server 1 falls silent: it still takes what is sent, and answers nothing");
	stage_set_fault(&d->stage, 1, LAB_SILENT);
	pause_ms(d, PAUSE_MS);
	call(d, 2);
	check_failover(d, since);
}

/* FAIL-9, FAIL-10: by a refresh, or so long after the 200 that the line got from server 2. */
static void failback(struct demo *d)
{
	const uint64_t back_at = net_now_ms(), due_at = d->connected_at + d->failback_ms;
	const struct stage_wish asks = {1, SIP_REGISTER, 0, back_at};
	const struct stage_wish registers = {1, SIP_REGISTER, 200, back_at};

	stage_chapter(&d->stage, d->by_refresh ? "Server 1 is back. The line returns when its "
						 "registration is due for renewal"
					       : "Server 1 is back. The line returns 60 s after it "
						 "registered with server 2");
	stage_set_fault(&d->stage, 1, LAB_UP);
	if (!d->connected_at)
		return;
	stage_tell(&d->stage, "server 1", "is back");
	while (!await(d, registers, SECOND_MS) && net_now_ms() < due_at + STEP_WAIT_MS)
		stage_count_down(&d->stage, due_at);
	if (!stage_find(&d->stage, &registers))
		return;
	pause_ms(d, PAUSE_MS);
	printf("\n    What server 1 saw, counted from the 200 of server 2:\n");
	d->seen[STEP_RETURNED] =
		keeps_time("server 1   REGISTER",
			   stage_find(&d->stage, &asks)->at_ms - d->connected_at, d->failback_ms);

	stage_chapter(&d->stage, "And a last call");
	d->seen[STEP_CALLED_AGAIN] = call(d, 1);
}

static int print_checklist(const struct demo *d)
{
	int status = 0;

	stage_chapter(&d->stage, "What was to be seen");
	for (int i = 0; i < STEPS; i++) {
		printf("  %-8s %s\n", d->seen[i] ? "ok" : "MISSING", step_texts[i]);
		if (!d->seen[i])
			status = 1;
	}
	printf("\n%s\n",
	       status ? "The demo did not show all of it."
		      : "A dead server cost one call 3.5 seconds, and the next one nothing.");
	return status;
}

static void note_stopped(void *user)
{
	bool *stopped = user;

	*stopped = true;
}

static bool is_set(void *user)
{
	return *(bool *)user;
}

static void leave(struct demo *d)
{
	bool stopped = false;

	stage_chapter(&d->stage, "The phone leaves");
	phone_stop(d->phone, (struct net_callback){note_stopped, &stopped});
	stage_wait(&d->stage, is_set, &stopped, net_now_ms() + STEP_WAIT_MS);
}

static void introduce(const struct demo *d)
{
	char address[NET_ADDRESS_TEXT_MAX];
	struct net_address local = lab_address(d->stage.lab, LAB_DNS);

	printf("A phone line that stays up.  One phone, three SIP servers and a DNS server play "
	       "here, in\n"
	       "this process and for real:\n\n");
	for (unsigned i = 0; i < STAGE_SERVERS; i++) {
		struct net_address server = lab_address(d->stage.lab, (int)i);

		printf("  server %u  %s\n", i + 1, net_address_format(&server, address));
	}
	printf("  dns       %s\n\n", net_address_format(&local, address));
	printf("The phone reads a Polycom configuration: failOver.reRegisterOn 1, failBack.mode "
	       "%s,\n"
	       "all else as the Poly Solution Guide (2023) has it by default.\n",
	       d->by_refresh ? "registration" : "duration, failBack.timeout 60");
	if (d->by_refresh)
		printf("The servers grant %d s, so that a renewal is due after %d s.\n", GRANT_S,
		       REFRESH_MS / 1000);
}

static void play(struct demo *d)
{
	introduce(d);
	first_registration(d);
	if (!d->seen[STEP_REGISTERED])
		return;
	first_call(d);
	failover(d);
	call_meanwhile(d);
	failback(d);
	leave(d);
}

/* ---- the command ---- */

static const struct argp_option options[] = {
	{"failback", 'f', "RULE", 0,
	 "How the line returns: duration (60 s after it left, the default) or registration (when "
	 "its "
	 "registration is due for renewal; 15 s)",
	 0},
	{0},
};

static error_t parse_option(int key, char *value, struct argp_state *state)
{
	struct demo *d = state->input;

	switch (key) {
	case 'f':
		d->by_refresh = !strcmp(value, "registration");
		if (!d->by_refresh && strcmp(value, "duration") != 0)
			argp_error(state, "%s is no rule: duration or registration", value);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse_option,
	.doc = "Tells the main job as it happens: a phone line registers, its server falls silent "
	       "in the "
	       "middle of the day, and the line stays up.\v"
	       "A real phone, three SIP servers and a DNS server run in this process, on loopback "
	       "addresses and free ports.  Every line printed is an event that happened.  Exit "
	       "status: "
	       "0 all of it was seen; 1 it was not.",
};

int cli_demo(int argc, char **argv)
{
	struct demo d = {0};
	int status = 1;

	argp_err_exit_status = 2;
	argp_parse(&argp, argc, argv, 0, NULL, &d);
	phone_log_set_level(PHONE_LOG_ERROR); /* the demo tells the rest itself */
	d.failback_ms = d.by_refresh ? REFRESH_MS : DURATION_MS;
	if (stage_open(&d.stage, d.by_refresh ? GRANT_S : 0) && load_configuration(&d) &&
	    open_phone(&d)) {
		play(&d);
		status = print_checklist(&d);
	}
	phone_free(d.phone);
	stage_close(&d.stage);
	config_free(d.config);
	return status;
}

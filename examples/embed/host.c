/* host.c - a host for Keepline's engine, as small as one can be: a phone whose server dies.
 *
 * The network here is a table and a clock that jumps, so the program runs in no time and prints
 * the same at each run.  The part above "a network that is none" is what every host has; in a
 * SIP stack the functions below it are sockets, a resolver and poll().  docs/embedding.md tells
 * the whole.
 *
 *	cc host.c -o host $(pkg-config --cflags --libs keepline)
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <keepline/keepline.h>

enum { INBOX_MAX = 32, SERVERS = 2, TRAVEL_MS = 20, CALL_TOKEN = 7 };

/* What the network will bring, and when. */
struct arrival {
	kl_ms at;
	struct kl_event event;
};

struct host {
	struct kl_engine *engine;
	kl_ms now;
	struct arrival inbox[INBOX_MAX];
	unsigned inbox_count;
	bool dead[SERVERS];
	struct kl_binding call; /* of the call that is up: kept with its dialog */
	bool call_up;
};

static void ask_dns(struct host *host, const struct kl_action_query *query);
static void transmit(struct host *host, const struct kl_action_send *send);

/* ---- what every host has --------------------------------------------------------------------- */

static void print(const struct host *host, const char *text)
{
	printf("[%7.3f] %s\n", (double)host->now / 1000, text);
}

static void finish_request(struct host *host, const struct kl_action_outcome *outcome)
{
	if (outcome->token != CALL_TOKEN)
		return;
	host->call_up = outcome->status >= 200 && outcome->status < 300;
	host->call = outcome->binding;
}

static void perform(struct host *host, const struct kl_action *action)
{
	char text[KL_TEXT_MAX];

	print(host, kl_format_action(text, sizeof text, action, NULL));
	switch (action->type) {
	case KL_DO_QUERY:
		ask_dns(host, &action->query);
		break;
	case KL_DO_SEND:
		transmit(host, &action->send);
		break;
	case KL_DO_OUTCOME:
		finish_request(host, &action->outcome);
		break;
	case KL_DO_ABANDON:      /* a stack keeps the transaction for 64*T1, to end it properly */
	case KL_DO_CLOSE:        /* there are no streams here, */
	case KL_DO_KEEPALIVE:    /* no NAT, */
	case KL_DO_SUBSCRIPTION: /* and nobody subscribes */
	case KL_DO_REPORT:       /* printed above: it is for people */
		break;
	}
}

/* Tells the engine what happened, and does what it asks for. */
static void feed(struct host *host, const struct kl_event *event)
{
	struct kl_action action;
	int error = kl_feed(host->engine, event, host->now);

	if (error < 0)
		errx(EXIT_FAILURE, "%s", kl_strerror(error));
	while (kl_next_action(host->engine, &action))
		perform(host, &action);
}

/* The arrival that comes first, or NULL. */
static struct arrival *next_arrival(struct host *host)
{
	struct arrival *first = NULL;

	for (unsigned i = 0; i < host->inbox_count; i++)
		if (!first || host->inbox[i].at < first->at)
			first = &host->inbox[i];
	return first;
}

/* The loop.  Over sockets it is poll() with a time-out until kl_deadline(). */
static void run_until(struct host *host, kl_ms end)
{
	for (;;) {
		struct arrival *first = next_arrival(host);
		kl_ms deadline = kl_deadline(host->engine);
		struct kl_event event = {.type = KL_EV_TIME};
		bool arrived = first && first->at <= deadline;

		if ((arrived ? first->at : deadline) > end)
			break;
		host->now = arrived ? first->at : deadline;
		if (arrived) {
			event = first->event;
			*first = host->inbox[--host->inbox_count];
		}
		feed(host, &event);
	}
	host->now = end;
}

/* ---- a network that is none ------------------------------------------------------------------ */

static void arrive(struct host *host, const struct kl_event *event)
{
	if (host->inbox_count == INBOX_MAX)
		errx(EXIT_FAILURE, "too much under way");
	host->inbox[host->inbox_count++] =
		(struct arrival){.at = host->now + TRAVEL_MS, .event = *event};
}

/* The zone of example.test: two servers by SRV, each with an address. */
static void ask_dns(struct host *host, const struct kl_action_query *query)
{
	static const struct kl_dns_record services[SERVERS] = {
		{.ttl_ms = 300000, .name = "a.example.test", .priority = 10, .port = 5060},
		{.ttl_ms = 300000, .name = "b.example.test", .priority = 20, .port = 5060},
	};
	static const struct kl_dns_record addresses[SERVERS] = {
		{.ttl_ms = 300000, .ip = {[10] = 0xff, 0xff, 192, 0, 2, 1}},
		{.ttl_ms = 300000, .ip = {[10] = 0xff, 0xff, 192, 0, 2, 2}},
	};
	struct kl_event event = {
		.type = KL_EV_DNS,
		.dns = {.query = query->query, .status = KL_DNS_NEGATIVE},
	};

	if (query->type == KL_SRV && !strcmp(query->name, "_sip._udp.example.test")) {
		event.dns.records = services;
		event.dns.count = SERVERS;
	}
	for (unsigned i = 0; query->type == KL_A && i < SERVERS; i++)
		if (!strcmp(query->name, services[i].name)) {
			event.dns.records = &addresses[i];
			event.dns.count = 1;
		}
	if (event.dns.count)
		event.dns.status = KL_DNS_ANSWER;
	arrive(host, &event);
}

/* A stack writes the request for `send` here, credentials included, and sends it to send->route.
 * These servers say 200 to everything, as long as they live. */
static void transmit(struct host *host, const struct kl_action_send *send)
{
	unsigned server = send->route.ip[15] - 1U;
	struct kl_event event = {
		.type = KL_EV_RESPONSE,
		.response = {.tx = send->tx, .status = 200, .granted_ms = send->expires_ms},
	};

	if (!host->dead[server])
		arrive(host, &event);
}

/* ---- the story ------------------------------------------------------------------------------- */

static void place_call(struct host *host)
{
	feed(host, &(struct kl_event){
			   .type = KL_EV_REQUEST,
			   .line = 0,
			   .request = {.token = CALL_TOKEN, .method = KL_INVITE},
		   });
}

/* A BYE is the host's own, and so is its transaction.  The engine says whether it may go at all:
 * not after its server lost the registration (FAIL-5). */
static void hang_up(struct host *host)
{
	char text[KL_TEXT_MAX], route[KL_TEXT_MAX];

	snprintf(text, sizeof text, "BYE %s by %s",
		 kl_may_signal(host->engine, &host->call) ? "may go" : "may not go",
		 kl_format_route(route, sizeof route, &host->call.route));
	print(host, text);
	feed(host, &(struct kl_event){.type = KL_EV_CALL_ENDED, .line = host->call.line});
	host->call_up = false;
}

static void tell(struct host *host)
{
	run_until(host, 100);
	feed(host, &(struct kl_event){.type = KL_EV_LINE_START, .line = 0});
	run_until(host, 60000);

	print(host, "-- server a falls silent, and somebody dials");
	host->dead[0] = true;
	place_call(host);
	run_until(host, 80000);

	print(host, "-- the call ends");
	if (host->call_up)
		hang_up(host);

	print(host, "-- server a is back");
	host->dead[0] = false;
	run_until(host, 600000);
}

int main(void)
{
	struct kl_policy policy;
	struct kl_entry_config entry = {
		.name = "example.test",
		.transport_choice = KL_CHOOSE_UDP,
		.registers = true,
		.policy = &policy,
	};
	struct kl_line_config line = {.entries = &entry, .entry_count = 1, .key = 1};
	struct kl_config config = {
		.lines = &line, .line_count = 1, .transports = 1 << KL_UDP, .families = KL_IPV4};
	struct host host = {.now = 0};
	size_t size;
	char why[256];

	kl_policy_profile(&policy, KL_PROFILE_POLY);
	policy.reregister_on = true;
	policy.failback_mode = KL_FAILBACK_DURATION;
	policy.failback_ms = 300000;
	kl_limits_default(&config);
	if (kl_config_check(&config, why, sizeof why))
		errx(EXIT_FAILURE, "%s", why);

	size = kl_engine_size(&config);
	host.engine = malloc(size);
	if (!host.engine || kl_engine_init(host.engine, size, &config, 1, host.now))
		errx(EXIT_FAILURE, "no engine");
	tell(&host);
	free(host.engine);
	return host.call_up ? EXIT_FAILURE : EXIT_SUCCESS;
}

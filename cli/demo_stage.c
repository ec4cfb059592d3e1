/* demo_stage.c - where the demo plays: servers on loopback addresses, and what they saw. */
#include "cli/demo_stage.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	RING_MS = 150, /* a person needs time to answer */
	ANSWER_MS = 700,
};

#define BOLD "\033[1m"
#define PLAIN "\033[0m"
#define CLEAR "\r\033[K"

static const char *const who_colours[1 + STAGE_SERVERS] = {"\033[36m", "\033[33m", "\033[32m",
							   "\033[35m"};

/* ---- telling ---- */

static const char *colour_of(const struct stage *stage, const char *who)
{
	unsigned server = 0;

	if (!stage->colours)
		return "";
	sscanf(who, "server %1u", &server);
	return who_colours[server <= STAGE_SERVERS ? server : 0];
}

void stage_tell(const struct stage *stage, const char *who, const char *format, ...)
{
	double seconds = (double)(net_now_ms() - stage->began_at) / 1000;
	va_list arguments;

	printf("%s%9.3f s  %s%-8s%s  ", stage->colours ? CLEAR : "", seconds, colour_of(stage, who),
	       who, stage->colours ? PLAIN : "");
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	printf("\n");
	fflush(stdout);
}

void stage_chapter(const struct stage *stage, const char *title)
{
	printf("\n%s%s%s\n", stage->colours ? BOLD : "", title, stage->colours ? PLAIN : "");
	fflush(stdout);
}

void stage_count_down(const struct stage *stage, uint64_t due_at)
{
	uint64_t now = net_now_ms();

	if (!stage->colours || now >= due_at)
		return;
	printf(CLEAR "%9s    %llu s to go", "", (unsigned long long)(due_at - now + 999) / 1000);
	fflush(stdout);
}

/* ---- what the servers saw ---- */

/* Had the request that a server answers credentials? */
static bool had_credentials(const struct stage *stage, unsigned server, enum sip_method method)
{
	for (unsigned i = stage->seen_count; i-- > 0;) {
		const struct stage_seen *seen = &stage->seen[i];

		if (seen->server == server && seen->method == method && !seen->status)
			return seen->credentials;
	}
	return false;
}

static void remember(struct stage *stage, unsigned server, const struct lab_sip_wire *wire)
{
	const struct sip_message *message = wire->message;
	struct stage_seen *seen = &stage->seen[stage->seen_count];

	if (stage->seen_count == STAGE_SEEN_MAX)
		return;
	*seen = (struct stage_seen){
		.at_ms = net_now_ms(),
		.server = server,
		.method = message->method,
		.status = message->status,
		.credentials = message->is_request
				       ? sip_message_header(message, SIP_AUTHORIZATION, 0) != NULL
				       : had_credentials(stage, server, message->method),
	};
	if (!sip_span_copy(message->call_id, seen->call_id, sizeof seen->call_id))
		stage->seen_count++;
}

/* What a person need not read: the small change of a call. */
static bool is_dull(const struct sip_message *message)
{
	return message->status == 100 || message->method == SIP_ACK ||
	       (message->status == 200 && message->method == SIP_BYE);
}

static void tell_message(const struct stage *stage, unsigned server,
			 const struct lab_sip_wire *wire)
{
	const struct sip_message *message = wire->message;
	const char *note = "";
	uint32_t expires = 1;
	char who[16];

	snprintf(who, sizeof who, "server %u", server);
	if (message->status) {
		stage_tell(stage, who, "answers %u %s", message->status,
			   sip_reason_phrase(message->status));
		return;
	}
	sip_message_seconds(message, SIP_EXPIRES, &expires);
	if (message->method == SIP_REGISTER && !expires)
		note = ", to leave";
	else if (message->method == SIP_REGISTER &&
		 sip_message_header(message, SIP_AUTHORIZATION, 0))
		note = ", with credentials";
	stage_tell(stage, who, "gets %s%s%s", sip_method_name(message->method), note,
		   wire->lost ? ", says nothing" : "");
}

static void take_wire(void *user, unsigned index, const struct lab_sip_wire *wire)
{
	struct stage *stage = user;

	if (wire->kind != LAB_WIRE_MESSAGE)
		return;
	remember(stage, index + 1, wire);
	if (!is_dull(wire->message))
		tell_message(stage, index + 1, wire);
}

static void take_question(void *user, const struct lab_dns_reply *reply)
{
	struct stage *stage = user;

	if (reply->type != NET_DNS_SRV)
		return;
	stage->srv_records = reply->records;
	stage_tell(stage, "dns", "asked for %s SRV, answers %u records", reply->name,
		   reply->records);
}

unsigned stage_find_all(const struct stage *stage, const struct stage_wish *wish,
			const struct stage_seen **found, unsigned max)
{
	unsigned count = 0;

	for (unsigned i = 0; i < stage->seen_count && count < max; i++) {
		const struct stage_seen *seen = &stage->seen[i];

		if (seen->server == wish->server && seen->method == wish->method &&
		    seen->status == wish->status && seen->at_ms >= wish->since_ms)
			found[count++] = seen;
	}
	return count;
}

const struct stage_seen *stage_find(const struct stage *stage, const struct stage_wish *wish)
{
	const struct stage_seen *found;

	return stage_find_all(stage, wish, &found, 1) ? found : NULL;
}

unsigned stage_server_at(const struct stage *stage, const struct net_address *address)
{
	for (unsigned i = 0; i < STAGE_SERVERS; i++) {
		const struct net_address local = lab_address(stage->lab, (int)i);

		if (!net_address_compare(&local, address))
			return i + 1;
	}
	return 0;
}

/* ---- building it up ---- */

/* All of 127/8 is this machine (RFC 1122, 3.2.1.3): each server has an address of its own. */
static struct net_address loopback(uint8_t third, uint8_t last)
{
	return (struct net_address){.ip = {[10] = 0xff, 0xff, 127, 0, third, last}};
}

/* Three servers of falling priority under one name (RFC 2782), on the ports that they get. */
static void make_plan(struct stage *stage, uint32_t expires_max_s)
{
	static const char *const names[STAGE_SERVERS] = {"server1", "server2", "server3"};

	for (unsigned i = 0; i < STAGE_SERVERS; i++)
		stage->servers[i] = (struct lab_plan_server){
			.name = names[i],
			.address = loopback(1, (uint8_t)(i + 1)),
			.transports = 1u << SIP_UDP,
			.priority = (uint16_t)(10 * (i + 1)),
		};
	stage->plan = (struct lab_plan){
		.domain = STAGE_DOMAIN,
		.user = STAGE_USER,
		.password = STAGE_PASSWORD,
		.algorithms = 1u << SIP_DIGEST_SHA256,
		.servers = stage->servers,
		.server_count = STAGE_SERVERS,
		.dns = {.address = loopback(1, 53), .ttl_s = LAB_TTL_DEFAULT_S},
		.calls = {.ring_ms = RING_MS, .answer_ms = ANSWER_MS, .members_only = true},
		.expires_max_s = expires_max_s,
	};
}

static void ring_bell(void *user)
{
	struct stage *stage = user;

	stage->rung = true;
}

bool stage_open(struct stage *stage, uint32_t expires_max_s)
{
	const struct lab_watcher watcher = {
		.on_wire = take_wire, .on_question = take_question, .user = stage};
	char why[LAB_WHY_MAX];

	*stage = (struct stage){.began_at = net_now_ms(), .colours = isatty(STDOUT_FILENO)};
	sip_init();
	if (net_loop_create(&stage->loop) ||
	    net_timer_create(&stage->bell, stage->loop, (struct net_callback){ring_bell, stage})) {
		fprintf(stderr, "keepline demo: no event loop\n");
		return false;
	}
	make_plan(stage, expires_max_s);
	if (!lab_open(&stage->lab, stage->loop, &stage->plan, &watcher, why))
		return true;
	fprintf(stderr, "keepline demo: %s\n", why);
	return false;
}

void stage_close(struct stage *stage)
{
	lab_close(stage->lab);
	net_timer_free(stage->bell);
	net_loop_free(stage->loop);
}

void stage_set_fault(struct stage *stage, unsigned server, enum lab_fault_kind fault)
{
	char order[LAB_FAULT_TEXT_MAX], answer[LAB_ANSWER_MAX];

	snprintf(order, sizeof order, "server%u %s", server, lab_fault_word(fault));
	lab_order(stage->lab, order, answer);
}

bool stage_wait(struct stage *stage, bool (*condition)(void *user), void *user, uint64_t at_ms)
{
	stage->rung = false;
	net_timer_set(stage->bell, at_ms);
	while (!stage->rung && !(condition && condition(user)))
		if (net_loop_step(stage->loop))
			break;
	net_timer_set(stage->bell, NET_NEVER);
	return condition && condition(user);
}

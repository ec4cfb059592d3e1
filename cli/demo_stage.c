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
	RECORD_MAX = 128,
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

static void remember(struct stage *stage, unsigned server, const struct lab_sip_sight *sight)
{
	const struct sip_message *request = sight->request;
	struct stage_seen *seen = &stage->seen[stage->seen_count];

	if (stage->seen_count == STAGE_SEEN_MAX)
		return;
	*seen = (struct stage_seen){
		.at_ms = sight->at_ms,
		.server = server,
		.method = request->method,
		.status = sight->status,
		.credentials = sip_message_header(request, SIP_AUTHORIZATION, 0),
	};
	if (!sip_span_copy(request->call_id, seen->call_id, sizeof seen->call_id))
		stage->seen_count++;
}

/* What a person need not read: the small change of a call. */
static bool is_dull(const struct lab_sip_sight *sight)
{
	return sight->status == 100 || sight->request->method == SIP_ACK ||
	       (sight->status == 200 && sight->request->method == SIP_BYE);
}

static void tell_sight(const struct stage *stage, unsigned server,
		       const struct lab_sip_sight *sight)
{
	const struct sip_message *request = sight->request;
	const char *method = sip_method_name(request->method), *note = "";
	uint32_t expires = 1;
	char who[16];

	snprintf(who, sizeof who, "server %u", server);
	if (sight->status) {
		stage_tell(stage, who, "answers %u %s", sight->status,
			   sip_reason_phrase(sight->status));
		return;
	}
	sip_message_seconds(request, SIP_EXPIRES, &expires);
	if (request->method == SIP_REGISTER && !expires)
		note = ", to leave";
	else if (request->method == SIP_REGISTER &&
		 sip_message_header(request, SIP_AUTHORIZATION, 0))
		note = ", with credentials";
	stage_tell(stage, who, "gets %s%s%s", method, note,
		   sight->swallowed ? ", says nothing" : "");
}

static void take_sight(void *user, const struct lab_sip_sight *sight)
{
	const struct stage_server *from = user;

	remember(from->stage, from->number, sight);
	if (!is_dull(sight))
		tell_sight(from->stage, from->number, sight);
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
		const struct net_address local = lab_sipserver_local(stage->servers[i].server);

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

static bool opened(int error, const struct net_address *local)
{
	char why[RECORD_MAX];

	if (!error)
		return true;
	net_udp_explain(error, local, why, sizeof why);
	fprintf(stderr, "keepline demo: %s\n", why);
	return false;
}

static bool open_server(struct stage *stage, unsigned index, uint32_t expires_max_s)
{
	struct stage_server *place = &stage->servers[index];
	const struct lab_sipserver_config config = {
		.local = loopback(1, (uint8_t)(index + 1)),
		.registrar =
			{
				.realm = STAGE_DOMAIN,
				.username = STAGE_USER,
				.password = STAGE_PASSWORD,
				.expires_max_s = expires_max_s,
			},
		.members_only = true,
		.ring_ms = RING_MS,
		.answer_ms = ANSWER_MS,
		.on_sight = take_sight,
		.user = place,
	};

	place->stage = stage;
	place->number = index + 1;
	return opened(lab_sipserver_open(&place->server, stage->loop, &config), &config.local);
}

/* Three servers of falling priority under one name (RFC 2782), on the ports that they got. */
static bool open_dns(struct stage *stage)
{
	struct lab_dnsserver_config config = {
		.local = loopback(1, 53),
		.on_question = take_question,
		.user = stage,
	};
	char zone[STAGE_SERVERS * 2 * RECORD_MAX] = "$TTL 300\n", why[RECORD_MAX];
	size_t used = strlen(zone);

	for (unsigned i = 0; i < STAGE_SERVERS; i++) {
		struct net_address at = lab_sipserver_local(stage->servers[i].server);
		uint16_t port = at.port;
		char host[NET_ADDRESS_TEXT_MAX];

		used += (size_t)snprintf(
			zone + used, sizeof zone - used,
			"_sip._udp." STAGE_DOMAIN ". SRV %u 0 %u server%u." STAGE_DOMAIN ".\n"
			"server%u." STAGE_DOMAIN ". A %s\n",
			10 * (i + 1), port, i + 1, i + 1, net_address_format_host(&at, host));
	}
	stage->zone = lab_zone_parse(zone, "the demo's zone", why, sizeof why);
	if (!stage->zone) {
		fprintf(stderr, "keepline demo: %s\n", why);
		return false;
	}
	config.zone = stage->zone;
	return opened(lab_dnsserver_open(&stage->dns, stage->loop, &config), &config.local);
}

static void ring_bell(void *user)
{
	struct stage *stage = user;

	stage->rung = true;
}

bool stage_open(struct stage *stage, uint32_t expires_max_s)
{
	*stage = (struct stage){.began_at = net_now_ms(), .colours = isatty(STDOUT_FILENO)};
	sip_init();
	if (net_loop_create(&stage->loop) ||
	    net_timer_create(&stage->bell, stage->loop, (struct net_callback){ring_bell, stage})) {
		fprintf(stderr, "keepline demo: no event loop\n");
		return false;
	}
	for (unsigned i = 0; i < STAGE_SERVERS; i++)
		if (!open_server(stage, i, expires_max_s))
			return false;
	return open_dns(stage);
}

void stage_close(struct stage *stage)
{
	for (unsigned i = 0; i < STAGE_SERVERS; i++)
		lab_sipserver_close(stage->servers[i].server);
	lab_dnsserver_close(stage->dns);
	lab_zone_free(stage->zone);
	net_timer_free(stage->bell);
	net_loop_free(stage->loop);
}

void stage_set_fault(struct stage *stage, unsigned server, enum lab_fault_kind fault)
{
	lab_sipserver_set_fault(stage->servers[server - 1].server, fault);
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

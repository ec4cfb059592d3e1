#include "tests/swarm/draw.h"

#include <assert.h>
#include <stdarg.h>
#include <string.h>

#include "sim/settings.h"

void draw_say(struct draw *draw, const char *format, ...)
{
	struct tale_line *line = &draw->tale->lines[draw->tale->count++];
	va_list arguments;

	assert(draw->tale->count < TALE_LINES_MAX);
	line->kind = draw->kind;
	line->at = draw->at;
	line->device_line = draw->device_line;
	va_start(arguments, format);
	vsnprintf(line->text, sizeof(line->text), format, arguments);
	va_end(arguments);
}

/* ---- the device -------------------------------------------------------------------------- */

/* Narrower ranges than policy.def's, where those would make a life endless or a refresh incessant.
 */
static const struct {
	const char *name;
	uint32_t least, most;
} ranges[] = {
	{"attempts_max", 1, 6},
	{"invite_attempts_max", 1, 6},
	{"retry_gap_ms", 400, 5000},
	{"t1_ms", 100, 1000},
	{"t2_ms", 1000, 8000},
	{"provisional_max_ms", 1000, 300000},
	{"tcp_fast_failover_ms", 500, 20000},
	{"expires_ms", 300000, 1200000},
	{"expires_overlap_ms", 1000, 600000},
	{"failback_ms", 30000, 900000},
	{"fallback_probe_ms", 30000, 300000},
	{"backoff_fixed_ms", 10000, 300000},
	{"backoff_base_ms", 5000, 120000},
	{"backoff_max_ms", 5000, 600000},
	{"dns_lookup_ms", 300000, 7200000},
	{"dns_wait_max_ms", 0, 10000},
	{"probe_ms", 30000, 600000},
	{"refresh_max_ms", 60000, 600000},
	{"keepalive_ms", 20000, 300000},
	{"probe_max_ms", 30000, 600000},
	{"hold_down_ms", 1000, 300000},
	{"hold_down_max_ms", 1000, 600000},
	{"fleet_lines", 1, 1000},
	{"fleet_capacity", 100, 10000},
	{"boot_spread_ms", 1000, 300000},
	{"arrivals_max", 1, 30}, /* of the few lines of a life */
};

static uint32_t draw_value(struct draw *draw, const struct kl_policy_info *info)
{
	uint32_t least = info->least, most = info->most, bits = 0;

	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
		if (strcmp(ranges[i].name, info->name) == 0) {
			least = ranges[i].least;
			most = ranges[i].most;
		}
	if (info->least == 0 && draw_chance(draw, 3))
		return 0;
	if (most - least < 100)
		return dice_between(&draw->dice, least, most);
	/* Any order of magnitude is as likely as the others. */
	while ((most - least) >> bits > 1)
		bits++;
	bits = dice_between(&draw->dice, 1, bits);
	return dice_between(&draw->dice, least, least + (UINT32_C(1) << bits) - 1);
}

static void draw_policy(struct draw *draw, struct kl_policy *policy)
{
	enum kl_profile profile = (enum kl_profile)dice_roll(&draw->dice, KL_PROFILES);
	uint32_t rarity = dice_between(&draw->dice, 2, 12);

	kl_policy_profile(policy, profile);
	draw_say(draw, "profile %s", kl_profile_name(profile));
	draw->kind = TALE_VALUE;
	for (uint32_t i = 1; i < KL_POLICY_FIELDS; i++) {
		const struct kl_policy_info *info = kl_policy_describe((enum kl_policy_field)i);
		uint32_t value = draw_value(draw, info);
		const char *word = sim_settings_word(info, value);

		if (!draw_chance(draw, rarity) ||
		    kl_policy_set(policy, (enum kl_policy_field)i, value) != KL_OK)
			continue;
		if (word)
			draw_say(draw, "set %s %s", info->name, word);
		else
			draw_say(draw, "set %s %u", info->name, value);
	}
	draw->kind = TALE_STAGE;
}

static kl_ms largest(kl_ms a, kl_ms b)
{
	return a > b ? a : b;
}

/* The longest that one request may be on its way over all routes of an entry of so many NAMES. */
static kl_ms walk_most_ms(const struct draw *draw, const struct kl_policy *policy, uint32_t names)
{
	kl_ms gap_ms = largest(policy->retry_gap_ms, policy->t2_ms);
	kl_ms route_ms =
		largest(UINT64_C(64) * policy->t1_ms,
			gap_ms * largest(policy->attempts_max, policy->invite_attempts_max));

	return policy->provisional_max_ms + policy->dns_wait_max_ms +
	       DRAW_SERVERS_MAX * 2 * names * largest(route_ms, policy->tcp_fast_failover_ms) /
		       draw->zones;
}

/* After the heal one walk may still run, and wait for names; a back-off follows; then a
 * registration lasts that is on a lower route or entry, or on a server that has forgotten it; then
 * that route's time until failback; and all that for one entry after the other. */
static void widen_bound(struct draw *draw, const struct kl_policy *policy, uint32_t names)
{
	/* A negative answer serves so long. */
	kl_ms names_ms = 10000 + largest(300000, policy->dns_lookup_ms);
	static const kl_ms retry_after_ms = 30000, ttl_ms = 15 * 60000; /* the longest drawn */
	kl_ms walk_ms = walk_most_ms(draw, policy, names);
	/* For the fleet's sake a probe, a back-off or a return may come so much later (OWN-5). */
	kl_ms fleet_ms = policy->fleet_capacity
				 ? UINT64_C(12000) * policy->fleet_lines / policy->fleet_capacity
				 : 0;
	kl_ms wait_ms = largest(policy->backoff_max_ms, policy->backoff_fixed_ms) + retry_after_ms +
			policy->fallback_probe_ms + 3 * fleet_ms;
	kl_ms hold_ms = largest(policy->hold_down_ms, policy->hold_down_max_ms);
	kl_ms all_ms = 2 * walk_ms + names_ms + policy->dns_restore_ms + wait_ms +
		       2 * policy->expires_ms + policy->failback_ms + ttl_ms + hold_ms +
		       3 * largest(policy->probe_ms, policy->probe_max_ms);

	draw->bound_ms = largest(draw->bound_ms, all_ms);
	draw->longest_ms = largest(draw->longest_ms, walk_ms);
}

/* A versity has up to four names in an entry, of any kind: zones, servers, addresses. */
static void draw_more_names(struct draw *draw, uint32_t count, char *to, size_t size)
{
	size_t length = 0;

	to[0] = '\0';
	for (uint32_t i = 0; i < count; i++) {
		uint32_t zone = dice_between(&draw->dice, 1, draw->zones);
		const char *domain = ".test", *kind = "z";

		switch (dice_roll(&draw->dice, 4)) {
		case 0:
			domain = "";
			kind = "192.0.2.";
			break;
		case 1:
			kind = "s";
			break;
		default:
			break;
		}
		length += (size_t)snprintf(to + length, size - length, " and %s%u%s", kind, zone,
					   domain);
		assert(length < size);
	}
}

static void draw_entry(struct draw *draw, uint32_t entry)
{
	static const char *const choices[] = {"naptr", "udp", "udp", "tcp", "tls", "tcp-preferred"};
	uint32_t zone = dice_between(&draw->dice, 1, draw->zones);
	const char *choice = choices[dice_roll(&draw->dice, 6)];
	bool rare = draw_chance(draw, 6);
	uint32_t names = draw_chance(draw, 4) ? dice_between(&draw->dice, 2, KL_SPECS_MAX) : 1;
	struct kl_policy policy;
	char group[16] = "", who[64], more[64];

	draw_policy(draw, &policy);
	widen_bound(draw, &policy, names);
	if (entry == 1 && draw_chance(draw, 3))
		snprintf(group, sizeof(group), "group %u ", dice_roll(&draw->dice, 2));
	snprintf(who, sizeof(who), "line %u %skey %u entry %u", draw->device_line, group,
		 draw->device_line, entry);
	draw_more_names(draw, names - 1, more, sizeof(more));
	switch (dice_roll(&draw->dice, 8)) {
	case 0: /* a literal address */
		draw_say(draw, "%s name 192.0.2.%u%s transport %s", who, zone, more,
			 rare ? "tcp port 5060" : "udp");
		break;
	case 1: /* a name of its own address */
		draw_say(draw, "%s name s%u.test%s port 5060 transport %s", who, zone, more,
			 rare ? "tcp" : "udp");
		break;
	default:
		draw_say(draw, "%s name z%u.test%s transport %s%s", who, zone, more, choice,
			 rare ? " unregistered" : "");
		break;
	}
}

void draw_device(struct draw *draw)
{
	bool crowd = draw_chance(draw, 4);

	draw_say(draw, "transports udp tcp tls");
	if (draw_chance(draw, 4))
		draw_say(draw, "families both");
	draw->lines = crowd ? dice_between(&draw->dice, 3, DRAW_LINES_MAX)
			    : dice_between(&draw->dice, 1, 2);
	for (draw->device_line = 1; draw->device_line <= draw->lines; draw->device_line++) {
		uint32_t entries = draw_chance(draw, 2) ? 1 : dice_between(&draw->dice, 2, 4);

		for (uint32_t entry = 1; entry <= entries; entry++)
			draw_entry(draw, entry);
	}
	draw->device_line = 0;
}

/* ---- servers and names ------------------------------------------------------------------- */

/* Each zone has its share; the third server of each has TLS alone. */
static bool is_secure(const struct draw *draw, uint32_t server)
{
	return (server - 1) / draw->zones == 2;
}

void draw_servers(struct draw *draw)
{
	for (uint32_t i = 1; i <= draw->servers; i++)
		draw_say(draw, "server s%u unlisted %sdelay %ums", i,
			 is_secure(draw, i) ? "over tls " : "", dice_between(&draw->dice, 1, 40));
}

static void draw_service(struct draw *draw, const char *prefix, uint32_t zone, bool tls)
{
	for (uint32_t i = zone; i <= draw->servers; i += draw->zones) {
		/* One after the other: the order of a call's arguments is the compiler's. */
		uint32_t priority = 10 * dice_between(&draw->dice, 1, 3);
		uint32_t weight = dice_roll(&draw->dice, 60);

		if (is_secure(draw, i) == tls)
			draw_say(draw, "dns srv %s.z%u.test %u %u %u s%u.test", prefix, zone,
				 priority, weight, tls ? 5061 : 5060, i);
	}
}

void draw_names(struct draw *draw)
{
	draw_say(draw, "dns ttl %u", 300 * dice_between(&draw->dice, 1, 3));
	for (uint32_t i = 1; i <= draw->servers; i++) {
		draw_say(draw, "dns a s%u.test s%u", i, i);
		if (i % 2)
			draw_say(draw, "dns aaaa s%u.test s%u", i, i);
	}
	for (uint32_t zone = 1; zone <= draw->zones; zone++) {
		draw_say(draw, "dns a z%u.test s%u", zone, zone);
		draw_service(draw, "_sip._udp", zone, false);
		draw_service(draw, "_sip._tcp", zone, false);
		draw_service(draw, "_sips._tcp", zone, true);
		draw_say(draw, "dns naptr z%u.test 10 10 s SIP+D2T _sip._tcp.z%u.test", zone, zone);
		draw_say(draw, "dns naptr z%u.test 20 10 s SIP+D2U _sip._udp.z%u.test", zone, zone);
	}
}

/* ---- the whole --------------------------------------------------------------------------- */

static void draw_statics(struct draw *draw)
{
	draw->kind = TALE_VALUE;
	for (uint32_t zone = 1; zone <= draw->zones; zone++) {
		if (draw_chance(draw, 4))
			draw_say(draw, "static a s%u.test s%u ttl %u", zone, zone,
				 60 * dice_between(&draw->dice, 1, 10));
		if (draw_chance(draw, 6))
			draw_say(draw, "static srv _sip._udp.z%u.test 10 10 5060 s%u.test", zone,
				 zone);
	}
	draw->kind = TALE_STAGE;
}

/* The names are what they were, everybody is well, each line has a subscription; then calls are
 * placed, and the verdict. */
static void draw_end(struct draw *draw)
{
	draw->at = draw->heals_at;
	draw_say(draw, "heal");
	for (uint32_t i = 1; i <= draw->servers; i++)
		draw_say(draw, "dns remove s%u.test", i);
	for (uint32_t zone = 1; zone <= draw->zones; zone++) {
		draw_say(draw, "dns remove z%u.test", zone);
		draw_say(draw, "dns remove _sip._udp.z%u.test", zone);
		draw_say(draw, "dns remove _sip._tcp.z%u.test", zone);
		draw_say(draw, "dns remove _sips._tcp.z%u.test", zone);
	}
	draw_names(draw);
	for (draw->device_line = 1; draw->device_line <= draw->lines; draw->device_line++)
		draw_say(draw, "subscribe %u line %u", 800000 + draw->device_line,
			 draw->device_line);
	draw->at += draw->bound_ms;
	for (draw->device_line = 1; draw->device_line <= draw->lines; draw->device_line++)
		draw_say(draw, "call %u line %u", 900000 + draw->device_line, draw->device_line);
	draw->at += draw->longest_ms;
	for (draw->device_line = 1; draw->device_line <= draw->lines; draw->device_line++) {
		draw_say(draw, "judge call %u", 900000 + draw->device_line);
		draw_say(draw, "release %u", 900000 + draw->device_line);
	}
	draw->device_line = 0;
	draw->at += draw->longest_ms;
	draw_say(draw, "judge");
}

void tale_draw(struct tale *tale, uint64_t seed)
{
	struct draw draw = {.tale = tale, .dice = dice_of(seed), .kind = TALE_STAGE};

	tale->seed = seed;
	tale->count = 0;
	for (int i = 0; i < 8; i++) /* neighbouring seeds are strangers */
		dice_roll(&draw.dice, 2);
	draw.zones = dice_between(&draw.dice, 1, DRAW_ZONES_MAX);
	draw.servers = draw.zones * dice_between(&draw.dice, 3, 5);
	draw_say(&draw, "# The swarm's seed %llu.", (unsigned long long)seed);
	draw_say(&draw, "seed %llu", (unsigned long long)seed);
	draw_device(&draw);
	draw_servers(&draw);
	draw_statics(&draw);
	draw_names(&draw);
	draw.kind = TALE_END;
	draw_say(&draw, "hide current failback working late lookup");
	draw_say(&draw, "start");
	draw.heals_at = 60000 * dice_between(&draw.dice, 5, 60);
	draw_faults(&draw);
	draw_events(&draw);
	draw.kind = TALE_END;
	draw_end(&draw);
}

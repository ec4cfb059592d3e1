/* What goes wrong in a life of the swarm, and what its user does. */
#include "tests/swarm/draw.h"

struct fault {
	const char *begins, *ends; /* with the number of a server or a zone; ENDS may be NULL */
	bool names;                /* it befalls a zone */
};

static const struct fault faults[] = {
	/* the network: cut, cut one way, with and without ICMP, the host's own refusal */
	{"server s%u silent", "server s%u up", false},
	{"server s%u unheard", "server s%u up", false},
	{"server s%u unreachable port", "server s%u up", false},
	{"server s%u unreachable net", "server s%u up", false},
	{"server s%u unsendable", "server s%u up", false},
	/* streams: refused, accepted and then silent, reset in mid-stream, dead behind a NAT, TLS
	 */
	{"server s%u refusing", "server s%u up", false},
	{"server s%u mute", "server s%u up", false},
	{"server s%u tls-fails", "server s%u up", false},
	{"drop s%u", NULL, false},
	{"drop s%u keepalive", NULL, false},
	{"drop s%u flow", NULL, false},
	/* servers */
	{"server s%u answers 503", "server s%u up", false},
	{"server s%u answers 503 retry-after 30", "server s%u up", false},
	{"server s%u answers REGISTER 403", "server s%u up", false},
	{"server s%u answers INVITE 403", "server s%u up", false},
	{"server s%u answers INVITE 100 180@1s", "server s%u up", false},
	{"server s%u answers INVITE 100", "server s%u up", false},
	{"server s%u answers REGISTER 100 200@3s", "server s%u up", false},
	{"server s%u answers INVITE 486", "server s%u up", false},
	{"server s%u answers INVITE 482", "server s%u up", false},
	{"server s%u answers 302 redirects-to s1", "server s%u up", false},
	{"server s%u slow 4s", "server s%u up", false},
	{"server s%u slow 40s", "server s%u up", false},
	{"server s%u challenges", NULL, false},
	{"server s%u distrusts", "server s%u up", false},
	{"server s%u refuses", "server s%u up", false},
	{"server s%u foreign", "server s%u up", false},
	{"server s%u stale", NULL, false},
	{"server s%u forgets", NULL, false},
	{"server s%u grants 60", "server s%u up", false},
	{"server s%u grants 0", "server s%u up", false},
	{"server s%u min-expires 7200", "server s%u up", false},
	{"server s%u overloaded 3", "server s%u up", false},
	{"server s%u lacks-outbound", "server s%u up", false},
	{"forge s%u", NULL, false},
	/* names */
	{"dns silent", "dns up", true},
	{"dns failed", "dns up", true},
	{"dns negative", "dns up", true},
	{"dns silent _sip._udp.z%u.test", "dns up _sip._udp.z%u.test", true},
	{"dns negative z%u.test", "dns up z%u.test", true},
	{"dns failed s%u.test", "dns up s%u.test", true},
	{"dns remove s%u.test", NULL, true},
	{"dns remove _sip._udp.z%u.test", NULL, true},
	{"dns srv _sip._udp.z%u.test 5 1 5060 s1.test", NULL, true},
	{"dns srv _sip._tcp.z%u.test 25 1 5060 s1.test", NULL, true},
	{"dns delay 3s", "dns delay 0", true},
	/* all datagrams */
	{"network loss 30", "network", true},
	{"network loss 80", "network", true},
	{"network duplicates 50 jitter 700ms", "network", true},
	{"network loss 20 duplicates 20 jitter 2s", "network", true},
	/* this side */
	{"link down", "link up", true},
	{"address", NULL, true},
	{"sleep 1min", NULL, true},
	{"sleep 10min", NULL, true},
	{"restart", NULL, true},
};

enum { FAULTS = sizeof(faults) / sizeof(faults[0]) };

/* The formats are the table's own. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static void say_of(struct draw *draw, const char *format, uint32_t number)
{
	draw_say(draw, format, number);
}
#pragma GCC diagnostic pop

static void draw_fault(struct draw *draw, const struct fault *fault)
{
	uint32_t number = dice_between(&draw->dice, 1, fault->names ? draw->zones : draw->servers);
	uint32_t span_ms = (uint32_t)draw->heals_at;

	draw->at = 1 + dice_roll(&draw->dice, span_ms - 1);
	say_of(draw, fault->begins, number);
	if (!fault->ends)
		return;
	draw->at += 1 + dice_roll(&draw->dice, span_ms >> dice_roll(&draw->dice, 6));
	if (draw->at < draw->heals_at)
		say_of(draw, fault->ends, number);
}

/* Which kinds of faults exist in this life; then how often each happens. */
void draw_faults(struct draw *draw)
{
	uint32_t rarity = dice_between(&draw->dice, 2, 12);

	draw->kind = TALE_FAULT;
	for (uint32_t i = 0; i < FAULTS; i++) {
		if (!draw_chance(draw, rarity))
			continue;
		for (uint32_t times = dice_between(&draw->dice, 1, 4); times > 0; times--)
			draw_fault(draw, &faults[i]);
	}
}

/* A subscription, and what its server and its user make of it. */
static void draw_subscription(struct draw *draw, uint32_t number)
{
	static const char *const ends[] = {"unsubscribe %u",
					   "notify %u terminated",
					   "notify %u terminated deactivated",
					   "notify %u terminated timeout",
					   "notify %u terminated probation retry-after 20",
					   "notify %u terminated giveup",
					   "notify %u terminated noresource"};

	draw_say(draw, "subscribe %u line %u expires %u", number, draw->device_line,
		 60 * dice_between(&draw->dice, 1, 20));
	draw->at += dice_roll(&draw->dice, 300000);
	if (draw_chance(draw, 3))
		draw_say(draw, "notify %u active expires %u", number,
			 dice_between(&draw->dice, 1, 600));
	draw->at += dice_roll(&draw->dice, 600000);
	if (draw_chance(draw, 2) && draw->at < draw->heals_at)
		say_of(draw, ends[dice_roll(&draw->dice, sizeof(ends) / sizeof(ends[0]))], number);
}

static void draw_event(struct draw *draw, uint32_t number)
{
	static const char *const methods[] = {"SUBSCRIBE", "MESSAGE", "PUBLISH"};
	uint32_t line = dice_between(&draw->dice, 1, draw->lines);
	uint32_t span_ms = (uint32_t)draw->heals_at;

	draw->device_line = line;
	draw->at = 1 + dice_roll(&draw->dice, span_ms - 1);
	switch (dice_roll(&draw->dice, 16)) {
	case 0:
	case 1:
		draw_say(draw, "request %s %u line %u", methods[dice_roll(&draw->dice, 3)], number,
			 line);
		return;
	case 2:
		draw_say(draw, "incoming %u line %u", number, line);
		break;
	case 3:
		draw_say(draw, "stop line %u", line);
		draw->at += dice_roll(&draw->dice, 60000);
		draw_say(draw, "start line %u", line);
		return;
	case 4:
	case 5:
		draw_say(draw, "shared-call %u %sline %u", number,
			 draw_chance(draw, 2) ? "emergency " : "", line);
		break;
	case 6:
	case 7:
	case 8:
	case 9:
		draw_subscription(draw, number);
		return;
	default:
		draw_say(draw, "call %u line %u", number, line);
		break;
	}
	draw->at += dice_roll(&draw->dice, 300000);
	if (draw_chance(draw, 3)) {
		draw_say(draw, "signal %u", number);
		draw_say(draw, draw_chance(draw, 2) ? "dialog %u 408" : "dialog %u unreachable",
			 number);
	}
	if (draw->at < draw->heals_at)
		draw_say(draw, "release %u", number);
}

void draw_events(struct draw *draw)
{
	uint32_t count = dice_roll(&draw->dice, 40);

	draw->kind = TALE_EVENT;
	for (uint32_t number = 1; number <= count; number++)
		draw_event(draw, number);
	draw->device_line = 0;
}

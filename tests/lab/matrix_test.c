/* matrix_test.c - every profile under every fault, in virtual time, judged.
 *
 * A line registers, a server breaks, a call is made, the refresh comes, the server is mended, and
 * half a day goes by.  The judge, who knows the profile's policy and what passed, finds no rule
 * broken, and the rule that the fault is there to try kept.  Writes TAP.
 */
#include <stdio.h>
#include <string.h>

#include "witness.h"

enum { SCRIPT_MAX = 1024 };

static const char *const profiles[] = {"poly",    "poly-2012", "spectralink-84",
				       "yealink", "versity",   "keepline"};

/* COMMANDS break the first of three servers. */
static const struct fault {
	const char *name, *transport, *commands;
	enum lab_rule tried; /* kept in the profiles that reach it; LAB_RULES_MAX: no single one */
} faults[] = {
	{"silent", "udp", "server a silent", LAB_RULE_TIME_8},
	{"all silent", "udp", "server a silent\nserver b silent\nserver c silent", LAB_RULE_BACK_6},
	{"answers lost", "udp", "server a unheard", LAB_RULE_TIME_8},
	{"ICMP", "udp", "server a unreachable port", LAB_RULE_TRIG_1},
	{"ICMP from a router", "udp", "server a unreachable host", LAB_RULE_TRIG_1},
	{"503", "udp", "server a answers REGISTER 503 answers INVITE 503", LAB_RULE_TRIG_2},
	{"503 everywhere", "udp",
	 "server a answers REGISTER 503 answers INVITE 503\n"
	 "server b answers REGISTER 503 answers INVITE 503\n"
	 "server c answers REGISTER 503 answers INVITE 503 retry-after 90",
	 LAB_RULE_BACK_3},
	{"486", "udp", "server a answers INVITE 100 180 486@8s", LAB_RULE_TRIG_5},
	{"403 to REGISTER", "udp", "server a answers REGISTER 403", LAB_RULES_MAX},
	{"slow", "udp", "server a slow 300ms", LAB_RULES_MAX},
	{"loss", "udp", "network loss 10 seed 7", LAB_RULES_MAX},
	{"challenges", "udp", "server a challenges", LAB_RULE_TRIG_8},
	{"stale nonces", "udp", "server a challenges stale", LAB_RULE_TRIG_8},
	{"a password that is wrong", "udp", "server a refuses", LAB_RULES_MAX},
	{"forgets", "udp", "server a forgets", LAB_RULE_REG_1},
	{"short registrations", "udp", "server a grants 90", LAB_RULE_REG_1},
	{"refused connections", "tcp", "server a refusing", LAB_RULE_TRIG_4},
	{"accepts, and says nothing", "tcp", "server a mute", LAB_RULE_TIME_8},
	{"ends its connections", "tcp", "drop a", LAB_RULES_MAX},
	{"a certificate that is wrong", "tls", "server a tls-fails", LAB_RULE_TRIG_4},
};

static void write_script(char to[SCRIPT_MAX], const char *profile, const struct fault *fault)
{
	const char *over = fault->transport;

	snprintf(to, SCRIPT_MAX,
		 "profile %s\ntransports %s\nline 1 transport %s\n"
		 "server a over %s\nserver b over %s\nserver c over %s\n"
		 "start\nrun 10s\n%s\ncall 1\nrun 2h\nserver a up\nserver b up\nserver c up\n"
		 "network loss 0\ncall 2\nrun 10h\n",
		 profile, over, over, over, over, over, fault->commands);
}

static bool judge_pair(const char *profile, const struct fault *fault, uint32_t *kept)
{
	static struct witness witness;
	static struct lab_verdict verdict;
	char script[SCRIPT_MAX];
	bool good;

	write_script(script, profile, fault);
	good = witness_play(&witness, "matrix", script);
	if (!good)
		printf("# %s\n", witness.story.error);
	if (good) {
		witness_judge(&witness, &verdict);
		witness_print(&verdict, "#   ");
		good = !verdict.broken;
		if (fault->tried != LAB_RULES_MAX)
			*kept += verdict.findings[fault->tried].kept;
	}
	witness_free(&witness);
	return good;
}

int main(void)
{
	const size_t fault_count = sizeof faults / sizeof *faults;
	const size_t profile_count = sizeof profiles / sizeof *profiles;
	size_t number = 0, failed = 0;

	sip_init();
	printf("1..%zu\n", fault_count * (profile_count + 1));
	for (size_t i = 0; i < fault_count; i++) {
		uint32_t kept = faults[i].tried == LAB_RULES_MAX;
		bool good;

		for (size_t j = 0; j < profile_count; j++) {
			good = judge_pair(profiles[j], &faults[i], &kept);
			printf("%s %zu - %s: %s\n", good ? "ok" : "not ok", ++number, profiles[j],
			       faults[i].name);
			failed += !good;
		}
		printf("%s %zu - %s: its rule was tried\n", kept ? "ok" : "not ok", ++number,
		       faults[i].name);
		failed += !kept;
	}
	return failed != 0;
}

/* lab_keys.c - single keys of the terminal that break servers. */
#include <stdio.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include "cli/lab.h"

struct cli_keys {
	struct cli_keys_config config;
	struct net_watch *watch;
	struct termios before;
	char chosen[64]; /* whom a key befalls: a server's name, or dns */
};

static const struct {
	char key;
	const char *fault, *shown;
} faults[] = {
	{'u', "up", "up"},
	{'s', "silent", "silent"},
	{'c', "closed", "closed"},
	{'b', "answers 503 retry-after 30", "busy (503)"},
	{'w', "slow 3s", "slow"},
	{'l', "loss 30%", "loss"},
	{'a', "challenges", "asks for ever"},
	{'n', "stale", "stale nonces"},
	{'f', "forgets", "forgets"},
	{'r', "restarts", "restarts"},
	{'m', "mute", "mute"},
	{'x', "resets", "resets"},
	{'e', "servfail", "servfail (dns)"},
};

void cli_keys_help(const struct cli_keys *keys)
{
	const struct lab_plan *plan = lab_plan(keys->config.lab);

	printf("\nkeys, for %s:", keys->chosen);
	for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
		printf("  %c %s", faults[i].key, faults[i].shown);
	printf("\n     ");
	for (unsigned i = 0; i < plan->server_count && i < 9; i++)
		printf("  %u %s", i + 1, plan->servers[i].name);
	printf("  d dns  U all up  t status  v verdict  h help  q quit\n\n");
	fflush(stdout);
}

static void give_order(struct cli_keys *keys, const char *whom, const char *fault)
{
	char order[LAB_FAULT_TEXT_MAX], answer[LAB_ANSWER_MAX];

	snprintf(order, sizeof order, "%s%s%s", whom, *fault ? " " : "", fault);
	lab_order(keys->config.lab, order, answer);
	fputs(answer, stdout);
	if (answer[0] && *fault)
		putchar('\n');
	fflush(stdout);
}

static void choose(struct cli_keys *keys, const char *name)
{
	snprintf(keys->chosen, sizeof keys->chosen, "%s", name);
	printf("the next keys are for %s\n", keys->chosen);
	fflush(stdout);
}

static void take_key(struct cli_keys *keys, char key)
{
	const struct lab_plan *plan = lab_plan(keys->config.lab);
	unsigned digit = (unsigned)(key - '1');

	for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
		if (faults[i].key == key)
			give_order(keys, keys->chosen, faults[i].fault);
	if (key >= '1' && digit < plan->server_count)
		choose(keys, plan->servers[digit].name);
	else if (key == 'd')
		choose(keys, "dns");
	else if (key == 'U')
		give_order(keys, "all", "up");
	else if (key == 't')
		give_order(keys, "status", "");
	else if (key == 'v')
		keys->config.on_verdict(keys->config.user);
	else if (key == 'h' || key == '?')
		cli_keys_help(keys);
	else if (key == 'q')
		give_order(keys, "stop", "");
}

static void take_input(void *user, unsigned ready)
{
	struct cli_keys *keys = user;
	char bytes[16];
	ssize_t got = read(STDIN_FILENO, bytes, sizeof bytes);

	(void)ready;
	if (got <= 0) { /* the terminal is gone */
		net_watch_free(keys->watch);
		keys->watch = NULL;
	}
	for (ssize_t i = 0; i < got; i++)
		take_key(keys, bytes[i]);
}

struct cli_keys *cli_keys_open(const struct cli_keys_config *config)
{
	struct cli_keys *keys = isatty(STDIN_FILENO) ? calloc(1, sizeof *keys) : NULL;
	const struct net_watch_config watch = {
		.fd = STDIN_FILENO, .events = NET_READABLE, .on_ready = take_input, .user = keys};
	struct termios single;

	if (!keys)
		return NULL;
	keys->config = *config;
	snprintf(keys->chosen, sizeof keys->chosen, "%s", lab_plan(config->lab)->servers[0].name);
	if (tcgetattr(STDIN_FILENO, &keys->before) ||
	    net_watch_create(&keys->watch, config->loop, &watch)) {
		free(keys);
		return NULL;
	}
	single = keys->before;
	single.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	tcsetattr(STDIN_FILENO, TCSADRAIN, &single);
	return keys;
}

void cli_keys_close(struct cli_keys *keys)
{
	if (!keys)
		return;
	tcsetattr(STDIN_FILENO, TCSADRAIN, &keys->before);
	net_watch_free(keys->watch);
	free(keys);
}

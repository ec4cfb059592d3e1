/* main.c - keepline: finds the subcommand. */
#include <argp.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *summary;
} commands[] = {
	{"run", cli_run, "bring lines up, and keep them up"},
	{"status", cli_status, "what the lines of the running instance do"},
	{"call", cli_call, "place a call through the running instance"},
	{"answer", cli_answer, "answer a call that rings there"},
	{"reject", cli_reject, "refuse a call that rings there"},
	{"hangup", cli_hangup, "end a call there"},
	{"hold", cli_hold, "tell the far end of a call there to wait"},
	{"resume", cli_resume, "go on with a call that was told to wait"},
	{"events", cli_events, "what happens to the running instance, as it happens"},
	{"subscribe", cli_subscribe, "subscribe through the running instance, and hear what comes"},
	{"explain", cli_explain, "which routes, in what order, at what times; sends no SIP"},
	{"check", cli_check, "what is wrong with a configuration, and what is unwise"},
	{"simulate", cli_simulate, "what a configuration means for a fleet, in virtual time"},
	{"lab", cli_lab, "servers that break on purpose, and a verdict on a phone"},
	{"demo", cli_demo, "the main job, told as it happens"},
};

static void print_help(FILE *to)
{
	fprintf(to, "Usage: keepline COMMAND [OPTION...]\n"
		    "Keeps SIP phone lines working when call servers fail.\n\n");
	for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
		fprintf(to, "  %-9s %s\n", commands[i].name, commands[i].summary);
	fprintf(to, "\nkeepline COMMAND --help tells more of each.\n"
		    "Exit status: 0 done; 1 it ran and the answer is bad; "
		    "2 wrong usage or unreadable input.\n");
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";

	argp_err_exit_status = 2;
	if (!strcmp(name, "--version") || !strcmp(name, "-V")) {
		puts("keepline " KEEPLINE_VERSION);
		return 0;
	}
	if (!strcmp(name, "help") || !strcmp(name, "--help") || !strcmp(name, "-?")) {
		print_help(stdout);
		return 0;
	}
	for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
		char program[32];

		if (strcmp(name, commands[i].name) != 0)
			continue;
		snprintf(program, sizeof program, "keepline %s", name);
		argv[1] = program;
		return commands[i].run(argc - 1, argv + 1);
	}
	if (*name)
		fprintf(stderr,
			"keepline: there is no command \"%s\"; keepline --help lists them\n", name);
	else
		print_help(stderr);
	return 2;
}

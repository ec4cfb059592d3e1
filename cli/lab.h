/* lab.h - what the files of `keepline lab` share. */
#ifndef CLI_LAB_H
#define CLI_LAB_H

#include <argp.h>

#include "cli/names.h"
#include "lab/lab_verdict.h"

/* `keepline lab ctl` and `keepline lab judge`, as cli.h has the subcommands. */
int cli_lab_ctl(int argc, char **argv);
int cli_lab_judge(int argc, char **argv);

/* ---- expectations (lab_expect.c) ---- */

/* Who is expected to keep which rules: --expect. */
struct cli_expected {
	struct lab_expected rules;
	/* Of a file whose names can be looked up; else none are known. */
	struct lab_expected_route routes[KL_SET_ROUTES_MAX];
	uint32_t route_count;
};

/* WHAT is a profile's name, or a file whose first line it is about.  NAMES may be NULL: then no
 * routes are looked for.  False: it was said on standard error why not. */
bool cli_expect(struct cli_expected *expected, const char *command, const char *what,
		struct cli_names *names);

/* The value of --tolerance; one that is none ends the program as argp_error() does. */
uint32_t cli_tolerance_ms(const char *text, struct argp_state *state);

/* Writes the report to PATH.  False: it was said on standard error why not. */
bool cli_lab_write_report(const struct lab_report *report, const char *command, const char *path);

/* ---- the socket (lab_ctl.c) ---- */

/* Where it is unless told otherwise: keepline-lab.sock beside the phone's.  Returns TO. */
char *cli_lab_socket(char *to, size_t size);

/* ---- keys (lab_keys.c) ---- */

struct cli_keys;

struct cli_keys_config {
	struct lab *lab;
	struct net_loop *loop;
	void (*on_verdict)(void *user); /* somebody wants to see one */
	void *user;
};

/* Takes single keys from the terminal on standard input, which is put back by cli_keys_close().
 * NULL: standard input is no terminal. */
struct cli_keys *cli_keys_open(const struct cli_keys_config *config);
void cli_keys_close(struct cli_keys *keys); /* NULL is fine */

/* Prints which keys there are. */
void cli_keys_help(const struct cli_keys *keys);

#endif

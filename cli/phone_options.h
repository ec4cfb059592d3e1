/* phone_options.h - what each subcommand that reads configuration files is told about them. */
#ifndef CLI_PHONE_OPTIONS_H
#define CLI_PHONE_OPTIONS_H

#include <argp.h>
#include <stdio.h>

#include "config/config.h"

/* The files, --profile, --strict, --mac, --model and --versity, as a child of a subcommand's own
 * parser, which leaves the arguments to it.  Its input is a struct config_options, which then
 * points into argv.  Without a file and --versity it is wrong usage. */
extern const struct argp cli_phone_argp;

/* What is wrong with the files, a line each. */
void cli_print_diagnostics(FILE *to, const struct config *config);

#endif

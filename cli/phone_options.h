/* phone_options.h - what every subcommand that reads configuration files asks about the phone. */
#ifndef CLI_PHONE_OPTIONS_H
#define CLI_PHONE_OPTIONS_H

#include <argp.h>

#include "config/config.h"

/* --mac, --model and --versity, as a child of a subcommand's own parser.  Its input is a struct
 * config_options, of which it sets those three. */
extern const struct argp cli_phone_argp;

#endif

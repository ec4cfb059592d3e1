/* key.h - the name of a line that lasts from one load of the files to the next. */
#ifndef CONFIG_KEY_H
#define CONFIG_KEY_H

#include "config/config.h"

/* Gives each of COUNT lines its key: equal for two lines if a registrar can't tell them apart, by
 * address, servers and credentials.  Of such lines in one configuration the first, the second, and
 * so on have keys of their own, whatever stands between them.  Never 0. */
void key_lines(struct kl_line_config *engine_lines, const struct config_line *lines,
	       uint32_t count);

/* The key of a name, alone: the same wherever it stands. */
uint64_t key_of_name(const char *name);

#endif

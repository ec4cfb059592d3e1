/* provenance.h - which parameter set a value, and where it stands.
 *
 * The list of a line's effective values is config_line.values: what is of the line first, then
 * entry by entry; policy values without a vendor's word stand under the engine's name of them.
 */
#ifndef CONFIG_PROVENANCE_H
#define CONFIG_PROVENANCE_H

#include "config/config.h"

/* The value that set policy field FIELD for one entry of a line (both are indices into the
 * engine's configuration).  NULL if there is no such line or entry, or FIELD is none. */
const struct config_value *config_find_value(const struct config *config, uint32_t line,
					     uint32_t entry, enum kl_policy_field field);

/* For kl_words.rule, with a `const struct config *` as context: "reg.1.server.1.retryMaxCount". */
void config_name_rule(void *context, uint32_t line, uint32_t entry, enum kl_policy_field rule,
		      char *to, size_t size);

#endif

/* statics.h - dns.cache.* and dns_cache_*: the records that serve where the DNS gives none
 * (DNS-15). */
#ifndef CONFIG_STATICS_H
#define CONFIG_STATICS_H

#include "config/store.h"

/* Makes the static records of STORE's config.  One that is not complete is told and left out. */
void statics_make(struct config_store *store);

#endif

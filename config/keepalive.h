/* keepalive.h - what a keep-alive consists of. */
#ifndef CONFIG_KEEPALIVE_H
#define CONFIG_KEEPALIVE_H

#include "config/store.h"

/* Fills STORE's config (KEEP-1). */
void keepalive_make(struct config_store *store);

#endif

/* account.h - settings into lines: accounts for SIP, entries and policies for the engine. */
#ifndef CONFIG_ACCOUNT_H
#define CONFIG_ACCOUNT_H

#include "config/store.h"

/* Makes the lines of STORE's config, all by PROFILE; NULL: each as a native file says, else by its
 * vendor's own.  A line that can't be completed is told and left out. */
void account_make_lines(struct config_store *store, const enum kl_profile *profile);

#endif

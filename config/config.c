/* config.c - files in, a configuration that the engine takes out. */
#include "config/config.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config/account.h"
#include "config/poly.h"
#include "config/statics.h"
#include "config/store.h"
#include "config/text.h"

static const char *list_profiles(struct arena *arena)
{
	const char *list = "";
	for (int i = 0; i < KL_PROFILES; i++)
		list = arena_format(arena, "%s%s%s", list, i ? ", " : "",
				    kl_profile_name((enum kl_profile)i));
	return list;
}

/* False, and told, if there is no profile of that NAME. */
static bool find_profile(struct config_store *store, const char *name, enum kl_profile *profile)
{
	*profile = KL_PROFILE_POLY;
	if (!name)
		return true;
	const char *meant = NULL;
	for (int i = 0; i < KL_PROFILES; i++) {
		const char *known = kl_profile_name((enum kl_profile)i);
		if (strcasecmp(known, name) == 0) {
			*profile = (enum kl_profile)i;
			return true;
		}
		if (text_distance(known, name, 2) <= 2)
			meant = known;
	}
	const char *shown = text_show(&store->arena, name);
	struct subject subject = {.severity = CONFIG_ERROR};
	if (meant)
		store_tell(store, subject, "unknown profile \"%s\"; did you mean %s?", shown,
			   meant);
	else
		store_tell(store, subject, "unknown profile \"%s\"; there are %s", shown,
			   list_profiles(&store->arena));
	return false;
}

/* What the files gave must be what the engine takes. */
static bool complete_engine_config(struct config_store *store)
{
	struct kl_config *engine = &store->config.engine;
	if (engine->line_count == 0)
		return false;
	char why[KL_TEXT_MAX];
	kl_limits_default(engine);
	if (kl_config_check(engine, why, sizeof(why)) == KL_OK)
		return true;
	store_tell(store, (struct subject){.severity = CONFIG_ERROR}, "%s", why);
	return false;
}

int config_load(const struct config_options *options, struct config **config)
{
	struct config_store *store = calloc(1, sizeof(*store));
	if (!store)
		abort();
	store_init(store, options->strict);
	*config = &store->config;
	store->config.engine.transports = 1u << KL_UDP | 1u << KL_TCP | 1u << KL_TLS;
	store->config.engine.families = KL_IPV4 | KL_IPV6;

	enum kl_profile profile;
	bool good = find_profile(store, options->profile, &profile), all_read = true;
	for (uint32_t i = 0; i < options->file_count; i++)
		all_read &= poly_read(store, options->files[i], i);
	store_seal(store);
	account_make_lines(store, profile);
	statics_make(store);
	store_tell_unused(store);
	if (all_read && store->config.error_count == 0 && store->config.engine.line_count == 0)
		store_tell(store, (struct subject){.severity = CONFIG_ERROR},
			   "no line: reg.1.address is not set");
	good &= complete_engine_config(store);
	store_finish(store);
	return good ? KL_OK : KL_EINVAL;
}

void config_free(struct config *config)
{
	if (config)
		store_free(config->store);
}

/* config.c - files in, a configuration that the engine takes out. */
#include "config/config.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config/account.h"
#include "config/keepalive.h"
#include "config/native.h"
#include "config/native_inside.h"
#include "config/source.h"
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
	for (uint32_t i = 0; i < engine->line_count; i++)
		engine->limits.subscriptions += store->config.lines[i].subscription_count;
	if (store->config.inside.is_set)
		engine->limits.walks += store->config.inside.requests_max;
	if (kl_config_check(engine, why, sizeof(why)) == KL_OK)
		return true;
	store_tell(store, (struct subject){.severity = CONFIG_ERROR}, "%s", why);
	return false;
}

/* The field from the command line: [EXTENSION@]DOMAIN; SPEC; ... */
static void take_versity(struct config_store *store, const char *field)
{
	const struct position at = {.file = "--versity"};
	if (!field)
		return;
	size_t user = strcspn(field, "@;");
	if (field[user] == '@') {
		const char *extension = arena_copy(&store->arena, field, user);
		store_set(store, "versity.1.extension", extension, &at);
		field += user + 1;
	}
	store_set(store, "versity.1.sip_server", field, &at);
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

	enum kl_profile profile = KL_PROFILE_POLY;
	bool good = !options->profile || find_profile(store, options->profile, &profile);
	take_versity(store, options->versity);
	bool all_read = source_read_all(store, options);
	store_seal(store);
	account_make_lines(store, options->profile ? &profile : NULL);
	statics_make(store);
	keepalive_make(store);
	native_fill_device(store, &store->config.device);
	native_fill_inside(store, native_find_inside(store));
	store->config.device.mac = source_given_mac(&store->arena, options);
	store_tell_unused(store);
	if (all_read && store->config.error_count == 0 && store->config.engine.line_count == 0)
		store_tell(store, (struct subject){.severity = CONFIG_ERROR},
			   "no line: none of reg.1.address, account.1.user_name and "
			   "versity.1.sip_server is set");
	good &= complete_engine_config(store);
	store_finish(store);
	return good ? KL_OK : KL_EINVAL;
}

void config_free(struct config *config)
{
	if (config)
		store_free(config->store);
}

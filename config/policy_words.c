/* policy_words.c - the words for policy values that are no numbers. */
#include "config/policy_words.h"

#include <string.h>

#define WORD(value, word) word,
static const char *const last_routes[] = {KL_LAST_ROUTE_TABLE(WORD)};
static const char *const fast_windows[] = {KL_FAST_WINDOW_TABLE(WORD)};
static const char *const failback_modes[] = {KL_FAILBACK_MODE_TABLE(WORD)};
static const char *const idle_scopes[] = {KL_IDLE_SCOPE_TABLE(WORD)};
static const char *const weight_orders[] = {KL_WEIGHT_ORDER_TABLE(WORD)};
static const char *const static_firsts[] = {KL_STATIC_FIRST_TABLE(WORD)};
static const char *const family_orders[] = {KL_FAMILY_ORDER_TABLE(WORD)};
#undef WORD

static const struct {
	const char *type; /* as in policy.def */
	const char *const *words;
} types[] = {
	{"kl_last_route", last_routes},       {"kl_fast_window", fast_windows},
	{"kl_failback_mode", failback_modes}, {"kl_idle_scope", idle_scopes},
	{"kl_weight_order", weight_orders},   {"kl_static_first", static_firsts},
	{"kl_family_order", family_orders},
};

const char *const *policy_words(enum kl_policy_field field)
{
	const char *type = kl_policy_describe(field)->type;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(types[i].type, type) == 0)
			return types[i].words;
	return NULL;
}

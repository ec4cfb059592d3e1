/* draft_yealink.c - each account.x.user_name makes a line, each server or outbound proxy an entry
 * of it. */
#include "config/draft.h"

static bool fill_line(struct draft *draft, const struct setting *user)
{
	struct config_line *line = draft->line;
	struct scope *scope = &draft->scope;
	if (!resolve_number(scope, PARAMETER_account_enable))
		return false;
	draft_fill_address(draft, user->value.text);
	line->label = resolve_text(scope, PARAMETER_account_label);
	line->display_name = resolve_text(scope, PARAMETER_account_display_name);
	line->auth_user = resolve_text(scope, PARAMETER_account_auth_user);
	line->auth_password = resolve_text(scope, PARAMETER_account_auth_password);
	scope->via_proxy = resolve_number(scope, PARAMETER_account_use_proxy);
	return true;
}

static uint32_t find_entries(struct draft *draft, enum parameter_id id, enum parameter_place place)
{
	uint32_t found = 0;
	for (uint32_t y = 1; y <= KL_ENTRIES_MAX; y++)
		if (draft_has_setting(draft, id, place, draft->scope.x, y))
			found |= 1u << y;
	return found;
}

/* Through outbound proxies each proxy is an entry: the second stands in for the first. */
static uint32_t choose_entries(struct draft *draft)
{
	uint32_t servers = find_entries(draft, PARAMETER_account_server, PLACE_ACCOUNT_SERVER);
	uint32_t proxies = find_entries(draft, PARAMETER_account_proxy, PLACE_ACCOUNT_PROXY);
	draft->scope.via_proxy &= proxies != 0;
	return servers && draft->scope.via_proxy ? proxies : servers;
}

/* The address of server y; of a proxy that has no server of its own, the first server's. */
static const char *find_server(struct draft *draft)
{
	struct scope *scope = &draft->scope;
	uint32_t y = scope->y;
	const char *server = "";
	if (draft_has_setting(draft, PARAMETER_account_server, PLACE_ACCOUNT_SERVER, scope->x, y))
		return resolve_text(scope, PARAMETER_account_server);
	for (scope->y = 1; !*server && scope->y <= KL_ENTRIES_MAX; scope->y++)
		if (draft_has_setting(draft, PARAMETER_account_server, PLACE_ACCOUNT_SERVER,
				      scope->x, scope->y))
			server = resolve_text(scope, PARAMETER_account_server);
	scope->y = y;
	return server;
}

static void fill_entry(struct draft *draft, struct config_entry *entry,
		       struct kl_entry_config *engine_entry)
{
	struct scope *scope = &draft->scope;
	enum parameter_id transport = PARAMETER_account_server_transport;
	entry->server = find_server(draft);
	entry->server_port = (uint16_t)resolve_number(scope, PARAMETER_account_server_port);
	entry->registers = engine_entry->registers = true;
	entry->via_outbound_proxy = scope->via_proxy;
	engine_entry->name = entry->server;
	engine_entry->port = entry->server_port;
	if (scope->via_proxy) {
		engine_entry->name = resolve_text(scope, PARAMETER_account_proxy);
		engine_entry->port = (uint16_t)resolve_number(scope, PARAMETER_account_proxy_port);
		if (draft_has_setting(draft, PARAMETER_account_proxy_transport, PLACE_ACCOUNT_PROXY,
				      scope->x, scope->y))
			transport = PARAMETER_account_proxy_transport;
	}
	engine_entry->transport_choice = (uint8_t)resolve_number(scope, transport);
}

/* nat.udp_update_time counts once nat.udp_update_enable is 1. */
static void adjust_keepalive(struct scope *scope, struct kl_policy *policy)
{
	const struct parameter_key unset = {.id = PARAMETER_account_keepalive_time,
					    .place = PLACE_ACCOUNT};
	const struct setting *enable = resolve_find(scope, PARAMETER_account_keepalive);
	const struct setting *time = resolve_find(scope, PARAMETER_account_keepalive_time);
	struct resolve_override keepalive = {.field = KL_POLICY_keepalive_ms};
	uint32_t seconds = time ? time->value.number : store_value(scope->store, &unset).number;

	if (!enable || !enable->value.number)
		return;
	keepalive.setting = time ? time : enable;
	keepalive.number = seconds * 1000;
	keepalive.text = time ? arena_format(&scope->store->arena, "%u", seconds) : "1";
	resolve_override(scope, policy, keepalive);
}

/* Yealink administrator guides: failback_subscribe.enable needs failback mode 1, 2 or 3. */
static void adjust_resubscribing(struct scope *scope, struct kl_policy *policy)
{
	const struct setting *again = resolve_find(scope, PARAMETER_account_resubscribe);
	struct resolve_override off = {.field = KL_POLICY_resubscribe_on_move,
				       .setting = again,
				       .text = "0",
				       .keeps_name = true};

	if (again && kl_policy_failback_mode(policy) == KL_FAILBACK_NEW_REQUESTS)
		resolve_override(scope, policy, off);
}

static void adjust_policy(struct draft *draft, struct kl_policy *policy)
{
	struct scope *scope = &draft->scope;
	const struct setting *proxy = resolve_find(scope, PARAMETER_account_use_proxy);
	const struct setting *base = resolve_find(scope, PARAMETER_account_backoff_base);

	/* Yealink: Server redundancy: concurrent and successive registration are not for outbound
	 * proxies; there one is registered at a time.  YEA-3 */
	if (scope->via_proxy && proxy) {
		struct resolve_override one_at_a_time = {
			.field = KL_POLICY_successive, .number = 1, .setting = proxy, .text = "1"};
		resolve_override(scope, policy, one_at_a_time);
	}

	/* reg_fail_retry_interval rules until reg_failed_retry_min_time is more than 0: 7.31 of
	 * docs/vendors.md. */
	if (base && base->value.number > 0) {
		uint32_t base_ms = base->value.number * 1000;
		struct resolve_override of_base = {
			.field = KL_POLICY_backoff_base_ms,
			.number = base_ms,
			.setting = base,
			.text = parameter_text(base->key.id, base_ms, &scope->store->arena)};
		struct resolve_override of_fixed = {.field = KL_POLICY_backoff_fixed_ms,
						    .setting = base,
						    .text = "0",
						    .keeps_name = true};
		resolve_override(scope, policy, of_base);
		resolve_override(scope, policy, of_fixed);
	}
	adjust_keepalive(scope, policy);
	adjust_resubscribing(scope, policy);
}

const struct draft_maker draft_yealink = {
	.profile = KL_PROFILE_YEALINK,
	.line_row = PARAMETER_account_user,
	.first_server = {PARAMETER_account_server, .y = 1, .place = PLACE_ACCOUNT_SERVER},
	.or_server = "",
	.fill_line = fill_line,
	.choose_entries = choose_entries,
	.fill_entry = fill_entry,
	.adjust_policy = adjust_policy,
};

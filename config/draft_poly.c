/* draft_poly.c - each reg.x.address makes a line, each server address an entry of it. */
#include "config/draft.h"
#include "config/native.h"

static bool fill_line(struct draft *draft, const struct setting *address)
{
	struct config_line *line = draft->line;
	struct scope *scope = &draft->scope;
	draft_fill_address(draft, address->value.text);
	line->label = resolve_text(scope, PARAMETER_line_label);
	line->display_name = resolve_text(scope, PARAMETER_line_display_name);
	line->auth_user = resolve_text(scope, PARAMETER_line_auth_user);
	line->auth_password = resolve_text(scope, PARAMETER_line_auth_password);
	line->shared = resolve_number(scope, PARAMETER_line_type);
	return true;
}

/* A line with a server of its own has only its own (PROF-2). */
static uint32_t choose_entries(struct draft *draft)
{
	uint32_t own = 0, site = 0;
	for (uint32_t y = 1; y <= KL_ENTRIES_MAX; y++) {
		if (draft_has_setting(draft, PARAMETER_server_address, PLACE_LINE_SERVER,
				      draft->scope.x, y))
			own |= 1u << y;
		if (draft_has_setting(draft, PARAMETER_server_address, PLACE_SITE_SERVER, 0, y))
			site |= 1u << y;
	}
	return own ? own : site;
}

/* PROBE-1: a native file may name further candidates; those of other files have none. */
static void add_names(struct scope *scope, struct kl_entry_config *entry)
{
	struct config_store *store = scope->store;
	const struct position *at = native_add_names(store, scope->x, scope->y, entry);
	const char *names = "";
	if (!at)
		return;
	for (uint32_t i = 0; i < entry->more_count; i++)
		names = arena_format(&store->arena, "%s%s%s", names, i ? ", " : "",
				     entry->more_names[i]);
	struct config_value value = {
		.name = arena_format(&store->arena, "lines.%u.servers.%u.more_names", scope->x,
				     scope->y),
		.value = names,
		.from = store_where(store, at),
		.entry = scope->entry,
		.id = PARAMETER_server_address,
		.set = true,
	};
	resolve_list(scope, &value);
}

static void fill_entry(struct draft *draft, struct config_entry *entry,
		       struct kl_entry_config *engine_entry)
{
	struct scope *scope = &draft->scope;
	scope->via_proxy = false;
	if (scope->entry == 0)
		draft->line->subscribe_expires_ms =
			resolve_number(scope, PARAMETER_subscribe_expires) * 1000;
	entry->server = resolve_text(scope, PARAMETER_server_address);
	entry->server_port = (uint16_t)resolve_number(scope, PARAMETER_server_port);
	entry->registers = resolve_number(scope, PARAMETER_server_register);
	engine_entry->name = entry->server;
	engine_entry->port = entry->server_port;
	engine_entry->registers = entry->registers;
	entry->tells_epid = resolve_number(scope, PARAMETER_server_lcs);

	/* Polycom TB 5844: with a proxy all requests of the registration go there, whatever the
	 * server.  FALL-6 */
	enum parameter_id transport = PARAMETER_server_transport;
	scope->via_proxy = resolve_number(scope, PARAMETER_server_use_proxy);
	const char *proxy = scope->via_proxy ? resolve_text(scope, PARAMETER_proxy_address) : "";
	scope->via_proxy = entry->via_outbound_proxy = *proxy != '\0';
	if (!scope->via_proxy) {
		add_names(scope, engine_entry);
	} else {
		engine_entry->name = proxy;
		engine_entry->port = (uint16_t)resolve_number(scope, PARAMETER_proxy_port);
		transport = PARAMETER_proxy_transport;
	}
	engine_entry->transport_choice = (uint8_t)resolve_number(scope, transport);
}

const struct draft_maker draft_poly = {
	.profile = KL_PROFILE_POLY,
	.line_row = PARAMETER_line_address,
	.first_server = {PARAMETER_server_address, .y = 1, .place = PLACE_LINE_SERVER},
	.or_server = " or voIpProt.server.1.address",
	.fill_line = fill_line,
	.choose_entries = choose_entries,
	.fill_entry = fill_entry,
};

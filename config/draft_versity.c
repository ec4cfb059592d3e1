/* draft_versity.c - each versity.x.sip_server makes a line of one entry. */
#include <assert.h>

#include "config/draft.h"
#include "config/versity.h"

/* `explain` needs no user; a phone that registers does. */
static const char *find_extension(struct draft *draft, const struct setting *server)
{
	const char *extension = resolve_text(&draft->scope, PARAMETER_versity_extension);
	if (*extension)
		return extension;
	struct config_store *store = draft->scope.store;
	struct subject subject = {CONFIG_WARNING, &server->at,
				  parameter_name(&server->key, &store->arena)};
	store_tell(store, subject, "versity.%u.extension is not set; \"phone\" is used",
		   draft->scope.x);
	return "phone";
}

static struct versity_field read_field(struct draft *draft)
{
	const struct setting *server = resolve_find(&draft->scope, PARAMETER_versity_server);
	struct versity_field field;
	bool good = versity_read_field(server->value.text, &draft->scope.store->arena, &field);
	assert(good);
	(void)good;
	return field;
}

static bool fill_line(struct draft *draft, const struct setting *server)
{
	struct versity_field field = read_field(draft);
	struct config_line *line = draft->line;
	struct scope *scope = &draft->scope;
	draft_fill_address(draft, find_extension(draft, server));
	line->domain = field.domain;
	line->label = line->display_name = "";
	line->auth_user = resolve_text(scope, PARAMETER_versity_auth_user);
	line->auth_password = resolve_text(scope, PARAMETER_versity_auth_password);
	return true;
}

static uint32_t choose_entries(struct draft *draft)
{
	(void)draft;
	return 1u << 1;
}

/* PROBE-1, PROBE-2: each spec is a name of the entry, in order of rank.  The port is that of a
 * spec's own addresses, so no URI carries it; one that nobody set is the transport's. */
static void fill_entry(struct draft *draft, struct config_entry *entry,
		       struct kl_entry_config *engine_entry)
{
	struct scope *scope = &draft->scope;
	struct versity_field field = read_field(draft);
	uint32_t port = resolve_number(scope, PARAMETER_versity_port);
	bool is_port_set = resolve_find(scope, PARAMETER_versity_port) != NULL;
	entry->server = field.domain;
	entry->registers = engine_entry->registers = true;
	engine_entry->name = field.specs[0];
	engine_entry->more_names = field.specs + 1;
	engine_entry->more_count = (uint8_t)(field.spec_count - 1);
	engine_entry->port = is_port_set ? (uint16_t)port : 0;
	engine_entry->transport_choice =
		(uint8_t)resolve_number(scope, PARAMETER_versity_transport);
}

const struct draft_maker draft_versity = {
	.profile = KL_PROFILE_VERSITY,
	.line_row = PARAMETER_versity_server,
	.first_server = {PARAMETER_versity_server, .place = PLACE_VERSITY},
	.or_server = "",
	.fill_line = fill_line,
	.choose_entries = choose_entries,
	.fill_entry = fill_entry,
};

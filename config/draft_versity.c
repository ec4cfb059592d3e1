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

static void tell_specs(struct draft *draft, const struct setting *server, uint32_t count)
{
	struct config_store *store = draft->scope.store;
	struct subject subject = {CONFIG_WARNING, &server->at,
				  parameter_name(&server->key, &store->arena)};
	if (count > 1)
		store_tell(store, subject,
			   "of its %u serverspecs only the first has an effect in this version",
			   count);
}

static bool fill_line(struct draft *draft, const struct setting *server)
{
	struct versity_field field = read_field(draft);
	struct config_line *line = draft->line;
	struct scope *scope = &draft->scope;
	draft_fill_address(draft, find_extension(draft, server));
	line->domain = field.domain;
	tell_specs(draft, server, field.spec_count);
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

/* PROBE-1: a name is looked up as SRV first, whatever the port field says; so the port that its
 * transport has anyway stays unsaid. */
static bool fill_entry(struct draft *draft, struct config_entry *entry,
		       struct kl_entry_config *engine_entry)
{
	struct scope *scope = &draft->scope;
	struct versity_field field = read_field(draft);
	entry->server = field.domain;
	entry->server_port = (uint16_t)resolve_number(scope, PARAMETER_versity_port);
	entry->registers = engine_entry->registers = true;
	entry->specs = field.specs;
	entry->spec_count = field.spec_count;
	engine_entry->name = field.specs[0];
	if (!draft_choose_transport(draft, PARAMETER_versity_transport,
				    &engine_entry->transport_choice))
		return false;
	uint16_t usual = engine_entry->transport_choice == KL_CHOOSE_TLS ? 5061 : 5060;
	engine_entry->port = entry->server_port == usual ? 0 : entry->server_port;
	return true;
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

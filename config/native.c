/* native.c - the native file: read, checked, and handed on as settings of the store. */
#include "config/native.h"

#include <ctype.h>
#include <string.h>

#include "config/native_rows.h"
#include "config/native_secret.h"
#include "config/text.h"

struct native {
	struct native *next; /* the file given after it */
	struct native_file file;
};

/* ---- what it is ------------------------------------------------------------------------------ */

bool native_recognize(const struct file *file)
{
	static const char WHITE_SPACE[] = " \t\r\n";
	static const char MARK[] = "\xef\xbb\xbf"; /* UTF-8 */
	const char *next = file->bytes;
	if (strncmp(next, MARK, strlen(MARK)) == 0)
		next += strlen(MARK);
	if (strncmp(next, "#!", 2) == 0)
		return false;
	next += strspn(next, WHITE_SPACE);
	while (*next == '#') {
		next += strcspn(next, "\n");
		next += strspn(next, WHITE_SPACE);
	}
	if (*next == '{' || *next == '[' || strncmp(next, "---", 3) == 0 ||
	    strncmp(next, "%YAML", 5) == 0)
		return true;
	const char *end = next;
	while (isalnum((unsigned char)*end) || *end == '_')
		end++;
	return end > next && end[strspn(end, " ")] == ':';
}

static const char *copy_lower(struct arena *arena, const char *text)
{
	char *copy = arena_copy(arena, text, strlen(text));
	text_lower(copy);
	return copy;
}

/* ---- lines into settings --------------------------------------------------------------------- */

/* Where a value of a line goes. */
static struct parameter_key key_of(enum parameter_id id, enum parameter_place place, uint32_t x,
				   uint32_t y)
{
	return (struct parameter_key){
		.id = (uint16_t)id, .x = (uint16_t)x, .y = (uint8_t)y, .place = (uint8_t)place};
}

/* A value that the table has checked already. */
static void put_leaf(struct config_store *store, struct parameter_key key,
		     const struct yaml_leaf *leaf)
{
	if (!leaf->text)
		return;
	struct setting setting = {.key = key,
				  .value = {leaf->text, leaf->number},
				  .check = CHECK_GOOD,
				  .shown = text_show(&store->arena, leaf->text),
				  .at = leaf->at,
				  .name = leaf->name};
	store_put(store, &setting);
}

/* A text that its parameter checks and spells: a host name becomes lower case. */
static void put_text(struct config_store *store, struct parameter_key key,
		     const struct yaml_leaf *leaf)
{
	struct yaml_leaf spelt = *leaf;
	struct parameter_value value;
	if (!leaf->text)
		return;
	if (parameter_read(key.id, leaf->text, &store->arena, &value) == CHECK_WRONG) {
		store_tell(store, (struct subject){CONFIG_ERROR, &leaf->at, leaf->name},
			   "expected %s", parameter_range(key.id, &store->arena));
		return;
	}
	spelt.text = value.text;
	put_leaf(store, key, &spelt);
}

static void put_server(struct config_store *store, const struct native_server *server, uint32_t x,
		       uint32_t y)
{
	const enum parameter_place place = PLACE_LINE_SERVER;
	put_text(store, key_of(PARAMETER_server_address, place, x, y), &server->name);
	put_leaf(store, key_of(PARAMETER_server_port, place, x, y), &server->port);
	put_leaf(store, key_of(PARAMETER_server_transport, place, x, y), &server->transport);
	put_leaf(store, key_of(PARAMETER_server_register, place, x, y), &server->registers);
	put_leaf(store, key_of(PARAMETER_server_use_proxy, place, x, y),
		 &server->use_outbound_proxy);
	put_leaf(store, key_of(PARAMETER_server_lcs, place, x, y), &server->epid);
}

static void put_address(struct config_store *store, const struct native_line *line, uint32_t x)
{
	struct yaml_leaf address = line->user;
	if (line->domain.text && !line->user.text)
		store_tell(store,
			   (struct subject){CONFIG_ERROR, &line->domain.at, line->domain.name},
			   "a domain needs a user beside it; it is not used");
	if (line->domain.text && line->user.text)
		address.text =
			arena_format(&store->arena, "%s@%s", line->user.text, line->domain.text);
	put_text(store, key_of(PARAMETER_line_address, PLACE_LINE, x, 0), &address);
}

static void put_line(struct config_store *store, struct file *file, const struct native_line *line)
{
	uint32_t x = line->line.number;
	const struct native_ways ways = {&line->password, &line->password_file,
					 &line->password_env};
	struct yaml_leaf password = native_secret(store, file, &ways);
	put_address(store, line, x);
	put_text(store, key_of(PARAMETER_line_label, PLACE_LINE, x, 0), &line->label);
	put_text(store, key_of(PARAMETER_line_display_name, PLACE_LINE, x, 0), &line->display_name);
	put_text(store, key_of(PARAMETER_line_auth_user, PLACE_LINE, x, 0), &line->auth_user);
	put_text(store, key_of(PARAMETER_line_auth_password, PLACE_LINE, x, 0), &password);
	put_leaf(store, key_of(PARAMETER_line_type, PLACE_LINE, x, 0), &line->shared);

	const struct native_proxy *proxy = line->outbound_proxy;
	if (proxy) {
		const enum parameter_place place = PLACE_LINE_PROXY;
		put_text(store, key_of(PARAMETER_proxy_address, place, x, 0), &proxy->address);
		put_leaf(store, key_of(PARAMETER_proxy_port, place, x, 0), &proxy->port);
		put_leaf(store, key_of(PARAMETER_proxy_transport, place, x, 0), &proxy->transport);
	}
	const struct native_server *servers = line->servers.items;
	for (uint32_t i = 0; i < line->servers.count; i++)
		put_server(store, &servers[i], x, i + 1);
}

/* Gives each line its number, which no other of the file has. */
static void put_lines(struct config_store *store, struct file *file,
		      const struct native_file *native)
{
	struct native_line *lines = native->lines.items;
	uint32_t used[CONFIG_LINES_MAX + 1] = {0}; /* where in the file */
	for (uint32_t i = 0; i < native->lines.count; i++) {
		struct native_line *line = &lines[i];
		if (!line->line.text)
			line->line.number = i + 1;
		uint32_t *line_before = &used[line->line.number];
		if (*line_before) {
			store_tell(store, (struct subject){CONFIG_ERROR, &line->at, "lines"},
				   "this is line %u again, as at %u; it is not used",
				   line->line.number, *line_before);
			line->line.number = 0;
			continue;
		}
		*line_before = line->at.line;
		put_line(store, file, line);
	}
}

/* ---- static records -------------------------------------------------------------------------- */

/* What a record lacks, or NULL. */
static const char *find_fault(const struct native_record *record)
{
	if (!record->name.text || !record->type.text)
		return "a record needs name and type";
	switch (native_record_types[record->type.number]) {
	case KL_A:
		return record->address.text && text_is_ipv4(record->address.text)
			       ? NULL
			       : "an A record needs an IPv4 address";
	case KL_AAAA:
		return record->address.text && !text_is_ipv4(record->address.text)
			       ? NULL
			       : "an AAAA record needs an IPv6 address";
	case KL_SRV:
		return record->target.text ? NULL : "an SRV record needs a target";
	case KL_NAPTR:
		return record->target.text && record->service.text
			       ? NULL
			       : "a NAPTR record needs target and service";
	}
	return NULL;
}

static void fill_record(struct arena *arena, const struct native_record *record,
			struct kl_static_record *to)
{
	static const uint32_t TTL_DEFAULT_MS = 300000; /* as that of the vendors' records */
	struct kl_dns_record *data = &to->data;
	to->owner = copy_lower(arena, record->name.text);
	to->type = native_record_types[record->type.number];
	data->ttl_ms = record->ttl.text ? record->ttl.number : TTL_DEFAULT_MS;
	if (to->type == KL_A || to->type == KL_AAAA) {
		text_read_ip(record->address.text, data->ip);
		return;
	}
	data->name = copy_lower(arena, record->target.text);
	data->port = (uint16_t)record->port.number;
	data->priority = (uint16_t)record->priority.number;
	data->weight = (uint16_t)record->weight.number;
	if (to->type != KL_NAPTR)
		return;
	data->priority = (uint16_t)record->order.number;
	data->weight = (uint16_t)record->preference.number;
	data->service = record->service.text;
	data->flag = 's';
}

static uint32_t count_type(const struct kl_static_record *records, uint32_t count,
			   enum kl_record_type type)
{
	uint32_t found = 0;
	for (uint32_t i = 0; i < count; i++)
		found += records[i].type == type;
	return found;
}

bool native_read_record(struct config_store *store, const struct native_record *from,
			struct kl_static_record *to)
{
	const char *fault = find_fault(from);
	if (fault) {
		store_tell(store, (struct subject){CONFIG_ERROR, &from->at, "dns"},
			   "%s; the record is left out", fault);
		return false;
	}
	fill_record(&store->arena, from, to);
	return true;
}

uint32_t native_add_statics(struct config_store *store, struct kl_static_record *records,
			    uint32_t count)
{
	for (const struct native *native = store->natives; native; native = native->next) {
		const struct native_record *from = native->file.dns.items;
		for (uint32_t i = 0; i < native->file.dns.count; i++) {
			enum kl_record_type type = native_record_types[from[i].type.number];
			if (!find_fault(&from[i]) &&
			    count_type(records, count, type) == KL_STATIC_RECORDS_MAX)
				store_tell(store,
					   (struct subject){CONFIG_ERROR, &from[i].at, "dns"},
					   "there are 18 records of this type already; the record "
					   "is left out");
			else
				count += native_read_record(store, &from[i], &records[count]);
		}
	}
	return count;
}

/* ---- policy ---------------------------------------------------------------------------------- */

static const struct yaml_leaf *find_field(const struct native_policy *policy,
					  enum kl_policy_field field)
{
	/* Rows of the table are the fields without the first, which is none. */
	return policy && policy->fields[field].text ? &policy->fields[field] : NULL;
}

static const struct native_line *find_line(const struct native *native, uint32_t x)
{
	const struct native_line *lines = native->file.lines.items;
	/* As a rule they are numbered as they stand. */
	if (x >= 1 && x <= native->file.lines.count && lines[x - 1].line.number == x)
		return &lines[x - 1];
	for (uint32_t i = 0; i < native->file.lines.count; i++)
		if (lines[i].line.number == x)
			return &lines[i];
	return NULL;
}

const struct yaml_leaf *native_policy(const struct config_store *store, uint32_t x, uint32_t y,
				      enum kl_policy_field field)
{
	const struct yaml_leaf *of_line = NULL, *of_file = NULL;
	for (const struct native *native = store->natives; native; native = native->next) {
		const struct native_line *line = find_line(native, x);
		if (line && y >= 1 && y <= line->servers.count) {
			const struct native_server *servers = line->servers.items;
			const struct yaml_leaf *leaf = find_field(servers[y - 1].policy, field);
			if (leaf)
				return leaf;
		}
		if (line && !of_line)
			of_line = find_field(line->policy, field);
		if (!of_file)
			of_file = find_field(native->file.policy, field);
	}
	return of_line ? of_line : of_file;
}

enum kl_profile native_profile(const struct config_store *store, uint32_t x,
			       enum kl_profile otherwise)
{
	for (const struct native *native = store->natives; native; native = native->next) {
		const struct native_line *line = find_line(native, x);
		if (line && line->profile.text)
			return (enum kl_profile)line->profile.number;
		if (line && line->user.text && native->file.profile.text)
			return (enum kl_profile)native->file.profile.number;
		if (line && line->user.text)
			return KL_PROFILE_KEEPLINE;
	}
	return otherwise;
}

uint16_t native_group(const struct config_store *store, uint32_t x)
{
	for (const struct native *native = store->natives; native; native = native->next) {
		const struct native_line *line = find_line(native, x);
		if (line && line->group.text)
			return (uint16_t)line->group.number;
	}
	return 0;
}

/* RFC 4028 4: less than 90 s may not be asked for. */
static uint32_t session_of(const struct yaml_leaf *leaf)
{
	static const uint32_t LEAST_MS = 90000;
	return leaf->number && leaf->number < LEAST_MS ? LEAST_MS : leaf->number;
}

static void fill_calls(struct config_store *store, const struct native_calls *from,
		       struct config_calls *calls)
{
	if (from->incoming.text)
		calls->incoming = (enum config_incoming)from->incoming.number;
	if (from->answer_after.text)
		calls->answer_after_ms = from->answer_after.number;
	if (from->reject_status.text)
		calls->reject_status = (uint16_t)from->reject_status.number;
	if (from->max.text)
		calls->calls_max = from->max.number;
	if (from->ring_time.text)
		calls->ring_ms = from->ring_time.number;
	if (from->session_expires.text)
		calls->session_ms = session_of(&from->session_expires);
	if (from->play.text)
		calls->play = native_path(store, &from->play);
	calls->tone_hz = from->tone.number;
	calls->symmetric_rtp = from->symmetric_rtp.number;
	calls->early_media = from->early_media.number;
	calls->prefer_100rel = from->prefer_100rel.number;
	if (from->audio_ports.text)
		text_read_port_range(from->audio_ports.text, &calls->audio_port_first,
				     &calls->audio_port_last);
}

struct config_calls native_calls(struct config_store *store, uint32_t x)
{
	struct config_calls calls = {
		.incoming = CONFIG_INCOMING_RING,
		.reject_status = 486,
		.calls_max = 24,
		.ring_ms = 180000,
		.session_ms = 1800000,
	};
	for (const struct native *native = store->natives; native; native = native->next) {
		const struct native_line *line = find_line(native, x);
		if (line && line->calls) {
			fill_calls(store, line->calls, &calls);
			break;
		}
	}
	return calls;
}

const struct position *native_add_names(struct config_store *store, uint32_t x, uint32_t y,
					struct kl_entry_config *entry)
{
	for (const struct native *native = store->natives; native; native = native->next) {
		const struct native_line *line = find_line(native, x);
		if (!line || y > line->servers.count)
			continue;
		const struct yaml_list *list =
			&((const struct native_server *)line->servers.items)[y - 1].more_names;
		const struct yaml_leaf *leaves = list->items;
		if (!list->count)
			continue;
		const char **names = arena_alloc(&store->arena, list->count * sizeof(*names));
		for (uint32_t i = 0; i < list->count; i++)
			if (leaves[i].text)
				names[entry->more_count++] =
					copy_lower(&store->arena, leaves[i].text);
		entry->more_names = names;
		return &list->at;
	}
	return NULL;
}

/* The list of the first file that has one. */
static const struct yaml_list *find_subscriptions(const struct config_store *store, uint32_t x)
{
	for (const struct native *native = store->natives; native; native = native->next) {
		const struct native_line *line = find_line(native, x);
		if (line && line->subscriptions.count)
			return &line->subscriptions;
	}
	return NULL;
}

void native_add_subscriptions(struct config_store *store, uint32_t x, struct config_line *line)
{
	const struct yaml_list *list = find_subscriptions(store, x);
	uint32_t count = list ? list->count : 0;
	const struct native_subscription *from = list ? list->items : NULL;
	/* One more: what a shared line has by itself. */
	struct config_subscription *all = arena_alloc(&store->arena, (count + 1) * sizeof(*all));
	for (uint32_t i = 0; i < count; i++) {
		if (!from[i].event.text) {
			store_tell(store,
				   (struct subject){CONFIG_ERROR, &from[i].at, "subscriptions"},
				   "a subscription needs an event; it is left out");
			continue;
		}
		all[line->subscription_count++] = (struct config_subscription){
			.event = from[i].event.text,
			.resource = from[i].resource.text ? from[i].resource.text : "",
			.expires_ms = from[i].expires.text ? from[i].expires.number
							   : line->subscribe_expires_ms};
	}
	/* Shared Call Appearances: the state of the line's appearances is told by call-info. */
	if (line->shared)
		all[line->subscription_count++] =
			(struct config_subscription){.event = "call-info",
						     .resource = "",
						     .expires_ms = line->subscribe_expires_ms};
	line->subscriptions = all;
}

/* ---- the device ------------------------------------------------------------------------------ */

/* *TO is set by the first file that sets it. */
static void fill_text(const char **to, const struct yaml_leaf *leaf)
{
	if (!*to)
		*to = leaf->text;
}

static void fill_path(struct config_store *store, const char **to, const struct yaml_leaf *leaf)
{
	if (!*to && leaf->text)
		*to = native_path(store, leaf);
}

static void fill_list(struct arena *arena, const char *const **to, uint32_t *count,
		      const struct yaml_list *list)
{
	const struct yaml_leaf *leaves = list->items;
	if (*count)
		return;
	const char **texts = arena_alloc(arena, list->count * sizeof(*texts));
	for (uint32_t i = 0; i < list->count; i++)
		if (leaves[i].text)
			texts[(*count)++] = leaves[i].text;
	*to = texts;
}

void native_fill_device(struct config_store *store, struct config_device *device)
{
	*device = (struct config_device){.tls.verify = true};
	bool verify_set = false;
	for (const struct native *native = store->natives; native; native = native->next) {
		const struct native_file *file = &native->file;
		fill_text(&device->local, &file->local);
		fill_path(store, &device->control, &file->control);
		fill_path(store, &device->state, &file->state);
		if (!device->resolver_count && file->resolvers.count)
			device->resolvers_from = store_where(store, &file->resolvers.at);
		fill_list(&store->arena, &device->resolvers, &device->resolver_count,
			  &file->resolvers);
		fill_list(&store->arena, &device->emergency, &device->emergency_count,
			  &file->emergency);
		if (!file->tls)
			continue;
		fill_path(store, &device->tls.ca_file, &file->tls->ca_file);
		fill_path(store, &device->tls.cert, &file->tls->cert);
		fill_path(store, &device->tls.key, &file->tls->key);
		if (file->tls->verify.text && !verify_set) {
			verify_set = true;
			device->tls.verify = file->tls->verify.number;
			device->tls.verify_from = store_where(store, &file->tls->verify.at);
		}
	}
}

/* ---- the file -------------------------------------------------------------------------------- */

const struct native_inside *native_find_inside(const struct config_store *store)
{
	for (const struct native *native = store->natives; native; native = native->next)
		if (native->file.inside)
			return native->file.inside;
	return NULL;
}

bool native_read(struct config_store *store, const struct file *file)
{
	struct file own = *file;
	struct native *native = arena_alloc(&store->arena, sizeof(*native)), **last;
	if (!yaml_read(store, file, native_table(), &native->file))
		return false;
	for (last = &store->natives; *last; last = &(*last)->next)
		;
	*last = native;
	native_check_tls(store, native->file.tls);
	put_lines(store, &own, &native->file);
	native_read_inside(store, &own, native->file.inside);
	return true;
}

/* registrar.c - where the endpoints of each line are. */
#include "agent/registrar.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { MS_IN_S = 1000, CONTACTS_MAX = AGENT_BINDINGS_MAX };

struct agent_registrar {
	uint32_t line_count;
	uint32_t count;
	uint64_t last_id;
	LIST_HEAD(agent_bindings, agent_binding) * lines;
};

/* One Contact of a REGISTER. */
struct wish {
	struct sip_span uri, instance;
	struct sip_uri decoded;
	uint32_t expires_s;
};

struct wishes {
	struct wish all[CONTACTS_MAX];
	uint32_t count;
	bool is_star; /* "*": all of them go */
};

/* ---- the table ----------------------------------------------------------------------------- */

struct agent_registrar *agent_registrar_new(uint32_t line_count)
{
	struct agent_registrar *registrar = calloc(1, sizeof(*registrar));

	if (!registrar)
		return NULL;
	registrar->line_count = line_count;
	registrar->lines = calloc(line_count, sizeof(*registrar->lines));
	if (registrar->lines)
		return registrar;
	free(registrar);
	return NULL;
}

int agent_registrar_reserve(struct agent_registrar *registrar, uint32_t line_count)
{
	struct agent_bindings *lines;

	if (line_count <= registrar->line_count)
		return 0;
	lines = calloc(line_count, sizeof(*lines));
	if (!lines)
		return -ENOMEM;
	for (uint32_t i = 0; i < registrar->line_count; i++) {
		struct agent_binding *first = LIST_FIRST(&registrar->lines[i]);

		if (!first)
			continue;
		LIST_FIRST(&lines[i]) = first;
		first->others.le_prev = &LIST_FIRST(&lines[i]);
	}
	free(registrar->lines);
	registrar->lines = lines;
	registrar->line_count = line_count;
	return 0;
}

static void binding_free(struct agent_registrar *registrar, struct agent_binding *binding)
{
	LIST_REMOVE(binding, others);
	registrar->count--;
	free(binding->contact);
	free(binding->instance);
	free(binding->path);
	free(binding->call_id);
	free(binding);
}

void agent_registrar_free(struct agent_registrar *registrar)
{
	if (!registrar)
		return;
	for (uint32_t i = 0; i < registrar->line_count; i++)
		while (!LIST_EMPTY(&registrar->lines[i]))
			binding_free(registrar, LIST_FIRST(&registrar->lines[i]));
	free(registrar->lines);
	free(registrar);
}

size_t agent_registrar_count(const struct agent_registrar *registrar)
{
	return registrar->count;
}

static struct agent_binding *binding_new(struct agent_registrar *registrar, uint32_t line,
					 uint64_t id)
{
	struct agent_binding *binding = calloc(1, sizeof(*binding));

	if (!binding)
		return NULL;
	binding->id = id;
	binding->line = line;
	LIST_INSERT_HEAD(&registrar->lines[line], binding, others);
	registrar->count++;
	if (id > registrar->last_id)
		registrar->last_id = id;
	return binding;
}

/* Another text; false: out of memory. */
static bool set_text(char **to, struct sip_span text)
{
	char *copy = strndup(text.length ? text.at : "", text.length);

	if (!copy)
		return false;
	free(*to);
	*to = copy;
	return true;
}

static uint32_t count_of(const struct agent_registrar *registrar, uint32_t line)
{
	const struct agent_binding *binding;
	uint32_t count = 0;

	LIST_FOREACH(binding, &registrar->lines[line], others)
	count++;
	return count;
}

/* ---- reading a REGISTER --------------------------------------------------------------------- */

/* RFC 3261 10.3 step 7: the Contact's own time, else that of Expires, else the default.  One that
 * can't be read counts as 3600 (20.10). */
static uint32_t expires_of(const struct sip_message *request, struct sip_span params)
{
	uint32_t seconds = AGENT_EXPIRES_DEFAULT_S;
	struct sip_span value = {NULL, 0};

	if (sip_param_find(params, "expires", &value))
		sip_span_number(value, UINT32_MAX, &seconds);
	else
		sip_message_seconds(request, SIP_EXPIRES, &seconds);
	return seconds < AGENT_EXPIRES_MAX_S ? seconds : AGENT_EXPIRES_MAX_S;
}

static unsigned read_wish(const struct sip_message *request, struct sip_span element,
			  struct wishes *wishes)
{
	struct wish *wish = &wishes->all[wishes->count];
	struct sip_address address;
	struct sip_span instance = {NULL, 0};

	if (sip_address_parse(&address, element))
		return 400;
	if (address.is_star) {
		wishes->is_star = true;
		return 200;
	}
	if (wishes->count == CONTACTS_MAX)
		return 403;
	sip_param_find(address.params, "+sip.instance", &instance);
	*wish = (struct wish){.uri = address.uri,
			      .instance = sip_span_unquote(instance),
			      .expires_s = expires_of(request, address.params)};
	wishes->count++;
	if (sip_uri_parse(&wish->decoded, wish->uri) || !wish->decoded.is_sip ||
	    wish->uri.length > AGENT_BINDING_TEXT_MAX ||
	    wish->instance.length > AGENT_BINDING_TEXT_MAX)
		return 400;
	return wish->expires_s && wish->expires_s < AGENT_EXPIRES_MIN_S ? 423 : 200;
}

/* "*" stands alone, with Expires 0 (10.3 step 6). */
static unsigned read_wishes(const struct sip_message *request, struct wishes *wishes)
{
	struct sip_cursor cursor = {0};
	struct sip_span element;
	uint32_t seconds = 1;

	*wishes = (struct wishes){.count = 0};
	while (sip_message_next(request, SIP_CONTACT, &cursor, &element)) {
		unsigned status = read_wish(request, element, wishes);

		if (status != 200)
			return status;
	}
	if (!wishes->is_star)
		return 200;
	sip_message_seconds(request, SIP_EXPIRES, &seconds);
	return wishes->count || seconds ? 400 : 200;
}

/* ---- changes ------------------------------------------------------------------------------- */

/* The binding that a Contact means: its own address, or the one of the same instance (RFC 5626 6).
 */
static struct agent_binding *find(const struct agent_registrar *registrar,
				  const struct agent_register *order, const struct wish *wish)
{
	struct agent_binding *binding;
	struct sip_uri uri;

	LIST_FOREACH(binding, &registrar->lines[order->line], others)
	{
		if (binding->endpoint != order->endpoint)
			continue;
		if (wish->instance.length &&
		    sip_span_equal(wish->instance, sip_span_of(binding->instance)))
			return binding;
		if (!sip_uri_parse(&uri, sip_span_of(binding->contact)) &&
		    sip_uri_equal(&uri, &wish->decoded))
			return binding;
	}
	return NULL;
}

/* 10.3 step 7: a request of the same Call-ID that is older than the binding fails. */
static bool is_old(const struct agent_binding *binding, const struct sip_message *request)
{
	return sip_span_equal(sip_span_of(binding->call_id), request->call_id) &&
	       binding->cseq >= request->cseq.number;
}

static void tell(const struct agent_register *order, const struct agent_binding *binding,
		 bool is_gone)
{
	if (order->on_change)
		order->on_change(order->user, binding, is_gone);
}

static void drop(struct agent_registrar *registrar, const struct agent_register *order,
		 struct agent_binding *binding)
{
	tell(order, binding, true);
	binding_free(registrar, binding);
}

static struct sip_span path_of(const struct sip_message *request)
{
	const struct sip_header *path = sip_message_header(request, SIP_PATH, 0);

	return path ? path->value : sip_span_of("");
}

/* False: out of memory; the binding is then as it was, or not there. */
static bool apply(struct agent_registrar *registrar, const struct agent_register *order,
		  const struct wish *wish, uint64_t now)
{
	struct agent_binding *binding = find(registrar, order, wish);
	bool is_new = !binding;

	if (!wish->expires_s) {
		if (binding)
			drop(registrar, order, binding);
		return true;
	}
	if (is_new)
		binding = binding_new(registrar, order->line, registrar->last_id + 1);
	if (!binding)
		return false;
	if (!set_text(&binding->contact, wish->uri) ||
	    !set_text(&binding->instance, wish->instance) ||
	    !set_text(&binding->path, path_of(order->request)) ||
	    !set_text(&binding->call_id, order->request->call_id)) {
		if (is_new)
			binding_free(registrar, binding);
		return false;
	}
	binding->endpoint = order->endpoint;
	binding->cseq = order->request->cseq.number;
	binding->hop = order->hop;
	binding->expires_at = now + (uint64_t)wish->expires_s * MS_IN_S;
	tell(order, binding, false);
	return true;
}

/* May all of it be done? */
static unsigned check(const struct agent_registrar *registrar, const struct agent_register *order,
		      const struct wishes *wishes)
{
	uint32_t count = count_of(registrar, order->line);
	const struct agent_binding *binding;

	for (uint32_t i = 0; i < wishes->count; i++) {
		binding = find(registrar, order, &wishes->all[i]);
		if (binding && is_old(binding, order->request))
			return 500;
		count += !binding && wishes->all[i].expires_s;
	}
	if (path_of(order->request).length > AGENT_BINDING_TEXT_MAX ||
	    order->request->call_id.length > AGENT_BINDING_TEXT_MAX)
		return 400;
	return count > AGENT_BINDINGS_MAX ? 403 : 200;
}

unsigned agent_registrar_take(struct agent_registrar *registrar, const struct agent_register *order,
			      uint64_t now)
{
	struct agent_binding *binding, *next;
	struct wishes wishes;
	unsigned status = read_wishes(order->request, &wishes);

	if (status == 200)
		status = check(registrar, order, &wishes);
	if (status != 200)
		return status;
	for (binding = LIST_FIRST(&registrar->lines[order->line]); wishes.is_star && binding;
	     binding = next) {
		next = LIST_NEXT(binding, others);
		if (binding->endpoint == order->endpoint)
			drop(registrar, order, binding);
	}
	for (uint32_t i = 0; i < wishes.count; i++)
		if (!apply(registrar, order, &wishes.all[i], now))
			return 503;
	return 200;
}

/* ---- looking ------------------------------------------------------------------------------- */

const struct agent_binding *agent_registrar_next(const struct agent_registrar *registrar,
						 uint32_t line, const struct agent_binding *after,
						 uint64_t now)
{
	const struct agent_binding *binding =
		after ? LIST_NEXT(after, others) : LIST_FIRST(&registrar->lines[line]);

	while (binding && binding->expires_at <= now)
		binding = LIST_NEXT(binding, others);
	return binding;
}

void agent_registrar_write(const struct agent_registrar *registrar, uint32_t line,
			   uint32_t endpoint, struct sip_builder *builder, uint64_t now)
{
	const struct agent_binding *binding = NULL;

	while ((binding = agent_registrar_next(registrar, line, binding, now)))
		if (binding->endpoint == endpoint)
			sip_builder_header(
				builder, "Contact", "<%s>;expires=%llu%s%s%s", binding->contact,
				(unsigned long long)((binding->expires_at - now + MS_IN_S - 1) /
						     MS_IN_S),
				*binding->instance ? ";+sip.instance=\"" : "", binding->instance,
				*binding->instance ? "\"" : "");
}

void agent_registrar_sweep(struct agent_registrar *registrar, const struct agent_register *order,
			   uint64_t now)
{
	struct agent_binding *binding, *next;

	for (uint32_t i = 0; i < registrar->line_count; i++) {
		for (binding = LIST_FIRST(&registrar->lines[i]); binding; binding = next) {
			next = LIST_NEXT(binding, others);
			if (binding->expires_at <= now)
				drop(registrar, order, binding);
		}
	}
}

void agent_registrar_filter(struct agent_registrar *registrar, const struct agent_register *order,
			    bool (*keeps)(void *user, const struct agent_binding *binding),
			    void *user)
{
	struct agent_binding *binding, *next;

	for (uint32_t i = 0; i < registrar->line_count; i++) {
		for (binding = LIST_FIRST(&registrar->lines[i]); binding; binding = next) {
			next = LIST_NEXT(binding, others);
			if (!keeps(user, binding))
				drop(registrar, order, binding);
		}
	}
}

/* ---- after a restart ------------------------------------------------------------------------ */

int agent_registrar_restore(struct agent_registrar *registrar, const struct agent_binding *from)
{
	struct agent_binding *binding;

	agent_registrar_forget(registrar, from->id);
	if (count_of(registrar, from->line) >= AGENT_BINDINGS_MAX)
		return SIP_EFULL;
	binding = binding_new(registrar, from->line, from->id);
	if (!binding)
		return SIP_EMEMORY;
	binding->endpoint = from->endpoint;
	binding->cseq = from->cseq;
	binding->hop = from->hop;
	binding->expires_at = from->expires_at;
	if (set_text(&binding->contact, sip_span_of(from->contact)) &&
	    set_text(&binding->instance, sip_span_of(from->instance)) &&
	    set_text(&binding->path, sip_span_of(from->path)) &&
	    set_text(&binding->call_id, sip_span_of(from->call_id)))
		return 0;
	binding_free(registrar, binding);
	return SIP_EMEMORY;
}

void agent_registrar_forget(struct agent_registrar *registrar, uint64_t id)
{
	struct agent_binding *binding;

	for (uint32_t i = 0; i < registrar->line_count; i++) {
		LIST_FOREACH(binding, &registrar->lines[i], others)
		if (binding->id == id) {
			binding_free(registrar, binding);
			return;
		}
	}
}

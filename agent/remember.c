/* remember.c - dialogs and bindings as records of the journal. */
#include "agent/remember.h"

#include <stdlib.h>
#include <string.h>

enum {
	RECORD_VERSION = 1,
	CONFIRMED = 1,
	DEAD = 2,
	COUNTED = 16,
	PLACED = 32,
	UNREGISTERED = 4, /* of its binding, as the next */
	REDIRECTED = 8,
};

/* ---- addresses ----------------------------------------------------------------------------- */

void agent_put_route(struct agent_pack *pack, const struct kl_route *route)
{
	agent_put_bytes(pack, (struct sip_span){(const char *)route->ip, sizeof(route->ip)});
	agent_put_u32(pack, route->port);
	agent_put_u8(pack, route->transport);
}

struct kl_route agent_take_route(struct agent_unpack *unpack)
{
	struct sip_span ip = agent_take_bytes(unpack, sizeof((struct kl_route){0}.ip));
	struct kl_route route = {0};

	memcpy(route.ip, ip.at, ip.length);
	route.port = (uint16_t)agent_take_u32(unpack);
	route.transport = agent_take_u8(unpack);
	if (route.transport > KL_TLS) {
		route.transport = KL_UDP;
		unpack->is_short = true;
	}
	return route;
}

/* A stream does not outlive the process. */
void agent_put_hop(struct agent_pack *pack, const struct phone_hop *hop)
{
	const struct net_address *local = &hop->local;

	agent_put_route(pack, &hop->route);
	agent_put_bytes(pack, (struct sip_span){(const char *)local->ip, sizeof(local->ip)});
	agent_put_u32(pack, local->port);
}

struct phone_hop agent_take_hop(struct agent_unpack *unpack)
{
	struct phone_hop hop = {.route = agent_take_route(unpack)};
	struct sip_span ip = agent_take_bytes(unpack, sizeof(hop.local.ip));

	memcpy(hop.local.ip, ip.at, ip.length);
	hop.local.port = (uint16_t)agent_take_u32(unpack);
	return hop;
}

/* ---- writing ------------------------------------------------------------------------------- */

static void put_cseq(struct agent_pack *pack, const struct agent_dialog *dialog,
		     enum agent_side side)
{
	const struct agent_cseq *cseq = &dialog->cseq[side];

	agent_put_u32(pack, cseq->ahead);
	agent_put_u32(pack, cseq->last);
	agent_put_u32(pack, dialog->heard[side]);
	for (int i = 0; i < AGENT_CSEQ_INVITES; i++) {
		agent_put_u32(pack, cseq->invites[i].from);
		agent_put_u32(pack, cseq->invites[i].to);
	}
}

int agent_dialog_record(const struct agent_dialog *dialog, const struct agent_names *names,
			const struct agent_moment *at, char *to, size_t size)
{
	struct agent_pack pack = {.to = to, .size = size};
	uint64_t left_ms = dialog->drop_at > at->now ? dialog->drop_at - at->now : 0;
	int flags = (dialog->is_confirmed ? CONFIRMED : 0) | (dialog->is_dead ? DEAD : 0) |
		    (dialog->is_counted ? COUNTED : 0) | (dialog->is_placed ? PLACED : 0) |
		    (dialog->binding.unregistered ? UNREGISTERED : 0) |
		    (dialog->binding.redirected ? REDIRECTED : 0);

	agent_put_u8(&pack, RECORD_VERSION);
	agent_put_u8(&pack, (uint8_t)flags);
	agent_put_u64(&pack, names->line);
	agent_put_u64(&pack, names->endpoint);
	agent_put_u64(&pack, at->wall + left_ms);
	agent_put_u64(&pack, dialog->session_ms);
	put_cseq(&pack, dialog, AGENT_INSIDE);
	put_cseq(&pack, dialog, AGENT_OUTSIDE);
	agent_put_hop(&pack, &dialog->hop);
	agent_put_u32(&pack, dialog->binding.entry);
	agent_put_route(&pack, &dialog->binding.route);
	for (int i = 0; i < AGENT_TEXTS; i++)
		agent_put_text(&pack, agent_dialog_text(dialog, (enum agent_dialog_text)i));
	return pack.is_full ? SIP_ESPACE : (int)pack.length;
}

/* ---- reading ------------------------------------------------------------------------------- */

/* A record, not yet a dialog. */
struct reading {
	uint8_t flags;
	struct agent_names names;
	uint64_t drop_wall, session_ms;
	struct agent_cseq cseq[2];
	uint32_t heard[2];
	struct phone_hop hop;
	struct kl_binding binding;
	struct sip_span texts[AGENT_TEXTS];
};

static void take_cseq(struct agent_unpack *unpack, struct reading *reading, enum agent_side side)
{
	struct agent_cseq *cseq = &reading->cseq[side];

	cseq->ahead = agent_take_u32(unpack);
	cseq->last = agent_take_u32(unpack);
	reading->heard[side] = agent_take_u32(unpack);
	for (int i = 0; i < AGENT_CSEQ_INVITES; i++) {
		cseq->invites[i].from = agent_take_u32(unpack);
		cseq->invites[i].to = agent_take_u32(unpack);
	}
}

/* What is in the file need not be what was written. */
static int read_record(struct reading *reading, struct sip_span record)
{
	struct agent_unpack unpack = {.bytes = record};

	if (agent_take_u8(&unpack) != RECORD_VERSION)
		return SIP_EVALUE;
	reading->flags = agent_take_u8(&unpack);
	reading->names.line = agent_take_u64(&unpack);
	reading->names.endpoint = agent_take_u64(&unpack);
	reading->drop_wall = agent_take_u64(&unpack);
	reading->session_ms = agent_take_u64(&unpack);
	take_cseq(&unpack, reading, AGENT_INSIDE);
	take_cseq(&unpack, reading, AGENT_OUTSIDE);
	reading->hop = agent_take_hop(&unpack);
	reading->binding.entry = agent_take_u32(&unpack);
	reading->binding.route = agent_take_route(&unpack);
	reading->binding.unregistered = reading->flags & UNREGISTERED;
	reading->binding.redirected = reading->flags & REDIRECTED;
	for (int i = 0; i < AGENT_TEXTS; i++)
		reading->texts[i] = agent_take_text(&unpack);
	for (int i = 0; i < 2; i++)
		if (reading->cseq[i].ahead > SIP_CSEQ_MAX || reading->cseq[i].last > SIP_CSEQ_MAX)
			return SIP_ERANGE;
	return unpack.is_short || unpack.bytes.length ? SIP_EVALUE : 0;
}

static void fill(struct agent_dialog *dialog, const struct reading *reading,
		 const struct agent_moment *at)
{
	dialog->is_confirmed = reading->flags & CONFIRMED;
	dialog->is_dead = reading->flags & DEAD;
	dialog->is_counted = reading->flags & COUNTED;
	dialog->is_placed = reading->flags & PLACED;
	dialog->session_ms = reading->session_ms;
	dialog->hop = reading->hop;
	dialog->binding = reading->binding;
	dialog->binding.line = dialog->line;
	dialog->drop_at = at->now + (reading->drop_wall - at->wall);
	for (int i = 0; i < 2; i++) {
		dialog->cseq[i] = reading->cseq[i];
		dialog->heard[i] = reading->heard[i];
	}
	agent_cseq_recover(&dialog->cseq[AGENT_INSIDE]);
}

int agent_dialog_recall(struct agent_ledger *ledger, uint64_t id, struct sip_span record,
			const struct agent_finder *finder, const struct agent_moment *at)
{
	struct agent_dialog *dialog = agent_ledger_by_id(ledger, id);
	struct reading reading;
	struct agent_dialog_key key;
	uint32_t endpoint;
	int error = read_record(&reading, record);

	if (dialog)
		agent_ledger_close(dialog);
	if (error || !id)
		return error ? error : SIP_EVALUE;
	key.line = finder->line(finder->user, reading.names.line);
	key.call_id = reading.texts[AGENT_CALL_ID];
	key.inside_tag = reading.texts[AGENT_INSIDE_TAG];
	key.outside_tag = reading.texts[AGENT_OUTSIDE_TAG];
	endpoint = finder->endpoint(finder->user, reading.names.endpoint);
	if (key.line == UINT32_MAX || endpoint == UINT32_MAX || reading.drop_wall <= at->wall ||
	    reading.drop_wall - at->wall > AGENT_DIALOG_TIME_MAX_MS)
		return SIP_EABSENT;
	error = agent_ledger_open(ledger, &key, id, &dialog);
	if (error)
		return error;
	dialog->endpoint = endpoint;
	fill(dialog, &reading, at);
	for (int i = AGENT_OUTSIDE_TAG + 1; i < AGENT_TEXTS && !error; i++)
		error = agent_dialog_set(dialog, (enum agent_dialog_text)i, reading.texts[i]);
	if (error)
		agent_ledger_close(dialog);
	return error;
}

/* ---- bindings ------------------------------------------------------------------------------ */

int agent_binding_record(const struct agent_binding *binding, const struct agent_names *names,
			 const struct agent_moment *at, char *to, size_t size)
{
	struct agent_pack pack = {.to = to, .size = size};
	uint64_t left_ms = binding->expires_at > at->now ? binding->expires_at - at->now : 0;

	agent_put_u8(&pack, RECORD_VERSION);
	agent_put_u64(&pack, names->line);
	agent_put_u64(&pack, names->endpoint);
	agent_put_u64(&pack, at->wall + left_ms);
	agent_put_u32(&pack, binding->cseq);
	agent_put_hop(&pack, &binding->hop);
	agent_put_text(&pack, sip_span_of(binding->contact));
	agent_put_text(&pack, sip_span_of(binding->instance));
	agent_put_text(&pack, sip_span_of(binding->path));
	agent_put_text(&pack, sip_span_of(binding->call_id));
	return pack.is_full ? SIP_ESPACE : (int)pack.length;
}

/* A text of its own, or NULL: it is too long, or no memory. */
static char *take_copy(struct agent_unpack *unpack)
{
	struct sip_span text = agent_take_text(unpack);

	return text.length <= AGENT_BINDING_TEXT_MAX ? strndup(text.at, text.length) : NULL;
}

static int restore(struct agent_registrar *registrar, struct agent_unpack *unpack,
		   struct agent_binding *binding)
{
	int error = SIP_EVALUE;

	binding->contact = take_copy(unpack);
	binding->instance = take_copy(unpack);
	binding->path = take_copy(unpack);
	binding->call_id = take_copy(unpack);
	if (!unpack->is_short && !unpack->bytes.length && binding->contact && binding->instance &&
	    binding->path && binding->call_id)
		error = agent_registrar_restore(registrar, binding);
	free(binding->contact);
	free(binding->instance);
	free(binding->path);
	free(binding->call_id);
	return error;
}

int agent_binding_recall(struct agent_registrar *registrar, uint64_t id, struct sip_span record,
			 const struct agent_finder *finder, const struct agent_moment *at)
{
	struct agent_unpack unpack = {.bytes = record};
	struct agent_binding binding = {.id = id};
	uint8_t version = agent_take_u8(&unpack);
	uint64_t until;

	binding.line = finder->line(finder->user, agent_take_u64(&unpack));
	binding.endpoint = finder->endpoint(finder->user, agent_take_u64(&unpack));
	until = agent_take_u64(&unpack);
	binding.cseq = agent_take_u32(&unpack);
	binding.hop = agent_take_hop(&unpack);
	agent_registrar_forget(registrar, id);
	if (version != RECORD_VERSION || !id)
		return SIP_EVALUE;
	if (binding.line == UINT32_MAX || binding.endpoint == UINT32_MAX || until <= at->wall ||
	    until - at->wall > (uint64_t)AGENT_EXPIRES_MAX_S * 1000)
		return SIP_EABSENT;
	binding.expires_at = at->now + (until - at->wall);
	return restore(registrar, &unpack, &binding);
}

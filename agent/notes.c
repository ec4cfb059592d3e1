/* notes.c - what messages say of their dialogs, kept in the ledger and in the journal. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "agent/relay.h"
#include "phone/log.h"

enum {
	KIND_DIALOG = 'd',
	KIND_BINDING = 'b',
	/* RFC 6665 4.1.2.4, timer N: so long the NOTIFY that ends a subscription is waited for. */
	LAST_NOTIFY_S = 64 * SIP_T1_MS / 1000,
};

/* ---- texts --------------------------------------------------------------------------------- */

static void set_target(struct agent_dialog *dialog, enum agent_side side,
		       const struct sip_message *message)
{
	struct sip_address contact;

	if (!sip_message_address(message, SIP_CONTACT, 0, &contact) && !contact.is_star)
		agent_dialog_set(dialog,
				 side == AGENT_INSIDE ? AGENT_INSIDE_TARGET : AGENT_OUTSIDE_TARGET,
				 contact.uri);
}

/* RFC 3261 12.1: of who asked as they stand, of who answered reversed.  What an endpoint answers
 * has ours as the last one. */
static void set_routes(struct agent_dialog *dialog, enum agent_side side,
		       const struct sip_message *message)
{
	char text[AGENT_DIALOG_TEXT_MAX];
	int length = agent_read_routes(message, !message->is_request, text, sizeof(text));
	struct sip_span routes = {text, length > 0 ? (size_t)length : 0}, ours;

	if (side == AGENT_INSIDE && !message->is_request && routes.length) {
		sip_list_next(&routes, &ours);
		routes = sip_span_trim(routes);
	}
	agent_dialog_set(dialog, side == AGENT_INSIDE ? AGENT_INSIDE_ROUTES : AGENT_OUTSIDE_ROUTES,
			 routes.length ? routes : sip_span_of(""));
}

static void set_address(struct agent_dialog *dialog, enum agent_dialog_text which,
			const struct sip_address *address)
{
	char text[AGENT_DIALOG_TEXT_MAX];
	int length = snprintf(text, sizeof(text), "<%.*s>", SIP_SPAN(address->uri));

	if (length > 0 && (size_t)length < sizeof(text))
		agent_dialog_set(dialog, which, sip_span_of(text));
}

static void set_session(struct agent_dialog *dialog, const struct sip_message *response)
{
	uint32_t seconds = 0;

	sip_message_seconds(response, SIP_SESSION_EXPIRES, &seconds);
	if (dialog->texts[AGENT_EVENT][0] &&
	    !sip_message_seconds(response, SIP_EXPIRES, &seconds) && !seconds)
		seconds = LAST_NOTIFY_S;
	agent_dialog_set_session(dialog, seconds, net_now_ms());
}

/* ---- dialogs ------------------------------------------------------------------------------- */

static enum agent_side other(enum agent_side side)
{
	return side == AGENT_INSIDE ? AGENT_OUTSIDE : AGENT_INSIDE;
}

static bool makes_dialog(const struct sip_message *request)
{
	return !request->to.tag.at &&
	       (request->method == SIP_INVITE || request->method == SIP_SUBSCRIBE ||
		request->method == SIP_REFER);
}

static struct agent_dialog *open_dialog(struct agent *agent, const struct agent_note *note,
					const struct agent_dialog_key *key)
{
	const struct sip_header *event = sip_message_header(note->request, SIP_EVENT, 0);
	enum agent_side asker = other(note->side);
	struct agent_dialog *dialog;

	if (agent_ledger_open(agent->ledger, key, 0, &dialog))
		return NULL;
	dialog->endpoint = note->endpoint;
	dialog->is_placed = asker == AGENT_INSIDE;
	set_target(dialog, asker, note->request);
	set_routes(dialog, asker, note->request);
	set_address(dialog, asker == AGENT_INSIDE ? AGENT_INSIDE_ADDRESS : AGENT_OUTSIDE_ADDRESS,
		    &note->request->from);
	set_address(dialog, asker == AGENT_INSIDE ? AGENT_OUTSIDE_ADDRESS : AGENT_INSIDE_ADDRESS,
		    &note->request->to);
	if (note->request->method != SIP_INVITE)
		agent_dialog_set(dialog, AGENT_EVENT, event ? event->value : sip_span_of("refer"));
	agent_cseq_went(&dialog->cseq[asker], note->request->cseq.number, note->went,
			note->request->method);
	return dialog;
}

static bool refreshes(const struct sip_message *request)
{
	return request->method == SIP_INVITE || request->method == SIP_UPDATE ||
	       request->method == SIP_SUBSCRIBE;
}

/* Of a fork the first one is the call.  One that was placed inside the engine knows from its walk.
 */
static void count_call(struct agent *agent, struct agent_dialog *dialog, enum agent_side answered)
{
	dialog->is_counted = true;
	agent_tell_call(agent, dialog, false);
	if (answered == AGENT_INSIDE)
		phone_relay_call_began(agent->config.phone, dialog->line);
}

/* A 2xx, or a provisional answer, of the side that NOTE tells. */
static void take_answer(struct agent *agent, struct agent_dialog *dialog,
			const struct agent_note *note)
{
	const struct sip_message *response = note->response;
	bool accepted = response->status >= 200;

	set_target(dialog, note->side, response);
	if (makes_dialog(note->request) && !dialog->is_confirmed)
		set_routes(dialog, note->side, response);
	dialog->hop = *note->hop;
	dialog->hop.name = NULL;
	dialog->hop.policy = NULL;
	if (!dialog->is_confirmed)
		dialog->binding = *note->binding;
	agent_dialog_touch(dialog, net_now_ms());
	if (!accepted)
		return;
	set_session(dialog, response);
	if (!dialog->is_confirmed && note->is_first && note->request->method == SIP_INVITE)
		count_call(agent, dialog, note->side);
	dialog->is_confirmed = true;
	agent_record(agent, dialog);
}

struct agent_dialog *agent_note_answer(struct agent *agent, const struct agent_note *note)
{
	const struct agent_dialog_key key =
		agent_dialog_key_of(note->response, note->side, note->line);
	struct agent_dialog *dialog = agent_ledger_find(agent->ledger, &key);
	bool makes = makes_dialog(note->request);

	if (note->response->status <= 100 || note->response->status >= 300 || !key.inside_tag.at ||
	    !key.outside_tag.at)
		return NULL;
	if (!dialog && makes)
		dialog = open_dialog(agent, note, &key);
	if (dialog && (makes || refreshes(note->request)))
		take_answer(agent, dialog, note);
	return dialog;
}

void agent_note_request(struct agent *agent, struct agent_dialog *dialog, enum agent_side side,
			const struct sip_message *request)
{
	agent_dialog_touch(dialog, net_now_ms());
	if (request->cseq.number > dialog->heard[side])
		dialog->heard[side] = request->cseq.number;
	if (!refreshes(request) || !sip_message_header(request, SIP_CONTACT, 0))
		return;
	set_target(dialog, side, request);
	if (dialog->is_confirmed)
		agent_record(agent, dialog);
}

static struct sip_span first_word(struct sip_span value)
{
	struct sip_span rest;

	return sip_span_trim(sip_span_cut(value, ';', &rest));
}

/* RFC 6665 4.4.1.  In a call's dialog a subscription ends alone. */
static bool ends_subscription(const struct agent_dialog *dialog, const struct sip_message *notify)
{
	const struct sip_header *event = sip_message_header(notify, SIP_EVENT, 0);
	const struct sip_header *state = sip_message_header(notify, SIP_SUBSCRIPTION_STATE, 0);

	return notify->method == SIP_NOTIFY && event && state &&
	       sip_span_equal(first_word(event->value),
			      first_word(sip_span_of(dialog->texts[AGENT_EVENT]))) &&
	       sip_span_is(first_word(state->value), "terminated");
}

bool agent_note_is_over(const struct agent_dialog *dialog, const struct sip_message *request,
			unsigned status)
{
	return request->method == SIP_BYE || status == 481 || ends_subscription(dialog, request);
}

struct sip_span agent_dialog_next(const struct agent_dialog *dialog, enum agent_side side)
{
	bool inside = side == AGENT_INSIDE;
	struct sip_span routes =
		agent_dialog_text(dialog, inside ? AGENT_INSIDE_ROUTES : AGENT_OUTSIDE_ROUTES);
	struct sip_span route;
	struct sip_address address;

	if (sip_list_next(&routes, &route) && !sip_address_parse(&address, route))
		return address.uri;
	return agent_dialog_text(dialog, inside ? AGENT_INSIDE_TARGET : AGENT_OUTSIDE_TARGET);
}

struct phone_hop agent_dialog_hop(const struct agent_dialog *dialog)
{
	struct phone_hop hop = dialog->hop;
	struct kl_route said;

	if (hop.route.transport != KL_UDP &&
	    !phone_route_of_uri(agent_dialog_next(dialog, AGENT_INSIDE), &said) &&
	    said.transport == hop.route.transport)
		hop.route = said;
	return hop;
}

void agent_forget(struct agent *agent, struct agent_dialog *dialog)
{
	bool was_call = dialog->is_counted;
	uint32_t line = dialog->line;

	if (agent->journal && dialog->is_confirmed)
		agent_journal_drop(agent->journal, KIND_DIALOG, dialog->id);
	if (was_call)
		agent_tell_call(agent, dialog, true);
	agent_ledger_close(dialog);
	if (was_call)
		phone_relay_call_ended(agent->config.phone, line);
}

void agent_forget_early(struct agent *agent, uint32_t line, enum agent_side asker,
			const struct sip_message *request)
{
	struct agent_dialog_key key = {.line = line, .call_id = request->call_id};
	struct agent_dialog *dialog, *next;

	if (asker == AGENT_INSIDE)
		key.inside_tag = request->from.tag;
	else
		key.outside_tag = request->from.tag;
	for (dialog = agent_ledger_next(agent->ledger, &key, NULL); dialog; dialog = next) {
		next = agent_ledger_next(agent->ledger, &key, dialog);
		if (!dialog->is_confirmed)
			agent_ledger_close(dialog);
	}
}

/* ---- the journal ---------------------------------------------------------------------------- */

static struct agent_moment moment(void)
{
	struct timespec wall;

	clock_gettime(CLOCK_REALTIME, &wall);
	return (struct agent_moment){.now = net_now_ms(),
				     .wall = (uint64_t)wall.tv_sec * 1000 +
					     (uint64_t)wall.tv_nsec / 1000000};
}

static struct agent_names names_of(const struct agent *agent, uint32_t line, uint32_t endpoint)
{
	const struct agent_directory *directory = agent_inside_directory(agent->inside);

	return (struct agent_names){agent_directory_line_key(directory, line),
				    agent_directory_endpoint_key(directory, endpoint)};
}

/* A journal that can't be written is told of once for each kind of trouble. */
static void put(struct agent *agent, uint8_t kind, uint64_t id, int length)
{
	const struct agent_record record = {kind, id, {agent->scratch, (size_t)length}};
	int error = length > 0 ? agent_journal_put(agent->journal, &record) : 0;

	if (error && error != agent->journal_error)
		phone_log(PHONE_LOG_ERROR, "the journal of the inside: %s", strerror(-error));
	agent->journal_error = error;
}

void agent_record(struct agent *agent, const struct agent_dialog *dialog)
{
	const struct agent_moment at = moment();
	const struct agent_names names = names_of(agent, dialog->line, dialog->endpoint);

	if (agent->journal)
		put(agent, KIND_DIALOG, dialog->id,
		    agent_dialog_record(dialog, &names, &at, agent->scratch,
					sizeof(agent->scratch)));
}

void agent_record_binding(struct agent *agent, const struct agent_binding *binding, bool is_gone)
{
	const struct agent_moment at = moment();
	const struct agent_names names = names_of(agent, binding->line, binding->endpoint);

	if (!agent->journal)
		return;
	if (is_gone)
		agent_journal_drop(agent->journal, KIND_BINDING, binding->id);
	else
		put(agent, KIND_BINDING, binding->id,
		    agent_binding_record(binding, &names, &at, agent->scratch,
					 sizeof(agent->scratch)));
}

static void put_binding(struct agent *agent, uint32_t line)
{
	struct agent_registrar *registrar = agent_inside_registrar(agent->inside);
	const struct agent_binding *binding = NULL;

	while ((binding = agent_registrar_next(registrar, line, binding, net_now_ms())))
		agent_record_binding(agent, binding, false);
}

static void put_dialog(void *user, struct agent_dialog *dialog)
{
	if (dialog->is_confirmed)
		agent_record(user, dialog);
}

void agent_tidy_journal(struct agent *agent)
{
	uint32_t lines = agent_directory_line_count(agent_inside_directory(agent->inside));
	int error;

	if (!agent->journal || !agent_journal_is_long(agent->journal))
		return;
	error = agent_journal_begin_anew(agent->journal);
	if (!error) {
		for (uint32_t i = 0; i < lines; i++)
			put_binding(agent, i);
		agent_ledger_each(agent->ledger, put_dialog, agent);
		error = agent_journal_end_anew(agent->journal);
	}
	if (error)
		phone_log(PHONE_LOG_ERROR, "the journal of the inside: %s", strerror(-error));
}

static uint32_t find_line(void *user, uint64_t key)
{
	const struct agent *agent = user;

	return agent_directory_line_by_key(agent_inside_directory(agent->inside), key);
}

static uint32_t find_endpoint(void *user, uint64_t key)
{
	const struct agent *agent = user;

	return agent_directory_by_key(agent_inside_directory(agent->inside), key);
}

static void recall(void *user, const struct agent_record *record)
{
	struct agent *agent = user;
	const struct agent_finder finder = {find_line, find_endpoint, agent};
	const struct agent_moment at = moment();

	if (record->kind == KIND_DIALOG)
		agent_dialog_recall(agent->ledger, record->id, record->content, &finder, &at);
	if (record->kind == KIND_BINDING)
		agent_binding_recall(agent_inside_registrar(agent->inside), record->id,
				     record->content, &finder, &at);
}

static void recall_drop(void *user, uint8_t kind, uint64_t id)
{
	struct agent *agent = user;
	struct agent_dialog *dialog =
		kind == KIND_DIALOG ? agent_ledger_by_id(agent->ledger, id) : NULL;

	if (dialog)
		agent_ledger_close(dialog);
	if (kind == KIND_BINDING)
		agent_registrar_forget(agent_inside_registrar(agent->inside), id);
}

/* The engine learns of the calls that go on. */
static void count_again(void *user, struct agent_dialog *dialog)
{
	struct agent *agent = user;

	if (dialog->is_counted)
		phone_relay_call_began(agent->config.phone, dialog->line);
}

int agent_open_journal(struct agent *agent, const char *path)
{
	const struct agent_journal_config config = {path, {recall, recall_drop, agent}};
	char why[AGENT_JOURNAL_WHY_MAX];
	int error = agent_journal_open(&agent->journal, &config, why);

	if (*why)
		phone_log(PHONE_LOG_WARNING, "%s", why);
	agent_ledger_each(agent->ledger, count_again, agent);
	return error;
}

/* agent.c - any SIP endpoint inside, a line outside. */
#include "agent/agent.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/relay.h"
#include "phone/log.h"

/* ---- words of both sides -------------------------------------------------------------------- */

struct sip_span agent_write_vias(const struct sip_message *request,
				 const struct net_address *source, char *to, size_t size)
{
	char host[NET_ADDRESS_TEXT_MAX];
	const struct sip_reply reply = {.request = request,
					.source = phone_write_host(source, host),
					.source_port = source->port};
	struct sip_builder builder;

	sip_builder_init(&builder, to, size);
	sip_builder_vias(&builder, &reply);
	return (struct sip_span){to, builder.error ? 0 : builder.length};
}

void agent_write_contact(const struct agent *agent, const char *contact, uint32_t endpoint,
			 char to[PHONE_URI_MAX])
{
	char token[AGENT_TOKEN_MAX];

	agent_directory_token(agent_inside_directory(agent->inside), endpoint, token);
	snprintf(to, PHONE_URI_MAX, "%s;kl=%s", contact, token);
}

void agent_keep(struct agent_kept *kept, unsigned status, const char *bytes, size_t length)
{
	char *copy = malloc(length + 1);

	if (!copy)
		return;
	memcpy(copy, bytes, length);
	free(kept->bytes);
	*kept = (struct agent_kept){copy, length, status};
}

/* ---- what the inside tells ------------------------------------------------------------------ */

static void take_inside_request(void *user, const struct agent_incoming *incoming)
{
	agent_outward_take(user, incoming);
}

static void take_inside_cancel(void *user, sip_transaction_id invite)
{
	agent_outward_cancel(user, invite);
}

static void take_inside_answer(void *user, const struct agent_answer *answer)
{
	agent_inward_answer(user, answer);
}

/* Tags are not guessed; the address that they come from is checked beside them. */
static uint32_t whose_dialog(void *user, const struct sip_message *request,
			     const struct net_address *source)
{
	const struct agent *agent = user;
	const struct agent_dialog_key key =
		agent_dialog_key_of(request, AGENT_INSIDE, AGENT_ANY_LINE);
	const struct agent_dialog *dialog = agent_ledger_find(agent->ledger, &key);

	return dialog && !memcmp(dialog->hop.route.ip, source->ip, sizeof(source->ip))
		       ? dialog->endpoint
		       : AGENT_NONE;
}

/* AGENT-8 */
static bool may_register(void *user, uint32_t line)
{
	const struct agent *agent = user;

	return agent->config.config->inside.when_out == CONFIG_STAY ||
	       phone_relay_is_served(agent->config.phone, line);
}

static void take_binding(void *user, const struct agent_binding *binding, bool is_gone)
{
	agent_record_binding(user, binding, is_gone);
	agent_tell_binding(user, binding, is_gone);
}

static json_t *show(void *user)
{
	return agent_status(user);
}

static void take_over(void *user, struct agent_dialog *dialog)
{
	agent_forget(user, dialog);
}

static void take_second(void *user)
{
	struct agent *agent = user;

	agent_outward_age(agent);
	agent_inward_age(agent);
	agent_ledger_sweep(agent->ledger, net_now_ms(), take_over, agent);
	agent_bury_some(agent);
	agent_tidy_journal(agent);
}

/* ---- what the phone tells ------------------------------------------------------------------- */

static int write_request(void *user, const struct phone_relay_send *send, char *to, size_t size)
{
	return agent_outward_write(user, send, to, size);
}

static void take_answer(void *user, const struct phone_relay_answer *answer)
{
	agent_outward_answer(user, answer);
}

static void take_end(void *user, const struct phone_relay_end *end)
{
	agent_outward_end(user, end);
}

static bool take_request(void *user, const struct phone_relay_request *request)
{
	return agent_inward_take(user, request);
}

static bool take_cancel(void *user, sip_transaction_id invite)
{
	return agent_inward_cancel(user, invite);
}

static void take_moved(void *user, const struct phone_relay_move *moved)
{
	agent_kill_subscriptions(user, moved);
}

/* ---- life ----------------------------------------------------------------------------------- */

static int open_inside(struct agent *agent, char why[PHONE_WHY_MAX])
{
	const struct agent_inside_config inside = {
		.loop = agent->config.loop,
		.config = agent->config.config,
		.dscp = agent->config.dscp,
		.tls = agent->config.tls,
		.hooks = {.on_request = take_inside_request,
			  .on_cancel = take_inside_cancel,
			  .on_answer = take_inside_answer,
			  .whose_dialog = whose_dialog,
			  .may_register = may_register,
			  .on_binding = take_binding,
			  .on_second = take_second,
			  .user = agent},
	};
	const struct phone_relay_hooks relay = {
		.write = write_request,
		.on_answer = take_answer,
		.on_end = take_end,
		.on_request = take_request,
		.on_cancel = take_cancel,
		.status = show,
		.on_moved = take_moved,
		.user = agent,
	};
	int error = agent_inside_open(&agent->inside, &inside, why);

	if (error)
		return error;
	error = phone_relay_open(agent->config.phone, &relay);
	if (error)
		snprintf(why, PHONE_WHY_MAX, "%s", strerror(-error));
	return error;
}

int agent_open(struct agent **out, const struct agent_config *config, char why[PHONE_WHY_MAX])
{
	struct agent *agent = calloc(1, sizeof(*agent));
	int error = -ENOMEM;

	snprintf(why, PHONE_WHY_MAX, "out of memory");
	if (!agent)
		return error;
	agent->config = *config;
	TAILQ_INIT(&agent->walks);
	TAILQ_INIT(&agent->done);
	TAILQ_INIT(&agent->ringing);
	TAILQ_INIT(&agent->rung);
	agent->ledger = agent_ledger_new(AGENT_DIALOGS_MAX);
	if (agent->ledger)
		error = open_inside(agent, why);
	if (error) {
		agent_close(agent);
		return error;
	}
	if (config->config->inside.journal)
		agent_open_journal(agent, config->config->inside.journal);
	*out = agent;
	return 0;
}

void agent_close(struct agent *agent)
{
	if (!agent)
		return;
	phone_relay_close(agent->config.phone);
	agent_outward_clear(agent);
	agent_inward_clear(agent);
	agent_inside_close(agent->inside);
	agent_ledger_free(agent->ledger);
	agent_journal_close(agent->journal);
	free(agent);
}

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

/* bury.c - subscriptions that died with their server: each endpoint is told, so that it subscribes
 * again at once and lands on the new one (AGENT-7). */
#include <string.h>

#include "agent/relay.h"

enum { PER_SECOND = 50 }; /* so that those that are made anew don't come all at once */

struct killing {
	struct agent *agent;
	const struct phone_relay_move *moved;
};

/* A subscription lives on the server that it was made on, unless that was the choice of another
 * server. */
static bool is_left(const struct agent_dialog *dialog, const struct phone_relay_move *moved)
{
	const struct kl_binding *binding = &dialog->binding;

	return dialog->line == moved->line && binding->entry == moved->entry && dialog->is_placed &&
	       dialog->is_confirmed && dialog->texts[AGENT_EVENT][0] && !binding->redirected &&
	       !phone_route_equal(&binding->route, &moved->route);
}

static void kill_one(void *user, struct agent_dialog *dialog)
{
	const struct killing *killing = user;

	if (!is_left(dialog, killing->moved))
		return;
	dialog->is_dead = true;
	killing->agent->has_dead = true;
}

void agent_kill_subscriptions(struct agent *agent, const struct phone_relay_move *moved)
{
	struct killing killing = {agent, moved};

	agent_ledger_each(agent->ledger, kill_one, &killing);
}

/* The NOTIFY that the server would have sent, in the agent's scratch.  Its length, or a SIP_E*. */
static int write_notify(struct agent *agent, const struct agent_dialog *dialog, const char *branch)
{
	char *const *texts = dialog->texts;
	const struct phone_hop hop = agent_dialog_hop(dialog);
	char via[PHONE_URI_MAX], route[PHONE_URI_MAX];
	struct sip_builder builder;

	if (agent_inside_write_via(agent->inside, &hop, branch, via) ||
	    agent_inside_write_route(agent->inside, &hop, route))
		return SIP_ESTATE;
	sip_builder_init(&builder, agent->scratch, sizeof(agent->scratch));
	sip_builder_request(&builder, "NOTIFY", texts[AGENT_INSIDE_TARGET]);
	sip_builder_header(&builder, "Via", "%s", via);
	if (*texts[AGENT_INSIDE_ROUTES])
		sip_builder_header(&builder, "Route", "%s", texts[AGENT_INSIDE_ROUTES]);
	sip_builder_header(&builder, "Max-Forwards", "%d", SIP_MAX_FORWARDS_DEFAULT);
	sip_builder_header(&builder, "From", "%s;tag=%s", texts[AGENT_OUTSIDE_ADDRESS],
			   texts[AGENT_OUTSIDE_TAG]);
	sip_builder_header(&builder, "To", "%s;tag=%s", texts[AGENT_INSIDE_ADDRESS],
			   texts[AGENT_INSIDE_TAG]);
	sip_builder_header(&builder, "Call-ID", "%s", texts[AGENT_CALL_ID]);
	sip_builder_header(&builder, "CSeq", "%u NOTIFY", dialog->heard[AGENT_OUTSIDE] + 1);
	sip_builder_header(&builder, "Contact", "%s", route);
	sip_builder_header(&builder, "Event", "%s", texts[AGENT_EVENT]);
	sip_builder_header(&builder, "Subscription-State", "terminated;reason=deactivated");
	return sip_builder_finish(&builder);
}

static void bury(void *user, struct agent_dialog *dialog)
{
	struct agent *agent = user;
	char branch[PHONE_ID_MAX];
	struct agent_outgoing outgoing = {
		.method = SIP_NOTIFY, .branch = branch, .hop = agent_dialog_hop(dialog)};
	sip_client_id client;
	int length;

	if (!dialog->is_dead || agent->buried >= PER_SECOND) {
		agent->has_dead |= dialog->is_dead;
		return;
	}
	agent->buried++;
	agent_inside_draw_branch(branch);
	length = write_notify(agent, dialog, branch);
	outgoing.bytes = (struct sip_span){agent->scratch, length > 0 ? (size_t)length : 0};
	if (length > 0)
		agent_inside_send(agent->inside, &outgoing, &client);
	agent_forget(agent, dialog);
}

void agent_bury_some(struct agent *agent)
{
	if (!agent->has_dead)
		return;
	agent->has_dead = false;
	agent->buried = 0;
	agent_ledger_each(agent->ledger, bury, agent);
}

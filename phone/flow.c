/* flow.c - registrations that are flows. */
#include "phone/flow.h"

#include <string.h>

#include "phone/grant.h"
#include "phone/log.h"
#include "phone/private.h"

/* ---- which there are ------------------------------------------------------------------------- */

bool phone_flow_route(const struct phone *phone, const struct phone_account *account,
		      const struct kl_entry_view *view, struct kl_route *route)
{
	struct kl_route_view found;

	if (view->current < 0 ||
	    kl_get_route(phone->engine, account->line_index, account->entry_index,
			 (uint32_t)view->current, &found))
		return false;
	*route = found.route;
	return true;
}

static bool is_at(const struct phone *phone, const struct phone_account *account,
		  const struct kl_entry_view *view, const struct kl_route *server)
{
	struct kl_route route;

	return view->active && view->outbound && phone_flow_route(phone, account, view, &route) &&
	       phone_route_equal(&route, server);
}

bool phone_flow_leads(const struct phone *phone, const struct phone_account *account,
		      const struct kl_route *server)
{
	const uint32_t line = account->line_index, entry = account->entry_index;
	struct kl_entry_view view;

	return (!kl_get_entry(phone->engine, line, entry, &view) &&
		is_at(phone, account, &view, server)) ||
	       (!kl_get_second_flow(phone->engine, line, entry, &view) &&
		is_at(phone, account, &view, server));
}

bool phone_flow_is_used(const struct phone *phone, const struct kl_route *server)
{
	for (uint32_t i = 0; i < phone->accounts.count; i++)
		if (phone_flow_leads(phone, &phone->accounts.all[i], server))
			return true;
	return false;
}

/* ---- what is told ---------------------------------------------------------------------------- */

/* The time granted (REG-2). */
static kl_ms read_grant(const struct phone_client *client, const struct sip_message *response)
{
	char uri[PHONE_URI_MAX], route[KL_TEXT_MAX];
	const struct phone_contact ours = {
		.uri = uri,
		.instance = client->phone->accounts.instance,
		.reg_id = client->reg_id,
		.asked_ms = client->expires_ms,
	};
	struct sip_address contact;
	struct phone_grant grant;

	if (sip_message_address(&client->request, SIP_CONTACT, 0, &contact) ||
	    sip_span_copy(contact.uri, uri, sizeof uri))
		return 0;
	grant = phone_grant_read(response, &ours);
	if (grant.guessed && grant.granted_ms)
		phone_log(
			PHONE_LOG_WARNING,
			"the 200 from %s lists no contact of ours: its time is taken all the same",
			phone_route_text(&client->hop.route, route));
	return grant.granted_ms;
}

/* RFC 5626 6: a registrar that keeps the flow beside others says Require: outbound.  REG-7: its
 * routes are those of later requests. */
void phone_flow_take_accept(struct phone_client *client, const struct sip_message *response,
			    struct kl_event_response *told)
{
	const struct kl_route *server = &client->hop.route;
	uint32_t flow_timer_s = 0;

	told->granted_ms = read_grant(client, response);
	told->outbound = client->reg_id && sip_message_lists(response, SIP_REQUIRE, "outbound");
	if (!told->granted_ms)
		return;
	phone_account_set_service_route(client->account, client->reg_id, server, response);
	sip_message_seconds(response, SIP_FLOW_TIMER, &flow_timer_s);
	if (told->outbound && phone_pulse_keep(client->phone, server, flow_timer_s))
		phone_log(PHONE_LOG_WARNING, "out of memory: a flow is not kept alive");
}

void phone_flow_contact(const struct phone *phone, const struct phone_account *account,
			const struct phone_self *self, char to[PHONE_URI_MAX])
{
	phone_account_contact(account, self, to);
	if (self->server.port && phone_flow_leads(phone, account, &self->server))
		strncat(to, ";ob", PHONE_URI_MAX - strlen(to) - 1);
}

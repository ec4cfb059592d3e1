/* flow.h - registrations that are flows (RFC 5626): a line has one with each of two servers, and
 * what comes for it comes over either (OWN-6).
 *
 * The engine knows them, and which one carries requests; here is what stands in messages.  What the
 * servers gave is the account's; pulse.h keeps flows alive.
 */
#ifndef PHONE_FLOW_H
#define PHONE_FLOW_H

#include "phone/account.h"

struct phone;
struct phone_client;

/* The route that a registration of an account is at.  False: none yet. */
bool phone_flow_route(const struct phone *phone, const struct phone_account *account,
		      const struct kl_entry_view *view, struct kl_route *route);

/* Has an account a flow to that server?  Has any? */
bool phone_flow_leads(const struct phone *phone, const struct phone_account *account,
		      const struct kl_route *server);
bool phone_flow_is_used(const struct phone *phone, const struct kl_route *server);

/* Takes a 2xx to the REGISTER of CLIENT: fills in the time that it grants and whether it keeps the
 * registration as a flow, notes what it gives, and has the flow kept alive. */
void phone_flow_take_accept(struct phone_client *client, const struct sip_message *response,
			    struct kl_event_response *told);

/* RFC 5626 4.3: the Contact of a dialog that is made over a flow says so, by the parameter "ob":
 * what belongs to that dialog comes over the flow, too. */
void phone_flow_contact(const struct phone *phone, const struct phone_account *account,
			const struct phone_self *self, char to[PHONE_URI_MAX]);

#endif

#include "engine/network.h"

#include "engine/probe.h"
#include "engine/registration.h"
#include "engine/subscription.h"

int network_link_down(struct kl_engine *e)
{
	if (e->link_down)
		return KL_IGNORED;
	e->link_down = true;
	for (uint32_t r = 0; r < e->registration_count; r++) {
		probe_freeze(e, r);
		registration_schedule(e, r);
	}
	subscription_link_changed(e);
	return KL_OK;
}

int network_link_up(struct kl_engine *e)
{
	if (!e->link_down)
		return KL_IGNORED;
	e->link_down = false;
	for (uint32_t r = 0; r < e->registration_count; r++)
		registration_link_up(e, r);
	subscription_link_changed(e);
	for (uint32_t r = 0; r < e->registration_count; r++)
		probe_look(e, r);
	return KL_OK;
}

/* No place in a set means what it did to the transactions so far.  TIME-9 */
void network_forget_transactions(struct kl_engine *e)
{
	for (uint32_t s = 0; s < e->set_count; s++)
		for (uint8_t pos = 0; pos < e->config->limits.set_routes; pos++)
			member_at(e, s, pos)->born = e->serial + 1;
}

/* A late 2xx to a REGISTER with the old Contact is not worth having.  REG-6 */
int network_address_changed(struct kl_engine *e)
{
	network_forget_transactions(e);
	for (uint32_t r = 0; r < e->registration_count; r++)
		registration_address_changed(e, r);
	subscription_address_changed(e);
	return KL_OK;
}

/* What is held against the engine of two flows at once (OWN-6). */
#include "sim/invariants_private.h"

#include <string.h>

struct flow_seen *invariants_flow_of(const struct sim_invariants *inv,
				     const struct journey *journey)
{
	struct registration_seen *reg = registration_of(inv, journey->line, journey->entry);

	return &reg->flows[journey == &reg->flows[1].journey];
}

bool invariants_is_second(const struct kl_engine *e, const struct kl_action_send *send)
{
	struct kl_entry_view view;

	return send->method == KL_REGISTER && send->reg_id &&
	       kl_get_second_flow(e, send->line, send->entry, &view) == KL_OK &&
	       view.reg_id == send->reg_id;
}

static bool is_active_at(const struct kl_engine *e, uint32_t line, uint32_t entry,
			 const struct kl_entry_view *view, const uint8_t ip[16])
{
	struct kl_route_view at;

	return view->active && view->current >= 0 &&
	       kl_get_route(e, line, entry, (uint32_t)view->current, &at) == KL_OK &&
	       memcmp(at.route.ip, ip, sizeof(at.route.ip)) == 0;
}

/* A flow that is left behind is unregistered, or refreshed, where it is. */
void invariants_see_second(struct sim_invariants *inv, const struct kl_engine *e,
			   const struct kl_action_send *send)
{
	struct kl_entry_view first, second;

	kl_get_entry(e, send->line, send->entry, &first);
	kl_get_second_flow(e, send->line, send->entry, &second);
	expect(inv,
	       !send->expires_ms ||
		       !is_active_at(e, send->line, send->entry, &first, send->route.ip) ||
		       is_active_at(e, send->line, send->entry, &second, send->route.ip),
	       "a second flow is made to another server");
}

/* A second flow is led elsewhere, or lost with its stream. */
bool invariants_begins_flow(const struct kl_report *report)
{
	return report->why == KL_WHY_SECOND_FLOW ||
	       (report->second_flow &&
		(report->fault == KL_FAULT_STREAM_LOST || report->fault == KL_FAULT_KEEPALIVE));
}

void invariants_see_places(struct sim_invariants *inv, const struct kl_engine *e,
			   const struct kl_action_send *send)
{
	struct registration_seen *reg = registration_of(inv, send->line, send->entry);
	struct kl_entry_view view;

	if (kl_get_second_flow(e, send->line, send->entry, &view) != KL_OK)
		return;
	if (reg->second && reg->second != view.reg_id)
		reg->flows[0].journey.tried = reg->flows[1].journey.tried = 0;
	reg->second = view.reg_id;
}

/* What a request has tried, and the REGISTERs that were made for it, is not told: so only what a
 * refresh finds is judged. */
void invariants_see_failover(struct sim_invariants *inv, const struct kl_engine *e,
			     const struct kl_report *report)
{
	struct registration_seen *reg = registration_of(inv, report->line, report->entry);
	struct kl_entry_view second;
	struct kl_route_view at;

	if (report->from != KL_REFRESHING || report->to != KL_FAILING_OVER || report->second_flow ||
	    inv->late || kl_get_second_flow(e, report->line, report->entry, &second) != KL_OK ||
	    second.state != KL_REGISTERED || second.current < 0 ||
	    kl_get_route(e, report->line, report->entry, (uint32_t)second.current, &at) != KL_OK)
		return;
	expect(inv, reg->flows[0].journey.tried >> invariants_number_of(reg, &at.route) & 1,
	       "a line whose route fails goes on by its second flow");
}

void invariants_check_flows(struct sim_invariants *inv, const struct kl_engine *e, uint32_t line,
			    uint32_t entry)
{
	struct kl_entry_view first, second;
	struct kl_route_view at;
	bool made;

	if (kl_get_second_flow(e, line, entry, &second) != KL_OK)
		return;
	kl_get_entry(e, line, entry, &first);
	made = second.state == KL_REGISTERED || second.state == KL_REFRESHING;
	expect(inv, !made || first.outbound || first.state != KL_REGISTERED,
	       "a second flow is kept where the registrar keeps flows apart");
	expect(inv, !made || second.outbound, "a second flow is one that the registrar knows");
	expect(inv, first.reg_id != second.reg_id, "two flows have two reg-ids");
	if (first.state == KL_REGISTERED && first.current >= 0 &&
	    kl_get_route(e, line, entry, (uint32_t)first.current, &at) == KL_OK)
		expect(inv, !made || !is_active_at(e, line, entry, &second, at.route.ip),
		       "two flows lead to two servers");
}

static bool is_ipv4(const struct kl_route *route)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	return memcmp(route->ip, mapped, sizeof(mapped)) == 0;
}

/* Does the DNS list a route that is surely another server's?  An address of the other family may be
 * the same one's. */
static bool has_another(const struct kl_engine *e, uint32_t line, uint32_t entry,
			const struct kl_route *than)
{
	struct kl_route_view other;

	for (uint32_t i = 0; kl_get_route(e, line, entry, i, &other) == KL_OK; i++)
		if (other.listed && is_ipv4(&other.route) == is_ipv4(than) &&
		    memcmp(other.route.ip, than->ip, sizeof(than->ip)) != 0)
			return true;
	return false;
}

const char *invariants_flows_rested(const struct kl_engine *e, uint32_t line, uint32_t entry)
{
	struct kl_entry_view first, second;
	struct kl_route_view current;

	if (kl_get_second_flow(e, line, entry, &second) != KL_OK)
		return NULL;
	kl_get_entry(e, line, entry, &first);
	if (!first.outbound || first.state != KL_REGISTERED || first.current < 0 ||
	    kl_get_route(e, line, entry, (uint32_t)first.current, &current) != KL_OK ||
	    !has_another(e, line, entry, &current.route) ||
	    (second.state != KL_OFF && second.state != KL_STANDBY))
		return NULL;
	return "there is no second flow";
}

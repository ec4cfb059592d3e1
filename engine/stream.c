#include "engine/stream.h"

#include "engine/outcome.h"
#include "engine/route.h"
#include "engine/schedule.h"
#include "engine/walk.h"

/* ---- lost ---- */

/* Does a request of R, its REGISTER included, wait on the stream and move on with its loss?  A call
 * that rings can't (TIME-7), and without a network nothing does (PROBE-9). */
static bool stream_moves_request(const struct kl_engine *e, uint32_t r, const struct slot *slot)
{
	if (registration_frozen(e, r))
		return false;
	if (walk_waits_on(e, r, slot, e->serial))
		return true;
	for (uint32_t w = registration_at(e, r)->first_request; w != NONE;
	     w = request_at(e, w)->next)
		if (walk_waits_on(e, w, slot, e->serial) && !walk_at(e, w)->ringing)
			return true;
	return false;
}

/* Over UDP there is none, but a flow of RFC 5626 goes by its keep-alives there, too.  OWN-6 */
static bool stream_carries(const struct kl_engine *e, uint32_t r, const struct slot *slot)
{
	const struct registration *reg = registration_at(e, r);
	return reg->active && route_slot(e, reg->set, reg->flow) == slot &&
	       (slot->route.transport != KL_UDP || reg->outbound);
}

static bool stream_of_former(const struct kl_engine *e, uint32_t r, const struct slot *slot)
{
	const struct registration *reg = registration_at(e, r);
	return reg->former != NO_POS && reg->former_expires_at > e->now &&
	       route_slot(e, reg->set, reg->former) == slot;
}

/* Poly guide: a stream dropped by the far end, or a keep-alive without answer, is a registration
 * loss; but a request/response pair that can't complete is a failover.  TRIG-6 */
int stream_feed_lost(struct kl_engine *e, const struct kl_event_transport *event)
{
	bool keepalive = event->fault == KL_FAULT_KEEPALIVE;
	if ((event->fault != KL_FAULT_STREAM_LOST && !keepalive) ||
	    (event->route.transport == KL_UDP && !keepalive) || event->route.transport > KL_TLS)
		return KL_EINVAL;
	struct slot *slot = route_known(e, &event->route);
	uint32_t serial = e->serial; /* what comes of it may use the route anew */
	bool found = false;
	for (uint32_t r = 0; slot && r < e->registration_count; r++) {
		if (stream_of_former(e, r, slot)) {
			registration_former_lost(e, r);
			found = true;
		}
		if (stream_carries(e, r, slot) && !stream_moves_request(e, r, slot)) {
			registration_flow_lost(e, r, event->fault);
			found = true;
		}
	}
	if (slot && walk_fail_all(e, slot, event->fault, serial))
		found = true;
	return found ? KL_OK : KL_IGNORED;
}

/* ---- closed ---- */

/* Does the stream carry a registration, or the one that a failover left behind? */
static bool stream_registered(const struct kl_engine *e, const struct slot *slot)
{
	for (uint32_t r = 0; r < e->registration_count; r++)
		if (stream_carries(e, r, slot) || stream_of_former(e, r, slot))
			return true;
	return false;
}

const struct slot *stream_close(struct kl_engine *e, uint32_t w)
{
	struct walk *walk = walk_at(e, w);
	uint16_t index = member_at(e, registration_at(e, walk->registration)->set, walk->pos)->slot;
	struct slot *slot = slot_at(e, index);
	bool heard = slot->last_answer_at != KL_NEVER && slot->last_answer_at >= walk->route_at;
	if (!walk->seen)
		return NULL;
	if (!slot->closing) {
		assert(walk->closing == 0); /* it was told before the send that came to nothing */
		walk->closing = (uint16_t)(index + 1);
		slot->closing = true;
		slot->refs++; /* so that the place is still this route's when the host is told */
		owe(e, walk_node(e, w), OWES_CLOSE);
	}
	return heard || stream_registered(e, slot) ? NULL : slot;
}

static bool stream_needed(const struct kl_engine *e, const struct slot *slot)
{
	for (uint32_t w = 0; w < e->walks_used; w++)
		if (walk_waits_on(e, w, slot, e->serial))
			return true;
	return stream_registered(e, slot);
}

bool stream_act_close(struct kl_engine *e, uint32_t w, struct kl_action *action)
{
	struct walk *walk = walk_at(e, w);
	struct slot *slot = slot_at(e, walk->closing - UINT32_C(1));
	walk->closing = 0;
	slot->closing = false;
	slot->refs--;
	action->type = KL_DO_CLOSE;
	action->close.route = slot->route;
	return !stream_needed(e, slot);
}

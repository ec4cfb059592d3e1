#include "engine/seize.h"

#include "engine/line.h"
#include "engine/request.h"
#include "engine/schedule.h"
#include "engine/walk.h"

bool seize_owns(const struct kl_engine *e, uint32_t w)
{
	return walk_at(e, w)->method == KL_SUBSCRIBE && request_at(e, w)->owner == OWNER_SEIZE;
}

bool seize_used_up(const struct kl_engine *e, uint32_t w)
{
	return seize_owns(e, w) && request_at(e, w)->sends == 0;
}

int seize_place(struct kl_engine *e, uint32_t line, const struct kl_event_shared_call *event)
{
	if (!line_at(e, line)->started)
		return KL_EINVAL;
	if (e->free_walk == NONE || request_at(e, e->free_walk)->next == NONE)
		return KL_EFULL;
	uint32_t r = request_first_entry(e, line, KL_SUBSCRIBE);
	uint32_t w = request_open(e, r, KL_INVITE);
	uint32_t seizes = walk_open_request(e, r, KL_SUBSCRIBE);
	struct request *call = request_at(e, w), *seize = request_at(e, seizes);
	call->token = seize->token = event->token;
	call->emergency = event->emergency;
	call->owned = seizes;
	walk_at(e, w)->state = WALK_SEIZE;
	line_invite_began(e, line);
	seize->owner = OWNER_SEIZE;
	seize->owned = w;
	seize->sends = (uint8_t)registration_policy(e, r)->line_seize_sends_max;
	seize->first_entry = registration_at(e, r)->entry;
	request_enter(e, seizes, r);
	return KL_OK;
}

/* What the call makes of it is decided when its node fires, never in the midst of a decision about
 * other requests. */
void seize_walk_ended(struct kl_engine *e, uint32_t w, const struct reason *reason)
{
	const struct walk *seize = walk_at(e, w);
	uint32_t call = request_at(e, w)->owned;
	if (call == NONE)
		return;
	struct walk *invite = walk_at(e, call);
	request_at(e, call)->owned = NONE;
	invite->status = seize->status;
	invite->local = seize->local;
	invite->pos = seize->registration == invite->registration ? seize->pos : NO_POS;
	invite->reason = *reason;
	schedule_set(e, walk_node(e, call), e->now);
}

/* Poly guide: if all line-seize retransmissions fail, or the timer expires, the emergency call is
 * sent regardless of the missing authorization; SUBS-4: after a refusal, too.  Any other call fails
 * as its seize did. */
void seize_done(struct kl_engine *e, uint32_t call)
{
	struct walk *invite = walk_at(e, call);
	const struct reason reason = invite->reason;
	bool seized = invite->status >= 200 && invite->status < 300;
	if (!seized && !request_at(e, call)->emergency) {
		request_finish(e, call, &reason);
		return;
	}
	invite->local = false;
	request_begin(e, call);
}

void seize_stop(struct kl_engine *e, uint32_t w)
{
	request_at(e, w)->owned = NONE;
	request_finish(e, w, &(struct reason){.why = KL_WHY_CANCELLED, .pos = NO_POS});
}

#include "engine/seize.h"

#include "engine/line.h"
#include "engine/request.h"
#include "engine/walk.h"

int seize_place(struct kl_engine *e, uint32_t line, const struct kl_event_shared_call *event)
{
	if (!line_at(e, line)->started)
		return KL_EINVAL;
	if (e->free_walk == NONE || walk_at(e, e->free_walk)->next == NONE)
		return KL_EFULL;
	uint32_t r = request_first_entry(e, line, KL_SUBSCRIBE);
	uint32_t w = walk_open_request(e, r, KL_INVITE);
	uint32_t seizes = walk_open_request(e, r, KL_SUBSCRIBE);
	struct walk *call = walk_at(e, w), *seize = walk_at(e, seizes);
	call->token = seize->token = event->token;
	call->emergency = event->emergency;
	call->owned = seizes;
	call->state = WALK_SEIZE;
	request_link(e, w, r);
	line_invite_began(e, line);
	seize->owner = OWNER_SEIZE;
	seize->owned = w;
	seize->sends = (uint8_t)registration_policy(e, r)->line_seize_sends_max;
	seize->first_entry = registration_at(e, r)->entry;
	request_enter(e, seizes, r);
	return KL_OK;
}

/* Poly guide: if all line-seize retransmissions fail, or the timer expires, the emergency call is
 * sent regardless of the missing authorization; SUBS-4: after a refusal, too.  Any other call fails
 * as its seize did. */
void seize_walk_ended(struct kl_engine *e, uint32_t w, const struct reason *reason)
{
	const struct walk *seize = walk_at(e, w);
	uint32_t call = seize->owned;
	if (call == NONE)
		return;
	struct walk *invite = walk_at(e, call);
	bool seized = seize->status >= 200 && seize->status < 300;
	invite->owned = NONE;
	if (reason->why != KL_WHY_LEFT && (seized || invite->emergency)) {
		request_begin(e, call);
		return;
	}
	invite->state = WALK_REGISTRATION;
	invite->status = seize->status;
	invite->local = seize->local;
	invite->pos = seize->pos;
	request_finish(e, call, reason);
}

void seize_stop(struct kl_engine *e, uint32_t w)
{
	walk_at(e, w)->owned = NONE;
	request_finish(e, w, &(struct reason){.why = KL_WHY_CANCELLED, .pos = NO_POS});
}

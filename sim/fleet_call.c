/* fleet_call.c - the calls that people place, and what becomes of them. */
#include <string.h>

#include "sim/fleet_private.h"
#include "sim/grow.h"

enum { HOUR_MS = 3600 * 1000, THOUSAND = 1000 };

/* ---- when they come -------------------------------------------------------------------------- */

/* Calls in a second of the whole fleet, in this hour of the day; 0: none. */
static double rate_now(const struct sim_fleet *fleet)
{
	const struct sim_plan_calls *calls = &fleet->plan->calls;
	uint64_t hour = (fleet_now(fleet) + calls->day_starts_ms) / HOUR_MS % SIM_HOURS;

	return (double)calls->per_hour[hour] / THOUSAND * fleet->plan->lines / (HOUR_MS / THOUSAND);
}

static double rate_most(const struct sim_plan *plan)
{
	uint32_t most = 0;

	for (int i = 0; i < SIM_HOURS; i++)
		most = plan->calls.per_hour[i] > most ? plan->calls.per_hour[i] : most;
	return (double)most / THOUSAND * plan->lines / (HOUR_MS / THOUSAND);
}

/* Calls come as by chance (a Poisson process), at the rate of the busiest hour; in another one as
 * many of them are left out. */
static void plan_next(struct sim_fleet *fleet)
{
	double most = rate_most(fleet->plan);

	if (most > 0)
		fleet_plan(fleet, fleet->now_us + fleet_draw_wait(fleet, FLEET_SECOND_US / most),
			   FLEET_CALL_COMES);
}

void fleet_calls_begin(struct sim_fleet *fleet)
{
	if (fleet->plan->has_calls)
		plan_next(fleet);
}

/* ---- one call -------------------------------------------------------------------------------- */

static void lose(struct sim_fleet *fleet, enum sim_loss why)
{
	fleet->results->lost[why]++;
	fleet->current.calls_lost++;
}

static uint64_t token_of(const struct sim_fleet *fleet, const struct fleet_call *call)
{
	return (uint64_t)call->generation << 32 | (uint64_t)(call - fleet->calls + 1);
}

/* The call of TOKEN; NULL: it has ended. */
static struct fleet_call *find_call(const struct sim_fleet *fleet, uint64_t token)
{
	uint64_t index = (uint32_t)token;

	if (index == 0 || index > fleet->call_count)
		return NULL;
	struct fleet_call *call = &fleet->calls[index - 1];
	return call->used && call->generation == token >> 32 ? call : NULL;
}

static struct fleet_call *add_call(struct sim_fleet *fleet, uint32_t phone)
{
	struct fleet_call *call;
	uint32_t index = fleet->free_call, generation = 0;

	if (index == FLEET_NONE) {
		fleet->calls =
			sim_grow(fleet->calls, &fleet->call_room, fleet->call_count, sizeof(*call));
		index = (uint32_t)fleet->call_count++;
	} else {
		fleet->free_call = fleet->calls[index].next_free;
		generation = fleet->calls[index].generation + 1;
	}
	call = &fleet->calls[index];
	*call = (struct fleet_call){.dialled_us = fleet->now_us,
				    .phone = phone,
				    .generation = generation,
				    .boots = fleet->phones[phone].boots,
				    .used = true};
	return call;
}

static void drop_call(struct sim_fleet *fleet, struct fleet_call *call)
{
	call->used = false;
	call->next_free = fleet->free_call;
	fleet->free_call = (uint32_t)(call - fleet->calls);
}

void fleet_call_place(struct sim_fleet *fleet)
{
	double most = rate_most(fleet->plan);
	uint32_t p = (uint32_t)fleet_draw(fleet, fleet->plan->lines);
	bool left_out =
		(double)fleet_draw(fleet, FLEET_MILLION) >= rate_now(fleet) / most * FLEET_MILLION;
	const struct fleet_phone *phone = &fleet->phones[p];

	plan_next(fleet);
	if (left_out || !(phone->flags & FLEET_ONCE))
		return;
	fleet->results->calls_placed++;
	fleet->current.calls_placed++;
	if (!(phone->flags & FLEET_ON)) {
		lose(fleet, SIM_LOST_POWER);
	} else if (phone->flags & (FLEET_LINK_DOWN | FLEET_ASLEEP)) {
		lose(fleet, SIM_LOST_LINK);
	} else {
		struct fleet_call *call = add_call(fleet, p);
		uint64_t token = token_of(fleet, call);

		if (fleet_phone_request(fleet, p, token) < 0) {
			lose(fleet, SIM_LOST_BUSY);
			drop_call(fleet, find_call(fleet, token));
		}
	}
}

void fleet_call_ring(struct sim_fleet *fleet, uint64_t token)
{
	struct fleet_call *call = find_call(fleet, token);

	if (!call || call->rung)
		return;
	call->rung = true;
	sim_histogram_add(&fleet->results->setup_us, fleet->now_us - call->dialled_us);
}

/* What a cause of the engine means for the person who called. */
static enum sim_loss loss_of(const struct fleet_call *call, const struct kl_action_outcome *outcome)
{
	if (!outcome->local)
		return SIM_LOST_REFUSED;
	if (call->rung)
		return SIM_LOST_RINGING;
	if (outcome->why == KL_WHY_NO_ROUTE || outcome->why == KL_WHY_NO_NAMES ||
	    outcome->why == KL_WHY_NAMES_WAITED || outcome->why == KL_WHY_NAMES_FAILED)
		return SIM_LOST_NAMES;
	if (outcome->why == KL_WHY_REGISTRATION_FAILED || outcome->why == KL_WHY_NOT_REGISTERED)
		return SIM_LOST_REGISTRATION;
	if (outcome->why == KL_WHY_LINK_DOWN)
		return SIM_LOST_LINK;
	return SIM_LOST_ANSWER;
}

void fleet_call_outcome(struct sim_fleet *fleet, uint32_t p,
			const struct kl_action_outcome *outcome)
{
	struct fleet_call *call = find_call(fleet, outcome->token);

	if (!call)
		return;
	if (outcome->status / 100 != 2) {
		lose(fleet, loss_of(call, outcome));
		drop_call(fleet, call);
		return;
	}
	call->up = true;
	call->server = (uint8_t)fleet_server_at(fleet, &outcome->binding.route);
	fleet->results->calls_taken++;
	struct fleet_message *message = fleet_message_new(fleet, p);
	message->what = FLEET_HANG_UP;
	message->token = outcome->token;
	fleet_message_send(
		fleet, message,
		fleet->now_us +
			fleet_draw_wait(fleet, (double)fleet->plan->calls.length_ms * FLEET_US));
}

void fleet_call_hang_up(struct sim_fleet *fleet, const struct fleet_message *message)
{
	struct fleet_call *call = find_call(fleet, message->token);
	const struct fleet_phone *phone = &fleet->phones[message->phone];

	if (!call)
		return;
	drop_call(fleet, call);
	if (message->boots == phone->boots && phone->flags & FLEET_ON)
		fleet_phone_feed(fleet, message->phone,
				 &(struct kl_event){.type = KL_EV_CALL_ENDED});
}

/* An established call is lost once; its phone notices nothing before it hangs up. */
static void cut(struct sim_fleet *fleet, struct fleet_call *call)
{
	call->cut = true;
	lose(fleet, SIM_LOST_CUT);
}

void fleet_calls_cut_server(struct sim_fleet *fleet, uint32_t server)
{
	for (size_t i = 0; i < fleet->call_count; i++) {
		struct fleet_call *call = &fleet->calls[i];

		if (call->used && call->up && !call->cut && call->server == server)
			cut(fleet, call);
	}
}

void fleet_calls_cut_stopped(struct sim_fleet *fleet)
{
	for (size_t i = 0; i < fleet->call_count; i++) {
		struct fleet_call *call = &fleet->calls[i];

		if (!call->used || call->boots == fleet->phones[call->phone].boots)
			continue;
		if (!call->cut)
			cut(fleet, call);
		drop_call(fleet, call);
	}
}

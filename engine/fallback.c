#include "engine/fallback.h"

#include "engine/flow.h"
#include "engine/line.h"
#include "engine/outcome.h"
#include "engine/registration.h"

static uint32_t entries_end(const struct kl_engine *e, uint32_t line)
{
	return line_at(e, line)->first_registration + e->config->lines[line].entry_count;
}

static const struct kl_policy *fallback_policy(const struct kl_engine *e, uint32_t line)
{
	return entry_config(e, line, 0)->policy;
}

bool fallback_successive(const struct kl_engine *e, uint32_t line)
{
	return e->config->lines[line].entry_count > 1 && fallback_policy(e, line)->successive;
}

uint32_t fallback_turn(const struct kl_engine *e, uint32_t line)
{
	uint32_t first = NONE;
	for (uint32_t r = line_at(e, line)->first_registration; r < entries_end(e, line); r++) {
		if (!registration_config(e, r)->registers)
			continue;
		if (!registration_at(e, r)->lost)
			return r;
		if (first == NONE)
			first = r;
	}
	return first;
}

void fallback_begin(struct kl_engine *e, uint32_t line)
{
	uint32_t r = fallback_turn(e, line);
	if (fallback_successive(e, line) && r != NONE)
		registration_take_turn(e, r, KL_WHY_STARTED);
}

/* Nothing is registered any more: what waited for a probe tries again by its own back-off. */
static void fallback_hurry(struct kl_engine *e, uint32_t line, uint32_t but)
{
	for (uint32_t r = line_at(e, line)->first_registration; r < entries_end(e, line); r++)
		if (r != but && registration_at(e, r)->state == KL_BACKING_OFF)
			registration_hurry(e, r);
}

/* Yealink: in a failure situation the phone registers to the fallback server.  FALL-2, YEA-3 */
void fallback_lost(struct kl_engine *e, uint32_t r)
{
	uint32_t line = registration_at(e, r)->line;
	if (!fallback_successive(e, line) || !line_at(e, line)->started || flow_is_second(e, r))
		return;
	uint32_t turn = fallback_turn(e, line);
	if (registration_at(e, turn)->state == KL_STANDBY)
		registration_take_turn(e, turn, KL_WHY_TURN);
	else if (line_working(e, line) == NONE && fallback_policy(e, line)->fallback_probe_ms)
		fallback_hurry(e, line, r);
}

/* TB 5844, before SIP 2.1: once the first server accepts again, the registration with the second
 * will expire.  FALL-2 */
void fallback_connected(struct kl_engine *e, uint32_t r, bool anew)
{
	uint32_t line = registration_at(e, r)->line;
	kl_ms probe_ms = fallback_policy(e, line)->fallback_probe_ms;
	if (!fallback_successive(e, line) || flow_is_second(e, r))
		return;
	for (uint32_t low = r + 1; low < entries_end(e, line); low++)
		registration_stand_by(e, low, KL_WHY_HIGHER);
	for (uint32_t high = line_at(e, line)->first_registration; high < r; high++)
		if (anew && probe_ms && registration_at(e, high)->state == KL_BACKING_OFF)
			registration_retry_at(e, high, e->now + probe_ms,
					      KL_POLICY_fallback_probe_ms);
}

kl_ms fallback_probe_ms(const struct kl_engine *e, uint32_t r)
{
	uint32_t line = registration_at(e, r)->line;
	bool served = false;
	for (uint32_t low = r + 1; low < entries_end(e, line); low++)
		served |= registration_at(e, low)->active;
	return served && fallback_successive(e, line) ? fallback_policy(e, line)->fallback_probe_ms
						      : 0;
}

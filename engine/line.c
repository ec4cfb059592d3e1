#include "engine/line.h"

#include "engine/failback.h"
#include "engine/registration.h"

int line_start(struct kl_engine *e, uint32_t line)
{
	struct line *self = line_at(e, line);
	if (self->started)
		return KL_IGNORED;
	self->started = true;
	for (uint8_t i = 0; i < e->config->lines[line].entry_count; i++)
		registration_start(e, self->first_registration + i);
	return KL_OK;
}

int line_stop(struct kl_engine *e, uint32_t line)
{
	struct line *self = line_at(e, line);
	if (!self->started)
		return KL_IGNORED;
	self->started = false;
	for (uint8_t i = 0; i < e->config->lines[line].entry_count; i++)
		registration_stop(e, self->first_registration + i);
	return KL_OK;
}

void line_call_began(struct kl_engine *e, uint32_t line)
{
	line_at(e, line)->calls++;
	e->calls++;
}

void line_call_ended(struct kl_engine *e, uint32_t line)
{
	assert(line_at(e, line)->calls > 0);
	line_at(e, line)->calls--;
	e->calls--;
	if (e->held_count)
		failback_idle(e, line);
}

uint32_t line_working(const struct kl_engine *e, uint32_t line)
{
	uint32_t first = line_at(e, line)->first_registration;
	for (uint32_t r = first; r < first + e->config->lines[line].entry_count; r++)
		if (registration_at(e, r)->active)
			return r;
	return NONE;
}

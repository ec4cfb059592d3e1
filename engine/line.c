#include "engine/line.h"

#include "engine/failback.h"
#include "engine/fallback.h"
#include "engine/flow.h"
#include "engine/registration.h"
#include "engine/subscription.h"

int line_start(struct kl_engine *e, uint32_t line)
{
	struct line *self = line_at(e, line);
	if (self->started)
		return KL_IGNORED;
	self->started = true;
	for (uint8_t i = 0; i < e->config->lines[line].entry_count; i++)
		registration_start(e, self->first_registration + i);
	for (uint32_t i = 0; i < flow_seconds(e->config, line); i++)
		registration_start(e, flow_of_line(e, line) + i);
	fallback_begin(e, line);
	return KL_OK;
}

int line_stop(struct kl_engine *e, uint32_t line)
{
	struct line *self = line_at(e, line);
	if (!self->started)
		return KL_IGNORED;
	self->started = false;
	subscription_end_all(e, line);
	for (uint8_t i = 0; i < e->config->lines[line].entry_count; i++)
		registration_stop(e, self->first_registration + i);
	for (uint32_t i = 0; i < flow_seconds(e->config, line); i++)
		registration_stop(e, flow_of_line(e, line) + i);
	return KL_OK;
}

uint32_t line_busy(const struct kl_engine *e, uint32_t line)
{
	return line_at(e, line)->invites + line_at(e, line)->calls;
}

uint32_t line_group_busy(const struct kl_engine *e, uint32_t line)
{
	return line_at(e, line_at(e, line)->group)->group_busy;
}

void line_init_groups(struct kl_engine *e)
{
	for (uint32_t line = 0; line < e->config->line_count; line++) {
		uint32_t first = 0;
		while (e->config->lines[first].group != e->config->lines[line].group)
			first++;
		line_at(e, line)->group = first;
	}
}

static void line_busier(struct kl_engine *e, uint32_t line)
{
	line_at(e, line_at(e, line)->group)->group_busy++;
	e->calls++;
}

static void line_less_busy(struct kl_engine *e, uint32_t line)
{
	line_at(e, line_at(e, line)->group)->group_busy--;
	e->calls--;
	if (e->held_count)
		failback_idle(e, line);
}

void line_invite_began(struct kl_engine *e, uint32_t line)
{
	line_at(e, line)->invites++;
	line_busier(e, line);
}

void line_invite_ended(struct kl_engine *e, uint32_t line, bool answered)
{
	line_at(e, line)->invites--;
	if (answered)
		line_at(e, line)->calls++;
	else
		line_less_busy(e, line);
}

int line_call_began(struct kl_engine *e, uint32_t line)
{
	line_at(e, line)->calls++;
	line_busier(e, line);
	return KL_OK;
}

int line_call_ended(struct kl_engine *e, uint32_t line)
{
	if (line_at(e, line)->calls == 0)
		return KL_IGNORED;
	line_at(e, line)->calls--;
	line_less_busy(e, line);
	return KL_OK;
}

uint32_t line_working(const struct kl_engine *e, uint32_t line)
{
	uint32_t first = line_at(e, line)->first_registration;
	if (!line_at(e, line)->started)
		return NONE;
	for (uint32_t r = first; r < first + e->config->lines[line].entry_count; r++)
		if (registration_at(e, r)->active)
			return r;
	return NONE;
}

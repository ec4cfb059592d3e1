/* schedule.h - who waits until when, and who has something to tell the host. */
#ifndef ENGINE_SCHEDULE_H
#define ENGINE_SCHEDULE_H

#include "engine/state.h"

/* Makes node N wait until AT; KL_NEVER: it waits no more. */
void schedule_set(struct kl_engine *e, uint32_t n, kl_ms at);

/* Makes node N of a fresh engine wait as FROM, another engine's, does. */
void schedule_carry(struct kl_engine *e, uint32_t n, const struct node *from);

/* The node that waits for the earliest time, NONE if none waits. */
uint32_t schedule_first(const struct kl_engine *e);

/* Adds bits to what node N owes and puts it on the ready list, behind those that are there. */
void owe(struct kl_engine *e, uint32_t n, uint16_t what);

/* Takes bits away again: what was owed has become pointless. */
void owe_no_more(struct kl_engine *e, uint32_t n, uint16_t what);

/* The first node that owes something, NONE if none does. */
uint32_t ready_first(struct kl_engine *e);

/* Uniform in [least, most], from the engine's generator. */
kl_ms random_between(struct kl_engine *e, kl_ms least, kl_ms most);

/* One step of the generator (splitmix64), on any state. */
uint64_t random_next(uint64_t *state);

#endif

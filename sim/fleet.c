/* fleet.c - the fleet's time, memory and chance. */
#include "sim/fleet.h"

#include <err.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "sim/fleet_private.h"
#include "sim/grow.h"
#include "sim/invariants.h"

enum {
	CACHE_LINE = 64,
	HUGE_PAGE = 2 << 20,
	QUEUED = 3,       /* items of a phone in the queue, with the room of half-filled blocks */
	MESSAGES = 1,     /* under way for each phone, when all speak at once */
	SPARE = 64 << 20, /* what does not grow with the phones */
};

/* ---- chance ---------------------------------------------------------------------------------- */

/* splitmix64: one step gives one number. */
static uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

uint64_t fleet_draw(struct sim_fleet *fleet, uint64_t limit)
{
	return next_random(&fleet->random) % limit;
}

uint64_t fleet_draw_wait(struct sim_fleet *fleet, double mean_us)
{
	double part = (double)(next_random(&fleet->random) >> 11) * 0x1p-53;

	return (uint64_t)(-log1p(-part) * mean_us);
}

bool fleet_lost(struct sim_fleet *fleet, uint32_t site)
{
	uint32_t loss = fleet->sites[site].loss;

	return loss && fleet_draw(fleet, FLEET_MILLION) < loss;
}

uint64_t fleet_path_us(struct sim_fleet *fleet, uint32_t site)
{
	const struct fleet_site *path = &fleet->sites[site];

	return path->delay_us + (path->jitter_us ? fleet_draw(fleet, path->jitter_us) : 0);
}

/* ---- memory ---------------------------------------------------------------------------------- */

static size_t stride_of(const struct sim_plan *plan)
{
	size_t most = 0;

	for (uint32_t i = 0; i < plan->class_count; i++) {
		size_t size = kl_engine_size(&plan->classes[i].engine);

		most = size > most ? size : most;
	}
	return (most + CACHE_LINE - 1) & ~(size_t)(CACHE_LINE - 1);
}

uint64_t sim_fleet_bytes(const struct sim_plan *plan)
{
	uint64_t phone = stride_of(plan) + sizeof(struct fleet_phone) +
			 QUEUED * sizeof(struct sim_due) + MESSAGES * sizeof(struct fleet_message);

	return plan->lines * phone + SPARE;
}

/* Memory for all engines: huge pages, since each event is in another one. */
static char *map_engines(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return NULL;
	madvise(memory, size, MADV_HUGEPAGE); /* a matter of speed alone */
	return memory;
}

/* A phone's engine and record come into the cache some time before they are needed. */
static void come_near(void *context, const struct sim_due *item)
{
	const struct sim_fleet *fleet = context;
	const char *engine;

	if (item->subject == FLEET_NONE || item->detail != FLEET_NONE)
		return;
	__builtin_prefetch(&fleet->phones[item->subject]);
	engine = fleet->engines + item->subject * fleet->stride;
	for (size_t at = 0; at < fleet->stride; at += CACHE_LINE)
		__builtin_prefetch(engine + at);
}

/* Whose is the draw, of things with shares? */
static uint32_t pick(uint64_t draw, const uint32_t *shares, size_t step, uint32_t count)
{
	uint32_t i = 0;

	while (i + 1 < count && draw >= *shares) {
		draw -= *shares;
		shares = (const uint32_t *)(const void *)((const char *)shares + step);
		i++;
	}
	return i;
}

static uint64_t sum(const uint32_t *shares, size_t step, uint32_t count)
{
	uint64_t total = 0;

	for (uint32_t i = 0; i < count; i++)
		total += *(const uint32_t *)(const void *)((const char *)shares + i * step);
	return total;
}

/* All phones are off, and start one by one. */
static void init_phones(struct sim_fleet *fleet)
{
	const struct sim_plan *plan = fleet->plan;
	const uint32_t *classes = &plan->classes[0].share, *sites = &plan->sites[0].share;
	const size_t class_step = sizeof(plan->classes[0]), site_step = sizeof(plan->sites[0]);
	uint64_t class_sum = sum(classes, class_step, plan->class_count);
	uint64_t site_sum = sum(sites, site_step, plan->site_count);
	uint64_t spread_us = (uint64_t)plan->boot_spread_ms * FLEET_US;

	for (uint32_t p = 0; p < plan->lines; p++) {
		fleet->phones[p] = (struct fleet_phone){
			.due_us = UINT64_MAX,
			.queued_us = UINT64_MAX,
			.first_message = FLEET_NONE,
			.class = (uint8_t)pick(fleet_draw(fleet, class_sum), classes, class_step,
					       plan->class_count),
			.site = (uint16_t)pick(fleet_draw(fleet, site_sum), sites, site_step,
					       plan->site_count),
		};
		fleet_phone_wake(fleet, p, spread_us ? fleet_draw(fleet, spread_us) : 0);
	}
}

static void init_sites(struct sim_fleet *fleet)
{
	for (uint32_t i = 0; i < fleet->plan->site_count; i++) {
		const struct sim_plan_site *site = &fleet->plan->sites[i];

		fleet->sites[i] = (struct fleet_site){site->delay_us, site->jitter_us, site->loss};
	}
}

static bool take_memory(struct sim_fleet *fleet)
{
	const struct sim_plan *plan = fleet->plan;

	fleet->stride = stride_of(plan);
	fleet->engines_size =
		(fleet->stride * plan->lines + HUGE_PAGE - 1) & ~(size_t)(HUGE_PAGE - 1);
	fleet->engines = map_engines(fleet->engines_size);
	fleet->phones = calloc(plan->lines, sizeof(*fleet->phones));
	fleet->sites = calloc(plan->site_count, sizeof(*fleet->sites));
	fleet->active = calloc(plan->fault_count + 1, sizeof(*fleet->active));
	if (fleet->judged)
		fleet->checkers =
			calloc(plan->lines / fleet->judged + 1, sizeof(struct sim_invariants *));
	return fleet->engines && fleet->phones && fleet->sites && fleet->active &&
	       (fleet->checkers || !fleet->judged);
}

struct sim_fleet *sim_fleet_new(const struct sim_plan *plan, struct sim_results *results,
				uint32_t judged)
{
	struct sim_fleet *fleet = calloc(1, sizeof(*fleet));

	if (!fleet)
		return NULL;
	fleet->plan = plan;
	fleet->results = results;
	fleet->judged = judged;
	fleet->random = plan->seed;
	fleet->free_message = fleet->free_call = FLEET_NONE;
	fleet->queue.nears = come_near;
	fleet->queue.context = fleet;
	if (!take_memory(fleet)) {
		sim_fleet_free(fleet);
		return NULL;
	}
	init_sites(fleet);
	fleet_servers_init(fleet);
	fleet_names_begin(fleet);
	init_phones(fleet);
	fleet_faults_begin(fleet);
	fleet_calls_begin(fleet);
	return fleet;
}

void sim_fleet_free(struct sim_fleet *fleet)
{
	if (!fleet)
		return;
	if (fleet->engines)
		munmap(fleet->engines, fleet->engines_size);
	for (uint32_t i = 0; fleet->checkers && i <= fleet->plan->lines / fleet->judged; i++)
		free(fleet->checkers[i]);
	fleet_names_end(fleet);
	sim_radix_free(&fleet->queue);
	free(fleet->checkers);
	free(fleet->phones);
	free(fleet->sites);
	free(fleet->active);
	free(fleet->messages);
	free(fleet->calls);
	free(fleet);
}

void sim_fleet_set_watch(struct sim_fleet *fleet, const struct sim_fleet_watch *watch)
{
	fleet->watch = *watch;
}

kl_ms fleet_now(const struct sim_fleet *fleet)
{
	return fleet->now_us / FLEET_US;
}

struct kl_engine *fleet_engine(const struct sim_fleet *fleet, uint32_t phone)
{
	return (struct kl_engine *)(void *)(fleet->engines + phone * fleet->stride);
}

/* ---- messages -------------------------------------------------------------------------------- */

struct fleet_message *fleet_message_new(struct sim_fleet *fleet, uint32_t phone)
{
	struct fleet_phone *owner = &fleet->phones[phone];
	struct fleet_message *message;
	uint32_t index = fleet->free_message;

	if (index == FLEET_NONE) {
		fleet->messages = sim_grow(fleet->messages, &fleet->message_room,
					   fleet->message_count, sizeof(*message));
		index = (uint32_t)fleet->message_count++;
	} else {
		fleet->free_message = fleet->messages[index].next;
	}
	message = &fleet->messages[index];
	*message = (struct fleet_message){
		.next = owner->first_message, .phone = phone, .boots = owner->boots};
	owner->first_message = index;
	return message;
}

void fleet_message_send(struct sim_fleet *fleet, struct fleet_message *message, uint64_t at_us)
{
	sim_radix_put(&fleet->queue,
		      (struct sim_due){.at_us = at_us,
				       .subject = message->phone,
				       .detail = (uint32_t)(message - fleet->messages)});
}

void fleet_message_free(struct sim_fleet *fleet, struct fleet_message *message)
{
	uint32_t index = (uint32_t)(message - fleet->messages);
	uint32_t *link = &fleet->phones[message->phone].first_message;

	while (*link != index)
		link = &fleet->messages[*link].next;
	*link = message->next;
	message->next = fleet->free_message;
	fleet->free_message = index;
}

void fleet_plan(struct sim_fleet *fleet, uint64_t at_us, uint32_t detail)
{
	sim_radix_put(&fleet->queue,
		      (struct sim_due){.at_us = at_us, .subject = FLEET_NONE, .detail = detail});
}

/* ---- time ------------------------------------------------------------------------------------ */

static void happen(struct sim_fleet *fleet, const struct sim_due *item)
{
	if (item->subject != FLEET_NONE && item->detail == FLEET_NONE)
		fleet_phone_due(fleet, item->subject, item->at_us);
	else if (item->subject != FLEET_NONE && fleet->messages[item->detail].what == FLEET_REQUEST)
		fleet_server_take(fleet, &fleet->messages[item->detail]);
	else if (item->subject != FLEET_NONE)
		fleet_phone_take(fleet, &fleet->messages[item->detail]);
	else if (item->detail == FLEET_CALL_COMES)
		fleet_call_place(fleet);
	else
		fleet_fault_happen(fleet, item->detail / 2, item->detail % 2);
}

/* The second is over: what is counted in it begins anew. */
static void close_second(struct sim_fleet *fleet)
{
	fleet->results->fleet[fleet->second++] = fleet->current;
	fleet->current.calls_placed = fleet->current.calls_lost = fleet->current.questions = 0;
}

void sim_fleet_run(struct sim_fleet *fleet, uint64_t until_us)
{
	uint64_t end_us = (uint64_t)fleet->plan->run_ms * FLEET_US;
	struct sim_due item;

	if (until_us > end_us)
		until_us = end_us;
	while (fleet->now_us < until_us) {
		uint64_t second_us = (uint64_t)(fleet->second + 1) * FLEET_SECOND_US;
		uint64_t stop_us = second_us < until_us ? second_us : until_us;

		while (sim_radix_take(&fleet->queue, stop_us, &item)) {
			fleet->now_us = item.at_us;
			happen(fleet, &item);
		}
		fleet->now_us = stop_us;
		if (stop_us == second_us || stop_us == end_us)
			close_second(fleet);
		fleet->results->done_us = stop_us;
	}
}

void sim_fleet_finish(struct sim_fleet *fleet)
{
	struct sim_results *results = fleet->results;

	for (uint32_t p = 0; p < fleet->plan->lines; p++) {
		const struct fleet_phone *phone = &fleet->phones[p];
		uint64_t out_ms = phone->out_ms;

		if (!(phone->flags & FLEET_ONCE))
			continue;
		if (!(phone->flags & FLEET_SERVED))
			out_ms += fleet_now(fleet) - phone->out_since_ms;
		sim_histogram_add(&results->out_ms, out_ms);
		results->never_in_service += !(phone->flags & FLEET_EVER);
		sim_histogram_add(&results->moves, phone->moves);
	}
	results->complete = fleet->now_us == (uint64_t)fleet->plan->run_ms * FLEET_US;
}

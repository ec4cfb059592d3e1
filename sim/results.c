#include "sim/results.h"

#include <sys/mman.h>

enum { SECOND_MS = 1000, SECOND_US = 1000000, NEARLY_ALL = 99 };

const char *sim_loss_text(enum sim_loss loss)
{
#define TEXT(name, text) text,
	static const char *const texts[] = {SIM_LOSSES(TEXT)};
#undef TEXT
	return texts[loss];
}

static uint32_t seconds_of(const struct sim_plan *plan)
{
	return (plan->run_ms + SECOND_MS - 1) / SECOND_MS;
}

size_t sim_results_size(const struct sim_plan *plan)
{
	return sizeof(struct sim_results) +
	       seconds_of(plan) * (sizeof(struct sim_fleet_second) +
				   plan->server_count * sizeof(struct sim_server_second));
}

struct sim_results *sim_results_new(const struct sim_plan *plan)
{
	struct sim_results *results = mmap(NULL, sim_results_size(plan), PROT_READ | PROT_WRITE,
					   MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (results == MAP_FAILED)
		return NULL;
	results->seconds = seconds_of(plan);
	results->server_count = plan->server_count;
	return results;
}

void sim_results_free(struct sim_results *results)
{
	size_t second = sizeof(struct sim_fleet_second) +
			results->server_count * sizeof(struct sim_server_second);

	munmap(results, sizeof(*results) + results->seconds * second);
}

struct sim_server_second *sim_results_server(const struct sim_results *results, uint32_t server)
{
	const struct sim_fleet_second *end = results->fleet + results->seconds;

	return (struct sim_server_second *)(uintptr_t)end + (size_t)server * results->seconds;
}

uint32_t sim_results_seconds(const struct sim_results *results)
{
	return (uint32_t)(results->done_us / SECOND_US);
}

uint32_t sim_results_peak(const struct sim_results *results, uint32_t server, uint32_t from,
			  uint32_t to, uint32_t *at_s)
{
	const struct sim_server_second *seconds = sim_results_server(results, server);
	uint32_t peak = 0;

	*at_s = from;
	for (uint32_t s = from; s < to; s++) {
		uint32_t requests = seconds[s].registers + seconds[s].calls + seconds[s].others;

		if (requests > peak) {
			peak = requests;
			*at_s = s;
		}
	}
	return peak;
}

/* The first second from FROM on in which so many are in service; -1: none before TO. */
static int64_t find_service(const struct sim_results *results, uint32_t from, uint32_t to,
			    uint32_t wanted)
{
	for (uint32_t s = from; s < to; s++)
		if (results->fleet[s].in_service >= wanted)
			return s - from;
	return -1;
}

/* The second in which the next fault begins that is not over before this one, or the end. */
static uint32_t next_begins(const struct sim_results *results, const struct sim_plan *plan,
			    uint32_t fault)
{
	uint32_t seconds = sim_results_seconds(results);

	for (uint32_t i = fault + 1; i < plan->fault_count; i++) {
		uint64_t at_s = plan->faults[i].at_us / SECOND_US;

		if (plan->faults[i].at_us > plan->faults[fault].at_us &&
		    plan->faults[i].ends_us > plan->faults[fault].ends_us && at_s < seconds)
			return (uint32_t)at_s;
	}
	return seconds;
}

/* Is PEAK, of server I, more for it than what AFTER has?  A server without a limit bears all. */
static bool is_worse(const struct sim_plan *plan, uint32_t peak, uint32_t i,
		     const struct sim_aftermath *after)
{
	uint64_t own = plan->servers[i].capacity,
		 other = plan->servers[after->peak_server].capacity;

	if (!after->peak || (own && !other))
		return peak > 0;
	if (!own && !other)
		return peak > after->peak;
	return own && peak * other > after->peak * own;
}

struct sim_aftermath sim_results_aftermath(const struct sim_results *results,
					   const struct sim_plan *plan, uint32_t fault)
{
	const struct sim_plan_fault *row = &plan->faults[fault];
	uint32_t seconds = sim_results_seconds(results);
	uint32_t next = next_begins(results, plan, fault);
	uint64_t begins = row->at_us / SECOND_US;
	uint64_t ends = row->ends_us == UINT64_MAX ? begins : row->ends_us / SECOND_US;
	struct sim_aftermath after = {.back_s = -1, .most_s = -1};

	if (begins >= seconds)
		return after;
	after.before = begins ? results->fleet[begins - 1].in_service : 0;
	after.least = after.before;
	for (uint32_t s = (uint32_t)begins; s < next; s++)
		if (results->fleet[s].in_service < after.least)
			after.least = results->fleet[s].in_service;
	if (ends >= next)
		return after;
	after.back_s = find_service(results, (uint32_t)ends, next, after.before);
	after.most_s = find_service(results, (uint32_t)ends, next,
				    (uint32_t)((uint64_t)after.before * NEARLY_ALL / 100));
	for (uint32_t i = 0; i < results->server_count; i++) {
		uint32_t at_s, peak = sim_results_peak(results, i, (uint32_t)ends, next, &at_s);

		if (is_worse(plan, peak, i, &after)) {
			after.peak = peak;
			after.peak_server = i;
			after.peak_at_s = at_s;
		}
	}
	return after;
}

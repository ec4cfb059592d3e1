/* results.h - what came of a fleet's run: by the second, by the server, by the fault, by the phone.
 *
 * One flat block without pointers in memory that a process shares with those that it forks, so that
 * one may fill it while another looks on.
 */
#ifndef SIM_RESULTS_H
#define SIM_RESULTS_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/histogram.h"
#include "sim/plan.h"

enum { SIM_BROKEN_MAX = 256 };

/* Why a call was lost. */
#define SIM_LOSSES(X)                                                                              \
	X(SIM_LOST_POWER, "the phone had no power")                                                \
	X(SIM_LOST_LINK, "the phone had no network")                                               \
	X(SIM_LOST_NAMES, "the DNS gave no route")                                                 \
	X(SIM_LOST_ANSWER, "no server answered")                                                   \
	X(SIM_LOST_RINGING, "it rang, and its server died")                                        \
	X(SIM_LOST_REFUSED, "a server refused it")                                                 \
	X(SIM_LOST_REGISTRATION, "the line was not registered")                                    \
	X(SIM_LOST_BUSY, "the phone had too many requests under way")                              \
	X(SIM_LOST_CUT, "its server or phone died during the call")

#define SIM_ENUM(name, text) name,
enum sim_loss { SIM_LOSSES(SIM_ENUM) SIM_LOSSES_MAX };
#undef SIM_ENUM

const char *sim_loss_text(enum sim_loss loss);

/* One server in one second.  Requests are those that reached it while it heard. */
struct sim_server_second {
	uint32_t registers, calls, others;
	uint32_t copies;  /* of requests that it was still at: absorbed */
	uint32_t dropped; /* the queue was full */
	uint32_t refused; /* answered 503 */
	uint32_t queue;   /* the most that waited */
	uint32_t unheard; /* requests that came to it while it was dead */
};

/* The fleet at the end of one second. */
struct sim_fleet_second {
	uint32_t powered;    /* phones that have started */
	uint32_t registered; /* that hold a registration, as they see it */
	uint32_t in_service; /* and the server that holds it is alive, reachable, and knows of it */
	uint32_t calls_placed, calls_lost, questions; /* in this second */
};

struct sim_server_totals {
	uint64_t requests, registers, calls, copies, dropped, refused, unheard;
	uint64_t waits_us; /* of all requests together, in its queue */
	uint64_t served;
};

struct sim_results {
	uint32_t seconds, server_count;
	volatile uint64_t done_us; /* virtual time that has passed */
	volatile uint64_t events;  /* that were fed to engines */
	volatile bool ended;       /* nothing changes any more */
	bool complete;             /* the run came to its end */
	uint64_t exchanges;        /* requests of phones that got a final answer */
	uint64_t requests, copies, probes, questions, registrations;
	uint64_t calls_placed, calls_taken;
	uint64_t lost[SIM_LOSSES_MAX];
	uint64_t cut_routes;           /* an engine had no room for what the DNS gave */
	struct sim_histogram setup_us; /* from dialling until it rings */
	struct sim_histogram out_ms; /* time without service of each phone, from its first start */
	uint32_t never_in_service;   /* phones that were not registered even once */
	struct sim_histogram moves;  /* of each phone, from one server to another */
	struct sim_histogram returns_ms; /* to a server that was dead, from the first probe that it
					  * answered */
	uint64_t judged;                 /* events that the safety checker looked at */
	char broken[SIM_BROKEN_MAX];     /* the first rule that broke; "": none */
	struct sim_server_totals totals[SIM_FLEET_SERVERS_MAX];
	struct sim_fleet_second fleet[]; /* of each second; then those of each server */
};

/* A zeroed block for PLAN's run in shared memory; NULL: there is not enough. */
struct sim_results *sim_results_new(const struct sim_plan *plan);
void sim_results_free(struct sim_results *results);
size_t sim_results_size(const struct sim_plan *plan);

/* Of one server, a record for each second. */
struct sim_server_second *sim_results_server(const struct sim_results *results, uint32_t server);

/* Whole seconds that have passed. */
uint32_t sim_results_seconds(const struct sim_results *results);

/* What one fault did to the fleet. */
struct sim_aftermath {
	uint32_t before; /* in service just before it began */
	uint32_t least;  /* at the worst moment before the next fault */
	int64_t back_s;  /* after it ended, until as many are in service again; -1: not until the
			  * next fault or the end of the run */
	int64_t most_s;  /* ... until 99 % of them are; -1 */
	uint32_t peak_server, peak; /* the most requests in a second to one server, after it ended:
				     * the one for whose capacity that is the most */
	uint32_t peak_at_s;
};

struct sim_aftermath sim_results_aftermath(const struct sim_results *results,
					   const struct sim_plan *plan, uint32_t fault);

/* The most requests that SERVER got in one second of [from, to), and when. */
uint32_t sim_results_peak(const struct sim_results *results, uint32_t server, uint32_t from,
			  uint32_t to, uint32_t *at_s);

#endif

/* simulate_play.c - runs side by side, one process each, and their progress. */
#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli/simulate.h"
#include "sim/fleet.h"

enum {
	SLICE_US = 1000000, /* of virtual time, between two looks at the signals */
	LOOK_MS = 250,
	BAR = 30,
	NS_OF_MS = 1000000,
	MS = 1000,
};

static const double gib = 1024.0 * 1024 * 1024;

/* ---- one run, in a process of its own -------------------------------------------------------- */

static volatile sig_atomic_t stopped;

static void stop(int signal_number)
{
	(void)signal_number;
	stopped = 1;
}

static _Noreturn void play(const struct simulate_run *run, uint32_t judged)
{
	uint64_t end_us = (uint64_t)run->plan->run_ms * MS;
	struct sim_fleet *fleet = sim_fleet_new(run->plan, run->results, judged);

	if (!fleet)
		errx(EXIT_FAILURE, "%s: there is not enough memory", run->name);
	for (uint64_t us = SLICE_US; !stopped && run->results->done_us < end_us; us += SLICE_US)
		sim_fleet_run(fleet, us);
	sim_fleet_finish(fleet);
	run->results->ended = true;
	_exit(EXIT_SUCCESS); /* memory goes with the process */
}

/* ---- room ------------------------------------------------------------------------------------ */

/* The number behind KEY in a file; OTHERWISE where there is none ("max" is none). */
static uint64_t read_figure(const char *path, const char *key, uint64_t otherwise)
{
	char line[256];
	uint64_t figure = otherwise;
	bool found = false;
	FILE *file = fopen(path, "re");

	while (file && !found && fgets(line, sizeof line, file))
		found = !strncmp(line, key, strlen(key)) &&
			sscanf(line + strlen(key), "%" SCNu64, &figure) == 1;
	if (file)
		fclose(file);
	return figure;
}

/* Bytes that can be had without others being driven out, in this machine or container. */
static uint64_t memory_available(void)
{
	uint64_t machine = read_figure("/proc/meminfo", "MemAvailable:", UINT64_MAX / 1024) * 1024;
	uint64_t most = read_figure("/sys/fs/cgroup/memory.max", "", UINT64_MAX);
	uint64_t used = read_figure("/sys/fs/cgroup/memory.current", "", 0);
	uint64_t own = most > used ? most - used : 0;

	return own < machine ? own : machine;
}

/* How many runs go side by side; 0: not even one, which is told. */
static uint32_t count_beside(const struct simulate_runs *runs)
{
	uint64_t available = memory_available(), need = 0, results = 0;
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	uint32_t lines = 0;

	for (uint32_t i = 0; i < runs->count; i++) {
		const struct sim_plan *plan = runs->run[i].plan;
		uint64_t bytes = sim_fleet_bytes(plan);

		results += sim_results_size(plan);
		if (bytes > need) {
			need = bytes;
			lines = plan->lines;
		}
	}
	if (results + need > available) {
		warnx("%u lines need %.1f GiB of memory, and %.1f GiB are available", lines,
		      (double)(need + results) / gib, (double)available / gib);
		return 0;
	}
	uint64_t beside = (available - results) / need;
	return (uint32_t)(beside < (uint64_t)cores ? beside : (uint64_t)cores);
}

/* ---- all runs -------------------------------------------------------------------------------- */

static bool begin(struct simulate_runs *runs, struct simulate_run *run, const sigset_t *mask)
{
	run->begun = true;
	fflush(NULL);
	run->pid = fork();
	if (run->pid < 0) {
		warn("a process for %s", run->name);
		return false;
	}
	if (run->pid)
		return true;
	signal(SIGINT, stop);
	signal(SIGTERM, stop);
	sigprocmask(SIG_SETMASK, mask, NULL);
	play(run, runs->judged);
}

static uint32_t count_running(const struct simulate_runs *runs)
{
	uint32_t running = 0;

	for (uint32_t i = 0; i < runs->count; i++)
		running += runs->run[i].pid > 0;
	return running;
}

static bool begin_some(struct simulate_runs *runs, uint32_t beside, const sigset_t *mask)
{
	for (uint32_t i = 0; i < runs->count && count_running(runs) < beside; i++)
		if (!runs->run[i].begun && !begin(runs, &runs->run[i], mask))
			return false;
	return true;
}

static void reap(struct simulate_runs *runs)
{
	for (uint32_t i = 0; i < runs->count; i++) {
		struct simulate_run *run = &runs->run[i];
		int status;

		if (run->pid > 0 && waitpid(run->pid, &status, WNOHANG) == run->pid) {
			run->pid = 0;
			run->failed = !run->results->ended;
			if (run->failed)
				warnx("the run of %s broke off", run->name);
		}
	}
}

static void end_all(struct simulate_runs *runs)
{
	runs->interrupted = true;
	for (uint32_t i = 0; i < runs->count; i++) {
		runs->run[i].begun = true;
		if (runs->run[i].pid > 0)
			kill(runs->run[i].pid, SIGTERM);
	}
}

/* ---- progress -------------------------------------------------------------------------------- */

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void show_progress(const struct simulate_runs *runs, double began_s)
{
	double done = 0, all = 0, events = 0, passed_s = now_s() - began_s;
	char bar[BAR + 1];

	for (uint32_t i = 0; i < runs->count; i++) {
		const struct simulate_run *run = &runs->run[i];

		done += (double)run->results->done_us;
		all += (double)run->plan->run_ms * MS;
		events += (double)run->results->events;
	}
	for (int i = 0; i < BAR; i++)
		bar[i] = i < done / all * BAR ? '#' : '.';
	bar[BAR] = '\0';
	fprintf(stderr, "\r[%s] %3.0f %%  %.2f million events in a second", bar, 100 * done / all,
		events / passed_s / 1e6);
	if (done > 0)
		fprintf(stderr, "  %.0f s left ", passed_s * (all - done) / done);
	fflush(stderr);
}

bool simulate_play(struct simulate_runs *runs)
{
	const struct timespec look = {.tv_nsec = LOOK_MS * NS_OF_MS};
	bool terminal = isatty(STDERR_FILENO), good = true;
	uint32_t beside = count_beside(runs);
	double began_s = now_s();
	sigset_t waited, mask;

	if (!beside)
		return false;
	for (uint32_t i = 0; i < runs->count; i++)
		if (!(runs->run[i].results = sim_results_new(runs->run[i].plan)))
			err(EXIT_FAILURE, "the results");
	sigemptyset(&waited);
	sigaddset(&waited, SIGCHLD);
	sigaddset(&waited, SIGINT);
	sigaddset(&waited, SIGTERM);
	sigprocmask(SIG_BLOCK, &waited, &mask);
	good = begin_some(runs, beside, &mask);
	while (good && count_running(runs)) {
		int got = sigtimedwait(&waited, NULL, &look);

		if (got == SIGINT || got == SIGTERM)
			end_all(runs);
		reap(runs);
		good = begin_some(runs, beside, &mask);
		if (terminal)
			show_progress(runs, began_s);
	}
	if (terminal)
		fprintf(stderr, "\r\033[K");
	sigprocmask(SIG_SETMASK, &mask, NULL);
	for (uint32_t i = 0; i < runs->count; i++)
		good &= !runs->run[i].failed;
	return good;
}

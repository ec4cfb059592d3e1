/* live_test - one plan, two worlds: two hundred phones are simulated, and run live on loopback
 * against the lab's servers with the same faults.  What a phone needs to leave a dead server, and
 * to return to it, is distributed alike.
 *
 * Each live phone starts when the simulated one of its number does.  So a rule that draws nothing
 * gives the same times phone by phone, and its quantiles may differ by what a loaded machine delays
 * alone: SLACK_MS, and three times the worst lag of the run's loop, since a phone waits for several
 * of its timers.  A run with a lag of more than LAG_MAX_MS is made again.  Where the engine draws
 * (probes), the simulation is played with many seeds, and the live quantile lies where five
 * standard deviations of a sample of two hundred allow it (binomial: one false alarm in 1.7 million
 * for each), the lag aside. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "lab/certificate.h"
#include "lab/dnsserver.h"
#include "lab/sipserver.h"
#include "phone/log.h"
#include "phone/phone.h"
#include "sim/fleet.h"
#include "sip/message.h"

enum {
	PHONES = 200,
	SERVERS = 2,
	SEEDS = 10,
	SLACK_MS = 100,
	TICK_MS = 10,     /* so often the loop's lag is measured */
	LAG_MAX_MS = 200, /* a machine that was away for longer has run nothing */
	TRIES = 3,
	TEXT_SIZE = 4096,
	PATH_SIZE = 128,
};

/* What is compared, of each phone. */
enum measure { LEFT, RETURNED, MEASURES };

static const char *const measure_names[MEASURES] = {"left the dead server", "returned to it"};

/* When each phone found another home, counted from the fault's begin and from its end. */
struct sample {
	const struct sim_plan *plan;
	uint64_t first_us[PHONES];
	uint8_t home[PHONES]; /* from 1 */
	double ms[MEASURES][PHONES];
	uint32_t count[MEASURES], strays; /* STRAYS: moves that the fault does not explain */
};

struct world;

struct live_phone {
	struct world *world;
	uint32_t number;
	struct config *config;
	struct phone *phone;
	struct net_timer *timer; /* its start */
};

struct world {
	const char *profile, *policy;
	bool draws; /* its times are drawn, so that phones differ one by one */
	char folder[PATH_SIZE], scenario[PATH_SIZE], phone_file[PATH_SIZE], ca_file[PATH_SIZE];
	struct sim_plan *plan;
	struct net_loop *loop;
	uint64_t began_at;
	struct lab_sipserver *servers[SERVERS];
	struct lab_zone *zone;
	struct lab_dnsserver *dns;
	struct net_timer *fault, *end;
	struct live_phone phones[PHONES];
	struct sample simulated, live;
	double pool[MEASURES][SEEDS * PHONES]; /* of all seeds, sorted */
};

/* ---- what is measured ------------------------------------------------------------------------ */

static void note_home(void *user, uint32_t phone, uint32_t server, uint64_t at_us)
{
	struct sample *sample = user;
	const struct sim_plan_fault *fault = &sample->plan->faults[0];
	bool first = !sample->home[phone];

	if (sample->home[phone] == server + 1)
		return;
	sample->home[phone] = (uint8_t)(server + 1);
	if (first) {
		sample->first_us[phone] = at_us;
		return;
	}
	enum measure measure = server ? LEFT : RETURNED;
	uint64_t from_us = server ? fault->at_us : fault->ends_us;
	if (at_us < from_us) {
		sample->strays++;
		return;
	}
	if (sample->count[measure] < PHONES)
		sample->ms[measure][phone] = (double)(at_us - from_us) / 1000;
	sample->count[measure]++;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Of COUNT sorted values. */
static double quantile(const double *sorted, size_t count, double part)
{
	double place = part * (double)(count - 1);

	place = place < 0 ? 0 : place > (double)(count - 1) ? (double)(count - 1) : place;
	return sorted[(size_t)(place + 0.5)];
}

/* ---- simulated ------------------------------------------------------------------------------- */

static void simulate(const struct sim_plan *plan, struct sample *sample, uint32_t judged)
{
	struct sim_results *results = sim_results_new(plan);
	struct sim_fleet *fleet = sim_fleet_new(plan, results, judged);

	assert_non_null(fleet);
	*sample = (struct sample){.plan = plan};
	sim_fleet_set_watch(fleet, &(struct sim_fleet_watch){note_home, sample});
	sim_fleet_run(fleet, UINT64_MAX);
	sim_fleet_finish(fleet);
	assert_string_equal(results->broken, "");
	sim_fleet_free(fleet);
	sim_results_free(results);
}

/* The plan's own seed, which the live phones follow, then many more. */
static void simulate_all(struct world *world)
{
	struct sample *more = calloc(1, sizeof *more);

	simulate(world->plan, &world->simulated, 10);
	for (uint32_t i = 0; i < SEEDS; i++) {
		world->plan->seed = 1000 + i;
		simulate(world->plan, more, 0);
		for (int m = 0; m < MEASURES; m++)
			memcpy(&world->pool[m][(size_t)i * PHONES], more->ms[m],
			       sizeof more->ms[m]);
	}
	free(more);
	for (int m = 0; m < MEASURES; m++)
		qsort(world->pool[m], (size_t)SEEDS * PHONES, sizeof(double), compare);
}

/* ---- live ------------------------------------------------------------------------------------ */

static uint64_t live_us(const struct world *world)
{
	uint64_t now = net_now_ms();

	return now > world->began_at ? (now - world->began_at) * 1000 : 0;
}

static void take_action(void *user, const struct kl_action *action, kl_ms at)
{
	const struct live_phone *phone = user;
	const struct kl_report *report = &action->report;

	(void)at;
	if (action->type != KL_DO_REPORT || report->type != KL_REPORT_STATE ||
	    report->to != KL_REGISTERED || report->why != KL_WHY_ACCEPTED)
		return;
	for (uint32_t i = 0; i < SERVERS; i++)
		if (!memcmp(report->route.ip, phone->world->plan->servers[i].ip,
			    sizeof report->route.ip))
			note_home(&phone->world->live, phone->number, i, live_us(phone->world));
}

static void start_phone(void *user)
{
	const struct live_phone *phone = user;

	phone_start(phone->phone);
}

/* The plan's one fault begins, then it ends. */
static void take_fault(void *user)
{
	struct world *world = user;
	const struct sim_plan_fault *fault = &world->plan->faults[0];
	bool ends = live_us(world) >= fault->ends_us;

	lab_sipserver_set_fault(world->servers[0], ends ? LAB_UP : LAB_SILENT);
	net_timer_set(world->fault, ends ? NET_NEVER : world->began_at + fault->ends_us / 1000);
}

static void take_end(void *user)
{
	const struct world *world = user;

	net_loop_stop(world->loop);
}

static void write_phone(const struct world *world, uint32_t number)
{
	FILE *to = fopen(world->phone_file, "w");

	assert_non_null(to);
	fchmod(fileno(to), 0600);
	fprintf(to,
		"profile: %s\n"
		"policy: {expires: 10s, reregister_on: true, %s}\n"
		"lines:\n"
		"  - {user: \"%u\", servers: {name: sip.example.com, transport: udp}}\n",
		world->profile, world->policy, 1001 + number);
	assert_int_equal(fclose(to), 0);
}

static void open_phone(struct world *world, uint32_t number)
{
	struct live_phone *live = &world->phones[number];
	const char *files[] = {world->phone_file};
	const struct config_options options = {.files = files, .file_count = 1};
	struct phone_config config = {
		.loop = world->loop,
		.bind = {.ip = {[10] = 0xff, 0xff, 127, 0, 0, 1}},
		.tls.ca_file = world->ca_file, /* the system's store is long */
		.on_action = take_action,
		.user = live,
	};
	char why[PHONE_WHY_MAX];

	*live = (struct live_phone){.world = world, .number = number};
	write_phone(world, number);
	assert_int_equal(config_load(&options, &live->config), 0);
	config.config = live->config;
	net_resolver_config_init(&config.resolver);
	config.resolver.servers[config.resolver.server_count++] = lab_dnsserver_local(world->dns);
	if (phone_create(&live->phone, &config, why))
		fail_msg("%s", why);
	assert_int_equal(net_timer_create(&live->timer, world->loop,
					  (struct net_callback){start_phone, live}),
			 0);
}

static void open_servers(struct world *world, uint8_t net)
{
	struct lab_sipserver_config config = {
		.transport = SIP_UDP,
		.registrar = {.realm = "example.com"},
	};

	for (uint8_t i = 0; i < SERVERS; i++) {
		config.local = (struct net_address){
			.ip = {[10] = 0xff, 0xff, 127, 0, net, (uint8_t)(i + 1)}};
		assert_int_equal(lab_sipserver_open(&world->servers[i], world->loop, &config), 0);
	}
}

/* The plan's own records, as a zone. */
static void open_dns(struct world *world, uint8_t net)
{
	const struct sim_names *names = &world->plan->names;
	struct lab_dnsserver_config config = {
		.local = {.ip = {[10] = 0xff, 0xff, 127, 0, net, 53}}};
	char zone[TEXT_SIZE], why[128];
	size_t used = 0;

	for (size_t i = 0; i < names->record_count; i++) {
		const struct sim_record *record = &names->records[i];
		const uint8_t *ip = &record->data.ip[12];

		if (record->type == KL_SRV)
			used += (size_t)snprintf(zone + used, sizeof zone - used,
						 "%s. 86400 SRV %u %u %u %s.\n", record->owner,
						 record->data.priority, record->data.weight,
						 record->data.port, record->name);
		else
			used += (size_t)snprintf(zone + used, sizeof zone - used,
						 "%s. 86400 A %u.%u.%u.%u\n", record->owner, ip[0],
						 ip[1], ip[2], ip[3]);
	}
	world->zone = lab_zone_parse(zone, "zone", why, sizeof why);
	if (!world->zone)
		fail_msg("%s", why);
	config.zone = world->zone;
	assert_int_equal(lab_dnsserver_open(&world->dns, world->loop, &config), 0);
}

static void load_plan(struct world *world, uint8_t net)
{
	static const char scenario[] =
		"run: 21s\n"
		"phones: {lines: 200, boot_spread: 4s, configurations: [{files: phone.yaml}]}\n"
		"sites: [{name: here, delay: 0}]\n"
		"servers:\n"
		"  - {name: a, address: 127.0.%u.1, nonces: none}\n"
		"  - {name: b, address: 127.0.%u.2, nonces: none}\n"
		"dns:\n"
		"  delay: 0\n"
		"  records:\n"
		"    - {name: _sip._udp.sip.example.com, type: SRV, ttl: 24h, priority: 1, port: "
		"%u, target: a.example.com}\n"
		"    - {name: _sip._udp.sip.example.com, type: SRV, ttl: 24h, priority: 2, port: "
		"%u, target: b.example.com}\n"
		"    - {name: a.example.com, type: A, ttl: 24h, address: 127.0.%u.1}\n"
		"    - {name: b.example.com, type: A, ttl: 24h, address: 127.0.%u.2}\n"
		"faults: [{at: 6s, for: 7s, what: silent, server: a}]\n";
	char why[KL_TEXT_MAX];
	FILE *to = fopen(world->scenario, "w");

	assert_non_null(to);
	fprintf(to, scenario, net, net, lab_sipserver_local(world->servers[0]).port,
		lab_sipserver_local(world->servers[1]).port, net, net);
	assert_int_equal(fclose(to), 0);
	write_phone(world, 0);
	if (sim_plan_load(&(struct sim_plan_options){.path = world->scenario}, &world->plan))
		fail_msg("%s",
			 config_format_diagnostic(why, sizeof why, &world->plan->diagnostics[0]));
	world->live.plan = world->plan;
}

static void write_authority(const struct world *world)
{
	struct lab_authority *authority;

	assert_int_equal(lab_authority_create(&authority), 0);
	assert_int_equal(lab_authority_write(authority, world->ca_file), 0);
	lab_authority_free(authority);
}

static void open_world(struct world *world, struct net_loop *loop, uint8_t net)
{
	snprintf(world->folder, sizeof world->folder, "/tmp/keepline-live-XXXXXX");
	assert_non_null(mkdtemp(world->folder));
	snprintf(world->scenario, PATH_SIZE, "%.64s/scenario.yaml", world->folder);
	snprintf(world->phone_file, PATH_SIZE, "%.64s/phone.yaml", world->folder);
	snprintf(world->ca_file, PATH_SIZE, "%.64s/ca.pem", world->folder);
	world->loop = loop;
	write_authority(world);
	open_servers(world, net);
	load_plan(world, net);
	simulate_all(world);
	open_dns(world, net);
	for (uint32_t i = 0; i < PHONES; i++)
		open_phone(world, i);
	assert_int_equal(
		net_timer_create(&world->fault, loop, (struct net_callback){take_fault, world}), 0);
	assert_int_equal(
		net_timer_create(&world->end, loop, (struct net_callback){take_end, world}), 0);
}

static void begin_world(struct world *world)
{
	world->began_at = net_now_ms() + 50;
	for (uint32_t i = 0; i < PHONES; i++)
		net_timer_set(world->phones[i].timer,
			      world->began_at + world->simulated.first_us[i] / 1000);
	net_timer_set(world->fault, world->began_at + world->plan->faults[0].at_us / 1000);
	net_timer_set(world->end, world->began_at + world->plan->run_ms);
}

static void close_world(struct world *world)
{
	for (uint32_t i = 0; i < PHONES; i++) {
		net_timer_free(world->phones[i].timer);
		phone_free(world->phones[i].phone);
		config_free(world->phones[i].config);
	}
	net_timer_free(world->fault);
	net_timer_free(world->end);
	for (uint32_t i = 0; i < SERVERS; i++)
		lab_sipserver_close(world->servers[i]);
	lab_dnsserver_close(world->dns);
	lab_zone_free(world->zone);
	sim_plan_free(world->plan);
	unlink(world->scenario);
	unlink(world->phone_file);
	unlink(world->ca_file);
	rmdir(world->folder);
}

/* ---- compared -------------------------------------------------------------------------------- */

/* Where the quantile of a sample of PHONES may lie by chance, if it is drawn from the pool. */
static void find_bounds(const struct world *world, enum measure m, double part, double bounds[2])
{
	double chance = world->draws ? 5 * sqrt(part * (1 - part) / PHONES) : 0;
	const double *drawn = world->pool[m], *same = world->simulated.ms[m];

	for (int i = 0; i < 2; i++) {
		double of = part + (i ? chance : -chance);

		bounds[i] = world->draws ? quantile(drawn, (size_t)SEEDS * PHONES, of)
					 : quantile(same, PHONES, of);
	}
}

static void compare_world(struct world *world, double slack_ms)
{
	static const double parts[] = {0.1, 0.5, 0.9};

	for (int m = 0; m < MEASURES; m++) {
		assert_int_equal(world->simulated.strays + world->live.strays, 0);
		assert_int_equal(world->simulated.count[m], PHONES);
		assert_int_equal(world->live.count[m], PHONES);
		qsort(world->simulated.ms[m], PHONES, sizeof(double), compare);
		qsort(world->live.ms[m], PHONES, sizeof(double), compare);
		for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
			double live = quantile(world->live.ms[m], PHONES, parts[i]), bounds[2];

			find_bounds(world, (enum measure)m, parts[i], bounds);
			bounds[0] -= slack_ms;
			bounds[1] += slack_ms;
			printf("# %-9s %-21s p%.0f %9.0f %9.0f   %6.0f to %6.0f\n", world->profile,
			       measure_names[m], parts[i] * 100,
			       quantile(world->simulated.ms[m], PHONES, parts[i]), live, bounds[0],
			       bounds[1]);
			fflush(stdout);
			assert_true(live >= bounds[0] && live <= bounds[1]);
		}
	}
}

/* How late the loop is at worst: what a busy machine adds to every time of this run. */
struct lag {
	struct net_timer *timer;
	uint64_t due_at, worst_ms;
};

static void take_tick(void *user)
{
	struct lag *lag = user;
	uint64_t now = net_now_ms();

	if (now - lag->due_at > lag->worst_ms)
		lag->worst_ms = now - lag->due_at;
	lag->due_at = now + TICK_MS;
	net_timer_set(lag->timer, lag->due_at);
}

/* Both worlds in one loop; returns the worst lag. */
static uint64_t run_worlds(struct world *worlds, size_t count, struct net_loop *loop)
{
	struct lag lag = {0};

	for (size_t i = 0; i < count; i++)
		open_world(&worlds[i], loop, (uint8_t)(70 + i));
	assert_int_equal(net_timer_create(&lag.timer, loop, (struct net_callback){take_tick, &lag}),
			 0);
	for (size_t i = 0; i < count; i++)
		begin_world(&worlds[i]);
	lag.due_at = net_now_ms() + TICK_MS;
	net_timer_set(lag.timer, lag.due_at);
	assert_int_equal(net_loop_run(loop), 0);
	net_timer_free(lag.timer);
	return lag.worst_ms;
}

static void a_live_fleet_behaves_as_a_simulated_one(void **state)
{
	static const struct world fresh[] = {
		{.profile = "poly", .policy = "attempts_max: 2, retry_gap: 300ms, failback: 6s"},
		{.profile = "keepline",
		 .policy = "probe: 2s, probe_max: 2s, hold_down: 3s",
		 .draws = true},
	};
	static struct world worlds[sizeof fresh / sizeof fresh[0]];
	const size_t count = sizeof fresh / sizeof fresh[0];
	uint64_t lag_ms = UINT64_MAX;
	struct net_loop *loop;

	(void)state;
	assert_int_equal(net_loop_create(&loop), 0);
	for (int i = 0; i < TRIES && lag_ms > LAG_MAX_MS; i++) {
		for (size_t j = 0; i && j < count; j++)
			close_world(&worlds[j]);
		memcpy(worlds, fresh, sizeof worlds);
		lag_ms = run_worlds(worlds, count, loop);
		printf("# the machine was late by %llu ms at worst\n", (unsigned long long)lag_ms);
	}
	printf("# ms from the fault's begin, and from its end      simulated      live   "
	       "allowed\n");
	for (size_t i = 0; i < count; i++)
		compare_world(&worlds[i], SLACK_MS + 3 * (double)lag_ms);
	for (size_t i = 0; i < count; i++)
		close_world(&worlds[i]);
	net_loop_free(loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_live_fleet_behaves_as_a_simulated_one),
	};
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	sip_init();
	phone_log_set_level(PHONE_LOG_NOTHING);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

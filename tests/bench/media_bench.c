/* media_bench - what a second of a call's audio costs.
 *
 * Pairs of sessions over loopback, each of which says a tone and hears the other's, for some
 * seconds of real time: the processor time of all, the kernel's part in it included, by seconds and
 * sessions.  Then how many turns of 20 ms were taken: a machine that is too slow leaves some out.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "media/media.h"
#include "tests/bench/clock.h"

enum { PAIRS = 100, SESSIONS = 2 * PAIRS, SECONDS = 5, WARM_UP_SECONDS = 1 };

static struct net_loop *loop;
static uint64_t frames;

static void count_frame(void *user, const int16_t *samples, size_t count)
{
	(void)user;
	(void)samples;
	(void)count;
	frames++;
}

static void stop(void *user)
{
	(void)user;
	net_loop_stop(loop);
}

static void run_for(unsigned seconds)
{
	struct net_timer *timer;

	if (net_timer_create(&timer, loop, (struct net_callback){stop, NULL}) != 0)
		return;
	net_timer_set(timer, net_now_ms() + 1000 * seconds);
	net_loop_run(loop);
	net_timer_free(timer);
}

static int open_session(struct media **session, const struct net_address *local)
{
	const struct media_source tone = {.kind = MEDIA_TONE, .hz = 440};
	int error = media_open(
		session,
		&(struct media_config){.loop = loop, .local = *local, .on_audio = count_frame});

	return error != 0 ? error : media_set_source(*session, &tone);
}

static int send_to(struct media *session, const struct media *other)
{
	return media_set_target(session, &(struct media_target){.rtp = media_local(other),
								.sends = true,
								.receives = true,
								.sent = {0, 8, 101},
								.received = {0, 8, 101}});
}

static int open_all(struct media *sessions[SESSIONS])
{
	struct net_address local;
	int error = net_address_parse(&local, "127.0.0.1", 0);

	for (size_t i = 0; i < SESSIONS && error == 0; i++)
		error = open_session(&sessions[i], &local);
	for (size_t i = 0; i < SESSIONS && error == 0; i++)
		error = send_to(sessions[i], sessions[i ^ 1]);
	return error;
}

static double cpu_seconds(void)
{
	struct rusage used;

	getrusage(RUSAGE_SELF, &used);
	return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
	       (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

static void measure(struct media *sessions[SESSIONS])
{
	struct media_statistics statistics;
	uint64_t start, concealed = 0, lost = 0;
	double cpu, seconds;

	run_for(WARM_UP_SECONDS);
	frames = 0;
	start = clock_ns();
	cpu = cpu_seconds();
	run_for(SECONDS);
	cpu = cpu_seconds() - cpu;
	seconds = (double)(clock_ns() - start) / 1e9;
	for (size_t i = 0; i < SESSIONS; i++) {
		media_statistics_get(sessions[i], &statistics);
		concealed += statistics.concealed;
		lost += statistics.lost;
	}
	printf("%d sessions at once, PCMU, a tone each way, %.1f s\n", SESSIONS, seconds);
	printf("  processor time for a second of a call           %6.0f us\n",
	       cpu * 1e6 / SESSIONS / seconds);
	printf("  calls that would fill one processor             %6.0f\n",
	       SESSIONS * seconds / cpu);
	printf("  turns taken, of those due                       %6.1f %%\n",
	       (double)frames * 100 * MEDIA_PACKET_MS / 1000 / SESSIONS / seconds);
	printf("  packets lost, turns made up                     %6llu, %llu\n",
	       (unsigned long long)lost, (unsigned long long)concealed);
}

int main(void)
{
	struct media *sessions[SESSIONS] = {0};
	int error = net_loop_create(&loop);

	if (error == 0)
		error = open_all(sessions);
	if (error == 0)
		measure(sessions);
	else
		fprintf(stderr, "media_bench: %s\n", strerror(-error));
	for (size_t i = 0; i < SESSIONS; i++)
		media_close(sessions[i]);
	net_loop_free(loop);
	return error != 0;
}

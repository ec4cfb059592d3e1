/* wire.c - a wire between two network namespaces: what enters a TUN device here leaves another one
 * there, late, twice, in another order or never, as it is told.
 *
 *   wire HERE THERE NAMESPACE SEED
 *
 * makes the devices HERE, in this namespace, and THERE, in the one of the file NAMESPACE, and says
 * "ready".  Addresses and routes are the caller's affair.  Each line that comes in is a command,
 * each has one line as its answer:
 *
 *   out|back|both NAME VALUE...   terms, "out" from here to there; NAME is delay, jitter
 * (milliseconds), loss, duplicate, reorder (percent) or cut (0 or 1).  What is not named stays.
 * Answer: ok counts                        what became of packets so far, as JSON
 *
 * Anything else is answered with a line that starts with "error".  It ends when its input does.
 * Exit status 1: no device.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "tests/live/wire/path.h"

enum {
	BATCH_MAX = 64, /* packets read from one device before the others have their turn */
	COMMAND_MAX = 512,
	DIRECTIONS = 2,
	VALUE_MAX = 1000000,
};

#define NS_PER_MS 1000000.0
#define NS_PER_S 1000000000
#define MILLIONTHS_PER_PERCENT (WIRE_CERTAIN / 100.0)

/* Packets from devices[0] go by paths[0] to devices[1], and back by paths[1]. */
struct wire {
	int devices[DIRECTIONS];
	struct wire_path paths[DIRECTIONS];
	char command[COMMAND_MAX];
	size_t command_size;
};

static const char *const direction_names[DIRECTIONS] = {"out", "back"};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

static int open_device(const char *name)
{
	struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
	int device = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);

	if (device < 0)
		err(1, "/dev/net/tun");
	if (strlen(name) >= sizeof request.ifr_name)
		errx(1, "%s: too long for the name of a device", name);
	strcpy(request.ifr_name, name);
	if (ioctl(device, TUNSETIFF, &request))
		err(1, "device %s", name);
	return device;
}

static void enter(const char *namespace)
{
	int there = open(namespace, O_RDONLY | O_CLOEXEC);

	if (there < 0 || setns(there, CLONE_NEWNET))
		err(1, "%s", namespace);
	close(there);
}

static bool set_term(struct wire_terms *terms, const char *name, double value)
{
	if (!strcmp(name, "delay"))
		terms->delay_ns = (uint64_t)(value * NS_PER_MS);
	else if (!strcmp(name, "jitter"))
		terms->jitter_ns = (uint64_t)(value * NS_PER_MS);
	else if (!strcmp(name, "loss"))
		terms->loss = (uint32_t)(value * MILLIONTHS_PER_PERCENT);
	else if (!strcmp(name, "duplicate"))
		terms->duplication = (uint32_t)(value * MILLIONTHS_PER_PERCENT);
	else if (!strcmp(name, "reorder"))
		terms->overtaking = (uint32_t)(value * MILLIONTHS_PER_PERCENT);
	else if (!strcmp(name, "cut"))
		terms->cut = value != 0;
	else
		return false;
	return true;
}

/* Sets what the rest of a command says, or nothing.  NULL, or what is wrong with it. */
static const char *set_terms(struct wire *wire, const char *direction, char **rest)
{
	struct wire_terms terms[DIRECTIONS] = {wire->paths[0].terms, wire->paths[1].terms};
	const char *name, *value;
	bool both = !strcmp(direction, "both"), known = both;
	char *end;

	for (int i = 0; i < DIRECTIONS; i++)
		known |= !strcmp(direction, direction_names[i]);
	if (!known)
		return "expected out, back, both or counts";
	while ((name = strtok_r(NULL, " ", rest))) {
		double number;

		value = strtok_r(NULL, " ", rest);
		number = value ? strtod(value, &end) : -1;
		if (!value || *end || !(number >= 0 && number <= VALUE_MAX))
			return "expected a name and a number";
		for (int i = 0; i < DIRECTIONS; i++)
			if ((both || !strcmp(direction, direction_names[i])) &&
			    !set_term(&terms[i], name, number))
				return "expected delay, jitter, loss, duplicate, reorder or cut";
	}
	for (int i = 0; i < DIRECTIONS; i++)
		wire->paths[i].terms = terms[i];
	return NULL;
}

static void print_counts(const struct wire *wire)
{
	for (int i = 0; i < DIRECTIONS; i++) {
		const struct wire_counts *counts = &wire->paths[i].counts;

		printf("%s\"%s\": {\"came\": %ju, \"lost\": %ju, \"cut\": %ju, \"full\": %ju, "
		       "\"duplicated\": %ju, \"overtook\": %ju, \"left\": %ju}",
		       i ? ", " : "{", direction_names[i], (uintmax_t)counts->came,
		       (uintmax_t)counts->lost, (uintmax_t)counts->cut, (uintmax_t)counts->full,
		       (uintmax_t)counts->duplicated, (uintmax_t)counts->overtook,
		       (uintmax_t)counts->left);
	}
	printf("}\n");
}

static void obey(struct wire *wire, char *command)
{
	char *rest;
	const char *verb = strtok_r(command, " ", &rest), *error;

	if (verb && !strcmp(verb, "counts")) {
		print_counts(wire);
	} else {
		error = set_terms(wire, verb ? verb : "", &rest);
		printf(error ? "error: %s\n" : "ok\n", error);
	}
	fflush(stdout);
}

/* False: there will be no more commands. */
static bool read_commands(struct wire *wire)
{
	ssize_t size = read(STDIN_FILENO, wire->command + wire->command_size,
			    sizeof wire->command - wire->command_size);
	char *end;

	if (size <= 0)
		return false;
	wire->command_size += (size_t)size;
	while ((end = memchr(wire->command, '\n', wire->command_size))) {
		size_t used = (size_t)(end - wire->command) + 1;

		*end = '\0';
		obey(wire, wire->command);
		wire->command_size -= used;
		memmove(wire->command, wire->command + used, wire->command_size);
	}
	return wire->command_size < sizeof wire->command;
}

static void take_in(struct wire *wire, int direction)
{
	uint8_t bytes[WIRE_PACKET_MAX];

	for (int i = 0; i < BATCH_MAX; i++) {
		ssize_t size = read(wire->devices[direction], bytes, sizeof bytes);

		if (size < 0 && errno == EAGAIN)
			return;
		if (size <= 0) /* its namespace is gone */
			err(1, "%s", direction_names[direction]);
		wire_path_put(&wire->paths[direction], bytes, (size_t)size, now_ns());
	}
}

/* A device that is down takes nothing, as a real one would: what was meant for it is gone. */
static void let_out(struct wire *wire, int direction)
{
	const struct wire_packet *packet;

	while ((packet = wire_path_take(&wire->paths[direction], now_ns())))
		if (write(wire->devices[!direction], packet->bytes, packet->size) < 0 &&
		    errno != EIO)
			warn("%s", direction_names[direction]);
}

static void run(struct wire *wire)
{
	struct pollfd ready[] = {{.fd = wire->devices[0], .events = POLLIN},
				 {.fd = wire->devices[1], .events = POLLIN},
				 {.fd = STDIN_FILENO, .events = POLLIN}};

	for (;;) {
		uint64_t at = WIRE_NEVER, now = now_ns();
		struct timespec wait = {0};

		for (int i = 0; i < DIRECTIONS; i++)
			if (wire_path_next_at(&wire->paths[i]) < at)
				at = wire_path_next_at(&wire->paths[i]);
		if (at > now)
			wait = (struct timespec){.tv_sec = (time_t)((at - now) / NS_PER_S),
						 .tv_nsec = (long)((at - now) % NS_PER_S)};
		if (ppoll(ready, 3, at == WIRE_NEVER ? NULL : &wait, NULL) < 0)
			err(1, "ppoll");
		if (ready[2].revents && !read_commands(wire))
			return;
		for (int i = 0; i < DIRECTIONS; i++) {
			if (ready[i].revents)
				take_in(wire, i);
			let_out(wire, i);
		}
	}
}

int main(int count, char **words)
{
	static struct wire wire;
	uint64_t seed;

	if (count != 5)
		errx(2, "usage: wire HERE THERE NAMESPACE SEED");
	seed = strtoull(words[4], NULL, 10);
	wire_path_init(&wire.paths[0], 2 * seed);
	wire_path_init(&wire.paths[1], 2 * seed + 1);
	wire.devices[0] = open_device(words[1]);
	enter(words[3]);
	wire.devices[1] = open_device(words[2]);
	puts("ready");
	fflush(stdout);
	run(&wire);
	return 0;
}

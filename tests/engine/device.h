/* device.h - one engine with one line, or with many alike, driven by hand: for tests and the bench.
 */
#ifndef TESTS_DEVICE_H
#define TESTS_DEVICE_H

#include <stddef.h>

#include "keepline/keepline.h"

enum { DEVICE_TARGETS_MAX = 8 };

/* A service record of the device's domain.  Target number i has the address 192.0.2.i, from 1. */
struct device_target {
	uint16_t priority, weight;
};

struct device {
	struct kl_policy policy;
	struct kl_entry_config entry; /* example.test over UDP, a registrar */
	struct kl_line_config line;
	struct kl_line_config *lines;     /* of device_set_lines(), else NULL */
	struct kl_action_send *last_send; /* ... and what each sent last, without its name */
	struct kl_config config;
	struct kl_engine *engine;
	size_t size;
	struct device_target targets[DEVICE_TARGETS_MAX];
	uint32_t target_count;
	kl_ms ttl_ms;
	struct kl_action_send send;     /* the last, without its name */
	size_t actions, sends, lookups; /* so far */
	void (*watch)(void *context, const struct kl_action *action); /* or NULL */
	/* What kl_feed() said of an event, before any action is taken; or NULL. */
	void (*fed)(void *context, const struct kl_event *event, int result, kl_ms now);
	void *context;
};

/* A device with PROFILE and one target; change it, then device_begin(). */
void device_init(struct device *device, enum kl_profile profile);

/* Gives the device COUNT lines instead of the one, each like it, with keys from 1 upward. */
void device_set_lines(struct device *device, uint32_t count);

/* Makes the engine. */
void device_begin(struct device *device, uint64_t seed, kl_ms now);

void device_free(struct device *device);

/* Feeds, and takes all actions; questions to the DNS are answered at once from the targets.
 * Returns what kl_feed() said of EVENT. */
int device_feed(struct device *device, const struct kl_event *event, kl_ms now);

/* Starts every line. */
void device_start_lines(struct device *device, kl_ms now);

int device_start_line(struct device *device, kl_ms now);
int device_time(struct device *device, kl_ms now);

/* An answer to the last request sent; a 2xx grants what was asked. */
int device_respond(struct device *device, uint16_t status, kl_ms now);

/* The same to SEND. */
int device_respond_to(struct device *device, const struct kl_action_send *send, uint16_t status,
		      kl_ms now);

#endif

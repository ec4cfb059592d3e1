#include "tests/engine/device.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>

void device_init(struct device *device, enum kl_profile profile)
{
	*device = (struct device){0};
	kl_policy_profile(&device->policy, profile);
	device->entry = (struct kl_entry_config){
		.name = "example.test",
		.transport_choice = KL_CHOOSE_UDP,
		.registers = true,
		.policy = &device->policy,
	};
	device->line = (struct kl_line_config){.entries = &device->entry, .entry_count = 1};
	device->config = (struct kl_config){
		.lines = &device->line,
		.line_count = 1,
		.transports = 1 << KL_UDP,
		.families = KL_IPV4,
	};
	kl_limits_default(&device->config);
	device->target_count = 1;
	device->targets[0].priority = 10;
	device->ttl_ms = 24 * 3600 * 1000;
}

void device_set_lines(struct device *device, uint32_t count)
{
	device->lines = calloc(count, sizeof(*device->lines));
	device->last_send = calloc(count, sizeof(*device->last_send));
	if (!device->lines || !device->last_send)
		err(EXIT_FAILURE, "%u lines", count);
	for (uint32_t i = 0; i < count; i++) {
		device->lines[i] = device->line;
		device->lines[i].key = i + 1;
	}
	device->config.lines = device->lines;
	device->config.line_count = count;
	kl_limits_default(&device->config);
}

void device_begin(struct device *device, uint64_t seed, kl_ms now)
{
	device->size = kl_engine_size(&device->config);
	device->engine = calloc(1, device->size);
	if (!device->engine ||
	    kl_engine_init(device->engine, device->size, &device->config, seed, now) != 0)
		errx(EXIT_FAILURE, "no engine");
}

void device_free(struct device *device)
{
	free(device->engine);
	free(device->lines);
	free(device->last_send);
}

static int feed(struct device *device, const struct kl_event *event, kl_ms now)
{
	int result = kl_feed(device->engine, event, now);

	if (device->fed)
		device->fed(device->context, event, result, now);
	return result;
}

/* Answers a question from the targets. */
static void resolve(struct device *device, const struct kl_action_query *query, kl_ms now)
{
	struct kl_dns_record records[DEVICE_TARGETS_MAX] = {0};
	char names[DEVICE_TARGETS_MAX][16];
	struct kl_event event = {
		.type = KL_EV_DNS,
		.dns = {.query = query->query, .status = KL_DNS_NEGATIVE, .records = records},
	};

	if (query->type == KL_SRV) {
		event.dns.count = device->target_count;
		for (uint32_t i = 0; i < device->target_count; i++) {
			snprintf(names[i], sizeof(names[i]), "%u.test", i + 1);
			records[i] = (struct kl_dns_record){
				.ttl_ms = device->ttl_ms,
				.name = names[i],
				.priority = device->targets[i].priority,
				.weight = device->targets[i].weight,
				.port = 5060,
			};
		}
	} else if (query->type == KL_A) {
		event.dns.count = 1;
		records[0] = (struct kl_dns_record){
			.ttl_ms = device->ttl_ms,
			.ip = {[10] = 0xff, 0xff, 192, 0, 2, (uint8_t)atoi(query->name)},
		};
	}
	if (event.dns.count > 0)
		event.dns.status = KL_DNS_ANSWER;
	feed(device, &event, now);
}

int device_feed(struct device *device, const struct kl_event *event, kl_ms now)
{
	int result = feed(device, event, now);
	struct kl_action action;

	while (kl_next_action(device->engine, &action)) {
		device->actions++;
		if (device->watch)
			device->watch(device->context, &action);
		if (action.type == KL_DO_SEND) {
			device->sends++;
			device->send = action.send;
			device->send.name = NULL;
			if (device->last_send)
				device->last_send[action.send.line] = device->send;
		} else if (action.type == KL_DO_QUERY) {
			device->lookups++;
			resolve(device, &action.query, now);
		}
	}
	return result;
}

void device_start_lines(struct device *device, kl_ms now)
{
	for (uint32_t i = 0; i < device->config.line_count; i++)
		device_feed(device, &(struct kl_event){.type = KL_EV_LINE_START, .line = i}, now);
}

int device_start_line(struct device *device, kl_ms now)
{
	return device_feed(device, &(struct kl_event){.type = KL_EV_LINE_START}, now);
}

int device_time(struct device *device, kl_ms now)
{
	return device_feed(device, &(struct kl_event){.type = KL_EV_TIME}, now);
}

int device_respond_to(struct device *device, const struct kl_action_send *send, uint16_t status,
		      kl_ms now)
{
	return device_feed(device,
			   &(struct kl_event){.type = KL_EV_RESPONSE,
					      .response = {.tx = send->tx,
							   .status = status,
							   .granted_ms = send->expires_ms}},
			   now);
}

int device_respond(struct device *device, uint16_t status, kl_ms now)
{
	return device_respond_to(device, &device->send, status, now);
}

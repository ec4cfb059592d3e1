/* engine_fuzz.c - kl_feed() under any sequence of events, sensible and absurd.
 *
 * The first bytes choose a configuration, the others events.  Answers and faults mostly name
 * transactions that the engine has told of, so that the input gets past the door.  The engine's
 * own assertions are on; besides, an error must leave it unchanged, what it asks must end, and it
 * must never sleep with work to do.   TRIG-1, TIME-9, DNS-17, BACK-6 (part) */
#include "keepline/keepline.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { LINES = 2, ENTRIES = 2, STATICS = 6, SEEN = 32, ACTIONS_MAX = 2000 };

struct input {
	const uint8_t *at, *end;
};

struct device {
	struct kl_policy policy[ENTRIES];
	struct kl_entry_config entries[LINES][ENTRIES];
	struct kl_line_config lines[LINES];
	struct kl_static_record statics[STATICS];
	struct kl_config config;
	struct kl_engine *engine;
	size_t size;
	kl_ms now;
	struct kl_action_send sent[SEEN]; /* the latest sends */
	uint32_t queries[SEEN];           /* and questions */
	uint32_t send_count, query_count;
};

static uint32_t take(struct input *input, uint32_t below)
{
	uint32_t value = 0;
	for (int i = 0; i < 2 && input->at < input->end; i++)
		value = value << 8 | *input->at++;
	return value % below;
}

static void choose_policy(struct input *input, struct kl_policy *policy)
{
	kl_policy_profile(policy, (enum kl_profile)take(input, KL_PROFILES));
	for (uint32_t i = take(input, 12); i > 0; i--) {
		uint32_t field = 1 + take(input, KL_POLICY_FIELDS - 1);
		const struct kl_policy_info *info = kl_policy_describe((enum kl_policy_field)field);
		uint64_t span = (uint64_t)info->most - info->least + 1;
		uint32_t value =
			info->least + (uint32_t)(take(input, UINT16_MAX) * span / UINT16_MAX);
		kl_policy_set(policy, (enum kl_policy_field)field, value);
	}
}

static void choose_records(struct input *input, struct kl_dns_record *records, uint32_t count)
{
	/* Some lead back to where they are asked for. */
	static const char *const names[] = {
		"a.test", "b.test", ".", "_sip._udp.sbc.test", "c.test", "sbc.test", "example.test",
	};
	static const char *const services[] = {"SIP+D2U", "SIP+D2T", "E2U+sip", "sip+d2u"};
	memset(records, 0, sizeof(*records) * count);
	for (uint32_t i = 0; i < count; i++) {
		records[i].ttl_ms = (kl_ms)take(input, UINT16_MAX) * take(input, UINT16_MAX);
		records[i].name = names[take(input, 7)];
		records[i].service = services[take(input, 4)];
		records[i].ip[10] = records[i].ip[11] = 0xff;
		records[i].ip[15] = (uint8_t)take(input, 8);
		records[i].priority = (uint16_t)take(input, 3);
		records[i].weight = (uint16_t)take(input, 3);
		records[i].port = (uint16_t)take(input, 3);
		records[i].flag = "sau"[take(input, 3)];
	}
}

/* Any static records, wrong ones and such that lead to themselves included. */
static void choose_statics(struct input *input, struct device *device)
{
	static const enum kl_record_type types[] = {KL_A, KL_AAAA, KL_SRV, KL_NAPTR};
	struct kl_dns_record records[STATICS];
	choose_records(input, records, STATICS);
	for (uint32_t i = 0; i < STATICS; i++)
		device->statics[i] =
			(struct kl_static_record){.owner = records[take(input, STATICS)].name,
						  .type = types[take(input, 4)],
						  .data = records[i]};
}

static void choose_config(struct input *input, struct device *device)
{
	static const char *const names[] = {"example.test", "192.0.2.1", "sbc.test", "2001:db8::1"};
	for (int j = 0; j < ENTRIES; j++)
		choose_policy(input, &device->policy[j]);
	for (int i = 0; i < LINES; i++) {
		for (int j = 0; j < ENTRIES; j++)
			device->entries[i][j] = (struct kl_entry_config){
				.name = names[take(input, 4)],
				.port = (uint16_t)(take(input, 2) * 5060),
				.transport_choice = (uint8_t)take(input, KL_TRANSPORT_CHOICES_MAX),
				.registers = take(input, 4) != 0,
				.more_names = names,
				.more_count = (uint8_t)(take(input, 2) * take(input, KL_SPECS_MAX)),
				.policy = &device->policy[take(input, ENTRIES)]};
		device->lines[i] =
			(struct kl_line_config){.entries = device->entries[i],
						.entry_count = (uint8_t)(1 + take(input, ENTRIES))};
	}
	choose_statics(input, device);
	device->config = (struct kl_config){.lines = device->lines,
					    .line_count = LINES,
					    .static_records = device->statics,
					    .static_record_count = take(input, STATICS + 1),
					    .remembered_records = device->statics,
					    .remembered_record_count = take(input, STATICS + 1),
					    .transports = 1 << KL_UDP | 1 << KL_TCP | 1 << KL_TLS,
					    .families = (uint8_t)(1 + take(input, 3))};
	kl_limits_default(&device->config);
	if (take(input, 2)) { /* tight: everything must be cut somewhere */
		device->config.limits.set_routes = 1 + take(input, 4);
		device->config.limits.routes = 1 + take(input, 6);
		device->config.limits.queries = 1 + take(input, 6);
		device->config.limits.records = 1 + take(input, 6);
		device->config.limits.name_bytes = 64 + take(input, 200) * 4;
		device->config.limits.walks = 2 * LINES * ENTRIES + 1 + take(input, 2);
		device->config.limits.subscriptions = take(input, 3);
	}
}

static void drain(struct device *device)
{
	struct kl_action action;
	char text[KL_TEXT_MAX];
	int count = 0;
	while (kl_next_action(device->engine, &action)) {
		assert(++count < ACTIONS_MAX);
		kl_format_action(text, sizeof(text), &action, NULL);
		if (action.type == KL_DO_SEND)
			device->sent[device->send_count++ % SEEN] = action.send;
		if (action.type == KL_DO_QUERY)
			device->queries[device->query_count++ % SEEN] = action.query.query;
	}
}

static uint32_t choose_seen(struct input *input, uint32_t count)
{
	uint32_t seen = count < SEEN ? count : SEEN;
	return seen ? (count - 1 - take(input, seen)) % SEEN : 0;
}

/* What an event about subscriptions or a shared line says. */
static void choose_subscription(struct input *input, struct kl_event *event)
{
	switch ((uint32_t)event->type) {
	case KL_EV_SUBSCRIBE:
	case KL_EV_UNSUBSCRIBE:
		event->subscribe.token = 1 + take(input, 6);
		event->subscribe.expires_ms =
			(kl_ms)take(input, 8) * 1000 * take(input, UINT16_MAX);
		break;
	case KL_EV_NOTIFY:
		event->notify.token = 1 + take(input, 6);
		event->notify.state =
			(enum kl_notified_state)take(input, KL_NOTIFIED_STATES_MAX + 1);
		event->notify.ending = (enum kl_ending)take(input, KL_ENDINGS_MAX + 1);
		event->notify.retry_after_ms = take(input, 2) ? UINT64_MAX : 5000;
		event->notify.expires_ms = (kl_ms)take(input, UINT16_MAX) * take(input, 100);
		break;
	case KL_EV_SHARED_CALL:
		event->shared_call.token = 1 + take(input, 4);
		event->shared_call.emergency = take(input, 2);
		break;
	default:
		break;
	}
}

static void choose_event(struct input *input, struct device *device, struct kl_event *event,
			 struct kl_dns_record *records)
{
	static const uint16_t statuses[] = {100, 180, 200, 200, 302, 401, 407, 403,
					    423, 481, 486, 489, 503, 503, 99,  700};
	const struct kl_action_send *sent = &device->sent[choose_seen(input, device->send_count)];
	memset(event, 0, sizeof(*event));
	event->type = (enum kl_event_type)take(input, KL_EV_SHARED_CALL + 2);
	event->line = take(input, LINES + 1);
	switch ((uint32_t)event->type) {
	case KL_EV_REQUEST:
	case KL_EV_CANCEL:
		event->request.token = 1 + take(input, 4);
		event->request.method = (enum kl_method)take(input, KL_METHODS_MAX + 1);
		break;
	case KL_EV_RESPONSE:
		event->response.tx = take(input, 8) ? sent->tx : take(input, UINT16_MAX);
		event->response.status = statuses[take(input, 16)];
		event->response.challenge = (enum kl_challenge)take(input, KL_CHALLENGES_MAX);
		event->response.granted_ms = (kl_ms)take(input, 8) * 1000 * take(input, UINT16_MAX);
		event->response.min_expires_ms =
			(kl_ms)take(input, UINT16_MAX) * take(input, 20000);
		event->response.retry_after_ms = take(input, 2) ? UINT64_MAX : 5000;
		event->response.redirect = sent->route;
		event->response.redirect.ip[15] ^= (uint8_t)take(input, 8);
		event->response.redirect.transport = (uint8_t)take(input, 4);
		break;
	case KL_EV_TRANSPORT:
	case KL_EV_STREAM_LOST:
		event->transport.route = sent->route;
		event->transport.tx = take(input, 8) ? sent->tx : take(input, UINT16_MAX);
		event->transport.fault = (enum kl_fault)take(input, KL_FAULTS_MAX + 1);
		break;
	case KL_EV_DNS:
		event->dns.query = device->queries[choose_seen(input, device->query_count)];
		event->dns.status = (enum kl_dns_status)take(input, KL_DNS_STATUSES_MAX + 1);
		event->dns.count = take(input, 6);
		event->dns.records = records;
		choose_records(input, records, event->dns.count);
		if (event->dns.count == 5) { /* absurdly many: the last is there over and over */
			for (uint32_t i = 5; i < KL_DNS_RECORDS_MAX; i++)
				records[i] = records[4];
			event->dns.count = 10000;
		}
		break;
	case KL_EV_DIALOG_FAILED:
		event->dialog = (struct kl_event_dialog){
			.binding = {sent->line, take(input, ENTRIES + 1), sent->route, false,
				    false},
			.status = (uint16_t)(take(input, 2) ? 503 : take(input, 2) * 408),
			.fault = (enum kl_fault)take(input, KL_FAULTS_MAX + 1),
			.ms = take(input, UINT16_MAX)};
		break;
	default:
		choose_subscription(input, event);
		break;
	}
}

static void feed(struct device *device, const struct kl_event *event)
{
	struct kl_engine *before = malloc(device->size);
	memcpy(before, device->engine, device->size);
	int result = kl_feed(device->engine, event, device->now);
	assert(result >= 0 || memcmp(before, device->engine, device->size) == 0);
	free(before);
	assert(result < 0 || kl_deadline(device->engine) > device->now);
}

static void step(struct input *input, struct device *device)
{
	struct kl_dns_record records[KL_DNS_RECORDS_MAX];
	struct kl_event event = {.type = KL_EV_TIME};
	kl_ms deadline = kl_deadline(device->engine);
	switch (take(input, 4)) {
	case 0: /* time goes to the deadline, or a little beside it */
		if (deadline != KL_NEVER)
			device->now = deadline + (take(input, 4) ? 0 : take(input, 5000));
		break;
	case 1:
		device->now += take(input, 700);
		break;
	default:
		choose_event(input, device, &event, records);
	}
	feed(device, &event);
	if (take(input, 8))
		drain(device);
	if (device->send_count)
		kl_may_accept(device->engine, take(input, LINES + 1), &device->sent[0].route, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = {data, data + size};
	struct device device = {.now = 1000};
	choose_config(&input, &device);
	if (kl_config_check(&device.config, NULL, 0))
		return 0;
	device.size = kl_engine_size(&device.config);
	device.engine = malloc(device.size);
	int error = kl_engine_init(device.engine, device.size, &device.config, take(&input, 1000),
				   device.now);
	assert(!error); /* what the check accepts */
	for (uint32_t i = 0; i < LINES; i++)
		feed(&device, &(struct kl_event){.type = KL_EV_LINE_START, .line = i});
	while (input.at < input.end)
		step(&input, &device);
	drain(&device);
	free(device.engine);
	return 0;
}

/* phone.c - live lines: events into the engine, its actions onto the network. */
#include "phone/phone.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/provenance.h"
#include "phone/icmp.h"
#include "phone/large.h"
#include "phone/log.h"
#include "phone/private.h"
#include "phone/race.h"
#include "phone/relay_private.h"

enum {
	SUMMARY_MS = 10000, /* how often dropped messages may be logged */
	LEAVE_MS =
		1000, /* how long servers may take to end the subscriptions of lines that leave */
};

/* ---- words ----------------------------------------------------------------------------------- */

const char *phone_route_text(const struct kl_route *route, char to[KL_TEXT_MAX])
{
	return kl_format_route(to, KL_TEXT_MAX, route);
}

/* Rules go by the parameters that set them, times count from now. */
const char *phone_action_text(const struct phone *phone, const struct kl_action *action,
			      char to[KL_TEXT_MAX])
{
	const struct kl_words words = {
		.context = (void *)(uintptr_t)phone->config,
		.rule = config_name_rule,
		.config = phone->engine_config,
		.relative = true,
		.now = phone_now(),
	};

	return kl_format_action(to, KL_TEXT_MAX, action, &words);
}

/* SEE-2: each decision is a line in the log, with its reason and the parameter that ruled it. */
static void log_action(const struct phone *phone, const struct kl_action *action)
{
	bool is_own = action->type == KL_DO_OUTCOME &&
		      !phone_relay_is_token(phone, action->outcome.token);
	bool decision =
		action->type == KL_DO_REPORT || is_own || action->type == KL_DO_SUBSCRIPTION;
	enum phone_log_level level = decision ? PHONE_LOG_NOTICE : PHONE_LOG_INFO;
	char text[KL_TEXT_MAX];

	if (phone_log_takes(level))
		phone_log(level, "%s", phone_action_text(phone, action, text));
}

/* ---- the engine ------------------------------------------------------------------------------ */

/* KEEP-1: one that can't be sent is no loss. */
static void keep_alive(struct phone *phone, const struct kl_route *route)
{
	const struct config_keepalive *payload = &phone->config->keepalive;

	phone_transport_keep_alive(
		phone->transport, route,
		sip_span_of(route->transport == KL_UDP ? payload->udp : payload->tcp));
}

static void act(struct phone *phone, const struct kl_action *action)
{
	switch (action->type) {
	case KL_DO_QUERY:
		phone_dns_ask(phone->dns, &action->query);
		break;
	case KL_DO_SEND:
		phone_client_send(phone, &action->send);
		break;
	case KL_DO_ABANDON:
		phone_client_abandon(phone, action->abandon.tx);
		break;
	case KL_DO_CLOSE:
		phone_transport_drop(phone->transport, &action->close.route);
		break;
	case KL_DO_SUBSCRIPTION:
		phone_subscription_act(phone, &action->subscription);
		break;
	case KL_DO_KEEPALIVE:
		keep_alive(phone, &action->keepalive.route);
		break;
	case KL_DO_OUTCOME:
		if (phone_relay_is_token(phone, action->outcome.token))
			phone_relay_outcome(phone, &action->outcome);
		else
			phone_call_outcome(phone, &action->outcome);
		break;
	case KL_DO_REPORT:
		phone_account_note(&phone->accounts, &action->report);
		phone_relay_note(phone, &action->report);
		phone_event_report(phone, action);
		break;
	}
}

int phone_feed(struct phone *phone, const struct kl_event *event)
{
	int result = kl_feed(phone->engine, event, phone_now());
	struct kl_action action;

	if (phone->acting)
		return result;
	phone->acting = true;
	while (kl_next_action(phone->engine, &action)) {
		log_action(phone, &action);
		if (phone->on_action)
			phone->on_action(phone->user, &action, phone_now());
		phone_calls_note(phone, &action);
		act(phone, &action);
	}
	phone->acting = false;
	net_timer_set(phone->alarm, kl_deadline(phone->engine));
	phone_check_stopped(phone);
	return result;
}

static void take_time(void *user)
{
	phone_feed(user, &(struct kl_event){.type = KL_EV_TIME});
}

static void take_servers(void *user, const struct net_resolver_config *resolver)
{
	phone_network_set_resolvers(user, resolver);
}

static void take_dns(void *user, const struct kl_event *event)
{
	phone_feed(user, event);
}

static void take_known(void *user, const struct phone_dns_known *known)
{
	const struct phone *phone = user;

	if (phone->memory)
		phone_memory_take(phone->memory, known);
}

/* ---- the network ----------------------------------------------------------------------------- */

static void trace_sent(struct phone *phone, const struct phone_hop *hop, struct sip_span bytes)
{
	const struct net_address target = phone_route_address(&hop->route);
	struct net_address source;

	if (!phone->trace || phone_transport_local(phone->transport, &hop->route, &source))
		return;
	if (!net_address_is_wildcard(&hop->local))
		source = hop->local;
	phone_trace_message(phone->trace, &source, &target, bytes);
}

int phone_send(struct phone *phone, const struct phone_hop *hop, struct sip_span bytes)
{
	int error = phone_transport_send(phone->transport, hop, bytes.at, bytes.length);
	char text[KL_TEXT_MAX];

	if (error)
		phone_log(PHONE_LOG_WARNING, "cannot send to %s: %s",
			  phone_route_text(&hop->route, text), strerror(-error));
	else
		trace_sent(phone, hop, bytes);
	return error;
}

static void log_odd(void *user)
{
	struct phone *phone = user;
	const struct phone_counters now = phone->counters, told = phone->told;

	phone->told = now;
	phone->summary_is_due = false;
	phone_log(PHONE_LOG_WARNING,
		  "dropped: %" PRIu64 " that are no SIP messages, %" PRIu64
		  " answers to nothing that was asked, %" PRIu64
		  " of strangers or of servers without the registration, %" PRIu64
		  " without room, %" PRIu64 " NOTIFYs beyond what a subscription may send, %" PRIu64
		  " streams",
		  now.dropped - told.dropped, now.stray - told.stray, now.refused - told.refused,
		  now.overflow - told.overflow, now.flooded - told.flooded,
		  now.streams - told.streams);
}

/* What is odd is counted, and the log has a sum of it every 10 s at most. */
static void note_odd(void *user)
{
	struct phone *phone = user;
	const struct phone_transport_counters network = phone_transport_counters(phone->transport);

	phone->counters.streams = network.broken + network.crowded;
	if (phone->summary_is_due || !memcmp(&phone->counters, &phone->told, sizeof phone->told))
		return;
	phone->summary_is_due = true;
	net_timer_set(phone->summary, net_now_ms() + SUMMARY_MS);
}

void phone_count_refused(struct phone *phone)
{
	phone->counters.refused++;
	note_odd(phone);
}

void phone_count_overflow(struct phone *phone)
{
	phone->counters.overflow++;
	note_odd(phone);
}

void phone_count_flooded(struct phone *phone)
{
	phone->counters.flooded++;
	note_odd(phone);
}

static void drop(struct phone *phone, const struct phone_packet *packet, int error)
{
	char source[KL_TEXT_MAX];

	phone_log(PHONE_LOG_DEBUG, "dropped %zu bytes from %s: %s", packet->length,
		  phone_route_text(&packet->source, source), sip_strerror(error));
	phone->counters.dropped++;
	note_odd(phone);
}

/* A stream stands in the trace with the port where we listen, both ways. */
static void trace_received(const struct phone *phone, const struct phone_packet *packet)
{
	const struct net_address source = phone_route_address(&packet->source);
	struct net_address target = packet->local;

	if (!phone->trace)
		return;
	if (packet->stream)
		phone_transport_local(phone->transport, &packet->source, &target);
	phone_trace_message(phone->trace, &source, &target,
			    (struct sip_span){(const char *)packet->bytes, packet->length});
}

static void take_packet(void *user, const struct phone_packet *packet)
{
	struct phone *phone = user;
	struct sip_message message;
	char source[KL_TEXT_MAX];
	int error = sip_message_parse(&message, packet->bytes, packet->length);

	trace_received(phone, packet);
	if (error == SIP_EEMPTY && packet->length)
		return; /* a keep-alive */
	if (error) {
		drop(phone, packet, error);
		phone_server_refuse(phone, packet, error);
		return;
	}
	if (phone_log_takes(PHONE_LOG_DEBUG))
		phone_log(PHONE_LOG_DEBUG, "%s: %.*s %u", phone_route_text(&packet->source, source),
			  SIP_SPAN(message.method_name), message.status);
	if (message.is_request)
		phone_server_receive(phone, &message, packet);
	else if (!phone_client_receive(phone, &message) && !phone_dialog_receive(phone, &message) &&
		 !phone_relay_receive(phone, &message))
		phone->counters.stray++;
	sip_message_clear(&message);
	note_odd(phone);
	phone_check_stopped(phone);
}

static void take_error(void *user, const struct net_udp_error *error)
{
	phone_icmp_take(user, error);
}

/* TRIG-4, TRIG-6: a stream that came to nothing fails those who wait for it, one that was there may
 * have carried registrations.  A TLS server may refuse us only after the handshake. */
static void take_stream_end(void *user, const struct phone_stream_end *end)
{
	struct phone *phone = user;
	struct kl_event event = {
		.type = KL_EV_TRANSPORT,
		.transport = {.route = end->route, .fault = end->fault},
	};
	char route[KL_TEXT_MAX];

	phone_log(PHONE_LOG_NOTICE, "%s for %s: %s", kl_fault_text(end->fault),
		  phone_route_text(&end->route, route), end->why);
	phone_large_lose(phone, end);
	event.transport.tx = phone_client_waiting(phone, &end->route);
	if (!event.transport.tx && end->fault == KL_FAULT_TLS)
		event.transport.fault = KL_FAULT_STREAM_LOST;
	if (event.transport.fault == KL_FAULT_STREAM_LOST ||
	    event.transport.fault == KL_FAULT_KEEPALIVE)
		event.type = KL_EV_STREAM_LOST;
	phone_dialogs_lose_stream(phone, end);
	phone_relay_lose_stream(phone, &end->route, end->fault);
	phone_feed(phone, &event);
}

static void take_stream_open(void *user, const struct kl_route *route)
{
	phone_race_won(user, route);
}

static bool waits(void *user, const struct kl_route *route)
{
	return phone_client_waiting(user, route);
}

/* CALL-2: only who may ask something of a line may connect. */
static bool admits(void *user, const struct kl_route *source)
{
	struct phone *phone = user;

	for (uint32_t i = 0; i < phone->engine_config->line_count; i++)
		if (kl_may_accept(phone->engine, i, source, NULL) != KL_REFUSE)
			return true;
	phone_count_refused(phone);
	return false;
}

int phone_get_local(const struct phone *phone, const struct net_address *to,
		    struct net_address *local)
{
	const struct kl_route route = phone_route_of(to, KL_UDP);

	return phone_transport_local(phone->transport, &route, local);
}

int phone_self_toward(const struct phone *phone, const struct kl_route *route,
		      struct phone_self *self)
{
	self->transport = (enum kl_transport)route->transport;
	return phone_transport_local(phone->transport, route, &self->address);
}

const struct kl_entry_config *phone_entry_config(const struct phone *phone,
						 const struct phone_account *account)
{
	return &phone->engine_config->lines[account->line_index].entries[account->entry_index];
}

/* ---- leaving --------------------------------------------------------------------------------- */

static void unregister(struct phone *phone)
{
	phone->leaving = PHONE_IS_TOLD;
	for (uint32_t i = 0; i < phone->engine_config->line_count; i++)
		if (phone_account_find(&phone->accounts, i, 0)->leaves)
			phone_feed(phone, &(struct kl_event){.type = KL_EV_LINE_STOP, .line = i});
	phone->leaving = PHONE_STAYS;
	phone_check_stopped(phone);
}

static void take_leave_over(void *user)
{
	struct phone *phone = user;

	if (phone->leaving == PHONE_UNSUBSCRIBES)
		unregister(phone);
}

void phone_send_away(struct phone *phone)
{
	phone->leaving = PHONE_IS_TOLD;
	phone_calls_hang_up(phone);
	phone_subscriptions_leave(phone);
	phone->leaving = PHONE_UNSUBSCRIBES;
	net_timer_set(phone->leave, net_now_ms() + LEAVE_MS);
	phone_check_stopped(phone);
}

/* ---- life ------------------------------------------------------------------------------------ */

static int report_no_memory(char why[PHONE_WHY_MAX])
{
	snprintf(why, PHONE_WHY_MAX, "out of memory");
	return -ENOMEM;
}

static int open_network(struct phone *phone, const struct phone_config *config,
			char why[PHONE_WHY_MAX])
{
	const struct phone_transport_config transport = {
		.loop = config->loop,
		.bind = config->bind,
		.dscp = config->dscp,
		.tls = config->tls,
		.policy = config->config->engine.lines[0].entries[0].policy,
		.on_packet = take_packet,
		.on_error = take_error,
		.on_stream_open = take_stream_open,
		.on_stream_end = take_stream_end,
		.waits = waits,
		.admits = admits,
		.on_odd = note_odd,
		.user = phone,
	};
	const struct phone_dns_config dns = {
		.loop = config->loop,
		.resolver = &config->resolver,
		.resolver_path = config->resolver_path,
		.hosts_path = config->hosts_path,
		.on_servers = take_servers,
		.on_answer = take_dns,
		.on_known = take_known,
		.user = phone,
	};
	int error = phone_transport_open(&phone->transport, &transport, why);

	if (!error && config->trace_path)
		error = phone_trace_open(&phone->trace, config->trace_path, config->trace_blank,
					 why);
	if (error)
		return error;
	if (config->state_path &&
	    phone_memory_open(&phone->memory, config->loop, config->state_path))
		return report_no_memory(why);
	error = phone_dns_create(&phone->dns, &dns);
	if (error)
		snprintf(why, PHONE_WHY_MAX, "the DNS servers: %s", strerror(-error));
	return error;
}

/* The engine asks only for addresses of the families that are here. */
static int open_engine(struct phone *phone, char why[PHONE_WHY_MAX])
{
	struct kl_config *config = malloc(sizeof *config);
	size_t size;
	int error;

	phone->engine_config = config;
	if (!config)
		return report_no_memory(why);
	*config = phone->config->engine;
	config->families = phone_transport_families(phone->transport);
	if (phone->memory)
		phone_memory_lend(phone->memory, config);
	size = kl_engine_size(config);
	phone->engine = malloc(size);
	if (!phone->engine)
		return report_no_memory(why);
	error = kl_engine_init(phone->engine, size, config, phone_draw(), phone_now());
	if (!error)
		return 0;
	kl_config_check(config, why, PHONE_WHY_MAX);
	return -EINVAL;
}

static int open_parts(struct phone *phone, const struct phone_config *config,
		      char why[PHONE_WHY_MAX])
{
	int error = open_network(phone, config, why);

	if (!error)
		error = open_engine(phone, why);
	if (error)
		return error;
	phone_clients_init(phone);
	error = phone_network_open(phone, config);
	if (!error)
		error = phone_accounts_init(&phone->accounts, config->config);
	if (!error)
		error = phone_server_init(phone);
	if (!error)
		error = net_timer_create(&phone->alarm, phone->loop,
					 (struct net_callback){take_time, phone});
	if (!error)
		error = net_timer_create(&phone->summary, phone->loop,
					 (struct net_callback){log_odd, phone});
	if (!error)
		error = net_timer_create(&phone->leave, phone->loop,
					 (struct net_callback){take_leave_over, phone});
	if (error)
		snprintf(why, PHONE_WHY_MAX, "%s", strerror(-error));
	return error;
}

int phone_create(struct phone **out, const struct phone_config *config, char why[PHONE_WHY_MAX])
{
	struct phone *phone = calloc(1, sizeof *phone);
	int error;

	if (!phone)
		return report_no_memory(why);
	phone->loop = config->loop;
	phone->config = config->config;
	phone->on_action = config->on_action;
	phone->on_call = config->on_call;
	phone->user = config->user;
	error = open_parts(phone, config, why);
	if (error)
		phone_free(phone);
	else
		*out = phone;
	return error;
}

void phone_free(struct phone *phone)
{
	if (!phone)
		return;
	phone_reload_drop(phone);
	phone_relay_close(phone);
	phone_calls_clear(phone);
	phone_subscriptions_clear(phone);
	phone_dialogs_clear(phone);
	phone_clients_clear(phone);
	phone_redirect_names_clear(&phone->redirect_names);
	phone_server_clear(phone);
	phone_accounts_clear(&phone->accounts);
	phone_network_close(phone);
	phone_dns_free(phone->dns);
	phone_transport_close(phone->transport);
	phone_trace_close(phone->trace);
	phone_memory_close(phone->memory);
	net_timer_free(phone->alarm);
	net_timer_free(phone->summary);
	net_timer_free(phone->leave);
	free(phone->engine);
	free(phone->engine_config);
	free(phone);
}

void phone_start(struct phone *phone)
{
	for (uint32_t i = 0; i < phone->engine_config->line_count; i++)
		phone_feed(phone, &(struct kl_event){.type = KL_EV_LINE_START, .line = i});
	for (uint32_t i = 0; i < phone->engine_config->line_count; i++)
		phone_subscriptions_reconcile(phone, i);
	phone_network_check(phone);
}

void phone_stop(struct phone *phone, struct net_callback on_stopped)
{
	phone_reload_drop(phone);
	for (uint32_t i = 0; i < phone->accounts.count; i++)
		phone->accounts.all[i].leaves = true;
	phone->on_stopped = on_stopped;
	phone_send_away(phone);
}

bool phone_is_busy(const struct phone *phone)
{
	return phone->leaving != PHONE_STAYS || phone_clients_busy(phone) ||
	       phone_dialogs_busy(phone);
}

void phone_check_stopped(struct phone *phone)
{
	const struct net_callback tell = phone->on_stopped;

	if (phone->leaving == PHONE_UNSUBSCRIBES && !phone->acting &&
	    !phone_subscriptions_busy(phone)) {
		unregister(phone);
		return;
	}
	phone_reload_check(phone);
	if (!tell.call || phone->acting || phone_is_busy(phone))
		return;
	phone->on_stopped = (struct net_callback){NULL, NULL};
	tell.call(tell.user);
}

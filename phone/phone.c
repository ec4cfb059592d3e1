/* phone.c - live lines: events into the engine, its actions onto the network. */
#include "phone/phone.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/provenance.h"
#include "phone/log.h"
#include "phone/private.h"

enum { SUMMARY_MS = 10000 }; /* how often dropped datagrams may be logged */

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
		.config = &phone->engine_config,
		.relative = true,
		.now = phone_now(),
	};

	return kl_format_action(to, KL_TEXT_MAX, action, &words);
}

/* SEE-2: each decision is a line in the log, with its reason and the parameter that ruled it. */
static void log_action(const struct phone *phone, const struct kl_action *action)
{
	bool decision = action->type == KL_DO_REPORT || action->type == KL_DO_OUTCOME;
	char text[KL_TEXT_MAX];

	phone_log(decision ? PHONE_LOG_NOTICE : PHONE_LOG_INFO, "%s",
		  phone_action_text(phone, action, text));
}

/* ---- the engine ------------------------------------------------------------------------------ */

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
	case KL_DO_CLOSE:        /* of TCP and TLS alone, which open_engine() does not offer */
	case KL_DO_SUBSCRIPTION: /* the phone asks for none */
		break;
	case KL_DO_KEEPALIVE: /* KEEP-1: over UDP, CRLF twice */
		phone_send(phone, &action->keepalive.route, sip_span_of("\r\n\r\n"));
		break;
	case KL_DO_OUTCOME:
		phone_call_outcome(phone, &action->outcome);
		break;
	case KL_DO_REPORT:
		phone_account_note(&phone->accounts, &action->report);
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

static void take_dns(void *user, const struct kl_event *event)
{
	phone_feed(user, event);
}

/* ---- the network ----------------------------------------------------------------------------- */

int phone_send(struct phone *phone, const struct kl_route *route, struct sip_span bytes)
{
	int error = phone_transport_send(phone->transport, route, bytes.at, bytes.length);
	char text[KL_TEXT_MAX];

	if (error)
		phone_log(PHONE_LOG_WARNING, "cannot send to %s: %s", phone_route_text(route, text),
			  strerror(-error));
	return error;
}

static void log_dropped(void *user)
{
	struct phone *phone = user;
	uint64_t news = phone->counters.dropped - phone->dropped_told;

	if (news)
		phone_log(PHONE_LOG_WARNING, "%llu datagrams dropped that are no SIP messages",
			  (unsigned long long)news);
	phone->dropped_told = phone->counters.dropped;
}

/* What is no message is counted, and the log has a sum of it every 10 s at most. */
static void drop(struct phone *phone, const struct net_datagram *datagram, int error)
{
	char address[NET_ADDRESS_TEXT_MAX];

	phone_log(PHONE_LOG_DEBUG, "dropped %zu bytes from %s: %s", datagram->length,
		  net_address_format(&datagram->source, address), sip_strerror(error));
	if (phone->counters.dropped++ == phone->dropped_told)
		net_timer_set(phone->summary, net_now_ms() + SUMMARY_MS);
}

static void take_datagram(void *user, const struct net_datagram *datagram)
{
	struct phone *phone = user;
	struct sip_message message;
	char address[NET_ADDRESS_TEXT_MAX];
	int error = sip_message_parse(&message, datagram->bytes, datagram->length);

	if (error == SIP_EEMPTY && datagram->length)
		return; /* a keep-alive */
	if (error) {
		drop(phone, datagram, error);
		return;
	}
	phone_log(PHONE_LOG_DEBUG, "%s: %.*s %u", net_address_format(&datagram->source, address),
		  SIP_SPAN(message.method_name), message.status);
	if (message.is_request)
		phone_server_receive(phone, &message, datagram);
	else if (!phone_client_receive(phone, &message) && !phone_dialog_receive(phone, &message))
		phone->counters.stray++;
	sip_message_clear(&message);
	phone_check_stopped(phone);
}

static void take_error(void *user, const struct net_udp_error *error)
{
	phone_client_take_error(user, error);
}

int phone_get_local(const struct phone *phone, const struct net_address *to,
		    struct net_address *local)
{
	const struct kl_route route = phone_route_of(to);

	return phone_transport_local(phone->transport, &route, local);
}

/* ---- life ------------------------------------------------------------------------------------ */

static int open_network(struct phone *phone, const struct phone_config *config,
			char why[PHONE_WHY_MAX])
{
	const struct phone_transport_config transport = {
		.loop = config->loop,
		.bind = config->bind,
		.on_datagram = take_datagram,
		.on_error = take_error,
		.user = phone,
	};
	const struct phone_dns_config dns = {
		.loop = config->loop,
		.resolver = &config->resolver,
		.on_answer = take_dns,
		.user = phone,
	};
	int error = phone_transport_open(&phone->transport, &transport, why);

	if (error)
		return error;
	error = phone_dns_create(&phone->dns, &dns);
	if (error)
		snprintf(why, PHONE_WHY_MAX, "the DNS servers: %s", strerror(-error));
	return error;
}

/* The engine asks only for addresses of the families that are here. */
static int open_engine(struct phone *phone, char why[PHONE_WHY_MAX])
{
	struct kl_config *config = &phone->engine_config;
	size_t size;
	int error;

	*config = phone->config->engine;
	config->families = phone_transport_families(phone->transport);
	config->transports = 1u << KL_UDP;
	size = kl_engine_size(config);
	phone->engine = malloc(size);
	if (!phone->engine) {
		snprintf(why, PHONE_WHY_MAX, "out of memory");
		return -ENOMEM;
	}
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
	error = phone_accounts_init(&phone->accounts, config->config);
	if (!error)
		error = phone_server_init(phone);
	if (!error)
		error = net_timer_create(&phone->alarm, phone->loop,
					 (struct net_callback){take_time, phone});
	if (!error)
		error = net_timer_create(&phone->summary, phone->loop,
					 (struct net_callback){log_dropped, phone});
	if (error)
		snprintf(why, PHONE_WHY_MAX, "%s", strerror(-error));
	return error;
}

int phone_create(struct phone **out, const struct phone_config *config, char why[PHONE_WHY_MAX])
{
	struct phone *phone = calloc(1, sizeof *phone);
	int error;

	if (!phone) {
		snprintf(why, PHONE_WHY_MAX, "out of memory");
		return -ENOMEM;
	}
	phone->loop = config->loop;
	phone->config = config->config;
	phone->on_action = config->on_action;
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
	phone_calls_clear(phone);
	phone_dialogs_clear(phone);
	phone_clients_clear(phone);
	phone_server_clear(phone);
	phone_accounts_clear(&phone->accounts);
	phone_dns_free(phone->dns);
	phone_transport_close(phone->transport);
	net_timer_free(phone->alarm);
	net_timer_free(phone->summary);
	free(phone->engine);
	free(phone);
}

static void feed_lines(struct phone *phone, enum kl_event_type type)
{
	for (uint32_t i = 0; i < phone->engine_config.line_count; i++)
		phone_feed(phone, &(struct kl_event){.type = type, .line = i});
}

void phone_start(struct phone *phone)
{
	feed_lines(phone, KL_EV_LINE_START);
}

void phone_stop(struct phone *phone, struct net_callback on_stopped)
{
	phone_calls_hang_up(phone);
	feed_lines(phone, KL_EV_LINE_STOP);
	phone->on_stopped = on_stopped;
	phone_check_stopped(phone);
}

void phone_check_stopped(struct phone *phone)
{
	const struct net_callback tell = phone->on_stopped;

	if (!tell.call || phone->acting || phone_clients_busy(phone) || phone_dialogs_busy(phone))
		return;
	phone->on_stopped = (struct net_callback){NULL, NULL};
	tell.call(tell.user);
}

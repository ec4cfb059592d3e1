/* icmp.c - what the network says of datagrams that did not arrive (TRIG-1). */
#include "phone/icmp.h"

#include "phone/log.h"
#include "phone/private.h"
#include "phone/relay.h"

static enum kl_fault fault_of(enum net_icmp_class icmp_class)
{
	switch (icmp_class) {
	case NET_ICMP_NET:
		return KL_FAULT_NET;
	case NET_ICMP_HOST:
		return KL_FAULT_HOST;
	case NET_ICMP_PROTOCOL:
		return KL_FAULT_PROTOCOL;
	case NET_ICMP_PORT:
		return KL_FAULT_PORT;
	case NET_ICMP_PROHIBITED:
		return KL_FAULT_PROHIBITED;
	case NET_ICMP_HOPS:
		return KL_FAULT_HOPS;
	case NET_ICMP_TOO_BIG:
	case NET_ICMP_OTHER:
		break;
	}
	return KL_FAULT_NONE;
}

void phone_icmp_take(struct phone *phone, const struct net_udp_error *error)
{
	struct kl_event event = {
		.type = KL_EV_TRANSPORT,
		.transport = {.route = phone_route_of(&error->destination, KL_UDP),
			      .fault = fault_of(error->icmp_class)},
	};
	const struct sip_span branch = sip_quoted_branch(
		(struct sip_span){(const char *)error->quoted, error->quoted_length});
	const struct phone_client *client = phone_client_find(phone, branch);
	char address[NET_ADDRESS_TEXT_MAX];

	if (event.transport.fault == KL_FAULT_NONE || phone_pulse_take_fault(phone, error) ||
	    phone_dialogs_take_fault(phone, branch, event.transport.fault) ||
	    phone_relay_take_fault(phone, branch, event.transport.fault))
		return;
	/* The engine checks that it is open, and on that route. */
	event.transport.tx = client ? client->tx : 0;
	phone_log(PHONE_LOG_INFO, "%s for %s%s", kl_fault_text(event.transport.fault),
		  net_address_format(&error->destination, address),
		  event.transport.tx ? "" : ", about nothing that is open");
	phone_feed(phone, &event);
}

/* repeat.c - a message sent again and again, until somebody says that it arrived. */
#include "phone/repeat.h"

#include <stdlib.h>
#include <string.h>

#include "phone/private.h"
#include "sip/transaction.h"

static bool begins_with(struct sip_span bytes, const char *text)
{
	return bytes.length >= strlen(text) && !memcmp(bytes.at, text, strlen(text));
}

/* Gaps of an INVITE and of a reliable provisional answer double without an end (RFC 3261 17.1.1.2,
 * RFC 3262 3). */
static bool is_uncapped(struct sip_span bytes)
{
	return begins_with(bytes, "INVITE ") || begins_with(bytes, "SIP/2.0 1");
}

static void take_time(void *user)
{
	struct phone_repeat *repeat = user;
	struct phone *phone = repeat->phone; /* who gives up may free it */
	const struct sip_span bytes = {repeat->bytes, repeat->length};
	uint64_t now = net_now_ms();

	if (now >= repeat->give_up_at_ms) {
		phone_repeat_stop(repeat);
		if (repeat->on_given_up.call)
			repeat->on_given_up.call(repeat->on_given_up.user);
		phone_check_stopped(phone);
		return;
	}
	phone_send(phone, &repeat->hop, bytes);
	repeat->gap_ms *= 2;
	if (repeat->gap_ms > SIP_T2_MS && !is_uncapped(bytes))
		repeat->gap_ms = SIP_T2_MS;
	now += repeat->gap_ms;
	net_timer_set(repeat->timer, now < repeat->give_up_at_ms ? now : repeat->give_up_at_ms);
}

int phone_repeat_init(struct phone_repeat *repeat, struct phone *phone,
		      struct net_callback on_given_up)
{
	*repeat = (struct phone_repeat){.phone = phone, .on_given_up = on_given_up};
	return net_timer_create(&repeat->timer, phone->loop,
				(struct net_callback){take_time, repeat});
}

void phone_repeat_clear(struct phone_repeat *repeat)
{
	net_timer_free(repeat->timer);
	free(repeat->bytes);
	*repeat = (struct phone_repeat){.phone = repeat->phone};
}

/* A 2xx or a reliable provisional answer is repeated over any transport, since its ACK or PRACK is
 * no answer to it (RFC 3261 13.3.1.4, RFC 3262 3). */
static bool is_sent_once(const struct phone_hop *hop, struct sip_span bytes)
{
	return hop->route.transport != KL_UDP && !begins_with(bytes, "SIP/");
}

int phone_repeat_start(struct phone_repeat *repeat, const struct phone_hop *hop,
		       struct sip_span bytes)
{
	uint64_t now = net_now_ms();
	int error;

	phone_repeat_stop(repeat);
	error = phone_send(repeat->phone, hop, bytes);
	repeat->hop = *hop;
	repeat->gap_ms = SIP_T1_MS;
	repeat->give_up_at_ms = now + 64 * SIP_T1_MS;
	repeat->bytes = malloc(bytes.length);
	if (!repeat->bytes) { /* without memory it is sent once */
		net_timer_set(repeat->timer, repeat->give_up_at_ms);
		return error;
	}
	memcpy(repeat->bytes, bytes.at, bytes.length);
	repeat->length = bytes.length;
	net_timer_set(repeat->timer,
		      is_sent_once(hop, bytes) ? repeat->give_up_at_ms : now + repeat->gap_ms);
	return error;
}

void phone_repeat_stop(struct phone_repeat *repeat)
{
	if (!repeat->timer)
		return;
	net_timer_set(repeat->timer, NET_NEVER);
	free(repeat->bytes);
	repeat->bytes = NULL;
	repeat->length = 0;
}

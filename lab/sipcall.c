/* sipcall.c - the lab server's calls: ring, answer, and end when the caller says so. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lab/sipserver_private.h"
#include "sip/sdp.h"

enum { DISCARD_PORT = 9 }; /* of an audio stream that never carries a packet */

static void call_end(struct lab_call *call)
{
	if (call->state == LAB_CALL_FREE)
		return;
	sip_message_clear(&call->invite);
	free(call->answer);
	memset(call, 0, sizeof *call);
}

static bool is_unanswered(const struct lab_call *call)
{
	return call->state == LAB_CALL_RINGING_DUE || call->state == LAB_CALL_ANSWER_DUE;
}

static struct lab_answering call_answering(const struct lab_call *call, uint64_t now)
{
	return (struct lab_answering){&call->invite, call->source, call->invite_id, call->tag, now};
}

/* The call whose dialog a request belongs to; NULL: none. */
static struct lab_call *find_call(struct lab_sipserver *server, const struct sip_message *request)
{
	for (size_t i = 0; i < LAB_CALLS_MAX; i++) {
		struct lab_call *call = &server->calls[i];

		if (call->state != LAB_CALL_FREE && sip_dialog_matches(&call->dialog, request))
			return call;
	}
	return NULL;
}

/* The description to send for an INVITE: inactive, for there is no media here (RFC 3264, 6.1). */
static int write_description(const struct net_address *local, const struct sip_message *invite,
			     char *to, size_t size)
{
	bool ipv4 = net_address_is_ipv4(local);
	char host[INET6_ADDRSTRLEN] = "";
	struct sip_sdp ours, offer, answer;
	int error;

	inet_ntop(ipv4 ? AF_INET : AF_INET6, ipv4 ? local->ip + 12 : local->ip, host, sizeof host);
	sip_sdp_offer(&ours, host, DISCARD_PORT, SIP_SDP_INACTIVE);
	ours.session_id = ours.session_version = net_now_ms();
	if (!invite->body.length)
		return sip_sdp_write(&ours, to, size);
	error = sip_sdp_parse(&offer, invite->body);
	if (!error)
		error = sip_sdp_answer(&answer, &offer, &ours);
	return error ? error : sip_sdp_write(&answer, to, size);
}

/* Begins a call.  0, or the status to refuse it with. */
static unsigned call_begin(struct lab_sipserver *server, struct lab_call *call,
			   const struct lab_answering *a)
{
	char description[SIP_SDP_MAX];

	if (write_description(&server->places[a->source.place].local, a->request, description,
			      sizeof description) < 0)
		return 488;
	if (sip_dialog_from_request(&call->dialog, a->request, a->tag))
		return 400;
	sip_message_share(&call->invite, a->request);
	call->state = LAB_CALL_RINGING_DUE;
	call->invite_id = a->id;
	call->source = a->source;
	snprintf(call->tag, sizeof call->tag, "%s", a->tag);
	call->next_at = a->now + server->config.ring_ms;
	call->answer_at = a->now + server->config.answer_ms;
	return 0;
}

void lab_call_answer_invite(struct lab_sipserver *server, const struct lab_answering *a)
{
	struct lab_call *call = NULL;
	unsigned status = 486;

	if (a->request->to.tag.at) {
		lab_answer_plainly(server, a, find_call(server, a->request) ? 488 : 481);
		return;
	}
	if (server->config.members_only && !lab_registrar_count(&server->registrar, a->now)) {
		lab_answer_plainly(server, a, 403);
		return;
	}
	for (size_t i = 0; i < LAB_CALLS_MAX && !call; i++)
		if (server->calls[i].state == LAB_CALL_FREE)
			call = &server->calls[i];
	if (call)
		status = call_begin(server, call, a);
	lab_answer_plainly(server, a, status ? status : 100);
}

static void call_ring(struct lab_sipserver *server, struct lab_call *call, uint64_t now)
{
	const struct lab_answering a = call_answering(call, now);

	call->state = LAB_CALL_ANSWER_DUE;
	call->next_at = call->answer_at;
	lab_answer_plainly(server, &a, 180);
}

static void call_answer(struct lab_sipserver *server, struct lab_call *call, uint64_t now)
{
	const struct lab_answering a = call_answering(call, now);
	const struct lab_place *place = &server->places[call->source.place];
	const enum sip_transport transport = place->transport;
	char description[SIP_SDP_MAX], host[NET_ADDRESS_TEXT_MAX];
	struct sip_builder answer;
	int length;

	length = write_description(&place->local, &call->invite, description, sizeof description);
	if (length < 0) {
		call_end(call);
		return;
	}
	lab_answer_begin(server, &a, 200, &answer);
	sip_builder_header(&answer, "Contact", "<sip:lab@%s%s%s>",
			   net_address_format(&place->local, host),
			   transport == SIP_UDP ? "" : ";transport=",
			   transport == SIP_UDP ? "" : sip_transport_name(transport));
	length = sip_builder_finish_body(&answer, "application/sdp",
					 (struct sip_span){description, (size_t)length});
	length = lab_answer_send(server, &a, 200, length);
	if (length >= 0)
		call->answer = malloc((size_t)length);
	if (!call->answer || sip_dialog_confirm(&call->dialog, NULL)) {
		call_end(call);
		return;
	}
	memcpy(call->answer, server->answer, (size_t)length);
	call->answer_length = (size_t)length;
	call->state = LAB_CALL_ACK_DUE;
	call->gap_ms = SIP_T1_MS;
	call->next_at = now + call->gap_ms;
	call->lost_at = now + 64 * SIP_T1_MS;
}

/* RFC 3261, 13.3.1.4: the 200 is sent again, with gaps up to T2, until the ACK or for 64*T1. */
static void call_answer_again(struct lab_sipserver *server, struct lab_call *call, uint64_t now)
{
	const struct lab_hop to = lab_answer_destination(&call->invite, &call->source);

	if (now >= call->lost_at) {
		call_end(call);
		return;
	}
	call->gap_ms = call->gap_ms * 2 < SIP_T2_MS ? call->gap_ms * 2 : SIP_T2_MS;
	call->next_at = now + call->gap_ms;
	lab_send(server, &to, SIP_INVITE, (struct sip_span){call->answer, call->answer_length});
}

static void call_step(struct lab_sipserver *server, struct lab_call *call, uint64_t now)
{
	switch (call->state) {
	case LAB_CALL_RINGING_DUE:
		if (call->next_at < call->answer_at)
			call_ring(server, call, now);
		else
			call_answer(server, call, now);
		break;
	case LAB_CALL_ANSWER_DUE:
		call_answer(server, call, now);
		break;
	case LAB_CALL_ACK_DUE:
		call_answer_again(server, call, now);
		break;
	case LAB_CALL_FREE:
	case LAB_CALL_BYE_DUE:
		break;
	}
}

void lab_call_take_ack(struct lab_sipserver *server, const struct sip_message *ack)
{
	struct lab_call *call = find_call(server, ack);

	if (!call || call->state != LAB_CALL_ACK_DUE)
		return;
	free(call->answer);
	call->answer = NULL;
	call->state = LAB_CALL_BYE_DUE;
	call->next_at = NET_NEVER;
}

void lab_call_answer_bye(struct lab_sipserver *server, const struct lab_answering *a)
{
	struct lab_call *call = find_call(server, a->request);

	if (!call) {
		lab_answer_plainly(server, a, 481);
	} else if (sip_dialog_receive(&call->dialog, a->request)) {
		lab_answer_plainly(server, a, 500);
	} else {
		lab_answer_plainly(server, a, 200);
		if (is_unanswered(call)) {
			const struct lab_answering invite = call_answering(call, a->now);

			lab_answer_plainly(server, &invite, 487); /* RFC 3261, 15.1.2 */
		}
		call_end(call);
	}
}

/* RFC 3261, 9.2: the CANCEL gets its own 200, the INVITE that it means 487. */
void lab_call_answer_cancel(struct lab_sipserver *server, const struct lab_answering *a)
{
	sip_transaction_id invite = sip_transactions_cancelled(server->transactions, a->request);
	struct lab_call *call = NULL;

	for (size_t i = 0; i < LAB_CALLS_MAX && invite && !call; i++)
		if (is_unanswered(&server->calls[i]) && server->calls[i].invite_id == invite)
			call = &server->calls[i];
	lab_answer_plainly(server, a, invite ? 200 : 481);
	if (call) {
		const struct lab_answering cancelled = call_answering(call, a->now);

		lab_answer_plainly(server, &cancelled, 487);
		call_end(call);
	}
}

void lab_calls_step(struct lab_sipserver *server, uint64_t now)
{
	for (size_t i = 0; i < LAB_CALLS_MAX; i++) {
		struct lab_call *call = &server->calls[i];

		if (call->state != LAB_CALL_FREE && call->next_at <= now)
			call_step(server, call, now);
	}
}

uint64_t lab_calls_deadline(const struct lab_sipserver *server)
{
	uint64_t at = NET_NEVER;

	for (size_t i = 0; i < LAB_CALLS_MAX; i++) {
		const struct lab_call *call = &server->calls[i];

		if (call->state != LAB_CALL_FREE && call->next_at < at)
			at = call->next_at;
	}
	return at;
}

void lab_calls_end(struct lab_sipserver *server)
{
	for (size_t i = 0; i < LAB_CALLS_MAX; i++)
		call_end(&server->calls[i]);
}

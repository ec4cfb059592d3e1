/* tls_call_test.c - whom a certificate must name for what is said inside a call: a line whose
 * server has two names, each of which stands for a server of its own (RFC 5922 4, FAIL-18). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sip/builder.h"
#include "sip/frame.h"
#include "tests/phone/stage.h"

enum { STREAMS_MAX = 4, TEXT_MAX = 4096 };

#define DESCRIPTION                                                                                \
	"v=0\r\no=- 1 1 IN IP4 127.0.1.1\r\ns=-\r\nc=IN IP4 127.0.1.1\r\nt=0 0\r\n"                \
	"m=audio 4000 RTP/AVP 0\r\na=inactive\r\n"

struct far;

/* A stream that the phone opened. */
struct visit {
	struct far *far;
	struct net_stream *stream;
	struct sip_framer framer;
};

/* A TLS server that lets everybody register, and takes every call. */
struct far {
	struct stage *stage;
	unsigned index;
	struct net_listener *listener;
	struct visit visits[STREAMS_MAX];
	unsigned visit_count;
	const struct far *contact; /* who stands as the remote target in its answers to INVITE */
	unsigned acks, byes;
	struct visit *registered; /* the stream that a REGISTER came on last */
	char alice[256];          /* the Contact in that, a header's value */
};

static void write_contact(struct sip_builder *builder, const struct far *far)
{
	const struct net_address local = net_listener_local(far->listener);
	char text[NET_ADDRESS_TEXT_MAX];

	sip_builder_header(builder, "Contact", "<sip:far@%s;transport=tls>",
			   net_address_format(&local, text));
}

static void answer(struct visit *visit, const struct sip_message *request)
{
	const struct sip_reply reply = {.request = request, .status = 200, .to_tag = "far"};
	char text[TEXT_MAX];
	struct sip_builder builder;
	int length;

	sip_builder_init(&builder, text, sizeof text);
	sip_builder_reply(&builder, &reply);
	if (request->method == SIP_REGISTER) {
		sip_builder_copy(&builder, request, SIP_CONTACT);
		sip_builder_header(&builder, "Expires", "3600");
	} else if (request->method == SIP_INVITE) {
		write_contact(&builder, visit->far->contact);
	}
	length = request->method == SIP_INVITE
			 ? sip_builder_finish_body(&builder, "application/sdp",
						   sip_span_of(DESCRIPTION))
			 : sip_builder_finish(&builder);
	assert_true(length > 0);
	assert_int_equal(net_stream_write(visit->stream, text, (size_t)length), 0);
}

/* Acknowledges the phone's 200, on the stream that it came on. */
static void acknowledge(struct visit *visit, const struct sip_message *accepted)
{
	char text[TEXT_MAX];
	int length = snprintf(text, sizeof text,
			      "ACK sip:alice@127.0.0.1 SIP/2.0\r\n"
			      "Via: SIP/2.0/TLS 127.0.1.1:5061;branch=z9hG4bKack\r\n"
			      "From: %.*s\r\nTo: %.*s\r\nCall-ID: %.*s\r\nCSeq: 1 ACK\r\n"
			      "Content-Length: 0\r\n\r\n",
			      SIP_SPAN(accepted->from.text), SIP_SPAN(accepted->to.text),
			      SIP_SPAN(accepted->call_id));

	assert_int_equal(net_stream_write(visit->stream, text, (size_t)length), 0);
}

static void take_message(struct visit *visit, const struct sip_message *message)
{
	struct far *far = visit->far;

	if (!message->is_request) {
		if (message->status == 200 && message->cseq.method == SIP_INVITE)
			acknowledge(visit, message);
		return;
	}
	far->acks += message->method == SIP_ACK;
	far->byes += message->method == SIP_BYE;
	if (message->method == SIP_REGISTER) {
		far->registered = visit;
		snprintf(far->alice, sizeof far->alice, "%.*s",
			 SIP_SPAN(sip_message_header(message, SIP_CONTACT, 0)->value));
	}
	if (message->method != SIP_ACK)
		answer(visit, message);
}

static size_t take_bytes(void *user, const uint8_t *bytes, size_t length)
{
	struct visit *visit = user;
	const struct sip_span unread = {(const char *)bytes, length};
	struct sip_message message;
	struct sip_frame frame;

	assert_int_equal(sip_framer_next(&visit->framer, unread, &frame), 0);
	if (frame.kind == SIP_FRAME_MESSAGE) {
		assert_int_equal(sip_message_parse(&message, (const char *)bytes, frame.length), 0);
		take_message(visit, &message);
		sip_message_clear(&message);
	}
	return frame.length;
}

static void take_end(void *user, const struct net_stream_ending *ending)
{
	struct visit *visit = user;

	(void)ending;
	net_stream_close(visit->stream);
	visit->stream = NULL;
}

static void take_arrival(void *user, const struct net_arrival *arrival)
{
	struct far *far = user;
	struct visit *visit = &far->visits[far->visit_count++];
	const struct net_stream_config config = {
		.local = net_listener_local(far->listener),
		.remote = arrival->source,
		.tls = far->stage->tls[far->index],
		.unread_max = TEXT_MAX,
		.unsent_max = TEXT_MAX,
		.on_bytes = take_bytes,
		.on_end = take_end,
		.user = visit,
	};

	assert_in_range(far->visit_count, 1, STREAMS_MAX);
	visit->far = far;
	assert_int_equal(net_stream_accept(&visit->stream, far->stage->loop, &config, arrival->fd),
			 0);
}

static void far_open(struct far *far, struct stage *stage, unsigned index, const char *names)
{
	const struct net_listener_config config = {
		.local = stage_address(index), .on_arrival = take_arrival, .user = far};

	*far = (struct far){.stage = stage, .index = index, .contact = far};
	stage_certify(stage, index, names);
	assert_int_equal(net_listener_open(&far->listener, stage->loop, &config), 0);
}

static void far_close(struct far *far)
{
	for (unsigned i = 0; i < far->visit_count; i++)
		net_stream_close(far->visits[i].stream);
	net_listener_close(far->listener);
}

/* ---- the bench ------------------------------------------------------------------------------- */

/* a.test leads to the first, b.test to the second. */
struct bench {
	struct stage stage;
	struct far fars[STAGE_SERVERS];
	uint64_t call;
	bool up;
};

static void take_event(void *user, const struct phone_call_event *event)
{
	struct bench *bench = user;

	bench->call = event->id;
	bench->up |= event->type == PHONE_CALL_UP;
}

/* The certificate of the second names it; that of the first is for FIRST_NAMES. */
static struct bench *bench_new(const char *first_names)
{
	static const char *const files[] = {"phone.yaml"};
	struct bench *bench = calloc(1, sizeof *bench);
	char zone[TEXT_MAX];

	assert_non_null(bench);
	stage_begin(&bench->stage);
	far_open(&bench->fars[0], &bench->stage, 0, first_names);
	far_open(&bench->fars[1], &bench->stage, 1, "DNS:b.test");
	snprintf(zone, sizeof zone,
		 "_sips._tcp.a.test. SRV 0 0 %u s1.test.\ns1.test. A 127.0.1.1\n"
		 "_sips._tcp.b.test. SRV 0 0 %u s2.test.\ns2.test. A 127.0.1.2\n",
		 net_listener_local(bench->fars[0].listener).port,
		 net_listener_local(bench->fars[1].listener).port);
	stage_serve_names(&bench->stage, zone);
	stage_write(&bench->stage, files[0],
		    "lines:\n  - {user: alice, domain: a.test, calls: {incoming: answer},\n"
		    "     servers: {name: a.test, more_names: [b.test], transport: tls}}\n");
	bench->stage.config = stage_load(&bench->stage, files, 1);
	bench->stage.on_call = take_event;
	bench->stage.user = bench;
	stage_create_phone(&bench->stage);
	return bench;
}

static void bench_free(struct bench *bench)
{
	for (unsigned i = 0; i < STAGE_SERVERS; i++)
		far_close(&bench->fars[i]);
	stage_end(&bench->stage);
	free(bench);
}

static void wait_for(struct bench *bench, bool (*condition)(const struct bench *bench))
{
	stage_set_time(&bench->stage, STAGE_WAIT_MS);
	while (!condition(bench))
		stage_step(&bench->stage);
}

static bool is_registered(const struct bench *bench)
{
	json_t *status = phone_status(bench->stage.phone);
	const json_t *line = json_array_get(json_object_get(status, "lines"), 0);
	bool is = !strcmp(json_string_value(json_object_get(line, "state")), "registered");

	json_decref(status);
	return is;
}

static bool has_acknowledged_there(const struct bench *bench)
{
	return bench->fars[1].acks == 1;
}

static bool has_hung_up_there(const struct bench *bench)
{
	return bench->fars[1].byes == 1;
}

static bool is_up(const struct bench *bench)
{
	return bench->up;
}

/* ---- tests ----------------------------------------------------------------------------------- */

/* FAIL-18 (part): the call was placed through the first server, its Contact leads to the second:
 * what is said inside goes there, to the name that the line knows the second by. */
static void a_contact_at_another_name(void **state)
{
	struct bench *bench = bench_new("DNS:a.test");
	const struct phone_call_order order = {
		.target = "sip:far@a.test", .on_event = take_event, .user = bench};
	char why[PHONE_WHY_MAX];
	uint64_t id;

	(void)state;
	bench->fars[0].contact = &bench->fars[1];
	phone_start(bench->stage.phone);
	wait_for(bench, is_registered);
	assert_non_null(bench->fars[0].registered);
	assert_int_equal(phone_call_place(bench->stage.phone, &order, &id, why), 0);
	wait_for(bench, has_acknowledged_there);
	phone_call_hang_up(bench->stage.phone, id);
	wait_for(bench, has_hung_up_there);
	assert_int_equal(bench->fars[0].acks + bench->fars[0].byes, 0);
	assert_int_equal(bench->fars[1].visit_count, 1);
	bench_free(bench);
}

/* An INVITE on the stream that the phone registered on. */
static void call_alice(const struct far *far)
{
	const struct net_address local = net_listener_local(far->listener);
	char text[TEXT_MAX], address[NET_ADDRESS_TEXT_MAX];
	int length;

	net_address_format(&local, address);
	length =
		snprintf(text, sizeof text,
			 "INVITE %.*s SIP/2.0\r\nVia: SIP/2.0/TLS %s;branch=z9hG4bKin\r\n"
			 "From: <sip:far@b.test>;tag=f\r\nTo: <sip:alice@a.test>\r\nCall-ID: in\r\n"
			 "CSeq: 1 INVITE\r\nContact: <sip:far@%s;transport=tls>\r\n"
			 "Content-Type: application/sdp\r\nContent-Length: %zu\r\n\r\n%s",
			 (int)strcspn(far->alice + 1, ">"), far->alice + 1, address, address,
			 strlen(DESCRIPTION), DESCRIPTION);
	assert_int_equal(net_stream_write(far->registered->stream, text, (size_t)length), 0);
}

/* FAIL-18 (part): a server of several names calls, of which the first is not to be trusted; the BYE
 * takes the stream that is there, which belongs to the second name. */
static void a_call_from_the_second_name(void **state)
{
	struct bench *bench = bench_new("DNS:other.test");

	(void)state;
	phone_start(bench->stage.phone);
	wait_for(bench, is_registered);
	call_alice(&bench->fars[1]);
	wait_for(bench, is_up);
	phone_call_hang_up(bench->stage.phone, bench->call);
	wait_for(bench, has_hung_up_there);
	assert_int_equal(bench->fars[1].visit_count, 1);
	bench_free(bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_contact_at_another_name),
		cmocka_unit_test(a_call_from_the_second_name),
	};

	return cmocka_run_group_tests_name("phone/tls_call", tests, NULL, NULL);
}

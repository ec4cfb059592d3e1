/* Feeds any message to the rewriter, both ways: what comes out parses again, has the same body, and
 * only one Via of ours where it goes outside. */
#include "agent/rewrite.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	sip_init();
	return 0;
}

static bool ends(void *user, struct sip_span realm)
{
	(void)user;
	return realm.length % 2;
}

static char out[2 * SIP_MESSAGE_MAX];

static void check(const struct sip_message *message, int length, bool alone)
{
	struct sip_message again;
	struct sip_span second;

	if (length < 0 || length > SIP_MESSAGE_MAX)
		return;
	assert(sip_message_parse(&again, out, (size_t)length) == 0);
	assert(sip_span_equal(again.body, message->body));
	assert(sip_span_equal(again.call_id, message->call_id));
	assert(!alone || !sip_message_element(&again, SIP_VIA, 1, &second));
	sip_message_clear(&again);
}

static void rewrite_request(const struct sip_message *message)
{
	const struct agent_request_rewrite outward = {
		.via = sip_span_of("SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKout;rport"),
		.is_alone = true,
		.route = sip_span_of("<sip:a;lr>"),
		.record_route = sip_span_of(""),
		.contact = sip_span_of("sip:line@192.0.2.1:5060;kl=0123456789abcdef"),
		.cseq = message->cseq.number ? message->cseq.number : 1,
		.rack = 12,
		.credentials = sip_span_of("Authorization: Digest realm=\"r\"\r\n"),
		.ends = ends,
	};
	const struct agent_request_rewrite inward = {
		.uri = sip_span_of("sip:phone@127.0.0.1:5062"),
		.via = sip_span_of("SIP/2.0/TCP 127.0.0.1:5070;branch=z9hG4bKin;rport"),
		.route = sip_span_of(""),
		.record_route = sip_span_of("<sip:127.0.0.1:5070;lr>"),
		.on_stream = true,
	};

	if (!message->max_forwards)
		return;
	check(message, agent_rewrite_request(message, &outward, out, sizeof(out)), true);
	check(message, agent_rewrite_request(message, &inward, out, sizeof(out)), false);
}

static void rewrite_response(const struct sip_message *message)
{
	const struct agent_response_rewrite rewrite = {
		.asked = message,
		.vias = sip_span_of("Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKout\r\n"),
		.contact = sip_span_of("sip:line@192.0.2.1:5060;kl=0123456789abcdef"),
	};

	check(message, agent_rewrite_response(message, &rewrite, out, sizeof(out)), true);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sip_message message;

	if (sip_message_parse(&message, data, size))
		return 0;
	if (message.is_request)
		rewrite_request(&message);
	else
		rewrite_response(&message);
	sip_message_clear(&message);
	return 0;
}

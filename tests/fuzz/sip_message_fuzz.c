/* Feeds any bytes to the message parser, and what it accepts to everything that reads messages. */
#include "sip/dialog.h"
#include "sip/digest.h"
#include "sip/reliable.h"
#include "sip/sdp.h"
#include "sip/session.h"
#include "sip/transaction.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static char out[SIP_MESSAGE_MAX + 1];

static bool is_inside(struct sip_span span, const struct sip_header *header)
{
	return span.at >= header->value.at &&
	       span.at + span.length <= header->value.at + header->value.length;
}

static void read_elements(const struct sip_message *message, const struct sip_header *header)
{
	struct sip_span rest = header->value, element;
	struct sip_address address;
	struct sip_challenge challenge;
	struct sip_via via;
	uint32_t seconds;

	(void)sip_challenge_parse(&challenge, header->value);
	(void)sip_seconds_parse(&seconds, header->value);
	while (sip_list_next(&rest, &element)) {
		assert(is_inside(element, header));
		if (sip_address_parse(&address, element) == 0 && !address.is_star)
			assert(is_inside(address.uri, header));
		if (sip_via_parse(&via, element) == 0)
			assert(via.host[0] != '\0');
	}
	assert(sip_message_header(message, header->id, 0));
}

/* A reply to a valid request is a valid response. */
static void write_reply(const struct sip_message *request)
{
	const struct sip_reply reply = {.request = request,
					.status = 200,
					.to_tag = "tag",
					.source = "192.0.2.1",
					.source_port = 5060};
	struct sip_message response;
	struct sip_builder builder;
	int length, error;

	sip_builder_init(&builder, out, sizeof(out));
	sip_builder_reply(&builder, &reply);
	length = sip_builder_finish(&builder);
	if (length < 0) {
		assert(length == SIP_ESPACE);
		return;
	}
	error = sip_message_parse(&response, out, (size_t)length);
	assert(error == 0 || error == SIP_ESIZE);
	sip_message_clear(&response);
}

/* A request made in a dialog that a message opened is a valid request. */
static void use_dialog(const struct sip_message *message)
{
	struct sip_dialog dialog;
	struct sip_message made;
	struct sip_builder builder;
	int error = message->is_request ? sip_dialog_from_request(&dialog, message, "tag")
					: sip_dialog_from_response(&dialog, message, message);

	if (error != 0)
		return;
	sip_builder_init(&builder, out, sizeof(out));
	sip_dialog_request(&dialog, &builder, "BYE", "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1");
	error = sip_builder_finish(&builder);
	assert(error > 0);
	error = sip_message_parse(&made, out, (size_t)error);
	assert(error == 0 || error == SIP_ERANGE); /* CSeq 2^31 - 1 has no next one */
	sip_message_clear(&made);
	(void)sip_dialog_receive(&dialog, message);
}

static void use_transactions(const struct sip_message *message)
{
	static struct sip_transactions *table;
	const struct sip_peer peer = {.length = 0};
	const struct sip_answer answer = {486, message->received};
	struct sip_receipt receipt;
	struct sip_due due;
	static uint64_t now;

	if (!table)
		table = sip_transactions_new(8);
	now += 100;
	if (sip_transactions_receive(table, message, &peer, &receipt, now) == 0)
		(void)sip_transactions_respond(table, receipt.id, &answer, now);
	(void)sip_transactions_cancelled(table, message);
	while (sip_transactions_next(table, &due, now))
		assert(due.id != 0);
}

/* Session timers and reliable answers: whatever stands there, times are in order. */
static void use_session(const struct sip_message *message)
{
	struct sip_session session;
	uint32_t rseq, last = 0;
	struct sip_rack rack;

	sip_session_init(&session, 1800);
	(void)sip_session_take_refusal(&session, message);
	if (message->is_request && sip_session_admits(&session, message))
		sip_session_take_request(&session, message, 1);
	else
		sip_session_take_answer(&session, message, 1);
	assert(session.refresh_at == SIP_NEVER || session.refresh_at < session.expire_at);
	if (sip_rseq_read(message, &rseq) == 0)
		(void)sip_rseq_take(&last, rseq);
	(void)sip_rack_read(message, &rack);
}

static void read_body(const struct sip_message *message)
{
	struct sip_sdp offer, local, answer;

	if (sip_sdp_parse(&offer, message->body) != 0)
		return;
	sip_sdp_offer(&local, "192.0.2.1", 4000, SIP_SDP_SENDRECV);
	if (sip_sdp_answer(&answer, &offer, &local) == 0)
		assert(sip_sdp_write(&answer, out, sizeof(out)) > 0);
}

static void use_digest(const struct sip_message *message)
{
	static const struct sip_credentials credentials = {"bob", "zanzibar", NULL};
	static const struct sip_digest_server server = {.realm = "biloxi.com", .nonce_life_ms = 1};
	const struct sip_digest_request request = {"INVITE", "sip:b@x", message->body, "cnonce"};
	struct sip_digest_session session = {0};
	struct sip_builder builder;

	(void)sip_digest_verify(&server, message, &credentials, 1);
	if (sip_digest_judge(&session, message, &credentials, SIP_SENT_NONE) != SIP_VERDICT_NEW)
		return;
	sip_builder_init(&builder, out, sizeof(out));
	sip_digest_authorize(&session, &builder, &request, &credentials);
	assert(sip_builder_finish(&builder) > 0);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	sip_init();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sip_message message;

	if (sip_message_parse(&message, data, size) != 0) {
		assert(!message.block);
		return 0;
	}
	for (size_t i = 0; i < message.header_count; i++)
		read_elements(&message, &message.headers[i]);
	if (message.is_request)
		write_reply(&message);
	use_dialog(&message);
	use_transactions(&message);
	use_session(&message);
	read_body(&message);
	use_digest(&message);
	sip_message_clear(&message);
	return 0;
}

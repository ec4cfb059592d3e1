/* Feeds any bytes to the readers of NOTIFY bodies, one after another into the same notice: bounds
 * hold, a body that is refused changes nothing, and what was read can be said. */
#include "phone/notice.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

enum { BODY_MAX = 8192, HEAD_MAX = 512 };

static const struct {
	const char *event, *type;
} kinds[] = {
	{"message-summary", "application/simple-message-summary"},
	{"dialog", "application/dialog-info+xml"},
	{"presence", "application/pidf+xml"},
	{"call-info", "text/plain"}, /* it stands in a header: the body goes there */
};

static void check(const struct phone_notice *notice)
{
	json_t *object = json_object();

	if (notice->kind == PHONE_NOTICE_CALLS)
		assert(notice->calls.count <= PHONE_NOTICE_DIALOGS_MAX);
	if (notice->kind == PHONE_NOTICE_SEATS)
		assert(notice->seats.count <= PHONE_NOTICE_SEATS_MAX);
	phone_notice_put(notice, object);
	assert((notice->kind == PHONE_NOTICE_NONE) == (json_object_size(object) == 0));
	json_decref(object);
}

static void take(struct phone_notice *notice, unsigned kind, const uint8_t *body, size_t size)
{
	bool in_header = !strcmp(kinds[kind].event, "call-info");
	const struct phone_notice before = *notice;
	char text[HEAD_MAX + BODY_MAX];
	struct sip_message message;
	size_t length = (size_t)snprintf(
		text, HEAD_MAX,
		"NOTIFY sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP b;branch=z9hG4bK1\r\n"
		"From: <sip:b@b>;tag=f\r\nTo: <sip:a@b>;tag=t\r\nCall-ID: c\r\nCSeq: 1 NOTIFY\r\n"
		"Content-Type: %s\r\n%s",
		kinds[kind].type, in_header ? "Call-Info: " : "\r\n");

	memcpy(text + length, body, size);
	length += size;
	length += (size_t)snprintf(text + length, sizeof text - length, "%s",
				   in_header ? "\r\n\r\n" : "");
	if (sip_message_parse(&message, text, length))
		return;
	if (!phone_notice_read(notice, kinds[kind].event, &message))
		assert(!memcmp(notice, &before, sizeof before));
	check(notice);
	sip_message_clear(&message);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	sip_init();
	return 0;
}

/* The first byte says the kind, the second where the first body ends. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct phone_notice notice;
	unsigned kind;
	size_t cut;

	if (size < 2 || size > BODY_MAX)
		return 0;
	memset(&notice, 0, sizeof notice);
	kind = data[0] % (sizeof kinds / sizeof kinds[0]);
	cut = (size - 2) * data[1] / 255;
	take(&notice, kind, data + 2, cut);
	take(&notice, kind, data + 2 + cut, size - 2 - cut);
	return 0;
}

/* Feeds any bytes to the framer, whole and in pieces: the same must come of both. */
#include "sip/frame.h"
#include "sip/message.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

enum { FRAMES_MAX = 64 };

/* What was found up to the first error, or to the end. */
struct found {
	struct {
		size_t at, length;
	} messages[FRAMES_MAX];
	size_t count, taken;
	int error;
};

static void note(struct found *found, const struct sip_frame *frame)
{
	/* How a keep-alive is cut depends on how it comes; its bytes do not. */
	if (frame->kind == SIP_FRAME_MESSAGE && found->count < FRAMES_MAX) {
		found->messages[found->count].at = found->taken;
		found->messages[found->count++].length = frame->length;
	}
	found->taken += frame->length;
}

/* Takes what the bytes give that came so far. */
static void take(struct sip_framer *framer, struct found *found, const char *bytes, size_t size)
{
	struct sip_frame frame;

	do {
		const struct sip_span unread = {bytes + found->taken, size - found->taken};

		found->error = sip_framer_next(framer, unread, &frame);
		assert(frame.length <= unread.length);
		assert(found->error == 0 || frame.length == 0);
		assert((frame.kind == SIP_FRAME_PART) == (frame.length == 0));
		note(found, &frame);
	} while (!found->error && frame.length);
	assert(found->error || size - found->taken <= SIP_MESSAGE_MAX);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	sip_init();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sip_framer whole_framer = {0}, cut_framer = {0};
	struct found whole = {0}, cut = {0};
	struct sip_message message;
	size_t step;
	const char *bytes;

	if (size == 0)
		return 0;
	step = data[0] + 1U;
	bytes = (const char *)data + 1;
	size--;
	take(&whole_framer, &whole, bytes, size);
	for (size_t to = step; to < size && !cut.error; to += step)
		take(&cut_framer, &cut, bytes, to);
	if (!cut.error)
		take(&cut_framer, &cut, bytes, size);
	assert(cut.error == whole.error && cut.taken == whole.taken && cut.count == whole.count);
	assert(memcmp(cut.messages, whole.messages, sizeof cut.messages) == 0);
	for (size_t i = 0; i < whole.count; i++) {
		assert(whole.messages[i].length <= SIP_MESSAGE_MAX);
		if (!sip_message_parse(&message, bytes + whole.messages[i].at,
				       whole.messages[i].length))
			sip_message_clear(&message);
	}
	return 0;
}

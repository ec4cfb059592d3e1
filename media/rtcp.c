#include "media/rtcp.h"

#include <errno.h>
#include <string.h>

#include "media/bytes.h"

/* RFC 3550 12.1 and 12.2 */
enum kind { SENDER_REPORT = 200, RECEIVER_REPORT = 201, DESCRIPTION = 202, GOODBYE = 203 };
enum { ITEM_END = 0, ITEM_CNAME = 1 };

/* The first byte: two bits of version, padding, five bits of how many blocks or sources. */
enum { VERSION = 2, VERSION_SHIFT = 6, PADDING = 0x20, COUNT = 0x1f };

/* Bytes: of the header that all have, with the sender's SSRC; of a sender report's own part; of a
 * report block. */
enum { WORD = 4, HEAD = 4, SENDER_HEAD = 8, SENDER_PART = 20, BLOCK = 24 };

/* ---- reading ---- */

/* One packet of a compound. */
struct part {
	const uint8_t *bytes; /* after its header */
	size_t length;
	unsigned count;
	uint8_t kind;
};

static int32_t get_lost(const uint8_t *at)
{
	uint32_t lost = media_get32(at) & 0xffffff;

	return lost & 0x800000 ? (int32_t)lost - 0x1000000 : (int32_t)lost;
}

static void read_blocks(struct media_rtcp *out, const uint8_t *at, unsigned count, uint32_t about)
{
	for (; count > 0; count--, at += BLOCK) {
		if (media_get32(at) != about)
			continue;
		out->has_block = true;
		out->block = (struct media_rtcp_block){
			.ssrc = about,
			.fraction_lost = at[4],
			.lost = get_lost(at + 4),
			.highest = media_get32(at + 8),
			.jitter = media_get32(at + 12),
			.last_report = media_get32(at + 16),
			.delay = media_get32(at + 20),
		};
	}
}

static int read_report(struct media_rtcp *out, const struct part *part, uint32_t about)
{
	size_t start = part->kind == SENDER_REPORT ? WORD + SENDER_PART : WORD;

	if (part->length < start + part->count * (size_t)BLOCK)
		return -EBADMSG;
	out->ssrc = media_get32(part->bytes);
	if (part->kind == SENDER_REPORT) {
		out->is_sender = true;
		out->ntp =
			(uint64_t)media_get32(part->bytes + 4) << 32 | media_get32(part->bytes + 8);
		out->timestamp = media_get32(part->bytes + 12);
		out->packets = media_get32(part->bytes + 16);
		out->bytes = media_get32(part->bytes + 20);
	}
	read_blocks(out, part->bytes + start, part->count, about);
	return 0;
}

/* A name may hold any byte; what could upset a terminal or a log is replaced. */
static void copy_name(char *to, const uint8_t *from, size_t length)
{
	for (size_t i = 0; i < length; i++)
		to[i] = from[i] > ' ' && from[i] < 0x7f ? (char)from[i] : '?';
	to[length] = '\0';
}

/* The items of the chunks (RFC 3550 6.5): of the one that is the sender's, the name counts. */
static int read_description(struct media_rtcp *out, const struct part *part)
{
	size_t at = 0;

	for (unsigned chunk = 0; chunk < part->count; chunk++) {
		bool is_own;

		if (at + WORD > part->length)
			return -EBADMSG;
		is_own = media_get32(part->bytes + at) == out->ssrc;
		at += WORD;
		while (at < part->length && part->bytes[at] != ITEM_END) {
			size_t length = at + 1 < part->length ? part->bytes[at + 1] : part->length;

			if (at + 2 + length > part->length)
				return -EBADMSG;
			if (is_own && part->bytes[at] == ITEM_CNAME)
				copy_name(out->cname, part->bytes + at + 2, length);
			at += 2 + length;
		}
		at = (at / WORD + 1) * WORD;
	}
	return 0;
}

static int read_goodbye(struct media_rtcp *out, const struct part *part)
{
	if (part->length < part->count * (size_t)WORD)
		return -EBADMSG;
	for (unsigned i = 0; i < part->count; i++)
		if (media_get32(part->bytes + i * (size_t)WORD) == out->ssrc)
			out->is_bye = true;
	return 0;
}

static int read_part(struct media_rtcp *out, const struct part *part, uint32_t about)
{
	switch (part->kind) {
	case SENDER_REPORT:
	case RECEIVER_REPORT:
		return read_report(out, part, about);
	case DESCRIPTION:
		return read_description(out, part);
	case GOODBYE:
		return read_goodbye(out, part);
	default:
		return 0;
	}
}

int media_rtcp_parse(struct media_rtcp *out, const uint8_t *bytes, size_t length, uint32_t about)
{
	struct media_rtcp read = {0};
	size_t at = 0;

	/* RFC 3550 A.2: the first is a report, and has no padding. */
	if (length < SENDER_HEAD || bytes[0] & PADDING ||
	    (bytes[1] != SENDER_REPORT && bytes[1] != RECEIVER_REPORT))
		return -EBADMSG;
	while (at < length) {
		struct part part;

		if (length - at < HEAD || bytes[at] >> VERSION_SHIFT != VERSION)
			return -EBADMSG;
		part = (struct part){
			.bytes = bytes + at + HEAD,
			.length = WORD * (size_t)media_get16(bytes + at + 2),
			.count = bytes[at] & COUNT,
			.kind = bytes[at + 1],
		};
		if (part.length > length - at - HEAD || read_part(&read, &part, about) != 0)
			return -EBADMSG;
		at += HEAD + part.length;
	}
	*out = read;
	return 0;
}

/* ---- writing ---- */

/* LENGTH counts the header, too; on the wire are words, less one. */
static void put_head(uint8_t *to, enum kind kind, unsigned count, size_t length)
{
	to[0] = (uint8_t)(VERSION << VERSION_SHIFT | count);
	to[1] = (uint8_t)kind;
	media_put16(to + 2, (uint16_t)(length / WORD - 1));
}

static size_t put_report(const struct media_rtcp *packet, uint8_t *to)
{
	const struct media_rtcp_block *block = &packet->block;
	size_t length = SENDER_HEAD;

	media_put32(to + 4, packet->ssrc);
	if (packet->is_sender) {
		media_put32(to + 8, (uint32_t)(packet->ntp >> 32));
		media_put32(to + 12, (uint32_t)packet->ntp);
		media_put32(to + 16, packet->timestamp);
		media_put32(to + 20, packet->packets);
		media_put32(to + 24, packet->bytes);
		length += SENDER_PART;
	}
	if (packet->has_block) {
		media_put32(to + length, block->ssrc);
		media_put32(to + length + 4, (uint32_t)block->lost);
		to[length + 4] = block->fraction_lost;
		media_put32(to + length + 8, block->highest);
		media_put32(to + length + 12, block->jitter);
		media_put32(to + length + 16, block->last_report);
		media_put32(to + length + 20, block->delay);
		length += BLOCK;
	}
	put_head(to, packet->is_sender ? SENDER_REPORT : RECEIVER_REPORT, packet->has_block,
		 length);
	return length;
}

/* One chunk with the name; its end is one to four zero bytes, up to a whole word. */
static size_t put_description(const struct media_rtcp *packet, uint8_t *to)
{
	size_t name = strlen(packet->cname), end = SENDER_HEAD + 2 + name;
	size_t length = (end / WORD + 1) * WORD;

	media_put32(to + 4, packet->ssrc);
	to[SENDER_HEAD] = ITEM_CNAME;
	to[SENDER_HEAD + 1] = (uint8_t)name;
	memcpy(to + SENDER_HEAD + 2, packet->cname, name);
	memset(to + end, ITEM_END, length - end);
	put_head(to, DESCRIPTION, 1, length);
	return length;
}

size_t media_rtcp_write(const struct media_rtcp *packet, uint8_t *to)
{
	size_t length = put_report(packet, to);

	length += put_description(packet, to + length);
	if (packet->is_bye) {
		put_head(to + length, GOODBYE, 1, SENDER_HEAD);
		media_put32(to + length + 4, packet->ssrc);
		length += SENDER_HEAD;
	}
	return length;
}

/* ---- when ---- */

uint64_t media_rtcp_interval_ms(bool is_first, uint32_t draw)
{
	static const double compensation = 1.21828; /* e - 3/2 */
	double interval_ms = is_first ? 2500 : 5000;

	return (uint64_t)(interval_ms * (0.5 + draw / 4294967296.0) / compensation);
}

/* media/rtp: RFC 3550 5.1. */
#include "tests/net/support.h"

#include "media/rtp.h"

#include <errno.h>
#include <string.h>

static void test_packet_is_written_exactly_and_read_back(void **state)
{
	static const uint8_t expected[] = {0x80, 0x88, 0x12, 0x34, 0xde, 0xad, 0xbe,
					   0xef, 0x01, 0x02, 0x03, 0x04, 'h',  'i'};
	const struct media_rtp packet = {
		.marker = true,
		.payload_type = 8,
		.sequence = 0x1234,
		.timestamp = 0xdeadbeef,
		.ssrc = 0x01020304,
		.payload = (const uint8_t *)"hi",
		.length = 2,
	};
	struct media_rtp back;
	uint8_t bytes[sizeof(expected)];

	(void)state;
	assert_int_equal(media_rtp_write(&packet, bytes), sizeof(expected));
	assert_memory_equal(bytes, expected, sizeof(expected));
	assert_int_equal(media_rtp_parse(&back, bytes, sizeof(bytes)), 0);
	assert_true(back.marker);
	assert_int_equal(back.payload_type, 8);
	assert_int_equal(back.sequence, 0x1234);
	assert_int_equal(back.timestamp, 0xdeadbeef);
	assert_int_equal(back.ssrc, 0x01020304);
	assert_int_equal(back.length, 2);
	assert_ptr_equal(back.payload, bytes + MEDIA_RTP_HEADER);
}

/* Two contributing sources, an extension of one word, padding of three bytes. */
static void test_what_we_never_send_is_passed_over(void **state)
{
	uint8_t bytes[12 + 8 + 8 + 2 + 3] = {0xb2, 0};
	struct media_rtp packet;

	(void)state;
	bytes[12 + 8 + 3] = 1;
	bytes[28] = 'h';
	bytes[29] = 'i';
	bytes[32] = 3;
	assert_int_equal(media_rtp_parse(&packet, bytes, sizeof(bytes)), 0);
	assert_int_equal(packet.length, 2);
	assert_memory_equal(packet.payload, "hi", 2);
	for (size_t length = 0; length < 28; length++)
		assert_int_equal(media_rtp_parse(&packet, bytes, length), -EBADMSG);
	bytes[12 + 8 + 2] = 0xff; /* an extension of 65281 words */
	assert_int_equal(media_rtp_parse(&packet, bytes, sizeof(bytes)), -EBADMSG);
}

static void test_broken_packets_are_refused(void **state)
{
	static const struct {
		uint8_t first, last;
	} rows[] = {
		{0x00, 0},   {0x40, 0}, {0xc0, 0}, /* another version */
		{0x81, 0},                         /* a contributing source that is not there */
		{0x90, 0},                         /* an extension that is not there */
		{0xa0, 0},                         /* padding of nothing */
		{0xa0, 2},                         /* padding that reaches into the header */
		{0xa0, 255},                       /* and beyond the packet */
	};
	struct media_rtp packet;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		uint8_t bytes[13] = {rows[i].first};

		bytes[12] = rows[i].last;
		if (media_rtp_parse(&packet, bytes, sizeof(bytes)) != -EBADMSG)
			fail_msg("row %zu", i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_packet_is_written_exactly_and_read_back),
		cmocka_unit_test(test_what_we_never_send_is_passed_over),
		cmocka_unit_test(test_broken_packets_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

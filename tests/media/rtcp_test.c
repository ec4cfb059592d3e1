/* media/rtcp: RFC 3550 6. */
#include "tests/net/support.h"

#include "media/rtcp.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct media_rtcp report = {
	.ssrc = 0x11111111,
	.is_sender = true,
	.ntp = 0x0123456789abcdef,
	.timestamp = 0x22222222,
	.packets = 1000,
	.bytes = 160000,
	.has_block = true,
	.block = {.ssrc = 0x33333333,
		  .fraction_lost = 64,
		  .lost = -2,
		  .highest = 0x10005,
		  .jitter = 40,
		  .last_report = 0x456789ab,
		  .delay = 65536},
	.is_bye = true,
	.cname = "alice@host",
};

static void assert_same(const struct media_rtcp *a, const struct media_rtcp *b)
{
	assert_int_equal(a->ssrc, b->ssrc);
	assert_int_equal(a->is_sender, b->is_sender);
	assert_int_equal(a->ntp, b->ntp);
	assert_int_equal(a->timestamp, b->timestamp);
	assert_int_equal(a->packets, b->packets);
	assert_int_equal(a->bytes, b->bytes);
	assert_int_equal(a->has_block, b->has_block);
	assert_memory_equal(&a->block, &b->block, sizeof(a->block));
	assert_int_equal(a->is_bye, b->is_bye);
	assert_string_equal(a->cname, b->cname);
}

static void test_reports_are_read_back(void **state)
{
	struct media_rtcp packet = report, back;
	uint8_t bytes[MEDIA_RTCP_MAX];

	(void)state;
	for (size_t name = 0; name <= MEDIA_CNAME_MAX; name++) {
		size_t length;

		memset(packet.cname, 'x', name);
		packet.cname[name] = '\0';
		length = media_rtcp_write(&packet, bytes);
		assert_true(length <= MEDIA_RTCP_MAX && length % 4 == 0);
		assert_int_equal(media_rtcp_parse(&back, bytes, length, 0x33333333), 0);
		assert_same(&back, &packet);
		for (size_t cut = 1; cut < length; cut++)
			if (cut != 52 && cut != length - 8) /* a whole number of packets */
				assert_int_equal(media_rtcp_parse(&back, bytes, cut, 0x33333333),
						 -EBADMSG);
	}
}

/* What each byte of the smallest one is: an empty receiver report and a name. */
static void test_receiver_report_is_written_exactly(void **state)
{
	static const uint8_t expected[] = {
		0x80, 201, 0, 1, 1, 2, 3, 4,                               /* RR, no block */
		0x81, 202, 0, 3, 1, 2, 3, 4, 1, 3, 'b', 'o', 'b', 0, 0, 0, /* SDES */
	};
	const struct media_rtcp packet = {.ssrc = 0x01020304, .cname = "bob"};
	uint8_t bytes[MEDIA_RTCP_MAX];

	(void)state;
	assert_int_equal(media_rtcp_write(&packet, bytes), sizeof(expected));
	assert_memory_equal(bytes, expected, sizeof(expected));
}

/* A block about somebody else, a chunk of somebody else, a control character in a name. */
static void test_what_is_not_about_us_is_passed_over(void **state)
{
	struct media_rtcp packet = report, back;
	uint8_t bytes[MEDIA_RTCP_MAX + 4];
	size_t length;

	(void)state;
	snprintf(packet.cname, sizeof(packet.cname), "a\x1b[31m");
	length = media_rtcp_write(&packet, bytes);
	assert_int_equal(media_rtcp_parse(&back, bytes, length, 0x44444444), 0);
	assert_false(back.has_block);
	assert_string_equal(back.cname, "a?[31m");
	bytes[52 + 4] ^= 1;     /* the SSRC of the chunk */
	bytes[length - 1] ^= 1; /* and of who leaves */
	assert_int_equal(media_rtcp_parse(&back, bytes, length, 0x33333333), 0);
	assert_string_equal(back.cname, "");
	assert_false(back.is_bye);
	/* An application's packet after them (RFC 3550 6.7). */
	memcpy(bytes + length, "\x80\xcc\0\0", 4);
	assert_int_equal(media_rtcp_parse(&back, bytes, length + 4, 0x33333333), 0);
}

static void test_broken_packets_are_refused(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
	} rows[] = {
		{0, 0x41},     /* another version */
		{0, 0xa1},     /* the first with padding */
		{0, 0x9f},     /* 31 blocks of which one is there */
		{1, 203},      /* the first no report */
		{3, 200},      /* longer than all */
		{3, 0},        /* too short for what it is */
		{52, 0x00},    /* the second of another version */
		{52, 0x82},    /* two chunks of which one is there */
		{52 + 9, 200}, /* an item longer than its packet */
	};
	struct media_rtcp back;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		uint8_t bytes[MEDIA_RTCP_MAX];
		size_t length = media_rtcp_write(&report, bytes);

		bytes[rows[i].at] = rows[i].value;
		if (media_rtcp_parse(&back, bytes, length, 0x33333333) != -EBADMSG)
			fail_msg("row %zu", i);
	}
}

/* RFC 3550 6.3.1: 5 s times 0.5 to 1.5, by 1.21828; half of it at first. */
static void test_interval(void **state)
{
	(void)state;
	assert_int_equal(media_rtcp_interval_ms(false, 0), 2052);
	assert_int_equal(media_rtcp_interval_ms(false, UINT32_MAX), 6156);
	assert_int_equal(media_rtcp_interval_ms(true, 0), 1026);
	assert_int_equal(media_rtcp_interval_ms(true, UINT32_MAX), 3078);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reports_are_read_back),
		cmocka_unit_test(test_receiver_report_is_written_exactly),
		cmocka_unit_test(test_what_is_not_about_us_is_passed_over),
		cmocka_unit_test(test_broken_packets_are_refused),
		cmocka_unit_test(test_interval),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* media/digit: RFC 4733. */
#include "tests/net/support.h"

#include "media/digit.h"

#include <errno.h>
#include <string.h>

/* 100 ms of a digit, its end three times in all, 60 ms until the next. */
static void test_digits_are_sent_exactly_rfc4733_2_5(void **state)
{
	static const struct {
		bool is_sent, is_first, replaces_audio;
		uint8_t payload[MEDIA_DIGIT_PAYLOAD];
	} turns[] = {
		{true, true, true, {11, 10, 0, 160}},
		{true, false, true, {11, 10, 320 >> 8, 320 & 255}},
		{true, false, true, {11, 10, 480 >> 8, 480 & 255}},
		{true, false, true, {11, 10, 640 >> 8, 640 & 255}},
		{true, false, true, {11, 0x80 | 10, 800 >> 8, 800 & 255}},
		{true, false, false, {11, 0x80 | 10, 800 >> 8, 800 & 255}},
		{true, false, false, {11, 0x80 | 10, 800 >> 8, 800 & 255}},
		{false, false, false, {0}},
		{true, true, true, {0, 10, 0, 160}},
	};
	struct media_digits digits = {0};
	struct media_digit_packet packet;

	(void)state;
	assert_false(media_digits_next(&digits, &packet));
	assert_int_equal(media_digits_add(&digits, "#0"), 0);
	for (size_t i = 0; i < sizeof(turns) / sizeof(*turns); i++) {
		assert_int_equal(media_digits_next(&digits, &packet), turns[i].is_sent);
		if (!turns[i].is_sent)
			continue;
		assert_int_equal(packet.is_first, turns[i].is_first);
		assert_int_equal(packet.replaces_audio, turns[i].replaces_audio);
		assert_memory_equal(packet.payload, turns[i].payload, sizeof(packet.payload));
	}
	for (int turn = 0; turn < 7; turn++)
		media_digits_next(&digits, &packet);
	assert_int_equal(digits.count, 0);
}

static void test_what_is_no_digit_is_refused(void **state)
{
	struct media_digits digits = {0};
	char many[MEDIA_DIGITS_MAX + 2] = "";

	(void)state;
	assert_int_equal(media_digits_add(&digits, "12E"), -EINVAL);
	assert_int_equal(digits.count, 0);
	memset(many, '1', MEDIA_DIGITS_MAX + 1);
	assert_int_equal(media_digits_add(&digits, many), -ENOSPC);
	many[MEDIA_DIGITS_MAX] = '\0';
	assert_int_equal(media_digits_add(&digits, many), 0);
	assert_int_equal(media_digits_add(&digits, "1"), -ENOSPC);
}

/* Each event is told once: its updates and its end, thrice, have the timestamp of its start. */
static void test_digits_are_heard_once(void **state)
{
	static const uint8_t five[] = {5, 10, 0, 160}, flash[] = {16, 10, 0, 160};
	struct media_digit_ear ear = {0};

	(void)state;
	assert_int_equal(media_digit_hear(&ear, five, 4, 0xffffff00), '5');
	assert_int_equal(media_digit_hear(&ear, five, 4, 0xffffff00), 0);
	assert_int_equal(media_digit_hear(&ear, five, 4, 0x00000100), '5'); /* later */
	assert_int_equal(media_digit_hear(&ear, five, 4, 0xffffff00), 0);   /* a straggler */
	assert_int_equal(media_digit_hear(&ear, flash, 4, 0x00001000), 0);  /* no digit */
	assert_int_equal(media_digit_hear(&ear, five, 3, 0x00002000), -EBADMSG);
	assert_int_equal(media_digit_hear(&ear, five, 4, 0x00002000), '5');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_digits_are_sent_exactly_rfc4733_2_5),
		cmocka_unit_test(test_what_is_no_digit_is_refused),
		cmocka_unit_test(test_digits_are_heard_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* media/reception: RFC 3550 A.1, A.3, A.8. */
#include "tests/net/support.h"

#include "media/reception.h"

static enum media_reception_verdict take(struct media_reception *reception, uint32_t ssrc,
					 unsigned sequence)
{
	const struct media_rtp packet = {
		.ssrc = ssrc, .sequence = (uint16_t)sequence, .timestamp = 160 * sequence};

	return media_reception_take(reception, &packet, 1000 + 160 * sequence, true);
}

static void test_losses_and_repeats_are_counted(void **state)
{
	struct media_reception reception = {0};
	struct media_rtcp_block block = {0};

	(void)state;
	assert_int_equal(take(&reception, 7, 65534), MEDIA_RECEPTION_NEW_STREAM);
	/* Round the end of the numbers; 65537, 65539 and 65541 don't come, 65538 is overtaken. */
	assert_int_equal(take(&reception, 7, 65535), MEDIA_RECEPTION_OF_STREAM);
	assert_int_equal(take(&reception, 7, 65536), MEDIA_RECEPTION_OF_STREAM);
	assert_int_equal(take(&reception, 7, 65540), MEDIA_RECEPTION_OF_STREAM);
	assert_int_equal(take(&reception, 7, 65538), MEDIA_RECEPTION_OF_STREAM);
	assert_int_equal(take(&reception, 7, 65538), MEDIA_RECEPTION_REPEATED);
	assert_int_equal(take(&reception, 7, 65542), MEDIA_RECEPTION_OF_STREAM);
	assert_int_equal(media_reception_lost(&reception), 9 - 7);
	media_reception_report(&reception, &block);
	assert_int_equal(block.ssrc, 7);
	assert_int_equal(block.highest, 65542);
	assert_int_equal(block.lost, 2);
	assert_int_equal(block.fraction_lost, 2 * 256 / 9);
	/* The next interval loses half, the one after it nothing, the last one all but nothing. */
	assert_int_equal(take(&reception, 7, 65544), MEDIA_RECEPTION_OF_STREAM);
	media_reception_report(&reception, &block);
	assert_int_equal(block.fraction_lost, 128);
	assert_int_equal(take(&reception, 7, 65545), MEDIA_RECEPTION_OF_STREAM);
	media_reception_report(&reception, &block);
	assert_int_equal(block.fraction_lost, 0);
	assert_int_equal(block.lost, 3);
}

static void test_repeats_alone_are_a_negative_loss(void **state)
{
	struct media_reception reception = {0};
	struct media_rtcp_block block = {0};

	(void)state;
	take(&reception, 7, 100);
	for (int i = 0; i < 3; i++)
		assert_int_equal(take(&reception, 7, 100), MEDIA_RECEPTION_REPEATED);
	media_reception_report(&reception, &block);
	assert_int_equal(block.lost, -3);
	assert_int_equal(block.fraction_lost, 0);
	/* Overtaken by 63 it is played, by 64 it counts as come. */
	take(&reception, 7, 200);
	assert_int_equal(take(&reception, 7, 200 - 63), MEDIA_RECEPTION_OF_STREAM);
	assert_int_equal(take(&reception, 7, 200 - 63), MEDIA_RECEPTION_REPEATED);
	assert_int_equal(take(&reception, 7, 200 - 64), MEDIA_RECEPTION_REPEATED);
}

static void test_another_stream_needs_two_packets_in_a_row(void **state)
{
	struct media_reception reception = {0};

	(void)state;
	assert_int_equal(take(&reception, 7, 10), MEDIA_RECEPTION_NEW_STREAM);
	assert_int_equal(take(&reception, 8, 500), MEDIA_RECEPTION_PROBATION);
	assert_int_equal(take(&reception, 7, 11), MEDIA_RECEPTION_OF_STREAM);
	assert_int_equal(take(&reception, 8, 501), MEDIA_RECEPTION_PROBATION);
	assert_int_equal(take(&reception, 8, 503), MEDIA_RECEPTION_PROBATION);
	assert_int_equal(take(&reception, 8, 504), MEDIA_RECEPTION_NEW_STREAM);
	assert_int_equal(reception.ssrc, 8);
	assert_int_equal(media_reception_lost(&reception), 0);
	/* The same for numbers that jump. */
	assert_int_equal(take(&reception, 8, 40000), MEDIA_RECEPTION_PROBATION);
	assert_int_equal(take(&reception, 8, 505), MEDIA_RECEPTION_OF_STREAM);
	assert_int_equal(take(&reception, 8, 40000), MEDIA_RECEPTION_PROBATION);
	assert_int_equal(take(&reception, 8, 40001), MEDIA_RECEPTION_NEW_STREAM);
}

/* RFC 3550 A.8, by hand: the second packet is 16 samples late, so J = 16/16; then on time again, J
 * = 1 + (16 - 1)/16 = 1.94; then nothing more, and it sinks. */
static void test_jitter(void **state)
{
	static const uint32_t arrivals[] = {1000, 1176, 1320, 1480};
	static const uint32_t jitter_16[] = {0, 16, 31, 29};
	struct media_reception reception = {0};

	(void)state;
	for (uint16_t i = 0; i < 4; i++) {
		const struct media_rtp packet = {.sequence = i, .timestamp = 160u * i};

		media_reception_take(&reception, &packet, arrivals[i], true);
		assert_int_equal(reception.jitter_16, jitter_16[i]);
	}
	/* A timestamp of any kind leaves it a number; one of a digit leaves it alone. */
	media_reception_take(&reception, &(struct media_rtp){.sequence = 4}, 1640, false);
	assert_int_equal(reception.jitter_16, 29);
	for (uint16_t i = 5; i < 1000; i++)
		media_reception_take(
			&reception,
			&(struct media_rtp){.sequence = i, .timestamp = i % 2 ? 0x80000000 : 0},
			1640, true);
	assert_true(media_reception_jitter(&reception) < 1u << 28);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_losses_and_repeats_are_counted),
		cmocka_unit_test(test_repeats_alone_are_a_negative_loss),
		cmocka_unit_test(test_another_stream_needs_two_packets_in_a_row),
		cmocka_unit_test(test_jitter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

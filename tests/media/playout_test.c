/* media/playout: a tone goes in as packets, late, lost, out of order, and has to come out as a
 * tone. Time is virtual: 20 ms for each take. */
#include "tests/net/support.h"

#include "media/codec.h"
#include "media/playout.h"
#include "media/tone.h"

#include <string.h>

enum { HZ = 440, TURNS = 500 };

/* A sender of a tone, its playout, and an ear behind that. */
struct path {
	struct media_tone *tone;
	struct media_playout *playout;
	struct media_tone_ear *ear;
	uint32_t timestamp;
	int16_t packets[TURNS][MEDIA_PACKET_SAMPLES];
	size_t lost; /* samples */
};

static struct path *path_new(void)
{
	struct path *path = test_calloc(1, sizeof(*path));

	path->tone = media_tone_new(HZ);
	path->playout = media_playout_new();
	path->ear = media_tone_ear_new(HZ);
	path->timestamp = 0xffffff00; /* begins again soon */
	assert_true(path->tone && path->playout && path->ear);
	for (size_t i = 0; i < TURNS; i++)
		media_tone_make(path->tone, path->packets[i], MEDIA_PACKET_SAMPLES);
	return path;
}

static void path_free(struct path *path)
{
	media_tone_free(path->tone);
	media_playout_free(path->playout);
	media_tone_ear_free(path->ear);
	test_free(path);
}

static void put(struct path *path, int i)
{
	if (i >= 0 && i < TURNS)
		media_playout_put(path->playout, path->packets[i], MEDIA_PACKET_SAMPLES,
				  path->timestamp + (uint32_t)(i * MEDIA_PACKET_SAMPLES));
}

static void take(struct path *path)
{
	int16_t samples[MEDIA_PACKET_SAMPLES];

	path->lost += media_playout_take(path->playout, samples);
	media_tone_ear_hear(path->ear, samples, MEDIA_PACKET_SAMPLES);
}

/* How much of all was the tone, in per cent. */
static unsigned heard(const struct path *path)
{
	return (unsigned)(media_tone_ear_heard_ms(path->ear) * 100 / (TURNS * MEDIA_PACKET_MS));
}

static void test_all_of_it_comes_out(void **state)
{
	struct path *path = path_new();

	(void)state;
	for (int i = 0; i < TURNS; i++) {
		put(path, i);
		take(path);
	}
	assert_in_range(heard(path), 98, 100);
	assert_int_equal(path->lost, 0);
	path_free(path);
}

/* Of ten packets one is lost: the tone goes on through the gap, and the gaps are counted. */
static void test_losses_are_concealed(void **state)
{
	struct path *path = path_new();

	(void)state;
	for (int i = 0; i < TURNS; i++) {
		if (i % 10 != 5)
			put(path, i);
		take(path);
	}
	assert_in_range(heard(path), 90, 100);
	assert_in_range(path->lost / MEDIA_PACKET_SAMPLES, TURNS / 10 - 2, TURNS / 10 + 2);
	path_free(path);
}

/* Each pair comes the wrong way round, and the later one twice: after some time the delay has grown
 * by what it takes.  On the way the sender's timestamps move by 5 ms: half a step. */
static void test_reordered_and_repeated_packets_are_put_right(void **state)
{
	struct path *path = path_new();

	(void)state;
	for (int i = 0; i < TURNS; i++) {
		if (i == TURNS / 2)
			path->timestamp += MEDIA_PLAYOUT_STEP / 2;
		put(path, i ^ 1);
		if (i % 2 == 1)
			put(path, i);
		take(path);
	}
	assert_in_range(heard(path), 90, 100);
	path_free(path);
}

/* Bursts: nothing for 80 ms, then five packets at once. */
static void test_bursts_are_spread(void **state)
{
	struct path *path = path_new();

	(void)state;
	for (int i = 0; i < TURNS; i++) {
		for (int late = 4; i % 5 == 4 && late >= 0; late--)
			put(path, i - late);
		take(path);
	}
	assert_in_range(heard(path), 85, 100);
	path_free(path);
}

/* The far end's clock is faster by a thousandth, for twenty minutes: sixty packets more than turns
 * come, a bit is left out from time to time, and few wait at the end. */
static void test_a_fast_clock_does_not_fill_the_buffer(void **state)
{
	enum { LONG = 60000, EXTRA = 1000 };
	struct path *path = path_new();
	int16_t samples[MEDIA_PACKET_SAMPLES];
	uint32_t timestamp = 0;
	size_t waiting = 0, lost = 0;

	(void)state;
	for (int i = 0; i < LONG; i++) {
		for (int packets = i % EXTRA == 0 ? 2 : 1; packets > 0; packets--) {
			media_playout_put(path->playout, path->packets[i % TURNS],
					  MEDIA_PACKET_SAMPLES, timestamp);
			timestamp += MEDIA_PACKET_SAMPLES;
		}
		lost += media_playout_take(path->playout, samples);
	}
	assert_true(lost < LONG * (size_t)MEDIA_PACKET_SAMPLES / 1000);
	while (media_playout_take(path->playout, samples) == 0 && waiting < LONG / EXTRA)
		waiting++;
	assert_in_range(waiting, 0, 10);
	path_free(path);
}

/* Longer and shorter packets than ours, one after the other. */
static void test_packets_of_any_length(void **state)
{
	struct path *path = path_new();
	const int16_t *samples = path->packets[0];
	size_t at = 0, length = 80;

	(void)state;
	for (size_t taken = 0; at + MEDIA_PLAYOUT_PACKET_MAX < TURNS * MEDIA_PACKET_SAMPLES;) {
		media_playout_put(path->playout, samples + at, length,
				  path->timestamp + (uint32_t)at);
		at += length;
		length = length % MEDIA_PLAYOUT_PACKET_MAX + 80;
		for (; taken + MEDIA_PACKET_SAMPLES <= at; taken += MEDIA_PACKET_SAMPLES)
			take(path);
	}
	assert_in_range(heard(path), 90, 100);
	path_free(path);
}

static void test_the_end_is_silence_and_no_loss(void **state)
{
	int16_t samples[MEDIA_PACKET_SAMPLES], silence[MEDIA_PACKET_SAMPLES] = {0};
	struct path *path = path_new();

	(void)state;
	take(path);
	assert_int_equal(path->lost, 0); /* nothing had begun */
	for (int i = 0; i < 10; i++) {
		put(path, i);
		take(path);
	}
	for (int i = 0; i < TURNS; i++)
		path->lost += media_playout_take(path->playout, samples);
	assert_memory_equal(samples, silence, sizeof(samples));
	assert_in_range(path->lost, 1, MEDIA_RATE * 4 / 10);
	path_free(path);
}

/* Numbers that no sender has: nothing more is asked of them than to do no harm. */
static void test_absurd_timestamps_do_no_harm(void **state)
{
	struct path *path = path_new();
	uint32_t timestamp = 0;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		timestamp = timestamp * 1664525u + 1013904223u;
		media_playout_put(path->playout, path->packets[0], 480,
				  i % 3 ? timestamp : timestamp >> 20);
		if (i % 2)
			take(path);
	}
	path_free(path);
}

/* ---- what it stands on --------------------------------------------------------------------- */

/* A-law and u-law keep a tone, to 35 dB and more (ITU-T G.711). */
static void test_codecs_keep_a_tone(void **state)
{
	struct media_tone *tone = media_tone_new(1000);
	int16_t samples[MEDIA_RATE], back[MEDIA_RATE];
	uint8_t bytes[MEDIA_RATE];

	(void)state;
	media_tone_make(tone, samples, MEDIA_RATE);
	for (int codec = MEDIA_PCMU; codec <= MEDIA_PCMA; codec++) {
		double signal = 0, noise = 0;

		media_encode((enum media_codec)codec, samples, MEDIA_RATE, bytes);
		media_decode((enum media_codec)codec, bytes, MEDIA_RATE, back);
		for (size_t i = 0; i < MEDIA_RATE; i++) {
			double error = samples[i] - back[i];

			signal += (double)samples[i] * samples[i];
			noise += error * error;
		}
		assert_true(signal > 3000 * noise);
	}
	media_encode(MEDIA_PCMU, &(int16_t){0}, 1, bytes);
	assert_int_equal(bytes[0], 0xff);
	media_encode(MEDIA_PCMA, &(int16_t){0}, 1, bytes);
	assert_int_equal(bytes[0], 0xd5);
	media_tone_free(tone);
}

/* An ear hears its own tone, whatever its phase, and neither another, nor silence, nor two at once.
 */
static void test_an_ear_knows_its_tone(void **state)
{
	static const unsigned tones[] = {100, 350, 425, 440, 1000, 2100, 3800};
	int16_t samples[MEDIA_RATE], other[MEDIA_RATE] = {0};
	const size_t count = sizeof(tones) / sizeof(*tones);

	(void)state;
	for (size_t i = 0; i < count * count; i++) {
		struct media_tone *tone = media_tone_new(tones[i / count]);
		struct media_tone_ear *ear = media_tone_ear_new(tones[i % count]);

		media_tone_make(tone, samples, MEDIA_RATE);
		media_tone_ear_hear(ear, samples, MEDIA_RATE);
		if (i / count == i % count) {
			assert_int_equal(media_tone_ear_heard_ms(ear), 1000);
			assert_true(media_tone_ear_hears(ear));
		} else if (tones[i / count] != 425 && tones[i / count] != 440) {
			assert_int_equal(media_tone_ear_heard_ms(ear), 0);
		}
		media_tone_ear_hear(ear, other, MEDIA_RATE);
		assert_false(media_tone_ear_hears(ear));
		media_tone_free(tone);
		media_tone_ear_free(ear);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_of_it_comes_out),
		cmocka_unit_test(test_losses_are_concealed),
		cmocka_unit_test(test_reordered_and_repeated_packets_are_put_right),
		cmocka_unit_test(test_bursts_are_spread),
		cmocka_unit_test(test_a_fast_clock_does_not_fill_the_buffer),
		cmocka_unit_test(test_packets_of_any_length),
		cmocka_unit_test(test_the_end_is_silence_and_no_loss),
		cmocka_unit_test(test_absurd_timestamps_do_no_harm),
		cmocka_unit_test(test_codecs_keep_a_tone),
		cmocka_unit_test(test_an_ear_knows_its_tone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

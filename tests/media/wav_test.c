/* media/wav and media/speaker: files that are made, played, and of no use. */
#include "tests/net/support.h"

#include "media/speaker.h"
#include "tests/net/files.h"

#include <errno.h>
#include <sndfile.h>
#include <sys/stat.h>

enum { LENGTH = MEDIA_RATE + 100 }; /* no whole number of packets */

/* A file whose samples count up. */
static const char *counting_file(void)
{
	const char *path = file_path("counting.wav");
	struct media_wav_writer *writer;
	int16_t samples[LENGTH];

	for (int16_t i = 0; i < LENGTH; i++)
		samples[i] = i;
	assert_int_equal(media_wav_create(&writer, path), 0);
	assert_int_equal(media_wav_write(writer, samples, 30), 0);
	assert_int_equal(media_wav_write(writer, samples + 30, LENGTH - 30), 0);
	media_wav_finish(writer);
	return path;
}

static void test_round_trip(void **state)
{
	const char *path = counting_file();
	struct media_wav_reader *reader;
	int16_t samples[LENGTH + 1];
	struct stat status;

	(void)state;
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_size, 44 + 2 * LENGTH);
	assert_int_equal(status.st_mode & 0777, 0600);
	assert_int_equal(media_wav_open(&reader, path), 0);
	assert_int_equal(media_wav_read(reader, samples, LENGTH + 1), LENGTH);
	assert_int_equal(samples[0], 0);
	assert_int_equal(samples[LENGTH - 1], LENGTH - 1);
	assert_int_equal(media_wav_read(reader, samples, 1), 0);
	assert_true(media_wav_rewind(reader));
	assert_int_equal(media_wav_read(reader, samples, 1), 1);
	assert_int_equal(samples[0], 0);
	media_wav_close(reader);
}

/* What dies while it records leaves a file that plays, all but its last second. */
static void test_an_unfinished_recording_plays(void **state)
{
	const char *path = file_path("unfinished.wav");
	struct media_wav_writer *writer;
	struct media_wav_reader *reader;
	int16_t samples[LENGTH] = {0};

	(void)state;
	assert_int_equal(media_wav_create(&writer, path), 0);
	assert_int_equal(media_wav_write(writer, samples, LENGTH), 0);
	assert_int_equal(media_wav_open(&reader, path), 0);
	assert_int_equal(media_wav_read(reader, samples, LENGTH), MEDIA_RATE);
	media_wav_close(reader);
	media_wav_finish(writer);
}

/* A quarter of a second of half the greatest amplitude. */
static const char *file_of(SF_INFO info)
{
	const char *path = file_path("other.wav");
	SNDFILE *file = sf_open(path, SFM_WRITE, &info);
	float samples[MEDIA_RATE / 4];

	assert_non_null(file);
	for (size_t i = 0; i < MEDIA_RATE / 4; i++)
		samples[i] = 0.5f;
	assert_int_equal(sf_write_float(file, samples, MEDIA_RATE / 4), MEDIA_RATE / 4);
	sf_close(file);
	return path;
}

static void test_files_of_no_use(void **state)
{
	struct media_wav_reader *reader;
	struct media_wav_writer *writer;
	SF_INFO info = {.samplerate = 44100, .channels = 1, .format = SF_FORMAT_WAV};

	(void)state;
	info.format |= SF_FORMAT_PCM_16;
	assert_int_equal(media_wav_open(&reader, file_of(info)), -EINVAL);
	info.samplerate = MEDIA_RATE;
	info.channels = 2;
	assert_int_equal(media_wav_open(&reader, file_of(info)), -EINVAL);
	assert_int_equal(media_wav_open(&reader, file_path("none.wav")), -ENOENT);
	assert_int_equal(media_wav_open(&reader, file_path("")), -EINVAL);
	file_write("text.wav", "hello");
	assert_int_equal(media_wav_open(&reader, file_path("text.wav")), -EINVAL);
	assert_int_equal(media_wav_open(&reader, "/dev/zero"), -EINVAL);
	assert_int_equal(media_wav_create(&writer, file_path("no/such/folder.wav")), -ENOENT);
	assert_int_equal(media_wav_create(&writer, "/dev/full"), -EINVAL);
}

static void test_other_encodings_are_read(void **state)
{
	static const int encodings[] = {SF_FORMAT_PCM_16, SF_FORMAT_PCM_24, SF_FORMAT_FLOAT,
					SF_FORMAT_ULAW, SF_FORMAT_ALAW};

	(void)state;
	for (size_t i = 0; i < sizeof(encodings) / sizeof(*encodings); i++) {
		SF_INFO info = {.samplerate = MEDIA_RATE,
				.channels = 1,
				.format = SF_FORMAT_WAV | encodings[i]};
		struct media_wav_reader *reader;
		int16_t samples[100];

		assert_int_equal(media_wav_open(&reader, file_of(info)), 0);
		assert_int_equal(media_wav_read(reader, samples, 100), 100);
		assert_in_range(samples[99], 15500, 17000);
		media_wav_close(reader);
	}
}

/* ---- what is said -------------------------------------------------------------------------- */

static void test_file_is_played_once_then_silence(void **state)
{
	struct media_speaker speaker = {0};
	int16_t samples[MEDIA_PACKET_SAMPLES];

	(void)state;
	assert_int_equal(
		media_speaker_set(&speaker, &(struct media_source){.kind = MEDIA_WAV,
								   .path = counting_file()}),
		0);
	for (int i = 0; i < LENGTH / MEDIA_PACKET_SAMPLES; i++) {
		assert_false(media_speaker_read(&speaker, samples));
		assert_int_equal(samples[0], i * MEDIA_PACKET_SAMPLES);
	}
	assert_true(media_speaker_read(&speaker, samples));
	assert_int_equal(samples[LENGTH % MEDIA_PACKET_SAMPLES - 1], LENGTH - 1);
	assert_int_equal(samples[LENGTH % MEDIA_PACKET_SAMPLES], 0);
	assert_false(media_speaker_read(&speaker, samples));
	assert_int_equal(samples[0], 0);
}

static void test_loop_has_no_seam(void **state)
{
	struct media_speaker speaker = {0};
	int16_t samples[MEDIA_PACKET_SAMPLES];
	int expected = 0;

	(void)state;
	assert_int_equal(media_speaker_set(&speaker, &(struct media_source){.kind = MEDIA_WAV,
									    .path = counting_file(),
									    .loops = true}),
			 0);
	for (int packet = 0; packet < 200; packet++) {
		assert_false(media_speaker_read(&speaker, samples));
		for (int i = 0; i < MEDIA_PACKET_SAMPLES; i++)
			assert_int_equal(samples[i], expected++ % LENGTH);
	}
	media_speaker_clear(&speaker);
}

/* A file without samples ends at once, even if it is to loop. */
static void test_empty_file_ends(void **state)
{
	struct media_speaker speaker = {0};
	struct media_wav_writer *writer;
	int16_t samples[MEDIA_PACKET_SAMPLES];
	const char *path = file_path("empty.wav");

	(void)state;
	assert_int_equal(media_wav_create(&writer, path), 0);
	media_wav_finish(writer);
	assert_int_equal(media_speaker_set(&speaker, &(struct media_source){.kind = MEDIA_WAV,
									    .path = path,
									    .loops = true}),
			 0);
	assert_true(media_speaker_read(&speaker, samples));
}

/* What cannot be said leaves what is said. */
static void test_a_bad_source_changes_nothing(void **state)
{
	static const struct {
		struct media_source source;
		int error;
	} rows[] = {
		{{.kind = MEDIA_TONE, .hz = MEDIA_TONE_HZ_MIN - 1}, -EINVAL},
		{{.kind = MEDIA_TONE, .hz = MEDIA_TONE_HZ_MAX + 1}, -EINVAL},
		{{.kind = MEDIA_WAV, .path = "/nowhere"}, -ENOENT},
	};
	struct media_speaker speaker = {0};

	(void)state;
	assert_int_equal(
		media_speaker_set(&speaker, &(struct media_source){.kind = MEDIA_TONE, .hz = 440}),
		0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_int_equal(media_speaker_set(&speaker, &rows[i].source), rows[i].error);
		assert_int_equal(speaker.kind, MEDIA_TONE);
	}
	media_speaker_clear(&speaker);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_an_unfinished_recording_plays),
		cmocka_unit_test(test_files_of_no_use),
		cmocka_unit_test(test_other_encodings_are_read),
		cmocka_unit_test(test_file_is_played_once_then_silence),
		cmocka_unit_test(test_loop_has_no_seam),
		cmocka_unit_test(test_empty_file_ends),
		cmocka_unit_test(test_a_bad_source_changes_nothing),
	};

	return cmocka_run_group_tests(tests, files_set_up, files_tear_down);
}

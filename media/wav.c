#include "media/wav.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <sndfile.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "media/media.h"

/* Opens a regular file: a pipe would block whoever reads it. */
static int open_file(const char *path, int flags)
{
	struct stat status;
	int fd = open(path, flags | O_CLOEXEC | O_NONBLOCK, 0600);

	if (fd < 0)
		return -errno;
	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode))
		return fd;
	close(fd);
	return -EINVAL;
}

/* ---- reading ---- */

struct media_wav_reader {
	SNDFILE *file;
};

int media_wav_open(struct media_wav_reader **out, const char *path)
{
	struct media_wav_reader *reader;
	SF_INFO info = {0};
	SNDFILE *file;
	int fd = open_file(path, O_RDONLY);

	if (fd < 0)
		return fd;
	file = sf_open_fd(fd, SFM_READ, &info, SF_TRUE);
	if (file == NULL)
		return -EINVAL; /* it has closed the descriptor */
	reader = malloc(sizeof(*reader));
	if (reader == NULL || info.samplerate != MEDIA_RATE || info.channels != 1) {
		sf_close(file);
		free(reader);
		return reader == NULL ? -ENOMEM : -EINVAL;
	}
	reader->file = file;
	*out = reader;
	return 0;
}

void media_wav_close(struct media_wav_reader *reader)
{
	if (reader == NULL)
		return;
	sf_close(reader->file);
	free(reader);
}

/* What is too loud, or no number at all, is cut. */
static int16_t sample_of(float value)
{
	float scaled = value * 32768.0f;

	if (!(scaled > INT16_MIN))
		return INT16_MIN;
	return scaled < INT16_MAX ? (int16_t)lrintf(scaled) : INT16_MAX;
}

/* By floats from -1 to 1, whatever the file holds: read as integers, files of floats would not be
 * scaled, or to their own peak. */
size_t media_wav_read(struct media_wav_reader *reader, int16_t *samples, size_t count)
{
	float some[MEDIA_PACKET_SAMPLES];
	size_t done = 0;

	while (done < count) {
		size_t wanted =
			count - done < MEDIA_PACKET_SAMPLES ? count - done : MEDIA_PACKET_SAMPLES;
		sf_count_t read = sf_read_float(reader->file, some, (sf_count_t)wanted);

		for (sf_count_t i = 0; i < read; i++)
			samples[done++] = sample_of(some[i]);
		if (read < (sf_count_t)wanted)
			break;
	}
	return done;
}

bool media_wav_rewind(struct media_wav_reader *reader)
{
	int16_t sample;

	return sf_seek(reader->file, 0, SEEK_SET) == 0 &&
	       sf_read_short(reader->file, &sample, 1) == 1 &&
	       sf_seek(reader->file, 0, SEEK_SET) == 0;
}

/* ---- writing ---- */

struct media_wav_writer {
	SNDFILE *file;
	int16_t gathered[MEDIA_RATE];
	size_t count;
};

int media_wav_create(struct media_wav_writer **out, const char *path)
{
	SF_INFO info = {.samplerate = MEDIA_RATE,
			.channels = 1,
			.format = SF_FORMAT_WAV | SF_FORMAT_PCM_16};
	struct media_wav_writer *writer;
	int fd = open_file(path, O_RDWR | O_CREAT | O_TRUNC);

	if (fd < 0)
		return fd;
	writer = calloc(1, sizeof(*writer));
	if (writer == NULL) {
		close(fd);
		return -ENOMEM;
	}
	writer->file = sf_open_fd(fd, SFM_WRITE, &info, SF_TRUE);
	if (writer->file == NULL) {
		free(writer);
		return -EIO; /* it has closed the descriptor */
	}
	*out = writer;
	return 0;
}

static int flush(struct media_wav_writer *writer)
{
	sf_count_t count = (sf_count_t)writer->count;

	writer->count = 0;
	if (sf_write_short(writer->file, writer->gathered, count) != count)
		return -EIO;
	sf_command(writer->file, SFC_UPDATE_HEADER_NOW, NULL, 0);
	return 0;
}

void media_wav_finish(struct media_wav_writer *writer)
{
	if (writer == NULL)
		return;
	(void)flush(writer);
	sf_close(writer->file);
	free(writer);
}

int media_wav_write(struct media_wav_writer *writer, const int16_t *samples, size_t count)
{
	int error = 0;

	while (count > 0 && error == 0) {
		size_t room = MEDIA_RATE - writer->count, now = count < room ? count : room;

		memcpy(writer->gathered + writer->count, samples, now * sizeof(*samples));
		writer->count += now;
		samples += now;
		count -= now;
		if (writer->count == MEDIA_RATE)
			error = flush(writer);
	}
	return error;
}

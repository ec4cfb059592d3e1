/* wav.h - WAV files, read and written by libsndfile as the session's audio goes on.
 *
 * Ownership  what is opened the caller closes; closing takes NULL.
 * Errors     0, or a negative errno value.
 */
#ifndef MEDIA_WAV_H
#define MEDIA_WAV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct media_wav_reader;
struct media_wav_writer;

/* -ENOENT, -EACCES...: cannot be opened; -EINVAL: no audio, or not 8 kHz with one channel. */
int media_wav_open(struct media_wav_reader **out, const char *path);
void media_wav_close(struct media_wav_reader *reader);

/* Reads up to COUNT samples.  Returns how many; fewer: the file is at its end. */
size_t media_wav_read(struct media_wav_reader *reader, int16_t *samples, size_t count);

/* From its first sample again.  False: it cannot, or is empty. */
bool media_wav_rewind(struct media_wav_reader *reader);

/* A file of 16 bits, 8 kHz, one channel, that its owner alone may read: it may hold a conversation.
 * Replaces what is there. */
int media_wav_create(struct media_wav_writer **out, const char *path);

/* Keeps what little is not on the disk yet, then closes. */
void media_wav_finish(struct media_wav_writer *writer);

/* A second is gathered before it goes to the disk, and its header with it: a program that dies
 * leaves a file that can be played.  -EIO: the disk is full, or the file as long as it may be. */
int media_wav_write(struct media_wav_writer *writer, const int16_t *samples, size_t count);

#endif

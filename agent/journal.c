/* journal.c - what must outlive the process. */
#include "agent/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/pack.h"

/* The file: MAGIC, then records: length of the content, checksum of what follows, kind, id,
 * content; numbers with the lowest byte first.  A kind with DROPPED says that the record is gone.
 */
#define MAGIC "keepline journal 1\n"
enum {
	MAGIC_SIZE = sizeof(MAGIC) - 1,
	HEAD_SIZE = 4 + 4 + 1 + 8,
	SUMMED_AT = 8, /* where in the head the checksum begins */
	DROPPED = 0x80,
};

struct agent_journal {
	char *path, *new_path; /* owned */
	int fd;
	int old_fd;       /* while it is written anew; -1 */
	uint64_t size;    /* bytes in the file */
	uint64_t written; /* bytes when it was written anew the last time */
	uint64_t old_size;
	int error; /* the first one, while it is written anew */
	char scratch[HEAD_SIZE + AGENT_RECORD_MAX];
};

/* CRC-32 (ISO 3309), four bits at a time. */
static uint32_t checksum(struct sip_span bytes)
{
	static const uint32_t table[] = {
		0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
		0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
		0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
	};
	uint32_t sum = UINT32_MAX;

	for (size_t i = 0; i < bytes.length; i++) {
		sum ^= (unsigned char)bytes.at[i];
		sum = sum >> 4 ^ table[sum & 15];
		sum = sum >> 4 ^ table[sum & 15];
	}
	return ~sum;
}

/* ---- reading ------------------------------------------------------------------------------- */

/* Takes a record off BYTES.  False: what is there is no whole record. */
static bool next_record(struct sip_span *bytes, struct agent_record *record)
{
	struct agent_unpack head = {.bytes = *bytes};
	uint32_t length = agent_take_u32(&head), sum = agent_take_u32(&head);
	struct sip_span summed;

	record->kind = agent_take_u8(&head);
	record->id = agent_take_u64(&head);
	if (head.is_short || length > AGENT_RECORD_MAX || length > head.bytes.length)
		return false;
	summed = (struct sip_span){bytes->at + SUMMED_AT, HEAD_SIZE - SUMMED_AT + length};
	if (checksum(summed) != sum)
		return false;
	record->content = (struct sip_span){head.bytes.at, length};
	*bytes = (struct sip_span){head.bytes.at + length, head.bytes.length - length};
	return true;
}

size_t agent_journal_scan(struct sip_span bytes, const struct agent_journal_reader *reader)
{
	struct sip_span rest = {bytes.at + MAGIC_SIZE, bytes.length - MAGIC_SIZE};
	struct agent_record record;

	if (bytes.length < MAGIC_SIZE || memcmp(bytes.at, MAGIC, MAGIC_SIZE) != 0)
		return 0;
	while (next_record(&rest, &record)) {
		if (record.kind & DROPPED)
			reader->on_drop(reader->user, record.kind & (DROPPED - 1), record.id);
		else
			reader->on_record(reader->user, &record);
	}
	return bytes.length - rest.length;
}

/* All of the file.  *BYTES is the caller's to free. */
static int read_all(int fd, char **bytes, size_t *length)
{
	struct stat about;
	ssize_t count;

	if (fstat(fd, &about) < 0)
		return -errno;
	if (!S_ISREG(about.st_mode))
		return -EINVAL;
	if (about.st_size > AGENT_JOURNAL_MAX)
		return -EFBIG;
	*length = 0;
	*bytes = malloc((size_t)about.st_size + 1);
	if (!*bytes)
		return -ENOMEM;
	while ((count = read(fd, *bytes + *length, (size_t)about.st_size - *length)) > 0)
		*length += (size_t)count;
	return count < 0 ? -errno : 0;
}

/* ---- files --------------------------------------------------------------------------------- */

static int open_file(const char *path, int flags)
{
	int fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | flags, 0600);

	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return fd;
	close(fd);
	return -EBUSY;
}

/* Appends bytes, all or none of them. */
static int append(struct agent_journal *journal, struct sip_span bytes)
{
	ssize_t count = write(journal->fd, bytes.at, bytes.length);
	int error = count < 0 ? -errno : -ENOSPC;

	if (count == (ssize_t)bytes.length) {
		journal->size += bytes.length;
		return 0;
	}
	if (count > 0 && ftruncate(journal->fd, (off_t)journal->size) < 0)
		error = -errno;
	if (!journal->error)
		journal->error = error;
	return error;
}

/* A name lasts once its folder is on the disk. */
static void sync_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder = slash ? strndup(path, (size_t)(slash + 1 - path)) : strdup(".");
	int fd = folder ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	if (fd >= 0) {
		fsync(fd);
		close(fd);
	}
	free(folder);
}

/* ---- opening ------------------------------------------------------------------------------- */

/* A file that is none of ours is not destroyed. */
static int put_aside(struct agent_journal *journal, char why[AGENT_JOURNAL_WHY_MAX])
{
	char *aside = NULL;
	int error = 0;

	if (asprintf(&aside, "%s.broken", journal->path) < 0)
		return -ENOMEM;
	snprintf(why, AGENT_JOURNAL_WHY_MAX, "%s is no journal; it is kept as %s, a new one begins",
		 journal->path, aside);
	if (rename(journal->path, aside) < 0)
		error = -errno;
	free(aside);
	close(journal->fd);
	journal->fd = error ? -1 : open_file(journal->path, O_EXCL);
	return journal->fd < 0 && !error ? journal->fd : error;
}

static int load(struct agent_journal *journal, const struct agent_journal_reader *reader,
		char why[AGENT_JOURNAL_WHY_MAX])
{
	char *bytes = NULL;
	size_t length = 0;
	int error = read_all(journal->fd, &bytes, &length);
	size_t good = 0;

	if (!error && length)
		good = agent_journal_scan((struct sip_span){bytes, length}, reader);
	free(bytes);
	if (error)
		return error;
	journal->size = journal->written = good;
	if (good && good < length) {
		snprintf(why, AGENT_JOURNAL_WHY_MAX,
			 "%s is damaged at byte %zu; what stands before it is used", journal->path,
			 good);
		return ftruncate(journal->fd, (off_t)good) < 0 ? -errno : 0;
	}
	if (length && !good)
		error = put_aside(journal, why);
	if (!good && !error)
		error = append(journal, sip_span_of(MAGIC));
	return error;
}

int agent_journal_open(struct agent_journal **out, const struct agent_journal_config *config,
		       char why[AGENT_JOURNAL_WHY_MAX])
{
	struct agent_journal *journal = calloc(1, sizeof(*journal));
	int error = journal ? 0 : -ENOMEM;

	why[0] = '\0';
	if (!error) {
		journal->fd = journal->old_fd = -1;
		journal->path = strdup(config->path);
		if (!journal->path || asprintf(&journal->new_path, "%s.new", config->path) < 0)
			error = -ENOMEM;
	}
	if (!error) {
		journal->fd = open_file(config->path, 0);
		error = journal->fd < 0 ? journal->fd : load(journal, &config->reader, why);
	}
	if (!error) {
		*out = journal;
		return 0;
	}
	snprintf(why, AGENT_JOURNAL_WHY_MAX, "the journal %s: %s", config->path,
		 error == -EBUSY ? "another process has it" : strerror(-error));
	agent_journal_close(journal);
	return error;
}

void agent_journal_close(struct agent_journal *journal)
{
	if (!journal)
		return;
	if (journal->fd >= 0) {
		fdatasync(journal->fd);
		close(journal->fd);
	}
	if (journal->old_fd >= 0) {
		close(journal->old_fd);
		unlink(journal->new_path);
	}
	free(journal->path);
	free(journal->new_path);
	free(journal);
}

/* ---- writing ------------------------------------------------------------------------------- */

int agent_journal_put(struct agent_journal *journal, const struct agent_record *record)
{
	struct agent_pack head = {journal->scratch, sizeof(journal->scratch), 0, false};
	struct agent_pack sum = {journal->scratch + sizeof(uint32_t), sizeof(uint32_t), 0, false};

	if (record->content.length > AGENT_RECORD_MAX)
		return -EMSGSIZE;
	agent_put_u32(&head, (uint32_t)record->content.length);
	agent_put_u32(&head, 0);
	agent_put_u8(&head, record->kind);
	agent_put_u64(&head, record->id);
	agent_put_bytes(&head, record->content);
	agent_put_u32(&sum, checksum((struct sip_span){journal->scratch + SUMMED_AT,
						       head.length - SUMMED_AT}));
	return append(journal, (struct sip_span){journal->scratch, head.length});
}

int agent_journal_drop(struct agent_journal *journal, uint8_t kind, uint64_t id)
{
	const struct agent_record gone = {.kind = kind | DROPPED, .id = id};

	return agent_journal_put(journal, &gone);
}

bool agent_journal_is_long(const struct agent_journal *journal)
{
	return journal->size > AGENT_JOURNAL_SHORT && journal->size > 2 * journal->written;
}

int agent_journal_begin_anew(struct agent_journal *journal)
{
	int fd;

	if (unlink(journal->new_path) < 0 && errno != ENOENT)
		return -errno;
	fd = open_file(journal->new_path, O_EXCL);
	if (fd < 0)
		return fd;
	journal->old_fd = journal->fd;
	journal->old_size = journal->size;
	journal->fd = fd;
	journal->size = 0;
	journal->error = 0;
	return append(journal, sip_span_of(MAGIC));
}

int agent_journal_end_anew(struct agent_journal *journal)
{
	int error = journal->error;

	if (!error && (fdatasync(journal->fd) < 0 || rename(journal->new_path, journal->path) < 0))
		error = -errno;
	if (error) {
		close(journal->fd);
		unlink(journal->new_path);
		journal->fd = journal->old_fd;
		journal->size = journal->old_size;
	} else {
		close(journal->old_fd);
		sync_folder(journal->path);
	}
	/* After a failure the next try waits until the file has doubled again. */
	journal->written = journal->size;
	journal->old_fd = -1;
	return error;
}

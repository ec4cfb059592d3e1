/* memory.c - the DNS records that survive a restart. */
#include "phone/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "phone/log.h"
#include "phone/records.h"

struct phone_memory {
	char path[PATH_MAX];
	struct phone_records before; /* as the file had it at the start: the engine's */
	struct phone_records now;
	struct net_timer *timer; /* of the next writing */
	bool changed, failing;
};

/* ---- reading --------------------------------------------------------------------------------- */

/* The whole of a regular file that is no larger than it may be, to be freed; NULL: errno tells. */
static char *read_file(const char *path, size_t *length)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	char *text = NULL;
	struct stat stat;
	ssize_t got = -1;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &stat) == 0 && !S_ISREG(stat.st_mode))
		errno = EINVAL;
	else if (stat.st_size > PHONE_RECORDS_TEXT_MAX)
		errno = EFBIG;
	else
		text = malloc((size_t)stat.st_size + 1);
	if (text)
		got = read(fd, text, (size_t)stat.st_size);
	close(fd);
	if (got >= 0) {
		*length = (size_t)got;
		return text;
	}
	free(text);
	return NULL;
}

static int load(struct phone_memory *memory)
{
	char why[PHONE_RECORDS_WHY_MAX];
	size_t length = 0;
	char *text = read_file(memory->path, &length);
	int64_t now_s = (int64_t)time(NULL);
	int error = 0;

	if (!text) {
		if (errno != ENOENT)
			phone_log(PHONE_LOG_WARNING, "%s: %s: nothing is remembered", memory->path,
				  strerror(errno));
		return 0;
	}
	error = phone_records_parse(&memory->before, text, length, now_s, why);
	if (!error)
		error = phone_records_parse(&memory->now, text, length, now_s, why);
	free(text);
	if (error != -EINVAL)
		return error;
	phone_log(PHONE_LOG_WARNING, "%s: %s: nothing is remembered", memory->path, why);
	return 0;
}

/* ---- writing --------------------------------------------------------------------------------- */

static int write_all(int fd, const char *text, size_t length)
{
	while (length) {
		ssize_t written = write(fd, text, length);

		if (written < 0)
			return -errno;
		text += written;
		length -= (size_t)written;
	}
	return fsync(fd) < 0 ? -errno : 0;
}

/* That the name stands for the new file has to be on the disk, too. */
static void sync_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	char folder[PATH_MAX];
	int fd;

	snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - path + 1) : 1,
		 slash ? path : ".");
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	fsync(fd);
	close(fd);
}

static int replace_file(const char *path, const char *text, size_t length)
{
	char fresh[PATH_MAX + 8];
	int fd, error;

	snprintf(fresh, sizeof fresh, "%s.new", path);
	unlink(fresh); /* of a machine that lost its power */
	fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	error = write_all(fd, text, length);
	close(fd);
	if (!error && rename(fresh, path) < 0)
		error = -errno;
	if (error)
		unlink(fresh);
	else
		sync_folder(path);
	return error;
}

/* A disk that stays full is told of once. */
static void save(void *user)
{
	struct phone_memory *memory = user;
	size_t length = 0;
	char *text;
	int error = -ENOMEM;

	if (!memory->changed)
		return;
	text = phone_records_write(&memory->now, &length);
	if (text)
		error = replace_file(memory->path, text, length);
	free(text);
	if (error && !memory->failing)
		phone_log(PHONE_LOG_WARNING, "%s: %s: a restart will remember less", memory->path,
			  strerror(-error));
	memory->failing = error;
	memory->changed = error;
}

/* ---- life ------------------------------------------------------------------------------------ */

int phone_memory_open(struct phone_memory **out, struct net_loop *loop, const char *path)
{
	struct phone_memory *memory = calloc(1, sizeof *memory);
	int error;

	if (!memory)
		return -ENOMEM;
	snprintf(memory->path, sizeof memory->path, "%s", path);
	error = load(memory);
	if (!error)
		error = net_timer_create(&memory->timer, loop, (struct net_callback){save, memory});
	if (error)
		phone_memory_close(memory);
	else
		*out = memory;
	return error;
}

void phone_memory_close(struct phone_memory *memory)
{
	if (!memory)
		return;
	save(memory);
	net_timer_free(memory->timer);
	phone_records_clear(&memory->before);
	phone_records_clear(&memory->now);
	free(memory);
}

void phone_memory_lend(const struct phone_memory *memory, struct kl_config *config)
{
	config->remembered_records = memory->before.rows;
	config->remembered_record_count = memory->before.count;
}

/* Silence and errors say nothing of what is there. */
void phone_memory_take(struct phone_memory *memory, const struct phone_dns_known *known)
{
	const struct phone_records_answer answer = {.owner = known->name,
						    .type = known->type,
						    .records = known->answer->records,
						    .count = known->answer->count};

	if (known->answer->status != KL_DNS_ANSWER && known->answer->status != KL_DNS_NEGATIVE)
		return;
	if (!phone_records_take(&memory->now, &answer, (int64_t)time(NULL)))
		return;
	if (!memory->changed)
		net_timer_set(memory->timer, net_now_ms() + PHONE_MEMORY_DELAY_MS);
	memory->changed = true;
}

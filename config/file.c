/* file.c - a whole configuration file in memory. */
#include "config/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHUNK = 64 << 10 };

/* Reads all of FD, growing the buffer with what comes: a pipe has no size to ask for. */
static const char *read_all(int fd, struct file *file)
{
	for (size_t room = 0;;) {
		if (file->size == room) {
			room += room + CHUNK;
			file->bytes = realloc(file->bytes, room + 1);
			if (!file->bytes)
				abort();
		}
		ssize_t got = read(fd, file->bytes + file->size, room - file->size);
		if (got < 0)
			return strerror(errno);
		file->size += (size_t)got;
		file->bytes[file->size] = '\0';
		if (got == 0)
			return NULL;
		if (file->size > CONFIG_FILE_MAX)
			return "larger than 4 MiB";
	}
}

const char *file_read(struct file *file, const char *path)
{
	struct stat status;
	*file = (struct file){.at = {.file = path}};
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return strerror(errno);
	file->open_to_all = fstat(fd, &status) == 0 && status.st_mode & S_IROTH;
	const char *why = read_all(fd, file);
	close(fd);
	if (why)
		file_free(file);
	return why;
}

void file_free(struct file *file)
{
	free(file->bytes);
	file->bytes = NULL;
}

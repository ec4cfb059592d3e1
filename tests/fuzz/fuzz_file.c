/* fuzz_file.c - input for readers that want a path: a file in memory. */
#include "tests/fuzz/fuzz_file.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

static void put(int fd, const void *bytes, size_t size, size_t at)
{
	ssize_t written = pwrite(fd, bytes, size, (off_t)at);

	assert(written == (ssize_t)size);
}

const char *fuzz_file_write(struct fuzz_file *file, const char *head, const uint8_t *data,
			    size_t size)
{
	size_t head_size = head ? strlen(head) : 0;
	int error;

	if (!file->fd) {
		file->fd = memfd_create("input", MFD_CLOEXEC);
		assert(file->fd > 0);
		snprintf(file->path, sizeof file->path, "/proc/self/fd/%d", file->fd);
	}
	error = ftruncate(file->fd, 0);
	assert(!error);
	put(file->fd, head, head_size, 0);
	put(file->fd, data, size, head_size);
	return file->path;
}

/* fuzz_file.h - input for readers that want a path: a file in memory. */
#ifndef TESTS_FUZZ_FUZZ_FILE_H
#define TESTS_FUZZ_FUZZ_FILE_H

#include <stddef.h>
#include <stdint.h>

/* All zero at first; lasts as long as the program. */
struct fuzz_file {
	int fd; /* 0: it is not made yet */
	char path[64];
};

/* Makes HEAD (NULL: nothing) and DATA all of its content; the path under which it can be opened. */
const char *fuzz_file_write(struct fuzz_file *file, const char *head, const uint8_t *data,
			    size_t size);

#endif

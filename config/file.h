/* file.h - a whole configuration file in memory. */
#ifndef CONFIG_FILE_H
#define CONFIG_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "config/store.h"

struct file {
	struct position at; /* the path as given; line and column 0 */
	char *bytes;        /* `size` of them and a NUL; free() them with file_free() */
	size_t size;
	bool open_to_all; /* every user of the machine may read it */
};

/* Reads PATH, up to CONFIG_FILE_MAX bytes.  NULL, or why it can't be read; then there is nothing
 * to free.  Tells nothing. */
const char *file_read(struct file *file, const char *path);
void file_free(struct file *file);

#endif

/* files.h - files that a test writes, in a folder that is its own. */
#ifndef TESTS_NET_FILES_H
#define TESTS_NET_FILES_H

/* "FOLDER/NAME"; valid until the fourth call after it. */
const char *file_path(const char *name);

/* Writes TEXT into it anew; the same file if it is there. */
void file_write(const char *name, const char *text);

/* For cmocka: a new folder, and its end with all that is in it. */
int files_set_up(void **state);
int files_tear_down(void **state);

#endif

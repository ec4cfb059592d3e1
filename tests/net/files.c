#include "tests/net/files.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/net/support.h"

static char folder[32];

const char *file_path(const char *name)
{
	static char paths[4][320];
	static unsigned next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
	return path;
}

void file_write(const char *name, const char *text)
{
	FILE *file = fopen(file_path(name), "w");

	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

int files_set_up(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/keepline-net-test-XXXXXX");
	return mkdtemp(folder) != NULL ? 0 : -1;
}

int files_tear_down(void **state)
{
	DIR *entries = opendir(folder);

	(void)state;
	for (struct dirent *entry; (entry = readdir(entries)) != NULL;)
		if (entry->d_name[0] != '.')
			unlink(file_path(entry->d_name));
	closedir(entries);
	return rmdir(folder);
}

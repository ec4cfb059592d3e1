/* load.c - configurations from texts, for the tests of config/. */
#include "tests/config/load.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char directory[] = "/tmp/keepline-config-XXXXXX";

int load_enter(void **state)
{
	(void)state;
	return mkdtemp(directory) && chdir(directory) == 0 ? 0 : -1;
}

int load_leave(void **state)
{
	(void)state;
	unlink("1.cfg");
	unlink("2.cfg");
	return chdir("/") == 0 && rmdir(directory) == 0 ? 0 : -1;
}

void load_write(const char *name, const char *text)
{
	FILE *file = fopen(name, "w");
	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

struct config *load_with(struct load load)
{
	static const char *const files[] = {"1.cfg"};
	struct config_options options = {
		.files = files, .file_count = 1, .profile = load.profile, .strict = load.strict};
	struct config *config;
	load_write(files[0], load.text);
	assert_int_equal(config_load(&options, &config), load.expected);
	return config;
}

struct config *load_options(struct config_options options, int expected)
{
	struct config *config;
	assert_int_equal(config_load(&options, &config), expected);
	return config;
}

struct config *load_path(const char *path, int expected)
{
	return load_options((struct config_options){.files = &path, .file_count = 1}, expected);
}

struct config *load_text(const char *text)
{
	return load_with((struct load){.text = text});
}

struct config *load_texts(const char *first, const char *second)
{
	static const char *const files[] = {"1.cfg", "2.cfg"};
	struct config_options options = {.files = files, .file_count = 2};
	struct config *config;
	load_write(files[0], first);
	load_write(files[1], second);
	assert_int_equal(config_load(&options, &config), KL_OK);
	return config;
}

void assert_told(const struct config *config, const char *text)
{
	char all[64 * 1024] = "", *to = all;
	for (uint32_t i = 0; i < config->diagnostic_count; i++) {
		char line[2 * KL_TEXT_MAX];
		config_format_diagnostic(line, sizeof(line), &config->diagnostics[i]);
		to += snprintf(to, (size_t)(all + sizeof(all) - to), "%s%s", i ? "\n" : "", line);
		assert_true(to < all + sizeof(all));
	}
	assert_string_equal(all, text);
}

uint32_t policy_of(const struct config *config, uint32_t line, uint32_t entry,
		   enum kl_policy_field field)
{
	return kl_policy_get(config->engine.lines[line].entries[entry].policy, field);
}

void assert_ruled(const struct config *config, uint32_t entry, enum kl_policy_field field,
		  const char *text)
{
	char ruled[KL_TEXT_MAX];
	const struct config_value *value = config_find_value(config, 0, entry, field);
	assert_non_null(value);
	snprintf(ruled, sizeof(ruled), "%s = %s (%s)", value->name, value->value, value->from);
	assert_string_equal(ruled, text);
}

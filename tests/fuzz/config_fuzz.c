/* config_fuzz.c - what all targets of the configuration loader do. */
#include "tests/fuzz/config_fuzz.h"

#include <assert.h>

#include "config/check.h"
#include "config/provenance.h"
#include "tests/fuzz/fuzz_file.h"

static void check_diagnostics(const struct config *config)
{
	char line[KL_TEXT_MAX];
	assert(config->diagnostic_count <= CONFIG_DIAGNOSTICS_MAX + 1);
	for (uint32_t i = 0; i < config->diagnostic_count; i++) {
		config_format_diagnostic(line, sizeof(line), &config->diagnostics[i]);
		for (const unsigned char *c = (const unsigned char *)line; *c; c++)
			assert(*c >= ' ' && *c <= '~');
	}
}

static void check_lines(const struct config *config)
{
	static const struct check_facts facts = {.fleet = 1000, .capacity = 10};
	const struct check_finding *findings;
	char why[KL_TEXT_MAX];
	assert(config->engine.line_count > 0);
	assert(check_config(config, &facts, &findings) <= CHECK_FINDINGS_MAX);
	assert(kl_config_check(&config->engine, why, sizeof(why)) == KL_OK);
	assert(kl_engine_size(&config->engine) > 0);
	for (uint32_t line = 0; line < config->engine.line_count; line++) {
		const struct config_line *account = &config->lines[line];
		assert(*account->user && *account->domain && *account->auth_user);
		for (uint32_t i = 0; i < config->engine.lines[line].entry_count; i++)
			assert(config_find_value(config, line, i, KL_POLICY_attempts_max));
	}
}

void config_fuzz_load(const char *head, const uint8_t *data, size_t size)
{
	static struct fuzz_file file;
	const char *const files[] = {fuzz_file_write(&file, head, data, size)};
	const struct config_options options = {.files = files, .file_count = 1};
	struct config *config;
	int error = config_load(&options, &config);
	check_diagnostics(config);
	if (error == KL_OK)
		check_lines(config);
	else
		assert(config->error_count > 0);
	config_free(config);
}

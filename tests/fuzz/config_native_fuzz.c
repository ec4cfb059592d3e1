/* Feeds any bytes to the configuration loader as a native file.  What it accepts, the engine must.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "config/account.h"
#include "config/check.h"
#include "config/native.h"
#include "config/statics.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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

static void check_lines(struct config *config)
{
	static const struct check_facts facts = {.fleet = 1000, .capacity = 10};
	const struct check_finding *findings;
	char why[KL_TEXT_MAX];
	config->engine.transports = 1u << KL_UDP;
	config->engine.families = KL_IPV4 | KL_IPV6;
	kl_limits_default(&config->engine);
	assert(kl_config_check(&config->engine, why, sizeof(why)) == KL_OK);
	assert(check_config(config, &facts, &findings) <= CHECK_FINDINGS_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config_store *store = calloc(1, sizeof(*store));
	char *bytes = malloc(size + 1);
	assert(store && bytes);
	memcpy(bytes, data, size);
	bytes[size] = '\0';
	const struct file file = {.at = {.file = "fuzz"}, .bytes = bytes, .size = size};

	store_init(store, false);
	store->config.engine.transports = 1u << KL_UDP | 1u << KL_TCP | 1u << KL_TLS;
	native_recognize(&file);
	bool good = native_read(store, &file);
	free(bytes);
	store_seal(store);
	account_make_lines(store, NULL);
	statics_make(store);
	native_fill_device(store, &store->config.device);
	if (store->config.engine.line_count > 0)
		check_lines(&store->config);
	store_finish(store);
	check_diagnostics(&store->config);
	assert(good || store->config.error_count > 0);
	store_free(store);
	return 0;
}

/* mutation_test.c - thousands of spoiled files: each is read to its end, what is accepted the
 * engine accepts, and no message shows the password or a byte that moves a terminal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/config/load.h"

enum { MUTANTS = 2000, SIZE_MAX_OF_MUTANT = 4096 };

static const char POLY[] =
	"<?xml version=\"1.0\"?>\n<a CONFIG_FILES=\"2.cfg\">\n<b "
	"reg.1.address=\"bob@example.com\"\n"
	" reg.1.auth.password=\"geheim-geheim\" reg.2.address='ann'/>\n"
	"<c voIpProt.server.1.address=\"sip.example.com\" voIpProt.server.1.retryMaxCount=\"2\"\n"
	" reg.2.server.1.address=\"192.0.2.1\" reg.2.server.1.transport=\"UDPOnly\"\n"
	" reg.2.server.1.failOver.failBack.timeout=\"45\" dns.cache.A.1.name=\"a.b\"\n"
	" dns.cache.A.1.address=\"192.0.2.2\"/></a>\n";

static const char YEALINK_FILE[] = YEALINK(
	"account.1.user_name = bob\naccount.1.password = geheim-geheim\n"
	"account.1.sip_server.1.address = sip.example.com\naccount.1.retry_counts = 4\n"
	"account.1.sip_server.2.address = 192.0.2.1\naccount.1.sip_server.2.port = 5070\n"
	"account.2.user_name = ann\naccount.2.sip_server_host = b.example.com\n"
	"account.2.outbound_proxy_enable = 1\naccount.2.outbound_proxy.1.address = c.example.com\n"
	"account.2.outbound_proxy.1.retry_counts = -1\nsip.timer_t1 = 0.7\n"
	"include:config \"2.cfg\"\ndns_cache_a.1.name = a.b\ndns_cache_a.1.ip = 192.0.2.2\n"
	"account.1.label = %NULL%\n");

static const char VERSITY_FILE[] = "versity.1.sip_server = a.local; 192.0.2.1; b.local\n"
				   "versity.1.password = geheim-geheim\n"
				   "versity.1.extension = 2001\n";

/* A generator of its own, so that a failing mutant is the same everywhere. */
static uint32_t draw(uint32_t *seed, uint32_t below)
{
	*seed = *seed * 1664525u + 1013904223u;
	return (*seed >> 8) % below;
}

/* One spoiling of TEXT: a byte changed, a piece taken out, doubled, or put elsewhere. */
static size_t spoil(char *text, size_t length, uint32_t *seed)
{
	static const char alphabet[] = "\"'<>=.;,\n\r\t %&#[]0195axY-\x7f\x80\xff\xc2";
	char piece[32];
	size_t at = draw(seed, (uint32_t)length), size = 1 + draw(seed, sizeof(piece));
	if (size > length - at)
		size = length - at;
	switch (draw(seed, 4)) {
	case 0:
		text[at] = alphabet[draw(seed, sizeof(alphabet))];
		return length;
	case 1:
		if (length - size < 2)
			return length;
		memmove(text + at, text + at + size, length - at - size);
		return length - size;
	case 2:
		if (length + size >= SIZE_MAX_OF_MUTANT)
			return length;
		memmove(text + at + size, text + at, length - at);
		return length + size;
	default:
		memcpy(piece, text + at, size);
		memcpy(text + draw(seed, (uint32_t)(length - size + 1)), piece, size);
		return length;
	}
}

/* Does each password of TEXT still stand behind its name?  One that was moved is none any more. */
static bool has_only_passwords(const char *text, size_t length)
{
	static const char secret[] = "geheim-geheim", name[] = "password";
	const char *end = text + length, *found = text;
	while ((found = memmem(found, (size_t)(end - found), secret, strlen(secret)))) {
		size_t before = strlen(name) + 3; /* " = " or "=" and a quote */
		if ((size_t)(found - text) < before ||
		    !memmem(found - before, before, name, strlen(name)))
			return false;
		found += strlen(secret);
	}
	return true;
}

static void check_messages(const struct config *config, bool has_secrets)
{
	char line[KL_TEXT_MAX];
	for (uint32_t i = 0; i < config->diagnostic_count; i++) {
		config_format_diagnostic(line, sizeof(line), &config->diagnostics[i]);
		if (has_secrets)
			assert_null(strstr(line, "geheim-geheim"));
		for (const char *c = line; *c; c++)
			assert_true(*c >= ' ' && *c <= '~');
	}
}

/* A configuration of TEXT as a file in memory: thousands on a disk take their time. */
static struct config *load_bytes(const char *text, size_t length, int *error)
{
	static char path[64];
	static int fd = -1;
	if (fd < 0) {
		fd = memfd_create("phone.cfg", MFD_CLOEXEC);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	}
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(pwrite(fd, text, length, 0), length);
	const char *const files[] = {path};
	struct config_options options = {.files = files, .file_count = 1};
	struct config *config;
	*error = config_load(&options, &config);
	return config;
}

static void spoil_many(const char *original, size_t size)
{
	uint32_t accepted = 0, refused = 0;
	for (uint32_t i = 0; i < MUTANTS; i++) {
		char text[SIZE_MAX_OF_MUTANT];
		uint32_t seed = i;
		size_t length = size;
		memcpy(text, original, size);
		for (uint32_t times = 1 + draw(&seed, 8); times > 0; times--)
			length = spoil(text, length, &seed);
		char why[KL_TEXT_MAX];
		int error;
		struct config *config = load_bytes(text, length, &error);
		if (error == KL_OK) {
			accepted++;
			assert_int_equal(kl_config_check(&config->engine, why, sizeof(why)), KL_OK);
		} else {
			refused++;
			assert_true(config->error_count > 0);
		}
		check_messages(config, has_only_passwords(text, length));
		config_free(config);
	}
	assert_true(accepted > 0 && refused > 0);
}

static void test_spoiled_polycom_files(void **state)
{
	(void)state;
	spoil_many(POLY, sizeof(POLY) - 1);
}

static void test_spoiled_yealink_files(void **state)
{
	(void)state;
	spoil_many(YEALINK_FILE, sizeof(YEALINK_FILE) - 1);
}

static void test_spoiled_versity_files(void **state)
{
	(void)state;
	spoil_many(VERSITY_FILE, sizeof(VERSITY_FILE) - 1);
}

/* Every prefix of a file: where it is cut does not matter. */
static void test_files_that_are_cut_off(void **state)
{
	(void)state;
	static const char *const originals[] = {POLY, YEALINK_FILE, VERSITY_FILE};
	for (size_t i = 0; i < sizeof(originals) / sizeof(originals[0]); i++) {
		for (size_t length = 0; length < strlen(originals[i]); length++) {
			int error;
			struct config *config = load_bytes(originals[i], length, &error);
			if (error)
				assert_true(config->error_count > 0);
			check_messages(config, true);
			config_free(config);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_spoiled_polycom_files),
		cmocka_unit_test(test_spoiled_yealink_files),
		cmocka_unit_test(test_spoiled_versity_files),
		cmocka_unit_test(test_files_that_are_cut_off),
	};
	return cmocka_run_group_tests_name("config/mutation", tests, NULL, NULL);
}

/* The arena of names, and addresses as text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/names.h"
#include "tests/engine/device.h"

enum { ARENA = 128 };

/* An engine whose arena has ARENA bytes and holds nothing. */
static struct kl_engine *open_arena(struct device *device)
{
	device_init(device, KL_PROFILE_POLY);
	kl_limits_default(&device->config);
	device->config.limits.name_bytes = ARENA;
	device->size = kl_engine_size(&device->config);
	device->engine = malloc(device->size);
	assert_non_null(device->engine);
	assert_int_equal(kl_engine_init(device->engine, device->size, &device->config, 1, 0),
			 KL_OK);
	return device->engine;
}

/* RFC 4343: a name is the same whatever the case of its letters, and with or without final dot. */
static void name_is_kept_once(void **state)
{
	struct device device;
	struct kl_engine *e = open_arena(&device);
	(void)state;
	uint32_t name = name_keep(e, "SBC1.Example.test.");
	assert_int_not_equal(name, 0);
	assert_string_equal(name_text(e, name), "sbc1.example.test");
	assert_int_equal(name_keep(e, "sbc1.example.TEST"), name);
	assert_int_not_equal(name_keep(e, "sbc1.example.tes"), name);
	assert_null(name_text(e, 0));
	name_drop(e, 0);
	device_free(&device);
}

/* A full arena refuses; what is dropped leaves room for a longer name; nobody else's name moves. */
static void room_is_used_again(void **state)
{
	struct device device;
	struct kl_engine *e = open_arena(&device);
	char text[64];
	uint32_t names[16];
	int count = 0;
	(void)state;
	while (count < 16) {
		snprintf(text, sizeof(text), "host%02d.test", count);
		names[count] = name_keep(e, text);
		if (!names[count])
			break;
		count++;
	}
	assert_in_range(count, 5, 9); /* 16 bytes each, their heads included */
	assert_int_equal(name_keep(e, "a-name-that-needs-two.test"), 0);
	name_drop(e, names[1]);
	assert_int_equal(name_keep(e, "a-name-that-needs-two.test"), 0);
	name_drop(e, names[2]);
	assert_int_not_equal(name_keep(e, "a-name-that-needs-two.test"), 0);
	assert_string_equal(name_text(e, names[0]), "host00.test");
	assert_string_equal(name_text(e, names[3]), "host03.test");
	device_free(&device);
}

/* It is kept as often as it was asked for. */
static void uses_are_counted(void **state)
{
	struct device device;
	struct kl_engine *e = open_arena(&device);
	(void)state;
	uint32_t name = name_keep(e, "one.test");
	name_keep(e, "one.test");
	name_drop(e, name);
	assert_string_equal(name_text(e, name), "one.test");
	assert_int_equal(name_keep(e, "one.test"), name);
	char longest[KL_NAME_MAX + 2];
	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(name_keep(e, longest), 0);
	device_free(&device);
}

/* DNS-3: what is an address needs no query, so nothing else may be taken for one. */
static void addresses_are_told_from_names(void **state)
{
	static const struct {
		const char *text, *bytes; /* in hex; NULL: no address */
	} rows[] = {
		{"192.0.2.1", "00000000000000000000ffffc0000201"},
		{"0.0.0.0", "00000000000000000000ffff00000000"},
		{"255.255.255.255", "00000000000000000000ffffffffffff"},
		{"2001:db8::1", "20010db8000000000000000000000001"},
		{"[2001:db8::1]", "20010db8000000000000000000000001"},
		{"::", "00000000000000000000000000000000"},
		{"::1", "00000000000000000000000000000001"},
		{"1::", "00010000000000000000000000000000"},
		{"1:2:3:4:5:6:7:8", "00010002000300040005000600070008"},
		{"::ffff:192.0.2.1", "00000000000000000000ffffc0000201"},
		{"64:ff9b::192.0.2.33", "0064ff9b0000000000000000c0000221"},
		{"1:2:3:4:5:6:1.2.3.4", "00010002000300040005000601020304"},
		{"ABCD:EF01::", "abcdef01000000000000000000000000"},
		{"", NULL},
		{"192.0.2", NULL},
		{"192.0.2.256", NULL},
		{"192.0.2.1.5", NULL},
		{"192.0.2.1:5060", NULL},
		{"192.0.2.0001", NULL},
		{"1:2:3:4:5:6:7", NULL},
		{"1:2:3:4:5:6:7:8:9", NULL},
		{"1::2::3", NULL},
		{"12345::", NULL},
		{":::", NULL},
		{"1:2:3:4:5:6:7:1.2.3.4", NULL},
		{"[::1", NULL},
		{"::1]", NULL},
		{"fe80::1%eth0", NULL},
		{"example.test", NULL},
		{"dead.beef", NULL},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t ip[16];
		char hex[33] = "";
		bool is = address_parse(ip, rows[i].text);
		if (is != (rows[i].bytes != NULL))
			fail_msg("%s", rows[i].text);
		for (int b = 0; is && b < 16; b++)
			snprintf(hex + 2 * b, 3, "%02x", ip[b]);
		if (is)
			assert_string_equal(hex, rows[i].bytes);
	}
}

/* RFC 4343: one name however it is written; others have other numbers. */
static void test_names_in_routes(void **state)
{
	(void)state;
	assert_int_equal(kl_tls_name("Example.TEST."), kl_tls_name("example.test"));
	assert_int_not_equal(kl_tls_name("a.example.test"), kl_tls_name("b.example.test"));
	assert_int_not_equal(kl_tls_name("example.test"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(name_is_kept_once),
		cmocka_unit_test(room_is_used_again),
		cmocka_unit_test(uses_are_counted),
		cmocka_unit_test(addresses_are_told_from_names),
		cmocka_unit_test(test_names_in_routes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

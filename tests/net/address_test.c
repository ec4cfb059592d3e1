/* Addresses in and out of text and sockaddr: CONF-1 (part)'s address fields, RFC 3986 3.2.2 (IPv6
 * in brackets). */
#include <errno.h>
#include <string.h>

#include "tests/net/support.h"

static void text_goes_in_and_comes_out(void **state)
{
	static const struct {
		const char *in, *out;
		bool ipv4;
	} rows[] = {
		{"192.0.2.1:5060", "192.0.2.1:5060", true},
		{"192.0.2.1", "192.0.2.1:53", true},
		{"[2001:db8::1]:5061", "[2001:db8::1]:5061", false},
		{"[2001:DB8::1]", "[2001:db8::1]:53", false},
		{"2001:db8:0:0:0:0:0:1", "[2001:db8::1]:53", false},
		{"::", "[::]:53", false},
		{"::ffff:192.0.2.1", "192.0.2.1:53", true},
		{"255.255.255.255:65535", "255.255.255.255:65535", true},
		{"[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535",
		 "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct net_address address;

		assert_int_equal(net_address_parse(&address, rows[i].in, 53), 0);
		assert_address(&address, rows[i].out);
		assert_int_equal(net_address_is_ipv4(&address), rows[i].ipv4);
	}
}

static void hosts_of_uris_have_no_port(void **state)
{
	struct net_address ipv4 = address_of("192.0.2.1:5060");
	struct net_address ipv6 = address_of("[2001:db8::1]:5060");
	struct net_address portless = address_of("192.0.2.1");
	char text[NET_ADDRESS_TEXT_MAX];

	(void)state;
	assert_string_equal(net_address_format_host(&ipv4, text), "192.0.2.1");
	assert_string_equal(net_address_format_host(&ipv6, text), "[2001:db8::1]");
	assert_address(&portless, "192.0.2.1");
}

static void what_is_no_address_is_refused_with_its_cause(void **state)
{
	static const struct {
		const char *text;
		int error;
	} rows[] = {
		{"", -EINVAL},
		{"sip.example.com", -EINVAL},
		{"192.0.2", -EINVAL},
		{"192.0.2.256", -EINVAL},
		{"192.0.2.1 ", -EINVAL},
		{"[192.0.2.1]:5060", -EINVAL},
		{"[2001:db8::1", -EINVAL},
		{"[2001:db8::1]5060", -EINVAL},
		{"[]", -EINVAL},
		{"1:2:3:4:5:6:7:8:9", -EINVAL},
		{"192.0.2.1:50a", -EINVAL},
		{"192.0.2.1:+5", -EINVAL},
		{"192.0.2.1:", -ERANGE},
		{"192.0.2.1:0", -ERANGE},
		{"192.0.2.1:65536", -ERANGE},
		{"[::1]:99999999999999999999999", -ERANGE},
		{"fe80::1%eth0", -EOPNOTSUPP},
		{"[fe80::1%2]:5060", -EOPNOTSUPP},
		{"50%", -EINVAL},
		{"0000000000000000000000000000000000000000000000001::", -EINVAL},
	};
	struct net_address untouched = address_of("192.0.2.7:7");

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(net_address_parse(&untouched, rows[i].text, 53), rows[i].error);
	assert_address(&untouched, "192.0.2.7:7");
	assert_non_null(strstr(net_address_explain(-EOPNOTSUPP), "scope"));
	assert_non_null(strstr(net_address_explain(-ERANGE), "1..65535"));
	assert_non_null(strstr(net_address_explain(-EINVAL), "not an IPv4 or IPv6 address"));
}

static void sockaddr_there_and_back(void **state)
{
	static const char *const texts[] = {"192.0.2.1:5060", "[2001:db8::1]:5061"};
	static const sa_family_t families[] = {AF_INET, AF_INET6};
	struct sockaddr unknown = {.sa_family = AF_UNIX};
	struct net_address back;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct net_address address = address_of(texts[i]);
		struct sockaddr_storage name;

		assert_true(net_address_to_sockaddr(&address, &name) > 0);
		assert_int_equal(name.ss_family, families[i]);
		assert_int_equal(net_address_from_sockaddr(&back, (struct sockaddr *)&name), 0);
		assert_int_equal(net_address_compare(&address, &back), 0);
	}
	assert_int_equal(net_address_from_sockaddr(&back, &unknown), -EAFNOSUPPORT);
}

static void addresses_compare_by_ip_then_port(void **state)
{
	struct net_address a = address_of("192.0.2.1:5060");
	struct net_address b = address_of("192.0.2.1:5061");
	struct net_address c = address_of("192.0.2.2:1");
	struct net_address any4 = address_of("0.0.0.0:5060");
	struct net_address any6 = address_of("[::]:5060");

	(void)state;
	assert_true(net_address_compare(&a, &b) < 0);
	assert_true(net_address_compare(&c, &b) > 0);
	assert_true(net_address_is_wildcard(&any4));
	assert_true(net_address_is_wildcard(&any6));
	assert_false(net_address_is_wildcard(&a));
}

static void the_local_address_is_that_of_the_route(void **state)
{
	struct net_address local;
	struct net_address loopback = address_of("127.0.0.1:5060");
	struct net_address loopback6 = address_of("[::1]:5060");

	(void)state;
	assert_int_equal(net_address_local_toward(&local, &loopback), 0);
	assert_address(&local, "127.0.0.1");
	assert_int_equal(net_address_local_toward(&local, &loopback6), 0);
	assert_address(&local, "[::1]");
}

static void own_addresses_are_here(void **state)
{
	const struct net_address own = address_of("127.0.0.9:5060"), own6 = address_of("[::1]:1");
	/* TEST-NET-1 (RFC 5737) and 2001:db8::/32 (RFC 3849) are nobody's own. */
	const struct net_address other = address_of("192.0.2.1:5060");
	const struct net_address other6 = address_of("[2001:db8::1]:5060");

	(void)state;
	assert_true(net_address_is_here(&own));
	assert_true(net_address_is_here(&own6));
	assert_false(net_address_is_here(&other));
	assert_false(net_address_is_here(&other6));
}

/* Loopback takes more than any Ethernet; an address of a family that is not here has no path. */
static void mtu_is_the_kernels(void **state)
{
	const struct net_address here = address_of("127.0.0.1:9");
	const struct net_address nowhere = address_of("[fe80::1]:9");

	(void)state;
	assert_true(net_address_mtu_toward(&here) > 1500);
	assert_true(net_address_mtu_toward(&nowhere) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_goes_in_and_comes_out),
		cmocka_unit_test(hosts_of_uris_have_no_port),
		cmocka_unit_test(what_is_no_address_is_refused_with_its_cause),
		cmocka_unit_test(sockaddr_there_and_back),
		cmocka_unit_test(addresses_compare_by_ip_then_port),
		cmocka_unit_test(the_local_address_is_that_of_the_route),
		cmocka_unit_test(own_addresses_are_here),
		cmocka_unit_test(mtu_is_the_kernels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

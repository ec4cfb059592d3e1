/* From raw answers to records: DNS-17 (CNAMEs, loops, absurd answers), RFC 2782, RFC 3403. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/net/packet.h"
#include "tests/net/support.h"

static struct net_dns_question question;
static struct net_dns_result result;

/* Reads an answer to a question that was begun before. */
static bool read_next(const struct packet *packet)
{
	size_t size;
	uint8_t *bytes = packet_build(packet, &size);
	bool complete = net_dns_read(&question, bytes, size, &result);

	free(bytes);
	return complete;
}

static bool read_first(const struct packet *packet)
{
	assert_int_equal(net_dns_question_init(&question, packet->name, packet->type), 0);
	return read_next(packet);
}

static bool read_lines(const char *name, enum net_dns_type type, const char *const *lines)
{
	return read_first(&(struct packet){.name = name, .type = type, .answer = lines});
}

static void assert_ip(size_t record, const char *text)
{
	struct net_address address = {0};

	memcpy(address.ip, result.records[record].ip, sizeof(address.ip));
	assert_address(&address, text);
}

static void addresses_keep_the_order_of_the_answer__DNS_6(void **state)
{
	(void)state;
	assert_true(read_lines("sip.example.com", NET_DNS_A,
			       LINES("sip.example.com. 300 IN A 192.0.2.2",
				     "SIP.example.COM. 200 IN A 192.0.2.1")));
	assert_int_equal(result.status, NET_DNS_ANSWER);
	assert_int_equal(result.count, 2);
	assert_ip(0, "192.0.2.2");
	assert_int_equal(result.records[0].ttl_s, 300);
	assert_ip(1, "192.0.2.1");
	assert_int_equal(result.records[1].ttl_s, 200);

	assert_true(read_lines("sip.example.com.", NET_DNS_AAAA,
			       LINES("sip.example.com. 60 IN AAAA 2001:db8::1")));
	assert_int_equal(result.count, 1);
	assert_int_equal(result.records[0].type, NET_DNS_AAAA);
	assert_ip(0, "[2001:db8::1]");
}

static void srv_has_priority_weight_port_and_target__RFC_2782(void **state)
{
	(void)state;
	assert_true(read_lines("_sip._udp.example.com", NET_DNS_SRV,
			       LINES("_sip._udp.example.com. 300 IN SRV 10 60 5062 a.example.com.",
				     "_sip._udp.example.com. 300 IN SRV 0 0 0 .")));
	assert_int_equal(result.count, 2);
	assert_int_equal(result.records[0].priority, 10);
	assert_int_equal(result.records[0].weight, 60);
	assert_int_equal(result.records[0].port, 5062);
	assert_string_equal(result.records[0].name, "a.example.com");
	assert_string_equal(result.records[1].name, ".");
}

static void naptr_has_flag_service_and_replacement__RFC_3403(void **state)
{
	(void)state;
	assert_true(read_lines("example.com", NET_DNS_NAPTR,
			       LINES("example.com. 300 IN NAPTR 10 50 \"S\" \"SIP+D2U\" \"\" "
				     "_sip._udp.example.com.",
				     "example.com. 300 IN NAPTR 20 51 \"\" \"\" \"\" .",
				     "example.com. 300 IN NAPTR 30 52 \"sa\" \"x\" \"\" .")));
	assert_int_equal(result.count, 3);
	assert_int_equal(result.records[0].priority, 10);
	assert_int_equal(result.records[0].weight, 50);
	assert_int_equal(result.records[0].flag, 's');
	assert_string_equal(result.records[0].service, "SIP+D2U");
	assert_string_equal(result.records[0].name, "_sip._udp.example.com");
	assert_int_equal(result.records[1].flag, 0);
	assert_string_equal(result.records[1].service, "");
	assert_int_equal(result.records[2].flag, '?');
}

static void no_such_name_and_no_such_record_are_negative__DNS_14(void **state)
{
	(void)state;
	assert_true(read_lines("a.example.com", NET_DNS_A, NULL));
	assert_int_equal(result.status, NET_DNS_NEGATIVE);
	assert_string_equal(result.why, "no such record");

	assert_true(read_first(&(struct packet){
		.name = "a.example.com", .type = NET_DNS_A, .rcode = LDNS_RCODE_NXDOMAIN}));
	assert_int_equal(result.status, NET_DNS_NEGATIVE);
	assert_string_equal(result.why, "no such name");
}

static void error_codes_are_failures__DNS_14(void **state)
{
	static const ldns_pkt_rcode rcodes[] = {LDNS_RCODE_FORMERR, LDNS_RCODE_SERVFAIL,
						LDNS_RCODE_NOTIMPL, LDNS_RCODE_REFUSED, 14};

	(void)state;
	for (size_t i = 0; i < sizeof(rcodes) / sizeof(rcodes[0]); i++) {
		assert_true(read_first(&(struct packet){
			.name = "a.example.com", .type = NET_DNS_A, .rcode = rcodes[i]}));
		assert_int_equal(result.status, NET_DNS_FAILED);
	}
	assert_string_equal(result.why, "an error");
}

static void what_is_no_answer_fails(void **state)
{
	struct packet packet = {
		.name = "a.example.com",
		.type = NET_DNS_A,
		.answer = LINES("a.example.com. 300 IN A 192.0.2.1"),
	};

	(void)state;
	packet.is_question = true;
	assert_true(read_first(&packet));
	assert_int_equal(result.status, NET_DNS_FAILED);
	packet.is_question = false;
	packet.truncated = true;
	assert_true(read_first(&packet));
	assert_int_equal(result.status, NET_DNS_FAILED);
}

static void records_of_other_names_are_ignored(void **state)
{
	(void)state;
	assert_true(read_lines("a.example.com", NET_DNS_A,
			       LINES("evil.example.net. 300 IN A 203.0.113.66",
				     "a.example.com. 300 IN A 192.0.2.1",
				     "a.example.com. 300 CH A 203.0.113.67",
				     "a.example.com. 300 IN AAAA 2001:db8::66")));
	assert_int_equal(result.count, 1);
	assert_ip(0, "192.0.2.1");

	assert_true(read_lines("a.example.com", NET_DNS_A,
			       LINES("evil.example.net. 300 IN A 203.0.113.66")));
	assert_int_equal(result.status, NET_DNS_NEGATIVE);
}

static void cnames_are_followed_and_the_least_ttl_counts__DNS_17(void **state)
{
	(void)state;
	assert_true(read_lines("a.example.com", NET_DNS_A,
			       LINES("c.example.com. 300 IN A 192.0.2.1",
				     "b.example.com. 30 IN CNAME c.example.com.",
				     "a.example.com. 600 IN CNAME b.example.com.")));
	assert_int_equal(result.status, NET_DNS_ANSWER);
	assert_int_equal(result.count, 1);
	assert_int_equal(result.records[0].ttl_s, 30);
}

static void a_cname_out_of_the_answer_is_asked_next__DNS_17(void **state)
{
	(void)state;
	assert_false(read_lines("a.example.com", NET_DNS_A,
				LINES("a.example.com. 20 IN CNAME b.example.net.")));
	assert_string_equal(question.name, "b.example.net");
	assert_true(
		read_next(&(struct packet){.name = "b.example.net",
					   .type = NET_DNS_A,
					   .answer = LINES("b.example.net. 300 IN A 192.0.2.1")}));
	assert_int_equal(result.status, NET_DNS_ANSWER);
	assert_int_equal(result.records[0].ttl_s, 20);
}

static void cname_loops_end_as_failures__DNS_17(void **state)
{
	(void)state;
	assert_true(read_lines("a.example.com", NET_DNS_A,
			       LINES("a.example.com. 300 IN CNAME a.example.com.")));
	assert_int_equal(result.status, NET_DNS_FAILED);
	assert_string_equal(result.why, "too many CNAMEs");

	assert_true(read_lines("a.example.com", NET_DNS_A,
			       LINES("a.example.com. 300 IN CNAME b.example.com.",
				     "b.example.com. 300 IN CNAME a.example.com.")));
	assert_int_equal(result.status, NET_DNS_FAILED);
}

/* An endless chain, a link an answer: NET_DNS_LINKS_MAX are followed. */
static void chains_over_many_answers_end__DNS_17(void **state)
{
	unsigned answers = 0;
	bool complete = false;
	char line[NET_DNS_NAME_MAX + 64];

	(void)state;
	assert_int_equal(net_dns_question_init(&question, "n0.example.com", NET_DNS_A), 0);
	while (!complete) {
		answers++;
		snprintf(line, sizeof(line), "%s. 300 IN CNAME n%u.example.com.", question.name,
			 answers);
		complete = read_next(&(struct packet){
			.name = question.name, .type = NET_DNS_A, .answer = LINES(line)});
	}
	assert_int_equal(answers, NET_DNS_LINKS_MAX + 1);
	assert_int_equal(result.status, NET_DNS_FAILED);
}

static void more_records_than_fit_are_cut_and_counted__DNS_17(void **state)
{
	enum { SENT = 200 };
	char text[SENT][64];
	const char *lines[SENT + 1] = {0};

	(void)state;
	for (unsigned i = 0; i < SENT; i++) {
		snprintf(text[i], sizeof(text[i]), "a.example.com. 300 IN A 192.0.2.%u", i);
		lines[i] = text[i];
	}
	assert_true(read_lines("a.example.com", NET_DNS_A, lines));
	assert_int_equal(result.count, NET_DNS_RECORDS_MAX);
	assert_int_equal(result.cut, SENT - NET_DNS_RECORDS_MAX);
	assert_ip(NET_DNS_RECORDS_MAX - 1, "192.0.2.63");
}

/* RFC 2181 8: a TTL with its highest bit set is 0. */
static void absurd_ttls_are_survived__DNS_17(void **state)
{
	(void)state;
	assert_true(read_lines("a.example.com", NET_DNS_A,
			       LINES("a.example.com. 0 IN A 192.0.2.1",
				     "a.example.com. 2147483647 IN A 192.0.2.2",
				     "a.example.com. 2147483648 IN A 192.0.2.3")));
	assert_int_equal(result.records[0].ttl_s, 0);
	assert_int_equal(result.records[1].ttl_s, INT32_MAX);
	assert_int_equal(result.records[2].ttl_s, 0);
}

static void useless_records_are_left_out__DNS_9(void **state)
{
	static const char useful[] = "_sip._udp.example.com. 300 IN SRV 2 0 5060 b.example.com.";
	static const char useless[] =
		"_sip._udp.example.com. 300 IN SRV 1 0 5060 a\\007.example.com.";

	(void)state;
	assert_true(read_lines("_sip._udp.example.com", NET_DNS_SRV, LINES(useless, useful)));
	assert_int_equal(result.count, 1);
	assert_string_equal(result.records[0].name, "b.example.com");

	assert_true(read_lines("_sip._udp.example.com", NET_DNS_SRV, LINES(useless)));
	assert_int_equal(result.status, NET_DNS_FAILED);

	assert_true(read_lines("a.example.com", NET_DNS_A,
			       LINES("a.example.com. 300 IN CNAME b\\007.example.com.")));
	assert_int_equal(result.status, NET_DNS_FAILED);
}

/* Every cut and every changed byte of a real answer: no crash, and at most what could have been in
 * it. */
static void broken_packets_are_survived__DNS_17(void **state)
{
	const struct packet packet = {
		.name = "example.com",
		.type = NET_DNS_NAPTR,
		.answer = LINES("example.com. 300 IN CNAME b.example.com.",
				"b.example.com. 300 IN NAPTR 1 2 \"s\" \"SIP+D2U\" \"\" "
				"_sip._udp.example.com."),
	};
	size_t size;
	uint8_t *bytes = packet_build(&packet, &size);

	(void)state;
	for (size_t cut = 0; cut < size; cut++) {
		uint8_t *copy = malloc(cut + 1);

		assert_non_null(copy);
		memcpy(copy, bytes, cut);
		net_dns_question_init(&question, packet.name, packet.type);
		assert_true(net_dns_read(&question, copy, cut, &result));
		assert_int_equal(result.status, NET_DNS_FAILED);
		free(copy);
	}
	for (size_t i = 0; i < size; i++) {
		uint8_t before = bytes[i];

		for (unsigned value = 0; value <= UINT8_MAX; value++) {
			bytes[i] = (uint8_t)value;
			net_dns_question_init(&question, packet.name, packet.type);
			net_dns_read(&question, bytes, size, &result);
			assert_true(result.count <= 1);
		}
		bytes[i] = before;
	}
	free(bytes);
}

static void names_that_cannot_be_asked_are_refused(void **state)
{
	char label[65] = {0};

	(void)state;
	memset(label, 'a', sizeof(label) - 1);
	assert_int_equal(net_dns_question_init(&question, label, NET_DNS_A), -EINVAL);
	assert_int_equal(net_dns_question_init(&question, "", NET_DNS_A), -EINVAL);
	assert_int_equal(net_dns_question_init(&question, "a..b", NET_DNS_A), -EINVAL);
	assert_int_equal(net_dns_question_init(&question, "a b", NET_DNS_A), -EINVAL);
	assert_int_equal(net_dns_question_init(&question, "a", (enum net_dns_type)255), -EINVAL);
	label[63] = '\0';
	assert_int_equal(net_dns_question_init(&question, label, NET_DNS_A), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_keep_the_order_of_the_answer__DNS_6),
		cmocka_unit_test(srv_has_priority_weight_port_and_target__RFC_2782),
		cmocka_unit_test(naptr_has_flag_service_and_replacement__RFC_3403),
		cmocka_unit_test(no_such_name_and_no_such_record_are_negative__DNS_14),
		cmocka_unit_test(error_codes_are_failures__DNS_14),
		cmocka_unit_test(what_is_no_answer_fails),
		cmocka_unit_test(records_of_other_names_are_ignored),
		cmocka_unit_test(cnames_are_followed_and_the_least_ttl_counts__DNS_17),
		cmocka_unit_test(a_cname_out_of_the_answer_is_asked_next__DNS_17),
		cmocka_unit_test(cname_loops_end_as_failures__DNS_17),
		cmocka_unit_test(chains_over_many_answers_end__DNS_17),
		cmocka_unit_test(more_records_than_fit_are_cut_and_counted__DNS_17),
		cmocka_unit_test(absurd_ttls_are_survived__DNS_17),
		cmocka_unit_test(useless_records_are_left_out__DNS_9),
		cmocka_unit_test(broken_packets_are_survived__DNS_17),
		cmocka_unit_test(names_that_cannot_be_asked_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

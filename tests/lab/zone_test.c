/* zone_test.c - the lab's DNS records and the answers they give (RFC 1034, 1035, 2782, 6891). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <ldns/ldns.h>

#include "lab/zone.h"

static const char zone_text[] = "$ORIGIN example.com.\n"
				"$TTL 300\n"
				"@           NAPTR 10 10 \"s\" \"SIP+D2U\" \"\" _sip._udp\n"
				"_sip._udp   SRV 10 0 5060 one\n"
				"_sip._udp   SRV 20 5 5070 two\n"
				"one         A 192.0.2.1\n"
				"one         AAAA 2001:db8::1\n"
				"two     60  A 192.0.2.2\n"
				"alias       CNAME one\n"
				"loop        CNAME pool\n"
				"pool        CNAME loop\n"
				"a.b.c       A 192.0.2.3\n";

static struct lab_zone *parse(const char *text)
{
	char why[200] = "";
	struct lab_zone *zone = lab_zone_parse(text, "test", why, sizeof why);

	if (!zone)
		fail_msg("%s", why);
	return zone;
}

/* Asks ZONE for NAME and TYPE, and gives the decoded reply. */
static ldns_pkt *ask(const struct lab_zone *zone, const char *name, ldns_rr_type type,
		     uint8_t rcode)
{
	ldns_pkt *query =
		ldns_pkt_query_new(ldns_dname_new_frm_str(name), type, LDNS_RR_CLASS_IN, LDNS_RD);
	struct lab_dns_question question = {.rcode = rcode};
	struct lab_dns_reply packed;
	ldns_pkt *reply;
	uint8_t *wire;

	ldns_pkt_set_id(query, 4711);
	assert_int_equal(ldns_pkt2wire(&wire, query, &question.size), LDNS_STATUS_OK);
	question.packet = wire;
	assert_true(lab_zone_answer(zone, &question, &packed));
	assert_int_equal(ldns_wire2pkt(&reply, packed.bytes, packed.size), LDNS_STATUS_OK);
	assert_int_equal(ldns_pkt_id(reply), 4711);
	assert_true(ldns_pkt_qr(reply) && ldns_pkt_aa(reply) && ldns_pkt_rd(reply));
	free(wire);
	ldns_pkt_free(query);
	return reply;
}

/* Checks code and records; EXPECTED has one record a line, as a zone file prints them.  Names keep
 * the question's case (RFC 4343), so case does not count. */
static void assert_answer(const char *zone_source, const char *name, ldns_rr_type type,
			  ldns_pkt_rcode rcode, const char *expected)
{
	struct lab_zone *zone = parse(zone_source);
	ldns_pkt *reply = ask(zone, name, type, 0);
	char *text = ldns_rr_list2str(ldns_pkt_answer(reply));

	assert_int_equal(ldns_pkt_get_rcode(reply), rcode);
	if (strcasecmp(text ? text : "", expected))
		fail_msg("%s, expected %s", text, expected);
	free(text);
	ldns_pkt_free(reply);
	lab_zone_free(zone);
}

static void test_records_of_every_kind(void **state)
{
	(void)state;
	assert_answer(zone_text, "_sip._udp.Example.COM", LDNS_RR_TYPE_SRV, LDNS_RCODE_NOERROR,
		      "_sip._udp.example.com.\t300\tIN\tSRV\t10 0 5060 one.example.com.\n"
		      "_sip._udp.example.com.\t300\tIN\tSRV\t20 5 5070 two.example.com.\n");
	assert_answer(zone_text, "two.example.com", LDNS_RR_TYPE_A, LDNS_RCODE_NOERROR,
		      "two.example.com.\t60\tIN\tA\t192.0.2.2\n");
	assert_answer(zone_text, "one.example.com", LDNS_RR_TYPE_AAAA, LDNS_RCODE_NOERROR,
		      "one.example.com.\t300\tIN\tAAAA\t2001:db8::1\n");
	assert_answer(zone_text, "example.com", LDNS_RR_TYPE_NAPTR, LDNS_RCODE_NOERROR,
		      "example.com.\t300\tIN\tNAPTR\t10 10 \"s\" \"SIP+D2U\" \"\" "
		      "_sip._udp.example.com.\n");
}

/* RFC 1034, 4.3.2: an alias is answered with what it leads to; a loop ends (DNS-17). */
static void test_aliases(void **state)
{
	struct lab_zone *zone = parse(zone_text);
	ldns_pkt *reply = ask(zone, "loop.example.com", LDNS_RR_TYPE_A, 0);

	(void)state;
	assert_int_equal(ldns_pkt_ancount(reply), 8);
	ldns_pkt_free(reply);
	lab_zone_free(zone);
	assert_answer(zone_text, "alias.example.com", LDNS_RR_TYPE_A, LDNS_RCODE_NOERROR,
		      "alias.example.com.\t300\tIN\tCNAME\tone.example.com.\n"
		      "one.example.com.\t300\tIN\tA\t192.0.2.1\n");
}

/* RFC 8020: an empty answer where the name exists, NXDOMAIN where it does not. */
static void test_negative_answers(void **state)
{
	(void)state;
	assert_answer(zone_text, "two.example.com", LDNS_RR_TYPE_AAAA, LDNS_RCODE_NOERROR, "");
	assert_answer(zone_text, "b.c.example.com", LDNS_RR_TYPE_A, LDNS_RCODE_NOERROR, "");
	assert_answer(zone_text, "three.example.com", LDNS_RR_TYPE_A, LDNS_RCODE_NXDOMAIN, "");
}

static void test_a_forced_code_has_no_record(void **state)
{
	struct lab_zone *zone = parse(zone_text);
	ldns_pkt *reply = ask(zone, "one.example.com", LDNS_RR_TYPE_A, LDNS_RCODE_SERVFAIL);

	(void)state;
	assert_int_equal(ldns_pkt_get_rcode(reply), LDNS_RCODE_SERVFAIL);
	assert_int_equal(ldns_pkt_ancount(reply), 0);
	ldns_pkt_free(reply);
	lab_zone_free(zone);
}

/* RFC 1035, 4.2.1: more than 512 bytes are truncated for an asker that announced no more. */
static void test_long_answers_are_truncated(void **state)
{
	char text[4000] = "$ORIGIN example.com.\n";
	struct lab_zone *zone;
	ldns_pkt *reply;

	(void)state;
	for (int i = 0; i < 40; i++)
		snprintf(text + strlen(text), sizeof text - strlen(text), "many A 192.0.2.%d\n", i);
	zone = parse(text);
	reply = ask(zone, "many.example.com", LDNS_RR_TYPE_A, 0);
	assert_true(ldns_pkt_tc(reply));
	assert_int_equal(ldns_pkt_ancount(reply), 0);
	ldns_pkt_free(reply);
	lab_zone_free(zone);
}

/* Every truncation and every one-byte change of a question is answered or dropped, never more. */
static void test_hostile_questions(void **state)
{
	static const uint8_t query[] = "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"
				       "\x03one\x07"
				       "example\x03"
				       "com\x00\x00\x01\x00\x01";
	struct lab_zone *zone = parse(zone_text);
	struct lab_dns_reply reply;
	unsigned answered = 0;

	(void)state;
	for (size_t at = 0; at < sizeof query - 1; at++) {
		for (unsigned value = 0; value < 256; value++) {
			uint8_t *cut = malloc(at + 1), *whole = malloc(sizeof query - 1);

			memcpy(cut, query, at + 1);
			memcpy(whole, query, sizeof query - 1);
			cut[at] = whole[at] = (uint8_t)value;
			if (lab_zone_answer(
				    zone,
				    &(struct lab_dns_question){whole, sizeof query - 1, 0, false},
				    &reply)) {
				assert_true(reply.size <= LAB_DNS_REPLY_MAX);
				answered++;
			}
			lab_zone_answer(zone, &(struct lab_dns_question){cut, at + 1, 0, false},
					&reply);
			free(cut);
			free(whole);
		}
	}
	assert_true(answered > 256);
	lab_zone_free(zone);
}

/* An answer is no question: two DNS servers never talk to each other for ever. */
static void test_replies_are_not_answered(void **state)
{
	static const uint8_t reply[] = "\x12\x34\x81\x00\x00\x00\x00\x00\x00\x00\x00\x00";
	const struct lab_dns_question question = {reply, sizeof reply - 1, 0, false};
	struct lab_zone *zone = parse(zone_text);
	struct lab_dns_reply packed;

	(void)state;
	assert_false(lab_zone_answer(zone, &question, &packed));
	lab_zone_free(zone);
}

static void test_unreadable_zones_name_the_line(void **state)
{
	char why[200];

	(void)state;
	assert_null(lab_zone_parse("one.test. A 192.0.2.1\ntwo.test. A 192.0.2\n", "bad", why,
				   sizeof why));
	assert_memory_equal(why, "bad:2: ", 7);
	assert_null(lab_zone_parse("", "empty", why, sizeof why));
	assert_string_equal(why, "empty: holds no record");
	assert_null(lab_zone_load("/nonexistent/zone", why, sizeof why));
	assert_string_equal(why, "/nonexistent/zone: No such file or directory");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_records_of_every_kind),
		cmocka_unit_test(test_aliases),
		cmocka_unit_test(test_negative_answers),
		cmocka_unit_test(test_a_forced_code_has_no_record),
		cmocka_unit_test(test_long_answers_are_truncated),
		cmocka_unit_test(test_hostile_questions),
		cmocka_unit_test(test_replies_are_not_answered),
		cmocka_unit_test(test_unreadable_zones_name_the_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

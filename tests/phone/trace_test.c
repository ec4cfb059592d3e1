/* trace_test.c - what stands in a trace, read back by libpcap. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <pcap/pcap.h>

#include "phone/log.h"
#include "phone/trace.h"

enum { HEADERS_SIZE = 20 + 8 }; /* of IPv4 and UDP */

static char path[] = "/tmp/keepline-trace-XXXXXX";

static int set_up(void **state)
{
	(void)state;
	strcpy(path + sizeof path - 7, "XXXXXX");
	phone_log_set_level(PHONE_LOG_NOTHING);
	return close(mkstemp(path));
}

static int tear_down(void **state)
{
	(void)state;
	return unlink(path);
}

/* Traces one message, and compares what stands in the file. */
static void assert_traced(bool blank, const char *message, const char *expected)
{
	static const struct net_address here = {.ip = {[10] = 0xff, 0xff, 192, 0, 2, 1}, .port = 1};
	struct phone_trace *trace;
	char why[PHONE_WHY_MAX];
	struct pcap_pkthdr *header;
	const uint8_t *packet;
	pcap_t *file;

	assert_int_equal(phone_trace_open(&trace, path, blank, why), 0);
	phone_trace_message(trace, &here, &here, sip_span_of(message));
	phone_trace_close(trace);
	file = pcap_open_offline(path, why);
	assert_non_null(file);
	assert_int_equal(pcap_next_ex(file, &header, &packet), 1);
	assert_int_equal(header->caplen, HEADERS_SIZE + strlen(expected));
	assert_memory_equal(packet + HEADERS_SIZE, expected, strlen(expected));
	pcap_close(file);
}

#define START "REGISTER sip:a SIP/2.0\r\nVia: x\r\n"
#define REST "\r\nTo: y\r\n\r\nAuthorization: body"

static void credentials_are_blanked_on_request(void **state)
{
	static const char *const rows[][2] = {
		{START "Authorization: Digest a=\"b\"" REST,
		 START "Authorization: ****** *****" REST},
		{START "proxy-AUTHORIZATION : D" REST, START "proxy-AUTHORIZATION : *" REST},
		{START "Authorization: D\r\n a,\r\n\tb" REST,
		 START "Authorization: *\r\n **\r\n\t*" REST},
		{START "Authorization:D\r\nAuthorization:E" REST,
		 START "Authorization:*\r\nAuthorization:*" REST},
		{"\r\n\r\n" START "Authorization: D" REST,
		 "\r\n\r\n" START "Authorization: *" REST},
		{START "Authorization: D\nTo: z\n\n", START "Authorization: *\nTo: z\n\n"},
		{START "Authorization: cut", START "Authorization: ***"},
		{START "Authorization-Info: D\r\nWWW-Authenticate: E" REST,
		 START "Authorization-Info: D\r\nWWW-Authenticate: E" REST},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		assert_traced(true, rows[i][0], rows[i][1]);
		assert_traced(false, rows[i][0], rows[i][0]);
	}
}

static void a_file_that_cannot_be_made_is_named(void **state)
{
	struct phone_trace *trace = NULL;
	char why[PHONE_WHY_MAX];

	(void)state;
	assert_true(phone_trace_open(&trace, "/nowhere/x.pcap", false, why) < 0);
	assert_null(trace);
	assert_non_null(strstr(why, "/nowhere/x.pcap"));
}

/* A full disk ends the trace, not the phone. */
static void a_trace_that_cannot_be_written_ends(void **state)
{
	static const struct net_address here = {.ip = {[10] = 0xff, 0xff, 192, 0, 2, 1}, .port = 1};
	struct phone_trace *trace;
	char why[PHONE_WHY_MAX];

	(void)state;
	assert_int_equal(phone_trace_open(&trace, "/dev/full", false, why), 0);
	for (int i = 0; i < 2; i++)
		phone_trace_message(trace, &here, &here, sip_span_of(START));
	phone_trace_close(trace);
}

#define TRACE_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TRACE_TEST(credentials_are_blanked_on_request),
		TRACE_TEST(a_file_that_cannot_be_made_is_named),
		TRACE_TEST(a_trace_that_cannot_be_written_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

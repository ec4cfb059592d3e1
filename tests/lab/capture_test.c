/* A captured file becomes a trace, whatever it was captured on, and whatever happened on the way.
 */
#include <arpa/inet.h>
#include <errno.h>
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

#include "lab/capture.h"
#include "lab/packet.h"

enum { PACKET_MAX = 4096, PHONE_PORT = 5060, SERVER_PORT = 5060 };

#define PHONE "192.0.2.77"
#define SERVER "192.0.2.1"

/* A file that a test writes packets to. */
struct file {
	char path[32];
	pcap_t *format;
	pcap_dumper_t *dumper;
	int link_type;
	uint64_t at_ms;
};

static void open_file(struct file *file, int link_type)
{
	int fd;

	*file = (struct file){.path = "/tmp/captureXXXXXX", .link_type = link_type};
	fd = mkstemp(file->path);
	assert_true(fd >= 0);
	close(fd);
	file->format = pcap_open_dead(link_type, PACKET_MAX);
	assert_non_null(file->format);
	file->dumper = pcap_dump_open(file->format, file->path);
	assert_non_null(file->dumper);
}

static void close_file(struct file *file)
{
	pcap_dump_close(file->dumper);
	pcap_close(file->format);
}

static uint8_t *put16(uint8_t *to, unsigned value)
{
	to[0] = (uint8_t)(value >> 8);
	to[1] = (uint8_t)value;
	return to + 2;
}

static uint8_t *put32(uint8_t *to, uint32_t value)
{
	return put16(put16(to, value >> 16), value & 0xffff);
}

static uint8_t *put(uint8_t *to, const void *from, size_t length)
{
	memcpy(to, from, length);
	return to + length;
}

/* One packet of a test. */
struct order {
	bool from_phone;
	uint8_t protocol;
	const void *payload; /* behind the UDP or TCP header */
	size_t length;
	uint32_t sequence;
	uint8_t flags;
	/* A fragment: a part of what IP carries, without a header of its own. */
	bool fragment, more;
	unsigned offset;
};

static uint8_t *put_link(uint8_t *to, int link_type)
{
	static const uint8_t ethernet[12] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2};

	memset(to, 0, 20);
	switch (link_type) {
	case DLT_EN10MB: /* with a VLAN tag */
		to = put(to, ethernet, sizeof ethernet);
		return put16(put16(put16(to, 0x8100), 7), 0x0800);
	case DLT_LINUX_SLL:
		return put16(to + 14, 0x0800);
	case DLT_LINUX_SLL2:
		return to + 20;
	case DLT_NULL:
		return to + 4;
	default:
		return to;
	}
}

static uint8_t *put_ipv4(uint8_t *to, const struct order *order, size_t length)
{
	uint32_t phone = ntohl(inet_addr(PHONE)), server = ntohl(inet_addr(SERVER));
	unsigned piece = order->fragment ? order->offset / 8 | (order->more ? 0x2000u : 0) : 0;

	to = put16(put16(to, 0x4500), (unsigned)(20 + length));
	to = put16(put16(to, 99), piece);
	to = put16(put16(to, 64u << 8 | order->protocol), 0);
	to = put32(to, order->from_phone ? phone : server);
	return put32(to, order->from_phone ? server : phone);
}

static uint8_t *put_transport(uint8_t *to, const struct order *order)
{
	if (order->fragment)
		return to;
	to = put16(put16(to, PHONE_PORT), SERVER_PORT);
	if (order->protocol == IPPROTO_UDP)
		return put16(put16(to, (unsigned)(8 + order->length)), 0);
	to = put32(put32(to, order->sequence), 0);
	to = put16(to, 0x5000u | order->flags);
	return put32(put16(to, 1000), 0);
}

static size_t build(uint8_t *packet, int link_type, const struct order *order)
{
	uint8_t head[64], *end = put_transport(head, order);
	size_t transport = (size_t)(end - head);
	uint8_t *to = put_link(packet, link_type);

	to = put_ipv4(to, order, transport + order->length);
	to = put(to, head, transport);
	to = put(to, order->payload, order->length);
	return (size_t)(to - packet);
}

static void dump(struct file *file, const uint8_t *packet, size_t length)
{
	struct pcap_pkthdr header = {.caplen = (bpf_u_int32)length, .len = (bpf_u_int32)length};

	header.ts.tv_sec = (time_t)(1700000000 + file->at_ms / 1000);
	header.ts.tv_usec = (suseconds_t)(file->at_ms % 1000 * 1000);
	pcap_dump((u_char *)file->dumper, &header, packet);
}

static void write_packet(struct file *file, uint64_t at_ms, const struct order *order)
{
	uint8_t packet[PACKET_MAX];

	file->at_ms = at_ms;
	dump(file, packet, build(packet, file->link_type, order));
}

static const char request[] = "REGISTER sip:example.com SIP/2.0\r\n"
			      "Via: SIP/2.0/%s " PHONE ":5060;branch=z9hG4bKa%d;rport\r\n"
			      "Max-Forwards: 70\r\n"
			      "From: <sip:alice@example.com>;tag=t\r\n"
			      "To: <sip:alice@example.com>\r\n"
			      "Call-ID: call\r\n"
			      "CSeq: %d REGISTER\r\n"
			      "Contact: <sip:alice@" PHONE ":5060>\r\n"
			      "Expires: 3600\r\n"
			      "Content-Length: 0\r\n\r\n";

static size_t make_request(char to[1024], const char *transport, int number)
{
	return (size_t)snprintf(to, 1024, request, transport, number, number);
}

static size_t make_answer(char to[1024], const char *transport, int number)
{
	return (size_t)snprintf(to, 1024,
				"SIP/2.0 200 OK\r\n"
				"Via: SIP/2.0/%s " PHONE ":5060;branch=z9hG4bKa%d;rport=5060\r\n"
				"From: <sip:alice@example.com>;tag=t\r\n"
				"To: <sip:alice@example.com>;tag=s\r\n"
				"Call-ID: call\r\n"
				"CSeq: %d REGISTER\r\n"
				"Contact: <sip:alice@" PHONE ":5060>;expires=1800\r\n"
				"Content-Length: 0\r\n\r\n",
				transport, number, number);
}

static void read_back(struct file *file, struct lab_trace *trace, struct lab_capture_report *report)
{
	char why[LAB_CAPTURE_WHY_MAX] = "";
	const struct lab_capture_options options = {.path = file->path};

	close_file(file);
	*trace = (struct lab_trace){0};
	if (lab_capture_read(trace, &options, report, why))
		fail_msg("%s", why);
	unlink(file->path);
}

static void test_every_link(void **state)
{
	static const int links[] = {DLT_EN10MB, DLT_LINUX_SLL, DLT_LINUX_SLL2, DLT_NULL, DLT_RAW};

	(void)state;
	for (size_t i = 0; i < sizeof links / sizeof *links; i++) {
		struct lab_capture_report report;
		struct lab_trace trace;
		struct file file;
		char out[1024], in[1024];

		open_file(&file, links[i]);
		write_packet(&file, 1000,
			     &(struct order){.from_phone = true,
					     .protocol = IPPROTO_UDP,
					     .payload = out,
					     .length = make_request(out, "UDP", 1)});
		write_packet(&file, 1020,
			     &(struct order){.protocol = IPPROTO_UDP,
					     .payload = in,
					     .length = make_answer(in, "UDP", 1)});
		read_back(&file, &trace, &report);
		assert_int_equal(report.messages, 2);
		assert_int_equal(report.phones, 1);
		assert_int_equal(trace.count, 2);
		assert_int_equal(trace.records[0].kind, LAB_TRACE_REQUEST);
		assert_true(trace.records[0].from_phone);
		assert_int_equal(trace.records[0].expires_s, 3600);
		assert_int_equal(trace.records[0].route.port, SERVER_PORT);
		assert_int_equal(trace.records[1].kind, LAB_TRACE_ANSWER);
		assert_int_equal(trace.records[1].status, 200);
		assert_int_equal(trace.records[1].expires_s, 1800);
		assert_int_equal(trace.records[1].at_us - trace.records[0].at_us, 20000);
		assert_true(trace.records[1].line == trace.records[0].line);
		assert_true(trace.records[1].branch == trace.records[0].branch);
		lab_trace_clear(&trace);
	}
}

/* Two messages in five segments: one early, one twice, and the first cut in its head. */
static void test_stream(void **state)
{
	struct lab_capture_report report;
	struct lab_trace trace;
	struct file file;
	char bytes[2048];
	size_t first = make_request(bytes, "TCP", 1);
	size_t whole = first + make_request(bytes + first, "TCP", 2);
	const size_t cuts[] = {0, 17, first - 3, first + 40, whole};
	static const int order[] = {0, 2, 1, 1, 3};

	(void)state;
	open_file(&file, DLT_RAW);
	write_packet(&file, 0,
		     &(struct order){.from_phone = true,
				     .protocol = IPPROTO_TCP,
				     .payload = "",
				     .sequence = UINT32_MAX - 100, /* wraps on its way */
				     .flags = 2});
	for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
		size_t from = cuts[order[i]], to = cuts[order[i] + 1];

		write_packet(&file, 10 + 10 * i,
			     &(struct order){.from_phone = true,
					     .protocol = IPPROTO_TCP,
					     .payload = bytes + from,
					     .length = to - from,
					     .sequence = UINT32_MAX - 99 + (uint32_t)from,
					     .flags = 16});
	}
	read_back(&file, &trace, &report);
	assert_int_equal(report.messages, 2);
	assert_int_equal(report.broken, 0);
	assert_int_equal(trace.count, 3);
	assert_int_equal(trace.records[0].kind, LAB_TRACE_CONNECT);
	assert_int_equal(trace.records[1].cseq, 1);
	assert_int_equal(trace.records[1].at_us, 30000); /* when it was whole */
	assert_int_equal(trace.records[2].cseq, 2);
	assert_int_equal(trace.records[2].route.transport, KL_TCP);
	lab_trace_clear(&trace);
}

static void test_fragments(void **state)
{
	struct lab_capture_report report;
	struct lab_trace trace;
	struct file file;
	uint8_t datagram[2048];
	char text[1024];
	size_t length = make_request(text, "UDP", 1);
	uint8_t *end = put16(put16(datagram, PHONE_PORT), SERVER_PORT);

	(void)state;
	end = put(put16(put16(end, (unsigned)(8 + length)), 0), text, length);
	length = (size_t)(end - datagram);
	open_file(&file, DLT_RAW);
	write_packet(&file, 5, /* the last piece first */
		     &(struct order){.from_phone = true,
				     .protocol = IPPROTO_UDP,
				     .payload = datagram + 256,
				     .length = length - 256,
				     .fragment = true,
				     .offset = 256});
	write_packet(&file, 6,
		     &(struct order){.from_phone = true,
				     .protocol = IPPROTO_UDP,
				     .payload = datagram,
				     .length = 256,
				     .fragment = true,
				     .more = true});
	read_back(&file, &trace, &report);
	assert_int_equal(report.messages, 1);
	assert_int_equal(trace.records[0].at_us, 1000);
	lab_trace_clear(&trace);
}

/* The ICMP error quotes the datagram: whose it was is known by its branch. */
static void test_icmp(void **state)
{
	struct lab_capture_report report;
	struct lab_trace trace;
	struct file file;
	uint8_t packet[PACKET_MAX], error[PACKET_MAX] = {3, 3};
	char text[1024];
	const struct order order = {.from_phone = true,
				    .protocol = IPPROTO_UDP,
				    .payload = text,
				    .length = make_request(text, "UDP", 1)};
	size_t length = build(packet, DLT_RAW, &order);

	(void)state;
	memcpy(error + 8, packet, length);
	open_file(&file, DLT_RAW);
	write_packet(&file, 0, &order);
	file.at_ms = 1;
	length = 8 + length;
	{
		uint8_t whole[PACKET_MAX];
		uint8_t *to = put_ipv4(whole, &(struct order){.protocol = IPPROTO_ICMP}, length);

		to = put(to, error, length);
		dump(&file, whole, (size_t)(to - whole));
	}
	read_back(&file, &trace, &report);
	assert_int_equal(trace.count, 2);
	assert_int_equal(trace.records[1].kind, LAB_TRACE_FAULT);
	assert_int_equal(trace.records[1].fault, KL_FAULT_PORT);
	assert_true(trace.records[1].branch == trace.records[0].branch);
	assert_int_equal(trace.records[1].route.port, SERVER_PORT);
	lab_trace_clear(&trace);
}

/* Nothing that a packet says is believed: every cut of a packet, and every byte of its headers set
 * to the worst, is read without harm. */
static void test_hostile_packets(void **state)
{
	static const int links[] = {DLT_EN10MB, DLT_LINUX_SLL, DLT_LINUX_SLL2, DLT_NULL, DLT_RAW};
	uint8_t packet[PACKET_MAX];
	char text[1024];
	struct lab_packet out;

	(void)state;
	for (size_t i = 0; i < sizeof links / sizeof *links; i++) {
		const struct order order = {.from_phone = true,
					    .protocol = i % 2 ? IPPROTO_TCP : IPPROTO_UDP,
					    .payload = text,
					    .length = make_request(text, "UDP", 1)};
		size_t length = build(packet, links[i], &order);

		for (size_t cut = 0; cut <= length; cut++) {
			uint8_t *exact = malloc(cut ? cut : 1);

			assert_non_null(exact);
			memcpy(exact, packet, cut);
			assert_true(lab_packet_decode(&out, links[i], exact, cut));
			assert_true(out.length <= cut);
			free(exact);
		}
		for (size_t at = 0; at < 80; at++) {
			uint8_t former = packet[at];

			for (int value = 0; value < 256; value += 5) {
				packet[at] = (uint8_t)value;
				assert_true(lab_packet_decode(&out, links[i], packet, length));
				assert_true(out.length <= length);
			}
			packet[at] = former;
		}
	}
	assert_false(lab_packet_decode(&out, DLT_USB_LINUX, packet, 100));
}

static void test_no_phone(void **state)
{
	const struct lab_capture_options options[] = {{.path = "/nowhere.pcap"}, {.path = NULL}};
	struct lab_capture_report report;
	char why[LAB_CAPTURE_WHY_MAX];
	struct lab_trace trace = {0};
	struct lab_capture_options there = options[1];
	struct file file;

	(void)state;
	assert_int_equal(lab_capture_read(&trace, &options[0], &report, why), -ENOENT);
	assert_string_equal(why, "/nowhere.pcap: No such file or directory");
	open_file(&file, DLT_RAW);
	close_file(&file);
	there.path = file.path;
	assert_int_equal(lab_capture_read(&trace, &there, &report, why), -ENODATA);
	assert_non_null(strstr(why, "nobody in it sends REGISTER"));
	assert_int_equal(truncate(file.path, 10), 0);
	assert_int_equal(lab_capture_read(&trace, &there, &report, why), -EINVAL);
	unlink(file.path);
	lab_trace_clear(&trace);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_link),      cmocka_unit_test(test_stream),
		cmocka_unit_test(test_fragments),       cmocka_unit_test(test_icmp),
		cmocka_unit_test(test_hostile_packets), cmocka_unit_test(test_no_phone),
	};

	sip_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

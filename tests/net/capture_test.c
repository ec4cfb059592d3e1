/* What was written is read back by libpcap, and its checksums are right. */
#include "net/capture.h"

#include <errno.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <pcap/pcap.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/net/files.h"
#include "tests/net/support.h"

/* RFC 1071: a sum over all that a checksum covers, it included, is all ones. */
static uint32_t sum(uint32_t so_far, const uint8_t *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		so_far += (uint32_t)bytes[i] << (i % 2 == 0 ? 8 : 0);
	while (so_far > UINT16_MAX)
		so_far = (so_far & UINT16_MAX) + (so_far >> 16);
	return so_far;
}

static void write_one(const char *source, const char *target, const void *bytes, size_t length)
{
	const struct net_capture_datagram datagram = {
		.source = address_of(source),
		.target = address_of(target),
		.bytes = bytes,
		.length = length,
	};
	struct net_capture *capture;

	assert_int_equal(net_capture_open(&capture, file_path("trace.pcap")), 0);
	assert_int_equal(net_capture_write(capture, &datagram), 0);
	net_capture_close(capture);
}

/* The first packet. Valid until pcap_close(). */
static pcap_t *read_one(const uint8_t **packet, struct pcap_pkthdr **header)
{
	char why[PCAP_ERRBUF_SIZE];
	pcap_t *file = pcap_open_offline(file_path("trace.pcap"), why);

	assert_non_null(file);
	assert_int_equal(pcap_datalink(file), DLT_RAW);
	assert_int_equal(pcap_next_ex(file, header, packet), 1);
	return file;
}

static void assert_udp(const uint8_t *udp, size_t length, uint32_t pseudo_sum, uint16_t source_port)
{
	struct udphdr header;

	memcpy(&header, udp, sizeof(header));
	assert_int_equal(ntohs(header.source), source_port);
	assert_int_equal(ntohs(header.dest), 5060);
	assert_int_equal(ntohs(header.len), length);
	assert_int_not_equal(header.check, 0);
	assert_int_equal(sum(pseudo_sum + IPPROTO_UDP + (uint32_t)length, udp, length), UINT16_MAX);
}

static void an_ipv4_packet_is_whole(void **state)
{
	struct pcap_pkthdr *header;
	const uint8_t *packet;
	struct ip ip;
	pcap_t *file;

	(void)state;
	write_one("192.0.2.1:5070", "198.51.100.2:5060", "seven b", 7);
	file = read_one(&packet, &header);
	assert_int_equal(header->caplen, 20 + 8 + 7);
	assert_int_equal(header->len, header->caplen);
	memcpy(&ip, packet, sizeof(ip));
	assert_int_equal(ip.ip_v, 4);
	assert_int_equal(ntohs(ip.ip_len), header->caplen);
	assert_int_equal(sum(0, packet, 20), UINT16_MAX);
	assert_memory_equal(packet + 12, "\xc0\x00\x02\x01\xc6\x33\x64\x02", 8);
	assert_udp(packet + 20, 8 + 7, sum(0, packet + 12, 8), 5070);
	assert_memory_equal(packet + 28, "seven b", 7);
	pcap_close(file);
}

static void an_ipv6_packet_is_whole(void **state)
{
	struct pcap_pkthdr *header;
	const uint8_t *packet;
	struct ip6_hdr ip;
	pcap_t *file;

	(void)state;
	write_one("[2001:db8::1]:5070", "[2001:db8::2]:5060", "even", 4);
	file = read_one(&packet, &header);
	assert_int_equal(header->caplen, 40 + 8 + 4);
	memcpy(&ip, packet, sizeof(ip));
	assert_int_equal(packet[0] >> 4, 6);
	assert_int_equal(ntohs(ip.ip6_plen), 8 + 4);
	assert_int_equal(ip.ip6_nxt, IPPROTO_UDP);
	assert_udp(packet + 40, 8 + 4, sum(0, packet + 8, 32), 5070);
	assert_memory_equal(packet + 48, "even", 4);
	pcap_close(file);
}

static void what_fits_no_packet_is_cut(void **state)
{
	static const uint8_t bytes[65535];
	struct pcap_pkthdr *header;
	const uint8_t *packet;
	pcap_t *file;

	(void)state;
	write_one("192.0.2.1:1", "198.51.100.2:5060", bytes, sizeof(bytes));
	file = read_one(&packet, &header);
	assert_int_equal(header->caplen, 65535);
	assert_udp(packet + 20, 65535 - 20, sum(0, packet + 12, 8), 1);
	pcap_close(file);
}

static void the_file_is_for_its_owner_alone(void **state)
{
	struct net_capture *capture;
	struct stat about;

	(void)state;
	write_one("192.0.2.1:1", "198.51.100.2:5060", "x", 1);
	assert_int_equal(stat(file_path("trace.pcap"), &about), 0);
	assert_int_equal(about.st_mode & 0777, 0600);
	assert_int_equal(net_capture_open(&capture, file_path("none/trace.pcap")), -ENOENT);
}

static void a_full_disk_is_told(void **state)
{
	const struct net_capture_datagram datagram = {.source = address_of("192.0.2.1:1"),
						      .target = address_of("192.0.2.1:2"),
						      .bytes = "x",
						      .length = 1};
	struct net_capture *capture;

	(void)state;
	assert_int_equal(net_capture_open(&capture, "/dev/full"), 0);
	assert_int_equal(net_capture_write(capture, &datagram), -EIO);
	net_capture_close(capture);
}

#define CAPTURE_TEST(f) cmocka_unit_test_setup_teardown(f, files_set_up, files_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CAPTURE_TEST(an_ipv4_packet_is_whole),
		CAPTURE_TEST(an_ipv6_packet_is_whole),
		CAPTURE_TEST(what_fits_no_packet_is_cut),
		CAPTURE_TEST(the_file_is_for_its_owner_alone),
		CAPTURE_TEST(a_full_disk_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

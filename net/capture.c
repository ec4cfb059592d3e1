#include "net/capture.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

enum { PACKET_MAX = 65535, HOPS = 64 };

struct net_capture {
	pcap_t *format;
	pcap_dumper_t *dumper;
	uint8_t packet[PACKET_MAX];
};

/* ---- headers ---- */

/* RFC 1071: adds bytes to a one's complement sum; an odd one counts as if a zero followed. */
static uint32_t sum_add(uint32_t sum, const void *from, size_t length)
{
	const uint8_t *bytes = from;

	for (size_t i = 0; i < length; i++)
		sum += i % 2 == 0 ? (uint32_t)bytes[i] << 8 : bytes[i];
	return sum;
}

static uint16_t sum_fold(uint32_t sum)
{
	while (sum > UINT16_MAX)
		sum = (sum & UINT16_MAX) + (sum >> 16);
	return htons((uint16_t)~sum);
}

static size_t write_ipv4(uint8_t *to, const struct net_capture_datagram *datagram, size_t length)
{
	struct ip header = {
		.ip_v = IPVERSION,
		.ip_hl = sizeof(header) / 4,
		.ip_len = htons((uint16_t)(sizeof(header) + length)),
		.ip_ttl = HOPS,
		.ip_p = IPPROTO_UDP,
	};

	memcpy(&header.ip_src, datagram->source.ip + 12, sizeof(header.ip_src));
	memcpy(&header.ip_dst, datagram->target.ip + 12, sizeof(header.ip_dst));
	header.ip_sum = sum_fold(sum_add(0, &header, sizeof(header)));
	memcpy(to, &header, sizeof(header));
	return sizeof(header);
}

static size_t write_ipv6(uint8_t *to, const struct net_capture_datagram *datagram, size_t length)
{
	struct ip6_hdr header = {
		.ip6_flow = htonl(6u << 28),
		.ip6_plen = htons((uint16_t)length),
		.ip6_nxt = IPPROTO_UDP,
		.ip6_hlim = HOPS,
	};

	memcpy(&header.ip6_src, datagram->source.ip, sizeof(header.ip6_src));
	memcpy(&header.ip6_dst, datagram->target.ip, sizeof(header.ip6_dst));
	memcpy(to, &header, sizeof(header));
	return sizeof(header);
}

/* RFC 768, RFC 8200 8.1: over the addresses, the protocol, the length and the datagram. */
static uint16_t udp_checksum(const struct net_capture_datagram *datagram, const uint8_t *udp,
			     size_t length)
{
	size_t skip = net_address_is_ipv4(&datagram->source) ? 12 : 0;
	size_t size = sizeof(datagram->source.ip) - skip;
	uint32_t sum = IPPROTO_UDP + (uint32_t)length;
	uint16_t checksum;

	sum = sum_add(sum, datagram->source.ip + skip, size);
	sum = sum_add(sum, datagram->target.ip + skip, size);
	checksum = sum_fold(sum_add(sum, udp, length));
	return checksum != 0 ? checksum : UINT16_MAX; /* 0 says that there is none */
}

/* Returns the packet's length. */
static size_t write_packet(uint8_t *to, const struct net_capture_datagram *datagram)
{
	bool ipv4 = net_address_is_ipv4(&datagram->source);
	size_t before = (ipv4 ? sizeof(struct ip) : sizeof(struct ip6_hdr)) + sizeof(struct udphdr);
	size_t length = datagram->length;
	struct udphdr header = {
		.source = htons(datagram->source.port),
		.dest = htons(datagram->target.port),
	};

	if (length > PACKET_MAX - before)
		length = PACKET_MAX - before;
	header.len = htons((uint16_t)(sizeof(header) + length));
	to += ipv4 ? write_ipv4(to, datagram, sizeof(header) + length)
		   : write_ipv6(to, datagram, sizeof(header) + length);
	memcpy(to, &header, sizeof(header));
	memcpy(to + sizeof(header), datagram->bytes, length);
	header.check = udp_checksum(datagram, to, sizeof(header) + length);
	memcpy(to, &header, sizeof(header));
	return before + length;
}

/* ---- the file ---- */

static int capture_start(struct net_capture *capture, const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, S_IRUSR | S_IWUSR);
	FILE *file;

	if (fd < 0)
		return -errno;
	file = fdopen(fd, "w");
	capture->format = pcap_open_dead(DLT_RAW, PACKET_MAX);
	if (file != NULL && capture->format != NULL)
		capture->dumper = pcap_dump_fopen(capture->format, file);
	if (capture->dumper != NULL)
		return 0;
	if (file != NULL)
		fclose(file);
	else
		close(fd);
	return -ENOMEM;
}

int net_capture_open(struct net_capture **out, const char *path)
{
	struct net_capture *capture = calloc(1, sizeof(*capture));
	int error = capture != NULL ? capture_start(capture, path) : -ENOMEM;

	if (error != 0)
		net_capture_close(capture);
	else
		*out = capture;
	return error;
}

void net_capture_close(struct net_capture *capture)
{
	if (capture == NULL)
		return;
	if (capture->dumper != NULL)
		pcap_dump_close(capture->dumper);
	if (capture->format != NULL)
		pcap_close(capture->format);
	free(capture);
}

int net_capture_write(struct net_capture *capture, const struct net_capture_datagram *datagram)
{
	uint32_t length = (uint32_t)write_packet(capture->packet, datagram);
	struct pcap_pkthdr header = {.caplen = length, .len = length};

	gettimeofday(&header.ts, NULL);
	pcap_dump((u_char *)capture->dumper, &header, capture->packet);
	return pcap_dump_flush(capture->dumper) == 0 ? 0 : -EIO;
}

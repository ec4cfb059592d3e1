/* capture.c - a captured file as a trace for the judge.
 *
 * The file is read twice: first to learn which addresses are phones', then for what they said.
 */
#include "lab/capture.h"

#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lab/fragments.h"
#include "lab/segments.h"
#include "sip/frame.h"

enum { TLS_HANDSHAKE = 0x16, TLS_DATA = 0x17 };

struct reading {
	const struct lab_capture_options *options;
	struct lab_capture_report *report;
	struct lab_trace *trace; /* NULL: the first time */
	struct lab_segments *segments;
	struct lab_fragments *fragments;
	struct net_address *phones; /* without ports */
	uint64_t now_us;
	int error;
};

/* ---- who is a phone ---- */

static bool is_phone(const struct reading *reading, const struct net_address *address)
{
	for (uint32_t i = 0; i < reading->report->phones; i++)
		if (!memcmp(reading->phones[i].ip, address->ip, sizeof address->ip))
			return true;
	return false;
}

static void add_phone(struct reading *reading, const struct net_address *address)
{
	if (!is_phone(reading, address) && reading->report->phones < LAB_CAPTURE_PHONES_MAX)
		reading->phones[reading->report->phones++] = *address;
}

/* ---- what passed ---- */

static void add_record(struct reading *reading, const struct lab_trace_record *record)
{
	if (!lab_trace_add(reading->trace, record))
		reading->error = -ENOMEM;
}

/* Where a packet between a phone and a server goes, or comes from. */
static bool find_sight(const struct reading *reading, const struct lab_packet *packet,
		       enum kl_transport transport, struct lab_trace_sight *sight)
{
	bool out = is_phone(reading, &packet->source), in = is_phone(reading, &packet->target);
	const struct net_address *server = out ? &packet->target : &packet->source;

	if (out == in) /* neither, or phones among themselves */
		return false;
	*sight = (struct lab_trace_sight){
		.at_us = reading->now_us,
		.from_phone = out,
		.route = {.port = server->port, .transport = (uint8_t)transport},
	};
	memcpy(sight->route.ip, server->ip, sizeof server->ip);
	return true;
}

/* What the phone wrote into its Via tells how it sent, also in our own trace files, which have all
 * messages as datagrams. */
static enum kl_transport transport_of(const struct sip_message *message, enum kl_transport seen)
{
	switch (message->via.transport) {
	case SIP_TCP:
		return KL_TCP;
	case SIP_TLS:
		return KL_TLS;
	case SIP_UDP:
	case SIP_TRANSPORT_OTHER:
	case SIP_TRANSPORTS_MAX:
		break;
	}
	return seen;
}

static void take_message(struct reading *reading, const struct lab_packet *packet,
			 enum kl_transport seen, struct sip_span bytes)
{
	struct sip_message message;
	struct lab_trace_sight sight;

	if (sip_message_parse(&message, bytes.at, bytes.length)) {
		reading->report->broken += reading->trace != NULL;
		return;
	}
	if (!reading->trace && message.is_request && message.method == SIP_REGISTER)
		add_phone(reading, &packet->source);
	if (reading->trace && find_sight(reading, packet, transport_of(&message, seen), &sight)) {
		reading->report->messages++;
		if (!lab_trace_add_message(reading->trace, &sight, &message))
			reading->error = -ENOMEM;
	}
	sip_message_clear(&message);
}

/* A request or a status line begins with letters; a keep-alive, STUN and RTP do not. */
static bool looks_like_sip(const uint8_t *bytes, size_t length)
{
	size_t letters = 0;

	while (letters < length && bytes[letters] >= 'A' && bytes[letters] <= 'Z')
		letters++;
	return letters >= 3 && letters < length && (bytes[letters] == ' ' || bytes[letters] == '/');
}

static void take_datagram(struct reading *reading, const struct lab_packet *packet)
{
	if (looks_like_sip(packet->bytes, packet->length))
		take_message(reading, packet, KL_UDP,
			     (struct sip_span){(const char *)packet->bytes, packet->length});
}

/* ---- connections ---- */

/* The messages that the bytes of a flow begin with. */
static void take_stream(struct reading *reading, const struct lab_packet *packet,
			struct lab_flow_bytes unread)
{
	size_t used = 0;
	struct sip_frame frame;
	struct sip_framer framer = {0};
	struct sip_span rest = {unread.at, unread.length};

	while (!sip_framer_next(&framer, rest, &frame) && frame.length) {
		if (frame.kind == SIP_FRAME_MESSAGE)
			take_message(reading, packet, KL_TCP,
				     (struct sip_span){rest.at, frame.length});
		used += frame.length;
		rest = (struct sip_span){rest.at + frame.length, rest.length - frame.length};
		framer = (struct sip_framer){0};
	}
	lab_segments_use(reading->segments, packet, used);
}

static bool is_tls(const struct lab_packet *packet)
{
	return packet->length > 5 && packet->bytes[1] == 3 &&
	       (packet->bytes[0] == TLS_HANDSHAKE || packet->bytes[0] == TLS_DATA);
}

/* Connecting, a refusal, and the far end's close; over which of the phone's transports is told by
 * the port at best, so both streams count as TCP here.  */
static void take_flags(struct reading *reading, const struct lab_packet *packet)
{
	struct lab_trace_record record = {0};
	struct lab_trace_sight sight;
	bool opens = (packet->flags & (LAB_TCP_SYN | LAB_TCP_ACK)) == LAB_TCP_SYN;

	if (!reading->trace || !find_sight(reading, packet, KL_TCP, &sight))
		return;
	record.at_us = sight.at_us;
	record.route = sight.route;
	record.from_phone = sight.from_phone;
	if (opens && sight.from_phone) {
		record.kind = LAB_TRACE_CONNECT;
	} else if (!sight.from_phone && packet->flags & (LAB_TCP_RST | LAB_TCP_FIN)) {
		/* What waits on the stream moves on; else it was idle. */
		record.kind = LAB_TRACE_CLOSED;
	} else {
		return;
	}
	add_record(reading, &record);
}

static void take_segment(struct reading *reading, const struct lab_packet *packet)
{
	struct lab_flow_bytes unread;

	if (is_tls(packet)) {
		reading->report->encrypted += reading->trace != NULL;
		return;
	}
	take_flags(reading, packet);
	unread = lab_segments_take(reading->segments, packet);
	if (unread.length)
		take_stream(reading, packet, unread);
}

/* ---- errors ---- */

/* The branch of the datagram that an ICMP message quotes; 0: so much is not there. */
static uint64_t find_branch(const struct lab_packet *packet)
{
	struct sip_span branch =
		sip_quoted_branch((struct sip_span){(const char *)packet->bytes, packet->length});

	return branch.at ? lab_trace_name(branch) : 0;
}

static void take_error(struct reading *reading, const struct lab_packet *packet)
{
	bool udp = packet->protocol == IPPROTO_UDP;
	struct lab_trace_sight sight;

	if (!reading->trace || !find_sight(reading, packet, udp ? KL_UDP : KL_TCP, &sight) ||
	    !sight.from_phone)
		return;
	add_record(reading, &(struct lab_trace_record){.at_us = sight.at_us,
						       .kind = LAB_TRACE_FAULT,
						       .route = sight.route,
						       .branch = udp ? find_branch(packet) : 0,
						       .fault = packet->fault});
}

/* ---- the file ---- */

static void take_packet(struct reading *reading, struct lab_packet *packet)
{
	if (packet->kind == LAB_PACKET_FRAGMENT)
		lab_fragments_take(reading->fragments, packet);
	switch (packet->kind) {
	case LAB_PACKET_UDP:
		take_datagram(reading, packet);
		break;
	case LAB_PACKET_TCP:
		take_segment(reading, packet);
		break;
	case LAB_PACKET_ICMP:
		take_error(reading, packet);
		break;
	case LAB_PACKET_FRAGMENT:
	case LAB_PACKET_OTHER:
		break;
	}
}

/* Packets may be stamped out of order by a little: time stands still until they catch up. */
static void set_time(struct reading *reading, const struct pcap_pkthdr *header)
{
	uint64_t at_us = (uint64_t)header->ts.tv_sec * 1000000 + (uint64_t)header->ts.tv_usec;

	if (!reading->report->packets)
		reading->report->began_us = at_us;
	at_us -= at_us < reading->report->began_us ? at_us : reading->report->began_us;
	if (at_us > reading->now_us)
		reading->now_us = at_us;
}

static int read_packets(struct reading *reading, pcap_t *file, char why[LAB_CAPTURE_WHY_MAX])
{
	int link_type = pcap_datalink(file), got;
	struct pcap_pkthdr *header;
	const u_char *bytes;
	struct lab_packet packet;

	while (!reading->error && (got = pcap_next_ex(file, &header, &bytes)) == 1) {
		set_time(reading, header);
		reading->report->packets++;
		if (!lab_packet_decode(&packet, link_type, bytes, header->caplen)) {
			const char *name = pcap_datalink_val_to_name(link_type);

			snprintf(why, LAB_CAPTURE_WHY_MAX, "%s: link type %s can't be read",
				 reading->options->path, name ? name : "unknown");
			return -EINVAL;
		}
		take_packet(reading, &packet);
	}
	if (reading->error) {
		snprintf(why, LAB_CAPTURE_WHY_MAX, "%s: out of memory", reading->options->path);
		return reading->error;
	}
	if (got != PCAP_ERROR_BREAK) {
		snprintf(why, LAB_CAPTURE_WHY_MAX, "%s: packet %" PRIu64 ": %s",
			 reading->options->path, reading->report->packets + 1, pcap_geterr(file));
		return -EINVAL;
	}
	return 0;
}

static int read_file(struct reading *reading, char why[LAB_CAPTURE_WHY_MAX])
{
	char reason[PCAP_ERRBUF_SIZE];
	FILE *from = fopen(reading->options->path, "re");
	pcap_t *file;
	int error;

	if (!from) {
		error = -errno;
		snprintf(why, LAB_CAPTURE_WHY_MAX, "%s: %s", reading->options->path,
			 strerror(-error));
		return error;
	}
	file = pcap_fopen_offline(from, reason);
	if (!file) {
		fclose(from);
		snprintf(why, LAB_CAPTURE_WHY_MAX, "%s: %s", reading->options->path, reason);
		return -EINVAL;
	}
	reading->report->packets = 0;
	reading->now_us = 0;
	reading->segments = lab_segments_create();
	reading->fragments = lab_fragments_create();
	if (!reading->segments || !reading->fragments)
		reading->error = -ENOMEM;
	error = read_packets(reading, file, why);
	lab_segments_free(reading->segments);
	lab_fragments_free(reading->fragments);
	pcap_close(file);
	return error;
}

int lab_capture_read(struct lab_trace *trace, const struct lab_capture_options *options,
		     struct lab_capture_report *report, char why[LAB_CAPTURE_WHY_MAX])
{
	struct reading reading = {.options = options, .report = report};
	int error = 0;

	*report = (struct lab_capture_report){0};
	reading.phones = calloc(LAB_CAPTURE_PHONES_MAX, sizeof *reading.phones);
	if (!reading.phones) {
		snprintf(why, LAB_CAPTURE_WHY_MAX, "out of memory");
		return -ENOMEM;
	}
	if (options->phone)
		add_phone(&reading, options->phone);
	else
		error = read_file(&reading, why);
	if (!error && !report->phones) {
		snprintf(why, LAB_CAPTURE_WHY_MAX,
			 "%s: nobody in it sends REGISTER, so no phone is known", options->path);
		error = -ENODATA;
	}
	reading.trace = trace;
	if (!error)
		error = read_file(&reading, why);
	if (!error)
		trace->ended_us = reading.now_us;
	free(reading.phones);
	return error;
}

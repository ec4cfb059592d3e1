/* eavesdrop.c - what is sent to a closed port, and what the kernel says to that. */
#include "lab/eavesdrop.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SNAP_LENGTH = 4096, FILTER_MAX = 2048, BATCH_MAX = 64 };

struct lab_eavesdrop {
	struct lab_eavesdrop_config config;
	pcap_t *packets;
	struct net_watch *watch;
	int link_type;
};

static void take_packet(u_char *user, const struct pcap_pkthdr *header, const u_char *bytes)
{
	const struct lab_eavesdrop *eavesdrop = (const struct lab_eavesdrop *)user;
	struct lab_packet packet;

	if (lab_packet_decode(&packet, eavesdrop->link_type, bytes, header->caplen))
		eavesdrop->config.on_packet(eavesdrop->config.user, &packet);
}

static void take_ready(void *user, unsigned ready)
{
	struct lab_eavesdrop *eavesdrop = user;

	(void)ready;
	pcap_dispatch(eavesdrop->packets, BATCH_MAX, take_packet, user);
}

/* Each packet once: on the loopback device they are seen leaving and coming. */
static int set_filter(struct lab_eavesdrop *eavesdrop)
{
	const struct lab_eavesdrop_config *config = &eavesdrop->config;
	char text[FILTER_MAX] = "inbound and (", host[NET_ADDRESS_TEXT_MAX];
	struct bpf_program program;
	int error;

	for (unsigned i = 0; i < config->count; i++) {
		struct net_address bare = config->addresses[i];

		bare.port = 0;
		net_address_format(&bare, host);
		snprintf(text + strlen(text), sizeof text - strlen(text), "%shost %s",
			 i ? " or " : "", host);
	}
	strncat(text, ")", sizeof text - strlen(text) - 1);
	if (pcap_compile(eavesdrop->packets, &program, text, 1, PCAP_NETMASK_UNKNOWN))
		return -EINVAL;
	error = pcap_setfilter(eavesdrop->packets, &program) ? -EINVAL : 0;
	pcap_freecode(&program);
	return error;
}

static int begin(struct lab_eavesdrop *eavesdrop)
{
	char why[PCAP_ERRBUF_SIZE];
	int error;

	pcap_set_snaplen(eavesdrop->packets, SNAP_LENGTH);
	pcap_set_immediate_mode(eavesdrop->packets, 1);
	error = pcap_activate(eavesdrop->packets);
	if (error < 0)
		return error == PCAP_ERROR_PERM_DENIED ? -EPERM : -EIO;
	eavesdrop->link_type = pcap_datalink(eavesdrop->packets);
	if (pcap_setnonblock(eavesdrop->packets, 1, why))
		return -EIO;
	return set_filter(eavesdrop);
}

int lab_eavesdrop_open(struct lab_eavesdrop **out, struct net_loop *loop,
		       const struct lab_eavesdrop_config *config)
{
	struct lab_eavesdrop *eavesdrop = calloc(1, sizeof *eavesdrop);
	struct net_watch_config watch = {.events = NET_READABLE, .on_ready = take_ready};
	char why[PCAP_ERRBUF_SIZE];
	int error = -ENOMEM;

	if (!eavesdrop)
		return -ENOMEM;
	eavesdrop->config = *config;
	eavesdrop->packets = pcap_create("any", why);
	if (eavesdrop->packets)
		error = begin(eavesdrop);
	if (!error) {
		watch.fd = pcap_get_selectable_fd(eavesdrop->packets);
		watch.user = eavesdrop;
		error = net_watch_create(&eavesdrop->watch, loop, &watch);
	}
	if (error) {
		lab_eavesdrop_close(eavesdrop);
		return error;
	}
	*out = eavesdrop;
	return 0;
}

void lab_eavesdrop_close(struct lab_eavesdrop *eavesdrop)
{
	if (!eavesdrop)
		return;
	net_watch_free(eavesdrop->watch);
	if (eavesdrop->packets)
		pcap_close(eavesdrop->packets);
	free(eavesdrop);
}

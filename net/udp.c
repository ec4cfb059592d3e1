#include "net/udp.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

/* Datagrams that one call takes from the kernel.  Those, and ICMP errors, that are handled in one
 * wake-up: a flood leaves the timers their turn. */
#define GROUP_MAX 16
#define BATCH_MAX 64

/* A pending error makes a send fail, and another may arrive before it is tried again. */
#define SEND_TRIES_MAX 4

struct net_udp {
	int fd;
	struct net_watch *watch;
	struct net_address local;
	struct net_udp_config config;
	struct net_udp_counters counters;
	bool has_errors;   /* the error queue may hold something */
	bool *closed;      /* set by net_udp_close() while a callback is under way */
	uint8_t buffers[]; /* GROUP_MAX of config.size_max bytes: what was never filled takes none
			    */
};

/* One message from the socket or from its error queue. */
struct received {
	struct net_address peer;
	const uint8_t *bytes;
	size_t length;
	bool truncated; /* and there was more */
	bool has_local;
	struct net_address local;              /* without a port */
	const struct sock_extended_err *error; /* in `control`, or NULL */
	struct sockaddr_storage name;
	struct iovec vector;
	union {
		struct cmsghdr align;
		uint8_t bytes[512];
	} control;
};

/* ---- reading ---- */

static void read_control(struct received *in, struct msghdr *message)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL; c = CMSG_NXTHDR(message, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			struct sockaddr_in name = {
				.sin_family = AF_INET,
				.sin_addr = ((struct in_pktinfo *)CMSG_DATA(c))->ipi_addr,
			};

			net_address_from_sockaddr(&in->local, (struct sockaddr *)&name);
			in->has_local = true;
		} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
			struct sockaddr_in6 name = {
				.sin6_family = AF_INET6,
				.sin6_addr = ((struct in6_pktinfo *)CMSG_DATA(c))->ipi6_addr,
			};

			net_address_from_sockaddr(&in->local, (struct sockaddr *)&name);
			in->has_local = true;
		} else if ((c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR) ||
			   (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR)) {
			in->error = (const struct sock_extended_err *)CMSG_DATA(c);
		}
	}
}

/* Room for one message, whose bytes come into the buffer of that number. */
static struct msghdr make_room(struct net_udp *udp, struct received *in, size_t number)
{
	uint8_t *buffer = udp->buffers + number * udp->config.size_max;

	in->bytes = buffer;
	in->vector = (struct iovec){.iov_base = buffer, .iov_len = udp->config.size_max};
	in->name.ss_family = AF_UNSPEC;
	return (struct msghdr){
		.msg_name = &in->name,
		.msg_namelen = sizeof(in->name),
		.msg_iov = &in->vector,
		.msg_iovlen = 1,
		.msg_control = &in->control,
		.msg_controllen = sizeof(in->control),
	};
}

static void read_message(struct received *in, struct msghdr *message, size_t length)
{
	in->length = length;
	in->truncated = (message->msg_flags & MSG_TRUNC) != 0;
	in->has_local = false;
	in->error = NULL;
	in->peer = (struct net_address){0};
	net_address_from_sockaddr(&in->peer, (struct sockaddr *)&in->name);
	read_control(in, message);
}

/* Takes the datagrams that are there.  Returns how many, or -errno: -EAGAIN when there is none. */
static int receive(struct net_udp *udp, struct received group[GROUP_MAX])
{
	struct mmsghdr messages[GROUP_MAX];
	int count;

	for (size_t i = 0; i < GROUP_MAX; i++)
		messages[i].msg_hdr = make_room(udp, &group[i], i);
	count = recvmmsg(udp->fd, messages, GROUP_MAX, MSG_DONTWAIT, NULL);
	for (int i = 0; i < count; i++)
		read_message(&group[i], &messages[i].msg_hdr, messages[i].msg_len);
	return count < 0 ? -errno : count;
}

/* ---- ICMP errors ---- */

static enum net_icmp_class icmp_class(uint8_t type, uint8_t code)
{
	if (type == ICMP_TIME_EXCEEDED)
		return NET_ICMP_HOPS;
	if (type != ICMP_DEST_UNREACH)
		return NET_ICMP_OTHER;
	/* RFC 792, RFC 1122 3.2.2.1, RFC 1812 5.2.7.1 */
	switch (code) {
	case ICMP_NET_UNREACH:
	case ICMP_NET_UNKNOWN:
	case ICMP_NET_UNR_TOS:
		return NET_ICMP_NET;
	case ICMP_HOST_UNREACH:
	case ICMP_HOST_UNKNOWN:
	case ICMP_HOST_ISOLATED:
	case ICMP_HOST_UNR_TOS:
		return NET_ICMP_HOST;
	case ICMP_PROT_UNREACH:
		return NET_ICMP_PROTOCOL;
	case ICMP_PORT_UNREACH:
		return NET_ICMP_PORT;
	case ICMP_FRAG_NEEDED:
		return NET_ICMP_TOO_BIG;
	case ICMP_NET_ANO:
	case ICMP_HOST_ANO:
	case ICMP_PKT_FILTERED:
	case ICMP_PREC_VIOLATION:
	case ICMP_PREC_CUTOFF:
		return NET_ICMP_PROHIBITED;
	default:
		return NET_ICMP_OTHER;
	}
}

static enum net_icmp_class icmp6_class(uint8_t type, uint8_t code)
{
	enum { POLICY_FAILED = 5, ROUTE_REJECTED = 6 }; /* RFC 4443 3.1 */

	if (type == ICMP6_TIME_EXCEEDED)
		return NET_ICMP_HOPS;
	if (type == ICMP6_PACKET_TOO_BIG)
		return NET_ICMP_TOO_BIG;
	/* RFC 4443 3.4: this is how an IPv6 host says that it has no UDP. */
	if (type == ICMP6_PARAM_PROB && code == ICMP6_PARAMPROB_NEXTHEADER)
		return NET_ICMP_PROTOCOL;
	if (type != ICMP6_DST_UNREACH)
		return NET_ICMP_OTHER;
	switch (code) {
	case ICMP6_DST_UNREACH_NOROUTE:
	case ICMP6_DST_UNREACH_BEYONDSCOPE:
		return NET_ICMP_NET;
	case ICMP6_DST_UNREACH_ADDR:
		return NET_ICMP_HOST;
	case ICMP6_DST_UNREACH_NOPORT:
		return NET_ICMP_PORT;
	case ICMP6_DST_UNREACH_ADMIN:
	case POLICY_FAILED:
	case ROUTE_REJECTED:
		return NET_ICMP_PROHIBITED;
	default:
		return NET_ICMP_OTHER;
	}
}

static void deliver_error(struct net_udp *udp, const struct received *in)
{
	const struct sock_extended_err *icmp = in->error;
	bool ipv4;

	/* What our own kernel refused to send, net_udp_send() has told. */
	if (icmp == NULL ||
	    (icmp->ee_origin != SO_EE_ORIGIN_ICMP && icmp->ee_origin != SO_EE_ORIGIN_ICMP6))
		return;
	ipv4 = icmp->ee_origin == SO_EE_ORIGIN_ICMP;
	udp->counters.icmp++;
	if (udp->config.on_error == NULL)
		return;
	/* The dead destination is the message's name; the "offender" beside it is the router that
	 * told. */
	udp->config.on_error(udp->config.user,
			     &(struct net_udp_error){
				     .destination = in->peer,
				     .icmp_class = ipv4 ? icmp_class(icmp->ee_type, icmp->ee_code)
							: icmp6_class(icmp->ee_type, icmp->ee_code),
				     .error = (int)icmp->ee_errno,
				     .type = icmp->ee_type,
				     .code = icmp->ee_code,
				     .quoted = in->bytes,
				     .quoted_length = in->length,
			     });
}

/* ---- datagrams ---- */

static void deliver_datagram(struct net_udp *udp, const struct received *in)
{
	struct net_datagram datagram = {
		.source = in->peer,
		.local = in->has_local ? in->local : udp->local,
		.bytes = in->bytes,
		.length = in->length,
	};

	if (in->truncated) {
		udp->counters.oversized++;
		return;
	}
	datagram.local.port = udp->local.port;
	udp->counters.received++;
	udp->config.on_datagram(udp->config.user, &datagram);
}

/* ---- the loop's wake-up ---- */

/* Takes up to BATCH_MAX messages off the error queue. */
static void drain_errors(struct net_udp *udp, const bool *closed)
{
	struct received in;

	udp->has_errors = false;
	for (int i = 0; i < BATCH_MAX && !*closed; i++) {
		struct msghdr message = make_room(udp, &in, 0);
		ssize_t length = recvmsg(udp->fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT);

		if (length < 0)
			return;
		read_message(&in, &message, (size_t)length);
		deliver_error(udp, &in);
	}
}

/* A receive fails with the ICMP error that is pending, which takes it off the socket but not out of
 * its queue; a send may have been first.  Without either, and with something else to be woken for,
 * the queue is not asked. */
static void udp_ready(void *user, unsigned ready)
{
	struct net_udp *udp = user;
	struct received group[GROUP_MAX];
	bool closed = false, more = true;

	(void)ready;
	udp->closed = &closed;
	for (int i = 0; i < BATCH_MAX / GROUP_MAX && more && !closed; i++) {
		int count = receive(udp, group);

		for (int j = 0; j < count && !closed; j++)
			deliver_datagram(udp, &group[j]);
		if (!closed && (count < 0 || udp->has_errors))
			drain_errors(udp, &closed);
		more = count == GROUP_MAX || (count < 0 && count != -EAGAIN);
	}
	if (!closed)
		udp->closed = NULL;
}

/* ---- the socket ---- */

static int set_option(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value)) < 0 ? -errno : 0;
}

/* Room for what comes while the program is busy: 200 KiB, as the kernel gives it, hold a hundred
 * messages.  It takes no memory before that, and the kernel grants no more than its own limit. */
enum { RECEIVE_BYTES = 4 << 20 };

/* Sets the options and binds. Returns 0 or -errno. */
static int prepare(struct net_udp *udp)
{
	struct sockaddr_storage name;
	socklen_t length = net_address_to_sockaddr(&udp->config.local, &name);
	bool ipv4 = name.ss_family == AF_INET;
	int level = ipv4 ? IPPROTO_IP : IPPROTO_IPV6;
	int error = set_option(udp->fd, level, ipv4 ? IP_RECVERR : IPV6_RECVERR, 1);

	if (error == 0)
		error = set_option(udp->fd, level, ipv4 ? IP_PKTINFO : IPV6_RECVPKTINFO, 1);
	if (error == 0 && !ipv4)
		error = set_option(udp->fd, level, IPV6_V6ONLY, 1);
	/* RFC 2474 3: the upper six bits of the octet. */
	if (error == 0)
		error = set_option(udp->fd, level, ipv4 ? IP_TOS : IPV6_TCLASS,
				   udp->config.dscp << 2);
	if (error == 0)
		error = set_option(udp->fd, SOL_SOCKET, SO_RCVBUF, RECEIVE_BYTES);
	if (error != 0)
		return error;
	if (bind(udp->fd, (struct sockaddr *)&name, length) < 0 ||
	    getsockname(udp->fd, (struct sockaddr *)&name, &length) < 0)
		return -errno;
	return net_address_from_sockaddr(&udp->local, (struct sockaddr *)&name);
}

int net_udp_open(struct net_udp **out, struct net_loop *loop, const struct net_udp_config *config)
{
	size_t size_max = config->size_max != 0 ? config->size_max : NET_DATAGRAM_MAX;
	struct net_udp *udp;
	int error;

	if (size_max > NET_DATAGRAM_MAX || config->dscp > NET_DSCP_MAX)
		return -EINVAL;
	udp = malloc(sizeof(*udp) + GROUP_MAX * size_max);
	if (udp == NULL)
		return -ENOMEM;
	*udp = (struct net_udp){.config = *config};
	udp->config.size_max = size_max;
	udp->fd = socket(net_address_is_ipv4(&config->local) ? AF_INET : AF_INET6,
			 SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (udp->fd < 0) {
		error = -errno;
		free(udp);
		return error;
	}
	error = prepare(udp);
	if (error == 0)
		error = net_watch_create(&udp->watch, loop,
					 &(struct net_watch_config){.fd = udp->fd,
								    .events = NET_READABLE,
								    .on_ready = udp_ready,
								    .user = udp});
	if (error != 0) {
		close(udp->fd);
		free(udp);
		return error;
	}
	*out = udp;
	return 0;
}

void net_udp_close(struct net_udp *udp)
{
	if (udp == NULL)
		return;
	if (udp->closed != NULL)
		*udp->closed = true;
	net_watch_free(udp->watch);
	close(udp->fd);
	free(udp);
}

void net_udp_explain(int error, const struct net_address *local, char *to, size_t size)
{
	char text[NET_ADDRESS_TEXT_MAX];
	const char *what;

	switch (error) {
	case -EADDRINUSE:
		what = "the port is in use";
		break;
	case -EADDRNOTAVAIL:
		what = "not an address of this machine";
		break;
	case -EACCES:
		what = "no right to use this port";
		break;
	case -EAFNOSUPPORT:
		what = "this machine has no IPv6";
		break;
	default:
		what = strerror(-error);
	}
	snprintf(to, size, "%s: %s", net_address_format(local, text), what);
}

struct net_address net_udp_local(const struct net_udp *udp)
{
	return udp->local;
}

/* Names the local address in the message's control data, which has room for either family's. */
static void set_source(struct msghdr *message, const struct net_address *from)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(message);

	if (net_address_is_ipv4(from)) {
		struct in_pktinfo *info = (struct in_pktinfo *)CMSG_DATA(c);

		memcpy(&info->ipi_spec_dst, from->ip + 12, sizeof(info->ipi_spec_dst));
		c->cmsg_level = IPPROTO_IP;
		c->cmsg_type = IP_PKTINFO;
		c->cmsg_len = CMSG_LEN(sizeof(*info));
		message->msg_controllen = CMSG_SPACE(sizeof(*info));
	} else {
		struct in6_pktinfo *info = (struct in6_pktinfo *)CMSG_DATA(c);

		memcpy(&info->ipi6_addr, from->ip, sizeof(info->ipi6_addr));
		c->cmsg_level = IPPROTO_IPV6;
		c->cmsg_type = IPV6_PKTINFO;
		c->cmsg_len = CMSG_LEN(sizeof(*info));
	}
}

int net_udp_send_from(struct net_udp *udp, const struct net_udp_path *path, const void *bytes,
		      size_t length)
{
	union {
		struct cmsghdr align;
		uint8_t bytes[CMSG_SPACE(sizeof(struct in6_pktinfo))];
	} control = {.bytes = {0}};
	struct sockaddr_storage name;
	struct iovec vector = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = length};
	struct msghdr message = {
		.msg_name = &name,
		.msg_namelen = net_address_to_sockaddr(&path->to, &name),
		.msg_iov = &vector,
		.msg_iovlen = 1,
	};

	if (!net_address_is_wildcard(&path->from)) {
		message.msg_control = &control;
		message.msg_controllen = sizeof(control);
		set_source(&message, &path->from);
	}
	/* A send fails, unsent, with the ICMP error that an earlier datagram to anyone got. That
	 * takes the error off the socket but not out of its queue, from where the loop tells it: so
	 * send again. */
	for (int tries = 0; tries < SEND_TRIES_MAX; tries++) {
		if (sendmsg(udp->fd, &message, MSG_DONTWAIT) >= 0) {
			udp->counters.sent++;
			return 0;
		}
		udp->has_errors = true;
	}
	udp->counters.send_errors++;
	return -errno;
}

int net_udp_send(struct net_udp *udp, const struct net_address *to, const void *bytes,
		 size_t length)
{
	return net_udp_send_from(udp, &(struct net_udp_path){.to = *to}, bytes, length);
}

struct net_udp_counters net_udp_counters(const struct net_udp *udp)
{
	return udp->counters;
}

const char *net_icmp_class_text(enum net_icmp_class icmp_class)
{
	switch (icmp_class) {
	case NET_ICMP_NET:
		return "network unreachable";
	case NET_ICMP_HOST:
		return "host unreachable";
	case NET_ICMP_PROTOCOL:
		return "protocol unreachable";
	case NET_ICMP_PORT:
		return "port unreachable";
	case NET_ICMP_PROHIBITED:
		return "prohibited";
	case NET_ICMP_HOPS:
		return "time exceeded";
	case NET_ICMP_TOO_BIG:
		return "packet too big";
	case NET_ICMP_OTHER:
		return "other";
	}
	return "unknown";
}

#include "net/link.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	MESSAGE_MAX = 8192, /* the kernel's messages are shorter: a route has a few attributes */
	BATCH_MAX = 64,     /* messages read in one wake-up; none of them is looked into */
};

struct net_link {
	int fd;
	struct net_watch *watch;
	struct net_timer *timer;
	uint64_t first_at_ms; /* of the changes that are not told yet; NET_NEVER: there are none */
	struct net_callback on_change;
};

static int open_netlink(unsigned groups)
{
	const struct sockaddr_nl name = {.nl_family = AF_NETLINK, .nl_groups = groups};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	int error;

	if (fd >= 0 && bind(fd, (const struct sockaddr *)&name, sizeof(name)) == 0)
		return fd;
	error = -errno;
	if (fd >= 0)
		close(fd);
	return error;
}

/* ---- changes ---- */

static void changes_end(void *user)
{
	struct net_link *link = user;
	const struct net_callback on_change = link->on_change;

	link->first_at_ms = NET_NEVER;
	on_change.call(on_change.user);
}

/* What changed is asked afterwards, about what matters alone; so no message is read for its
 * contents, and one that did not fit the socket's buffer (ENOBUFS) says as much as any other. */
static void netlink_ready(void *user, unsigned ready)
{
	struct net_link *link = user;
	const uint64_t now_ms = net_now_ms();
	uint64_t at_ms = now_ms + NET_LINK_QUIET_MS;
	char message[MESSAGE_MAX];

	(void)ready;
	for (int i = 0; i < BATCH_MAX; i++)
		if (recv(link->fd, message, sizeof(message), MSG_DONTWAIT) < 0 && errno != ENOBUFS)
			break;
	if (link->first_at_ms == NET_NEVER)
		link->first_at_ms = now_ms;
	if (at_ms > link->first_at_ms + NET_LINK_LATEST_MS)
		at_ms = link->first_at_ms + NET_LINK_LATEST_MS;
	net_timer_set(link->timer, at_ms);
}

static int link_start(struct net_link *link, struct net_loop *loop)
{
	int error;

	link->fd = open_netlink(RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR |
				RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE);
	if (link->fd < 0)
		return link->fd;
	error = net_timer_create(&link->timer, loop, (struct net_callback){changes_end, link});
	if (error != 0)
		return error;
	return net_watch_create(&link->watch, loop,
				&(struct net_watch_config){.fd = link->fd,
							   .events = NET_READABLE,
							   .on_ready = netlink_ready,
							   .user = link});
}

int net_link_open(struct net_link **out, struct net_loop *loop, struct net_callback on_change)
{
	struct net_link *link = calloc(1, sizeof(*link));
	int error;

	if (link == NULL)
		return -ENOMEM;
	link->on_change = on_change;
	link->first_at_ms = NET_NEVER;
	error = link_start(link, loop);
	if (error != 0)
		net_link_close(link);
	else
		*out = link;
	return error;
}

void net_link_close(struct net_link *link)
{
	if (link == NULL)
		return;
	net_watch_free(link->watch);
	net_timer_free(link->timer);
	if (link->fd >= 0)
		close(link->fd);
	free(link);
}

/* ---- the way to an address ---- */

/* A question for one route, or the kernel's answer. */
struct route_message {
	struct nlmsghdr header;
	union {
		struct rtmsg route;
		struct nlmsgerr error;
	};
	char attributes[MESSAGE_MAX];
};

static void add_address(struct route_message *message, unsigned short type,
			const struct net_address *address)
{
	size_t size = net_address_is_ipv4(address) ? 4 : sizeof(address->ip);
	struct rtattr *attribute =
		(struct rtattr *)((char *)message + NLMSG_ALIGN(message->header.nlmsg_len));

	attribute->rta_type = type;
	attribute->rta_len = (unsigned short)RTA_LENGTH(size);
	memcpy(RTA_DATA(attribute), address->ip + sizeof(address->ip) - size, size);
	message->header.nlmsg_len += (unsigned)RTA_SPACE(size);
}

static void write_question(struct route_message *message, const struct net_address *remote,
			   const struct net_address *source)
{
	bool ipv4 = net_address_is_ipv4(remote);
	unsigned char bits = ipv4 ? 32 : 128;

	*message = (struct route_message){
		.header = {.nlmsg_len = NLMSG_LENGTH(sizeof(struct rtmsg)),
			   .nlmsg_type = RTM_GETROUTE,
			   .nlmsg_flags = NLM_F_REQUEST},
		.route = {.rtm_family = ipv4 ? AF_INET : AF_INET6, .rtm_dst_len = bits},
	};
	add_address(message, RTA_DST, remote);
	if (net_address_is_wildcard(source))
		return;
	message->route.rtm_src_len = bits;
	add_address(message, RTA_SRC, source);
}

/* Puts the question, and takes the answer in its place.  The kernel answers within send(). */
static int ask_kernel(struct route_message *message)
{
	int fd = open_netlink(0);
	ssize_t length = -1;
	int error = 0;

	if (fd < 0)
		return fd;
	if (send(fd, message, message->header.nlmsg_len, 0) >= 0)
		length = recv(fd, message, sizeof(*message), MSG_DONTWAIT);
	if (length < 0)
		error = -errno;
	else if (!NLMSG_OK(&message->header, (size_t)length))
		error = -EBADMSG;
	else if (message->header.nlmsg_type == NLMSG_ERROR)
		error = message->error.error;
	close(fd);
	return error;
}

static bool has_carrier(unsigned interface)
{
	struct ifreq request = {0};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool running = if_indextoname(interface, request.ifr_name) != NULL &&
		       ioctl(fd, SIOCGIFFLAGS, &request) == 0 &&
		       (request.ifr_flags & IFF_RUNNING) != 0;

	if (fd >= 0)
		close(fd);
	return running;
}

int net_link_way_to(struct net_address *local, const struct net_address *remote,
		    const struct net_address *source)
{
	struct route_message message;
	unsigned interface = 0;
	int error;

	write_question(&message, remote, source);
	error = ask_kernel(&message);
	if (error != 0)
		return error == -ENETDOWN ? error : -ENETUNREACH;
	/* What is not told is as asked; both have the address's family. */
	*local = net_address_is_wildcard(source) ? *remote : *source;
	local->port = 0;
	unsigned left = (unsigned)RTM_PAYLOAD(&message.header);
	for (const struct rtattr *a = RTM_RTA(&message.route); RTA_OK(a, left);
	     a = RTA_NEXT(a, left)) {
		size_t size = RTA_PAYLOAD(a);

		if (a->rta_type == RTA_OIF && size == sizeof(interface))
			memcpy(&interface, RTA_DATA(a), sizeof(interface));
		else if (a->rta_type == RTA_PREFSRC && size <= sizeof(local->ip))
			memcpy(local->ip + sizeof(local->ip) - size, RTA_DATA(a), size);
	}
	return has_carrier(interface) ? 0 : -ENETDOWN;
}

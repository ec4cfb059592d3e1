/* What a datagram carries besides its bytes: its DSCP. */
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/udp.h"
#include "tests/net/support.h"

static const char *const loopbacks[] = {"127.0.0.1", "::1"};

static void on_datagram(void *user, const struct net_datagram *datagram)
{
	(void)user;
	(void)datagram;
}

/* A plain socket, so that the kernel tells all that it knows. */
struct receiver {
	int fd;
	struct net_address address;
	int traffic_class; /* of the last datagram */
};

static void receiver_open(struct receiver *receiver, const char *ip)
{
	struct sockaddr_storage name;
	const struct net_address local = address_of(ip);
	bool ipv4 = net_address_is_ipv4(&local);
	socklen_t length = net_address_to_sockaddr(&local, &name);

	receiver->fd = socket(name.ss_family, SOCK_DGRAM, 0);
	assert_true(receiver->fd >= 0);
	assert_int_equal(bind(receiver->fd, (struct sockaddr *)&name, length), 0);
	assert_int_equal(getsockname(receiver->fd, (struct sockaddr *)&name, &length), 0);
	net_address_from_sockaddr(&receiver->address, (struct sockaddr *)&name);
	assert_int_equal(setsockopt(receiver->fd, ipv4 ? IPPROTO_IP : IPPROTO_IPV6,
				    ipv4 ? IP_RECVTOS : IPV6_RECVTCLASS, &(int){1}, sizeof(int)),
			 0);
}

static void receiver_take(struct receiver *receiver)
{
	char byte, control[64];
	struct iovec bytes = {&byte, sizeof(byte)};
	struct msghdr message = {
		.msg_iov = &bytes,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	const struct timeval soon = {.tv_sec = SOON_MS / 1000};

	assert_int_equal(setsockopt(receiver->fd, SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof(soon)), 0);
	assert_int_equal(recvmsg(receiver->fd, &message, 0), 1);
	receiver->traffic_class = -1;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c != NULL; c = CMSG_NXTHDR(&message, c))
		if (c->cmsg_type == IP_TOS)
			receiver->traffic_class = *(uint8_t *)CMSG_DATA(c);
		else if (c->cmsg_type == IPV6_TCLASS)
			receiver->traffic_class = *(int *)CMSG_DATA(c);
}

static void the_dscp_is_set__RFC_2474(void **state)
{
	enum { CS5 = 40 };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct net_udp_config config = {.local = address_of(loopbacks[i]),
						.on_datagram = on_datagram};
		struct net_loop *loop;
		struct net_udp *udp;
		struct receiver receiver;

		receiver_open(&receiver, loopbacks[i]);
		assert_int_equal(net_loop_create(&loop), 0);
		for (config.dscp = 0; config.dscp <= CS5; config.dscp += CS5) {
			assert_int_equal(net_udp_open(&udp, loop, &config), 0);
			assert_int_equal(net_udp_send(udp, &receiver.address, "x", 1), 0);
			receiver_take(&receiver);
			assert_int_equal(receiver.traffic_class, config.dscp << 2);
			net_udp_close(udp);
		}
		config.dscp = NET_DSCP_MAX + 1;
		assert_int_equal(net_udp_open(&udp, loop, &config), -EINVAL);
		net_loop_free(loop);
		close(receiver.fd);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_dscp_is_set__RFC_2474),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

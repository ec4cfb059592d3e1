#include "tests/net/responder.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A TCP connection with one question: its length in two bytes, then itself. */
struct connection {
	struct responder *responder;
	int fd;
	struct net_watch *watch;
	uint8_t bytes[2 + 512];
	size_t length;
};

static const struct reply *find_reply(const struct responder *responder, const ldns_pkt *question)
{
	char *name = ldns_rdf2str(ldns_rr_owner(ldns_rr_list_rr(ldns_pkt_question(question), 0)));
	const struct reply *reply = responder->replies;

	while (reply->name != NULL && strcmp(reply->name, name) != 0)
		reply++;
	free(name);
	return reply->name != NULL && reply->kind != REPLY_SILENT ? reply : NULL;
}

/* The bytes to answer with, to be freed; NULL for silence. */
static uint8_t *answer_to(const struct responder *responder, const uint8_t *bytes, size_t length,
			  bool over_tcp, size_t *size)
{
	ldns_pkt *question;
	const struct reply *reply;
	uint8_t *answer = NULL;

	assert_int_equal(ldns_wire2pkt(&question, bytes, length), LDNS_STATUS_OK);
	reply = find_reply(responder, question);
	if (reply != NULL) {
		const ldns_rr *asked = ldns_rr_list_rr(ldns_pkt_question(question), 0);
		bool truncated = reply->kind == REPLY_TRUNCATED && !over_tcp;
		uint16_t id = ldns_pkt_id(question);

		answer = packet_build(
			&(struct packet){
				.name = reply->name,
				.type = (enum net_dns_type)ldns_rr_get_type(asked),
				.id = reply->kind == REPLY_WRONG_ID ? (uint16_t)(id + 1) : id,
				.rcode = reply->rcode,
				.truncated = truncated,
				.answer = truncated ? NULL : reply->answer,
			},
			size);
		if (reply->kind == REPLY_GARBAGE)
			answer[7] = 9; /* so many answers, it says */
	}
	ldns_pkt_free(question);
	return answer;
}

static void udp_question(void *user, const struct net_datagram *datagram)
{
	struct responder *responder = user;
	size_t size;
	uint8_t *answer = answer_to(responder, datagram->bytes, datagram->length, false, &size);

	responder->udp_questions++;
	responder->last_port = datagram->source.port;
	if (answer != NULL)
		assert_int_equal(net_udp_send(responder->udp, &datagram->source, answer, size), 0);
	free(answer);
}

static void connection_end(struct connection *connection)
{
	net_watch_free(connection->watch);
	close(connection->fd);
	free(connection);
}

static void tcp_question(void *user, unsigned ready)
{
	struct connection *connection = user;
	uint8_t *bytes = connection->bytes;
	ssize_t got = read(connection->fd, bytes + connection->length,
			   sizeof(connection->bytes) - connection->length);
	uint8_t prefix[2];
	size_t size;

	(void)ready;
	if (got <= 0) {
		connection_end(connection);
		return;
	}
	connection->length += (size_t)got;
	if (connection->length < 2 || connection->length < 2 + (size_t)(bytes[0] << 8 | bytes[1]))
		return;
	connection->responder->tcp_questions++;
	uint8_t *answer =
		answer_to(connection->responder, bytes + 2, connection->length - 2, true, &size);

	if (answer != NULL) {
		prefix[0] = (uint8_t)(size >> 8);
		prefix[1] = (uint8_t)size;
		assert_int_equal(send(connection->fd, prefix, 2, MSG_MORE), 2);
		assert_int_equal(send(connection->fd, answer, size, MSG_NOSIGNAL), size);
	}
	free(answer);
	connection_end(connection);
}

static void tcp_arrived(void *user, unsigned ready)
{
	struct responder *responder = user;
	struct connection *connection = calloc(1, sizeof(*connection));

	(void)ready;
	assert_non_null(connection);
	connection->responder = responder;
	connection->fd = accept4(responder->tcp, NULL, NULL, SOCK_CLOEXEC);
	assert_true(connection->fd >= 0);
	assert_int_equal(net_watch_create(&connection->watch, responder->loop,
					  &(struct net_watch_config){connection->fd, NET_READABLE,
								     tcp_question, connection}),
			 0);
}

/* Listens for TCP on the UDP socket's port. False: somebody else has that. */
static bool listen_beside(struct responder *responder)
{
	struct sockaddr_storage name;
	socklen_t length = net_address_to_sockaddr(&responder->address, &name);

	responder->tcp = socket(name.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(responder->tcp >= 0);
	if (bind(responder->tcp, (struct sockaddr *)&name, length) == 0)
		return listen(responder->tcp, 8) == 0;
	close(responder->tcp);
	return false;
}

void responder_start(struct responder *responder, struct net_loop *loop, const char *ip,
		     const struct reply *replies)
{
	struct net_udp_config config = {
		.local = address_of(ip), .on_datagram = udp_question, .user = responder};

	*responder = (struct responder){.loop = loop, .replies = replies};
	do {
		net_udp_close(responder->udp);
		assert_int_equal(net_udp_open(&responder->udp, loop, &config), 0);
		responder->address = net_udp_local(responder->udp);
	} while (!listen_beside(responder));
	assert_int_equal(net_watch_create(&responder->tcp_watch, loop,
					  &(struct net_watch_config){responder->tcp, NET_READABLE,
								     tcp_arrived, responder}),
			 0);
}

void responder_stop(struct responder *responder)
{
	net_watch_free(responder->tcp_watch);
	close(responder->tcp);
	net_udp_close(responder->udp);
}

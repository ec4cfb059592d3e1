/* media/receive: whose packets are taken, and what becomes of those that nobody should send. */
#include "tests/media/party.h"

#include <string.h>

#include "media/rtcp.h"
#include "media/rtp.h"
#include "net/udp.h"

static struct net_loop *loop;

/* A far end by hand: two sockets at an address. */
struct sender {
	struct net_udp *udp;
	unsigned received;
	uint32_t ssrc;
	uint16_t sequence;
	bool echoes; /* sends back what comes, as it is */
};

static void count_datagram(void *user, const struct net_datagram *datagram)
{
	struct sender *sender = user;
	struct media_rtp packet;

	assert_int_equal(media_rtp_parse(&packet, datagram->bytes, datagram->length), 0);
	sender->received++;
	if (sender->echoes)
		assert_int_equal(net_udp_send(sender->udp, &datagram->source, datagram->bytes,
					      datagram->length),
				 0);
}

static void sender_open(struct sender *sender, const char *address)
{
	*sender = (struct sender){.ssrc = 1};
	assert_int_equal(net_udp_open(&sender->udp, loop,
				      &(struct net_udp_config){.local = address_of(address),
							       .on_datagram = count_datagram,
							       .user = sender}),
			 0);
}

static void send_bytes(struct sender *sender, struct net_address to, const void *bytes,
		       size_t length)
{
	assert_int_equal(net_udp_send(sender->udp, &to, bytes, length), 0);
}

/* A valid packet of 20 ms. */
static void send_audio(struct sender *sender, const struct party *party)
{
	uint8_t payload[MEDIA_PACKET_SAMPLES] = {0}, bytes[MEDIA_RTP_HEADER + sizeof(payload)];
	const struct media_rtp packet = {.sequence = sender->sequence++,
					 .ssrc = sender->ssrc,
					 .timestamp = 160u * sender->sequence,
					 .payload = payload,
					 .length = sizeof(payload)};

	send_bytes(sender, media_local(party->media), bytes, media_rtp_write(&packet, bytes));
}

enum counter { RECEIVED, STRANGERS, MALFORMED, DUPLICATED, REPORTS };

static uint64_t count_of(const struct party *party, enum counter counter)
{
	struct media_statistics statistics = statistics_of(party);

	switch (counter) {
	case RECEIVED:
		return statistics.received;
	case STRANGERS:
		return statistics.strangers;
	case MALFORMED:
		return statistics.malformed;
	case DUPLICATED:
		return statistics.duplicated;
	case REPORTS:
		return statistics.reports;
	}
	return 0;
}

static void wait_for_count(const struct party *party, enum counter counter, uint64_t wanted)
{
	uint64_t at_most = net_now_ms() + SOON_MS;

	while (count_of(party, counter) < wanted) {
		assert_true(net_now_ms() < at_most);
		assert_int_equal(net_loop_step(loop), 0);
	}
	assert_int_equal(count_of(party, counter), wanted);
}

static void test_only_the_negotiated_address_is_heard(void **state)
{
	struct sender friend, stranger;
	struct media_target target;
	struct party party;

	(void)state;
	party_open(&party, loop, "127.0.0.1", MEDIA_TRUST_NEGOTIATED);
	sender_open(&friend, "127.0.0.2");
	sender_open(&stranger, "127.0.0.3");
	send_audio(&friend, &party);
	wait_for_count(&party, STRANGERS, 1); /* there is no target yet */

	target = target_at(net_udp_local(friend.udp));
	assert_int_equal(media_set_target(party.media, &target), 0);
	send_audio(&stranger, &party);
	wait_for_count(&party, STRANGERS, 2);
	send_audio(&friend, &party);
	wait_for_count(&party, RECEIVED, 1);
	/* One packet announces another stream, two prove it. */
	friend.ssrc = 2;
	send_audio(&friend, &party);
	wait_for_count(&party, STRANGERS, 3);
	send_audio(&friend, &party);
	wait_for_count(&party, RECEIVED, 2);
	wait_for(loop, &friend.received, 1);
	assert_int_equal(stranger.received, 0);
	net_udp_close(friend.udp);
	net_udp_close(stranger.udp);
	party_close(&party);
}

/* RFC 4961: who comes first is heard and answered, and nobody else, until a new target. */
static void test_the_first_source_is_latched(void **state)
{
	struct sender negotiated, first, later;
	struct media_target target;
	struct party party;
	unsigned before;

	(void)state;
	party_open(&party, loop, "127.0.0.1", MEDIA_TRUST_FIRST);
	sender_open(&negotiated, "127.0.0.2");
	sender_open(&first, "127.0.0.3");
	sender_open(&later, "127.0.0.4");
	target = target_at(net_udp_local(negotiated.udp));
	assert_int_equal(media_set_target(party.media, &target), 0);
	wait_for(loop, &negotiated.received, 1);
	send_bytes(&later, media_local(party.media), "rubbish", 7); /* latches nothing */
	wait_for_count(&party, MALFORMED, 1);
	send_audio(&first, &party);
	wait_for_count(&party, RECEIVED, 1);
	send_audio(&later, &party);
	send_audio(&negotiated, &party);
	wait_for_count(&party, STRANGERS, 2);
	wait_for(loop, &first.received, 1);
	before = negotiated.received;
	wait_for(loop, &first.received, first.received + 1);
	assert_int_equal(negotiated.received, before);
	/* The same target again, as a session refresh brings it, changes nothing; a new one does.
	 */
	assert_int_equal(media_set_target(party.media, &target), 0);
	send_audio(&first, &party);
	wait_for_count(&party, RECEIVED, 2);
	target = target_at(net_udp_local(later.udp));
	assert_int_equal(media_set_target(party.media, &target), 0);
	wait_for(loop, &later.received, 1);
	send_audio(&later, &party);
	wait_for_count(&party, RECEIVED, 3);
	net_udp_close(negotiated.udp);
	net_udp_close(first.udp);
	net_udp_close(later.udp);
	party_close(&party);
}

/* Each is counted as what it is, and the stream goes on. */
static void test_what_nobody_should_send(void **state)
{
	static const uint8_t rows[][20] = {
		{0},                   /* version 0 */
		{0x80, 77},            /* a payload type that nobody agreed to */
		{0x80, 0},             /* audio of 8 bytes: 1 ms */
		{0x8f, 0},             /* fifteen contributing sources that are not there */
		{0xa0, 0, [19] = 200}, /* padding beyond the packet */
		{0x80, 101, [19] = 0}, /* this one is well: an event of 8 bytes */
	};
	const size_t count = sizeof(rows) / sizeof(*rows);
	uint8_t big[3000] = {0x80, 0};
	struct media_target target;
	struct sender sender;
	struct party party;

	(void)state;
	party_open(&party, loop, "127.0.0.1", MEDIA_TRUST_NEGOTIATED);
	sender_open(&sender, "127.0.0.2");
	target = target_at(net_udp_local(sender.udp));
	assert_int_equal(media_set_target(party.media, &target), 0);
	for (size_t i = 0; i < count - 1; i++)
		send_bytes(&sender, media_local(party.media), rows[i], sizeof(rows[i]));
	send_bytes(&sender, media_local(party.media), NULL, 0);
	send_bytes(&sender, media_local(party.media), big, MEDIA_RTP_HEADER);       /* no audio */
	send_bytes(&sender, media_local(party.media), big, MEDIA_RTP_HEADER + 560); /* 70 ms */
	send_bytes(&sender, media_local(party.media), big, sizeof(big));
	wait_for_count(&party, MALFORMED, count - 1 + 4);
	send_bytes(&sender, media_local(party.media), rows[count - 1], sizeof(rows[0]));
	wait_for(loop, &party.events[MEDIA_EVENT_DIGIT], 1);
	send_audio(&sender, &party); /* of another stream than the event */
	send_audio(&sender, &party);
	wait_for_count(&party, RECEIVED, 2);
	sender.sequence--;
	send_audio(&sender, &party);
	wait_for_count(&party, DUPLICATED, 1);
	net_udp_close(sender.udp);
	party_close(&party);
}

/* RTCP from elsewhere, broken, of another stream's goodbye: none of it ends anything. */
static void test_foreign_reports(void **state)
{
	struct media_rtcp report = {.ssrc = 99, .is_bye = true, .cname = "mallory"};
	uint8_t bytes[MEDIA_RTCP_MAX];
	size_t length = media_rtcp_write(&report, bytes);
	struct sender friend, stranger;
	struct media_target target;
	struct net_address to;
	struct party party;

	(void)state;
	party_open(&party, loop, "127.0.0.1", MEDIA_TRUST_NEGOTIATED);
	sender_open(&friend, "127.0.0.2");
	sender_open(&stranger, "127.0.0.3");
	target = target_at(net_udp_local(friend.udp));
	assert_int_equal(media_set_target(party.media, &target), 0);
	send_audio(&friend, &party);
	wait_for_count(&party, RECEIVED, 1);
	to = media_local(party.media);
	to.port++;
	send_bytes(&stranger, to, bytes, length);
	wait_for_count(&party, STRANGERS, 1);
	send_bytes(&friend, to, bytes, length - 1);
	wait_for_count(&party, MALFORMED, 1);
	send_bytes(&friend, to, bytes, length);
	wait_for_count(&party, REPORTS, 1);
	assert_int_equal(party.events[MEDIA_EVENT_BYE], 0);
	report.ssrc = friend.ssrc;
	length = media_rtcp_write(&report, bytes);
	send_bytes(&friend, to, bytes, length);
	wait_for(loop, &party.events[MEDIA_EVENT_BYE], 1);
	/* Once; and what comes after it is a stream of its own. */
	send_bytes(&friend, to, bytes, length);
	wait_for_count(&party, REPORTS, 3);
	assert_int_equal(party.events[MEDIA_EVENT_BYE], 1);
	send_audio(&friend, &party);
	wait_for_count(&party, RECEIVED, 2);
	assert_int_equal(statistics_of(&party).streams, 2);
	net_udp_close(friend.udp);
	net_udp_close(stranger.udp);
	party_close(&party);
}

/* An echo test of the simplest kind: the stream that comes back has our own SSRC, and is heard. */
static void test_an_echo_is_heard(void **state)
{
	struct sender echo;
	struct media_target target;
	struct party party;

	(void)state;
	party_open(&party, loop, "127.0.0.1", MEDIA_TRUST_NEGOTIATED);
	sender_open(&echo, "127.0.0.2");
	echo.echoes = true;
	party_say_tone(&party, 440);
	party_listen_for(&party, 440);
	target = target_at(net_udp_local(echo.udp));
	assert_int_equal(media_set_target(party.media, &target), 0);
	wait_for(loop, &party.heard, 4);
	assert_int_equal(statistics_of(&party).streams, 1);
	net_udp_close(echo.udp);
	party_close(&party);
}

static int set_up(void **state)
{
	(void)state;
	return net_loop_create(&loop);
}

static int tear_down(void **state)
{
	(void)state;
	net_loop_free(loop);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_only_the_negotiated_address_is_heard),
		cmocka_unit_test(test_the_first_source_is_latched),
		cmocka_unit_test(test_what_nobody_should_send),
		cmocka_unit_test(test_foreign_reports),
		cmocka_unit_test(test_an_echo_is_heard),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}

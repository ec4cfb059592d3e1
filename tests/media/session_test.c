/* media/media: two sessions over loopback.  Each waits for what it has to hear, with a deadline. */
#include "tests/media/party.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "media/wav.h"
#include "tests/net/files.h"

enum { ALICE_HZ = 440, BOB_HZ = 1000, ENOUGH = 6 /* windows of 50 ms */ };

static struct net_loop *loop;
static struct party alice, bob;

/* Both say their tone, and listen for the other's. */
static void open_both(const char *address)
{
	party_open(&alice, loop, address, MEDIA_TRUST_NEGOTIATED);
	party_open(&bob, loop, address, MEDIA_TRUST_NEGOTIATED);
	party_say_tone(&alice, ALICE_HZ);
	party_say_tone(&bob, BOB_HZ);
	party_listen_for(&alice, BOB_HZ);
	party_listen_for(&bob, ALICE_HZ);
}

static void close_both(void)
{
	party_close(&alice);
	party_close(&bob);
}

static void wait_for_tones(unsigned windows)
{
	wait_for(loop, &alice.heard, alice.heard + windows);
	wait_for(loop, &bob.heard, bob.heard + windows);
}

/* Waits until so many frames more went by. */
static void wait_for_frames(const struct party *party, unsigned frames)
{
	unsigned wanted = party->frames + frames;

	for (uint64_t at_most = net_now_ms() + SOON_MS; party->frames < wanted;) {
		assert_true(net_now_ms() < at_most);
		assert_int_equal(net_loop_step(loop), 0);
	}
}

static void converse(const char *address)
{
	struct media_statistics heard, said;

	open_both(address);
	parties_join(&alice, &bob);
	wait_for_tones(ENOUGH);
	heard = statistics_of(&bob);
	said = statistics_of(&alice);
	assert_true(heard.received > 0 && heard.received <= said.sent);
	assert_int_equal(heard.received_bytes, heard.received * MEDIA_PACKET_SAMPLES);
	assert_int_equal(heard.streams, 1);
	assert_int_equal(heard.lost + heard.duplicated + heard.strangers + heard.malformed, 0);
	assert_true(heard.received_at_ms > 0);
	close_both();
}

static void test_tones_both_ways(void **state)
{
	(void)state;
	converse("127.0.0.1");
}

static void test_tones_over_ipv6(void **state)
{
	(void)state;
	converse("::1");
}

/* Another codec each way, and payload types that only their descriptions know. */
static void test_each_way_its_codec_and_its_numbers(void **state)
{
	struct media_target target;

	(void)state;
	open_both("127.0.0.1");
	target = target_at(media_local(bob.media));
	target.codec = MEDIA_PCMA;
	target.sent = (struct media_payloads){.pcmu = MEDIA_NO_PAYLOAD, .pcma = 98, .event = 99};
	assert_int_equal(media_set_target(alice.media, &target), 0);
	target = target_at(media_local(alice.media));
	target.received =
		(struct media_payloads){.pcmu = MEDIA_NO_PAYLOAD, .pcma = 98, .event = 99};
	assert_int_equal(media_set_target(bob.media, &target), 0);
	wait_for_tones(ENOUGH);
	assert_int_equal(media_send_digits(alice.media, "7"), 0);
	wait_for(loop, &bob.events[MEDIA_EVENT_DIGIT], 1);
	close_both();
}

static void test_digits_arrive_once_and_in_order(void **state)
{
	(void)state;
	open_both("127.0.0.1");
	assert_int_equal(media_send_digits(alice.media, "1"), -ENOTSUP); /* toward nobody */
	parties_join(&alice, &bob);
	assert_int_equal(media_send_digits(alice.media, "x"), -EINVAL);
	assert_int_equal(media_send_digits(alice.media, "11#"), 0);
	assert_int_equal(media_send_digits(alice.media, "D"), 0);
	wait_for(loop, &bob.events[MEDIA_EVENT_DIGIT], 4);
	wait_for_tones(ENOUGH);
	assert_string_equal(bob.digits, "11#D");
	close_both();
}

/* Hold as sendonly and recvonly, and back: what may not be heard is not, and no loss is told. */
static void test_hold_and_resume(void **state)
{
	struct media_target at_alice, at_bob;
	struct media_statistics before, after;

	(void)state;
	open_both("127.0.0.1");
	parties_join(&alice, &bob);
	wait_for_tones(ENOUGH);
	at_alice = target_at(media_local(alice.media));
	at_bob = target_at(media_local(bob.media));

	/* Alice holds Bob; he hears her music, which she changes, and what he says is not sent. */
	at_bob.receives = at_alice.sends = false;
	assert_int_equal(media_set_target(alice.media, &at_bob), 0);
	assert_int_equal(media_set_target(bob.media, &at_alice), 0);
	before = statistics_of(&bob);
	party_say_tone(&alice, 350);
	party_listen_for(&bob, 350);
	wait_for(loop, &bob.heard, ENOUGH);
	after = statistics_of(&bob);
	assert_int_equal(after.sent, before.sent);

	at_bob.receives = at_alice.sends = true;
	assert_int_equal(media_set_target(alice.media, &at_bob), 0);
	assert_int_equal(media_set_target(bob.media, &at_alice), 0);
	wait_for_tones(ENOUGH);
	after = statistics_of(&alice);
	assert_int_equal(after.streams, 1);
	assert_int_equal(after.lost, 0);

	/* Bob hears nobody (inactive), but Alice did not hear of it. */
	at_alice.sends = at_alice.receives = false;
	assert_int_equal(media_set_target(bob.media, &at_alice), 0);
	bob.heard = 0;
	wait_for_frames(&alice, 10);
	assert_int_equal(bob.heard, 0);
	assert_true(statistics_of(&bob).unwanted > 0);
	close_both();
}

/* RFC 2543's hold: nothing goes to 0.0.0.0, and what comes from wherever is a stranger's. */
static void test_nothing_is_sent_to_nobody(void **state)
{
	struct media_target nobody;
	uint64_t sent;

	(void)state;
	open_both("127.0.0.1");
	parties_join(&alice, &bob);
	wait_for_tones(ENOUGH);
	nobody = target_at(address_of("0.0.0.0:9"));
	assert_int_equal(media_set_target(alice.media, &nobody), 0);
	sent = statistics_of(&alice).sent;
	wait_for_frames(&alice, 5);
	assert_int_equal(statistics_of(&alice).sent, sent);
	assert_true(statistics_of(&alice).strangers > 0);
	close_both();
}

/* CALL-3 (part): the far end moves to another address in mid-call, as after a
 * re-INVITE. */
static void test_the_far_end_moves(void **state)
{
	struct party moved;
	struct media_target target;

	(void)state;
	open_both("127.0.0.1");
	parties_join(&alice, &bob);
	wait_for_tones(ENOUGH);
	party_open(&moved, loop, "127.0.0.2", MEDIA_TRUST_NEGOTIATED);
	party_say_tone(&moved, 700);
	party_listen_for(&moved, ALICE_HZ);
	party_listen_for(&alice, 700);
	target = target_at(media_local(moved.media));
	assert_int_equal(media_set_target(alice.media, &target), 0);
	target = target_at(media_local(alice.media));
	assert_int_equal(media_set_target(moved.media, &target), 0);
	wait_for(loop, &alice.heard, ENOUGH);
	wait_for(loop, &moved.heard, ENOUGH);
	assert_int_equal(statistics_of(&alice).streams, 2);
	/* Bob, whom nobody told, goes on in vain. */
	assert_true(statistics_of(&alice).strangers > 0);
	party_close(&moved);
	close_both();
}

static void test_goodbye_is_told(void **state)
{
	struct media_statistics heard;

	(void)state;
	open_both("127.0.0.1");
	parties_join(&alice, &bob);
	wait_for_tones(ENOUGH);
	party_close(&alice);
	wait_for(loop, &bob.events[MEDIA_EVENT_BYE], 1);
	heard = statistics_of(&bob);
	assert_string_equal(heard.cname, "127.0.0.1");
	assert_int_equal(heard.reports, 1);
	assert_int_equal(heard.reported_lost, 0);
	party_close(&bob);
}

/* The first reports are due within 3.1 s, the next within 6.2: then both know the way between them.
 */
static void test_reports_tell_the_round_trip(void **state)
{
	uint64_t at_most = net_now_ms() + 4 * SOON_MS;

	(void)state;
	open_both("127.0.0.1");
	parties_join(&alice, &bob);
	while (statistics_of(&alice).round_trip_us == 0 && statistics_of(&bob).round_trip_us == 0) {
		assert_true(net_now_ms() < at_most);
		assert_int_equal(net_loop_step(loop), 0);
	}
	assert_true(statistics_of(&alice).reports > 0 || statistics_of(&bob).reports > 0);
	assert_true(statistics_of(&alice).round_trip_us < 1000000);
	assert_true(statistics_of(&bob).round_trip_us < 1000000);
	close_both();
}

/* The loop is held up for a fifth of a second, as by a machine that sleeps: what was not said is
 * not said now in a burst, no number is left out, and the stream goes on. */
static void test_a_pause_is_no_burst(void **state)
{
	uint64_t sent, until, turns;

	(void)state;
	open_both("127.0.0.1");
	parties_join(&alice, &bob);
	wait_for_tones(ENOUGH);
	sent = statistics_of(&alice).sent;
	for (until = net_now_ms() + 200; net_now_ms() < until;)
		;
	wait_for_frames(&alice, 1);
	turns = (net_now_ms() - until) / MEDIA_PACKET_MS; /* what came after it is sent in time */
	assert_in_range(statistics_of(&alice).sent - sent, 1, 4 + turns);
	wait_for_tones(ENOUGH);
	assert_int_equal(statistics_of(&bob).lost, 0);
	assert_int_equal(statistics_of(&bob).streams, 1);
	close_both();
}

/* ---- files --------------------------------------------------------------------------------- */

/* A file is played into a recording: nothing of it is missing, and its end is told once. */
static void test_a_file_is_played_into_a_recording(void **state)
{
	const char *said = file_path("said.wav"), *heard = file_path("heard.wav");
	struct media_tone_ear *ear = media_tone_ear_new(BOB_HZ);
	struct media_tone *tone = media_tone_new(BOB_HZ);
	struct media_wav_writer *writer;
	struct media_wav_reader *reader;
	int16_t samples[MEDIA_RATE];

	(void)state;
	media_tone_make(tone, samples, MEDIA_RATE);
	assert_int_equal(media_wav_create(&writer, said), 0);
	assert_int_equal(media_wav_write(writer, samples, MEDIA_RATE), 0);
	media_wav_finish(writer);

	open_both("127.0.0.1");
	assert_int_equal(media_record(alice.media, "/nowhere/at/all.wav"), -ENOENT);
	assert_int_equal(media_record(alice.media, heard), 0);
	assert_int_equal(media_set_source(bob.media,
					  &(struct media_source){.kind = MEDIA_WAV, .path = said}),
			 0);
	parties_join(&alice, &bob);
	wait_for(loop, &bob.events[MEDIA_EVENT_PLAYED], 1);
	wait_for_frames(&alice, 20);
	assert_int_equal(bob.events[MEDIA_EVENT_PLAYED], 1);
	assert_int_equal(media_record(alice.media, NULL), 0);
	close_both();

	assert_int_equal(media_wav_open(&reader, heard), 0);
	for (size_t count; (count = media_wav_read(reader, samples, MEDIA_RATE)) > 0;)
		media_tone_ear_hear(ear, samples, count);
	media_wav_close(reader);
	assert_in_range(media_tone_ear_heard_ms(ear), 500, 1100);
	media_tone_ear_free(ear);
	media_tone_free(tone);
}

/* ---- what goes wrong ----------------------------------------------------------------------- */

static int open_in(struct media **out, uint16_t first, uint16_t last)
{
	return media_open(out, &(struct media_config){.loop = loop,
						      .local = address_of("127.0.6.1"),
						      .port_first = first,
						      .port_last = last});
}

/* Of three pairs each is taken once; an odd end counts for nothing. */
static void test_ports_are_even_and_bounded(void **state)
{
	struct media *taken[3], *none = NULL;
	unsigned seen = 0;

	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(open_in(&taken[i], 15001, 15008), 0);
		assert_int_equal(media_port(taken[i]) % 2, 0);
		assert_in_range(media_port(taken[i]), 15002, 15006);
		seen |= 1u << (media_port(taken[i]) - 15002);
	}
	assert_int_equal(seen, 1 | 4 | 16);
	assert_int_equal(open_in(&none, 15001, 15008), -EADDRINUSE);
	media_close(taken[1]);
	assert_int_equal(open_in(&taken[1], 15001, 15008), 0);
	for (int i = 0; i < 3; i++)
		media_close(taken[i]);
	assert_int_equal(open_in(&none, 15001, 15002), -EINVAL);
	assert_int_equal(open_in(&none, 15008, 15002), -EINVAL);
	assert_int_equal(media_open(&none, &(struct media_config){.loop = loop,
								  .local = address_of("0.0.0.0")}),
			 -EINVAL);
	assert_null(none);
}

static void test_targets_of_no_use_are_refused(void **state)
{
	struct media_target target;

	(void)state;
	open_both("127.0.0.1");
	target = target_at(address_of("[::1]:9"));
	assert_int_equal(media_set_target(alice.media, &target), -EINVAL);
	target = target_at(address_of("127.0.0.1"));
	assert_int_equal(media_set_target(alice.media, &target), -EINVAL);
	target = target_at(address_of("127.0.0.1:9"));
	target.sent.pcmu = MEDIA_NO_PAYLOAD;
	assert_int_equal(media_set_target(alice.media, &target), -EINVAL);
	target.sent.pcmu = 128;
	assert_int_equal(media_set_target(alice.media, &target), -EINVAL);
	close_both();
}

/* Whoever is told of something may close the session at once. */
static void test_closing_from_its_own_callbacks(void **state)
{
	(void)state;
	open_both("127.0.0.1");
	parties_join(&alice, &bob);
	alice.closes = true; /* at the first audio */
	wait_for(loop, &bob.events[MEDIA_EVENT_BYE], 1);
	assert_null(alice.media);
	close_both();

	open_both("127.0.0.1");
	parties_join(&alice, &bob);
	wait_for_tones(ENOUGH);
	assert_int_equal(media_send_digits(alice.media, "1"), 0);
	wait_for(loop, &bob.events[MEDIA_EVENT_DIGIT], 1);
	media_clear_target(alice.media);
	wait_for(loop, &bob.events[MEDIA_EVENT_BYE], 1);
	close_both();
}

static int set_up(void **state)
{
	return net_loop_create(&loop) == 0 ? files_set_up(state) : -1;
}

static int tear_down(void **state)
{
	net_loop_free(loop);
	return files_tear_down(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tones_both_ways),
		cmocka_unit_test(test_tones_over_ipv6),
		cmocka_unit_test(test_each_way_its_codec_and_its_numbers),
		cmocka_unit_test(test_digits_arrive_once_and_in_order),
		cmocka_unit_test(test_hold_and_resume),
		cmocka_unit_test(test_nothing_is_sent_to_nobody),
		cmocka_unit_test(test_the_far_end_moves),
		cmocka_unit_test(test_goodbye_is_told),
		cmocka_unit_test(test_reports_tell_the_round_trip),
		cmocka_unit_test(test_a_pause_is_no_burst),
		cmocka_unit_test(test_a_file_is_played_into_a_recording),
		cmocka_unit_test(test_ports_are_even_and_bounded),
		cmocka_unit_test(test_targets_of_no_use_are_refused),
		cmocka_unit_test(test_closing_from_its_own_callbacks),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}

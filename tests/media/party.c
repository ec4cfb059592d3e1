#include "tests/media/party.h"

#include <string.h>

static bool close_if_wanted(struct party *party)
{
	if (!party->closes)
		return false;
	media_close(party->media);
	party->media = NULL;
	return true;
}

static void note_event(void *user, const struct media_event *event)
{
	struct party *party = user;
	size_t length = strlen(party->digits);

	assert_non_null(party->media);
	party->events[event->kind]++;
	if (event->kind == MEDIA_EVENT_DIGIT && length < MEDIA_DIGITS_MAX)
		party->digits[length] = event->digit;
	close_if_wanted(party);
}

static void note_audio(void *user, const int16_t *samples, size_t count)
{
	struct party *party = user;

	assert_non_null(party->media);
	assert_int_equal(count, MEDIA_PACKET_SAMPLES);
	party->frames++;
	if (party->ear != NULL) {
		media_tone_ear_hear(party->ear, samples, count);
		party->heard =
			(unsigned)(media_tone_ear_heard_ms(party->ear) / MEDIA_TONE_WINDOW_MS);
	}
	close_if_wanted(party);
}

void party_open(struct party *party, struct net_loop *loop, const char *address,
		enum media_trust trust)
{
	*party = (struct party){0};
	assert_int_equal(
		media_open(&party->media, &(struct media_config){.loop = loop,
								 .local = address_of(address),
								 .dscp = MEDIA_DSCP_VOICE,
								 .trust = trust,
								 .cname = address,
								 .on_event = note_event,
								 .on_audio = note_audio,
								 .user = party}),
		0);
}

void party_close(struct party *party)
{
	media_close(party->media);
	media_tone_ear_free(party->ear);
	*party = (struct party){0};
}

void party_listen_for(struct party *party, unsigned hz)
{
	media_tone_ear_free(party->ear);
	party->ear = media_tone_ear_new(hz);
	party->heard = 0;
	assert_non_null(party->ear);
}

void party_say_tone(struct party *party, unsigned hz)
{
	assert_int_equal(media_set_source(party->media,
					  &(struct media_source){.kind = MEDIA_TONE, .hz = hz}),
			 0);
}

struct media_target target_at(struct net_address address)
{
	return (struct media_target){
		.rtp = address,
		.sends = true,
		.receives = true,
		.codec = MEDIA_PCMU,
		.sent = {.pcmu = 0, .pcma = 8, .event = 101},
		.received = {.pcmu = 0, .pcma = 8, .event = 101},
	};
}

void parties_join(struct party *a, struct party *b)
{
	struct media_target at_a = target_at(media_local(a->media));
	struct media_target at_b = target_at(media_local(b->media));

	assert_int_equal(media_set_target(a->media, &at_b), 0);
	assert_int_equal(media_set_target(b->media, &at_a), 0);
}

struct media_statistics statistics_of(const struct party *party)
{
	struct media_statistics statistics;

	media_statistics_get(party->media, &statistics);
	return statistics;
}

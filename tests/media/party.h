/* party.h - a session under test, with what it heard and told. */
#ifndef TESTS_MEDIA_PARTY_H
#define TESTS_MEDIA_PARTY_H

#include "tests/net/support.h"

#include "media/media.h"
#include "media/tone.h"

struct party {
	struct media *media;
	struct media_tone_ear *ear; /* NULL: it listens for nothing */
	unsigned heard;             /* 50 ms windows that were its tone */
	unsigned frames;            /* of 20 ms, heard so far */
	unsigned events[MEDIA_EVENT_RECORDING + 1];
	char digits[MEDIA_DIGITS_MAX + 1];
	bool closes; /* when the next callback comes */
};

/* Opens a session at ADDRESS. */
void party_open(struct party *party, struct net_loop *loop, const char *address,
		enum media_trust trust);

/* Closes it, unless it has closed itself. */
void party_close(struct party *party);

/* Listens for a tone from now on. */
void party_listen_for(struct party *party, unsigned hz);

void party_say_tone(struct party *party, unsigned hz);

/* PCMU, telephone-event as 101, both ways, toward ADDRESS. */
struct media_target target_at(struct net_address address);

/* Both send to and hear the other. */
void parties_join(struct party *a, struct party *b);

struct media_statistics statistics_of(const struct party *party);

#endif

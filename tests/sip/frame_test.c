/* frame_test.c - messages out of a stream of bytes (RFC 3261 7.5, 18.3). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sip/frame.h"
#include "sip/message.h"

#define HEAD "MESSAGE sip:a@b SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bK1\r\n"
#define EMPTY HEAD "Content-Length: 0\r\n\r\n"
#define WITH_BODY HEAD "l : 5\r\nX: y\r\n\r\nhello"

/* What a TEXT that comes in one piece begins with; an error of the framer instead. */
static int frame_of(const char *text, struct sip_frame *frame)
{
	struct sip_framer framer = {0};

	return sip_framer_next(&framer, sip_span_of(text), frame);
}

static void assert_frame(const char *text, enum sip_frame_kind kind, size_t length)
{
	struct sip_frame frame;

	assert_int_equal(frame_of(text, &frame), 0);
	assert_int_equal(frame.kind, kind);
	assert_int_equal(frame.length, length);
}

static void assert_broken(const char *text, int error)
{
	struct sip_frame frame;

	assert_int_equal(frame_of(text, &frame), error);
}

static void a_message_is_as_long_as_it_says(void **state)
{
	(void)state;
	assert_frame(EMPTY, SIP_FRAME_MESSAGE, strlen(EMPTY));
	assert_frame(WITH_BODY "more", SIP_FRAME_MESSAGE, strlen(WITH_BODY));
	assert_frame(HEAD "Content-Length:\r\n 5\r\n\r\nhello", SIP_FRAME_MESSAGE,
		     strlen(HEAD "Content-Length:\r\n 5\r\n\r\nhello"));
	assert_frame(HEAD "X-Content-Length: 9\r\nSubject: a\r\n Content-Length: 7\r\n"
			  "Content-Length: 0\r\n\r\nrest",
		     SIP_FRAME_MESSAGE,
		     strlen(HEAD "X-Content-Length: 9\r\nSubject: a\r\n Content-Length: 7\r\n"
				 "Content-Length: 0\r\n\r\n"));
	assert_frame("", SIP_FRAME_PART, 0);
	assert_frame("MESS", SIP_FRAME_PART, 0);
	assert_frame(HEAD "Content-Length: 5\r\n\r\nhell", SIP_FRAME_PART, 0);
}

/* RFC 5626 3.5.1: two line ends ask, one answers. */
static void line_ends_between_messages(void **state)
{
	(void)state;
	assert_frame("\r\n\r\n" EMPTY, SIP_FRAME_PING, 4);
	assert_frame("\r\n" EMPTY, SIP_FRAME_CRLF, 2);
	assert_frame("\r", SIP_FRAME_PART, 0);
	assert_broken("\n", SIP_ELINE);
	assert_broken("\rX", SIP_ELINE);
}

/* However the bytes are cut, the same comes of them. */
static void one_byte_at_a_time(void **state)
{
	static const char text[] = "\r\n\r\n" EMPTY WITH_BODY "\r\n" EMPTY;
	static const enum sip_frame_kind kinds[] = {SIP_FRAME_CRLF,    SIP_FRAME_PING,
						    SIP_FRAME_MESSAGE, SIP_FRAME_MESSAGE,
						    SIP_FRAME_CRLF,    SIP_FRAME_MESSAGE};
	struct sip_framer framer = {0};
	struct sip_frame frame;
	size_t from = 0, found = 0;

	(void)state;
	for (size_t to = 1; to < sizeof text; to++) {
		const struct sip_span unread = {text + from, to - from};

		assert_int_equal(sip_framer_next(&framer, unread, &frame), 0);
		if (!frame.length)
			continue;
		assert_true(found < sizeof kinds / sizeof *kinds);
		assert_int_equal(frame.kind, kinds[found++]);
		from += frame.length;
	}
	assert_int_equal(found, sizeof kinds / sizeof *kinds);
	assert_int_equal(from, sizeof text - 1);
}

/* A stream whose lengths can't be trusted is over. */
static void hostile_lengths(void **state)
{
	(void)state;
	assert_broken(HEAD "\r\n", SIP_EABSENT);
	assert_broken(HEAD "Content-Length: -1\r\n\r\n", SIP_EVALUE);
	assert_broken(HEAD "Content-Length: \r\n\r\n", SIP_EVALUE);
	assert_broken(HEAD "Content-Length: 0x10\r\n\r\n", SIP_EVALUE);
	assert_broken(HEAD "Content-Length: 99999999999999999999\r\n\r\n", SIP_ERANGE);
	assert_broken(HEAD "Content-Length: 65535\r\n\r\n", SIP_ESIZE);
	assert_broken(HEAD "Content-Length: 0\r\nl: 0\r\n\r\n", SIP_EREPEATED);
}

/* A head without an end is given up at the length that no message has. */
static void endless_head(void **state)
{
	char *text = malloc(SIP_MESSAGE_MAX + 1);
	struct sip_framer framer = {0};
	struct sip_frame frame;

	(void)state;
	assert_non_null(text);
	memset(text, 'x', SIP_MESSAGE_MAX + 1);
	assert_int_equal(sip_framer_next(&framer, (struct sip_span){text, SIP_MESSAGE_MAX}, &frame),
			 0);
	assert_int_equal(frame.length, 0);
	assert_int_equal(
		sip_framer_next(&framer, (struct sip_span){text, SIP_MESSAGE_MAX + 1}, &frame),
		SIP_ESIZE);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_is_as_long_as_it_says),
		cmocka_unit_test(line_ends_between_messages),
		cmocka_unit_test(one_byte_at_a_time),
		cmocka_unit_test(hostile_lengths),
		cmocka_unit_test(endless_head),
	};

	return cmocka_run_group_tests_name("sip/frame", tests, NULL, NULL);
}

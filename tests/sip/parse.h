/* parse.h - what the tests of sip/ share: messages written in one string. */
#ifndef TESTS_SIP_PARSE_H
#define TESTS_SIP_PARSE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sip/message.h"

/* Parses a message that has to be valid.  Clear it. */
static inline struct sip_message parse(const char *text)
{
	struct sip_message message;

	assert_int_equal(sip_message_parse(&message, text, strlen(text)), 0);
	return message;
}

#define assert_span(span, text)                                                                    \
	do {                                                                                       \
		struct sip_span span_ = (span);                                                    \
		assert_int_equal(span_.length, strlen(text));                                      \
		assert_memory_equal(span_.at, text, span_.length);                                 \
	} while (0)

#endif

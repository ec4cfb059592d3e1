/* text.h - spans: pieces of somebody else's text, and the errors of this folder.
 *
 * A span owns nothing: it is good as long as the bytes that it points into (for a header value:
 * until sip_message_clear()).  An absent piece is {NULL, 0}; an empty one has a pointer.
 */
#ifndef SIP_TEXT_H
#define SIP_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#define SIP_ERRORS(X)                                                                              \
	X(SIP_EEMPTY, -1, "nothing but line ends: a keep-alive")                                   \
	X(SIP_ESIZE, -2, "more bytes or header lines than a message may have")                     \
	X(SIP_ESTART, -3, "the first line is neither a request line nor a status line")            \
	X(SIP_EVERSION, -4, "the SIP version is not 2.0")                                          \
	X(SIP_ELINE, -5, "a header line is broken or holds a forbidden character")                 \
	X(SIP_EABSENT, -6, "a header that must be there is missing")                               \
	X(SIP_EREPEATED, -7, "a header that must be there once is there twice")                    \
	X(SIP_EVALUE, -8, "a header's value breaks its grammar")                                   \
	X(SIP_ERANGE, -9, "a number is outside its range")                                         \
	X(SIP_EMETHOD, -10, "CSeq names another method than the request line")                     \
	X(SIP_EBODY, -11, "the body is shorter than Content-Length says")                          \
	X(SIP_EMEMORY, -12, "out of memory")                                                       \
	X(SIP_ESPACE, -13, "the result does not fit its buffer")                                   \
	X(SIP_EINJECTION, -14, "a value to be sent holds a line end")                              \
	X(SIP_EUNSUPPORTED, -15, "valid, but of a kind that is not known here")                    \
	X(SIP_EFULL, -16, "the transaction table is full")                                         \
	X(SIP_ESTATE, -17, "not allowed in this state")

#define SIP_ERROR_VALUE(name, value, sentence) name = value,
enum sip_error { SIP_OK = 0, SIP_ERRORS(SIP_ERROR_VALUE) };
#undef SIP_ERROR_VALUE

/* "SIP_EBODY" and its sentence; for any number that is not an error, "SIP_OK" and "no error". */
const char *sip_error_name(int error);
const char *sip_strerror(int error);

struct sip_span {
	const char *at;
	size_t length;
};

/* For printf: printf("%.*s", SIP_SPAN(span)). */
#define SIP_SPAN(span) (int)(span).length, (span).at

/* The span of a C string; of NULL, the absent span. */
static inline struct sip_span sip_span_of(const char *string)
{
	return (struct sip_span){string, string ? strlen(string) : 0};
}

/* Byte for byte, as tags, branches and Call-IDs compare. */
bool sip_span_equal(struct sip_span a, struct sip_span b);

/* For tables: where equal spans have equal places.  FNV-1a, mixed. */
uint64_t sip_span_hash(struct sip_span span);

/* ASCII case ignored, as names and tokens compare. */
static inline bool sip_span_is(struct sip_span span, const char *string)
{
	return span.length == strlen(string) &&
	       (span.length == 0 || strncasecmp(span.at, string, span.length) == 0);
}

/* Without the blanks, tabs and line ends around it. */
struct sip_span sip_span_trim(struct sip_span span);

/* What stands before the first SEPARATOR (all, if there is none); *rest is what follows it, or
 * absent.  Separators in "quotes" and in <angles> don't count. */
struct sip_span sip_span_cut(struct sip_span span, char separator, struct sip_span *rest);

/* The span without the quotes around it, if there are any; escapes inside stay as they are. */
struct sip_span sip_span_unquote(struct sip_span span);

/* A token (RFC 3261 25.1): not empty, and nothing but letters, digits and -.!%*_+`'~ */
bool sip_span_is_token(struct sip_span span);

/* A decimal number of at most MOST: digits and nothing else.
 * SIP_EVALUE if it is none, SIP_ERANGE if it is greater; then *number is unchanged. */
int sip_span_number(struct sip_span span, uint32_t most, uint32_t *number);

/* Copies to a C string.  SIP_ESPACE if it does not fit SIZE bytes, SIP_EVALUE if it holds a NUL (as
 * a quoted pair may); then BUFFER holds "". */
int sip_span_copy(struct sip_span span, char *buffer, size_t size);

/* Takes the next element of a comma-separated list off REST; false when none is left.
 * Commas in quotes and angles don't count, empty elements are passed over. */
bool sip_list_next(struct sip_span *rest, struct sip_span *element);

/* One `name` or `name=value` of a parameter list; an absent value is {NULL, 0}. */
struct sip_param {
	struct sip_span name;
	struct sip_span value; /* with its quotes, if it has any */
};

/* Takes the next parameter off a list with this SEPARATOR (';' or, in digest, ','); false when
 * none is left.  Between two separators stands a parameter with an empty name. */
bool sip_param_next(struct sip_span *rest, char separator, struct sip_param *param);

/* Finds a ';' parameter by name; VALUE may be NULL. */
bool sip_param_find(struct sip_span params, const char *name, struct sip_span *value);

#endif

/* message.h - a received SIP message: its bytes, an index of its header lines, strict checks.
 *
 * The received bytes are kept as they came, so that what is relayed can be copied byte for byte.
 * The parser knows datagrams: one message, with all of its body.
 *
 * Call sip_init() first (sip/value.h).  A message belongs to one thread at a time; different
 * messages are independent.
 */
#ifndef SIP_MESSAGE_H
#define SIP_MESSAGE_H

#include "sip/value.h"

enum {
	SIP_MESSAGE_MAX = 65535, /* bytes of a message: more than a datagram can carry */
	SIP_LINES_MAX = 256,     /* header lines of a message */
	SIP_MAX_FORWARDS_DEFAULT = 70,
};

struct sip_header {
	enum sip_header_id id; /* SIP_HEADER_OTHER: compare `name` */
	struct sip_span name;  /* as received, full or compact */
	struct sip_span value; /* trimmed; the line ends of folding are blanks */
	struct sip_span line;  /* all its bytes as received, CRLF included, folding untouched */
};

struct sip_message {
	/* The first line. */
	bool is_request;
	enum sip_method method;      /* of the request line; of a response, CSeq's */
	struct sip_span method_name; /* the same, in letters */
	struct sip_span request_uri; /* absent in a response */
	uint16_t status;             /* 100..699; 0 in a request */
	struct sip_span reason;      /* absent in a request */

	/* What every message has, decoded and checked. */
	struct sip_via via; /* the top one */
	struct sip_address from, to;
	struct sip_span call_id;
	struct sip_cseq cseq;
	uint8_t max_forwards; /* SIP_MAX_FORWARDS_DEFAULT if there is none */

	struct sip_span received; /* the message's bytes as they came */
	struct sip_span body;     /* as long as Content-Length says, or all that is there */
	struct sip_header *headers;
	size_t header_count;
	struct sip_block *block; /* the one allocation; headers and spans lie in it */
};

/* Parses a datagram: copies the bytes, indexes the header lines, checks that the message is valid:
 *   - SIP/2.0; status 100..699; method a token; at most SIP_MESSAGE_MAX bytes, SIP_LINES_MAX lines;
 *   - Via, From, To, Call-ID and CSeq are there and decode, the last four once each;
 *   - CSeq < 2^31 and of the request's method; Max-Forwards 0..255; Expires and the like are
 *     32-bit numbers; From and To hold a URI;
 *   - the body is not shorter than Content-Length; a surplus is cut off.
 * On success the caller clears the message.  On an error it holds nothing. */
int sip_message_parse(struct sip_message *message, const void *bytes, size_t length);

/* The same message once more, without a copy of its bytes: each of both is cleared. */
void sip_message_share(struct sip_message *to, const struct sip_message *message);

void sip_message_clear(struct sip_message *message);

/* Where in message->received the bytes stand that PIECE, of a header's value or name or of the
 * first line, was read from: the same length, with the line ends of folding. */
size_t sip_message_offset(const struct sip_message *message, struct sip_span piece);

/* The NTH (from 0) header line with this id, or with this full or compact name; NULL: no more.
 * sip_message_header() with SIP_HEADER_OTHER gives the unknown ones. */
const struct sip_header *sip_message_header(const struct sip_message *message,
					    enum sip_header_id id, size_t nth);
const struct sip_header *sip_message_header_named(const struct sip_message *message,
						  const char *name, size_t nth);

/* Walks the elements of a comma-separated header, over all of its lines, from a zeroed cursor on;
 * false: no more.  (Challenges and credentials hold commas of their own: one line, one challenge.)
 */
struct sip_cursor {
	size_t line;          /* the next header to look at */
	struct sip_span rest; /* what is left of the current one */
};

bool sip_message_next(const struct sip_message *message, enum sip_header_id id,
		      struct sip_cursor *cursor, struct sip_span *element);

/* The NTH (from 0) element of a comma-separated header; false: no more. */
bool sip_message_element(const struct sip_message *message, enum sip_header_id id, size_t nth,
			 struct sip_span *element);

/* Does a header such as Supported, Require or Allow list TOKEN, whatever its case? */
bool sip_message_lists(const struct sip_message *message, enum sip_header_id id, const char *token);

/* The NTH Via; SIP_EABSENT if there are no more, else as sip_via_parse(). */
int sip_message_via(const struct sip_message *message, size_t nth, struct sip_via *via);

/* The NTH address of Contact, Route, Record-Route and their kind; SIP_EABSENT if no more. */
int sip_message_address(const struct sip_message *message, enum sip_header_id id, size_t nth,
			struct sip_address *address);

/* The branch of the top Via in QUOTED, the beginning of a message as an ICMP error has it; absent:
 * so much is not there, or it is cut in the branch. */
struct sip_span sip_quoted_branch(struct sip_span quoted);

/* Seconds of Expires, Min-Expires, Retry-After, Flow-Timer; SIP_EABSENT if not there. */
int sip_message_seconds(const struct sip_message *message, enum sip_header_id id,
			uint32_t *seconds);

/* The time a 200 to REGISTER grants to our contact (RFC 3261 10.2.4): its `expires` parameter,
 * else the Expires header.  SIP_EABSENT if our contact is not listed or has no time. */
int sip_message_granted(const struct sip_message *message, const struct sip_uri *contact,
			uint32_t *seconds);

#endif

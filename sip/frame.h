/* frame.h - where messages begin and end in a stream of bytes (RFC 3261 7.5, 18.3).
 *
 *	struct sip_framer framer = {0};
 *	while (!(error = sip_framer_next(&framer, unread, &frame)) && frame.length)
 *		... use and drop the first frame.length bytes of `unread`
 *	an error: the rest of the stream can't be read any more
 *
 * Looks at each byte of a head once, however slowly they come.
 */
#ifndef SIP_FRAME_H
#define SIP_FRAME_H

#include "sip/text.h"

enum sip_frame_kind {
	SIP_FRAME_PART,    /* nothing whole is there yet */
	SIP_FRAME_MESSAGE, /* for sip_message_parse() */
	SIP_FRAME_PING,    /* CRLF CRLF between messages: wants a CRLF back (RFC 5626 3.5.1) */
	SIP_FRAME_CRLF,    /* a CRLF between messages: an answered ping, or half of a slow one */
};

struct sip_frame {
	enum sip_frame_kind kind;
	size_t length; /* bytes from the start; 0: PART */
};

/* What is known of the bytes that were not dropped.  All zero at first. */
struct sip_framer {
	size_t seen;           /* bytes of the head that were looked at */
	size_t message_length; /* 0: not known yet */
	bool half;             /* a CRLF came before this */
};

/* What UNREAD, all that was not dropped, begins with.
 * SIP_ESIZE: longer than SIP_MESSAGE_MAX; SIP_EABSENT: no Content-Length, which a stream needs
 * (RFC 3261 20.14); SIP_EREPEATED: it is there twice; SIP_EVALUE, SIP_ERANGE: it is no length;
 * SIP_ELINE: a broken line end between messages. */
int sip_framer_next(struct sip_framer *framer, struct sip_span unread, struct sip_frame *frame);

#endif

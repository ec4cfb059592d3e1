/* dialog.h - dialogs (RFC 3261 12), of the calling side and of the called side.
 *
 * A dialog is a plain struct: it may be copied, stored and read back; nothing has to be freed.
 * Errors: SIP_ESPACE (a part is longer than its field), SIP_EABSENT (no tag or Contact),
 * SIP_EVALUE, SIP_ESTATE; the dialog is then unchanged.
 */
#ifndef SIP_DIALOG_H
#define SIP_DIALOG_H

#include "sip/builder.h"

enum {
	SIP_DIALOG_ID_MAX = 256,    /* Call-ID or tag, with its NUL */
	SIP_DIALOG_URI_MAX = 512,   /* a URI or name-addr, with its NUL */
	SIP_DIALOG_ROUTE_MAX = 2048 /* the whole route set, with its NUL */
};

struct sip_dialog {
	bool is_caller;       /* we sent the request that made it (UAC) */
	bool is_confirmed;    /* a 2xx came or went; else it is early */
	uint32_t local_cseq;  /* of our last request in it; 0: none yet */
	uint32_t remote_cseq; /* of their last; 0: none yet */
	uint32_t invite_cseq; /* of our INVITE that an ACK answers */
	char call_id[SIP_DIALOG_ID_MAX];
	char local_tag[SIP_DIALOG_ID_MAX];
	char remote_tag[SIP_DIALOG_ID_MAX]; /* "" if the peer sets none (RFC 2543) */
	char local[SIP_DIALOG_URI_MAX];     /* From of our requests, up to the tag */
	char remote[SIP_DIALOG_URI_MAX];    /* To of our requests, without tag */
	char target[SIP_DIALOG_URI_MAX];    /* remote target: the peer's Contact URI */
	char route[SIP_DIALOG_ROUTE_MAX]; /* "<a>, <b>": the route set in our order; "" if empty */
};

/* Calling side: from the request as sent, whose From ends with its tag, and a 101..299 with a To
 * tag (12.1.2); the route set is the Record-Route reversed. */
int sip_dialog_from_response(struct sip_dialog *dialog, const struct sip_message *request,
			     const struct sip_message *response);

/* Called side: from the request and the To tag that we answer with (12.1.1).  A caller of RFC 2543,
 * whose From has no tag, may leave out its Contact: it is at its From. */
int sip_dialog_from_request(struct sip_dialog *dialog, const struct sip_message *request,
			    const char *local_tag);

/* A 2xx came (its Contact is the new target, its Record-Route the set that counts, 13.2.2.4), or
 * went out: for the called side RESPONSE is NULL. */
int sip_dialog_confirm(struct sip_dialog *dialog, const struct sip_message *response);

/* Does a received message belong to this dialog: Call-ID and both tags (12.2.2)? */
bool sip_dialog_matches(const struct sip_dialog *dialog, const struct sip_message *message);

/* Takes a received request in: its CSeq must grow (SIP_ESTATE: answer 500), but ACK and CANCEL,
 * which carry their INVITE's; a re-INVITE's, UPDATE's or SUBSCRIBE's Contact is the new target. */
int sip_dialog_receive(struct sip_dialog *dialog, const struct sip_message *request);

/* A 2xx to our own re-INVITE, UPDATE or SUBSCRIBE: its Contact is the new target. */
int sip_dialog_refresh(struct sip_dialog *dialog, const struct sip_message *response);

/* Our re-INVITE or UPDATE met one of theirs, and was answered 491: how long to wait before the next
 * try (14.1).  DRAW is a random number. */
uint32_t sip_dialog_glare_ms(const struct sip_dialog *dialog, uint64_t draw);

/* Where the next request goes: the first Route, else the target (12.2.1.1); in the dialog. */
struct sip_span sip_dialog_next_hop(const struct sip_dialog *dialog);

/* Writes the request line, Via, Route, Max-Forwards, From, To, Call-ID and CSeq of a request in the
 * dialog, by loose or strict routing as the first Route says.  METHOD takes the next CSeq; an ACK
 * that of the INVITE; an INVITE's is noted for its ACK.  VIA is the header's whole value.
 * Further headers and the end are the caller's.  Errors stick to the builder. */
void sip_dialog_request(struct sip_dialog *dialog, struct sip_builder *builder, const char *method,
			const char *via);

/* The request URI that sip_dialog_request() writes: the target, or a strict router's URI. */
struct sip_span sip_dialog_request_uri(const struct sip_dialog *dialog);

#endif

/* rewrite.h - what a message is on the other side of the agent: its own lines there, and all others
 * byte for byte (AGENT-3, AGENT-4).
 *
 *	            request                              response
 *	inward      our Via above the others,            the Vias of the request that it answers,
 *	            Record-Route ours instead of theirs, Record-Route ours instead of theirs,
 *	            request URI the endpoint's           CSeq as the endpoint wrote it
 *	outward     our Via alone, no Record-Route,      the Vias and the Record-Route of the
 *request Route as the server wants it,        that it answers, Contact the line's, Contact the
 *line's, CSeq mapped      CSeq as it was asked
 *
 * Which lines these are the caller knows; here they are put in their places.  An absent span leaves
 * alone what it is for.
 */
#ifndef AGENT_REWRITE_H
#define AGENT_REWRITE_H

#include "agent/edit.h"

/* Says what becomes of the credentials in a request; false: they stay (AGENT-9). */
typedef bool agent_credentials_judge(void *user, struct sip_span realm);

struct agent_request_rewrite {
	struct sip_span uri;          /* the new request URI */
	struct sip_span via;          /* our Via's value */
	bool is_alone;                /* the Vias that came are taken out */
	struct sip_span route;        /* Route's value; empty: none.  What came is taken out */
	struct sip_span record_route; /* ours; empty: none.  What came is taken out */
	struct sip_span contact; /* the URI that stands in Contact; it is left alone if absent */
	uint32_t cseq;           /* the number; 0: as it came */
	uint32_t rack;           /* the number of the INVITE that RAck means; 0: as it came */
	uint32_t refer;          /* that of the REFER that Event means; 0: as it came */
	struct sip_span credentials;   /* whole lines of ours */
	agent_credentials_judge *ends; /* credentials that end here; NULL: none do */
	void *user;
	struct sip_span body; /* another one (agent/loopback.h); absent: it stays */
	bool on_stream;       /* where Content-Length has to be there (RFC 3261 20.14) */
};

/* Writes a request as it goes on.  Max-Forwards, which must not be 0 (AGENT-10), goes down by one.
 * Returns its length, or an error of agent_edit_write(). */
int agent_rewrite_request(const struct sip_message *request,
			  const struct agent_request_rewrite *rewrite, char *to, size_t size);

struct agent_response_rewrite {
	const struct sip_message *asked; /* the request as it came from that side */
	struct sip_span vias;            /* whole lines: its Vias, the top one with `received` */
	/* Whole lines that stand for what came; absent: those of the request. */
	struct sip_span record_routes;
	struct sip_span contact; /* as above; of 101 to 299 alone */
	struct sip_span body;    /* as above */
	bool on_stream;          /* as above */
};

/* Writes a response as it goes on, CSeq as in `asked`. */
int agent_rewrite_response(const struct sip_message *response,
			   const struct agent_response_rewrite *rewrite, char *to, size_t size);

/* The INVITE that a PRACK's RAck means (RFC 3262 7.2); false: there is no such header, or it is
 * broken. */
bool agent_read_rack(const struct sip_message *request, uint32_t *cseq);

/* The REFER that "Event: refer;id=" means (RFC 3515 2.4.6); false: there is none. */
bool agent_read_refer(const struct sip_message *request, uint32_t *cseq);

#endif

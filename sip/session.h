/* session.h - session timers (RFC 4028): how long a call lives without a sign of its far end.
 *
 * A plain struct beside a dialog, with its own arithmetic and no clock: `now` is in milliseconds of
 * any origin, and what waits is an `_at`.  "Refresher" is who sends the re-INVITE or UPDATE that
 * keeps the session.
 */
#ifndef SIP_SESSION_H
#define SIP_SESSION_H

#include "sip/builder.h"
#include "sip/transaction.h"

enum { SIP_MIN_SE_S = 90 }; /* RFC 4028 4: no shorter session may be asked for */

struct sip_session {
	uint32_t wanted_s;   /* what we ask for; 0: no timer, unless the far end asks */
	uint32_t min_s;      /* the longest Min-SE that was told, at least SIP_MIN_SE_S */
	uint32_t interval_s; /* agreed on; 0: there is no timer */
	bool is_refresher;   /* we are */
	uint64_t refresh_at; /* we have to refresh; SIP_NEVER: not our part */
	uint64_t expire_at;  /* nobody refreshed: BYE; SIP_NEVER: there is no timer */
};

/* Asks for WANTED_S (0: none); nothing is agreed on. */
void sip_session_init(struct sip_session *session, uint32_t wanted_s);

/* ---- we ask ---- */

/* Writes Session-Expires and Min-SE of an INVITE or UPDATE.  A refresh keeps the roles. */
void sip_session_write_request(const struct sip_session *session, struct sip_builder *builder);

/* A 422 came: asks for more from now on.  False: that would not help. */
bool sip_session_take_refusal(struct sip_session *session, const struct sip_message *response);

/* A 2xx came to such a request (RFC 4028 7.2). */
void sip_session_take_answer(struct sip_session *session, const struct sip_message *response,
			     uint64_t now);

/* ---- the far end asks ---- */

/* May an INVITE or UPDATE be accepted?  False: answer it with 422 and Min-SE (RFC 4028 9). */
bool sip_session_admits(const struct sip_session *session, const struct sip_message *request);

/* It is accepted: settles the interval and who refreshes. */
void sip_session_take_request(struct sip_session *session, const struct sip_message *request,
			      uint64_t now);

/* Writes Session-Expires and, where the far end is the refresher, Require of its 2xx. */
void sip_session_write_answer(const struct sip_session *session, struct sip_builder *builder);

#endif

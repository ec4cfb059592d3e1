/* session.c - session timers. */
#include "sip/session.h"

enum {
	MARGIN_S = 32, /* RFC 4028 10: the BYE comes so long before the end, or a third */
};

void sip_session_init(struct sip_session *session, uint32_t wanted_s)
{
	*session = (struct sip_session){
		.wanted_s = wanted_s,
		.min_s = SIP_MIN_SE_S,
		.refresh_at = SIP_NEVER,
		.expire_at = SIP_NEVER,
	};
}

/* The seconds of Session-Expires or Min-SE; 0: it is not there, or broken.  *REFRESHER is its
 * parameter, absent if it has none. */
static uint32_t read_seconds(const struct sip_message *message, enum sip_header_id id,
			     struct sip_span *refresher)
{
	const struct sip_header *header = sip_message_header(message, id, 0);
	struct sip_span params;
	uint32_t seconds = 0;

	*refresher = (struct sip_span){NULL, 0};
	if (!header)
		return 0;
	sip_span_number(sip_span_trim(sip_span_cut(header->value, ';', &params)), UINT32_MAX,
			&seconds);
	if (params.at)
		sip_param_find(params, "refresher", refresher);
	return seconds;
}

static uint32_t larger(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

/* RFC 4028 7.2, 10: the refresher acts at half the interval; both give up a little before its end.
 */
static void start(struct sip_session *session, uint32_t interval_s, bool is_refresher, uint64_t now)
{
	uint64_t interval_ms = (uint64_t)interval_s * 1000;
	uint64_t margin_ms = MARGIN_S * 1000;

	if (interval_ms / 3 < margin_ms)
		margin_ms = interval_ms / 3;
	session->interval_s = interval_s;
	session->is_refresher = is_refresher;
	session->refresh_at = is_refresher ? now + interval_ms / 2 : SIP_NEVER;
	session->expire_at = now + interval_ms - margin_ms;
}

static void stop(struct sip_session *session)
{
	session->interval_s = 0;
	session->refresh_at = session->expire_at = SIP_NEVER;
}

/* ---- we ask -------------------------------------------------------------------------------- */

/* RFC 4028 7.4: a refresh says who the refresher is, so that roles don't change. */
void sip_session_write_request(const struct sip_session *session, struct sip_builder *builder)
{
	const char *refresher = session->is_refresher ? ";refresher=uac" : ";refresher=uas";
	uint32_t asked_s = session->interval_s ? session->interval_s : session->wanted_s;

	if (asked_s)
		sip_builder_header(builder, "Session-Expires", "%u%s",
				   larger(asked_s, session->min_s),
				   session->interval_s ? refresher : "");
	if (asked_s && session->min_s > SIP_MIN_SE_S)
		sip_builder_header(builder, "Min-SE", "%u", session->min_s);
}

bool sip_session_take_refusal(struct sip_session *session, const struct sip_message *response)
{
	struct sip_span refresher;
	uint32_t min_s = read_seconds(response, SIP_MIN_SE, &refresher);

	if (!session->wanted_s || min_s <= session->min_s || min_s <= session->wanted_s)
		return false;
	session->min_s = min_s;
	return true;
}

/* Less than anybody may ask for is taken for the least (RFC 4028 4). */
void sip_session_take_answer(struct sip_session *session, const struct sip_message *response,
			     uint64_t now)
{
	struct sip_span refresher;
	uint32_t interval_s = read_seconds(response, SIP_SESSION_EXPIRES, &refresher);

	if (interval_s)
		start(session, larger(interval_s, SIP_MIN_SE_S), !sip_span_is(refresher, "uas"),
		      now);
	else
		stop(session);
}

/* ---- the far end asks ---------------------------------------------------------------------- */

bool sip_session_admits(const struct sip_session *session, const struct sip_message *request)
{
	struct sip_span refresher;
	uint32_t asked_s = read_seconds(request, SIP_SESSION_EXPIRES, &refresher);

	return !asked_s || asked_s >= session->min_s ||
	       !sip_message_lists(request, SIP_SUPPORTED, "timer");
}

/* RFC 4028 9: what is asked for is taken; else what we want, not below the caller's Min-SE.  Who
 * does not know of timers can't refresh (table 2). */
void sip_session_take_request(struct sip_session *session, const struct sip_message *request,
			      uint64_t now)
{
	bool knows = sip_message_lists(request, SIP_SUPPORTED, "timer");
	struct sip_span refresher, none;
	uint32_t asked_s = read_seconds(request, SIP_SESSION_EXPIRES, &refresher);
	uint32_t min_s = read_seconds(request, SIP_MIN_SE, &none);

	if (!asked_s && session->wanted_s)
		asked_s = larger(session->wanted_s, min_s);
	if (asked_s)
		start(session, larger(asked_s, SIP_MIN_SE_S),
		      !knows || sip_span_is(refresher, "uas"), now);
	else
		stop(session);
}

void sip_session_write_answer(const struct sip_session *session, struct sip_builder *builder)
{
	if (!session->interval_s)
		return;
	sip_builder_header(builder, "Session-Expires", "%u;refresher=%s", session->interval_s,
			   session->is_refresher ? "uas" : "uac");
	if (!session->is_refresher)
		sip_builder_header(builder, "Require", "timer");
}

/* grant.c - the time that a 200 to REGISTER grants to our contact. */
#include "phone/grant.h"

/* How surely a contact is ours: the greater the better.  REG-2: by +sip.instance, else by URI, else
 * by user part.  RFC 5626 6: one instance has a contact for each reg-id. */
enum likeness { SOMEBODY_ELSES, NOT_KNOWN, SAME_USER, SAME_URI, SAME_INSTANCE, SAME_FLOW };

/* Of a contact of our instance. */
static enum likeness compare_flow(const struct sip_address *contact, uint32_t reg_id)
{
	struct sip_span text;
	uint32_t found;

	if (!sip_param_find(contact->params, "reg-id", &text))
		return reg_id ? SAME_INSTANCE : SAME_FLOW;
	if (!reg_id || !text.at || sip_span_number(text, UINT32_MAX, &found))
		return SAME_INSTANCE;
	return found == reg_id ? SAME_FLOW : SOMEBODY_ELSES;
}

static enum likeness compare(const struct sip_address *contact, const struct phone_contact *ours)
{
	struct sip_uri uri, own;
	struct sip_span instance;

	if (sip_param_find(contact->params, "+sip.instance", &instance) && instance.at)
		return sip_span_is(sip_span_unquote(instance), ours->instance)
			       ? compare_flow(contact, ours->reg_id)
			       : SOMEBODY_ELSES;
	if (sip_uri_parse(&uri, contact->uri) || sip_uri_parse(&own, sip_span_of(ours->uri)))
		return NOT_KNOWN;
	if (sip_uri_equal(&uri, &own))
		return SAME_URI;
	return sip_span_equal(uri.user, own.user) ? SAME_USER : NOT_KNOWN;
}

/* RFC 3261 10.2.4: the contact's own `expires`, else the Expires header, else what was asked. */
static kl_ms time_of(const struct sip_message *response, const struct sip_address *contact,
		     kl_ms asked_ms)
{
	struct sip_span text;
	uint32_t seconds;

	if (sip_param_find(contact->params, "expires", &text) && text.at &&
	    !sip_span_number(text, UINT32_MAX, &seconds))
		return (kl_ms)seconds * 1000;
	if (!sip_message_seconds(response, SIP_EXPIRES, &seconds))
		return (kl_ms)seconds * 1000;
	return asked_ms;
}

struct phone_grant phone_grant_read(const struct sip_message *response,
				    const struct phone_contact *ours)
{
	enum likeness best = SOMEBODY_ELSES;
	kl_ms best_ms = 0;
	size_t contacts = 0;
	uint32_t seconds = 0;
	struct sip_address contact;
	struct sip_cursor cursor = {0};
	struct sip_span element;

	while (sip_message_next(response, SIP_CONTACT, &cursor, &element)) {
		enum likeness likeness;
		kl_ms time_ms;

		if (sip_address_parse(&contact, element) || contact.is_star)
			continue;
		contacts++;
		likeness = compare(&contact, ours);
		time_ms = time_of(response, &contact, ours->asked_ms);
		if (likeness > best || (likeness == best && time_ms > best_ms)) {
			best = likeness;
			best_ms = time_ms;
		}
	}
	if (best >= SAME_USER)
		return (struct phone_grant){.granted_ms = best_ms};
	/* An intermediary rewrote it: a single contact is taken for ours, or the header's time. */
	if (best == NOT_KNOWN && contacts == 1)
		return (struct phone_grant){.granted_ms = best_ms, .guessed = true};
	sip_message_seconds(response, SIP_EXPIRES, &seconds);
	return (struct phone_grant){.granted_ms = (kl_ms)seconds * 1000, .guessed = true};
}

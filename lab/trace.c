/* trace.c - what passed between phones and their servers, as the judge reads it. */
#include "lab/trace.h"

#include <stdlib.h>

enum { ROOM_FIRST = 64 };

void lab_trace_clear(struct lab_trace *trace)
{
	free(trace->records);
	*trace = (struct lab_trace){0};
}

bool lab_trace_add(struct lab_trace *trace, const struct lab_trace_record *record)
{
	if (trace->count && record->at_us < trace->records[trace->count - 1].at_us)
		return false;
	if (trace->count == trace->room) {
		size_t room = trace->room ? 2 * trace->room : ROOM_FIRST;
		struct lab_trace_record *records =
			reallocarray(trace->records, room, sizeof *records);

		if (!records)
			return false;
		trace->records = records;
		trace->room = room;
	}
	trace->records[trace->count++] = *record;
	return true;
}

static uint64_t hash_span(uint64_t hash, struct sip_span text)
{
	for (size_t i = 0; i < text.length; i++)
		hash = (hash ^ (uint8_t)text.at[i]) * UINT64_C(0x100000001b3);
	return hash;
}

uint64_t lab_trace_name(struct sip_span text)
{
	uint64_t hash = hash_span(UINT64_C(0xcbf29ce484222325), text);

	return hash ? hash : 1;
}

static uint64_t name_tag(const struct sip_address *address)
{
	return address->tag.at ? lab_trace_name(address->tag) : 0;
}

/* User and host: what else an address-of-record may carry does not tell lines apart. */
static uint64_t name_line(const struct sip_address *address)
{
	struct sip_uri uri;

	if (sip_uri_parse(&uri, address->uri) || !uri.is_sip)
		return lab_trace_name(address->uri);
	return hash_span(lab_trace_name(uri.user), sip_span_of(uri.host));
}

/* What the phone asks for, or the server grants: a Contact's expires, else Expires.  A server that
 * lists the contacts of several phones is taken at its first word. */
static uint32_t read_expires(const struct sip_message *message)
{
	struct sip_address contact;
	struct sip_span value;
	uint32_t seconds;

	if (message->method == SIP_REGISTER &&
	    !sip_message_address(message, SIP_CONTACT, 0, &contact) &&
	    sip_param_find(contact.params, "expires", &value) &&
	    !sip_seconds_parse(&seconds, value))
		return seconds;
	return sip_message_seconds(message, SIP_EXPIRES, &seconds) ? LAB_TRACE_UNSAID : seconds;
}

static uint64_t read_event(const struct sip_message *message)
{
	const struct sip_header *event = sip_message_header(message, SIP_EVENT, 0);

	return event ? lab_trace_name(event->value) : 0;
}

/* Of a REGISTER, where its phone is: the host and port of its Contact. */
static uint64_t read_contact(const struct sip_message *message)
{
	struct sip_address contact;
	struct sip_uri uri;

	if (message->method != SIP_REGISTER ||
	    sip_message_address(message, SIP_CONTACT, 0, &contact) ||
	    sip_uri_parse(&uri, contact.uri))
		return 0;
	return hash_span(lab_trace_name(sip_span_of(uri.host)),
			 (struct sip_span){(const char *)&uri.port, sizeof uri.port});
}

/* Of a REGISTER, the flow that it makes.  RFC 5626 4.2 */
static uint32_t read_reg_id(const struct sip_message *message)
{
	struct sip_address contact;
	struct sip_span value;
	uint32_t number;

	if (message->method != SIP_REGISTER || !message->is_request ||
	    sip_message_address(message, SIP_CONTACT, 0, &contact) ||
	    !sip_param_find(contact.params, "reg-id", &value) ||
	    sip_span_number(value, INT32_MAX, &number))
		return 0;
	return number;
}

bool lab_trace_add_message(struct lab_trace *trace, const struct lab_trace_sight *sight,
			   const struct sip_message *message)
{
	/* The phone wrote From of its own requests, and is To's of those that come to it. */
	bool phone_asks = sight->from_phone == message->is_request;
	struct lab_trace_record record = {
		.at_us = sight->at_us,
		.kind = message->is_request ? LAB_TRACE_REQUEST : LAB_TRACE_ANSWER,
		.from_phone = sight->from_phone,
		.route = sight->route,
		.method = message->method,
		.status = message->status,
		.cseq = message->cseq.number,
		.line = name_line(phone_asks ? &message->from : &message->to),
		.call_id = lab_trace_name(message->call_id),
		.from_tag = name_tag(&message->from),
		.to_tag = name_tag(&message->to),
		.branch = lab_trace_name(message->via.branch),
		.event = read_event(message),
		.contact = read_contact(message),
		.reg_id = read_reg_id(message),
		.expires_s = read_expires(message),
		.retry_after_s = LAB_TRACE_UNSAID,
	};
	uint32_t seconds;

	if (!sip_message_seconds(message, SIP_RETRY_AFTER, &seconds))
		record.retry_after_s = seconds;
	return lab_trace_add(trace, &record);
}

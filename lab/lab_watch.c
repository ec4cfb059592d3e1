/* lab_watch.c - what passed: as entries for people, and as a trace for the judge. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "lab/lab_private.h"

/* ---- entries ---- */

/* What came from the network may hold anything: only what can be printed is kept. */
static void clean(char *text)
{
	for (; *text; text++)
		if (iscntrl((unsigned char)*text) || (unsigned char)*text > 126)
			*text = '?';
}

static struct lab_entry *entry_at(const struct lab *lab, uint64_t number)
{
	return (struct lab_entry *)&lab->entries[number % LAB_ENTRIES_MAX];
}

const struct lab_entry *lab_entry_from(const struct lab *lab, uint64_t number)
{
	uint64_t oldest =
		lab->entry_count > LAB_ENTRIES_MAX ? lab->entry_count - LAB_ENTRIES_MAX + 1 : 1;

	if (number < oldest)
		number = oldest;
	return number <= lab->entry_count ? entry_at(lab, number) : NULL;
}

static void add_entry(struct lab *lab, struct lab_entry *entry)
{
	entry->number = ++lab->entry_count;
	clean(entry->text);
	*entry_at(lab, entry->number) = *entry;
	if (lab->watcher.on_entry)
		lab->watcher.on_entry(lab->watcher.user, entry);
}

/* How long ago the same request came, here or elsewhere; 0: never. */
static uint64_t find_gap(const struct lab *lab, const struct lab_entry *entry)
{
	enum { LOOK_BACK = 256 };

	for (uint64_t n = lab->entry_count, looked = 0; n && looked < LOOK_BACK; n--, looked++) {
		const struct lab_entry *before = entry_at(lab, n);

		if (before->kind == LAB_ENTRY_REQUEST && before->same == entry->same &&
		    !before->sent)
			return entry->at_us - before->at_us;
	}
	return 0;
}

void lab_note_fault(struct lab *lab, int server, const char *text)
{
	struct lab_entry entry = {
		.at_us = lab_now_us(lab), .kind = LAB_ENTRY_FAULT, .server = server};

	snprintf(entry.text, sizeof entry.text, "%s", text);
	add_entry(lab, &entry);
}

void lab_take_question(void *user, const struct lab_dns_reply *reply)
{
	static const struct {
		uint16_t type;
		const char *name;
	} types[] = {{NET_DNS_A, "A"},
		     {NET_DNS_AAAA, "AAAA"},
		     {NET_DNS_SRV, "SRV"},
		     {NET_DNS_NAPTR, "NAPTR"}};
	static const char *const codes[] = {[2] = "SERVFAIL", [3] = "NXDOMAIN", [5] = "REFUSED"};
	struct lab *lab = user;
	struct lab_entry entry = {
		.at_us = lab_now_us(lab), .kind = LAB_ENTRY_QUESTION, .server = LAB_DNS};
	const char *type = "another type", *code = NULL;

	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		if (types[i].type == reply->type)
			type = types[i].name;
	if (reply->rcode < sizeof codes / sizeof *codes)
		code = codes[reply->rcode];
	if (lab->watcher.on_question)
		lab->watcher.on_question(lab->watcher.user, reply);
	entry.lost = !reply->size;
	if (entry.lost || code)
		snprintf(entry.text, sizeof entry.text, "%.100s %s: %s", reply->name, type,
			 entry.lost ? "no answer" : code);
	else
		snprintf(entry.text, sizeof entry.text, "%.100s %s: %u records", reply->name, type,
			 reply->records);
	add_entry(lab, &entry);
}

/* ---- messages ---- */

static const char *note_of(const struct sip_message *message)
{
	uint32_t seconds = 1;

	if (!message->is_request || message->method != SIP_REGISTER)
		return "";
	sip_message_seconds(message, SIP_EXPIRES, &seconds);
	if (!seconds)
		return ", to leave";
	return sip_message_header(message, SIP_AUTHORIZATION, 0) ? ", with credentials" : "";
}

static void describe(struct lab_entry *entry, const struct sip_message *message)
{
	/* The phone wrote From of what it asks, and To of what it answers. */
	const struct sip_address *phone =
		message->is_request == !entry->sent ? &message->from : &message->to;
	struct sip_uri uri;
	struct sip_span user = {"?", 1};

	if (!sip_uri_parse(&uri, phone->uri) && uri.is_sip)
		user = uri.user;
	if (message->is_request)
		snprintf(entry->text, sizeof entry->text, "%.*s%s (%.*s)",
			 (int)message->method_name.length, message->method_name.at,
			 note_of(message), (int)user.length, user.at);
	else
		snprintf(entry->text, sizeof entry->text, "%u %s to %.*s (%.*s)", message->status,
			 sip_reason_phrase(message->status), (int)message->method_name.length,
			 message->method_name.at, (int)user.length, user.at);
}

static uint64_t name_request(const struct sip_message *message)
{
	return lab_trace_name(message->call_id) ^
	       (uint64_t)message->method * UINT64_C(0x9e3779b97f4a7c15) ^
	       lab_trace_name(message->from.tag);
}

static struct kl_route route_of(const struct lab_sip_wire *wire)
{
	static const enum kl_transport transports[] = {
		[SIP_UDP] = KL_UDP, [SIP_TCP] = KL_TCP, [SIP_TLS] = KL_TLS};
	struct kl_route route = {.port = wire->local.port,
				 .transport = (uint8_t)transports[wire->transport]};

	memcpy(route.ip, wire->local.ip, sizeof route.ip);
	return route;
}

/* A message that a fault swallowed on its way in was sent by the phone all the same; one that did
 * not leave was never seen by it. */
static void trace_wire(struct lab *lab, const struct lab_sip_wire *wire, uint64_t at_us)
{
	const struct lab_trace_sight sight = {
		.at_us = at_us, .route = route_of(wire), .from_phone = !wire->sent};
	struct lab_trace_record record = {.at_us = at_us,
					  .route = sight.route,
					  .from_phone = true,
					  .kind = LAB_TRACE_CONNECT};
	bool added = true;

	if (lab->cut || (wire->sent && wire->lost))
		return;
	if (lab->trace.count == LAB_RECORDS_MAX) {
		lab->cut = true;
		return;
	}
	switch (wire->kind) {
	case LAB_WIRE_MESSAGE:
		added = lab_trace_add_message(&lab->trace, &sight, wire->message);
		break;
	case LAB_WIRE_CONNECTED:
		added = lab_trace_add(&lab->trace, &record);
		break;
	case LAB_WIRE_CUT:
		record.kind = LAB_TRACE_CLOSED;
		record.from_phone = false;
		added = lab_trace_add(&lab->trace, &record);
		break;
	case LAB_WIRE_INSECURE:
		record.kind = LAB_TRACE_FAULT;
		record.from_phone = false;
		record.fault = KL_FAULT_TLS;
		added = lab_trace_add(&lab->trace, &record);
		break;
	case LAB_WIRE_REFUSED:
	case LAB_WIRE_UNREACHABLE:
		record.kind = LAB_TRACE_FAULT;
		record.from_phone = false;
		record.fault = wire->kind == LAB_WIRE_REFUSED ? KL_FAULT_REFUSED : KL_FAULT_PORT;
		added = lab_trace_add(&lab->trace, &record);
		break;
	}
	lab->cut = !added;
}

void lab_take_wire(void *user, const struct lab_sip_wire *wire)
{
	static const char *const events[] = {[LAB_WIRE_CONNECTED] = "connects",
					     [LAB_WIRE_CUT] = "connection ended",
					     [LAB_WIRE_INSECURE] = "TLS handshake failed",
					     [LAB_WIRE_REFUSED] = "connection refused",
					     [LAB_WIRE_UNREACHABLE] = "ICMP: port unreachable"};
	const struct lab_place_of *place = user;
	struct lab *lab = place->lab;
	struct lab_entry entry = {
		.at_us = lab_now_us(lab),
		.kind = LAB_ENTRY_CONNECTION,
		.server = (int)place->index,
		.sent = wire->sent || wire->kind > LAB_WIRE_CONNECTED,
		.lost = wire->lost,
	};

	if (lab->watcher.on_wire)
		lab->watcher.on_wire(lab->watcher.user, place->index, wire);
	trace_wire(lab, wire, entry.at_us);
	net_address_format(&wire->far, entry.far);
	if (wire->kind == LAB_WIRE_MESSAGE) {
		entry.kind = wire->message->is_request ? LAB_ENTRY_REQUEST : LAB_ENTRY_ANSWER;
		describe(&entry, wire->message);
		entry.same = name_request(wire->message);
		if (entry.kind == LAB_ENTRY_REQUEST && !entry.sent)
			entry.gap_us = find_gap(lab, &entry);
	} else {
		snprintf(entry.text, sizeof entry.text, "%s: %s",
			 sip_transport_name(wire->transport), events[wire->kind]);
	}
	add_entry(lab, &entry);
}

const struct lab_trace *lab_watched(struct lab *lab, const char **note)
{
	lab->trace.ended_us = lab_now_us(lab);
	*note = NULL;
	if (lab->blind)
		*note = "What was sent to a closed port could not be seen, which takes root or "
			"CAP_NET_RAW: rules that it kept may look broken.";
	if (lab->cut)
		*note = "More passed than the lab can remember: the end of it is not judged.";
	return &lab->trace;
}

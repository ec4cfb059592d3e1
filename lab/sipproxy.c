/* sipproxy.c - requests for those who are registered, passed on without a transaction (RFC 3261
 * 16.11), and their answers back. */
#include <inttypes.h>
#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>

#include "lab/sipserver_private.h"
#include "lab/trace.h"

/* The parameter of our own Via that tells where the answer goes. */
#define BACK "keepline-back"

enum { BACK_MAX = 72, HEADER_MAX = 64 };

/* ---- where to ---- */

/* Where the binding's contact is reached: where its REGISTER came from. */
static bool find_hop(const struct lab_sipserver *server, const struct lab_binding *binding,
		     struct lab_hop *to)
{
	if (!binding)
		return false;
	memcpy(to, binding->peer.bytes, sizeof *to);
	return to->place < server->place_count;
}

/* A registered user, or the contact that one of them gave.  NULL: the request is for the server. */
static const struct lab_binding *find_target(const struct lab_sipserver *server,
					     const struct sip_message *request, uint64_t now)
{
	const struct lab_binding *binding =
		lab_registrar_find_contact(&server->registrar, request->request_uri, now);
	char user[LAB_USER_MAX];
	struct sip_uri uri;

	if (binding || sip_uri_parse(&uri, request->request_uri) || !uri.is_sip ||
	    sip_span_copy(uri.user, user, sizeof user))
		return binding;
	return lab_registrar_find(&server->registrar, user, now);
}

/* A seal on a way back, so that nobody else's answers are sent wherever they like. */
static uint64_t seal(const struct lab_sipserver *server, const char *back)
{
	unsigned char sum[EVP_MAX_MD_SIZE];
	uint64_t first = 0;

	if (HMAC(EVP_sha256(), server->secret, sizeof server->secret, (const unsigned char *)back,
		 strlen(back), sum, NULL))
		memcpy(&first, sum, sizeof first);
	return first;
}

/* "PLACE-ADDRESS-PORT-SEAL" in hex: a token, whatever the address. */
static void write_back(const struct lab_sipserver *server, char to[BACK_MAX],
		       const struct lab_hop *hop)
{
	int used = snprintf(to, BACK_MAX, "%x-", hop->place);

	for (size_t i = 0; i < sizeof hop->far.ip; i++)
		used += snprintf(to + used, BACK_MAX - (size_t)used, "%02x", hop->far.ip[i]);
	used += snprintf(to + used, BACK_MAX - (size_t)used, "-%x", hop->far.port);
	snprintf(to + used, BACK_MAX - (size_t)used, "-%016" PRIx64, seal(server, to));
}

/* False: we did not write it. */
static bool read_back(const struct lab_sipserver *server, struct sip_span text, struct lab_hop *hop)
{
	char copy[BACK_MAX], again[BACK_MAX];
	unsigned byte, port;
	int used;

	if (sip_span_copy(text, copy, sizeof copy) ||
	    sscanf(copy, "%1x-%n", &hop->place, &used) != 1 || hop->place >= server->place_count ||
	    strlen(copy) < (size_t)used + 2 * sizeof hop->far.ip + 2)
		return false;
	for (size_t i = 0; i < sizeof hop->far.ip; i++, used += 2) {
		if (sscanf(copy + used, "%2x", &byte) != 1)
			return false;
		hop->far.ip[i] = (uint8_t)byte;
	}
	if (sscanf(copy + used, "-%4x", &port) != 1)
		return false;
	hop->far.port = (uint16_t)port;
	write_back(server, again, hop);
	return strlen(copy) == strlen(again) && !CRYPTO_memcmp(copy, again, strlen(again));
}

/* ---- what ---- */

static bool is_copied(const struct sip_header *header)
{
	return header->id != SIP_CONTENT_LENGTH && header->id != SIP_CONTENT_TYPE &&
	       header->id != SIP_MAX_FORWARDS && header->id != SIP_VIA && header->id != SIP_ROUTE;
}

static void copy_rest(struct sip_builder *builder, const struct sip_message *message)
{
	for (size_t i = 0; i < message->header_count; i++) {
		const struct sip_header *header = &message->headers[i];
		char name[HEADER_MAX];

		if (is_copied(header) && !sip_span_copy(header->name, name, sizeof name))
			sip_builder_header(builder, name, "%.*s", (int)header->value.length,
					   header->value.at);
	}
}

static void copy_list(struct sip_builder *builder, const struct sip_message *message,
		      enum sip_header_id id, const char *name, bool without_first)
{
	struct sip_cursor cursor = {0};
	struct sip_span element;

	for (bool first = true; sip_message_next(message, id, &cursor, &element); first = false)
		if (!first || !without_first)
			sip_builder_header(builder, name, "%.*s", (int)element.length, element.at);
}

static int finish(struct sip_builder *builder, const struct sip_message *message)
{
	const struct sip_header *type = sip_message_header(message, SIP_CONTENT_TYPE, 0);
	char text[HEADER_MAX * 4];

	if (!message->body.length || !type || sip_span_copy(type->value, text, sizeof text))
		return sip_builder_finish(builder);
	return sip_builder_finish_body(builder, text, message->body);
}

/* ---- passing on ---- */

/* The branch has to be the same for a repeat, for the CANCEL and for the ACK of a refusal. */
static void write_via(const struct lab_sipserver *server, struct sip_builder *builder,
		      const struct sip_message *request, const struct lab_hop *from,
		      const struct lab_hop *to)
{
	const struct lab_place *place = &server->places[to->place];
	char host[NET_ADDRESS_TEXT_MAX], back[BACK_MAX];

	write_back(server, back, from);
	sip_builder_header(builder, "Via", "SIP/2.0/%s %s;branch=z9hG4bK%016" PRIx64 ";rport;%s=%s",
			   sip_transport_name(place->transport),
			   net_address_format(&place->local, host),
			   lab_trace_name(request->via.branch), BACK, back);
}

static void pass_request(struct lab_sipserver *server, const struct sip_message *request,
			 const struct lab_binding *target, const struct lab_hop *from)
{
	const struct lab_hop back = lab_answer_destination(request, from);
	struct sip_builder builder;
	char host[NET_ADDRESS_TEXT_MAX];
	struct lab_hop to;
	int length;

	if (!request->max_forwards || !find_hop(server, target, &to)) {
		server->dropped++;
		return;
	}
	sip_builder_init(&builder, server->answer, sizeof server->answer);
	sip_builder_request(&builder, sip_method_name(request->method), target->contact);
	write_via(server, &builder, request, &back, &to);
	copy_list(&builder, request, SIP_VIA, "Via", false);
	sip_builder_header(&builder, "Max-Forwards", "%u", request->max_forwards - 1u);
	if (!request->to.tag.at)
		sip_builder_header(&builder, "Record-Route", "<sip:%s;transport=%s;lr>",
				   net_address_format(&server->places[from->place].local, host),
				   sip_transport_name(server->places[from->place].transport));
	copy_list(&builder, request, SIP_ROUTE, "Route", true);
	copy_rest(&builder, request);
	length = finish(&builder, request);
	if (length > 0)
		lab_send(server, &to, request->method,
			 (struct sip_span){server->answer, (size_t)length});
}

static bool pass_answer(struct lab_sipserver *server, const struct sip_message *answer)
{
	struct sip_builder builder;
	struct sip_span back;
	struct lab_hop to;
	int length;

	if (!sip_param_find(answer->via.params, BACK, &back) || !read_back(server, back, &to))
		return false;
	sip_builder_init(&builder, server->answer, sizeof server->answer);
	sip_builder_status(&builder, answer->status, NULL);
	copy_list(&builder, answer, SIP_VIA, "Via", true);
	copy_rest(&builder, answer);
	length = finish(&builder, answer);
	if (length > 0)
		lab_send(server, &to, answer->method,
			 (struct sip_span){server->answer, (size_t)length});
	return true;
}

bool lab_proxy_take(struct lab_sipserver *server, const struct sip_message *message,
		    const struct lab_hop *source, uint64_t now)
{
	const struct lab_binding *target;

	if (!message->is_request)
		return pass_answer(server, message);
	if (message->method == SIP_REGISTER || message->method == SIP_METHOD_OTHER)
		return false;
	if (lab_fault_find(server, LAB_STATUS, message->method) ||
	    lab_fault_find(server, LAB_CHALLENGES, message->method) ||
	    lab_fault_find(server, LAB_STALE, message->method))
		return false; /* the fault answers */
	target = find_target(server, message, now);
	if (!target)
		return false;
	pass_request(server, message, target, source);
	return true;
}

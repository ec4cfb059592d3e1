#include "sip/dialog.h"

#include <stdio.h>
#include <string.h>

/* ---- parts --------------------------------------------------------------------------------- */

/* A name-addr without its header parameters: From and To are written with a tag of our own. */
static struct sip_span address_without_params(const struct sip_address *address)
{
	if (!address->params.at)
		return address->text;
	return sip_span_trim((struct sip_span){
		address->text.at, (size_t)(address->params.at - address->text.at) - 1});
}

/* Our own From up to its tag, which stands last: what we say there goes for all our requests. */
static struct sip_span address_without_tag(const struct sip_address *address)
{
	size_t length = (size_t)(address->tag.at - address->text.at);

	while (address->text.at[length] != ';')
		length--;
	return sip_span_trim((struct sip_span){address->text.at, length});
}

static int copy_party(const struct sip_address *address, char buffer[SIP_DIALOG_URI_MAX])
{
	return sip_span_copy(address_without_params(address), buffer, SIP_DIALOG_URI_MAX);
}

/* A Contact that is there has to be one URI (RFC 3261 8.1.1.8). */
static int copy_target(const struct sip_message *message, char buffer[SIP_DIALOG_URI_MAX])
{
	struct sip_address contact;
	int error = sip_message_address(message, SIP_CONTACT, 0, &contact);

	if (error != 0)
		return error;
	if (contact.is_star)
		return SIP_EVALUE;
	return sip_span_copy(contact.uri, buffer, SIP_DIALOG_URI_MAX);
}

/* Joins two parts of a route set with a comma. */
static int route_join(char route[SIP_DIALOG_ROUTE_MAX], struct sip_span first,
		      struct sip_span second)
{
	char joined[SIP_DIALOG_ROUTE_MAX];
	int length = snprintf(joined, sizeof(joined), "%.*s%s%.*s", SIP_SPAN(first),
			      first.length > 0 && second.length > 0 ? ", " : "", SIP_SPAN(second));

	if (length < 0 || length >= (int)sizeof(joined))
		return SIP_ESPACE;
	memcpy(route, joined, (size_t)length + 1);
	return 0;
}

/* The caller takes the Record-Route in reverse order, the called as it is (12.1.2, 12.1.1). */
static int copy_route(const struct sip_message *message, bool reversed,
		      char route[SIP_DIALOG_ROUTE_MAX])
{
	struct sip_cursor cursor = {0};
	struct sip_address address;
	struct sip_span element;
	int error = 0;

	route[0] = '\0';
	while (error == 0 && sip_message_next(message, SIP_RECORD_ROUTE, &cursor, &element)) {
		struct sip_span so_far = sip_span_of(route);
		error = sip_address_parse(&address, element);
		if (error == 0)
			error = reversed ? route_join(route, element, so_far)
					 : route_join(route, so_far, element);
	}
	return error;
}

static int copy_ids(struct sip_dialog *dialog, const struct sip_message *message,
		    struct sip_span local_tag, struct sip_span remote_tag)
{
	int error = sip_span_copy(message->call_id, dialog->call_id, sizeof(dialog->call_id));

	if (error == 0)
		error = sip_span_copy(local_tag, dialog->local_tag, sizeof(dialog->local_tag));
	if (error == 0)
		error = sip_span_copy(remote_tag, dialog->remote_tag, sizeof(dialog->remote_tag));
	return error;
}

/* ---- creation ------------------------------------------------------------------------------ */

int sip_dialog_from_response(struct sip_dialog *dialog, const struct sip_message *request,
			     const struct sip_message *response)
{
	struct sip_dialog made = {
		.is_caller = true,
		.is_confirmed = response->status >= 200,
		.local_cseq = request->cseq.number,
		.invite_cseq = request->cseq.number,
	};
	int error;

	if (response->status <= 100 || response->status >= 300)
		return SIP_ESTATE;
	if (!response->to.tag.at || !response->from.tag.at || !request->from.tag.at)
		return SIP_EABSENT;
	error = copy_ids(&made, response, response->from.tag, response->to.tag);
	if (error == 0)
		error = sip_span_copy(address_without_tag(&request->from), made.local,
				      sizeof(made.local));
	if (error == 0)
		error = copy_party(&request->to, made.remote);
	if (error == 0)
		error = copy_target(response, made.target);
	if (error == 0)
		error = copy_route(response, true, made.route);
	if (error == 0)
		*dialog = made;
	return error;
}

int sip_dialog_from_request(struct sip_dialog *dialog, const struct sip_message *request,
			    const char *local_tag)
{
	struct sip_dialog made = {.remote_cseq = request->cseq.number};
	int error = copy_ids(&made, request, sip_span_of(local_tag), request->from.tag);

	if (error == 0)
		error = copy_party(&request->to, made.local);
	if (error == 0)
		error = copy_party(&request->from, made.remote);
	if (error == 0)
		error = copy_target(request, made.target);
	if (error == SIP_EABSENT && !request->from.tag.at)
		error = sip_span_copy(request->from.uri, made.target, sizeof(made.target));
	if (error == 0)
		error = copy_route(request, false, made.route);
	if (error == 0)
		*dialog = made;
	return error;
}

int sip_dialog_confirm(struct sip_dialog *dialog, const struct sip_message *response)
{
	struct sip_dialog confirmed = *dialog;
	int error = 0;

	confirmed.is_confirmed = true;
	if (response && response->status / 100 != 2)
		return SIP_ESTATE;
	if (response)
		error = copy_target(response, confirmed.target);
	if (response && error == 0 && !dialog->is_confirmed)
		error = copy_route(response, true, confirmed.route);
	if (error == 0)
		*dialog = confirmed;
	return error;
}

/* ---- what comes in ------------------------------------------------------------------------- */

static bool span_is_id(struct sip_span span, const char *id)
{
	return sip_span_equal(span, sip_span_of(id));
}

bool sip_dialog_matches(const struct sip_dialog *dialog, const struct sip_message *message)
{
	bool from_peer = message->is_request;

	return span_is_id(message->call_id, dialog->call_id) &&
	       span_is_id(message->from.tag, from_peer ? dialog->remote_tag : dialog->local_tag) &&
	       span_is_id(message->to.tag, from_peer ? dialog->local_tag : dialog->remote_tag);
}

static bool is_target_refresh(enum sip_method method)
{
	return method == SIP_INVITE || method == SIP_UPDATE || method == SIP_SUBSCRIBE ||
	       method == SIP_NOTIFY || method == SIP_REFER;
}

/* A target refresh without a Contact leaves the target as it is. */
static int take_target(struct sip_dialog *dialog, const struct sip_message *message)
{
	char target[SIP_DIALOG_URI_MAX];
	int error;

	if (!is_target_refresh(message->method))
		return 0;
	error = copy_target(message, target);
	if (error == SIP_EABSENT)
		return 0;
	if (error == 0)
		memcpy(dialog->target, target, sizeof(target));
	return error;
}

int sip_dialog_receive(struct sip_dialog *dialog, const struct sip_message *request)
{
	int error;

	if (request->method == SIP_ACK || request->method == SIP_CANCEL)
		return 0;
	if (dialog->remote_cseq != 0 && request->cseq.number <= dialog->remote_cseq)
		return SIP_ESTATE;
	error = take_target(dialog, request);
	if (error == 0)
		dialog->remote_cseq = request->cseq.number;
	return error;
}

int sip_dialog_refresh(struct sip_dialog *dialog, const struct sip_message *response)
{
	return response->status / 100 == 2 ? take_target(dialog, response) : SIP_ESTATE;
}

/* RFC 3261 14.1: 2.1 to 4 s for who made the Call-ID, up to 2 s for the other, in steps of 10 ms.
 */
uint32_t sip_dialog_glare_ms(const struct sip_dialog *dialog, uint64_t draw)
{
	enum { STEP_MS = 10, OWNER_LEAST_MS = 2100, OWNER_MOST_MS = 4000, OTHER_MOST_MS = 2000 };

	if (!dialog->is_caller)
		return STEP_MS * (uint32_t)(draw % (OTHER_MOST_MS / STEP_MS + 1));
	return OWNER_LEAST_MS +
	       STEP_MS * (uint32_t)(draw % ((OWNER_MOST_MS - OWNER_LEAST_MS) / STEP_MS + 1));
}

/* ---- what goes out ------------------------------------------------------------------------- */

/* The first Route's URI; absent if the route set is empty.  REST: the routes after it. */
static struct sip_span first_route(const struct sip_dialog *dialog, struct sip_span *rest)
{
	struct sip_span element;
	struct sip_address address;

	*rest = sip_span_of(dialog->route);
	if (!sip_list_next(rest, &element) || sip_address_parse(&address, element) != 0)
		return (struct sip_span){NULL, 0};
	return address.uri;
}

/* RFC 3261 12.2.1.1: a first Route without `lr` is a strict router. */
static bool is_strict(struct sip_span route)
{
	struct sip_uri uri;

	return route.at && sip_uri_parse(&uri, route) == 0 && !uri.is_loose;
}

struct sip_span sip_dialog_next_hop(const struct sip_dialog *dialog)
{
	struct sip_span rest;
	struct sip_span route = first_route(dialog, &rest);

	return route.at ? route : sip_span_of(dialog->target);
}

/* A Contact or Route may hold header fields, a request URI may not (RFC 3261 19.1.1). */
static struct sip_span without_headers(struct sip_span text)
{
	struct sip_uri uri;

	if (sip_uri_parse(&uri, text) != 0 || !uri.headers.at)
		return text;
	return (struct sip_span){text.at, (size_t)(uri.headers.at - text.at) - 1};
}

struct sip_span sip_dialog_request_uri(const struct sip_dialog *dialog)
{
	struct sip_span rest;
	struct sip_span route = first_route(dialog, &rest);

	return without_headers(is_strict(route) ? route : sip_span_of(dialog->target));
}

/* A strict router stands in the request URI; then the target is the last Route. */
static void write_routes(const struct sip_dialog *dialog, struct sip_builder *builder)
{
	struct sip_span rest;

	if (!is_strict(first_route(dialog, &rest))) {
		if (dialog->route[0] != '\0')
			sip_builder_header(builder, "Route", "%s", dialog->route);
		return;
	}
	rest = sip_span_trim(rest);
	sip_builder_header(builder, "Route", "%.*s%s<%s>", SIP_SPAN(rest),
			   rest.length > 0 ? ", " : "", dialog->target);
}

static void write_party(struct sip_builder *builder, const char *name, const char *party,
			const char *tag)
{
	sip_builder_header(builder, name, "%s%s%s", party, tag[0] != '\0' ? ";tag=" : "", tag);
}

/* An ACK has its INVITE's number, every other request the next one (12.2.1.1, 13.2.2.4). */
static uint32_t take_cseq(struct sip_dialog *dialog, enum sip_method method)
{
	if (method == SIP_ACK)
		return dialog->invite_cseq;
	dialog->local_cseq++;
	if (method == SIP_INVITE)
		dialog->invite_cseq = dialog->local_cseq;
	return dialog->local_cseq;
}

void sip_dialog_request(struct sip_dialog *dialog, struct sip_builder *builder, const char *method,
			const char *via)
{
	uint32_t cseq = take_cseq(dialog, sip_method_of(sip_span_of(method)));

	sip_builder_request_span(builder, method, sip_dialog_request_uri(dialog));
	sip_builder_header(builder, "Via", "%s", via);
	write_routes(dialog, builder);
	sip_builder_header(builder, "Max-Forwards", "%d", SIP_MAX_FORWARDS_DEFAULT);
	write_party(builder, "From", dialog->local, dialog->local_tag);
	write_party(builder, "To", dialog->remote, dialog->remote_tag);
	sip_builder_header(builder, "Call-ID", "%s", dialog->call_id);
	sip_builder_header(builder, "CSeq", "%u %s", cseq, method);
}

/* rewrite.c - what a message is on the other side of the agent. */
#include "agent/rewrite.h"

#include <string.h>

/* ---- parts --------------------------------------------------------------------------------- */

static void put_value(struct agent_edit *edit, enum sip_header_id id, struct sip_span value)
{
	if (value.length)
		agent_edit_add(edit, id, "%.*s", SIP_SPAN(value));
}

/* What came with this id goes; VALUE, if it is not empty, comes. */
static void exchange(struct agent_edit *edit, enum sip_header_id id, struct sip_span value)
{
	if (!value.at)
		return;
	put_value(edit, id, value);
	agent_edit_drop(edit, id);
}

/* Only the URI of a Contact is a place: its name and its parameters, which tell what the endpoint
 * can do, pass.  A bare URI gets its angles, since ours has parameters. */
static void put_contact(struct agent_edit *edit, struct sip_span uri)
{
	struct sip_cursor cursor = {0};
	struct sip_address address;
	struct sip_span element;

	while (uri.at && sip_message_next(edit->message, SIP_CONTACT, &cursor, &element)) {
		if (sip_address_parse(&address, element) || address.is_star)
			continue;
		if (address.uri.at > element.at && address.uri.at[-1] == '<')
			agent_edit_replace(edit, address.uri, "%.*s", SIP_SPAN(uri));
		else
			agent_edit_replace(edit, address.uri, "<%.*s>", SIP_SPAN(uri));
	}
}

static struct sip_span number_of(struct sip_span value)
{
	size_t length = 0;

	while (length < value.length && value.at[length] >= '0' && value.at[length] <= '9')
		length++;
	return (struct sip_span){value.at, length};
}

static void put_cseq(struct agent_edit *edit, uint32_t number)
{
	const struct sip_header *line = sip_message_header(edit->message, SIP_CSEQ, 0);

	if (number && number != edit->message->cseq.number)
		agent_edit_replace(edit, number_of(line->value), "%u", number);
}

/* RAck = response-num LWS CSeq-num LWS Method */
static struct sip_span find_rack(const struct sip_message *request)
{
	const struct sip_header *line = sip_message_header_named(request, "RAck", 0);
	struct sip_span rest = {NULL, 0};

	if (!line)
		return rest;
	sip_span_cut(line->value, ' ', &rest);
	while (rest.length > 0 && (*rest.at == ' ' || *rest.at == '\t')) {
		rest.at++;
		rest.length--;
	}
	return number_of(rest);
}

bool agent_read_rack(const struct sip_message *request, uint32_t *cseq)
{
	return sip_span_number(find_rack(request), SIP_CSEQ_MAX, cseq) == 0;
}

static void put_rack(struct agent_edit *edit, uint32_t number)
{
	struct sip_span piece = find_rack(edit->message);
	uint32_t before;

	if (number && agent_read_rack(edit->message, &before) && before != number)
		agent_edit_replace(edit, piece, "%u", number);
}

static struct sip_span find_refer(const struct sip_message *request)
{
	const struct sip_header *line = sip_message_header(request, SIP_EVENT, 0);
	struct sip_span rest, id = {NULL, 0};

	if (line && sip_span_is(sip_span_trim(sip_span_cut(line->value, ';', &rest)), "refer"))
		sip_param_find(rest, "id", &id);
	return id;
}

bool agent_read_refer(const struct sip_message *request, uint32_t *cseq)
{
	return sip_span_number(find_refer(request), SIP_CSEQ_MAX, cseq) == 0;
}

static void put_refer(struct agent_edit *edit, uint32_t number)
{
	uint32_t before;

	if (number && agent_read_refer(edit->message, &before) && before != number)
		agent_edit_replace(edit, find_refer(edit->message), "%u", number);
}

/* RFC 3261 16.6 step 3. */
static void count_hop(struct agent_edit *edit)
{
	const struct sip_header *line = sip_message_header(edit->message, SIP_MAX_FORWARDS, 0);

	if (line)
		agent_edit_replace(edit, line->value, "%d", edit->message->max_forwards - 1);
	else
		agent_edit_add(edit, SIP_MAX_FORWARDS, "%d", SIP_MAX_FORWARDS_DEFAULT);
}

/* The realm in credentials, without its quotes. */
static struct sip_span realm_of(struct sip_span value)
{
	struct sip_span rest, realm = {NULL, 0};
	struct sip_param param;

	sip_span_cut(value, ' ', &rest);
	while (sip_param_next(&rest, ',', &param))
		if (sip_span_is(param.name, "realm"))
			realm = sip_span_unquote(param.value);
	return realm;
}

static void end_credentials(struct agent_edit *edit, const struct agent_request_rewrite *rewrite,
			    enum sip_header_id id)
{
	const struct sip_header *line;

	for (size_t i = 0; rewrite->ends && (line = sip_message_header(edit->message, id, i)); i++)
		if (rewrite->ends(rewrite->user, realm_of(line->value)))
			agent_edit_drop_line(edit, line);
}

struct finish {
	struct sip_span body;
	bool on_stream;
};

/* Returns the length of what is written, or an error. */
static int finish(struct agent_edit *edit, const struct finish *how, char *to, size_t size)
{
	struct sip_span body = how->body.at ? how->body : edit->message->body;

	if (how->body.at)
		agent_edit_body(edit, body);
	if (how->on_stream && !sip_message_header(edit->message, SIP_CONTENT_LENGTH, 0))
		agent_edit_add(edit, SIP_CONTENT_LENGTH, "%zu", body.length);
	return agent_edit_write(edit, to, size);
}

/* ---- whole messages ------------------------------------------------------------------------ */

int agent_rewrite_request(const struct sip_message *request,
			  const struct agent_request_rewrite *rewrite, char *to, size_t size)
{
	struct agent_edit edit;

	agent_edit_begin(&edit, request);
	if (rewrite->uri.at && !sip_span_equal(rewrite->uri, request->request_uri))
		agent_edit_replace(&edit, request->request_uri, "%.*s", SIP_SPAN(rewrite->uri));
	put_value(&edit, SIP_VIA, rewrite->via);
	if (rewrite->is_alone)
		agent_edit_drop(&edit, SIP_VIA);
	exchange(&edit, SIP_RECORD_ROUTE, rewrite->record_route);
	exchange(&edit, SIP_ROUTE, rewrite->route);
	count_hop(&edit);
	put_contact(&edit, rewrite->contact);
	put_cseq(&edit, rewrite->cseq);
	put_rack(&edit, rewrite->rack);
	put_refer(&edit, rewrite->refer);
	end_credentials(&edit, rewrite, SIP_AUTHORIZATION);
	end_credentials(&edit, rewrite, SIP_PROXY_AUTHORIZATION);
	agent_edit_add_lines(&edit, SIP_AUTHORIZATION, rewrite->credentials);
	return finish(&edit, &(struct finish){rewrite->body, rewrite->on_stream}, to, size);
}

static void exchange_lines(struct agent_edit *edit, enum sip_header_id id, struct sip_span lines)
{
	agent_edit_add_lines(edit, id, lines);
	agent_edit_drop(edit, id);
}

int agent_rewrite_response(const struct sip_message *response,
			   const struct agent_response_rewrite *rewrite, char *to, size_t size)
{
	const struct sip_span number =
		number_of(sip_message_header(rewrite->asked, SIP_CSEQ, 0)->value);
	const struct sip_header *cseq = sip_message_header(response, SIP_CSEQ, 0);
	bool joins = response->status > 100 && response->status < 300;
	struct sip_span record_routes = rewrite->record_routes;
	struct agent_edit edit;

	agent_edit_begin(&edit, response);
	exchange_lines(&edit, SIP_VIA, rewrite->vias);
	if (!record_routes.at)
		record_routes = agent_edit_copy(&edit, rewrite->asked, SIP_RECORD_ROUTE);
	if (joins)
		exchange_lines(&edit, SIP_RECORD_ROUTE, record_routes);
	if (joins)
		put_contact(&edit, rewrite->contact);
	if (!sip_span_equal(number, number_of(cseq->value)))
		agent_edit_replace(&edit, number_of(cseq->value), "%.*s", SIP_SPAN(number));
	return finish(&edit, &(struct finish){rewrite->body, rewrite->on_stream}, to, size);
}

/* request.c - the messages that a phone sends, as text. */
#include "phone/request.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "phone/flow.h"
#include "phone/private.h"

enum {
	DISPLAY_MAX = 2 * CONFIG_TEXT_MAX + 4,
	REGISTER_CALL_ID_MAX = PHONE_ID_MAX + 24,
	FLOW_MAX = 24, /* ";reg-id=" and a number */
};

/* ---- parts ----------------------------------------------------------------------------------- */

char *phone_write_host(const struct net_address *address, char to[NET_ADDRESS_TEXT_MAX])
{
	bool ipv4 = net_address_is_ipv4(address);

	to[0] = '\0';
	inet_ntop(ipv4 ? AF_INET : AF_INET6, ipv4 ? address->ip + 12 : address->ip, to,
		  NET_ADDRESS_TEXT_MAX);
	return to;
}

/* RFC 3581: rport, so that answers come back through a NAT.  RFC 5923: alias, so that requests of
 * the server may come on our stream. */
void phone_write_via(char to[PHONE_VIA_MAX], const struct phone_self *self, const char *branch)
{
	static const char *const names[] = {[KL_UDP] = "UDP", [KL_TCP] = "TCP", [KL_TLS] = "TLS"};
	char host[NET_ADDRESS_TEXT_MAX];

	snprintf(to, PHONE_VIA_MAX, "SIP/2.0/%s %s;branch=%s;rport%s", names[self->transport],
		 net_address_format(&self->address, host), branch,
		 self->transport == KL_UDP ? "" : ";alias");
}

/* RFC 5626 4.3: what goes over a flow says that it may. */
void phone_write_identity(const struct phone *phone, struct sip_builder *builder,
			  const struct phone_account *account, const struct phone_self *self)
{
	char contact[PHONE_URI_MAX];

	phone_flow_contact(phone, account, self, contact);
	sip_builder_header(builder, "Contact", "<%s>", contact);
	sip_builder_header(builder, "Allow", "%s", PHONE_ALLOW);
	sip_builder_header(builder, "Supported", "%s%s", PHONE_SUPPORTED,
			   phone_flow_leads(phone, account, &self->server) ? ", outbound" : "");
}

void phone_write_self(const struct phone *phone, struct sip_builder *builder,
		      const struct phone_account *account, const struct phone_self *self)
{
	phone_write_identity(phone, builder, account, self);
	sip_builder_header(builder, "User-Agent", "%s", PHONE_USER_AGENT);
}

bool phone_write_target(const struct phone_account *account, const char *target,
			char to[PHONE_TARGET_MAX + 8])
{
	bool has_scheme = !strncasecmp(target, "sip:", 4);
	bool other_scheme = !has_scheme && target[strcspn(target, ":@")] == ':';
	char aor[PHONE_URI_MAX];
	const char *domain;
	struct sip_uri uri;
	int length;

	phone_account_aor(account, aor);
	domain = strchr(target, '@') || has_scheme ? "" : strchr(aor, '@');
	length = *target ? snprintf(to, PHONE_TARGET_MAX + 8, "%s%s%s",
				    has_scheme ? "" : "sip:", target, domain)
			 : snprintf(to, PHONE_TARGET_MAX + 8, "%s", aor);
	return !other_scheme && phone_is_uri_text(target) && length > 0 &&
	       length < PHONE_TARGET_MAX + 8 && !sip_uri_parse(&uri, sip_span_of(to)) &&
	       uri.is_sip && !uri.is_secure && !uri.headers.at;
}

/* A display name as a quoted string with a blank behind it, or "" (RFC 3261 25.1). */
static void quote_display(const char *name, char to[DISPLAY_MAX])
{
	char *at = to;

	if (*name)
		*at++ = '"';
	for (; *name && at < to + DISPLAY_MAX - 5; name++) {
		if (*name == '"' || *name == '\\')
			*at++ = '\\';
		*at++ = *name;
	}
	if (at > to) {
		*at++ = '"';
		*at++ = ' ';
	}
	*at = '\0';
}

/* ---- whole requests -------------------------------------------------------------------------- */

struct head {
	const char *uri, *to_uri, *call_id, *tag;
	uint32_t cseq;
};

static void write_head(struct sip_builder *builder, const struct phone_request *request,
		       const struct head *head)
{
	const char *method = kl_method_name(request->send->method);
	char via[PHONE_VIA_MAX], display[DISPLAY_MAX], aor[PHONE_URI_MAX];

	phone_write_via(via, &request->self, request->branch);
	quote_display(request->account->line->display_name, display);
	phone_account_aor(request->account, aor);
	sip_builder_request(builder, method, head->uri);
	sip_builder_header(builder, "Via", "%s", via);
	sip_builder_header(builder, "Max-Forwards", "%d", SIP_MAX_FORWARDS_DEFAULT);
	sip_builder_header(builder, "From", "%s<%s>%s;tag=%s", display, aor, request->account->epid,
			   head->tag);
	sip_builder_header(builder, "To", "<%s>", head->to_uri);
	sip_builder_header(builder, "Call-ID", "%s", head->call_id);
	sip_builder_header(builder, "CSeq", "%u %s", head->cseq, method);
}

static void write_proof(struct sip_builder *builder, struct phone_request *request,
			const struct head *head, struct sip_span body)
{
	const struct phone_proof proof = {
		.route = &request->send->route,
		.request = request->proof,
		.digest = {.method = kl_method_name(request->send->method),
			   .uri = head->uri,
			   .body = body},
	};

	phone_account_prove(request->account, &proof, builder, request->sent);
}

/* RFC 5626 6: a registrar takes a Call-ID for one registration, so each flow has its own. */
static void write_call_id(const struct phone_account *account, const struct kl_action_send *send,
			  char to[REGISTER_CALL_ID_MAX])
{
	snprintf(to, REGISTER_CALL_ID_MAX, "%s%s-%u", account->id, send->reg_id > 1 ? "-flow2" : "",
		 send->call_id);
}

/* RFC 5626 4.2.1: with a reg-id the registration is a flow beside others. */
static int write_register(struct sip_builder *builder, struct phone_request *request,
			  const struct phone_accounts *accounts)
{
	const struct phone_account *account = request->account;
	const uint32_t reg_id = request->send->reg_id;
	char uri[PHONE_URI_MAX], aor[PHONE_URI_MAX], contact[PHONE_URI_MAX];
	char call_id[REGISTER_CALL_ID_MAX], flow[FLOW_MAX] = "";
	const struct head head = {.uri = uri,
				  .to_uri = aor,
				  .call_id = call_id,
				  .tag = account->tag,
				  .cseq = request->send->cseq};

	phone_account_registrar(account, uri);
	phone_account_aor(account, aor);
	phone_account_contact(account, &request->self, contact);
	write_call_id(account, request->send, call_id);
	write_head(builder, request, &head);
	if (reg_id)
		snprintf(flow, sizeof flow, ";reg-id=%u", reg_id);
	sip_builder_header(builder, "Contact", "<%s>;+sip.instance=\"%s\"%s", contact,
			   accounts->instance, flow);
	sip_builder_header(builder, "Expires", "%llu",
			   (unsigned long long)((request->send->expires_ms + 999) / 1000));
	sip_builder_header(builder, "Allow", "%s", PHONE_ALLOW);
	sip_builder_header(builder, "Supported", reg_id ? "path, outbound" : "path");
	sip_builder_header(builder, "User-Agent", "%s", PHONE_USER_AGENT);
	write_proof(builder, request, &head, (struct sip_span){NULL, 0});
	return sip_builder_finish(builder);
}

static int write_invite(const struct phone *phone, struct sip_builder *builder,
			struct phone_request *request)
{
	const struct phone_account *account = request->account;
	struct phone_call *call = request->call;
	const char *service_route = phone_account_service_route(account, &request->send->route);
	const struct head head = {.uri = phone_call_uri(call, &request->send->route),
				  .to_uri = call->target,
				  .call_id = call->call_id,
				  .tag = call->tag,
				  .cseq = call->cseq_base + request->send->cseq};
	struct sip_span body;

	if (phone_call_describe(call, &request->self.address))
		return SIP_EMEMORY;
	body = sip_span_of(call->description);
	call->cseq_last = head.cseq;
	write_head(builder, request, &head);
	if (*service_route)
		sip_builder_header(builder, "Route", "%s", service_route);
	phone_write_self(phone, builder, account, &request->self);
	sip_session_write_request(&call->session, builder);
	write_proof(builder, request, &head, body);
	return sip_builder_finish_body(builder, "application/sdp", body);
}

/* RFC 6665 4.1.2: outside a dialog as any request of the line, in it by its route set. */
static void write_subscribe_head(struct sip_builder *builder, struct phone_request *request)
{
	const struct phone_subscription *subscription = request->subscription;
	const struct head head = {.uri = subscription->target,
				  .to_uri = subscription->target,
				  .call_id = subscription->call_id,
				  .tag = subscription->tag,
				  .cseq = request->send->cseq};
	const char *service_route =
		phone_account_service_route(request->account, &request->send->route);
	char via[PHONE_VIA_MAX];

	if (request->send->purpose == KL_FOR_REFRESH) {
		subscription->dialog->local_cseq = request->send->cseq - 1;
		phone_write_via(via, &request->self, request->branch);
		sip_dialog_request(subscription->dialog, builder, "SUBSCRIBE", via);
		return;
	}
	write_head(builder, request, &head);
	if (*service_route)
		sip_builder_header(builder, "Route", "%s", service_route);
}

/* What a body may be; of other events the server knows it itself (RFC 6665 4.1.2.1). */
static const char *body_type_of(const char *event)
{
	static const char *const types[][2] = {
		{"message-summary", "application/simple-message-summary"},
		{"dialog", "application/dialog-info+xml"},
		{"presence", "application/pidf+xml"},
	};

	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
		if (!strcmp(event, types[i][0]))
			return types[i][1];
	return NULL;
}

static int write_subscribe(const struct phone *phone, struct sip_builder *builder,
			   struct phone_request *request)
{
	const struct phone_subscription *subscription = request->subscription;
	const char *type = body_type_of(subscription->event);
	char uri[SIP_DIALOG_URI_MAX];
	const struct head head = {.uri = uri};
	struct sip_span asked = sip_span_of(subscription->target);

	if (request->send->purpose == KL_FOR_REFRESH) {
		if (!subscription->dialog)
			return SIP_ESTATE;
		asked = sip_dialog_request_uri(subscription->dialog);
	}
	if (sip_span_copy(asked, uri, sizeof uri))
		return SIP_ESPACE;
	write_subscribe_head(builder, request);
	phone_write_self(phone, builder, request->account, &request->self);
	sip_builder_header(builder, "Event", "%s", subscription->event);
	if (type)
		sip_builder_header(builder, "Accept", "%s", type);
	sip_builder_header(builder, "Expires", "%llu",
			   (unsigned long long)((request->send->expires_ms + 999) / 1000));
	write_proof(builder, request, &head, (struct sip_span){NULL, 0});
	return sip_builder_finish(builder);
}

int phone_request_write(struct phone *phone, struct phone_request *request)
{
	struct sip_builder builder;

	sip_builder_init(&builder, phone->scratch, sizeof phone->scratch);
	if (request->subscription)
		return write_subscribe(phone, &builder, request);
	return request->call ? write_invite(phone, &builder, request)
			     : write_register(&builder, request, &phone->accounts);
}

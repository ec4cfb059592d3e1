/* agent/inward, agent/outward, agent/notes: requests through the agent byte for byte, in virtual
 * time.  The phone outside and the endpoints inside are this file (AGENT-3 to AGENT-6, AGENT-10).
 */
#include "tests/sip/parse.h"

#include <stdio.h>
#include <stdlib.h>

#include "agent/relay.h"
#include "tests/config/load.h"

enum { SECOND = 1000, RING = AGENT_FORK_RING_MS, SIZE = 4096 };

static struct {
	uint64_t now;
	struct config *config;
	struct agent_directory *directory;
	struct agent_registrar *registrar;
	struct agent agent;
	char inside[SIZE], outside[SIZE], hop[256]; /* the last message each way; where it went */
	unsigned sent_inside, sent_outside;         /* how many */
	sip_client_id client, cancelled;
	unsigned cancels, taken_back;
	unsigned replied; /* inside, by the agent itself */
	uint64_t token;   /* of the last walk, or request in a dialog */
	bool is_mute;     /* FAIL-5 lets nothing be sent */
	int calls;
} t;

static void note(char to[SIZE], struct sip_span bytes)
{
	assert_true(bytes.length < SIZE);
	memcpy(to, bytes.at, bytes.length);
	to[bytes.length] = '\0';
}

/* ---- what is played -------------------------------------------------------------------------- */

uint64_t __wrap_net_now_ms(void);
uint64_t __wrap_net_now_ms(void)
{
	return t.now;
}

const struct agent_directory *__wrap_agent_inside_directory(const struct agent_inside *inside);
const struct agent_directory *__wrap_agent_inside_directory(const struct agent_inside *inside)
{
	(void)inside;
	return t.directory;
}

struct agent_registrar *__wrap_agent_inside_registrar(struct agent_inside *inside);
struct agent_registrar *__wrap_agent_inside_registrar(struct agent_inside *inside)
{
	(void)inside;
	return t.registrar;
}

void __wrap_agent_inside_draw_branch(char branch[PHONE_ID_MAX]);
void __wrap_agent_inside_draw_branch(char branch[PHONE_ID_MAX])
{
	snprintf(branch, PHONE_ID_MAX, "z9hG4bKi%u", t.sent_inside);
}

int __wrap_agent_inside_write_via(const struct agent_inside *inside, const struct phone_hop *hop,
				  const char *branch, char to[PHONE_URI_MAX]);
int __wrap_agent_inside_write_via(const struct agent_inside *inside, const struct phone_hop *hop,
				  const char *branch, char to[PHONE_URI_MAX])
{
	(void)inside;
	(void)hop;
	snprintf(to, PHONE_URI_MAX, "SIP/2.0/UDP in:5070;branch=%s", branch);
	return 0;
}

int __wrap_agent_inside_write_route(const struct agent_inside *inside, const struct phone_hop *hop,
				    char to[PHONE_URI_MAX]);
int __wrap_agent_inside_write_route(const struct agent_inside *inside, const struct phone_hop *hop,
				    char to[PHONE_URI_MAX])
{
	(void)inside;
	(void)hop;
	snprintf(to, PHONE_URI_MAX, "<sip:in:5070;lr>");
	return 0;
}

int __wrap_agent_inside_send(struct agent_inside *inside, const struct agent_outgoing *outgoing,
			     sip_client_id *client);
int __wrap_agent_inside_send(struct agent_inside *inside, const struct agent_outgoing *outgoing,
			     sip_client_id *client)
{
	(void)inside;
	note(t.inside, outgoing->bytes);
	t.sent_inside++;
	*client = ++t.client;
	return 0;
}

void __wrap_agent_inside_cancel(struct agent_inside *inside, sip_client_id client);
void __wrap_agent_inside_cancel(struct agent_inside *inside, sip_client_id client)
{
	(void)inside;
	t.cancelled = client;
	t.cancels++;
}

void __wrap_agent_inside_pass(struct agent_inside *inside, const struct phone_hop *hop,
			      struct sip_span bytes);
void __wrap_agent_inside_pass(struct agent_inside *inside, const struct phone_hop *hop,
			      struct sip_span bytes)
{
	(void)inside;
	(void)hop;
	note(t.inside, bytes);
	t.sent_inside++;
}

void __wrap_agent_inside_reply(struct agent_inside *inside, const struct agent_incoming *incoming,
			       unsigned status, const char *reason);
void __wrap_agent_inside_reply(struct agent_inside *inside, const struct agent_incoming *incoming,
			       unsigned status, const char *reason)
{
	(void)inside;
	(void)incoming;
	(void)reason;
	t.replied = status;
}

void __wrap_agent_inside_refuse(struct agent_inside *inside, const struct agent_incoming *incoming,
				unsigned status, unsigned retry_after_s);
void __wrap_agent_inside_refuse(struct agent_inside *inside, const struct agent_incoming *incoming,
				unsigned status, unsigned retry_after_s)
{
	assert_int_equal(retry_after_s, AGENT_RETRY_S);
	__wrap_agent_inside_reply(inside, incoming, status, NULL);
}

void __wrap_agent_inside_respond(struct agent_inside *inside, sip_transaction_id id,
				 const struct phone_hop *back, const struct sip_answer *answer);
void __wrap_agent_inside_respond(struct agent_inside *inside, sip_transaction_id id,
				 const struct phone_hop *back, const struct sip_answer *answer)
{
	(void)inside;
	(void)id;
	(void)back;
	note(t.inside, answer->bytes);
	t.sent_inside++;
}

void __wrap_phone_relay_respond(struct phone *phone, sip_transaction_id id,
				const struct phone_hop *back, const struct sip_answer *answer);
void __wrap_phone_relay_respond(struct phone *phone, sip_transaction_id id,
				const struct phone_hop *back, const struct sip_answer *answer)
{
	(void)phone;
	(void)id;
	(void)back;
	note(t.outside, answer->bytes);
	t.sent_outside++;
}

void __wrap_phone_relay_contact(const struct phone *phone, const struct phone_incoming *incoming,
				uint32_t line, char to[PHONE_URI_MAX]);
void __wrap_phone_relay_contact(const struct phone *phone, const struct phone_incoming *incoming,
				uint32_t line, char to[PHONE_URI_MAX])
{
	(void)phone;
	(void)incoming;
	(void)line;
	snprintf(to, PHONE_URI_MAX, "sip:alice@out");
}

int __wrap_phone_relay_begin(struct phone *phone, uint32_t line, enum sip_method method,
			     uint64_t token);
int __wrap_phone_relay_begin(struct phone *phone, uint32_t line, enum sip_method method,
			     uint64_t token)
{
	(void)phone;
	(void)line;
	(void)method;
	t.token = token;
	return 0;
}

int __wrap_phone_relay_ask(struct phone *phone, const struct phone_relay_order *order);
int __wrap_phone_relay_ask(struct phone *phone, const struct phone_relay_order *order)
{
	(void)phone;
	t.token = order->token;
	return sip_span_copy(order->next_hop, t.hop, sizeof(t.hop));
}

void __wrap_phone_relay_cancel(struct phone *phone, uint32_t line, uint64_t token);
void __wrap_phone_relay_cancel(struct phone *phone, uint32_t line, uint64_t token)
{
	(void)phone;
	(void)line;
	assert_int_equal(token, t.token);
	t.taken_back++;
}

bool __wrap_phone_relay_may_signal(const struct phone *phone, const struct kl_binding *binding);
bool __wrap_phone_relay_may_signal(const struct phone *phone, const struct kl_binding *binding)
{
	(void)phone;
	(void)binding;
	return !t.is_mute;
}

void __wrap_phone_relay_prove(const struct phone_relay_send *send,
			      const struct sip_digest_request *request,
			      struct sip_builder *builder);
void __wrap_phone_relay_prove(const struct phone_relay_send *send,
			      const struct sip_digest_request *request, struct sip_builder *builder)
{
	if (send->again)
		sip_builder_header(builder, "Proxy-Authorization", "%s", request->uri);
}

void __wrap_phone_relay_call_began(struct phone *phone, uint32_t line);
void __wrap_phone_relay_call_began(struct phone *phone, uint32_t line)
{
	(void)phone;
	(void)line;
	t.calls++;
}

void __wrap_phone_relay_call_ended(struct phone *phone, uint32_t line);
void __wrap_phone_relay_call_ended(struct phone *phone, uint32_t line)
{
	(void)phone;
	(void)line;
	t.calls--;
}

json_t *__wrap_phone_relay_event(struct phone *phone, const char *name, uint32_t line);
json_t *__wrap_phone_relay_event(struct phone *phone, const char *name, uint32_t line)
{
	(void)phone;
	(void)name;
	(void)line;
	return NULL; /* nobody listens */
}

/* ---- the stage ------------------------------------------------------------------------------- */

static int set_up(void **state)
{
	(void)state;
	memset(&t, 0, sizeof(t));
	t.now = 1000 * SECOND;
	t.config = load_text("lines:\n  - {user: alice, domain: x, servers: {name: s}}\n"
			     "inside:\n  endpoints:\n    - {user: pbx, address: 192.0.2.1:5080}\n");
	t.directory = agent_directory_new(&(struct agent_directory_order){.config = t.config});
	t.registrar = agent_registrar_new(1);
	t.agent.config.config = t.config;
	t.agent.ledger = agent_ledger_new(64);
	TAILQ_INIT(&t.agent.walks);
	TAILQ_INIT(&t.agent.done);
	TAILQ_INIT(&t.agent.ringing);
	TAILQ_INIT(&t.agent.rung);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	agent_outward_clear(&t.agent);
	agent_inward_clear(&t.agent);
	assert_int_equal(t.agent.outward_count + t.agent.inward_count, 0);
	agent_ledger_free(t.agent.ledger);
	agent_registrar_free(t.registrar);
	agent_directory_free(t.directory);
	config_free(t.config);
	return 0;
}

static void come_from_outside(const char *text, sip_transaction_id id)
{
	struct sip_message request = parse(text);
	const struct phone_incoming incoming = {
		.request = &request, .id = id, .tag = "own", .transport = KL_UDP};

	assert_true(agent_inward_take(&t.agent, &(struct phone_relay_request){
							&incoming,
							request.to.tag.at != NULL,
							{.line = 0},
						}));
	sip_message_clear(&request);
}

static void answer_inside(const char *text, sip_transaction_id owner, sip_client_id client)
{
	struct sip_message response = {.status = 0};

	if (text)
		response = parse(text);
	agent_inward_answer(&t.agent, &(struct agent_answer){.client = client,
							     .owner = owner,
							     .response = text ? &response : NULL});
	if (text)
		sip_message_clear(&response);
}

static void come_from_inside(const char *text, sip_transaction_id id)
{
	struct sip_message request = parse(text);
	const struct agent_incoming incoming = {
		.packet = {.request = &request, .id = id, .tag = "own", .transport = KL_UDP}};

	agent_outward_take(&t.agent, &incoming);
	sip_message_clear(&request);
}

/* It goes out, for the AGAIN-th time with credentials. */
static void write_outside(unsigned again)
{
	const struct phone_relay_send send = {.token = t.token,
					      .via = "SIP/2.0/UDP out;branch=z9hG4bKo",
					      .contact = "sip:alice@out",
					      .service_route = "",
					      .media_host = "198.51.100.1",
					      .again = again};
	int length = agent_outward_write(&t.agent, &send, t.outside, sizeof(t.outside));

	assert_true(length > 0);
	t.outside[length] = '\0';
}

static void answer_outside(const char *text)
{
	struct sip_message response = parse(text);
	const struct phone_relay_answer answer = {.token = t.token, .response = &response};
	unsigned status = response.status;

	agent_outward_answer(&t.agent, &answer);
	sip_message_clear(&response);
	if (status >= 200)
		agent_outward_end(&t.agent, &(struct phone_relay_end){t.token, status, false});
}

static unsigned cseq_outside(void)
{
	return (unsigned)atoi(strstr(t.outside, "CSeq: ") + strlen("CSeq: "));
}

#define NEAR(method, number, to, more)                                                             \
	method " sip:bob@x SIP/2.0\r\nVia: SIP/2.0/UDP pbx;branch=z9hG4bK" number                  \
	       "\r\nMax-Forwards: 70\r\nFrom: <sip:alice@x>;tag=near\r\nTo: <sip:bob@x>" to        \
	       "\r\nCall-ID: c\r\nCSeq: " number " " method                                        \
	       "\r\nContact: <sip:pbx@192.0.2.1>\r\n" more "\r\n"
#define FAR(method, number, to)                                                                    \
	method " sip:alice@out SIP/2.0\r\nVia: SIP/2.0/UDP s;branch=z9hG4bK" number                \
	       "\r\nMax-Forwards: 70\r\nFrom: <sip:bob@x>;tag=far\r\nTo: <sip:alice@x>" to         \
	       "\r\nCall-ID: c\r\nCSeq: " number " " method "\r\nContact: <sip:bob@s>\r\n\r\n"
#define REPLY(status, from, to, number, method)                                                    \
	"SIP/2.0 " status                                                                          \
	" Said\r\nVia: SIP/2.0/UDP v;branch=z9hG4bKv\r\nFrom: <sip:a@x>;tag=" from                 \
	"\r\nTo: <sip:b@x>;tag=" to "\r\nCall-ID: c\r\nCSeq: " number " " method                   \
	"\r\nContact: <sip:b@h>\r\n\r\n"

/* ---- bytes ----------------------------------------------------------------------------------- */

/* AGENT-3, AGENT-4: compact and folded lines, odd blanks and a body that is no text stay. */
static void test_bytes_inward(void **state)
{
	static const char own[] = "Subject :  a\r\n\tb\r\nX-Odd:\r\nl: 5\r\n\r\n\x01\xff\n\r\x7f";
	char text[SIZE], expected[SIZE];

	(void)state;
	snprintf(text, sizeof(text),
		 "INVITE sip:alice@out;kl=none SIP/2.0\r\nv: SIP/2.0/UDP s;branch=z9hG4bK1\r\n"
		 "Record-Route: <sip:p1;lr>\r\nMax-Forwards: 9\r\nf: <sip:bob@x>;tag=far\r\n"
		 "Record-Route: <sip:p2;lr>\r\nt: <sip:alice@x>\r\ni: c\r\nCSeq:  5\t INVITE\r\n"
		 "m: \"B\" <sip:bob@s>;q=0.5\r\n%s",
		 own);
	snprintf(expected, sizeof(expected),
		 "INVITE sip:alice@192.0.2.1:5080 SIP/2.0\r\n"
		 "Via: SIP/2.0/UDP in:5070;branch=z9hG4bKi0\r\n"
		 "v: SIP/2.0/UDP s;branch=z9hG4bK1\r\nRecord-Route: <sip:in:5070;lr>\r\n"
		 "Max-Forwards: 8\r\nf: <sip:bob@x>;tag=far\r\n"
		 "t: <sip:alice@x>\r\ni: c\r\nCSeq:  5\t INVITE\r\n"
		 "m: \"B\" <sip:bob@s>;q=0.5\r\n%s",
		 own);
	come_from_outside(text, 7);
	assert_string_equal(t.inside, expected);
	assert_non_null(strstr(t.outside, "SIP/2.0 100 "));

	snprintf(text, sizeof(text),
		 "SIP/2.0 180 It rings\r\nVia: SIP/2.0/UDP in:5070;branch=z9hG4bKi0\r\n"
		 "v: SIP/2.0/UDP s;branch=z9hG4bK1\r\nRecord-Route: <sip:in:5070;lr>\r\n"
		 "f: <sip:bob@x>;tag=far\r\nt: <sip:alice@x>;tag=near\r\ni: c\r\nCSeq: 5 INVITE\r\n"
		 "m: sip:pbx@192.0.2.1\r\n%s",
		 own);
	answer_inside(text, 7, t.client);
	snprintf(expected, sizeof(expected),
		 "SIP/2.0 180 It rings\r\nVia: SIP/2.0/UDP s;branch=z9hG4bK1;received=::\r\n"
		 "Record-Route: <sip:p1;lr>\r\nRecord-Route: <sip:p2;lr>\r\n"
		 "f: <sip:bob@x>;tag=far\r\nt: <sip:alice@x>;tag=near\r\ni: c\r\nCSeq: 5 INVITE\r\n"
		 "m: <sip:alice@out;kl=%016llx>\r\n%s",
		 (unsigned long long)agent_directory_endpoint_key(t.directory, 0), own);
	assert_string_equal(t.outside, expected);
}

static void test_bytes_outward(void **state)
{
	char expected[SIZE];

	(void)state;
	come_from_inside(
		"INVITE sip:bob@x SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bKa, SIP/2.0/UDP b\r\n"
		"Route: <sip:in:5070;lr>\r\nProxy-Authorization: Digest realm=\"keepline\"\r\n"
		"Authorization: Digest realm=\"else\"\r\nRecord-Route: <sip:a;lr>\r\n"
		"From: <sip:alice@x>;tag=near\r\nTo: <sip:bob@x>\r\nCall-ID: c\r\n"
		"CSeq: 1 INVITE\r\nContact: <sip:pbx@192.0.2.1>;+x=\"y\"\r\nX: y\r\n\r\n",
		3);
	assert_int_equal(t.replied, 100);
	write_outside(1);
	snprintf(expected, sizeof(expected),
		 "INVITE sip:bob@x SIP/2.0\r\nVia: SIP/2.0/UDP out;branch=z9hG4bKo\r\n"
		 "Max-Forwards: 70\r\nProxy-Authorization: sip:bob@x\r\nAuthorization: Digest "
		 "realm=\"else\"\r\n"
		 "From: <sip:alice@x>;tag=near\r\nTo: <sip:bob@x>\r\nCall-ID: c\r\nCSeq: 2 "
		 "INVITE\r\n"
		 "Contact: <sip:alice@out;kl=%016llx>;+x=\"y\"\r\nX: y\r\n\r\n",
		 (unsigned long long)agent_directory_endpoint_key(t.directory, 0));
	assert_string_equal(t.outside, expected);
}

/* ---- time ------------------------------------------------------------------------------------ */

/* RFC 3261 16.6 step 11, 16.7 step 2, 16.8: 200 s from the last provisional answer on, then it is
 * cancelled once, and its 487 goes out; and so in a call. */
static void ring_too_long(const char *invite, sip_transaction_id id)
{
	unsigned cancels = t.cancels;

	come_from_outside(invite, id);
	t.now += RING - 1;
	agent_inward_age(&t.agent);
	answer_inside(REPLY("100", "far", "near", "5", "INVITE"), id, t.client); /* counts not */
	answer_inside(REPLY("180", "far", "near", "5", "INVITE"), id, t.client);
	t.now += RING - 1;
	agent_inward_age(&t.agent);
	assert_int_equal(t.cancels, cancels);
	t.now += 1;
	agent_inward_age(&t.agent);
	assert_int_equal(t.cancels, cancels + 1);
	assert_int_equal(t.cancelled, t.client);
	t.now += RING;
	agent_inward_age(&t.agent);
	assert_int_equal(t.cancels, cancels + 1);
}

static void test_timer_c(void **state)
{
	(void)state;
	ring_too_long(FAR("INVITE", "5", ""), 1);
	assert_int_equal(agent_ledger_count(t.agent.ledger), 1);
	answer_inside(REPLY("487", "far", "near", "5", "INVITE"), 1, t.client);
	assert_memory_equal(t.outside, "SIP/2.0 487 Said\r\n", 18);
	assert_int_equal(agent_ledger_count(t.agent.ledger), 0);
	assert_int_equal(t.agent.inward_count, 1); /* for what comes again */
	t.now += AGENT_LINGER_MS;
	agent_inward_age(&t.agent);
	assert_int_equal(t.agent.inward_count, 0);
}

static void test_timer_c_without_a_word(void **state)
{
	(void)state;
	come_from_outside(FAR("INVITE", "5", ""), 1);
	t.now += RING;
	agent_inward_age(&t.agent);
	assert_int_equal(t.cancels, 1);
	answer_inside(NULL, 1, t.client);
	assert_memory_equal(t.outside, "SIP/2.0 480 ", 12); /* silence is no 408: RFC 4320 */
}

static void test_timer_c_in_a_call(void **state)
{
	(void)state;
	come_from_outside(FAR("INVITE", "5", ""), 1);
	answer_inside(REPLY("200", "far", "near", "5", "INVITE"), 1, t.client);
	assert_int_equal(t.calls, 1);
	ring_too_long(FAR("INVITE", "6", ";tag=near"), 2);
	answer_inside(REPLY("487", "far", "near", "6", "INVITE"), 2, t.client);
	assert_memory_equal(t.outside, "SIP/2.0 487 Said\r\n", 18);
	assert_int_equal(agent_ledger_count(t.agent.ledger), 1); /* the call goes on */
}

/* RFC 4320, AGENT-5: a MESSAGE is taken back after 30 s, an INVITE never. */
static void test_walks_end(void **state)
{
	(void)state;
	come_from_inside(NEAR("INVITE", "1", "", ""), 1);
	come_from_inside(NEAR("MESSAGE", "2", "", ""), 2);
	t.now += AGENT_WALK_MS - 1;
	agent_outward_age(&t.agent);
	assert_int_equal(t.taken_back, 0);
	t.now += 1;
	agent_outward_age(&t.agent);
	assert_int_equal(t.taken_back, 1);
	agent_outward_end(&t.agent, &(struct phone_relay_end){t.token, 487, true});
	assert_int_equal(t.replied, 503);
	t.now += 1000 * SECOND;
	agent_outward_age(&t.agent);
	assert_int_equal(t.taken_back, 1);
}

/* AGENT-12: a subscription goes with its Expires; RFC 6665 4.1.2.4: one that ended, 32 s later. */
static void forget(void *user, struct agent_dialog *dialog)
{
	(void)user;
	agent_forget(&t.agent, dialog);
}

static size_t left_after(uint64_t ms)
{
	t.now += ms;
	for (int i = 0; i < AGENT_SWEEP_PARTS; i++)
		agent_ledger_sweep(t.agent.ledger, t.now, forget, NULL);
	return agent_ledger_count(t.agent.ledger);
}

static void test_subscriptions_end(void **state)
{
	(void)state;
	come_from_inside(NEAR("SUBSCRIBE", "1", "", "Event: dialog\r\n"), 1);
	write_outside(0);
	answer_outside("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP v\r\nFrom: <sip:a@x>;tag=near\r\n"
		       "To: <sip:b@x>;tag=far\r\nCall-ID: c\r\nCSeq: 1 SUBSCRIBE\r\n"
		       "Contact: <sip:b@h>\r\nExpires: 600\r\n\r\n");
	assert_int_equal(left_after(599 * SECOND), 1);
	come_from_inside(NEAR("SUBSCRIBE", "2", ";tag=far", "Event: dialog\r\nExpires: 0\r\n"), 2);
	assert_string_equal(t.hop, "sip:b@h");
	write_outside(0);
	answer_outside("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP v\r\nFrom: <sip:a@x>;tag=near\r\n"
		       "To: <sip:b@x>;tag=far\r\nCall-ID: c\r\nCSeq: 2 SUBSCRIBE\r\n"
		       "Contact: <sip:b@h>\r\nExpires: 0\r\n\r\n");
	assert_int_equal(left_after(31 * SECOND), 1);
	assert_int_equal(left_after(1 * SECOND), 0);
}

/* ---- numbers --------------------------------------------------------------------------------- */

/* AGENT-4: each challenge takes a number; ACK and RAck have that of their INVITE. */
static void test_numbers(void **state)
{
	(void)state;
	come_from_inside(NEAR("INVITE", "1", "", ""), 1);
	write_outside(0);
	assert_int_equal(cseq_outside(), 1);
	write_outside(1);
	assert_int_equal(cseq_outside(), 2);
	answer_outside(REPLY("183", "near", "far", "2", "INVITE"));
	{
		uint64_t invite = t.token;

		come_from_inside(NEAR("PRACK", "2", ";tag=far", "RAck: 9 1 INVITE\r\n"), 2);
		write_outside(0);
		assert_int_equal(cseq_outside(), 3);
		assert_non_null(strstr(t.outside, "RAck: 9 2 INVITE\r\n"));
		answer_outside(REPLY("200", "near", "far", "3", "PRACK"));
		assert_non_null(strstr(t.inside, "CSeq: 2 PRACK\r\n"));
		t.token = invite;
	}
	answer_outside(REPLY("200", "near", "far", "2", "INVITE"));
	assert_non_null(strstr(t.inside, "CSeq: 1 INVITE\r\n"));
	come_from_inside(NEAR("INFO", "3", ";tag=far", ""), 3);
	write_outside(0);
	assert_int_equal(cseq_outside(), 4);
	write_outside(1);
	assert_int_equal(cseq_outside(), 5);
	answer_outside(REPLY("200", "near", "far", "5", "INFO"));
	assert_non_null(strstr(t.inside, "CSeq: 3 INFO\r\n"));
	/* The ACK comes late, and again: its number is behind by now. */
	for (int i = 0; i < 2; i++) {
		come_from_inside(NEAR("ACK", "1", ";tag=far", ""), 0);
		write_outside(0);
		assert_int_equal(cseq_outside(), 2);
	}
	come_from_inside(NEAR("BYE", "4", ";tag=far", ""), 4);
	write_outside(0);
	assert_int_equal(cseq_outside(), 6);
	assert_int_equal(agent_ledger_count(t.agent.ledger), 1);
	answer_outside(REPLY("200", "near", "far", "6", "BYE"));
	assert_int_equal(agent_ledger_count(t.agent.ledger), 0);
}

/* ---- what goes nowhere ----------------------------------------------------------------------- */

static void test_refused(void **state)
{
	static const char spent[] = "MESSAGE sip:alice@out SIP/2.0\r\nVia: SIP/2.0/UDP s\r\n"
				    "Max-Forwards: 0\r\nFrom: <sip:b@x>;tag=f\r\nTo: <sip:a@x>\r\n"
				    "Call-ID: c\r\nCSeq: 1 MESSAGE\r\n\r\n";

	(void)state;
	come_from_outside(spent, 1); /* AGENT-10: a loop ends here */
	assert_memory_equal(t.outside, "SIP/2.0 483 ", 12);
	come_from_outside(FAR("ACK", "5", ""), 0);
	assert_int_equal(t.sent_inside, 0);
	assert_int_equal(t.agent.inward_count, 0);
	come_from_inside(NEAR("BYE", "1", ";tag=unknown", ""), 1);
	assert_int_equal(t.replied, 481);
	come_from_inside(NEAR("ACK", "1", "", ""), 0);
	assert_int_equal(t.agent.outward_count, 0);
}

/* AGENT-6: the server of a call is gone, and nothing may be sent there. */
static void test_dead_call(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		t.is_mute = false;
		come_from_outside(FAR("INVITE", "5", ""), 1);
		answer_inside(REPLY("200", "far", "near", "5", "INVITE"), 1, t.client);
		assert_int_equal(agent_ledger_count(t.agent.ledger), 1);
		t.is_mute = true;
		t.token = 0;
		if (i)
			come_from_inside(NEAR("BYE", "1", ";tag=far", ""), 2);
		else
			come_from_inside(NEAR("INFO", "1", ";tag=far", ""), 2);
		assert_int_equal(t.replied, i ? 200 : 481);
		assert_int_equal(t.token, 0);
		assert_int_equal(agent_ledger_count(t.agent.ledger), 0);
		assert_int_equal(t.calls, 0);
		agent_inward_clear(&t.agent);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_bytes_inward),      TEST(test_bytes_outward),
		TEST(test_timer_c),           TEST(test_timer_c_without_a_word),
		TEST(test_timer_c_in_a_call), TEST(test_walks_end),
		TEST(test_subscriptions_end), TEST(test_numbers),
		TEST(test_refused),           TEST(test_dead_call),
	};

	sip_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

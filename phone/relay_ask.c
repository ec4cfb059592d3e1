/* relay_ask.c - requests of others inside their dialogs (FAIL-18, TRIG-10). */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "phone/locate.h"
#include "phone/private.h"
#include "phone/relay_private.h"

#define BRANCH_START SIP_BRANCH_COOKIE "r"

enum {
	BRANCH_START_SIZE = sizeof(BRANCH_START) - 1,
	TOKEN_DIGITS = 16,
	WINDOW_MS = 64 * SIP_T1_MS, /* RFC 3261 timers B and F */
	TRIES_MAX = 2,              /* the first one, and its repeat with credentials */
};

struct phone_relay_ask {
	LIST_ENTRY(phone_relay_ask) others; /* of its bucket */
	struct phone_relay *relay;
	uint64_t token;
	enum sip_method method;
	struct phone_account *account;
	struct kl_binding binding;
	struct phone_locate *locate; /* asks where it goes; NULL: that is known */
	struct phone_found found;
	unsigned at; /* of the routes found, the one in use */
	struct phone_hop hop;
	sip_client_id client;
	char branch[PHONE_ID_MAX];
	uint64_t proof; /* phone_proof.request */
	enum sip_digest_sent sent[2];
	unsigned tries; /* on this route */
	unsigned again; /* repeats with credentials, over all routes */
	bool is_cancelled;
	uint64_t free_at_ms; /* of an INVITE that ended: its answer may come again until then */
	TAILQ_ENTRY(phone_relay_ask) ended;
};

/* ---- the table ------------------------------------------------------------------------------- */

static struct phone_relay_ask *find(const struct phone_relay *relay, uint64_t token)
{
	struct phone_relay_ask *ask;

	LIST_FOREACH(ask, &relay->asks[token % PHONE_RELAY_BUCKETS], others)
	if (ask->token == token)
		return ask;
	return NULL;
}

static void ask_free(struct phone_relay_ask *ask)
{
	LIST_REMOVE(ask, others);
	if (ask->free_at_ms)
		TAILQ_REMOVE(&ask->relay->ended, ask, ended);
	phone_locate_stop(ask->locate);
	free(ask);
}

static void take_time(void *user);

int phone_relay_asks_init(struct phone_relay *relay)
{
	TAILQ_INIT(&relay->ended);
	relay->clients = sip_clients_new(PHONE_RELAY_ASKS_MAX);
	if (!relay->clients)
		return -ENOMEM;
	return net_timer_create(&relay->timer, relay->phone->loop,
				(struct net_callback){take_time, relay});
}

void phone_relay_asks_clear(struct phone_relay *relay)
{
	for (int i = 0; i < PHONE_RELAY_BUCKETS; i++)
		while (!LIST_EMPTY(&relay->asks[i]))
			ask_free(LIST_FIRST(&relay->asks[i]));
	sip_clients_free(relay->clients);
	net_timer_free(relay->timer);
}

static void set_timer(struct phone_relay *relay)
{
	const struct phone_relay_ask *first = TAILQ_FIRST(&relay->ended);
	uint64_t at = sip_clients_deadline(relay->clients);

	net_timer_set(relay->timer, first && first->free_at_ms < at ? first->free_at_ms : at);
}

/* ---- endings --------------------------------------------------------------------------------- */

static void finish(struct phone_relay_ask *ask, unsigned status, bool is_local)
{
	const struct phone_relay_hooks *hooks = &ask->relay->hooks;
	const struct phone_relay_end end = {
		.token = ask->token, .status = status, .is_local = is_local};

	ask->client = 0;
	if (ask->method == SIP_INVITE && !is_local) {
		ask->free_at_ms = net_now_ms() + WINDOW_MS;
		TAILQ_INSERT_TAIL(&ask->relay->ended, ask, ended);
	} else {
		ask_free(ask);
	}
	hooks->on_end(hooks->user, &end);
}

/* One whose line left ends. */
static void ask_carry(struct phone_relay_ask *ask, const struct phone_reload *reload)
{
	struct phone_account *account = phone_reload_account(reload, ask->account);

	if (account) {
		phone_reload_hop(reload, ask->account, &ask->hop);
		ask->account = account;
		ask->binding.line = account->line_index;
	} else if (ask->free_at_ms) {
		ask_free(ask);
	} else {
		if (ask->client)
			sip_clients_drop(ask->relay->clients, ask->client);
		finish(ask, 503, true);
	}
}

void phone_relay_asks_carry(struct phone_relay *relay, const struct phone_reload *reload)
{
	struct phone_relay_ask *ask, *next;

	for (int i = 0; i < PHONE_RELAY_BUCKETS; i++) {
		for (ask = LIST_FIRST(&relay->asks[i]); ask; ask = next) {
			next = LIST_NEXT(ask, others);
			ask_carry(ask, reload);
		}
	}
}

static void send_ask(struct phone_relay_ask *ask);

/* TRIG-10: the engine is told which route is dead.  RFC 3263 4.3: the request goes to the next one
 * of its name.  One that was cancelled has nowhere to go. */
static void fail(struct phone_relay_ask *ask, struct kl_event_dialog how, unsigned status,
		 bool is_local)
{
	struct phone *phone = ask->relay->phone;
	struct kl_event event = {.type = KL_EV_DIALOG_FAILED, .dialog = how};

	event.dialog.binding = ask->binding;
	event.dialog.binding.route = ask->hop.route;
	ask->client = 0;
	phone_feed(phone, &event);
	if (!ask->is_cancelled && kl_may_signal(phone->engine, &ask->binding) &&
	    ask->at + 1 < ask->found.count) {
		ask->at++;
		ask->tries = 0;
		send_ask(ask);
		return;
	}
	finish(ask, status, is_local);
}

/* ---- sending --------------------------------------------------------------------------------- */

static struct phone_hop hop_of(const struct phone_relay_ask *ask)
{
	return phone_locate_hop(ask->relay->phone, ask->account, &ask->found,
				ask->at < ask->found.count ? &ask->found.routes[ask->at]
							   : &ask->binding.route);
}

/* Asks for the bytes, in the phone's scratch.  Their length, or a SIP_E*. */
static int write_ask(struct phone_relay_ask *ask)
{
	struct phone *phone = ask->relay->phone;
	struct phone_relay_proof proof = {.account = ask->account,
					  .route = &ask->hop.route,
					  .request = ask->proof,
					  .sent = ask->sent};
	struct phone_relay_way way = {.token = ask->token,
				      .branch = ask->branch,
				      .service_route = "",
				      .again = ask->again};

	/* The token, to find it by, and a number that nobody can guess. */
	snprintf(ask->branch, sizeof ask->branch, BRANCH_START "%016" PRIx64 "%016" PRIx64,
		 ask->token, phone_draw());
	if (phone_self_toward(phone, &ask->hop.route, &way.self))
		return SIP_EUNSUPPORTED;
	return phone_relay_write(phone, &proof, &way);
}

static void send_ask(struct phone_relay_ask *ask)
{
	struct phone_relay *relay = ask->relay;
	struct sip_client_start start = {.method = ask->method, .owner = ask->token};
	int length;

	ask->hop = hop_of(ask);
	ask->tries++;
	length = write_ask(ask);
	start.branch = sip_span_of(ask->branch);
	start.bytes = (struct sip_span){relay->phone->scratch, (size_t)length};
	start.is_reliable = ask->hop.route.transport != KL_UDP;
	if (length > 0 && ask->method == SIP_ACK) {
		phone_send(relay->phone, &ask->hop, start.bytes);
		finish(ask, 200, true);
		return;
	}
	if (length < 0 || sip_clients_open(relay->clients, &start, &ask->client, net_now_ms())) {
		finish(ask, 500, true);
		return;
	}
	set_timer(relay);
}

static void take_found(void *user, const struct phone_found *found)
{
	struct phone_relay_ask *ask = user;

	ask->locate = NULL;
	ask->found = *found;
	send_ask(ask);
}

/* LINE is the phone's number of the order's. */
static struct phone_relay_ask *ask_new(struct phone *phone, const struct phone_relay_order *order,
				       uint32_t line)
{
	struct phone_relay_ask *ask = calloc(1, sizeof *ask);

	if (!ask)
		return NULL;
	ask->relay = phone->relay;
	ask->token = order->token;
	ask->method = order->method;
	ask->binding = order->binding;
	ask->binding.line = line;
	ask->account = phone_account_find(&phone->accounts, line, order->binding.entry);
	ask->proof = phone_draw();
	LIST_INSERT_HEAD(&ask->relay->asks[ask->token % PHONE_RELAY_BUCKETS], ask, others);
	return ask;
}

int phone_relay_ask(struct phone *phone, const struct phone_relay_order *order)
{
	const struct phone_relay *relay = phone->relay;
	struct phone_locate_order where = {
		.uri = order->next_hop, .wait_max_ms = WINDOW_MS, .on_found = take_found};
	struct phone_locate *locate;
	uint32_t line = phone_relay_line(relay, order->binding.line);
	struct phone_relay_ask *ask;

	if (line == KL_NO_LINE ||
	    order->binding.entry >= phone->engine_config->lines[line].entry_count)
		return -ENOENT;
	if (sip_clients_count(relay->clients) >= PHONE_RELAY_ASKS_MAX)
		return -ENOBUFS;
	ask = ask_new(phone, order, line);
	if (!ask)
		return -ENOMEM;
	where.user = ask;
	locate = phone_locate_start(phone, &where);
	/* Without a search it went on already, and may be gone. */
	if (locate)
		ask->locate = locate;
	return 0;
}

void phone_relay_cancel_ask(struct phone *phone, uint64_t token)
{
	struct phone_relay_ask *ask = find(phone->relay, token);

	if (!ask)
		return;
	ask->is_cancelled = true;
	if (!ask->client) {
		finish(ask, 487, true);
		return;
	}
	sip_clients_cancel(phone->relay->clients, ask->client, net_now_ms());
	set_timer(phone->relay);
}

/* ---- time and faults ------------------------------------------------------------------------- */

/* The request of an ask that is still open, and was not sent anew since. */
static struct phone_relay_ask *find_due(const struct phone_relay *relay,
					const struct sip_client_due *due)
{
	struct phone_relay_ask *ask = find(relay, due->owner);

	return ask && ask->client == due->id ? ask : NULL;
}

static void take_due(struct phone_relay *relay, const struct sip_client_due *due)
{
	struct phone_relay_ask *ask = find(relay, due->owner);
	int error = 0;

	if (due->kind == SIP_CLIENT_SEND && ask)
		error = phone_send(relay->phone, &ask->hop, due->bytes);
	ask = find_due(relay, due);
	if (!ask)
		return;
	if (due->kind == SIP_CLIENT_SILENT)
		fail(ask, (struct kl_event_dialog){.status = 408, .ms = WINDOW_MS}, 408, true);
	else if (error && sip_clients_drop(relay->clients, due->id))
		fail(ask, (struct kl_event_dialog){.fault = phone_fault_of(-error)}, 503, true);
}

static void take_time(void *user)
{
	struct phone_relay *relay = user;
	struct sip_client_due due;

	while (sip_clients_next(relay->clients, &due, net_now_ms()))
		take_due(relay, &due);
	while (!TAILQ_EMPTY(&relay->ended) &&
	       TAILQ_FIRST(&relay->ended)->free_at_ms <= net_now_ms())
		ask_free(TAILQ_FIRST(&relay->ended));
	set_timer(relay);
}

/* The ask that is open under this branch; NULL: none. */
static struct phone_relay_ask *find_branch(const struct phone_relay *relay, struct sip_span branch)
{
	char digits[TOKEN_DIGITS + 1];
	struct phone_relay_ask *ask;

	if (branch.length < BRANCH_START_SIZE + TOKEN_DIGITS ||
	    memcmp(branch.at, BRANCH_START, BRANCH_START_SIZE) != 0)
		return NULL;
	memcpy(digits, branch.at + BRANCH_START_SIZE, TOKEN_DIGITS);
	digits[TOKEN_DIGITS] = '\0';
	ask = find(relay, strtoull(digits, NULL, 16));
	return ask && sip_span_equal(branch, sip_span_of(ask->branch)) ? ask : NULL;
}

bool phone_relay_take_fault(struct phone *phone, struct sip_span branch, enum kl_fault fault)
{
	struct phone_relay_ask *ask = phone->relay ? find_branch(phone->relay, branch) : NULL;

	if (!ask)
		return false;
	if (ask->client && sip_clients_drop(phone->relay->clients, ask->client))
		fail(ask, (struct kl_event_dialog){.fault = fault}, 503, true);
	return true;
}

void phone_relay_lose_stream(struct phone *phone, const struct kl_route *route, enum kl_fault fault)
{
	struct phone_relay_ask *ask, *next;

	for (int i = 0; phone->relay && i < PHONE_RELAY_BUCKETS; i++) {
		for (ask = LIST_FIRST(&phone->relay->asks[i]); ask; ask = next) {
			next = LIST_NEXT(ask, others);
			if (ask->client && phone_route_equal(&ask->hop.route, route) &&
			    sip_clients_drop(phone->relay->clients, ask->client))
				fail(ask, (struct kl_event_dialog){.fault = fault}, 503, true);
		}
	}
}

/* ---- answers --------------------------------------------------------------------------------- */

static bool wants_credentials(struct phone_relay_ask *ask, const struct sip_message *response)
{
	enum sip_verdict verdict;

	if ((response->status != 401 && response->status != 407) || ask->tries >= TRIES_MAX ||
	    ask->is_cancelled)
		return false;
	verdict =
		phone_account_judge(ask->account, &ask->hop.route, ask->proof, response, ask->sent);
	return verdict == SIP_VERDICT_NEW || verdict == SIP_VERDICT_STALE;
}

static void take_refusal(struct phone_relay_ask *ask, const struct sip_message *response)
{
	const struct phone_relay_answer answer = {ask->token, response, ask->again, ask->binding};
	struct phone *phone = ask->relay->phone;

	if (wants_credentials(ask, response)) {
		ask->again++;
		send_ask(ask);
		return;
	}
	phone_relay_answered(phone, &answer);
	if (response->status == 503)
		fail(ask, (struct kl_event_dialog){.status = 503}, 503, false);
	else
		finish(ask, response->status, false);
}

static void take_news(struct phone_relay_ask *ask, enum sip_client_news news,
		      const struct sip_message *response)
{
	const struct phone_relay_answer answer = {ask->token, response, ask->again, ask->binding};

	switch (news) {
	case SIP_CLIENT_PROVISIONAL:
		phone_relay_answered(ask->relay->phone, &answer);
		break;
	case SIP_CLIENT_ACCEPTED:
		phone_relay_answered(ask->relay->phone, &answer);
		if (!ask->free_at_ms)
			finish(ask, response->status, false);
		break;
	case SIP_CLIENT_REFUSED:
		take_refusal(ask, response);
		break;
	case SIP_CLIENT_STRAY:
	case SIP_CLIENT_ABSORBED:
		break;
	}
}

bool phone_relay_receive(struct phone *phone, const struct sip_message *response)
{
	struct phone_relay *relay = phone->relay;
	struct sip_client_receipt receipt;
	struct phone_relay_ask *ask;

	if (!relay)
		return false;
	sip_clients_receive(relay->clients, response, &receipt, net_now_ms());
	if (receipt.news == SIP_CLIENT_STRAY)
		return false;
	ask = find(relay, receipt.owner);
	if (ask && receipt.ack.length)
		phone_send(phone, &ask->hop, receipt.ack);
	if (ask)
		take_news(ask, receipt.news, response);
	set_timer(relay);
	return true;
}

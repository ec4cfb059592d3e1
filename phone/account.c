/* account.c - who a line is toward the servers of one of its entries. */
#include "phone/account.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <systemd/sd-id128.h>

#include "phone/log.h"
#include "phone/transport.h"

/* "Keepline" as systemd's derivation wants it: a random number of our own, for good. */
#define KEEPLINE_ID SD_ID128_MAKE(5d, 3a, 0e, 91, 7c, 44, 4b, 7e, 9f, 27, 61, d0, 3c, b8, 12, ea)

/* ---- ids ------------------------------------------------------------------------------------- */

enum { DRAWN_AHEAD = 32 };

/* Drawn ahead, since a call takes ten of them.  None stays here once it was given out. */
uint64_t phone_draw(void)
{
	static uint64_t drawn[DRAWN_AHEAD];
	static size_t left;
	uint64_t number;

	/* Up to 256 bytes are given whole once the kernel's generator runs (getrandom(2)). */
	if (!left && getrandom(drawn, sizeof drawn, 0) != sizeof drawn)
		abort();
	left = (left ? left : DRAWN_AHEAD) - 1;
	number = drawn[left];
	drawn[left] = 0;
	return number;
}

void phone_draw_id(char to[PHONE_ID_MAX])
{
	snprintf(to, PHONE_ID_MAX, "%016" PRIx64, phone_draw());
}

/* RFC 5626 4.1: the same after a restart.  The machine's id itself is not told to anybody.
 * MAC may be NULL. */
static void write_instance(struct phone_accounts *accounts, const char *mac)
{
	sd_id128_t id;

	if (sd_id128_get_machine_app_specific(KEEPLINE_ID, &id) && sd_id128_randomize(&id))
		id = KEEPLINE_ID;
	snprintf(accounts->instance, sizeof accounts->instance,
		 "<urn:uuid:" SD_ID128_UUID_FORMAT_STR ">", SD_ID128_FORMAT_VAL(id));
	snprintf(accounts->epid, sizeof accounts->epid, ";epid=%.12s",
		 mac ? mac : SD_ID128_TO_STRING(id));
}

/* ---- all of them ----------------------------------------------------------------------------- */

static void account_init(struct phone_accounts *accounts, const struct config *config,
			 uint32_t line, uint32_t entry)
{
	struct phone_account *account = phone_account_find(accounts, line, entry);

	account->line = &config->lines[line];
	account->entry = &config->lines[line].entries[entry];
	if (account->entry->tells_epid)
		memcpy(account->epid, accounts->epid, sizeof account->epid);
	account->line_index = line;
	account->entry_index = entry;
	account->request = phone_draw();
	phone_draw_id(account->id);
	phone_draw_id(account->tag);
}

int phone_accounts_init(struct phone_accounts *accounts, const struct config *config)
{
	uint32_t lines = config->engine.line_count, next = 0;

	memset(accounts, 0, sizeof *accounts);
	for (uint32_t i = 0; i < lines; i++)
		accounts->count += config->engine.lines[i].entry_count;
	accounts->all = calloc(accounts->count, sizeof *accounts->all);
	accounts->first = calloc(lines, sizeof *accounts->first);
	if (!accounts->all || !accounts->first) {
		free(accounts->all);
		free(accounts->first);
		memset(accounts, 0, sizeof *accounts);
		return -ENOMEM;
	}
	write_instance(accounts, config->device.mac);
	for (uint32_t i = 0; i < lines; i++) {
		accounts->first[i] = next;
		for (uint32_t j = 0; j < config->engine.lines[i].entry_count; j++)
			account_init(accounts, config, i, j);
		next += config->engine.lines[i].entry_count;
	}
	return 0;
}

void phone_accounts_clear(struct phone_accounts *accounts)
{
	struct phone_key *key;

	for (uint32_t i = 0; i < accounts->count; i++) {
		while ((key = LIST_FIRST(&accounts->all[i].keys))) {
			LIST_REMOVE(key, others);
			free(key);
		}
	}
	free(accounts->all);
	free(accounts->first);
	memset(accounts, 0, sizeof *accounts);
}

struct phone_account *phone_account_find(const struct phone_accounts *accounts, uint32_t line,
					 uint32_t entry)
{
	return &accounts->all[accounts->first[line] + entry];
}

/* In their order: it tells which is the oldest. */
static void carry_keys(struct phone_account *to, struct phone_account *from)
{
	struct phone_key *key, *last = NULL;

	while ((key = LIST_FIRST(&from->keys))) {
		LIST_REMOVE(key, others);
		if (last)
			LIST_INSERT_AFTER(last, key, others);
		else
			LIST_INSERT_HEAD(&to->keys, key, others);
		last = key;
	}
	to->key_count = from->key_count;
	from->key_count = 0;
}

void phone_account_carry(struct phone_account *to, struct phone_account *from)
{
	memcpy(to->id, from->id, sizeof to->id);
	memcpy(to->tag, from->tag, sizeof to->tag);
	memcpy(to->service_route, from->service_route, sizeof to->service_route);
	to->service_route_of = from->service_route_of;
	to->request = from->request;
	to->state = from->state;
	to->move = from->move;
	to->state.line = to->move.line = to->line_index;
	to->has_state = from->has_state;
	to->has_move = from->has_move;
	carry_keys(to, from);
}

void phone_account_note(struct phone_accounts *accounts, const struct kl_report *report)
{
	struct phone_account *account;

	if (report->type != KL_REPORT_STATE && report->type != KL_REPORT_MOVE)
		return;
	account = phone_account_find(accounts, report->line, report->entry);
	if (report->type == KL_REPORT_MOVE) {
		account->move = *report;
		account->move.name = NULL;
		account->has_move = true;
		return;
	}
	account->state = *report;
	account->state.name = NULL;
	account->has_state = true;
	/* TRIG-8: what is sent from now on is a request of its own, whose challenges are first
	 * ones. */
	account->request = phone_draw();
}

const char *phone_account_service_route(const struct phone_account *account,
					const struct kl_route *route)
{
	return phone_route_equal(&account->service_route_of, route) ? account->service_route : "";
}

void phone_account_set_service_route(struct phone_account *account, const struct kl_route *route,
				     const struct sip_message *response)
{
	char routes[PHONE_SERVICE_ROUTE_MAX] = "";
	struct sip_cursor cursor = {0};
	struct sip_span element;
	size_t used = 0;

	while (sip_message_next(response, SIP_SERVICE_ROUTE, &cursor, &element)) {
		int length = snprintf(routes + used, sizeof routes - used, "%s%.*s",
				      used ? ", " : "", SIP_SPAN(element));

		if (length < 0 || (size_t)length >= sizeof routes - used) {
			phone_log(PHONE_LOG_WARNING, "a Service-Route is too long, left out");
			routes[0] = '\0';
			break;
		}
		used += (size_t)length;
	}
	memcpy(account->service_route, routes, sizeof routes);
	account->service_route_of = *route;
}

void phone_account_contact(const struct phone_account *account, const struct phone_self *self,
			   char to[PHONE_URI_MAX])
{
	bool is_default = self->transport == KL_UDP;
	char host[NET_ADDRESS_TEXT_MAX];

	snprintf(to, PHONE_URI_MAX, "sip:%s@%s%s%s", account->line->user,
		 net_address_format(&self->address, host), is_default ? "" : ";transport=",
		 is_default ? "" : kl_transport_name(self->transport));
}

void phone_account_aor(const struct phone_account *account, char to[PHONE_URI_MAX])
{
	snprintf(to, PHONE_URI_MAX, "sip:%s@%s", account->line->user, account->line->domain);
}

/* RFC 3261 25.1: an IPv6 address stands in brackets. */
void phone_account_registrar(const struct phone_account *account, char to[PHONE_URI_MAX])
{
	const char *host = account->entry->server;
	size_t length;

	snprintf(to, PHONE_URI_MAX, strchr(host, ':') ? "sip:[%s]" : "sip:%s", host);
	length = strlen(to);
	if (account->entry->server_port)
		snprintf(to + length, PHONE_URI_MAX - length, ":%u", account->entry->server_port);
}

/* ---- credentials ----------------------------------------------------------------------------- */

static struct sip_credentials credentials_of(const struct phone_account *account)
{
	return (struct sip_credentials){
		.username = account->line->auth_user,
		.password = account->line->auth_password,
	};
}

static struct phone_key *find_key(struct phone_account *account, const struct kl_route *route)
{
	struct phone_key *key;

	LIST_FOREACH(key, &account->keys, others)
	if (phone_route_equal(&key->route, route))
		return key;
	return NULL;
}

/* The place for a route's credentials; the one that was made first gives way when all are used.
 * NULL: no memory. */
static struct phone_key *make_key(struct phone_account *account, const struct kl_route *route)
{
	struct phone_key *key = find_key(account, route);

	if (key)
		return key;
	if (account->key_count == PHONE_KEYS_MAX) {
		key = LIST_FIRST(&account->keys);
		while (LIST_NEXT(key, others))
			key = LIST_NEXT(key, others);
		LIST_REMOVE(key, others);
		memset(key, 0, sizeof *key);
	} else {
		key = calloc(1, sizeof *key);
		if (!key)
			return NULL;
		account->key_count++;
	}
	key->route = *route;
	LIST_INSERT_HEAD(&account->keys, key, others);
	return key;
}

void phone_account_prove(struct phone_account *account, const struct phone_proof *proof,
			 struct sip_builder *builder, enum sip_digest_sent sent[2])
{
	const struct sip_credentials credentials = credentials_of(account);
	struct phone_key *key = find_key(account, proof->route);
	struct sip_digest_request digest = proof->digest;
	char cnonce[PHONE_ID_MAX];

	phone_draw_id(cnonce);
	digest.cnonce = cnonce;
	for (int i = 0; i < 2; i++) {
		sent[i] = SIP_SENT_NONE;
		if (!key || !key->sessions[i].is_set)
			continue;
		sip_digest_authorize(&key->sessions[i], builder, &digest, &credentials);
		sent[i] = key->answered[i] == proof->request ? SIP_SENT_ANSWER : SIP_SENT_CACHED;
	}
}

enum sip_verdict phone_account_judge(struct phone_account *account, const struct kl_route *route,
				     uint64_t request, const struct sip_message *response,
				     const enum sip_digest_sent sent[2])
{
	const struct sip_credentials credentials = credentials_of(account);
	struct phone_key *key = make_key(account, route);
	int which = response->status == 407;
	enum sip_verdict verdict;

	if (!key)
		return SIP_VERDICT_UNANSWERABLE;
	verdict = sip_digest_judge(&key->sessions[which], response,
				   credentials.password[0] ? &credentials : NULL, sent[which]);
	if (verdict == SIP_VERDICT_NEW || verdict == SIP_VERDICT_STALE)
		key->answered[which] = request;
	return verdict;
}

#include "sip/transaction.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	GIVE_UP_MS = 64 * SIP_T1_MS, /* timers H, J and L */
	NOWHERE = 0,                 /* no slot: they count from 1 */
	SHARE_KEPT = 8,              /* of the slots, one in so many is kept */
	SLOTS_PER_BUCKET = 4,
};

/* RFC 3261 figures 7 and 8, and RFC 6026 figure 5.  A non-INVITE's Trying is PROCEEDING without a
 * response. */
enum state {
	FREE,
	PROCEEDING, /* no final answer yet */
	COMPLETED,  /* final answer sent; an INVITE's is resent until the ACK (G, H), else J runs */
	ACCEPTED,   /* 2xx to INVITE sent; L runs */
	CONFIRMED,  /* ACK received; I runs */
};

struct transaction {
	enum state state;
	bool is_invite;
	bool is_reliable;    /* it came over TCP or TLS, where nothing is resent (17.2.1) */
	uint32_t generation; /* of the slot; makes ids unique */
	uint32_t next;       /* in the bucket, or in the free list */
	struct sip_waiter waiter;
	uint64_t hash;      /* of the key */
	char *key;          /* owned */
	uint32_t next_twin; /* in the bucket of origins */
	char *origin;       /* owned; NULL: it lies inside a dialog */
	char *response;     /* the last one; owned */
	size_t response_length;
	uint64_t resend_at; /* timer G; SIP_NEVER: not running */
	uint64_t resend_ms; /* its current length */
	uint64_t end_at;    /* timers H, I, J, L */
	struct sip_peer peer;
};

struct sip_transactions {
	size_t limit;
	size_t count;
	struct transaction *slots; /* from 1 on; what was never used is not touched */
	uint32_t used;             /* the highest slot that was ever in use */
	uint32_t free_slot;        /* a lower one that is free again, and so on by `next` */
	size_t bucket_count;
	uint32_t *buckets; /* first of each chain */
	uint32_t *origins; /* the same, for requests that come twice */
	struct sip_waiters waiters;
};

/* Starts a transaction's timers, or sets them anew. */
static void wait_on(struct sip_transactions *table, struct transaction *t)
{
	sip_waiters_set(&table->waiters, &t->waiter,
			t->resend_at < t->end_at ? t->resend_at : t->end_at);
}

/* ---- slots --------------------------------------------------------------------------------- */

static sip_transaction_id id_of(const struct sip_transactions *table, uint32_t slot)
{
	return (uint64_t)table->slots[slot].generation << 32 | slot;
}

static uint32_t slot_of(const struct sip_transactions *table, sip_transaction_id id)
{
	uint32_t slot = (uint32_t)id;

	if (slot == NOWHERE || slot > table->used || table->slots[slot].state == FREE ||
	    id_of(table, slot) != id)
		return NOWHERE;
	return slot;
}

static uint32_t find(const struct sip_transactions *table, const char *key)
{
	uint64_t hash = sip_span_hash(sip_span_of(key));
	uint32_t slot = table->buckets[hash % table->bucket_count];

	while (slot != NOWHERE &&
	       (table->slots[slot].hash != hash || strcmp(table->slots[slot].key, key) != 0))
		slot = table->slots[slot].next;
	return slot;
}

/* Takes a free slot and the ownership of KEY. */
static uint32_t open_slot(struct sip_transactions *table, char *key)
{
	uint32_t slot = table->free_slot != NOWHERE ? table->free_slot : ++table->used;
	struct transaction *t = &table->slots[slot];
	uint32_t *bucket;

	if (slot == table->free_slot)
		table->free_slot = t->next;
	*t = (struct transaction){
		.state = PROCEEDING,
		.generation = t->generation + 1,
		.hash = sip_span_hash(sip_span_of(key)),
		.key = key,
		.resend_at = SIP_NEVER,
		.end_at = SIP_NEVER,
	};
	bucket = &table->buckets[t->hash % table->bucket_count];
	t->next = *bucket;
	*bucket = slot;
	table->count++;
	return slot;
}

static uint32_t *origin_bucket(const struct sip_transactions *table, const char *origin)
{
	return &table->origins[sip_span_hash(sip_span_of(origin)) % table->bucket_count];
}

/* RFC 3261 8.2.2.2: is there a transaction with this origin?  It came by another way, since its key
 * is another. */
static bool find_twin(const struct sip_transactions *table, const char *origin)
{
	uint32_t slot = *origin_bucket(table, origin);

	while (slot != NOWHERE && strcmp(table->slots[slot].origin, origin) != 0)
		slot = table->slots[slot].next_twin;
	return slot != NOWHERE;
}

/* Takes the ownership of ORIGIN. */
static void set_origin(struct sip_transactions *table, uint32_t slot, char *origin)
{
	uint32_t *bucket = origin_bucket(table, origin);

	table->slots[slot].origin = origin;
	table->slots[slot].next_twin = *bucket;
	*bucket = slot;
}

static void drop_origin(struct sip_transactions *table, uint32_t slot)
{
	struct transaction *t = &table->slots[slot];
	uint32_t *link;

	if (!t->origin)
		return;
	link = origin_bucket(table, t->origin);
	while (*link != slot)
		link = &table->slots[*link].next_twin;
	*link = t->next_twin;
	free(t->origin);
}

static void close_slot(struct sip_transactions *table, uint32_t slot)
{
	struct transaction *t = &table->slots[slot];
	uint32_t *link = &table->buckets[t->hash % table->bucket_count];

	sip_waiters_set(&table->waiters, &t->waiter, SIP_NEVER);
	drop_origin(table, slot);
	while (*link != slot)
		link = &table->slots[*link].next;
	*link = t->next;
	free(t->key);
	free(t->response);
	t->key = t->origin = t->response = NULL;
	t->state = FREE;
	t->next = table->free_slot;
	table->free_slot = slot;
	table->count--;
}

struct sip_transactions *sip_transactions_new(size_t limit)
{
	struct sip_transactions *table = calloc(1, sizeof(*table));

	if (!table || limit == 0 || limit >= UINT32_MAX) {
		free(table);
		return NULL;
	}
	table->limit = limit;
	table->bucket_count = limit / SLOTS_PER_BUCKET + 1;
	table->slots = calloc(limit + 1, sizeof(*table->slots));
	table->buckets = calloc(table->bucket_count, sizeof(*table->buckets));
	table->origins = calloc(table->bucket_count, sizeof(*table->origins));
	if (!table->slots || !table->buckets || !table->origins ||
	    sip_waiters_init(&table->waiters, (uint32_t)limit) != 0) {
		sip_transactions_free(table);
		return NULL;
	}
	return table;
}

void sip_transactions_free(struct sip_transactions *table)
{
	if (!table)
		return;
	for (size_t i = 1; table->slots && i <= table->used; i++) {
		free(table->slots[i].key);
		free(table->slots[i].origin);
		free(table->slots[i].response);
	}
	free(table->slots);
	free(table->buckets);
	free(table->origins);
	sip_waiters_clear(&table->waiters);
	free(table);
}

/* ---- matching ------------------------------------------------------------------------------ */

/* What the requests of one transaction have in common (RFC 3261 17.2.3): branch, sent-by and
 * method; for a client of RFC 2543, without the cookie, the parts that it repeats.  To be freed;
 * NULL: no memory. */
static char *make_key(const struct sip_message *message, const char *method)
{
	const struct sip_via *via = &message->via;
	char *key = NULL;
	int length;

	if (sip_via_has_cookie(via)) {
		length = asprintf(&key, "%s %u %s %.*s", via->host, via->port, method,
				  SIP_SPAN(via->branch));
		for (char *c = key; length > 0 && *c != ' '; c++)
			*c = (char)tolower((unsigned char)*c);
	} else {
		length = asprintf(&key, "%.*s %u %s %.*s %.*s %.*s", SIP_SPAN(message->call_id),
				  message->cseq.number, method, SIP_SPAN(message->from.tag),
				  SIP_SPAN(message->request_uri), SIP_SPAN(via->text));
	}
	return length < 0 ? NULL : key;
}

/* As make_key(), for the request's own transaction: an ACK belongs to its INVITE's. */
static char *make_own_key(const struct sip_message *message)
{
	char *method, *key;

	if (message->method == SIP_ACK)
		return make_key(message, "INVITE");
	method = strndup(message->method_name.at, message->method_name.length);
	key = method ? make_key(message, method) : NULL;
	free(method);
	return key;
}

/* What tells a request outside dialogs from all others, by whatever way it comes (8.2.2.2): From
 * tag, Call-ID and CSeq; and whom it is for, since one call may ring two lines here.  To be freed;
 * NULL: it is no such request, or there is no memory. */
static char *make_origin(const struct sip_message *message)
{
	struct sip_uri uri = {.user = {NULL, 0}};
	char *origin = NULL;

	if (message->to.tag.at || message->method == SIP_ACK || message->method == SIP_CANCEL ||
	    sip_uri_parse(&uri, message->request_uri) != 0 ||
	    asprintf(&origin, "%.*s %u %.*s %.*s %.*s", SIP_SPAN(message->call_id),
		     message->cseq.number, SIP_SPAN(message->method_name),
		     SIP_SPAN(message->from.tag), SIP_SPAN(uri.user)) < 0)
		return NULL;
	return origin;
}

/* ---- events -------------------------------------------------------------------------------- */

/* An ACK ends the wait of a refused INVITE; that of a 2xx is its dialog's, as a request of its own.
 */
static void receive_ack(struct sip_transactions *table, uint32_t slot, struct sip_receipt *receipt,
			uint64_t now)
{
	struct transaction *t = &table->slots[slot];

	receipt->kind = SIP_RECEIPT_ACKED;
	receipt->id = id_of(table, slot);
	switch (t->state) {
	case COMPLETED:
		t->state = CONFIRMED;
		t->resend_at = SIP_NEVER;
		t->end_at = now + SIP_T4_MS;
		wait_on(table, t);
		return;
	case ACCEPTED:
		*receipt = (struct sip_receipt){.kind = SIP_RECEIPT_NEW};
		return;
	case FREE:
	case PROCEEDING:
	case CONFIRMED:
		return;
	}
}

/* The last response answers a repeated request again (17.2.1, 17.2.2), but for a 2xx to INVITE. */
static void receive_repeat(const struct sip_transactions *table, uint32_t slot,
			   struct sip_receipt *receipt)
{
	const struct transaction *t = &table->slots[slot];

	receipt->kind = SIP_RECEIPT_REPEAT;
	receipt->id = id_of(table, slot);
	if (t->state == PROCEEDING || t->state == COMPLETED)
		receipt->again = (struct sip_span){t->response, t->response_length};
}

/* The last slots are for what belongs to dialogs that are there, and for what ends requests. */
static bool has_room(const struct sip_transactions *table, const struct sip_message *message)
{
	bool begins = !message->to.tag.at && message->method != SIP_CANCEL;

	return table->count < table->limit - (begins ? table->limit / SHARE_KEPT : 0);
}

/* Takes the ownership of KEY. */
static void receive_new(struct sip_transactions *table, const struct sip_message *message,
			char *key, const struct sip_peer *peer, struct sip_receipt *receipt)
{
	char *origin;
	uint32_t slot;

	receipt->kind = SIP_RECEIPT_NEW;
	if (message->method == SIP_ACK) {
		free(key);
		return;
	}
	if (!has_room(table, message)) {
		receipt->kind = SIP_RECEIPT_FULL;
		free(key);
		return;
	}
	slot = open_slot(table, key);
	table->slots[slot].is_invite = message->method == SIP_INVITE;
	table->slots[slot].is_reliable =
		message->via.transport == SIP_TCP || message->via.transport == SIP_TLS;
	table->slots[slot].peer = *peer;
	receipt->id = id_of(table, slot);
	origin = make_origin(message);
	if (!origin)
		return;
	receipt->is_merged = find_twin(table, origin);
	set_origin(table, slot, origin);
}

int sip_transactions_receive(struct sip_transactions *table, const struct sip_message *message,
			     const struct sip_peer *peer, struct sip_receipt *receipt, uint64_t now)
{
	char *key;
	uint32_t slot;

	*receipt = (struct sip_receipt){.kind = SIP_RECEIPT_FULL};
	if (!message->is_request)
		return SIP_ESTATE;
	key = make_own_key(message);
	if (!key)
		return SIP_EMEMORY;
	slot = find(table, key);
	if (slot == NOWHERE) {
		receive_new(table, message, key, peer, receipt);
		return 0;
	}
	free(key);
	if (message->method == SIP_ACK)
		receive_ack(table, slot, receipt, now);
	else
		receive_repeat(table, slot, receipt);
	return 0;
}

bool sip_transactions_holds(const struct sip_transactions *table, const struct sip_message *request)
{
	char *key = make_own_key(request);
	bool holds = key && find(table, key) != NOWHERE;

	free(key);
	return holds;
}

sip_transaction_id sip_transactions_cancelled(const struct sip_transactions *table,
					      const struct sip_message *cancel)
{
	char *key = make_key(cancel, "INVITE");
	uint32_t slot = key ? find(table, key) : NOWHERE;

	free(key);
	return slot == NOWHERE ? 0 : id_of(table, slot);
}

/* A final answer, but for an INVITE's 2xx, moves the transaction on and starts its timers. */
static void enter_final(struct transaction *t, uint64_t now)
{
	t->state = COMPLETED;
	t->end_at = now + GIVE_UP_MS;
	if (!t->is_invite || t->is_reliable)
		return;
	t->resend_ms = SIP_T1_MS;
	t->resend_at = now + t->resend_ms;
}

/* Its 2xx is never sent from here, so no bytes of it are kept. */
static int accept(struct sip_transactions *table, struct transaction *t, uint64_t now)
{
	free(t->response);
	t->response = NULL;
	t->state = ACCEPTED;
	t->end_at = now + GIVE_UP_MS;
	wait_on(table, t);
	return 0;
}

int sip_transactions_respond(struct sip_transactions *table, sip_transaction_id id,
			     const struct sip_answer *answer, uint64_t now)
{
	uint32_t slot = slot_of(table, id);
	struct transaction *t;
	char *copy;

	if (slot == NOWHERE)
		return SIP_EABSENT;
	t = &table->slots[slot];
	if (t->state == ACCEPTED && answer->status / 100 == 2)
		return 0;
	if (t->state != PROCEEDING)
		return SIP_ESTATE;
	if (t->is_invite && answer->status / 100 == 2)
		return accept(table, t, now);
	copy = malloc(answer->bytes.length + 1);
	if (!copy)
		return SIP_EMEMORY;
	memcpy(copy, answer->bytes.at, answer->bytes.length);
	free(t->response);
	t->response = copy;
	t->response_length = answer->bytes.length;
	if (answer->status < 200)
		return 0;
	enter_final(t, now);
	wait_on(table, t);
	return 0;
}

void sip_transactions_forget(struct sip_transactions *table, sip_transaction_id id)
{
	uint32_t slot = slot_of(table, id);

	if (slot != NOWHERE)
		close_slot(table, slot);
}

/* Timer G doubles up to T2; counted from now on, so that a late wake makes no burst. */
static void resend(struct sip_transactions *table, uint32_t slot, struct sip_due *due, uint64_t now)
{
	struct transaction *t = &table->slots[slot];

	*due = (struct sip_due){.kind = SIP_DUE_SEND,
				.id = id_of(table, slot),
				.bytes = {t->response, t->response_length},
				.peer = t->peer};
	t->resend_ms = t->resend_ms * 2 < SIP_T2_MS ? t->resend_ms * 2 : SIP_T2_MS;
	t->resend_at = now + t->resend_ms;
	wait_on(table, t);
}

bool sip_transactions_next(struct sip_transactions *table, struct sip_due *due, uint64_t now)
{
	while (sip_transactions_deadline(table) <= now) {
		const struct transaction *t = sip_waiter_owner(sip_waiters_first(&table->waiters),
							       struct transaction, waiter);
		uint32_t slot = (uint32_t)(t - table->slots);
		bool unacked = t->is_invite && t->state == COMPLETED;
		if (t->end_at > now) {
			resend(table, slot, due, now);
			return true;
		}
		*due = (struct sip_due){
			.kind = SIP_DUE_UNACKED, .id = id_of(table, slot), .peer = t->peer};
		close_slot(table, slot);
		if (unacked)
			return true;
	}
	return false;
}

uint64_t sip_transactions_deadline(const struct sip_transactions *table)
{
	return sip_waiters_deadline(&table->waiters);
}

size_t sip_transactions_count(const struct sip_transactions *table)
{
	return table->count;
}

/* ---- client side --------------------------------------------------------------------------- */

/* A response with a second Via was meant for somebody else (RFC 3261 8.1.3.3). */
bool sip_response_matches(const struct sip_message *response, const char *branch,
			  enum sip_method method)
{
	struct sip_span second;

	return !response->is_request && response->method == method &&
	       sip_span_equal(response->via.branch, sip_span_of(branch)) &&
	       !sip_message_element(response, SIP_VIA, 1, &second);
}

/* What ACK and CANCEL repeat of their INVITE, To taken from another message; REASON may be NULL. */
static int build_companion(struct sip_builder *builder, const char *method,
			   const struct sip_message *invite, const struct sip_message *to,
			   const char *reason)
{
	sip_builder_request_span(builder, method, invite->request_uri);
	sip_builder_header(builder, "Via", "%.*s", SIP_SPAN(invite->via.text));
	sip_builder_copy(builder, invite, SIP_ROUTE);
	sip_builder_header(builder, "Max-Forwards", "%d", SIP_MAX_FORWARDS_DEFAULT);
	sip_builder_copy(builder, invite, SIP_FROM);
	sip_builder_copy(builder, to, SIP_TO);
	sip_builder_copy(builder, invite, SIP_CALL_ID);
	sip_builder_header(builder, "CSeq", "%u %s", invite->cseq.number, method);
	if (reason)
		sip_builder_header(builder, "Reason", "%s", reason);
	return sip_builder_finish(builder);
}

int sip_build_ack_for_failure(struct sip_builder *builder, const struct sip_message *invite,
			      const struct sip_message *response)
{
	return build_companion(builder, "ACK", invite, response, NULL);
}

int sip_build_cancel(struct sip_builder *builder, const struct sip_message *invite,
		     const char *reason)
{
	return build_companion(builder, "CANCEL", invite, invite, reason);
}

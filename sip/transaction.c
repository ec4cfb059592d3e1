#include "sip/transaction.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	GIVE_UP_MS = 64 * SIP_T1_MS, /* timers H, J and L */
	NOWHERE = UINT32_MAX,        /* no slot */
	SHARE_KEPT = 8,              /* of the slots, one in so many is kept */
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
	uint32_t heap_index; /* NOWHERE: it waits for nothing */
	uint64_t hash;       /* of the key */
	char *key;           /* owned */
	uint32_t next_twin;  /* in the bucket of origins */
	char *origin;        /* owned; NULL: it lies inside a dialog */
	char *response;      /* the last one; owned */
	size_t response_length;
	uint64_t resend_at; /* timer G; SIP_NEVER: not running */
	uint64_t resend_ms; /* its current length */
	uint64_t end_at;    /* timers H, I, J, L */
	struct sip_peer peer;
};

struct sip_transactions {
	size_t limit;
	size_t count;
	struct transaction *slots;
	uint32_t free_slot;
	uint32_t *buckets; /* as many as slots: first of the chain */
	uint32_t *origins; /* the same, for requests that come twice */
	uint32_t *heap;    /* slots by due time, the earliest first */
	size_t heap_count;
};

/* ---- the heap of what waits ---------------------------------------------------------------- */

static uint64_t due_at(const struct sip_transactions *table, uint32_t slot)
{
	const struct transaction *t = &table->slots[slot];

	return t->resend_at < t->end_at ? t->resend_at : t->end_at;
}

static void heap_put(struct sip_transactions *table, size_t index, uint32_t slot)
{
	table->heap[index] = slot;
	table->slots[slot].heap_index = (uint32_t)index;
}

static void heap_swap(struct sip_transactions *table, size_t a, size_t b)
{
	uint32_t slot = table->heap[a];

	heap_put(table, a, table->heap[b]);
	heap_put(table, b, slot);
}

static bool heap_is_earlier(const struct sip_transactions *table, size_t a, size_t b)
{
	return due_at(table, table->heap[a]) < due_at(table, table->heap[b]);
}

static void heap_settle(struct sip_transactions *table, size_t index)
{
	size_t child;

	for (; index > 0 && heap_is_earlier(table, index, (index - 1) / 2); index = (index - 1) / 2)
		heap_swap(table, index, (index - 1) / 2);
	while ((child = 2 * index + 1) < table->heap_count) {
		if (child + 1 < table->heap_count && heap_is_earlier(table, child + 1, child))
			child++;
		if (!heap_is_earlier(table, child, index))
			return;
		heap_swap(table, child, index);
		index = child;
	}
}

static void heap_remove(struct sip_transactions *table, uint32_t slot)
{
	size_t index = table->slots[slot].heap_index;

	if (index == NOWHERE)
		return;
	table->slots[slot].heap_index = NOWHERE;
	if (index == --table->heap_count)
		return;
	heap_put(table, index, table->heap[table->heap_count]);
	heap_settle(table, index);
}

/* Starts a transaction's timers, or gives them their new place. */
static void heap_update(struct sip_transactions *table, uint32_t slot)
{
	if (table->slots[slot].heap_index == NOWHERE)
		heap_put(table, table->heap_count++, slot);
	heap_settle(table, table->slots[slot].heap_index);
}

/* ---- slots --------------------------------------------------------------------------------- */

static uint64_t hash_of(const char *key)
{
	uint64_t hash = 0xcbf29ce484222325; /* FNV-1a */

	for (; *key; key++)
		hash = (hash ^ (unsigned char)*key) * 0x100000001b3;
	return hash;
}

static sip_transaction_id id_of(const struct sip_transactions *table, uint32_t slot)
{
	return (uint64_t)table->slots[slot].generation << 32 | slot;
}

static uint32_t slot_of(const struct sip_transactions *table, sip_transaction_id id)
{
	uint32_t slot = (uint32_t)id;

	if (slot >= table->limit || table->slots[slot].state == FREE || id_of(table, slot) != id)
		return NOWHERE;
	return slot;
}

static uint32_t find(const struct sip_transactions *table, const char *key)
{
	uint64_t hash = hash_of(key);
	uint32_t slot = table->buckets[hash % table->limit];

	while (slot != NOWHERE &&
	       (table->slots[slot].hash != hash || strcmp(table->slots[slot].key, key) != 0))
		slot = table->slots[slot].next;
	return slot;
}

/* Takes a free slot and the ownership of KEY. */
static uint32_t open_slot(struct sip_transactions *table, char *key)
{
	uint32_t slot = table->free_slot;
	struct transaction *t = &table->slots[slot];
	uint32_t *bucket;

	table->free_slot = t->next;
	*t = (struct transaction){
		.state = PROCEEDING,
		.generation = t->generation + 1,
		.heap_index = NOWHERE,
		.hash = hash_of(key),
		.key = key,
		.resend_at = SIP_NEVER,
		.end_at = SIP_NEVER,
	};
	bucket = &table->buckets[t->hash % table->limit];
	t->next = *bucket;
	*bucket = slot;
	table->count++;
	return slot;
}

static uint32_t *origin_bucket(const struct sip_transactions *table, const char *origin)
{
	return &table->origins[hash_of(origin) % table->limit];
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
	uint32_t *link = &table->buckets[t->hash % table->limit];

	heap_remove(table, slot);
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

	if (!table || limit == 0 || limit >= NOWHERE) {
		free(table);
		return NULL;
	}
	table->limit = limit;
	table->slots = calloc(limit, sizeof(*table->slots));
	table->buckets = calloc(limit, sizeof(*table->buckets));
	table->origins = calloc(limit, sizeof(*table->origins));
	table->heap = calloc(limit, sizeof(*table->heap));
	if (!table->slots || !table->buckets || !table->origins || !table->heap) {
		sip_transactions_free(table);
		return NULL;
	}
	for (size_t i = 0; i < limit; i++) {
		table->buckets[i] = table->origins[i] = NOWHERE;
		table->slots[i].next = i + 1 < limit ? (uint32_t)i + 1 : NOWHERE;
	}
	return table;
}

void sip_transactions_free(struct sip_transactions *table)
{
	if (!table)
		return;
	for (size_t i = 0; table->slots && i < table->limit; i++) {
		free(table->slots[i].key);
		free(table->slots[i].origin);
		free(table->slots[i].response);
	}
	free(table->slots);
	free(table->buckets);
	free(table->origins);
	free(table->heap);
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
		heap_update(table, slot);
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

sip_transaction_id sip_transactions_cancelled(const struct sip_transactions *table,
					      const struct sip_message *cancel)
{
	char *key = make_key(cancel, "INVITE");
	uint32_t slot = key ? find(table, key) : NOWHERE;

	free(key);
	return slot == NOWHERE ? 0 : id_of(table, slot);
}

/* A final answer moves the transaction on and starts its timers. */
static void enter_final(struct transaction *t, unsigned status, uint64_t now)
{
	t->state = t->is_invite && status < 300 ? ACCEPTED : COMPLETED;
	t->end_at = now + GIVE_UP_MS;
	if (!t->is_invite || t->state == ACCEPTED || t->is_reliable)
		return;
	t->resend_ms = SIP_T1_MS;
	t->resend_at = now + t->resend_ms;
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
	copy = malloc(answer->bytes.length + 1);
	if (!copy)
		return SIP_EMEMORY;
	memcpy(copy, answer->bytes.at, answer->bytes.length);
	free(t->response);
	t->response = copy;
	t->response_length = answer->bytes.length;
	if (answer->status < 200)
		return 0;
	enter_final(t, answer->status, now);
	heap_update(table, slot);
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
	heap_update(table, slot);
}

bool sip_transactions_next(struct sip_transactions *table, struct sip_due *due, uint64_t now)
{
	while (sip_transactions_deadline(table) <= now) {
		uint32_t slot = table->heap[0];
		const struct transaction *t = &table->slots[slot];
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
	return table->heap_count > 0 ? due_at(table, table->heap[0]) : SIP_NEVER;
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

/* clients.c - client transactions with their own clock. */
#include "sip/clients.h"

#include <stdlib.h>
#include <string.h>

enum {
	GIVE_UP_MS = 64 * SIP_T1_MS, /* timers B, D, F, M; RFC 3261 9.1 after a CANCEL */
	ACK_MAX = 8192,
	NOWHERE = 0, /* no slot: they count from 1 */
	SLOTS_PER_BUCKET = 4,
};

/* RFC 3261 figures 5 and 6, RFC 6026 figure 4.  A non-INVITE's Trying is CALLING. */
enum state {
	FREE,
	CALLING,    /* nothing came yet; A or E, and B or F */
	PROCEEDING, /* a provisional answer came; of a non-INVITE E and F go on */
	COMPLETED,  /* a final answer came: D or K */
	ACCEPTED,   /* a 2xx to INVITE came: M */
};

struct client {
	enum state state;
	enum sip_method method;
	bool is_reliable;
	bool cancelled;      /* as soon as it may be */
	uint32_t generation; /* of the slot; makes ids unique */
	uint32_t next;       /* in the bucket, or in the free list */
	struct sip_waiter waiter;
	uint64_t resend_at; /* timers A and E; SIP_NEVER: not running */
	uint64_t resend_ms; /* their current length */
	uint64_t end_at;    /* the other timers; SIP_NEVER: none runs */
	uint64_t owner;
	struct sip_peer peer;
	struct sip_span branch; /* in `bytes` */
	char *bytes;            /* the branch, then the request as it was sent; owned */
	size_t length;          /* of the request */
};

struct sip_clients {
	uint32_t limit, count;
	struct client *slots; /* from 1 on; what was never used is not touched */
	uint32_t used;        /* the highest slot that was ever in use */
	uint32_t free_slot;   /* a lower one that is free again, and so on by `next` */
	uint32_t *buckets;    /* first of each chain */
	uint32_t bucket_count;
	struct sip_waiters waiters;
	char ack[ACK_MAX]; /* the last one that was made */
};

/* ---- slots --------------------------------------------------------------------------------- */

static uint32_t *bucket_of(const struct sip_clients *table, struct sip_span branch)
{
	return &table->buckets[sip_span_hash(branch) % table->bucket_count];
}

static struct client *find(const struct sip_clients *table, struct sip_span branch,
			   enum sip_method method)
{
	for (uint32_t slot = *bucket_of(table, branch); slot != NOWHERE;
	     slot = table->slots[slot].next) {
		struct client *client = &table->slots[slot];

		if (client->method == method && sip_span_equal(client->branch, branch))
			return client;
	}
	return NULL;
}

static uint32_t slot_of(const struct sip_clients *table, const struct client *client)
{
	return (uint32_t)(client - table->slots);
}

static sip_client_id id_of(const struct sip_clients *table, const struct client *client)
{
	return (uint64_t)client->generation << 32 | slot_of(table, client);
}

static struct client *find_id(const struct sip_clients *table, sip_client_id id)
{
	uint32_t slot = (uint32_t)id;
	struct client *client = &table->slots[slot <= table->used ? slot : NOWHERE];

	return client->state != FREE && id_of(table, client) == id ? client : NULL;
}

static struct sip_span request_of(const struct client *client)
{
	return (struct sip_span){client->bytes + client->branch.length, client->length};
}

/* What waits is due at the earlier of its timers. */
static void wait_on(struct sip_clients *table, struct client *client)
{
	sip_waiters_set(&table->waiters, &client->waiter,
			client->resend_at < client->end_at ? client->resend_at : client->end_at);
}

static void close_client(struct sip_clients *table, struct client *client)
{
	uint32_t slot = slot_of(table, client);
	uint32_t *link = bucket_of(table, client->branch);

	sip_waiters_set(&table->waiters, &client->waiter, SIP_NEVER);
	while (*link != slot)
		link = &table->slots[*link].next;
	*link = client->next;
	free(client->bytes);
	client->bytes = NULL;
	client->state = FREE;
	client->next = table->free_slot;
	table->free_slot = slot;
	table->count--;
}

struct sip_clients *sip_clients_new(uint32_t limit)
{
	struct sip_clients *table = calloc(1, sizeof(*table));

	if (!table || limit == 0 || limit == UINT32_MAX) {
		free(table);
		return NULL;
	}
	table->limit = limit;
	table->bucket_count = limit / SLOTS_PER_BUCKET + 1;
	table->slots = calloc(limit + 1, sizeof(*table->slots));
	table->buckets = calloc(table->bucket_count, sizeof(*table->buckets));
	if (!table->slots || !table->buckets || sip_waiters_init(&table->waiters, limit) != 0) {
		sip_clients_free(table);
		return NULL;
	}
	return table;
}

void sip_clients_free(struct sip_clients *table)
{
	if (!table)
		return;
	for (uint32_t i = 1; table->slots && i <= table->used; i++)
		free(table->slots[i].bytes);
	free(table->slots);
	free(table->buckets);
	sip_waiters_clear(&table->waiters);
	free(table);
}

size_t sip_clients_count(const struct sip_clients *table)
{
	return table->count;
}

/* ---- opening ------------------------------------------------------------------------------- */

static int open_client(struct sip_clients *table, const struct sip_client_start *start,
		       struct client **out, uint64_t now)
{
	uint32_t *bucket = bucket_of(table, start->branch);
	struct client *client;
	uint32_t slot;
	char *bytes;

	if (table->count == table->limit)
		return SIP_EFULL;
	if (find(table, start->branch, start->method))
		return SIP_EREPEATED;
	bytes = malloc(start->branch.length + start->bytes.length);
	if (!bytes)
		return SIP_EMEMORY;
	memcpy(bytes, start->branch.at, start->branch.length);
	memcpy(bytes + start->branch.length, start->bytes.at, start->bytes.length);
	slot = table->free_slot != NOWHERE ? table->free_slot : ++table->used;
	client = &table->slots[slot];
	if (slot == table->free_slot)
		table->free_slot = client->next;
	*client = (struct client){
		.state = CALLING,
		.method = start->method,
		.is_reliable = start->is_reliable,
		.generation = client->generation + 1,
		.next = *bucket,
		.resend_at = now,
		.end_at = now + GIVE_UP_MS,
		.owner = start->owner,
		.peer = start->peer,
		.branch = {bytes, start->branch.length},
		.bytes = bytes,
		.length = start->bytes.length,
	};
	*bucket = slot;
	table->count++;
	wait_on(table, client);
	*out = client;
	return 0;
}

int sip_clients_open(struct sip_clients *table, const struct sip_client_start *start,
		     sip_client_id *id, uint64_t now)
{
	struct client *client;
	int error = open_client(table, start, &client, now);

	if (!error)
		*id = id_of(table, client);
	return error;
}

/* ---- cancelling ---------------------------------------------------------------------------- */

/* RFC 3261 9.1: a CANCEL is a transaction of its own, on the branch of its INVITE, which has 64*T1
 * to end from then on. */
static int send_cancel(struct sip_clients *table, struct client *client, uint64_t now)
{
	const struct sip_span request = request_of(client);
	struct sip_client_start start = {
		.method = SIP_CANCEL,
		.branch = client->branch,
		.is_reliable = client->is_reliable,
		.peer = client->peer,
		.owner = client->owner,
	};
	struct sip_message invite;
	struct sip_builder builder;
	struct client *cancel;
	int length = sip_message_parse(&invite, request.at, request.length);

	if (length)
		return length;
	sip_builder_init(&builder, table->ack, sizeof(table->ack));
	length = sip_build_cancel(&builder, &invite, NULL);
	sip_message_clear(&invite);
	if (length < 0)
		return length;
	start.bytes = (struct sip_span){table->ack, (size_t)length};
	client->end_at = now + GIVE_UP_MS;
	wait_on(table, client);
	return open_client(table, &start, &cancel, now);
}

int sip_clients_cancel(struct sip_clients *table, sip_client_id id, uint64_t now)
{
	struct client *client = find_id(table, id);

	if (!client || client->method != SIP_INVITE || client->cancelled)
		return 0;
	switch (client->state) {
	case CALLING:
		client->cancelled = true;
		return 0;
	case PROCEEDING:
		client->cancelled = true;
		return send_cancel(table, client, now);
	case FREE:
	case COMPLETED:
	case ACCEPTED:
		break;
	}
	return 0;
}

bool sip_clients_drop(struct sip_clients *table, sip_client_id id)
{
	struct client *client = find_id(table, id);

	if (!client || (client->state != CALLING && client->state != PROCEEDING))
		return false;
	close_client(table, client);
	return true;
}

void sip_clients_lose(struct sip_clients *table,
		      bool (*is_broken)(const void *user, const struct sip_peer *peer),
		      const void *user, uint64_t now)
{
	for (uint32_t i = 1; i <= table->used; i++) {
		struct client *client = &table->slots[i];

		if (client->state != CALLING || !is_broken(user, &client->peer))
			continue;
		client->end_at = now;
		wait_on(table, client);
	}
}

/* ---- answers ------------------------------------------------------------------------------- */

/* A provisional answer ends the repeats of an INVITE; those of another request go on, T2 apart
 * (17.1.2.2). */
static enum sip_client_news take_provisional(struct sip_clients *table, struct client *client,
					     uint64_t now)
{
	bool first = client->state == CALLING;

	if (client->state != CALLING && client->state != PROCEEDING)
		return SIP_CLIENT_ABSORBED;
	client->state = PROCEEDING;
	if (client->method == SIP_INVITE) {
		client->resend_at = SIP_NEVER;
		if (!client->cancelled)
			client->end_at = SIP_NEVER;
	} else {
		client->resend_ms = SIP_T2_MS;
	}
	wait_on(table, client);
	/* A CANCEL for which there is no room leaves the INVITE to its answer. */
	if (first && client->cancelled)
		send_cancel(table, client, now);
	return SIP_CLIENT_PROVISIONAL;
}

/* 17.1.1.3: the ACK of a refusal is the transaction's own. */
static void make_ack(struct sip_clients *table, const struct client *client,
		     const struct sip_message *response, struct sip_client_receipt *receipt)
{
	const struct sip_span request = request_of(client);
	struct sip_message invite;
	struct sip_builder builder;
	int length;

	if (sip_message_parse(&invite, request.at, request.length))
		return;
	sip_builder_init(&builder, table->ack, sizeof(table->ack));
	length = sip_build_ack_for_failure(&builder, &invite, response);
	sip_message_clear(&invite);
	if (length > 0)
		receipt->ack = (struct sip_span){table->ack, (size_t)length};
}

/* The time for which repeats are absorbed: timers D, K and M. */
static void enter_final(struct sip_clients *table, struct client *client, enum state state,
			uint64_t now)
{
	client->state = state;
	client->resend_at = SIP_NEVER;
	client->end_at = now + GIVE_UP_MS;
	if (client->method != SIP_INVITE)
		client->end_at = now + (client->is_reliable ? 0 : SIP_T4_MS);
	else if (state == COMPLETED && client->is_reliable)
		client->end_at = now;
	wait_on(table, client);
}

static enum sip_client_news take_final(struct sip_clients *table, struct client *client,
				       const struct sip_message *response,
				       struct sip_client_receipt *receipt, uint64_t now)
{
	bool accepted = response->status < 300;
	bool open = client->state == CALLING || client->state == PROCEEDING;

	if (client->method == SIP_INVITE && accepted) {
		if (open)
			enter_final(table, client, ACCEPTED, now);
		return client->state == ACCEPTED ? SIP_CLIENT_ACCEPTED : SIP_CLIENT_ABSORBED;
	}
	if (client->method == SIP_INVITE && client->state != ACCEPTED)
		make_ack(table, client, response, receipt);
	if (!open)
		return SIP_CLIENT_ABSORBED;
	enter_final(table, client, COMPLETED, now);
	if (client->method == SIP_CANCEL)
		return SIP_CLIENT_ABSORBED;
	return accepted ? SIP_CLIENT_ACCEPTED : SIP_CLIENT_REFUSED;
}

void sip_clients_receive(struct sip_clients *table, const struct sip_message *response,
			 struct sip_client_receipt *receipt, uint64_t now)
{
	struct client *client = NULL;

	*receipt = (struct sip_client_receipt){.news = SIP_CLIENT_STRAY};
	if (!response->is_request)
		client = find(table, response->via.branch, response->method);
	if (!client)
		return;
	receipt->id = id_of(table, client);
	receipt->owner = client->owner;
	receipt->peer = client->peer;
	if (response->status >= 200)
		receipt->news = take_final(table, client, response, receipt, now);
	else if (client->method == SIP_CANCEL)
		receipt->news = SIP_CLIENT_ABSORBED;
	else
		receipt->news = take_provisional(table, client, now);
}

/* ---- time ---------------------------------------------------------------------------------- */

/* 17.1.1.2, 17.1.2.2: an INVITE's gaps double without end, others' up to T2; counted from now on,
 * so that a late wake makes no burst. */
static void send_again(struct sip_clients *table, struct client *client, uint64_t now)
{
	uint64_t gap = client->resend_ms ? client->resend_ms * 2 : SIP_T1_MS;

	if (client->method != SIP_INVITE && gap > SIP_T2_MS)
		gap = SIP_T2_MS;
	client->resend_ms = gap;
	client->resend_at = client->is_reliable ? SIP_NEVER : now + gap;
	wait_on(table, client);
}

bool sip_clients_next(struct sip_clients *table, struct sip_client_due *due, uint64_t now)
{
	while (sip_clients_deadline(table) <= now) {
		struct client *client =
			sip_waiter_owner(sip_waiters_first(&table->waiters), struct client, waiter);
		bool silent = (client->state == CALLING || client->state == PROCEEDING) &&
			      client->method != SIP_CANCEL;

		*due = (struct sip_client_due){
			.kind = SIP_CLIENT_SILENT,
			.id = id_of(table, client),
			.owner = client->owner,
			.peer = client->peer,
		};
		if (client->end_at > now) {
			due->kind = SIP_CLIENT_SEND;
			due->bytes = request_of(client);
			send_again(table, client, now);
			return true;
		}
		close_client(table, client);
		if (silent)
			return true;
	}
	return false;
}

uint64_t sip_clients_deadline(const struct sip_clients *table)
{
	return sip_waiters_deadline(&table->waiters);
}

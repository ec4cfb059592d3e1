/* ledger.c - the dialogs that go through the agent. */
#include "agent/ledger.h"

#include <stdlib.h>
#include <string.h>

enum { MS_IN_S = 1000, DIALOGS_PER_BUCKET = 4 };

struct agent_ledger {
	uint32_t limit, count;
	uint32_t bucket_count;
	uint32_t sweep; /* the part that is looked at next */
	uint64_t last_id;
	LIST_HEAD(bucket, agent_dialog) * buckets; /* by Call-ID */
	LIST_HEAD(ids, agent_dialog) * ids;        /* as many, by id */
};

/* ---- the table ----------------------------------------------------------------------------- */

struct agent_ledger *agent_ledger_new(uint32_t limit)
{
	struct agent_ledger *ledger = calloc(1, sizeof(*ledger));

	if (!ledger)
		return NULL;
	ledger->limit = limit;
	ledger->bucket_count = limit / DIALOGS_PER_BUCKET + AGENT_SWEEP_PARTS;
	ledger->buckets = calloc(ledger->bucket_count, sizeof(*ledger->buckets));
	ledger->ids = calloc(ledger->bucket_count, sizeof(*ledger->ids));
	if (ledger->buckets && ledger->ids)
		return ledger;
	free(ledger->buckets);
	free(ledger->ids);
	free(ledger);
	return NULL;
}

static void no_more(void *user, struct agent_dialog *dialog)
{
	(void)user;
	agent_ledger_close(dialog);
}

void agent_ledger_free(struct agent_ledger *ledger)
{
	if (!ledger)
		return;
	agent_ledger_each(ledger, no_more, NULL);
	free(ledger->buckets);
	free(ledger->ids);
	free(ledger);
}

size_t agent_ledger_count(const struct agent_ledger *ledger)
{
	return ledger->count;
}

/* All dialogs with one Call-ID stand in one bucket. */
static struct bucket *bucket_of(const struct agent_ledger *ledger, struct sip_span call_id)
{
	return &ledger->buckets[sip_span_hash(call_id) % ledger->bucket_count];
}

static struct ids *ids_of(const struct agent_ledger *ledger, uint64_t id)
{
	return &ledger->ids[id % ledger->bucket_count];
}

/* ---- finding ------------------------------------------------------------------------------- */

struct sip_span agent_dialog_text(const struct agent_dialog *dialog, enum agent_dialog_text which)
{
	return sip_span_of(dialog->texts[which]);
}

struct agent_dialog_key agent_dialog_key_of(const struct sip_message *message, enum agent_side side,
					    uint32_t line)
{
	bool from_inside = (side == AGENT_INSIDE) == message->is_request;

	return (struct agent_dialog_key){
		.line = line,
		.call_id = message->call_id,
		.inside_tag = from_inside ? message->from.tag : message->to.tag,
		.outside_tag = from_inside ? message->to.tag : message->from.tag,
	};
}

static bool fits(const struct agent_dialog *dialog, enum agent_dialog_text which,
		 struct sip_span wanted)
{
	return !wanted.at || sip_span_equal(agent_dialog_text(dialog, which), wanted);
}

struct agent_dialog *agent_ledger_next(const struct agent_ledger *ledger,
				       const struct agent_dialog_key *key,
				       const struct agent_dialog *after)
{
	struct agent_dialog *dialog =
		after ? LIST_NEXT(after, others) : LIST_FIRST(bucket_of(ledger, key->call_id));

	for (; dialog; dialog = LIST_NEXT(dialog, others))
		if ((key->line == AGENT_ANY_LINE || key->line == dialog->line) &&
		    fits(dialog, AGENT_CALL_ID, key->call_id) &&
		    fits(dialog, AGENT_INSIDE_TAG, key->inside_tag) &&
		    fits(dialog, AGENT_OUTSIDE_TAG, key->outside_tag))
			return dialog;
	return NULL;
}

struct agent_dialog *agent_ledger_find(const struct agent_ledger *ledger,
				       const struct agent_dialog_key *key)
{
	if (!key->inside_tag.at || !key->outside_tag.at)
		return NULL;
	return agent_ledger_next(ledger, key, NULL);
}

struct agent_dialog *agent_ledger_by_id(const struct agent_ledger *ledger, uint64_t id)
{
	struct agent_dialog *dialog;

	LIST_FOREACH(dialog, ids_of(ledger, id), numbered)
	if (dialog->id == id)
		return dialog;
	return NULL;
}

/* Headers that name another dialog: the tag of who is asked, and of the other one.  RFC 4538 7 has
 * them from the asker's side. */
static const struct {
	const char *header, *asked, *other;
} naming[] = {
	{"Replaces", "to-tag", "from-tag"},
	{"Join", "to-tag", "from-tag"},
	{"Target-Dialog", "remote-tag", "local-tag"},
};

struct agent_dialog *agent_ledger_named(const struct agent_ledger *ledger, uint32_t line,
					const struct sip_message *request, enum agent_side side)
{
	for (size_t i = 0; i < sizeof(naming) / sizeof(*naming); i++) {
		const struct sip_header *header =
			sip_message_header_named(request, naming[i].header, 0);
		struct agent_dialog_key key = {.line = line};
		struct sip_span params, asked, other;

		if (!header)
			continue;
		key.call_id = sip_span_trim(sip_span_cut(header->value, ';', &params));
		if (!sip_param_find(params, naming[i].asked, &asked) ||
		    !sip_param_find(params, naming[i].other, &other))
			return NULL;
		key.inside_tag = side == AGENT_OUTSIDE ? asked : other;
		key.outside_tag = side == AGENT_OUTSIDE ? other : asked;
		return agent_ledger_find(ledger, &key);
	}
	return NULL;
}

/* ---- dialogs ------------------------------------------------------------------------------- */

int agent_dialog_set(struct agent_dialog *dialog, enum agent_dialog_text which,
		     struct sip_span text)
{
	char *copy;

	if (dialog->texts[which] && sip_span_equal(agent_dialog_text(dialog, which), text))
		return 0;
	if (text.length > AGENT_DIALOG_TEXT_MAX)
		return SIP_ESPACE;
	if (text.length && memchr(text.at, '\0', text.length))
		return SIP_EVALUE;
	copy = strndup(text.length ? text.at : "", text.length);
	if (!copy)
		return SIP_EMEMORY;
	free(dialog->texts[which]);
	dialog->texts[which] = copy;
	return 0;
}

static int check_room(const struct agent_ledger *ledger, const struct agent_dialog_key *key)
{
	const struct agent_dialog_key same = {.line = AGENT_ANY_LINE, .call_id = key->call_id};
	const struct agent_dialog *dialog = NULL;
	uint32_t count = 0;

	while ((dialog = agent_ledger_next(ledger, &same, dialog)))
		count++;
	if (ledger->count >= ledger->limit || count >= AGENT_DIALOGS_PER_CALL_MAX)
		return SIP_EFULL;
	return agent_ledger_find(ledger, key) ? SIP_EREPEATED : 0;
}

/* All texts of a new dialog. */
static int set_texts(struct agent_dialog *dialog, const struct agent_dialog_key *key)
{
	int error = agent_dialog_set(dialog, AGENT_CALL_ID, key->call_id);

	if (!error)
		error = agent_dialog_set(dialog, AGENT_INSIDE_TAG, key->inside_tag);
	if (!error)
		error = agent_dialog_set(dialog, AGENT_OUTSIDE_TAG, key->outside_tag);
	for (int i = AGENT_OUTSIDE_TAG + 1; i < AGENT_TEXTS && !error; i++)
		error = agent_dialog_set(dialog, (enum agent_dialog_text)i, sip_span_of(""));
	return error;
}

int agent_ledger_open(struct agent_ledger *ledger, const struct agent_dialog_key *key, uint64_t id,
		      struct agent_dialog **out)
{
	int error = check_room(ledger, key);
	struct agent_dialog *dialog;

	if (!error && id && agent_ledger_by_id(ledger, id))
		error = SIP_EREPEATED;
	if (error)
		return error;
	dialog = calloc(1, sizeof(*dialog));
	if (!dialog)
		return SIP_EMEMORY;
	dialog->ledger = ledger;
	dialog->line = key->line;
	dialog->id = id ? id : ledger->last_id + 1;
	LIST_INSERT_HEAD(bucket_of(ledger, key->call_id), dialog, others);
	LIST_INSERT_HEAD(ids_of(ledger, dialog->id), dialog, numbered);
	ledger->count++;
	error = set_texts(dialog, key);
	if (error) {
		agent_ledger_close(dialog);
		return error;
	}
	if (dialog->id > ledger->last_id)
		ledger->last_id = dialog->id;
	*out = dialog;
	return 0;
}

void agent_ledger_close(struct agent_dialog *dialog)
{
	LIST_REMOVE(dialog, others);
	LIST_REMOVE(dialog, numbered);
	dialog->ledger->count--;
	for (int i = 0; i < AGENT_TEXTS; i++)
		free(dialog->texts[i]);
	free(dialog);
}

int agent_read_routes(const struct sip_message *message, bool reversed, char *to, size_t size)
{
	struct sip_span routes[SIP_LINES_MAX];
	struct sip_cursor cursor = {0};
	size_t count = 0, length = 0;

	while (count < SIP_LINES_MAX &&
	       sip_message_next(message, SIP_RECORD_ROUTE, &cursor, &routes[count]))
		count++;
	for (size_t i = 0; i < count; i++) {
		struct sip_span route = routes[reversed ? count - 1 - i : i];
		struct sip_span comma = sip_span_of(i ? ", " : "");

		if (comma.length + route.length >= size - length)
			return SIP_ESPACE;
		memcpy(to + length, comma.at, comma.length);
		memcpy(to + length + comma.length, route.at, route.length);
		length += comma.length + route.length;
	}
	to[length] = '\0';
	return (int)length;
}

/* ---- time ---------------------------------------------------------------------------------- */

void agent_dialog_touch(struct agent_dialog *dialog, uint64_t now)
{
	if (!dialog->session_ms)
		dialog->drop_at = now + AGENT_DIALOG_IDLE_MS;
}

void agent_dialog_set_session(struct agent_dialog *dialog, uint32_t seconds, uint64_t now)
{
	dialog->session_ms = (uint64_t)seconds * MS_IN_S;
	if (dialog->session_ms > AGENT_DIALOG_TIME_MAX_MS)
		dialog->session_ms = AGENT_DIALOG_TIME_MAX_MS;
	dialog->drop_at = now + (seconds ? dialog->session_ms : AGENT_DIALOG_IDLE_MS);
}

static void each_of(struct bucket *bucket, void (*each)(void *user, struct agent_dialog *dialog),
		    void *user)
{
	struct agent_dialog *dialog, *next;

	for (dialog = LIST_FIRST(bucket); dialog; dialog = next) {
		next = LIST_NEXT(dialog, others);
		each(user, dialog);
	}
}

void agent_ledger_each(struct agent_ledger *ledger,
		       void (*each)(void *user, struct agent_dialog *dialog), void *user)
{
	for (uint32_t i = 0; i < ledger->bucket_count; i++)
		each_of(&ledger->buckets[i], each, user);
}

struct sweep {
	uint64_t now;
	void (*on_over)(void *user, struct agent_dialog *dialog);
	void *user;
};

static void sweep_one(void *user, struct agent_dialog *dialog)
{
	const struct sweep *sweep = user;

	if (dialog->drop_at <= sweep->now)
		sweep->on_over(sweep->user, dialog);
}

void agent_ledger_sweep(struct agent_ledger *ledger, uint64_t now,
			void (*on_over)(void *user, struct agent_dialog *dialog), void *user)
{
	struct sweep sweep = {now, on_over, user};

	for (uint32_t i = ledger->sweep; i < ledger->bucket_count; i += AGENT_SWEEP_PARTS)
		each_of(&ledger->buckets[i], sweep_one, &sweep);
	ledger->sweep = (ledger->sweep + 1) % AGENT_SWEEP_PARTS;
}

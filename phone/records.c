/* records.c - what the DNS answered, as rows and as text. */
#include "phone/records.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "net/address.h"

#define HEADER "keepline-state 1\n"

enum { WORDS_MAX = 9, SERVICE_MAX = 64, MS_IN_S = 1000, TTL_MAX_S = INT32_MAX };

static const struct {
	enum kl_record_type type;
	const char *name;
	unsigned words; /* of a line */
} kinds[] = {{KL_A, "A", 5}, {KL_AAAA, "AAAA", 5}, {KL_SRV, "SRV", 8}, {KL_NAPTR, "NAPTR", 9}};

enum { KINDS = sizeof kinds / sizeof *kinds };

/* ---- rows ------------------------------------------------------------------------------------ */

static void row_clear(struct kl_static_record *row)
{
	free((char *)(uintptr_t)row->owner);
	free((char *)(uintptr_t)row->data.name);
	free((char *)(uintptr_t)row->data.service);
}

void phone_records_clear(struct phone_records *records)
{
	for (uint32_t i = 0; i < records->count; i++)
		row_clear(&records->rows[i]);
	free(records->rows);
	free(records->answered_s);
	*records = (struct phone_records){.rows = NULL};
}

/* All room that there may be is taken at once: half a megabyte at most, once in a process. */
static bool make_room(struct phone_records *records)
{
	if (!records->rows)
		records->rows = calloc(PHONE_RECORDS_MAX, sizeof *records->rows);
	if (!records->answered_s)
		records->answered_s = calloc(PHONE_RECORDS_MAX, sizeof *records->answered_s);
	return records->rows && records->answered_s;
}

static bool is_named(enum kl_record_type type)
{
	return type == KL_SRV || type == KL_NAPTR;
}

static bool is_word_byte(char c)
{
	return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') ||
	       (c && strchr("+-.:_", c));
}

/* A word of a line, such as names and services are made of. */
static bool is_word(const char *text, size_t most)
{
	size_t length = 0;

	while (text && is_word_byte(text[length]))
		length++;
	return length > 0 && length <= most && !text[length];
}

static bool is_writable(const struct kl_static_record *row)
{
	const struct kl_dns_record *data = &row->data;

	if (!is_word(row->owner, KL_NAME_MAX))
		return false;
	if (is_named(row->type) && !is_word(data->name, KL_NAME_MAX))
		return false;
	return row->type != KL_NAPTR ||
	       (is_word(data->service, SERVICE_MAX) && (!data->flag || is_word_byte(data->flag)));
}

static char *copy_of(const char *text)
{
	return text ? strdup(text) : NULL;
}

static bool row_add(struct phone_records *records, const struct kl_static_record *row,
		    int64_t answered_s)
{
	struct kl_static_record *to;
	bool named = is_named(row->type);

	if (records->count == PHONE_RECORDS_MAX || !make_room(records))
		return false;
	to = &records->rows[records->count];
	*to = *row;
	to->owner = strdup(row->owner);
	to->data.name = named ? copy_of(row->data.name) : NULL;
	to->data.service = row->type == KL_NAPTR ? copy_of(row->data.service) : NULL;
	if (!to->owner || (named && !to->data.name) ||
	    (row->type == KL_NAPTR && !to->data.service)) {
		row_clear(to);
		return false;
	}
	records->answered_s[records->count++] = answered_s;
	return true;
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && !strcasecmp(a, b));
}

/* All but the TTL. */
static bool same_data(const struct kl_dns_record *a, const struct kl_dns_record *b)
{
	return same_text(a->name, b->name) && same_text(a->service, b->service) &&
	       !memcmp(a->ip, b->ip, sizeof a->ip) && a->priority == b->priority &&
	       a->weight == b->weight && a->port == b->port && a->flag == b->flag;
}

static bool is_of(const struct kl_static_record *row, const struct phone_records_answer *answer)
{
	return row->type == answer->type && !strcasecmp(row->owner, answer->owner);
}

static void forget(struct phone_records *records, const struct phone_records_answer *answer)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < records->count; i++) {
		if (is_of(&records->rows[i], answer)) {
			row_clear(&records->rows[i]);
			continue;
		}
		records->answered_s[kept] = records->answered_s[i];
		records->rows[kept++] = records->rows[i];
	}
	records->count = kept;
}

static struct kl_static_record row_of(const struct phone_records_answer *answer, uint32_t index)
{
	struct kl_static_record row = {answer->owner, answer->type, answer->records[index]};

	if (!is_named(row.type))
		row.data.name = NULL;
	if (row.type != KL_NAPTR)
		row.data.service = NULL;
	return row;
}

/* Is every record of the answer known, and nothing else of its owner and type?  *OLDEST_S is the
 * time of what is known. */
static bool is_known(const struct phone_records *records, const struct phone_records_answer *answer,
		     int64_t *oldest_s)
{
	uint32_t rows = 0, wanted = 0;

	*oldest_s = INT64_MAX;
	for (uint32_t i = 0; i < records->count; i++) {
		if (!is_of(&records->rows[i], answer))
			continue;
		rows++;
		if (records->answered_s[i] < *oldest_s)
			*oldest_s = records->answered_s[i];
	}
	for (uint32_t k = 0; k < answer->count; k++) {
		const struct kl_static_record row = row_of(answer, k);
		bool found = false;

		if (!is_writable(&row))
			continue;
		wanted++;
		for (uint32_t i = 0; i < records->count && !found; i++)
			found = is_of(&records->rows[i], answer) &&
				same_data(&records->rows[i].data, &row.data);
		if (!found)
			return false;
	}
	return rows == wanted;
}

bool phone_records_take(struct phone_records *records, const struct phone_records_answer *answer,
			int64_t now_s)
{
	int64_t oldest_s;
	bool known = is_known(records, answer, &oldest_s);

	if (known && (oldest_s == INT64_MAX || now_s - oldest_s < PHONE_RECORDS_RENEW_S))
		return false;
	forget(records, answer);
	for (uint32_t i = 0; i < answer->count; i++) {
		const struct kl_static_record row = row_of(answer, i);

		if (is_writable(&row) && !row_add(records, &row, now_s))
			break;
	}
	return true;
}

/* ---- writing --------------------------------------------------------------------------------- */

/* FNV-1a */
static uint64_t sum_of(const char *text, size_t length)
{
	uint64_t sum = UINT64_C(14695981039346656037);

	for (size_t i = 0; i < length; i++)
		sum = (sum ^ (uint8_t)text[i]) * UINT64_C(1099511628211);
	return sum;
}

static void write_row(FILE *to, const struct kl_static_record *row, int64_t answered_s)
{
	const struct kl_dns_record *data = &row->data;
	struct net_address address = {.port = 0};
	char text[NET_ADDRESS_TEXT_MAX];
	unsigned kind = 0;

	while (kinds[kind].type != row->type)
		kind++;
	fprintf(to, "%s %" PRId64 " %" PRIu64 " %s ", kinds[kind].name, answered_s,
		data->ttl_ms / MS_IN_S, row->owner);
	memcpy(address.ip, data->ip, sizeof address.ip);
	switch (row->type) {
	case KL_A:
	case KL_AAAA:
		fprintf(to, "%s\n", net_address_format(&address, text));
		break;
	case KL_SRV:
		fprintf(to, "%u %u %u %s\n", data->priority, data->weight, data->port, data->name);
		break;
	case KL_NAPTR:
		fprintf(to, "%u %u %c %s %s\n", data->priority, data->weight,
			data->flag ? data->flag : '-', data->service, data->name);
		break;
	}
}

char *phone_records_write(const struct phone_records *records, size_t *length)
{
	char *text = NULL;
	FILE *to = open_memstream(&text, length);

	if (!to)
		return NULL;
	fputs(HEADER, to);
	for (uint32_t i = 0; i < records->count; i++)
		write_row(to, &records->rows[i], records->answered_s[i]);
	if (fflush(to) == 0)
		fprintf(to, "end %u %016" PRIx64 "\n", records->count, sum_of(text, *length));
	if (fclose(to) == 0)
		return text;
	free(text);
	return NULL;
}

/* ---- reading --------------------------------------------------------------------------------- */

static bool read_number(const char *word, uint64_t most, uint64_t *number)
{
	char *end;

	if (*word < '0' || *word > '9' || strlen(word) > 18)
		return false;
	*number = strtoull(word, &end, 10);
	return !*end && *number <= most;
}

static bool read_u16(const char *word, uint16_t *number)
{
	uint64_t wide = 0;
	bool is = read_number(word, UINT16_MAX, &wide);

	*number = (uint16_t)wide;
	return is;
}

static bool read_address(const char *word, enum kl_record_type type, uint8_t ip[16])
{
	struct net_address address;

	if (net_address_parse(&address, word, 0) || address.port ||
	    net_address_is_ipv4(&address) != (type == KL_A))
		return false;
	memcpy(ip, address.ip, sizeof address.ip);
	return true;
}

/* The words behind the owner. */
static bool read_data(char **words, struct kl_static_record *row)
{
	struct kl_dns_record *data = &row->data;

	switch (row->type) {
	case KL_A:
	case KL_AAAA:
		return read_address(words[0], row->type, data->ip);
	case KL_SRV:
		data->name = words[3];
		return read_u16(words[0], &data->priority) && read_u16(words[1], &data->weight) &&
		       read_u16(words[2], &data->port);
	case KL_NAPTR:
		data->flag = words[2][0] == '-' ? '\0' : words[2][0];
		data->service = words[3];
		data->name = words[4];
		return read_u16(words[0], &data->priority) && read_u16(words[1], &data->weight) &&
		       strlen(words[2]) == 1;
	}
	return false;
}

static bool read_row(char *line, struct kl_static_record *row, int64_t *answered_s)
{
	char *words[WORDS_MAX + 1], *rest = line;
	uint64_t at = 0, ttl_s = 0;
	unsigned count = 0, kind = 0;

	while (rest && count <= WORDS_MAX)
		words[count++] = strsep(&rest, " ");
	while (kind < KINDS && strcmp(kinds[kind].name, words[0]) != 0)
		kind++;
	if (kind == KINDS || count != kinds[kind].words || rest)
		return false;
	*row = (struct kl_static_record){.owner = words[3], .type = kinds[kind].type};
	if (!read_number(words[1], INT64_MAX, &at) || !read_number(words[2], TTL_MAX_S, &ttl_s) ||
	    !read_data(words + 4, row))
		return false;
	*answered_s = (int64_t)at;
	row->data.ttl_ms = ttl_s * MS_IN_S;
	return is_writable(row);
}

static int refuse(struct phone_records *records, char why[PHONE_RECORDS_WHY_MAX],
		  const char *format, ...) __attribute__((format(printf, 3, 4)));

static int refuse(struct phone_records *records, char why[PHONE_RECORDS_WHY_MAX],
		  const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(why, PHONE_RECORDS_WHY_MAX, format, arguments);
	va_end(arguments);
	phone_records_clear(records);
	return -EINVAL;
}

/* Where the last line begins; NULL: it is not what the text before it asks for. */
static const char *find_end(const char *text, size_t length, uint64_t *count)
{
	const char *end = length > 1 ? memrchr(text, '\n', length - 1) : NULL;
	char line[64], wanted[64];
	size_t size;

	if (!end || text[length - 1] != '\n')
		return NULL;
	end++;
	size = (size_t)(text + length - end);
	if (size >= sizeof line)
		return NULL;
	memcpy(line, end, size);
	line[size] = '\0';
	if (sscanf(line, "end %" SCNu64, count) != 1 || *count > PHONE_RECORDS_MAX)
		return NULL;
	snprintf(wanted, sizeof wanted, "end %" PRIu64 " %016" PRIx64 "\n", *count,
		 sum_of(text, (size_t)(end - text)));
	return strcmp(line, wanted) == 0 ? end : NULL;
}

int phone_records_parse(struct phone_records *records, const char *text, size_t length,
			int64_t now_s, char why[PHONE_RECORDS_WHY_MAX])
{
	const size_t header = strlen(HEADER);
	const char *at = text + header, *end;
	uint64_t count = 0, line = 0;

	*records = (struct phone_records){.rows = NULL};
	if (length > PHONE_RECORDS_TEXT_MAX)
		return refuse(records, why, "larger than %d bytes", PHONE_RECORDS_TEXT_MAX);
	if (length < header || memcmp(text, HEADER, header) != 0)
		return refuse(records, why, "no state file of this version");
	end = find_end(text, length, &count);
	if (!end)
		return refuse(records, why, "its end is missing, or its check sum is wrong");
	for (; at < end; line++) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));
		struct kl_static_record row;
		char copy[PHONE_RECORDS_LINE_MAX];
		int64_t answered_s;
		size_t size = (size_t)(stop - at);

		if (size >= sizeof copy || memchr(at, '\0', size))
			return refuse(records, why, "line %" PRIu64 " is no record", line + 2);
		memcpy(copy, at, size);
		copy[size] = '\0';
		if (line >= count || !read_row(copy, &row, &answered_s))
			return refuse(records, why, "line %" PRIu64 " is no record", line + 2);
		at = stop + 1;
		if (now_s - answered_s > PHONE_RECORDS_AGE_MAX_S)
			continue;
		if (!row_add(records, &row, answered_s)) {
			phone_records_clear(records);
			return -ENOMEM;
		}
	}
	if (line != count)
		return refuse(records, why, "it does not hold %" PRIu64 " records", count);
	return 0;
}

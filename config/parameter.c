/* parameter.c - the table of parameters.def, names found in it, values read by it. */
#include "config/parameter.h"

#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "config/config.h"
#include "config/text.h"
#include "config/versity.h"

#define LINE (1u << PLACE_LINE)
#define SITE_PROXY (1u << PLACE_SITE_PROXY)
#define SITE_SIP (1u << PLACE_SITE_SIP)
#define SITE (1u << PLACE_SITE)
#define SERVERS (1u << PLACE_LINE_SERVER | 1u << PLACE_SITE_SERVER)
#define PROXIES (1u << PLACE_LINE_PROXY | 1u << PLACE_SITE_PROXY)
#define FAILOVER (SERVERS | PROXIES)
#define ACCOUNT (1u << PLACE_ACCOUNT)
#define ACCOUNT_PROXY (1u << PLACE_ACCOUNT_PROXY)
#define ACCOUNT_PROXIED (1u << PLACE_ACCOUNT_PROXIED)
#define ACCOUNT_SERVERS (1u << PLACE_ACCOUNT_SERVER | 1u << PLACE_TEMPLATE_SERVER)
#define ACCOUNT_BOTH (ACCOUNT_PROXY | ACCOUNT_SERVERS)
#define YEALINK_SITE (1u << PLACE_YEALINK_SITE)
#define CACHES (ACCOUNT | YEALINK_SITE)
#define VERSITY (1u << PLACE_VERSITY)

#define GUIDE "Poly Solution Guide: Failover and Route Redundancy (2023)"
#define TB_5844 "Polycom TB 5844 (2012)"
#define EA_66546 "Polycom EA 66546 (2012)"
#define UCS_4 "Polycom UC Software administrator guides 2.2 to 4.1"
#define UCS_5 "Polycom UC Software administrator guide 5.8"
#define TEMPLATES "public provisioning templates for Polycom phones"
#define YEALINK "Yealink: Server redundancy"
#define YEALINK_GUIDES "Yealink administrator guides"
#define YEALINK_TEMPLATES "public provisioning templates for Yealink phones"
#define CS_18_10 "Spectralink CS-18-10"

enum {
	PATTERN_MAX = 128,       /* bytes that any full name fits in: the longest has 60 */
	YEALINK_SERVERS_MAX = 2, /* the working server and the fallback server */
};

static const struct parameter rows[] = {
#define CONFIG_POLICY(id, name, where, type, low, high, sets, sets_too, says, origin)              \
	[PARAMETER_##id] = {.suffix = name,                                                        \
			    .use = USE_POLICY,                                                     \
			    .kind = KIND_##type,                                                   \
			    .places = where,                                                       \
			    .least = low,                                                          \
			    .most = high,                                                          \
			    .field = KL_POLICY_##sets,                                             \
			    .also = KL_POLICY_##sets_too,                                          \
			    .meaning = says,                                                       \
			    .source = origin},
#define PLAIN_ROW(what, name, where, type, low, high, otherwise, says, origin)                     \
	{.suffix = name,                                                                           \
	 .use = what,                                                                              \
	 .kind = KIND_##type,                                                                      \
	 .places = where,                                                                          \
	 .least = low,                                                                             \
	 .most = high,                                                                             \
	 .unset = otherwise,                                                                       \
	 .meaning = says,                                                                          \
	 .source = origin},
#define CONFIG_SETTING(id, ...) [PARAMETER_##id] = PLAIN_ROW(USE_SETTING, __VA_ARGS__)
#define CONFIG_INERT(...) PLAIN_ROW(USE_INERT, __VA_ARGS__)
#define CONFIG_CLAMP(...)
#define CONFIG_OLDER(...)
#include "config/parameters.def"
};

static const struct clamp {
	enum parameter_id id;
	uint32_t from, to, becomes;
	const char *permitted;
} clamps[] = {
#define CONFIG_POLICY(...)
#define CONFIG_SETTING(...)
#define CONFIG_INERT(...)
#define CONFIG_CLAMP(id, ...) {PARAMETER_##id, __VA_ARGS__},
#define CONFIG_OLDER(...)
#include "config/parameters.def"
};

static const struct older {
	uint16_t id;
	const char *name;
	uint8_t place, y;
} olders[] = {
#define CONFIG_POLICY(...)
#define CONFIG_SETTING(...)
#define CONFIG_INERT(...)
#define CONFIG_CLAMP(...)
#define CONFIG_OLDER(id, name, place, y) {PARAMETER_##id, name, PLACE_##place, y},
#include "config/parameters.def"
};

static const struct {
	const char *prefix;
	enum parameter_dialect dialect;
} places[PLACES] = {
#define X(place, whose, text) [PLACE_##place] = {.prefix = text, .dialect = DIALECT_##whose},
	PARAMETER_PLACES(X)
#undef X
};

/* What each word stands for; of two words for one thing the first is the usual.  The 2023 guide
 * spells the first failback mode both newRequests and newRequest. */
static const struct word {
	enum parameter_kind kind;
	uint32_t number;
	const char *word;
} words[] = {
	{KIND_TRANSPORT, KL_CHOOSE_NAPTR, "DNSnaptr"},
	{KIND_TRANSPORT, KL_CHOOSE_UDP, "UDPOnly"},
	{KIND_TRANSPORT, KL_CHOOSE_TCP_PREFERRED, "TCPpreferred"},
	{KIND_TRANSPORT, KL_CHOOSE_TCP, "TCPOnly"},
	{KIND_TRANSPORT, KL_CHOOSE_TLS, "TLS"},
	{KIND_TRANSPORT_NUMBER, KL_CHOOSE_UDP, "0"},
	{KIND_TRANSPORT_NUMBER, KL_CHOOSE_TCP, "1"},
	{KIND_TRANSPORT_NUMBER, KL_CHOOSE_TLS, "2"},
	{KIND_TRANSPORT_NUMBER, KL_CHOOSE_NAPTR, "3"},
	{KIND_TRANSPORT_WORD, KL_CHOOSE_UDP, "UDP"},
	{KIND_TRANSPORT_WORD, KL_CHOOSE_TCP, "TCP"},
	{KIND_TRANSPORT_WORD, KL_CHOOSE_TLS, "TLS"},
	{KIND_FAILBACK, KL_FAILBACK_NEW_REQUESTS, "newRequests"},
	{KIND_FAILBACK, KL_FAILBACK_NEW_REQUESTS, "newRequest"},
	{KIND_FAILBACK, KL_FAILBACK_DNSTTL, "DNSTTL"},
	{KIND_FAILBACK, KL_FAILBACK_REGISTRATION, "registration"},
	{KIND_FAILBACK, KL_FAILBACK_DURATION, "duration"},
	{KIND_FAILBACK_NUMBER, KL_FAILBACK_NEW_REQUESTS, "0"},
	{KIND_FAILBACK_NUMBER, KL_FAILBACK_DNSTTL, "1"},
	{KIND_FAILBACK_NUMBER, KL_FAILBACK_REGISTRATION, "2"},
	{KIND_FAILBACK_NUMBER, KL_FAILBACK_DURATION, "3"},
	{KIND_STATIC_FIRST, KL_STATIC_LAST, "0"},
	{KIND_STATIC_FIRST, KL_STATIC_FIRST, "1"},
	{KIND_LINE_TYPE, 0, "private"},
	{KIND_LINE_TYPE, 1, "shared"},
	{KIND_INTEROP, 0, "standard"},
	{KIND_INTEROP, 1, "ocs2007r2"},
	{KIND_INTEROP, 2, "lcs2005"},
	{KIND_INTEROP, 3, "lync2010"},
	{KIND_NAPTR_FLAG, 0, "S"},
	{KIND_NAPTR_FLAG, 1, "A"},
	{KIND_NAPTR_FLAG, 2, "U"},
	{KIND_NAPTR_FLAG, 3, "P"},
};

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

size_t parameter_count(void)
{
	return COUNT_OF(rows);
}

const struct parameter *parameter_get(size_t id)
{
	assert(id < COUNT_OF(rows));
	return &rows[id];
}

/* The places of a row are all of one dialect. */
enum parameter_dialect parameter_dialect(size_t id)
{
	return places[__builtin_ctz(parameter_get(id)->places)].dialect;
}

bool parameter_is_word(enum parameter_kind kind)
{
	return kind >= KIND_TRANSPORT && kind <= KIND_NAPTR_FLAG;
}

const char *parameter_prefix(enum parameter_place place)
{
	return places[place].prefix;
}

/* Is P the letter of an index: a component of its own? */
static bool is_index(const char *pattern, const char *p)
{
	return (*p == 'x' || *p == 'y' || *p == 'n') && (p == pattern || p[-1] == '.') &&
	       (p[1] == '.' || p[1] == '\0');
}

/* Reads an index, 1 to MOST, without leading zeros.  NULL: no number.  *INDEX is 0 out of range. */
static const char *read_index(const char *name, uint32_t most, uint32_t *index)
{
	size_t digits = strspn(name, "0123456789");
	if (digits == 0 || name[0] == '0' || digits > 9)
		return NULL;
	uint32_t number = 0;
	for (size_t i = 0; i < digits; i++)
		number = number * 10 + (uint32_t)(name[i] - '0');
	*index = number <= most ? number : 0;
	return name + digits;
}

static uint32_t index_max(char letter, enum parameter_dialect dialect)
{
	if (letter == 'x')
		return CONFIG_LINES_MAX;
	if (letter == 'n')
		return KL_STATIC_RECORDS_MAX;
	return dialect == DIALECT_YEALINK ? YEALINK_SERVERS_MAX : KL_ENTRIES_MAX;
}

/* Follows PATTERN, of KEY's place, along NAME.  What is left of NAME, or NULL; *IN_RANGE falls with
 * a bad index. */
static const char *match(const char *pattern, const char *name, struct parameter_key *key,
			 bool *in_range)
{
	for (const char *p = pattern; *p; p++) {
		if (!is_index(pattern, p)) {
			if (tolower((unsigned char)*p) != tolower((unsigned char)*name++))
				return NULL;
			continue;
		}
		uint32_t index;
		name = read_index(name, index_max(*p, places[key->place].dialect), &index);
		if (!name)
			return NULL;
		if (index == 0)
			*in_range = false;
		if (*p == 'x')
			key->x = (uint16_t)index;
		else
			key->y = (uint8_t)index;
	}
	return name;
}

/* The first older name that NAME is. */
static enum parameter_match find_older(const char *name, struct parameter_key *key)
{
	for (uint8_t i = 0; i < COUNT_OF(olders); i++) {
		bool in_range = true;
		*key = (struct parameter_key){
			.id = olders[i].id, .place = olders[i].place, .older = (uint8_t)(i + 1)};
		const char *rest = match(olders[i].name, name, key, &in_range);
		if (!rest || *rest)
			continue;
		key->y = olders[i].y;
		return in_range ? MATCH_FOUND : MATCH_INDEX;
	}
	return MATCH_NONE;
}

enum parameter_match parameter_find(const char *name, struct parameter_key *key)
{
	for (uint8_t place = 0; place < PLACES; place++) {
		struct parameter_key at_place = {.place = place};
		bool prefix_in_range = true;
		const char *suffix = match(places[place].prefix, name, &at_place, &prefix_in_range);
		for (uint16_t id = 0; suffix && id < COUNT_OF(rows); id++) {
			bool in_range = prefix_in_range;
			if (!(rows[id].places & 1u << place))
				continue;
			*key = at_place;
			key->id = id;
			const char *rest = match(rows[id].suffix, suffix, key, &in_range);
			if (rest && *rest == '\0')
				return in_range ? MATCH_FOUND : MATCH_INDEX;
		}
	}
	return find_older(name, key);
}

static const struct clamp *find_clamp(size_t id, uint32_t number)
{
	for (size_t i = 0; i < COUNT_OF(clamps); i++)
		if (clamps[i].id == id && number >= clamps[i].from && number <= clamps[i].to)
			return &clamps[i];
	return NULL;
}

static enum parameter_check read_number(size_t id, struct parameter_value *value)
{
	const struct parameter *row = parameter_get(id);
	bool good = row->kind == KIND_DECIMAL ? text_read_decimal(value->text, &value->number)
					      : text_read_number(value->text, &value->number);
	if (!good || value->number < row->least || value->number > row->most)
		return CHECK_WRONG;
	const struct clamp *clamp = find_clamp(id, value->number);
	if (!clamp)
		return CHECK_GOOD;
	value->number = clamp->becomes;
	return clamp->permitted ? CHECK_CLAMPED : CHECK_GOOD;
}

static const struct word *find_word(enum parameter_kind kind, uint32_t number)
{
	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (words[i].kind == kind && words[i].number == number)
			return &words[i];
	return NULL;
}

static enum parameter_check read_word(enum parameter_kind kind, struct parameter_value *value)
{
	for (size_t i = 0; i < COUNT_OF(words); i++) {
		if (words[i].kind != kind || strcasecmp(words[i].word, value->text) != 0)
			continue;
		uint32_t number = words[i].number;
		*value = (struct parameter_value){find_word(kind, number)->word, number};
		return CHECK_GOOD;
	}
	return CHECK_WRONG;
}

enum parameter_check parameter_read(size_t id, const char *text, struct arena *arena,
				    struct parameter_value *value)
{
	const struct parameter *row = parameter_get(id);
	char *trimmed = text_copy_trimmed(arena, text);
	*value = (struct parameter_value){trimmed, 0};
	bool good = false;

	switch (row->kind) {
	case KIND_BOOL:
	case KIND_COUNT:
	case KIND_MS:
	case KIND_SECONDS:
	case KIND_DECIMAL:
		return read_number(id, value);
	case KIND_TRANSPORT:
	case KIND_TRANSPORT_NUMBER:
	case KIND_TRANSPORT_WORD:
	case KIND_FAILBACK:
	case KIND_FAILBACK_NUMBER:
	case KIND_STATIC_FIRST:
	case KIND_LINE_TYPE:
	case KIND_INTEROP:
	case KIND_NAPTR_FLAG:
		return read_word(row->kind, value);
	case KIND_TEXT:
	case KIND_SECRET:
		good = text_is_printable(trimmed);
		break;
	case KIND_HOST:
		text_lower(trimmed);
		good = text_is_host(trimmed);
		break;
	case KIND_IPV4:
		good = text_is_ipv4(trimmed);
		break;
	case KIND_AOR:
		text_lower(trimmed + strcspn(trimmed, "@"));
		good = text_is_address(trimmed);
		break;
	case KIND_SERVER_FIELD:
		text_lower(trimmed);
		good = versity_read_field(trimmed, arena, &(struct versity_field){0});
		break;
	}
	size_t length = strlen(trimmed);
	return good && length >= row->least && length <= row->most ? CHECK_GOOD : CHECK_WRONG;
}

/* Writes PATTERN to TO (of PATTERN_MAX), its letters replaced by the numbers of KEY that are not
 * 0; without KEY each by "#".  Returns the end. */
static char *write_pattern(char *to, const char *pattern, const struct parameter_key *key)
{
	for (const char *p = pattern; *p; p++) {
		uint32_t index = !key ? 0 : *p == 'x' ? key->x : key->y;
		if (!is_index(pattern, p))
			*to++ = *p;
		else if (index)
			to += sprintf(to, "%u", index);
		else
			*to++ = key ? *p : '#';
	}
	*to = '\0';
	return to;
}

const char *parameter_name(const struct parameter_key *key, struct arena *arena)
{
	char name[PATTERN_MAX];
	if (key->older) {
		char *older_end = write_pattern(name, olders[key->older - 1].name, key);
		return arena_copy(arena, name, (size_t)(older_end - name));
	}
	char *suffix = write_pattern(name, places[key->place].prefix, key);
	char *end = write_pattern(suffix, parameter_get(key->id)->suffix, key);
	return arena_copy(arena, name, (size_t)(end - name));
}

/* Writes NAME to TO (of PATTERN_MAX) with "#" for each index, and the first two to INDEX. */
static bool generalize(char *to, const char *name, uint32_t index[2])
{
	uint32_t found = 0;
	if (strlen(name) >= PATTERN_MAX)
		return false;
	for (const char *p = name; *p;) {
		size_t length = strcspn(p, ".");
		uint32_t number;
		const char *end = read_index(p, CONFIG_LINES_MAX, &number);
		if (end == p + length) {
			if (found < 2)
				index[found++] = number;
			*to++ = '#';
		} else {
			to = mempcpy(to, p, length);
		}
		p += length;
		if (*p == '.')
			*to++ = *p++;
	}
	*to = '\0';
	return true;
}

/* The longer a suffix is, the more slips it may have: "lcs" is not meant by "acd". */
static uint32_t slips_max(const char *suffix)
{
	size_t length = strlen(suffix);
	return length < 4 ? 0 : length < 5 ? 1 : 2;
}

const char *parameter_suggest(const char *name, struct arena *arena)
{
	static const uint32_t SLIPS_MAX = 2;
	char general[PATTERN_MAX];
	uint32_t index[2] = {0}, best = SLIPS_MAX + 1;
	struct parameter_key nearest = {0};
	if (!generalize(general, name, index))
		return NULL;

	for (uint8_t place = 0; place < PLACES; place++) {
		for (uint16_t id = 0; id < COUNT_OF(rows); id++) {
			if (!(rows[id].places & 1u << place))
				continue;
			char pattern[PATTERN_MAX];
			write_pattern(write_pattern(pattern, places[place].prefix, NULL),
				      rows[id].suffix, NULL);
			uint32_t slips = text_distance(general, pattern, SLIPS_MAX);
			if (slips < best && slips <= slips_max(rows[id].suffix)) {
				best = slips;
				nearest = (struct parameter_key){.id = id, .place = place};
			}
		}
	}
	if (best > SLIPS_MAX)
		return NULL;
	bool has_line = strstr(places[nearest.place].prefix, ".x.") != NULL;
	nearest.x = has_line ? (uint16_t)index[0] : 0;
	uint32_t entry = index[has_line ? 1 : 0];
	nearest.y = entry <= KL_STATIC_RECORDS_MAX ? (uint8_t)entry : 0;
	return parameter_name(&nearest, arena);
}

static const char *unit(enum parameter_kind kind)
{
	return kind == KIND_MS ? " milliseconds" : kind == KIND_SECONDS ? " seconds" : "";
}

static const char *list_words(enum parameter_kind kind, struct arena *arena)
{
	const char *list = "";
	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (words[i].kind == kind && find_word(kind, words[i].number) == &words[i])
			list = arena_format(arena, "%s%s%s", list, *list ? ", " : "",
					    words[i].word);
	return list;
}

static const char *write_decimal(uint32_t thousandths, struct arena *arena)
{
	return arena_format(arena, "%g", thousandths / 1000.0);
}

/* What a clamp that is told says of the range, or NULL. */
static const char *clamped_range(size_t id)
{
	for (size_t i = 0; i < COUNT_OF(clamps); i++)
		if (clamps[i].id == id && clamps[i].permitted)
			return clamps[i].permitted;
	return NULL;
}

const char *parameter_range(size_t id, struct arena *arena)
{
	const struct parameter *row = parameter_get(id);
	const char *permitted = clamped_range(id);
	if (permitted)
		return permitted;
	if (parameter_is_word(row->kind))
		return list_words(row->kind, arena);
	if (row->kind == KIND_DECIMAL)
		return arena_format(arena, "%s to %s seconds", write_decimal(row->least, arena),
				    write_decimal(row->most, arena));
	if (row->kind == KIND_COUNT || row->kind == KIND_MS || row->kind == KIND_SECONDS)
		return arena_format(arena, "%u to %u%s", row->least, row->most, unit(row->kind));
	if (row->kind == KIND_BOOL)
		return "0 or 1";
	if (row->kind == KIND_HOST)
		return "a host name or IP address, without port or scope";
	if (row->kind == KIND_IPV4)
		return "an IPv4 address";
	if (row->kind == KIND_AOR)
		return "user or user@host";
	if (row->kind == KIND_SERVER_FIELD)
		return "domain; serverspec1; ... with up to 4 serverspecs, each a host name or IP "
		       "address";
	return arena_format(arena, "text of at most %u bytes without control characters",
			    row->most);
}

const char *parameter_text(size_t id, uint32_t policy_number, struct arena *arena)
{
	enum parameter_kind kind = parameter_get(id)->kind;
	const struct word *word = find_word(kind, policy_number);
	if (word)
		return word->word;
	if (kind == KIND_DECIMAL)
		return write_decimal(policy_number, arena);
	return arena_format(arena, "%u",
			    kind == KIND_SECONDS ? policy_number / 1000 : policy_number);
}

uint32_t parameter_policy_number(size_t id, uint32_t number)
{
	return parameter_get(id)->kind == KIND_SECONDS ? number * 1000 : number;
}

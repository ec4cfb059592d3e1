/* parameter.c - the table of parameters.def, names found in it, values read by it. */
#include "config/parameter.h"

#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "config/config.h"
#include "config/text.h"

#define LINE (1u << PLACE_LINE)
#define SITE_PROXY (1u << PLACE_SITE_PROXY)
#define SITE_SIP (1u << PLACE_SITE_SIP)
#define SITE (1u << PLACE_SITE)
#define SERVERS (1u << PLACE_LINE_SERVER | 1u << PLACE_SITE_SERVER)
#define PROXIES (1u << PLACE_LINE_PROXY | 1u << PLACE_SITE_PROXY)
#define FAILOVER (SERVERS | PROXIES)

#define GUIDE "Poly Solution Guide: Failover and Route Redundancy (2023)"
#define TB_5844 "Polycom TB 5844 (2012)"
#define EA_66546 "Polycom EA 66546 (2012)"
#define UCS_4 "Polycom UC Software administrator guides 2.2 to 4.1"
#define UCS_5 "Polycom UC Software administrator guide 5.8"
#define TEMPLATES "public provisioning templates for Polycom phones"

enum {
	PATTERN_MAX = 128, /* bytes that any full name fits in: the longest has 60 */
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
#include "config/parameters.def"
};

static const char *const prefixes[PLACES] = {
#define X(place, prefix) [PLACE_##place] = prefix,
	PARAMETER_PLACES(X)
#undef X
};

/* RFC 3263 and Poly's names for it. */
static const struct {
	const char *word;
	enum kl_transport_choice choice;
} transports[] = {
	{"DNSnaptr", KL_CHOOSE_NAPTR},
	{"UDPOnly", KL_CHOOSE_UDP},
	{"TCPpreferred", KL_CHOOSE_TCP_PREFERRED},
	{"TCPOnly", KL_CHOOSE_TCP},
	{"TLS", KL_CHOOSE_TLS},
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

/* Follows PATTERN along NAME.  What is left of NAME, or NULL; *IN_RANGE falls with a bad index. */
static const char *match(const char *pattern, const char *name, struct parameter_key *key,
			 bool *in_range)
{
	for (const char *p = pattern; *p; p++) {
		if (!is_index(pattern, p)) {
			if (tolower((unsigned char)*p) != tolower((unsigned char)*name++))
				return NULL;
			continue;
		}
		uint32_t index, most = *p == 'x'   ? CONFIG_LINES_MAX
				       : *p == 'y' ? KL_ENTRIES_MAX
						   : KL_STATIC_RECORDS_MAX;
		name = read_index(name, most, &index);
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

enum parameter_match parameter_find(const char *name, struct parameter_key *key)
{
	for (uint8_t place = 0; place < PLACES; place++) {
		struct parameter_key at_place = {.place = place};
		bool prefix_in_range = true;
		const char *suffix = match(prefixes[place], name, &at_place, &prefix_in_range);
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
	return MATCH_NONE;
}

static const struct clamp *find_clamp(size_t id)
{
	for (size_t i = 0; i < COUNT_OF(clamps); i++)
		if (clamps[i].id == id)
			return &clamps[i];
	return NULL;
}

static enum parameter_check read_number(size_t id, const char *text, struct parameter_value *value)
{
	const struct parameter *row = parameter_get(id);
	const struct clamp *clamp = find_clamp(id);
	if (!text_read_number(text, &value->number) || value->number < row->least ||
	    value->number > row->most)
		return CHECK_WRONG;
	if (!clamp || value->number < clamp->from || value->number > clamp->to)
		return CHECK_GOOD;
	value->number = clamp->becomes;
	return clamp->permitted ? CHECK_CLAMPED : CHECK_GOOD;
}

static enum parameter_check read_transport(struct parameter_value *value)
{
	for (size_t i = 0; i < COUNT_OF(transports); i++) {
		if (strcasecmp(transports[i].word, value->text) == 0) {
			*value = (struct parameter_value){transports[i].word, transports[i].choice};
			return CHECK_GOOD;
		}
	}
	return CHECK_WRONG;
}

/* The 2023 guide spells the first mode both newRequests and newRequest. */
static enum parameter_check read_failback(struct parameter_value *value)
{
	const char *word = strcasecmp(value->text, "newRequest") == 0 ? "newRequests" : value->text;
	for (uint32_t mode = 0; mode < KL_FAILBACK_MODES; mode++) {
		const char *name = kl_failback_mode_name((enum kl_failback_mode)mode);
		if (strcasecmp(name, word) == 0) {
			*value = (struct parameter_value){name, mode};
			return CHECK_GOOD;
		}
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
		return read_number(id, trimmed, value);
	case KIND_TRANSPORT:
		return read_transport(value);
	case KIND_FAILBACK:
		return read_failback(value);
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
	char *suffix = write_pattern(name, prefixes[key->place], key);
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
			write_pattern(write_pattern(pattern, prefixes[place], NULL),
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
	bool has_line = strchr(prefixes[nearest.place], 'x') != NULL;
	nearest.x = has_line ? (uint16_t)index[0] : 0;
	uint32_t entry = index[has_line ? 1 : 0];
	nearest.y = entry <= KL_STATIC_RECORDS_MAX ? (uint8_t)entry : 0;
	return parameter_name(&nearest, arena);
}

static const char *unit(enum parameter_kind kind)
{
	return kind == KIND_MS ? " milliseconds" : kind == KIND_SECONDS ? " seconds" : "";
}

static const char *list_transports(struct arena *arena)
{
	const char *list = "";
	for (size_t i = 0; i < COUNT_OF(transports); i++)
		list = arena_format(arena, "%s%s%s", list, i ? ", " : "", transports[i].word);
	return list;
}

static const char *list_failback_modes(struct arena *arena)
{
	const char *list = "";
	for (int mode = 0; mode < KL_FAILBACK_MODES; mode++)
		list = arena_format(arena, "%s%s%s", list, mode ? ", " : "",
				    kl_failback_mode_name((enum kl_failback_mode)mode));
	return list;
}

const char *parameter_range(size_t id, struct arena *arena)
{
	const struct parameter *row = parameter_get(id);
	const struct clamp *clamp = find_clamp(id);
	if (clamp && clamp->permitted)
		return clamp->permitted;

	switch (row->kind) {
	case KIND_BOOL:
		return "0 or 1";
	case KIND_COUNT:
	case KIND_MS:
	case KIND_SECONDS:
		return arena_format(arena, "%u to %u%s", row->least, row->most, unit(row->kind));
	case KIND_TRANSPORT:
		return list_transports(arena);
	case KIND_FAILBACK:
		return list_failback_modes(arena);
	case KIND_TEXT:
	case KIND_SECRET:
		break;
	case KIND_HOST:
		return "a host name or IP address, without port or scope";
	case KIND_IPV4:
		return "an IPv4 address";
	case KIND_AOR:
		return "user or user@host";
	}
	return arena_format(arena, "text of at most %u bytes without control characters",
			    row->most);
}

const char *parameter_text(size_t id, uint32_t policy_number, struct arena *arena)
{
	enum parameter_kind kind = parameter_get(id)->kind;
	if (kind == KIND_FAILBACK)
		return kl_failback_mode_name((enum kl_failback_mode)policy_number);
	return arena_format(arena, "%u",
			    kind == KIND_SECONDS ? policy_number / 1000 : policy_number);
}

uint32_t parameter_policy_number(size_t id, uint32_t number)
{
	return parameter_get(id)->kind == KIND_SECONDS ? number * 1000 : number;
}

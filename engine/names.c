#include "engine/names.h"

#include <string.h>

/* The arena is a row of cells without gaps.  A cell is a head and its bytes; a kept name is known
 * by the offset of its bytes, so never 0. */
struct cell {
	uint16_t size; /* of head and bytes, a multiple of 4 */
	uint16_t uses; /* 0: free */
};

enum {
	CELL_MAX = 0xfffc,
	USES_FOREVER = UINT16_MAX, /* a name used so often is never freed */
};

static struct cell *cell_at(const struct kl_engine *e, uint32_t at)
{
	return (struct cell *)(void *)(names_of(e) + at);
}

/* Makes the arena behind AT free. */
static void names_free_from(struct kl_engine *e, uint32_t at)
{
	for (uint32_t size; at < e->config->limits.name_bytes; at += size) {
		uint32_t rest = e->config->limits.name_bytes - at;
		size = rest < CELL_MAX ? rest : CELL_MAX;
		*cell_at(e, at) = (struct cell){(uint16_t)size, 0};
	}
}

void names_init(struct kl_engine *e)
{
	names_free_from(e, 0);
}

void names_carry(struct kl_engine *e, const struct kl_engine *old)
{
	memcpy(names_of(e), names_of(old), old->config->limits.name_bytes);
	names_free_from(e, old->config->limits.name_bytes);
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c;
}

static size_t name_length(const char *text)
{
	size_t length = strlen(text);
	return length > 1 && text[length - 1] == '.' ? length - 1 : length;
}

bool name_equal(const char *a, const char *b)
{
	size_t i = 0;
	while (a[i] && lower(a[i]) == lower(b[i]))
		i++;
	/* The root alone is its dot. */
	bool a_ends = !a[i] || (i && a[i] == '.' && !a[i + 1]);
	bool b_ends = !b[i] || (i && b[i] == '.' && !b[i + 1]);
	return a_ends && b_ends;
}

/* FNV-1a */
uint32_t kl_tls_name(const char *name)
{
	size_t length = name_length(name);
	uint32_t number = 2166136261;
	for (size_t i = 0; i < length; i++)
		number = (number ^ (uint8_t)lower(name[i])) * 16777619;
	return number ? number : 1;
}

/* Free cells side by side become one, so that a freed name leaves room for a longer one. */
static void cell_join(struct kl_engine *e, uint32_t at)
{
	struct cell *cell = cell_at(e, at);
	while (at + cell->size < e->config->limits.name_bytes) {
		struct cell *behind = cell_at(e, at + cell->size);
		if (behind->uses || cell->size + behind->size > CELL_MAX)
			break;
		cell->size = (uint16_t)(cell->size + behind->size);
	}
}

static void cell_split(struct kl_engine *e, uint32_t at, uint16_t size)
{
	struct cell *cell = cell_at(e, at);
	if (cell->size == size)
		return;
	*cell_at(e, at + size) = (struct cell){(uint16_t)(cell->size - size), 0};
	cell->size = size;
}

uint32_t name_keep(struct kl_engine *e, const char *text)
{
	size_t length = name_length(text);
	uint16_t size = (uint16_t)((sizeof(struct cell) + length + 1 + 3) & ~(size_t)3);
	uint32_t room = NONE;
	if (length > KL_NAME_MAX)
		return 0;
	for (uint32_t at = 0; at < e->config->limits.name_bytes; at += cell_at(e, at)->size) {
		struct cell *cell = cell_at(e, at);
		uint32_t name = at + (uint32_t)sizeof(*cell);
		if (cell->uses && name_equal(names_of(e) + name, text)) {
			return name_keep_again(e, name);
		}
		if (!cell->uses) {
			cell_join(e, at);
			if (room == NONE && cell->size >= size)
				room = at;
		}
	}
	if (room == NONE)
		return 0;
	cell_split(e, room, size);
	cell_at(e, room)->uses = 1;
	char *to = names_of(e) + room + sizeof(struct cell);
	for (size_t i = 0; i < length; i++)
		to[i] = lower(text[i]);
	to[length] = '\0';
	return room + (uint32_t)sizeof(struct cell);
}

uint32_t name_keep_again(struct kl_engine *e, uint32_t name)
{
	if (name == 0)
		return 0;
	struct cell *cell = cell_at(e, name - (uint32_t)sizeof(struct cell));
	if (cell->uses < USES_FOREVER)
		cell->uses++;
	return name;
}

void name_drop(struct kl_engine *e, uint32_t name)
{
	if (name == 0)
		return;
	struct cell *cell = cell_at(e, name - (uint32_t)sizeof(struct cell));
	assert(cell->uses > 0);
	if (cell->uses < USES_FOREVER)
		cell->uses--;
}

const char *name_text(const struct kl_engine *e, uint32_t name)
{
	return name ? names_of(e) + name : NULL;
}

/* ---- addresses as text ---- */

/* How IPv4 stands in 16 bytes: ::ffff:a.b.c.d. */
static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

/* "192.0.2.1", four numbers of at most three digits; gives the place behind it, NULL if none. */
static const char *parse_v4(uint8_t ip[4], const char *text)
{
	for (int i = 0; i < 4; i++) {
		unsigned value = 0;
		int digits = 0;
		if (i > 0 && *text++ != '.')
			return NULL;
		for (; *text >= '0' && *text <= '9'; text++) {
			value = value * 10 + (unsigned)(*text - '0');
			if (++digits > 3 || value > 255)
				return NULL;
		}
		if (digits == 0)
			return NULL;
		ip[i] = (uint8_t)value;
	}
	return text;
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One group of up to four hex digits. */
static const char *parse_group(uint8_t ip[2], const char *text)
{
	unsigned value = 0;
	int digits = 0;
	for (; hex_value(*text) >= 0; text++) {
		value = value << 4 | (unsigned)hex_value(*text);
		if (++digits > 4)
			return NULL;
	}
	ip[0] = (uint8_t)(value >> 8);
	ip[1] = (uint8_t)value;
	return digits ? text : NULL;
}

/* RFC 4291 2.2: eight groups, one run of zeros as "::", the last two perhaps as IPv4. */
static const char *parse_v6(uint8_t ip[16], const char *text)
{
	int bytes = 0, gap = -1;
	memset(ip, 0, 16);
	if (text[0] == ':' && text[1] == ':') {
		gap = 0;
		text += 2;
	}
	while (bytes < 16 && (hex_value(*text) >= 0)) {
		const char *v4 = bytes <= 12 ? parse_v4(ip + bytes, text) : NULL;
		if (v4) {
			bytes += 4;
			text = v4;
			break;
		}
		text = parse_group(ip + bytes, text);
		if (!text)
			return NULL;
		bytes += 2;
		if (text[0] == ':' && text[1] == ':' && gap < 0) {
			gap = bytes;
			text += 2;
		} else if (text[0] == ':' && bytes < 16 && hex_value(text[1]) >= 0) {
			text++;
		} else {
			break;
		}
	}
	if (gap < 0)
		return bytes == 16 ? text : NULL;
	if (bytes == 16)
		return NULL;
	memmove(ip + 16 - (bytes - gap), ip + gap, (size_t)(bytes - gap));
	memset(ip + gap, 0, (size_t)(16 - bytes));
	return text;
}

bool address_parse(uint8_t ip[16], const char *text)
{
	const char *end = parse_v4(ip + 12, text);
	if (end && *end == '\0') {
		memcpy(ip, mapped, sizeof(mapped));
		return true;
	}
	if (!strchr(text, ':'))
		return false;
	bool bracket = *text == '[';
	end = parse_v6(ip, text + bracket);
	if (end && bracket)
		end = *end == ']' ? end + 1 : NULL;
	return end && *end == '\0';
}

bool address_is_v4(const uint8_t ip[16])
{
	return memcmp(ip, mapped, sizeof(mapped)) == 0;
}

/* key.c - the name of a line that lasts from one load of the files to the next. */
#include "config/key.h"

/* FNV-1a, 64 bits. */
#define HASH_START 0xcbf29ce484222325u
#define HASH_PRIME 0x100000001b3u

static void add_byte(uint64_t *hash, unsigned char byte)
{
	*hash = (*hash ^ byte) * HASH_PRIME;
}

/* The end of a text counts, so that "ab", "c" differs from "a", "bc". */
static void add_text(uint64_t *hash, const char *text)
{
	do
		add_byte(hash, (unsigned char)*text);
	while (*text++);
}

static void add_number(uint64_t *hash, uint64_t number)
{
	for (unsigned shift = 0; shift < 64; shift += 8)
		add_byte(hash, (unsigned char)(number >> shift));
}

/* What the engine's own configuration of a line says, kl_find_line() compares. */
static uint64_t hash_line(const struct config_line *line, uint8_t entry_count)
{
	uint64_t hash = HASH_START;
	add_text(&hash, line->user);
	add_text(&hash, line->domain);
	add_text(&hash, line->auth_user);
	add_text(&hash, line->auth_password);
	for (uint8_t i = 0; i < entry_count; i++) {
		add_text(&hash, line->entries[i].server);
		add_number(&hash, line->entries[i].server_port);
		add_number(&hash, line->entries[i].tells_epid);
	}
	return hash;
}

uint64_t key_of_name(const char *name)
{
	uint64_t hash = HASH_START;
	add_text(&hash, name);
	return hash;
}

static bool is_taken(const struct kl_line_config *lines, uint32_t count, uint64_t key)
{
	for (uint32_t i = 0; i < count; i++)
		if (lines[i].key == key)
			return true;
	return key == 0;
}

void key_lines(struct kl_line_config *engine_lines, const struct config_line *lines, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		uint64_t key = hash_line(&lines[i], engine_lines[i].entry_count);
		while (is_taken(engine_lines, i, key))
			add_number(&key, 1);
		engine_lines[i].key = key;
	}
}

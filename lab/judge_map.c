/* judge_map.c - from a number to an index: open addressing, never more than half full. */
#include "lab/judge_map.h"

#include <errno.h>
#include <stdlib.h>

int judge_map_init(struct judge_map *map, size_t count)
{
	size_t size = 16;

	while (size < 2 * count)
		size *= 2;
	map->places = malloc(size * sizeof *map->places);
	if (!map->places)
		return -ENOMEM;
	for (size_t i = 0; i < size; i++)
		map->places[i].value = JUDGE_NONE;
	map->mask = size - 1;
	return 0;
}

void judge_map_clear(struct judge_map *map)
{
	free(map->places);
	map->places = NULL;
}

/* The finalizer of SplitMix64: every bit of the key moves every bit of the result. */
static uint64_t scatter(uint64_t key)
{
	key = (key ^ key >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	key = (key ^ key >> 27) * UINT64_C(0x94d049bb133111eb);
	return key ^ key >> 31;
}

size_t *judge_map_at(struct judge_map *map, uint64_t key)
{
	size_t at = (size_t)scatter(key) & map->mask;

	while (map->places[at].value != JUDGE_NONE && map->places[at].key != key)
		at = (at + 1) & map->mask;
	map->places[at].key = key;
	return &map->places[at].value;
}

uint64_t judge_map_mix(uint64_t a, uint64_t b)
{
	return scatter(a + UINT64_C(0x9e3779b97f4a7c15)) ^ b;
}

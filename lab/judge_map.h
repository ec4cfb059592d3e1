/* judge_map.h - from a number to an index, for the judge's tables. */
#ifndef LAB_JUDGE_MAP_H
#define LAB_JUDGE_MAP_H

#include <stddef.h>
#include <stdint.h>

#define JUDGE_NONE SIZE_MAX

struct judge_map {
	struct judge_map_place {
		uint64_t key;
		size_t value; /* JUDGE_NONE: the place is empty */
	} * places;
	size_t mask;
};

/* For at most COUNT keys.  0 or -ENOMEM. */
int judge_map_init(struct judge_map *map, size_t count);
void judge_map_clear(struct judge_map *map);

/* The value of KEY, to be read or set; JUDGE_NONE until it is. */
size_t *judge_map_at(struct judge_map *map, uint64_t key);

/* One key out of two. */
uint64_t judge_map_mix(uint64_t a, uint64_t b);

#endif

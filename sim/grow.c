#include "sim/grow.h"

#include <err.h>
#include <stdlib.h>

void *sim_grow(void *items, size_t *room, size_t count, size_t size)
{
	if (count < *room)
		return items;

	*room = *room ? *room * 2 : 8;
	items = reallocarray(items, *room, size);
	if (!items)
		err(EXIT_FAILURE, "the simulation");
	return items;
}

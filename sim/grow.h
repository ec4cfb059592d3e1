/* grow.h - arrays that grow.  A simulation that runs out of memory ends with a message. */
#ifndef SIM_GROW_H
#define SIM_GROW_H

#include <stddef.h>

/* Returns ITEMS with room for COUNT + 1 items of SIZE bytes, moved if need be; *ROOM is kept up.
 * Start with NULL and a room of 0; the caller frees. */
void *sim_grow(void *items, size_t *room, size_t count, size_t size);

#endif

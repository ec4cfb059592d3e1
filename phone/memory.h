/* memory.h - the DNS records that survive a restart, in a file (OWN-9).
 *
 * The file is read once, at the start.  It is written a few seconds after an answer changed what it
 * should say, and at the end: a new file beside it, with mode 0600, that takes its place once it is
 * on the disk.  So there is always a whole one.
 */
#ifndef PHONE_MEMORY_H
#define PHONE_MEMORY_H

#include "net/loop.h"
#include "phone/dns.h"

struct phone_memory;

enum {
	/* Answers come in groups, and a disk takes a moment: the loop stands still meanwhile. */
	PHONE_MEMORY_DELAY_MS = 5000,
};

/* Reads PATH, which is copied.  That there is no such file is usual; one that can't be used is
 * told in the log, and counts as none.  0 or -ENOMEM. */
int phone_memory_open(struct phone_memory **out, struct net_loop *loop, const char *path);

/* Writes what is not yet written.  NULL is fine. */
void phone_memory_close(struct phone_memory *memory);

/* Gives the engine what was read; it stays as it is until phone_memory_close(). */
void phone_memory_lend(const struct phone_memory *memory, struct kl_config *config);

/* Takes note of what came of a question of the engine. */
void phone_memory_take(struct phone_memory *memory, const struct phone_dns_known *known);

#endif

/* filewatch.h - tells when a file may have changed: written, replaced by another, made or removed.
 *
 * Symbolic links are followed: both the name and what it leads to are watched, as
 * /etc/resolv.conf often is a link into /run.  What is watched is found anew after each change.
 *
 * Ownership  net_filewatch_open() gives a watcher that the caller closes with
 *            net_filewatch_close(), also from its callback.
 * Errors     0, or a negative errno value.
 * Threads    Its loop's thread only.
 */
#ifndef NET_FILEWATCH_H
#define NET_FILEWATCH_H

#include "net/loop.h"

/* A file is written piece by piece: a change is told once there was none for so long. */
#define NET_FILEWATCH_QUIET_MS 50

struct net_filewatch;

/* The path is copied.  Its folder has to exist, the file need not. */
int net_filewatch_open(struct net_filewatch **out, struct net_loop *loop, const char *path,
		       struct net_callback on_change);
void net_filewatch_close(struct net_filewatch *watch); /* NULL is fine */

#endif

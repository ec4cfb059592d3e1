/* status.h - what a person may want to know of every line (SEE-1), as JSON.
 *
 *	{"lines": [{"line", "aor", "state", "working_entry", "entries": [{"entry", "state", "route",
 *	 "in_failover", "next", "routes": [...], "last_move", ...}], "calls": [{"call", "state",
 *...}], "subscriptions": [{"id", "package", "resource", "state",
 *	 ...}]}], "inside": {...}, "counters": {...}}
 *
 * Lines, entries and routes count from 1, a line by its number in the configuration.  Times are
 * milliseconds from now, ahead (in_ms) or ago (since_ms, ago_ms).  What is unknown is null.
 */
#ifndef PHONE_STATUS_H
#define PHONE_STATUS_H

#include <jansson.h>

#include "phone/phone.h"

/* The caller's to json_decref(); NULL: out of memory. */
json_t *phone_status(const struct phone *phone);

#endif

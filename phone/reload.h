/* reload.h - a new configuration for live lines: who goes on as whom.
 *
 * Lines that the new configuration does not have as they are leave first, in the old engine.  Then,
 * on a fresh stack, everything that names a line or points into the old configuration crosses over
 * to the new one.  What is left of a line that left is dropped.
 */
#ifndef PHONE_RELOAD_H
#define PHONE_RELOAD_H

#include "phone/account.h"
#include "phone/transport.h"

struct phone;
struct phone_reload;

/* Crosses over soon if nobody who leaves is waited for any more.  Without a reload it does nothing.
 */
void phone_reload_check(struct phone *phone);

/* Ends a reload that is under way: the old configuration stays. */
void phone_reload_drop(struct phone *phone);

/* ---- for those who cross over ---- */

/* The number of LINE in the new configuration; KL_NO_LINE: it has left. */
uint32_t phone_reload_line(const struct phone_reload *reload, uint32_t line);

/* Who goes on where FROM was; NULL: its line has left. */
struct phone_account *phone_reload_account(const struct phone_reload *reload,
					   const struct phone_account *from);

/* Points a hop of FROM's into the new configuration; FROM's line goes on. */
void phone_reload_hop(const struct phone_reload *reload, const struct phone_account *from,
		      struct phone_hop *hop);

#endif

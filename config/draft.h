/* draft.h - a line while it is made, and what the words of each vendor do for it. */
#ifndef CONFIG_DRAFT_H
#define CONFIG_DRAFT_H

#include "config/resolve.h"

/* One line under construction. */
struct draft {
	struct scope scope;
	struct config_line *line;
	struct kl_entry_config *engine_entries;
	struct config_entry *entries;
	uint8_t entry_count;
};

/* How one vendor's settings make a line.  The scope's x is the line's; y and entry are set for
 * what is of an entry. */
struct draft_maker {
	enum kl_profile profile;           /* unless another is asked for */
	enum parameter_id line_row;        /* each x that sets it makes a line */
	struct parameter_key first_server; /* what a line without a server lacks; x is any */
	const char *or_server;             /* " or ..." what else would do; "" if nothing */

	/* Fills draft->line.  False: it is switched off. */
	bool (*fill_line)(struct draft *draft, const struct setting *line);
	/* Bit y for each entry. */
	uint32_t (*choose_entries)(struct draft *draft);
	/* Fills both, but for the number and the policy. */
	void (*fill_entry)(struct draft *draft, struct config_entry *entry,
			   struct kl_entry_config *engine_entry);
	/* What the rows alone can't say of a policy.  NULL: nothing. */
	void (*adjust_policy)(struct draft *draft, struct kl_policy *policy);
};

extern const struct draft_maker draft_poly, draft_yealink, draft_versity;

/* Is row ID set at PLACE? */
bool draft_has_setting(const struct draft *draft, enum parameter_id id, enum parameter_place place,
		       uint32_t x, uint32_t y);

/* "user" or "user@host": the line's user, and its domain if there is a host. */
void draft_fill_address(struct draft *draft, const char *address);

#endif

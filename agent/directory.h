/* directory.h - who is inside, as the configuration has it: endpoints by name, address and token,
 * and the line that an address means.
 *
 * Endpoints and lines have numbers, which they keep over reloads: calls and registrations go by
 * them.  One that left has a number that nobody else gets, and that it gets back.  A directory is
 * made once for a configuration, and not changed.
 */
#ifndef AGENT_DIRECTORY_H
#define AGENT_DIRECTORY_H

#include "config/config.h"
#include "net/address.h"
#include "sip/value.h"

enum { AGENT_TOKEN_MAX = 17 }; /* with its NUL */

#define AGENT_NONE UINT32_MAX /* no endpoint, no line */

struct agent_directory;

struct agent_directory_order {
	const struct config *config; /* outlives it */
	/* Whose numbers go on, and which is not needed any more then; NULL: there was none. */
	const struct agent_directory *before;
	/* The number of each line of the configuration (phone/relay.h); NULL: its place there. */
	const uint32_t *line_numbers;
};

/* NULL: out of memory. */
struct agent_directory *agent_directory_new(const struct agent_directory_order *order);
void agent_directory_free(struct agent_directory *directory); /* NULL is fine */

/* ---- by number ---- */

/* Those that left count, too. */
uint32_t agent_directory_endpoint_count(const struct agent_directory *directory);
uint32_t agent_directory_line_count(const struct agent_directory *directory);

/* NULL: it left. */
const struct config_endpoint *agent_directory_endpoint(const struct agent_directory *directory,
						       uint32_t endpoint);
const struct config_line *agent_directory_config_line(const struct agent_directory *directory,
						      uint32_t line);

/* The name of an endpoint, also of one that left. */
const char *agent_directory_name(const struct agent_directory *directory, uint32_t endpoint);

/* May the endpoint use the line?  Both are there, then. */
bool agent_directory_uses(const struct agent_directory *directory, uint32_t endpoint,
			  uint32_t line);

/* What names them in the journal, and the number of one that is there; AGENT_NONE: none. */
uint64_t agent_directory_endpoint_key(const struct agent_directory *directory, uint32_t endpoint);
uint64_t agent_directory_line_key(const struct agent_directory *directory, uint32_t line);
uint32_t agent_directory_by_key(const struct agent_directory *directory, uint64_t key);
uint32_t agent_directory_line_by_key(const struct agent_directory *directory, uint64_t key);

/* ---- by what a message says ---- */

/* The endpoint of this name; AGENT_NONE: there is none. */
uint32_t agent_directory_by_name(const struct agent_directory *directory, struct sip_span name);

/* The endpoint that is known by its address alone, whatever the port; AGENT_NONE: there is none. */
uint32_t agent_directory_by_address(const struct agent_directory *directory,
				    const struct net_address *address);

/* What stands for an endpoint in a line's Contact: opaque, and the same after a restart (AGENT-3).
 */
void agent_directory_token(const struct agent_directory *directory, uint32_t endpoint,
			   char to[AGENT_TOKEN_MAX]);
uint32_t agent_directory_by_token(const struct agent_directory *directory, struct sip_span token);

/* Of the endpoint's lines the one whose address-of-record URI is; AGENT_NONE: none of them.  An
 * endpoint of one line means that, whatever the URI says. */
uint32_t agent_directory_line(const struct agent_directory *directory, uint32_t endpoint,
			      struct sip_span uri);

/* May an endpoint of LINE send a request outside dialogs to this URI (AGENT-9): one of the line's
 * own domain or servers, or a telephone number? */
bool agent_directory_is_ours(const struct agent_directory *directory, uint32_t line,
			     struct sip_span uri);

/* The endpoint's place by address; false: it has none, or left. */
bool agent_directory_place(const struct agent_directory *directory, uint32_t endpoint,
			   struct net_address *address);

#endif

/* directory.h - who is inside, as the configuration has it: endpoints by name, address and token,
 * and the line that an address means.
 *
 * Made once for a configuration, and not changed.
 */
#ifndef AGENT_DIRECTORY_H
#define AGENT_DIRECTORY_H

#include "config/config.h"
#include "net/address.h"
#include "sip/value.h"

enum { AGENT_TOKEN_MAX = 17 }; /* with its NUL */

#define AGENT_NONE UINT32_MAX /* no endpoint, no line */

struct agent_directory;

/* CONFIG, which has an inside, outlives it.  NULL: out of memory. */
struct agent_directory *agent_directory_new(const struct config *config);
void agent_directory_free(struct agent_directory *directory); /* NULL is fine */

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

/* The endpoint's place by address; false: it has none. */
bool agent_directory_place(const struct agent_directory *directory, uint32_t endpoint,
			   struct net_address *address);

#endif

/* names.h - where explain looks names up: a zone file, or DNS servers.
 *
 * Every answer is kept, so that a name means the same from the first question to the last.
 */
#ifndef CLI_NAMES_H
#define CLI_NAMES_H

#include <argp.h>

#include "net/dns.h"

struct cli_names;

struct cli_names_source {
	const char *zone_file; /* NULL: ask DNS servers */
	/* "ADDR" or "ADDR:PORT"; "none": every question stays without an answer, so that static
	 * records serve; NULL: `resolvers`. */
	const char *resolver;
	const char *const
		*resolvers; /* the same, `count` of them; none: those of /etc/resolv.conf */
	uint32_t resolver_count;
};

/* --dns and --resolver, as a child of a subcommand's own parser.  Its input is a struct
 * cli_names_source, of which it sets the first two. */
extern const struct argp cli_names_argp;

/* NULL, with one sentence in WHY: the file can't be read, the address is none, no server known. */
struct cli_names *cli_names_open(const struct cli_names_source *source, char *why, size_t why_size);
void cli_names_close(struct cli_names *names); /* NULL is fine */

/* Looks a name up, and waits for the answer.  It is good until cli_names_close().
 * NULL: NAME is no DNS name, or there is no memory. */
const struct net_dns_result *cli_names_ask(struct cli_names *names, const char *name,
					   enum net_dns_type type);

#endif

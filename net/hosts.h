/* hosts.h - names with addresses in a file of this machine, as /etc/hosts has them (hosts(5)).
 *
 * Pure but for reading the file, which is read for every question: so it is never out of date.
 */
#ifndef NET_HOSTS_H
#define NET_HOSTS_H

#include "net/dns.h"

/* How long an address of the file may be used before the file is asked again. */
#define NET_HOSTS_TTL_S 60

/* Looks NAME up for an A or AAAA question.  False: the file does not know it, or can't be read; the
 * DNS is to be asked.  True: `result` is complete; NEGATIVE where the name has addresses of the
 * other family alone, for the DNS is then not asked either.  Addresses with a scope are passed
 * over. */
bool net_hosts_find(const char *path, const struct net_dns_question *question,
		    struct net_dns_result *result);

#endif

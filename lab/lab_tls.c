/* lab_tls.c - the lab's certificate authority, and the certificates that servers show. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lab/lab_private.h"

enum { NAMES_MAX = 1024 };

/* RFC 5922 7.1: the domain, as a URI and as a DNS name; and the address, for who has no name. */
static struct lab_certificate describe(const struct lab *lab, unsigned server, int fault,
				       char names[NAMES_MAX])
{
	const struct lab_plan *plan = lab->plan;
	struct net_address bare = plan->servers[server].address;
	char host[NET_ADDRESS_TEXT_MAX];

	bare.port = 0;
	snprintf(names, NAMES_MAX, "URI:sip:%s,DNS:%s,DNS:%s.%s,IP:%s", plan->domain, plan->domain,
		 plan->servers[server].name, plan->domain, net_address_format(&bare, host));
	if (fault == LAB_CERTIFICATE_WRONG_NAME)
		snprintf(names, NAMES_MAX, "DNS:somebody-else.invalid");
	return (struct lab_certificate){
		.names = names,
		.expired = fault == LAB_CERTIFICATE_EXPIRED,
		.self_signed = fault == LAB_CERTIFICATE_STRANGER,
	};
}

static int open_one(struct lab *lab, const struct lab_authority *authority, unsigned server,
		    int fault, char why[LAB_WHY_MAX])
{
	char names[NAMES_MAX], path[LAB_FOLDER_MAX + 16];
	const struct lab_certificate wanted = describe(lab, server, fault, names);
	const struct net_tls_config config = {
		.ca_file = lab->ca_file, .certificate_file = path, .key_file = path};
	int error;

	snprintf(path, sizeof path, "%s/key.pem", lab->folder);
	error = lab_authority_issue(authority, &wanted, path);
	if (error)
		snprintf(why, LAB_WHY_MAX, "%s: %s", path, strerror(-error));
	else
		error = net_tls_create(&lab->tls[server][fault + 1], &config, why, LAB_WHY_MAX);
	unlink(path);
	return error;
}

/* The keys are in memory from here on; of the folder nothing stays but the CA's certificate. */
int lab_tls_open(struct lab *lab, char why[LAB_WHY_MAX])
{
	struct lab_authority *authority;
	unsigned wanted = 0;
	int error;

	for (unsigned i = 0; i < lab->plan->server_count; i++)
		wanted |= lab->plan->servers[i].transports & 1u << SIP_TLS;
	if (!wanted)
		return 0;
	error = lab_authority_create(&authority);
	if (error) {
		snprintf(why, LAB_WHY_MAX, "no certificate authority: %s", strerror(-error));
		return error;
	}
	snprintf(lab->folder, sizeof lab->folder, "/tmp/keepline-lab-XXXXXX");
	if (!mkdtemp(lab->folder)) {
		error = -errno;
		snprintf(why, LAB_WHY_MAX, "%s: %s", lab->folder, strerror(-error));
		lab->folder[0] = '\0';
	} else {
		if (lab->plan->ca_file)
			snprintf(lab->ca_file, sizeof lab->ca_file, "%s", lab->plan->ca_file);
		else
			snprintf(lab->ca_file, sizeof lab->ca_file, "%s/ca.pem", lab->folder);
		error = lab_authority_write(authority, lab->ca_file);
		if (error)
			snprintf(why, LAB_WHY_MAX, "%s: %s", lab->ca_file, strerror(-error));
	}
	for (unsigned i = 0; i < lab->plan->server_count && !error; i++)
		for (int fault = -1; fault < LAB_CERTIFICATE_FAULTS && !error; fault++)
			if (lab->plan->servers[i].transports & 1u << SIP_TLS)
				error = open_one(lab, authority, i, fault, why);
	lab_authority_free(authority);
	return error;
}

void lab_tls_close(struct lab *lab)
{
	for (unsigned i = 0; i < LAB_SERVERS_MAX; i++)
		for (unsigned k = 0; k < 1 + LAB_CERTIFICATE_FAULTS; k++)
			net_tls_free(lab->tls[i][k]);
	if (!lab->folder[0])
		return;
	if (!lab->plan->ca_file)
		unlink(lab->ca_file);
	rmdir(lab->folder);
}

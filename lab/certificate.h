/* certificate.h - a certificate authority that lives as long as a test or a rehearsal does.
 *
 * Errors: 0, or a negative errno value.
 */
#ifndef LAB_CERTIFICATE_H
#define LAB_CERTIFICATE_H

#include <stdbool.h>

struct lab_authority;

int lab_authority_create(struct lab_authority **out);
void lab_authority_free(struct lab_authority *authority); /* NULL is fine */

/* Writes the authority's own certificate, for those who are to trust it. */
int lab_authority_write(const struct lab_authority *authority, const char *path);

struct lab_certificate {
	const char *names; /* "DNS:sbc.example.com, URI:sip:example.com, IP:192.0.2.1" */
	bool expired;      /* yesterday */
	bool self_signed;  /* by its own key: nobody trusts it */
};

/* Makes a key, and a certificate for it; writes both, without a password, into one PEM file. */
int lab_authority_issue(const struct lab_authority *authority, const struct lab_certificate *wanted,
			const char *path);

#endif

/* certificate.c - a certificate authority that lives as long as a test or a rehearsal does. */
#include "lab/certificate.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

enum { DAY_S = 24 * 60 * 60, LIFE_DAYS = 30 };

struct lab_authority {
	EVP_PKEY *key;
	X509 *certificate;
};

static bool add_extension(X509 *certificate, X509 *issuer, int id, const char *value)
{
	X509V3_CTX context;
	X509_EXTENSION *extension;
	bool added;

	X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &context, id, value);
	added = extension && X509_add_ext(certificate, extension, -1);
	X509_EXTENSION_free(extension);
	return added;
}

/* A certificate for KEY with a random number, not yet signed; NULL: out of memory. */
static X509 *begin(EVP_PKEY *key, const char *common_name, bool expired)
{
	X509 *certificate = X509_new();
	X509_NAME *name;
	uint32_t serial = 0;

	if (!certificate || RAND_bytes((unsigned char *)&serial, sizeof serial) != 1) {
		X509_free(certificate);
		return NULL;
	}
	name = X509_get_subject_name(certificate);
	X509_set_version(certificate, X509_VERSION_3);
	ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial);
	X509_gmtime_adj(X509_getm_notBefore(certificate), -LIFE_DAYS * DAY_S);
	X509_gmtime_adj(X509_getm_notAfter(certificate), (expired ? -1 : LIFE_DAYS) * DAY_S);
	X509_set_pubkey(certificate, key);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)common_name,
				   -1, -1, 0);
	return certificate;
}

static bool sign(X509 *certificate, X509 *issuer, EVP_PKEY *key)
{
	return X509_set_issuer_name(certificate, X509_get_subject_name(issuer)) &&
	       X509_sign(certificate, key, EVP_sha256()) > 0;
}

int lab_authority_create(struct lab_authority **out)
{
	struct lab_authority *authority = calloc(1, sizeof *authority);

	if (!authority)
		return -ENOMEM;
	authority->key = EVP_EC_gen("P-256");
	if (authority->key)
		authority->certificate = begin(authority->key, "Keepline lab authority", false);
	if (authority->certificate &&
	    add_extension(authority->certificate, authority->certificate, NID_basic_constraints,
			  "critical,CA:TRUE") &&
	    sign(authority->certificate, authority->certificate, authority->key)) {
		*out = authority;
		return 0;
	}
	lab_authority_free(authority);
	return -ENOMEM;
}

void lab_authority_free(struct lab_authority *authority)
{
	if (!authority)
		return;
	X509_free(authority->certificate);
	EVP_PKEY_free(authority->key);
	free(authority);
}

/* KEY may be NULL.  The file is its owner's alone. */
static int write_pem(const char *path, X509 *certificate, EVP_PKEY *key)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	FILE *to = fd >= 0 ? fdopen(fd, "w") : NULL;
	bool written;

	if (!to)
		return -errno;
	written = PEM_write_X509(to, certificate) &&
		  (!key || PEM_write_PrivateKey(to, key, NULL, NULL, 0, NULL, NULL));
	return fclose(to) == 0 && written ? 0 : -EIO;
}

int lab_authority_write(const struct lab_authority *authority, const char *path)
{
	return write_pem(path, authority->certificate, NULL);
}

int lab_authority_issue(const struct lab_authority *authority, const struct lab_certificate *wanted,
			const char *path)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *certificate = key ? begin(key, "Keepline lab", wanted->expired) : NULL, *issuer;
	int error = -ENOMEM;

	if (certificate) {
		issuer = wanted->self_signed ? certificate : authority->certificate;
		error = -EINVAL;
		if (add_extension(certificate, issuer, NID_subject_alt_name, wanted->names) &&
		    sign(certificate, issuer, wanted->self_signed ? key : authority->key))
			error = write_pem(path, certificate, key);
	}
	X509_free(certificate);
	EVP_PKEY_free(key);
	return error;
}

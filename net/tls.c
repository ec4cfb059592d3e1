#include "net/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "net/address.h"

struct net_tls {
	SSL_CTX *context;
	bool wildcards;
};

static bool is_address(const char *name)
{
	struct net_address address;

	return net_address_parse(&address, name, 0) == 0;
}

/* ---- whose certificate it is ---- */

static const char scheme[] = "sip:";

/* RFC 5922 7.1: does a URI of the certificate name DOMAIN?  *HAS_URI: there is one at least. */
static bool uri_names(X509 *certificate, const char *domain, bool *has_uri)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
	const size_t prefix = sizeof(scheme) - 1, wanted = prefix + strlen(domain);
	bool found = false;

	*has_uri = false;
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
		const char *uri;
		size_t length;

		if (name->type != GEN_URI)
			continue;
		uri = (const char *)ASN1_STRING_get0_data(name->d.uniformResourceIdentifier);
		length = (size_t)ASN1_STRING_length(name->d.uniformResourceIdentifier);
		if (length < prefix || strncasecmp(uri, scheme, prefix) != 0)
			continue;
		*has_uri = true;
		found |=
			length == wanted && strncasecmp(uri + prefix, domain, wanted - prefix) == 0;
	}
	GENERAL_NAMES_free(names);
	return found;
}

static bool certificate_names(X509 *certificate, const char *name, bool wildcards)
{
	unsigned flags = X509_CHECK_FLAG_NEVER_CHECK_SUBJECT;
	bool has_uri;

	if (is_address(name))
		return X509_check_ip_asc(certificate, name, 0) == 1;
	if (uri_names(certificate, name, &has_uri))
		return true;
	if (!wildcards)
		flags |= X509_CHECK_FLAG_NO_WILDCARDS;
	return !has_uri && X509_check_host(certificate, name, 0, flags, NULL) == 1;
}

/* In place of OpenSSL's own check, which knows no URIs. */
static int verify(X509_STORE_CTX *chain, void *user)
{
	const SSL *session =
		X509_STORE_CTX_get_ex_data(chain, SSL_get_ex_data_X509_STORE_CTX_idx());
	const struct net_tls_peer *peer = SSL_get_app_data(session);

	(void)user;
	if (X509_verify_cert(chain) != 1)
		return 0;
	if (peer->name[0] == '\0' ||
	    certificate_names(X509_STORE_CTX_get0_cert(chain), peer->name, peer->tls->wildcards))
		return 1;
	X509_STORE_CTX_set_error(chain, is_address(peer->name) ? X509_V_ERR_IP_ADDRESS_MISMATCH
							       : X509_V_ERR_HOSTNAME_MISMATCH);
	return 0;
}

/* ---- contexts ---- */

/* A key with a password would be asked for on the terminal. */
static int no_password(char *to, int size, int is_writing, void *user)
{
	(void)to;
	(void)size;
	(void)is_writing;
	(void)user;
	return 0;
}

static int tell(char *why, size_t why_size, const char *what, const char *file)
{
	unsigned long error = ERR_peek_last_error();
	const char *reason = ERR_reason_error_string(error);

	if (ERR_SYSTEM_ERROR(error))
		reason = strerror(ERR_GET_REASON(error));
	snprintf(why, why_size, "%s %s: %s", what, file, reason != NULL ? reason : "unreadable");
	ERR_clear_error();
	return -EINVAL;
}

static int set_up(SSL_CTX *context, const struct net_tls_config *config, char *why, size_t why_size)
{
	const char *certificate = config->certificate_file, *key = config->key_file;
	int verify_mode = SSL_VERIFY_PEER;

	if (config->unverified)
		verify_mode = SSL_VERIFY_NONE;
	else if (config->ask_client)
		verify_mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
	SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
	SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_default_passwd_cb(context, no_password);
	SSL_CTX_set_verify(context, verify_mode, NULL);
	SSL_CTX_set_cert_verify_callback(context, verify, NULL);
	if (config->ca_file != NULL && SSL_CTX_load_verify_file(context, config->ca_file) != 1)
		return tell(why, why_size, "the trusted certificates in", config->ca_file);
	if (config->ca_file == NULL)
		SSL_CTX_set_default_verify_paths(context); /* a system may trust nobody */
	if (certificate == NULL)
		return 0;
	if (SSL_CTX_use_certificate_chain_file(context, certificate) != 1)
		return tell(why, why_size, "the certificate in", certificate);
	if (key == NULL)
		key = certificate;
	if (SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1)
		return tell(why, why_size, "the key in", key);
	return 0;
}

int net_tls_create(struct net_tls **out, const struct net_tls_config *config, char *why,
		   size_t why_size)
{
	struct net_tls *tls = calloc(1, sizeof(*tls));
	int error;

	if (tls != NULL)
		tls->context = SSL_CTX_new(TLS_method());
	if (tls == NULL || tls->context == NULL) {
		free(tls);
		snprintf(why, why_size, "out of memory");
		return -ENOMEM;
	}
	tls->wildcards = config->wildcards;
	error = set_up(tls->context, config, why, why_size);
	if (error)
		net_tls_free(tls);
	else
		*out = tls;
	return error;
}

void net_tls_free(struct net_tls *tls)
{
	if (tls == NULL)
		return;
	SSL_CTX_free(tls->context);
	free(tls);
}

/* ---- sessions ---- */

/* Who connects to us is asked for a certificate only where that was wanted: many have none. */
static void prepare_server(SSL *session)
{
	if (!(SSL_get_verify_mode(session) & SSL_VERIFY_FAIL_IF_NO_PEER_CERT))
		SSL_set_verify(session, SSL_VERIFY_NONE, NULL);
}

struct ssl_st *net_tls_session(const struct net_tls *tls, struct net_tls_peer *peer, bool is_client)
{
	SSL *session = SSL_new(tls->context);

	if (session == NULL)
		return NULL;
	peer->tls = tls;
	SSL_set_app_data(session, peer);
	/* RFC 6066 3: no address stands in a server name indication. */
	if (!is_client)
		prepare_server(session);
	else if (peer->name[0] != '\0' && !is_address(peer->name))
		SSL_set_tlsext_host_name(session, peer->name);
	return session;
}

const char *net_tls_explain(const struct ssl_st *session, unsigned long error)
{
	long result = SSL_get_verify_result(session);
	const char *reason;

	if (result != X509_V_OK && (SSL_get_verify_mode(session) & SSL_VERIFY_PEER))
		return X509_verify_cert_error_string(result);
	reason = error != 0 ? ERR_reason_error_string(error) : NULL;
	return reason != NULL ? reason : "closed during the handshake";
}

#include "sip/digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *name, *openssl_name;
} algorithms[SIP_DIGEST_ALGORITHMS_MAX] = {
#define SIP_ALGORITHM_ROW(id, name, openssl_name) {name, openssl_name},
	SIP_DIGEST_ALGORITHMS(SIP_ALGORITHM_ROW)
#undef SIP_ALGORITHM_ROW
};

static const char *const qops[SIP_DIGEST_QOPS_MAX] = {
#define SIP_QOP_TEXT(id, name) name,
	SIP_DIGEST_QOPS(SIP_QOP_TEXT)
#undef SIP_QOP_TEXT
};

const char *sip_digest_algorithm_name(enum sip_digest_algorithm algorithm)
{
	return algorithms[algorithm].name;
}

/* ---- the sum itself ------------------------------------------------------------------------ */

static void write_hex(const unsigned char *bytes, size_t count, char *hex)
{
	for (size_t i = 0; i < count; i++)
		snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
}

/* The hash, in hex, of the parts joined by colons. */
static int hash_joined(enum sip_digest_algorithm algorithm, const struct sip_span *parts,
		       size_t count, char hex[SIP_DIGEST_HEX_MAX + 1])
{
	const EVP_MD *kind = EVP_get_digestbyname(algorithms[algorithm].openssl_name);
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	unsigned char sum[EVP_MAX_MD_SIZE];
	unsigned int size = 0;
	bool good = kind && context && EVP_DigestInit_ex(context, kind, NULL) == 1;

	for (size_t i = 0; good && i < count; i++) {
		if (i > 0)
			good = EVP_DigestUpdate(context, ":", 1) == 1;
		if (good && parts[i].length > 0)
			good = EVP_DigestUpdate(context, parts[i].at, parts[i].length) == 1;
	}
	good = good && EVP_DigestFinal_ex(context, sum, &size) == 1;
	EVP_MD_CTX_free(context);
	OPENSSL_assert(size * 2 <= SIP_DIGEST_HEX_MAX);
	write_hex(sum, good ? size : 0, hex);
	return good ? 0 : SIP_EUNSUPPORTED;
}

/* A2: method and URI, with auth-int the body's hash, too (RFC 7616 3.4.3). */
static int hash_request(const struct sip_digest_input *input, char hex[SIP_DIGEST_HEX_MAX + 1])
{
	char body_hex[SIP_DIGEST_HEX_MAX + 1];
	struct sip_span parts[] = {input->method, input->uri, {NULL, 0}};

	if (input->qop != SIP_QOP_AUTH_INT)
		return hash_joined(input->algorithm, parts, 2, hex);
	if (hash_joined(input->algorithm, &input->body, 1, body_hex) != 0)
		return SIP_EUNSUPPORTED;
	parts[2] = sip_span_of(body_hex);
	return hash_joined(input->algorithm, parts, 3, hex);
}

/* RFC 7616 3.4.1; without a qop, RFC 2069's form. */
int sip_digest_compute(const struct sip_digest_input *input, char hex[SIP_DIGEST_HEX_MAX + 1])
{
	char secret_hex[SIP_DIGEST_HEX_MAX + 1], request_hex[SIP_DIGEST_HEX_MAX + 1];
	const struct sip_span secret[] = {input->username, input->realm, input->password};
	int error = hash_joined(input->algorithm, secret, 3, secret_hex);

	hex[0] = '\0';
	if (error == 0)
		error = hash_request(input, request_hex);
	if (error == 0 && input->qop == SIP_QOP_NONE) {
		const struct sip_span parts[] = {sip_span_of(secret_hex), input->nonce,
						 sip_span_of(request_hex)};
		error = hash_joined(input->algorithm, parts, 3, hex);
	} else if (error == 0) {
		const struct sip_span parts[] = {sip_span_of(secret_hex),
						 input->nonce,
						 input->nonce_count,
						 input->cnonce,
						 sip_span_of(qops[input->qop]),
						 sip_span_of(request_hex)};
		error = hash_joined(input->algorithm, parts, 6, hex);
	}
	OPENSSL_cleanse(secret_hex, sizeof(secret_hex));
	return error;
}

/* ---- reading challenges and credentials ---------------------------------------------------- */

/* The parameters after "Digest"; false for another scheme. */
static bool cut_scheme(struct sip_span value, struct sip_span *params)
{
	struct sip_span scheme = sip_span_cut(sip_span_trim(value), ' ', params);

	return sip_span_is(scheme, "Digest") && params->at;
}

/* A parameter's value without quotes; absent if it is not there. */
static struct sip_span find_value(struct sip_span params, const char *name)
{
	struct sip_param param;

	while (sip_param_next(&params, ',', &param))
		if (sip_span_is(param.name, name))
			return sip_span_unquote(param.value);
	return (struct sip_span){NULL, 0};
}

/* No algorithm means MD5 (RFC 7616 3.3). */
static int algorithm_of(struct sip_span name, enum sip_digest_algorithm *algorithm)
{
	*algorithm = SIP_DIGEST_MD5;
	if (!name.at)
		return 0;
	for (int i = 0; i < SIP_DIGEST_ALGORITHMS_MAX; i++) {
		if (!sip_span_is(name, algorithms[i].name))
			continue;
		*algorithm = (enum sip_digest_algorithm)i;
		return 0;
	}
	return SIP_EUNSUPPORTED;
}

static bool offers_any(const struct sip_challenge *challenge)
{
	return challenge->offers_none || challenge->offers_auth || challenge->offers_auth_int;
}

int sip_challenge_parse(struct sip_challenge *challenge, struct sip_span value)
{
	struct sip_span params, offered, qop;

	*challenge = (struct sip_challenge){0};
	if (!cut_scheme(value, &params))
		return SIP_EUNSUPPORTED;
	challenge->realm = find_value(params, "realm");
	challenge->nonce = find_value(params, "nonce");
	challenge->opaque = find_value(params, "opaque");
	challenge->is_stale = sip_span_is(find_value(params, "stale"), "true");
	offered = find_value(params, "qop");
	challenge->offers_none = !offered.at;
	while (sip_list_next(&offered, &qop)) {
		challenge->offers_auth |= sip_span_is(qop, qops[SIP_QOP_AUTH]);
		challenge->offers_auth_int |= sip_span_is(qop, qops[SIP_QOP_AUTH_INT]);
	}
	if (!challenge->realm.at || !challenge->nonce.at)
		return SIP_EVALUE;
	if (!offers_any(challenge))
		return SIP_EUNSUPPORTED;
	return algorithm_of(find_value(params, "algorithm"), &challenge->algorithm);
}

/* ---- client -------------------------------------------------------------------------------- */

static enum sip_digest_qop qop_choose(const struct sip_challenge *challenge)
{
	if (challenge->offers_auth)
		return SIP_QOP_AUTH;
	return challenge->offers_auth_int ? SIP_QOP_AUTH_INT : SIP_QOP_NONE;
}

/* Greater is better: the hash first, then auth, auth-int, none. */
static int strength(const struct sip_challenge *challenge)
{
	static const int qop_rank[SIP_DIGEST_QOPS_MAX] = {
		[SIP_QOP_NONE] = 0, [SIP_QOP_AUTH_INT] = 1, [SIP_QOP_AUTH] = 2};

	return (int)challenge->algorithm * SIP_DIGEST_QOPS_MAX + qop_rank[qop_choose(challenge)];
}

static bool is_answerable(const struct sip_challenge *challenge,
			  const struct sip_credentials *credentials)
{
	return (!credentials->realm || credentials->realm[0] == '\0' ||
		sip_span_equal(challenge->realm, sip_span_of(credentials->realm))) &&
	       challenge->realm.length <= SIP_DIGEST_TEXT_MAX &&
	       challenge->nonce.length <= SIP_DIGEST_TEXT_MAX &&
	       challenge->opaque.length <= SIP_DIGEST_TEXT_MAX;
}

static bool choose_challenge(struct sip_challenge *best, const struct sip_message *response,
			     const struct sip_credentials *credentials)
{
	enum sip_header_id id =
		response->status == 407 ? SIP_PROXY_AUTHENTICATE : SIP_WWW_AUTHENTICATE;
	const struct sip_header *header;
	struct sip_challenge challenge;
	bool found = false;

	for (size_t i = 0; (header = sip_message_header(response, id, i)); i++) {
		if (sip_challenge_parse(&challenge, header->value) != 0 ||
		    !is_answerable(&challenge, credentials))
			continue;
		if (!found || strength(&challenge) > strength(best))
			*best = challenge;
		found = true;
	}
	return found;
}

static void session_set(struct sip_digest_session *session, const struct sip_challenge *challenge,
			bool is_proxy)
{
	bool same_nonce = session->is_set &&
			  sip_span_equal(challenge->nonce, sip_span_of(session->nonce)) &&
			  sip_span_equal(challenge->realm, sip_span_of(session->realm));

	if (!same_nonce)
		session->nonce_count = 0;
	session->is_set = true;
	session->is_proxy = is_proxy;
	session->has_opaque = challenge->opaque.at != NULL;
	session->algorithm = challenge->algorithm;
	session->qop = qop_choose(challenge);
	/* is_answerable() has seen that they fit. */
	sip_span_copy(challenge->realm, session->realm, sizeof(session->realm));
	sip_span_copy(challenge->nonce, session->nonce, sizeof(session->nonce));
	sip_span_copy(challenge->opaque, session->opaque, sizeof(session->opaque));
}

enum sip_verdict sip_digest_judge(struct sip_digest_session *session,
				  const struct sip_message *response,
				  const struct sip_credentials *credentials,
				  enum sip_digest_sent sent)
{
	struct sip_challenge challenge = {0};
	bool same_realm, stale;

	if (!credentials || !choose_challenge(&challenge, response, credentials))
		return SIP_VERDICT_UNANSWERABLE;
	same_realm =
		session->is_set && sip_span_equal(challenge.realm, sip_span_of(session->realm));
	stale = challenge.is_stale && same_realm && sent != SIP_SENT_NONE;
	/* TRIG-8: only an answer to the challenge that this route gave to this very request counts.
	 */
	if (sent == SIP_SENT_ANSWER && same_realm && !stale) {
		*session = (struct sip_digest_session){0};
		return SIP_VERDICT_REFUSED;
	}
	session_set(session, &challenge, response->status == 407);
	return stale ? SIP_VERDICT_STALE : SIP_VERDICT_NEW;
}

/* A quoted string could hold them, escaped; none of ours does. */
static bool has_quote(const char *text)
{
	return strpbrk(text, "\"\\") != NULL;
}

static void write_credentials(const struct sip_digest_session *session, struct sip_builder *builder,
			      const struct sip_digest_request *request, const char *username,
			      const char *response)
{
	const char *name =
		sip_header_name(session->is_proxy ? SIP_PROXY_AUTHORIZATION : SIP_AUTHORIZATION);
	const char *mark = session->has_opaque ? "\"" : "";
	char proof[SIP_DIGEST_TEXT_MAX] = "";

	if (session->qop != SIP_QOP_NONE &&
	    snprintf(proof, sizeof(proof), ", qop=%s, nc=%08x, cnonce=\"%s\"", qops[session->qop],
		     session->nonce_count, request->cnonce) >= (int)sizeof(proof)) {
		builder->error = SIP_ESPACE;
		return;
	}
	sip_builder_header(builder, name,
			   "Digest username=\"%s\", realm=\"%s\", nonce=\"%s\", uri=\"%s\", "
			   "response=\"%s\", algorithm=%s%s%s%s%s%s",
			   username, session->realm, session->nonce, request->uri, response,
			   algorithms[session->algorithm].name,
			   session->has_opaque ? ", opaque=" : "", mark,
			   session->has_opaque ? session->opaque : "", mark, proof);
}

void sip_digest_authorize(struct sip_digest_session *session, struct sip_builder *builder,
			  const struct sip_digest_request *request,
			  const struct sip_credentials *credentials)
{
	char response[SIP_DIGEST_HEX_MAX + 1], count[sizeof("ffffffff")];
	struct sip_digest_input input = {
		.algorithm = session->algorithm,
		.qop = session->qop,
		.username = sip_span_of(credentials->username),
		.realm = sip_span_of(session->realm),
		.password = sip_span_of(credentials->password),
		.method = sip_span_of(request->method),
		.uri = sip_span_of(request->uri),
		.nonce = sip_span_of(session->nonce),
		.cnonce = sip_span_of(request->cnonce),
		.body = request->body,
	};
	int error;

	if (!session->is_set || builder->error != 0)
		return;
	session->nonce_count++;
	snprintf(count, sizeof(count), "%08x", session->nonce_count);
	input.nonce_count = sip_span_of(count);
	error = sip_digest_compute(&input, response);
	if (error == 0 && (has_quote(credentials->username) || has_quote(request->uri)))
		error = SIP_EVALUE;
	if (error != 0)
		builder->error = error;
	else
		write_credentials(session, builder, request, credentials->username, response);
}

/* ---- server -------------------------------------------------------------------------------- */

enum {
	NUMBER_HEX = 16,  /* digits of a nonce's number: its time, and its serial */
	SERIAL_BITS = 16, /* of the number */
	COUNT_HEX = 8,    /* digits of nc */
	SEAL_SIZE = 16,   /* bytes of its seal: 128 bits of HMAC-SHA-256 */
	NONCE_LENGTH = NUMBER_HEX + 2 * SEAL_SIZE,
};

static void make_nonce(const struct sip_digest_server *server, uint64_t number,
		       char nonce[NONCE_LENGTH + 1])
{
	unsigned char seal[EVP_MAX_MD_SIZE];
	unsigned int size = 0;

	snprintf(nonce, NUMBER_HEX + 1, "%016llx", (unsigned long long)number);
	HMAC(EVP_sha256(), server->secret, sizeof(server->secret), (const unsigned char *)nonce,
	     NUMBER_HEX, seal, &size);
	OPENSSL_assert(size >= SEAL_SIZE);
	write_hex(seal, SEAL_SIZE, nonce + NUMBER_HEX);
}

static bool hex_parse(struct sip_span text, uint64_t *number)
{
	*number = 0;
	for (size_t i = 0; i < text.length; i++) {
		const char *digits = "0123456789abcdef";
		const char *digit = memchr(digits, text.at[i], 16);
		if (!digit)
			return false;
		*number = *number << 4 | (uint64_t)(digit - digits);
	}
	return true;
}

/* Is it a nonce that this secret sealed; and which? */
static bool open_nonce(const struct sip_digest_server *server, struct sip_span nonce,
		       uint64_t *number)
{
	char expected[NONCE_LENGTH + 1];

	if (nonce.length != NONCE_LENGTH ||
	    !hex_parse((struct sip_span){nonce.at, NUMBER_HEX}, number))
		return false;
	make_nonce(server, *number, expected);
	return CRYPTO_memcmp(nonce.at, expected, NONCE_LENGTH) == 0;
}

void sip_digest_challenge(const struct sip_digest_server *server, struct sip_builder *builder,
			  bool stale, uint64_t now)
{
	const char *name =
		sip_header_name(server->is_proxy ? SIP_PROXY_AUTHENTICATE : SIP_WWW_AUTHENTICATE);
	bool has_qop = server->qop != SIP_QOP_NONE;
	char nonce[NONCE_LENGTH + 1];

	make_nonce(server, now << SERIAL_BITS | server->serial, nonce);
	sip_builder_header(builder, name, "Digest realm=\"%s\", nonce=\"%s\", algorithm=%s%s%s%s%s",
			   server->realm, nonce, algorithms[server->algorithm].name,
			   has_qop ? ", qop=\"" : "", qops[server->qop], has_qop ? "\"" : "",
			   stale ? ", stale=true" : "");
}

/* The parameters of the request's credentials for this realm. */
static bool find_credentials(const struct sip_digest_server *server,
			     const struct sip_message *request, struct sip_span *params)
{
	enum sip_header_id id = server->is_proxy ? SIP_PROXY_AUTHORIZATION : SIP_AUTHORIZATION;
	const struct sip_header *header;

	for (size_t i = 0; (header = sip_message_header(request, id, i)); i++)
		if (cut_scheme(header->value, params) &&
		    sip_span_equal(find_value(*params, "realm"), sip_span_of(server->realm)))
			return true;
	return false;
}

struct sip_span sip_digest_username(const struct sip_digest_server *server,
				    const struct sip_message *request)
{
	struct sip_span params;

	if (!find_credentials(server, request, &params))
		return (struct sip_span){NULL, 0};
	return find_value(params, "username");
}

static bool is_for_this_request(struct sip_span text, const struct sip_message *request)
{
	struct sip_uri claimed, real;

	return sip_uri_parse(&claimed, text) == 0 &&
	       sip_uri_parse(&real, request->request_uri) == 0 && sip_uri_equal(&claimed, &real);
}

static bool is_response_right(const struct sip_digest_server *server,
			      const struct sip_message *request, struct sip_span params,
			      const struct sip_credentials *credentials)
{
	struct sip_span response = find_value(params, "response");
	char expected[SIP_DIGEST_HEX_MAX + 1];
	const struct sip_digest_input input = {
		.algorithm = server->algorithm,
		.qop = server->qop,
		.username = sip_span_of(credentials->username),
		.realm = sip_span_of(server->realm),
		.password = sip_span_of(credentials->password),
		.method = request->method_name,
		.uri = find_value(params, "uri"),
		.nonce = find_value(params, "nonce"),
		.cnonce = find_value(params, "cnonce"),
		.nonce_count = find_value(params, "nc"),
		.body = request->body,
	};

	return sip_digest_compute(&input, expected) == 0 && response.length == strlen(expected) &&
	       CRYPTO_memcmp(response.at, expected, response.length) == 0;
}

enum sip_proof sip_digest_verify(const struct sip_digest_server *server,
				 const struct sip_message *request,
				 const struct sip_credentials *credentials, uint64_t now)
{
	enum sip_digest_algorithm algorithm;
	struct sip_span params, qop;
	uint64_t number, made_at;

	if (!find_credentials(server, request, &params))
		return SIP_PROOF_ABSENT;
	qop = find_value(params, "qop");
	if (algorithm_of(find_value(params, "algorithm"), &algorithm) != 0 ||
	    algorithm != server->algorithm || !sip_span_is(qop, qops[server->qop]) ||
	    !sip_span_equal(find_value(params, "username"), sip_span_of(credentials->username)) ||
	    !open_nonce(server, find_value(params, "nonce"), &number) ||
	    !is_for_this_request(find_value(params, "uri"), request) ||
	    !is_response_right(server, request, params, credentials))
		return SIP_PROOF_WRONG;
	made_at = number >> SERIAL_BITS;
	if (made_at > now || now - made_at > server->nonce_life_ms)
		return SIP_PROOF_STALE;
	return SIP_PROOF_RIGHT;
}

struct sip_nonce_use sip_digest_used(const struct sip_digest_server *server,
				     const struct sip_message *request)
{
	struct sip_nonce_use use = {.number = 0};
	struct sip_span params, nc;
	uint64_t count;

	if (!find_credentials(server, request, &params) ||
	    !open_nonce(server, find_value(params, "nonce"), &use.number))
		return (struct sip_nonce_use){.number = 0};
	nc = find_value(params, "nc");
	if (nc.length == COUNT_HEX && hex_parse(nc, &count))
		use.count = (uint32_t)count;
	return use;
}

/* sip/digest: RFC 7616, RFC 8760, RFC 3261 22; TRIG-8 (which challenge is a denial). */
#include "tests/sip/parse.h"

#include "sip/digest.h"

#include <stdio.h>

#define HEAD                                                                                       \
	"Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\nFrom: <sip:bob@biloxi.com>;tag=a\r\n"       \
	"To: <sip:bob@biloxi.com>\r\nCall-ID: c\r\nCSeq: 1 REGISTER\r\n"
#define REFUSAL "SIP/2.0 401 No\r\n" HEAD

static const struct sip_credentials bob = {"bob", "zanzibar", NULL};

struct vector {
	const char *source;
	enum sip_digest_algorithm algorithm;
	enum sip_digest_qop qop;
	const char *username, *realm, *password, *method, *uri, *nonce, *cnonce, *body, *response;
};

#define NONCE_7616 "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
#define CNONCE_7616 "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
#define NONCE_2617 "dcd98b7102dd2f0e8b11d0f600bfb0c093"

static const struct vector vectors[] = {
	{"RFC 7616 3.9.1", SIP_DIGEST_MD5, SIP_QOP_AUTH, "Mufasa", "http-auth@example.org",
	 "Circle of Life", "GET", "/dir/index.html", NONCE_7616, CNONCE_7616, "",
	 "8ca523f5e9506fed4657c9700eebdbec"},
	{"RFC 7616 3.9.1", SIP_DIGEST_SHA256, SIP_QOP_AUTH, "Mufasa", "http-auth@example.org",
	 "Circle of Life", "GET", "/dir/index.html", NONCE_7616, CNONCE_7616, "",
	 "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"},
	{"RFC 2617 3.5", SIP_DIGEST_MD5, SIP_QOP_AUTH, "Mufasa", "testrealm@host.com",
	 "Circle Of Life", "GET", "/dir/index.html", NONCE_2617, "0a4f113b", "",
	 "6629fae49393a05397450978507c4ef1"},
	{"RFC 2069 form", SIP_DIGEST_MD5, SIP_QOP_NONE, "Mufasa", "testrealm@host.com",
	 "Circle Of Life", "GET", "/dir/index.html", NONCE_2617, "", "",
	 "670fd8c2df070c60b045671b8b24ff02"},
	/* Computed with Python's hashlib. */
	{"auth-int", SIP_DIGEST_MD5, SIP_QOP_AUTH_INT, "bob", "biloxi.com", "zanzibar", "INVITE",
	 "sip:bob@biloxi.com", NONCE_2617, "0a4f113b", "v=0\r\n",
	 "77226bb823dc077c1ad3537415667bae"},
	{"auth-int", SIP_DIGEST_SHA256, SIP_QOP_AUTH_INT, "bob", "biloxi.com", "zanzibar", "INVITE",
	 "sip:bob@biloxi.com", NONCE_2617, "0a4f113b", "v=0\r\n",
	 "554a9ffe79ce71c3cb6c9630deddd2787d8033f895e5cdef6a73c8e84ed4c979"},
	{"RFC 8760", SIP_DIGEST_SHA512_256, SIP_QOP_AUTH, "bob", "biloxi.com", "zanzibar",
	 "REGISTER", "sip:biloxi.com", NONCE_2617, "0a4f113b", "",
	 "4bf969d821d66b375c5b96ab92a04ea44a9f7a2a259b9351753b177ccd0cd062"},
	{"RFC 8760", SIP_DIGEST_SHA512_256, SIP_QOP_AUTH_INT, "bob", "biloxi.com", "zanzibar",
	 "INVITE", "sip:bob@biloxi.com", NONCE_2617, "0a4f113b", "v=0\r\n",
	 "e9a7fbc1c80a10421c59a0c982f28d40e0ddc7b62ef3dc4faf68f179c6e05922"},
};

static void test_vectors_rfc7616_rfc2617_rfc8760(void **state)
{
	char hex[SIP_DIGEST_HEX_MAX + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(*vectors); i++) {
		const struct vector *v = &vectors[i];
		struct sip_digest_input input = {
			.algorithm = v->algorithm,
			.qop = v->qop,
			.username = sip_span_of(v->username),
			.realm = sip_span_of(v->realm),
			.password = sip_span_of(v->password),
			.method = sip_span_of(v->method),
			.uri = sip_span_of(v->uri),
			.nonce = sip_span_of(v->nonce),
			.cnonce = sip_span_of(v->cnonce),
			.nonce_count = sip_span_of("00000001"),
			.body = sip_span_of(v->body),
		};
		assert_int_equal(sip_digest_compute(&input, hex), 0);
		if (strcmp(hex, v->response) != 0)
			fail_msg("vector %zu, %s: %s", i, v->source, hex);
	}
}

static void test_challenge_is_read_rfc7616_3_3(void **state)
{
	struct sip_challenge c;

	(void)state;
	assert_int_equal(
		sip_challenge_parse(&c,
				    sip_span_of("digest  Realm = \"a, \\\"b\\\"\" ,nonce=\"n=1,2\","
						"opaque=\"\", stale=TRUE,x=y,algorithm=sha-256,"
						" qop=\"auth,auth-int , new\", userhash=false")),
		0);
	assert_span(c.realm, "a, \\\"b\\\"");
	assert_span(c.nonce, "n=1,2");
	assert_true(c.opaque.at && c.opaque.length == 0);
	assert_true(c.is_stale && c.offers_auth && c.offers_auth_int && !c.offers_none);
	assert_int_equal(c.algorithm, SIP_DIGEST_SHA256);
	assert_int_equal(sip_challenge_parse(&c, sip_span_of("Digest realm=\"a\", nonce=\"n\"")),
			 0);
	assert_true(c.offers_none && !c.offers_auth && !c.is_stale && !c.opaque.at);
	assert_int_equal(c.algorithm, SIP_DIGEST_MD5);

	assert_int_equal(sip_challenge_parse(&c, sip_span_of("Basic realm=\"a\"")),
			 SIP_EUNSUPPORTED);
	assert_int_equal(sip_challenge_parse(&c, sip_span_of("Digest")), SIP_EUNSUPPORTED);
	assert_int_equal(sip_challenge_parse(&c, sip_span_of("Digest realm=\"a\"")), SIP_EVALUE);
	assert_int_equal(sip_challenge_parse(&c, sip_span_of("Digest nonce=\"a\"")), SIP_EVALUE);
	assert_int_equal(
		sip_challenge_parse(
			&c, sip_span_of("Digest realm=\"a\",nonce=\"n\",algorithm=MD5-sess")),
		SIP_EUNSUPPORTED);
	assert_int_equal(
		sip_challenge_parse(&c, sip_span_of("Digest realm=\"a\",nonce=\"n\",qop=\"new\"")),
		SIP_EUNSUPPORTED);
}

static enum sip_verdict judge(struct sip_digest_session *session, const char *challenges,
			      const struct sip_credentials *credentials, enum sip_digest_sent sent)
{
	struct sip_message response;
	enum sip_verdict verdict;
	char text[4096];

	snprintf(text, sizeof(text), REFUSAL "%s\r\n", challenges);
	response = parse(text);
	verdict = sip_digest_judge(session, &response, credentials, sent);
	sip_message_clear(&response);
	return verdict;
}

#define CHALLENGE(nonce, rest)                                                                     \
	"WWW-Authenticate: Digest realm=\"r\", nonce=\"" nonce "\"" rest "\r\n"

static void test_strongest_challenge_is_answered_rfc8760_2_4(void **state)
{
	struct sip_digest_session s = {0};

	(void)state;
	assert_int_equal(
		judge(&s,
		      CHALLENGE("1", "") CHALLENGE("2", ",algorithm=SHA-256,qop=\"auth-int\"")
			      CHALLENGE("3", ",algorithm=SHA-256,qop=\"auth-int,auth\"") CHALLENGE(
				      "4", ",algorithm=SHA-999") CHALLENGE("5", ",qop=\"auth\"")
				      CHALLENGE("6", ",algorithm=SHA-256,qop=\"auth\""),
		      &bob, SIP_SENT_NONE),
		SIP_VERDICT_NEW);
	assert_string_equal(s.nonce, "3");
	assert_int_equal(s.algorithm, SIP_DIGEST_SHA256);
	assert_int_equal(s.qop, SIP_QOP_AUTH);
	assert_false(s.is_proxy);
}

/* Only this route's refusal of the answer to its own challenge to this request is a denial. */
static void test_verdicts_TRIG_8(void **state)
{
	struct sip_digest_session s = {0};

	(void)state;
	assert_int_equal(judge(&s, CHALLENGE("1", ""), &bob, SIP_SENT_NONE), SIP_VERDICT_NEW);
	assert_int_equal(judge(&s, CHALLENGE("2", ",stale=true"), &bob, SIP_SENT_ANSWER),
			 SIP_VERDICT_STALE);
	assert_string_equal(s.nonce, "2");
	assert_int_equal(judge(&s, CHALLENGE("3", ""), &bob, SIP_SENT_CACHED), SIP_VERDICT_NEW);
	assert_int_equal(judge(&s, CHALLENGE("4", ",stale=true"), &bob, SIP_SENT_NONE),
			 SIP_VERDICT_NEW);
	assert_int_equal(judge(&s, "WWW-Authenticate: Digest realm=\"s\", nonce=\"1\"\r\n", &bob,
			       SIP_SENT_ANSWER),
			 SIP_VERDICT_NEW);
	assert_int_equal(judge(&s, CHALLENGE("5", ""), &bob, SIP_SENT_NONE), SIP_VERDICT_NEW);
	assert_int_equal(judge(&s, CHALLENGE("6", ""), &bob, SIP_SENT_ANSWER), SIP_VERDICT_REFUSED);
	assert_false(s.is_set);
}

static void test_unanswerable_challenges_TRIG_8(void **state)
{
	struct sip_digest_session s = {0};
	char long_nonce[SIP_DIGEST_TEXT_MAX + 2] = "";
	char text[SIP_DIGEST_TEXT_MAX + 100];

	(void)state;
	assert_int_equal(judge(&s, "", &bob, SIP_SENT_NONE), SIP_VERDICT_UNANSWERABLE);
	assert_int_equal(judge(&s, CHALLENGE("1", ""), NULL, SIP_SENT_NONE),
			 SIP_VERDICT_UNANSWERABLE);
	assert_int_equal(judge(&s, CHALLENGE("1", ""),
			       &(struct sip_credentials){"bob", "x", "another"}, SIP_SENT_NONE),
			 SIP_VERDICT_UNANSWERABLE);
	assert_int_equal(judge(&s, CHALLENGE("1", ",algorithm=SHA-999"), &bob, SIP_SENT_NONE),
			 SIP_VERDICT_UNANSWERABLE);
	assert_int_equal(judge(&s, "Proxy-Authenticate: Digest realm=\"r\",nonce=\"1\"\r\n", &bob,
			       SIP_SENT_NONE),
			 SIP_VERDICT_UNANSWERABLE);
	memset(long_nonce, 'n', SIP_DIGEST_TEXT_MAX + 1);
	snprintf(text, sizeof(text), "WWW-Authenticate: Digest realm=\"r\", nonce=\"%s\"\r\n",
		 long_nonce);
	assert_int_equal(judge(&s, text, &bob, SIP_SENT_NONE), SIP_VERDICT_UNANSWERABLE);
	assert_false(s.is_set);
}

/* A request with the session's credentials, parsed.  Clear it. */
static struct sip_message authorized(struct sip_digest_session *session, const char *uri,
				     const struct sip_credentials *credentials)
{
	static char bytes[8192];
	const struct sip_digest_request request = {"REGISTER", uri, sip_span_of("body"), "c0ffee"};
	struct sip_builder b;

	sip_builder_init(&b, bytes, sizeof(bytes));
	sip_builder_request(&b, "REGISTER", "sip:biloxi.com");
	sip_builder_header(&b, "Via", "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1");
	sip_builder_header(&b, "From", "<sip:bob@biloxi.com>;tag=a");
	sip_builder_header(&b, "To", "<sip:bob@biloxi.com>");
	sip_builder_header(&b, "Call-ID", "c");
	sip_builder_header(&b, "CSeq", "2 REGISTER");
	sip_digest_authorize(session, &b, &request, credentials);
	assert_true(sip_builder_finish_body(&b, "text/plain", sip_span_of("body")) > 0);
	return parse(bytes);
}

static bool sent_has(struct sip_digest_session *session, const char *text)
{
	struct sip_message m = authorized(session, "sip:biloxi.com", &bob);
	struct sip_span value = sip_message_header(&m, SIP_AUTHORIZATION, 0)->value;
	bool found = memmem(value.at, value.length, text, strlen(text)) != NULL;

	sip_message_clear(&m);
	return found;
}

static void test_nonce_is_counted_and_used_again_unasked_rfc7616_3_3(void **state)
{
	struct sip_digest_session s = {0};

	(void)state;
	judge(&s, CHALLENGE("1", ",qop=\"auth\",opaque=\"o\""), &bob, SIP_SENT_NONE);
	assert_true(sent_has(&s, "nc=00000001"));
	assert_true(sent_has(&s, "nc=00000002"));
	assert_true(sent_has(&s, "opaque=\"o\""));
	judge(&s, CHALLENGE("1", ",qop=\"auth\""), &bob, SIP_SENT_CACHED);
	assert_true(sent_has(&s, "nc=00000004"));
	judge(&s, CHALLENGE("2", ",qop=\"auth\""), &bob, SIP_SENT_CACHED);
	assert_true(sent_has(&s, "nc=00000001"));
	assert_false(sent_has(&s, "opaque"));
}

static void test_password_never_leaves_and_quotes_are_refused(void **state)
{
	struct sip_digest_session s = {0};
	char bytes[2048];
	struct sip_builder b;
	const struct sip_digest_request request = {"REGISTER", "sip:biloxi.com", {NULL, 0}, "c"};

	(void)state;
	judge(&s, CHALLENGE("1", ""), &bob, SIP_SENT_NONE);
	assert_false(sent_has(&s, "zanzibar"));
	sip_builder_init(&b, bytes, sizeof(bytes));
	sip_digest_authorize(&s, &b, &request, &(struct sip_credentials){"b\"ob", "x", NULL});
	assert_int_equal(b.error, SIP_EVALUE);

	/* A session that knows nothing writes nothing. */
	s = (struct sip_digest_session){0};
	sip_builder_init(&b, bytes, sizeof(bytes));
	sip_digest_authorize(&s, &b, &request, &bob);
	assert_int_equal(b.length, 0);
	assert_int_equal(b.error, 0);
}

/* ---- server, against our client ------------------------------------------------------------- */

static struct sip_digest_server server_with(enum sip_digest_algorithm algorithm,
					    enum sip_digest_qop qop)
{
	return (struct sip_digest_server){.realm = "biloxi.com",
					  .algorithm = algorithm,
					  .qop = qop,
					  .nonce_life_ms = 60000,
					  .secret = "a secret"};
}

static void challenge_by(const struct sip_digest_server *server, struct sip_digest_session *session,
			 bool stale, uint64_t now)
{
	char text[2048];
	struct sip_builder b;

	sip_builder_init(&b, text, sizeof(text));
	sip_digest_challenge(server, &b, stale, now);
	assert_int_equal(b.error, 0);
	text[b.length] = '\0';
	assert_int_equal(judge(session, text, &bob, stale ? SIP_SENT_ANSWER : SIP_SENT_NONE),
			 stale ? SIP_VERDICT_STALE : SIP_VERDICT_NEW);
}

static enum sip_proof prove(const struct sip_digest_server *server,
			    struct sip_digest_session *session, const char *uri,
			    const struct sip_credentials *credentials, uint64_t now)
{
	struct sip_message request = authorized(session, uri, credentials);
	enum sip_proof proof = sip_digest_verify(server, &request, &bob, now);

	if (session->is_set)
		assert_span(sip_digest_username(server, &request), credentials->username);
	sip_message_clear(&request);
	return proof;
}

static void test_server_accepts_our_client_with_every_hash_and_qop(void **state)
{
	(void)state;
	for (int algorithm = 0; algorithm < SIP_DIGEST_ALGORITHMS_MAX; algorithm++) {
		for (int qop = 0; qop < SIP_DIGEST_QOPS_MAX; qop++) {
			struct sip_digest_session s = {0};
			struct sip_digest_server server = server_with(
				(enum sip_digest_algorithm)algorithm, (enum sip_digest_qop)qop);
			challenge_by(&server, &s, false, 1000);
			assert_int_equal(prove(&server, &s, "sip:biloxi.com", &bob, 61000),
					 SIP_PROOF_RIGHT);
			assert_int_equal(prove(&server, &s, "sip:biloxi.com", &bob, 61001),
					 SIP_PROOF_STALE);
			challenge_by(&server, &s, true, 61001);
			assert_int_equal(prove(&server, &s, "sip:biloxi.com", &bob, 61001),
					 SIP_PROOF_RIGHT);
		}
	}
}

static struct sip_nonce_use used(const struct sip_digest_server *server,
				 struct sip_digest_session *session)
{
	struct sip_message request = authorized(session, "sip:biloxi.com", &bob);
	struct sip_nonce_use use = sip_digest_used(server, &request);

	sip_message_clear(&request);
	return use;
}

/* Each request counts one up; each challenge has a nonce of its own, a later one a greater. */
static void test_server_tells_nonces_apart_rfc7616_3_3(void **state)
{
	struct sip_digest_server server = server_with(SIP_DIGEST_MD5, SIP_QOP_AUTH);
	struct sip_digest_session s = {0}, other = {0}, later = {0}, none = {0};
	uint64_t number;

	(void)state;
	assert_int_equal(used(&server, &none).number, 0);
	challenge_by(&server, &s, false, 1000);
	number = used(&server, &s).number;
	assert_true(number > 0);
	assert_int_equal(used(&server, &s).number, number);
	assert_int_equal(used(&server, &s).count, 3);
	server.serial++;
	challenge_by(&server, &other, false, 1000);
	assert_true(used(&server, &other).number > number);
	number = used(&server, &other).number;
	server.serial = 0;
	challenge_by(&server, &later, false, 1001);
	assert_true(used(&server, &later).number > number);
	later.nonce[0] ^= 1;
	assert_int_equal(used(&server, &later).number, 0);
	server.qop = SIP_QOP_NONE;
	challenge_by(&server, &none, false, 1000);
	assert_int_equal(used(&server, &none).count, 0);
}

static void test_server_refuses_what_is_wrong(void **state)
{
	static const struct sip_credentials thief = {"bob", "guess", NULL},
					    eve = {"eve", "zanzibar", NULL};
	struct sip_digest_server server = server_with(SIP_DIGEST_SHA256, SIP_QOP_AUTH);
	struct sip_digest_session s = {0}, other;

	(void)state;
	assert_int_equal(prove(&server, &s, "sip:biloxi.com", &bob, 0), SIP_PROOF_ABSENT);
	challenge_by(&server, &s, false, 1000);
	assert_int_equal(prove(&server, &s, "sip:biloxi.com", &thief, 1000), SIP_PROOF_WRONG);
	assert_int_equal(prove(&server, &s, "sip:biloxi.com", &eve, 1000), SIP_PROOF_WRONG);
	assert_int_equal(prove(&server, &s, "sip:elsewhere.com", &bob, 1000), SIP_PROOF_WRONG);
	/* A wrong password with an old nonce is wrong, not stale: no new guess for free. */
	assert_int_equal(prove(&server, &s, "sip:biloxi.com", &thief, 99000), SIP_PROOF_WRONG);
	other = s;
	other.nonce[15] ^= 1; /* another time under the old seal */
	assert_int_equal(prove(&server, &other, "sip:biloxi.com", &bob, 1000), SIP_PROOF_WRONG);
	other = s;
	other.algorithm = SIP_DIGEST_MD5; /* a downgrade */
	assert_int_equal(prove(&server, &other, "sip:biloxi.com", &bob, 1000), SIP_PROOF_WRONG);
	other = s;
	other.qop = SIP_QOP_NONE;
	assert_int_equal(prove(&server, &other, "sip:biloxi.com", &bob, 1000), SIP_PROOF_WRONG);
	server.secret[0] ^= 1;
	assert_int_equal(prove(&server, &s, "sip:biloxi.com", &bob, 1000), SIP_PROOF_WRONG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors_rfc7616_rfc2617_rfc8760),
		cmocka_unit_test(test_challenge_is_read_rfc7616_3_3),
		cmocka_unit_test(test_strongest_challenge_is_answered_rfc8760_2_4),
		cmocka_unit_test(test_verdicts_TRIG_8),
		cmocka_unit_test(test_unanswerable_challenges_TRIG_8),
		cmocka_unit_test(test_nonce_is_counted_and_used_again_unasked_rfc7616_3_3),
		cmocka_unit_test(test_password_never_leaves_and_quotes_are_refused),
		cmocka_unit_test(test_server_accepts_our_client_with_every_hash_and_qop),
		cmocka_unit_test(test_server_tells_nonces_apart_rfc7616_3_3),
		cmocka_unit_test(test_server_refuses_what_is_wrong),
	};

	sip_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

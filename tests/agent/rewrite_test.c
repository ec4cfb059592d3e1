/* agent/rewrite: what goes on differs from what came only in the agent's own lines (AGENT-3,
 * AGENT-4, AGENT-11), over the valid messages of RFC 4475 and others with folded lines, compact
 * names, several parts and binary bodies.  The comparison reads the bytes by itself. */
#include "tests/sip/parse.h"

#include <dirent.h>
#include <stdio.h>

#include "agent/loopback.h"
#include "agent/rewrite.h"

enum { SIZE = 70000 };

/* The lines that may differ, by their full and compact names. */
static const char *const own_lines[] = {
	"via", "v",    "record-route", "route",         "max-forwards",        "contact",
	"m",   "cseq", "rack",         "authorization", "proxy-authorization", "content-length",
	"l",   NULL,
};

static const char alone_via[] = "SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bKout;rport";
static const char our_contact[] = "sip:line@198.51.100.7:5060;kl=0123";

/* ---- the comparison ------------------------------------------------------------------------- */

static bool is_own(const char *line, size_t length)
{
	const char *colon = memchr(line, ':', length);
	size_t name = colon ? (size_t)(colon - line) : 0;

	while (name > 0 && (line[name - 1] == ' ' || line[name - 1] == '\t'))
		name--;
	for (size_t i = 0; own_lines[i]; i++)
		if (strlen(own_lines[i]) == name && strncasecmp(line, own_lines[i], name) == 0)
			return true;
	return false;
}

/* Copies what is not the agent's: the header lines with all their folds, the empty line, the body.
 * Of the first line, what follows the request URI and stands before it. */
static size_t foreign_part(const char *bytes, size_t length, char *to)
{
	const char *end = bytes + length, *at = strstr(bytes, "\r\n") + 2;
	bool own = false;
	size_t size = (size_t)(strchr(bytes, ' ') - bytes);

	memcpy(to, bytes, size);
	while (at < end && memcmp(at, "\r\n", 2) != 0) {
		const char *next = (const char *)memmem(at, (size_t)(end - at), "\r\n", 2) + 2;

		if (*at != ' ' && *at != '\t')
			own = is_own(at, (size_t)(next - at));
		if (!own) {
			memcpy(to + size, at, (size_t)(next - at));
			size += (size_t)(next - at);
		}
		at = next;
	}
	memcpy(to + size, at, (size_t)(end - at));
	return size + (size_t)(end - at);
}

/* RESULT parses again, and has the same foreign part as MESSAGE. */
static struct sip_message compare(const struct sip_message *message, const char *result, int length)
{
	static char a[SIZE], b[SIZE], copy[SIZE];
	size_t whole = (size_t)(message->body.at - message->received.at) + message->body.length;
	size_t a_length, b_length;
	struct sip_message again;

	assert_true(length > 0);
	memcpy(copy, message->received.at, whole);
	copy[whole] = '\0';
	a_length = foreign_part(copy, whole, a);
	b_length = foreign_part(result, (size_t)length, b);
	assert_int_equal(a_length, b_length);
	assert_memory_equal(a, b, a_length);
	assert_int_equal(sip_message_parse(&again, result, (size_t)length), 0);
	assert_int_equal(again.body.length, message->body.length);
	return again;
}

/* ---- what is done to all of them ------------------------------------------------------------ */

static bool end_ours(void *user, struct sip_span realm)
{
	return sip_span_is(realm, user);
}

static size_t count_lines(const struct sip_message *message, enum sip_header_id id)
{
	size_t count = 0;

	while (sip_message_header(message, id, count))
		count++;
	return count;
}

static void check_outward(const struct sip_message *request)
{
	static char to[SIZE];
	const struct agent_request_rewrite rewrite = {
		.via = sip_span_of(alone_via),
		.is_alone = true,
		.route = sip_span_of("<sip:a.example.com;lr>, <sip:b.example.com;lr>"),
		.record_route = sip_span_of(""),
		.contact = sip_span_of(our_contact),
		.cseq = request->cseq.number + 7,
		.credentials = sip_span_of("Authorization: Digest realm=\"x\"\r\n"),
		.ends = end_ours,
		.user = (void *)(uintptr_t) "inside",
	};
	int length = agent_rewrite_request(request, &rewrite, to, sizeof(to));
	struct sip_message again = compare(request, to, length);
	struct sip_address contact;

	assert_int_equal(count_lines(&again, SIP_VIA), 1);
	assert_span(again.via.text, alone_via);
	assert_int_equal(count_lines(&again, SIP_RECORD_ROUTE), 0);
	assert_int_equal(count_lines(&again, SIP_ROUTE), 1);
	assert_int_equal(again.cseq.number, request->cseq.number + 7);
	assert_int_equal(count_lines(&again, SIP_CONTACT), count_lines(request, SIP_CONTACT));
	for (size_t i = 0; !sip_message_address(&again, SIP_CONTACT, i, &contact); i++)
		assert_span(contact.uri, our_contact);
	if (sip_message_header(request, SIP_MAX_FORWARDS, 0))
		assert_int_equal(again.max_forwards, request->max_forwards - 1);
	sip_message_clear(&again);
}

static void check_inward(const struct sip_message *request)
{
	static char to[SIZE];
	const struct agent_request_rewrite rewrite = {
		.uri = sip_span_of("sip:phone@127.0.0.1:40000"),
		.via = sip_span_of("SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bKin"),
		.route = sip_span_of(""),
		.record_route = sip_span_of("<sip:127.0.0.1:5070;lr>"),
		.on_stream = true,
	};
	int length = agent_rewrite_request(request, &rewrite, to, sizeof(to));
	struct sip_message again = compare(request, to, length);

	assert_span(again.request_uri, "sip:phone@127.0.0.1:40000");
	assert_span(again.via.branch, "z9hG4bKin");
	assert_int_equal(count_lines(&again, SIP_VIA), count_lines(request, SIP_VIA) + 1);
	assert_int_equal(count_lines(&again, SIP_RECORD_ROUTE), 1);
	assert_int_equal(count_lines(&again, SIP_ROUTE), 0);
	assert_int_equal(count_lines(&again, SIP_CONTENT_LENGTH), 1);
	assert_int_equal(again.cseq.number, request->cseq.number);
	sip_message_clear(&again);
}

static void check_response(const struct sip_message *response)
{
	static char to[SIZE];
	struct sip_message asked =
		parse("INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKa\r\n"
		      "Record-Route: <sip:r1;lr>,\r\n <sip:r2;lr>\r\n"
		      "From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: x\r\n"
		      "CSeq: 0004711 INVITE\r\n\r\n");
	const struct agent_response_rewrite rewrite = {
		.asked = &asked,
		.vias = sip_span_of("Via: SIP/2.0/UDP h;branch=z9hG4bKa;received=192.0.2.1\r\n"),
		.contact = sip_span_of(our_contact),
	};
	int length = agent_rewrite_response(response, &rewrite, to, sizeof(to));
	struct sip_message again = compare(response, to, length);
	bool joins = response->status > 100 && response->status < 300;

	assert_int_equal(count_lines(&again, SIP_VIA), 1);
	assert_non_null(strstr(to, "CSeq: 0004711 ") ? to : strstr(to, "0004711"));
	if (joins)
		assert_non_null(strstr(to, "Record-Route: <sip:r1;lr>,\r\n <sip:r2;lr>\r\n"));
	sip_message_clear(&again);
	sip_message_clear(&asked);
}

static void check_all(const void *bytes, size_t length, const char *name)
{
	struct sip_message message;
	int error = sip_message_parse(&message, bytes, length);

	if (error)
		fail_msg("%s: %s", name, sip_strerror(error));
	if (message.is_request && message.max_forwards > 0) {
		check_outward(&message);
		check_inward(&message);
	} else if (!message.is_request) {
		check_response(&message);
	}
	sip_message_clear(&message);
}

/* ---- tests ---------------------------------------------------------------------------------- */

static void test_rfc_4475_agent_4(void **state)
{
	DIR *folder = opendir(RFC4475);
	const struct dirent *entry;
	char path[1024];
	static char bytes[SIZE];
	int count = 0;

	(void)state;
	assert_non_null(folder);
	while ((entry = readdir(folder))) {
		FILE *file;

		if (!strstr(entry->d_name, ".dat"))
			continue;
		snprintf(path, sizeof(path), "%s/%s", RFC4475, entry->d_name);
		file = fopen(path, "rb");
		assert_non_null(file);
		check_all(bytes, fread(bytes, 1, sizeof(bytes), file), entry->d_name);
		fclose(file);
		count++;
	}
	closedir(folder);
	assert_int_equal(count, 23);
}

#define HEAD                                                                                       \
	"Via: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bKx\r\nFrom: <sip:a@x>;tag=1\r\nTo: "            \
	"<sip:b@x>\r\n"                                                                            \
	"Call-ID: c\r\n"

static void check_text(const char *text)
{
	check_all(text, strlen(text), text);
}

static void test_shapes_agent_4(void **state)
{
	static const char binary[] = "MESSAGE sip:b@x SIP/2.0\r\n" HEAD "CSeq: 1 MESSAGE\r\n"
				     "Content-Type: application/octet-stream\r\nl: 11\r\n\r\n"
				     "a\0b\r\n\r\n\xff\xfe\r\n";

	(void)state;
	check_all(binary, sizeof(binary) - 1, "binary");
	/* Compact names, a list of Vias, odd case and blanks before the colon. */
	check_text("INVITE sip:b@x SIP/2.0\r\nv: SIP/2.0/UDP h;branch=z9hG4bKx , SIP/2.0/TCP i\r\n"
		   "f: <sip:a@x>;tag=1\r\nt: <sip:b@x>\r\ni: c\r\nCSEQ  :  1   INVITE\r\n"
		   "m: \"A, B\" <sip:a@127.0.0.1;x=y>;+sip.instance=\"<urn:uuid:1>\"\r\n"
		   "k: 100rel\r\ns: hi\r\nMAX-forwards: 070\r\n\r\n");
	/* Folds in lines that change and in others, and between them. */
	check_text("INVITE sip:b@x SIP/2.0\r\nVia: SIP/2.0/UDP h\r\n ;branch=z9hG4bKx\r\n"
		   "Record-Route: <sip:p;lr>\r\nSubject: one\r\n\ttwo\r\n   three\r\n"
		   "record-route:\r\n <sip:q;lr>\r\nFrom: <sip:a@x>;tag=1\r\nTo: <sip:b@x>\r\n"
		   "Call-ID: c\r\nCSeq: 1\r\n INVITE\r\nContact:\r\n <sip:a@h>\r\n ;q=0.5\r\n"
		   "Max-Forwards:\r\n 9\r\n\r\n");
	/* Several parts, a bare Contact with parameters, unknown headers twice. */
	check_text("INVITE sip:b@x SIP/2.0\r\n" HEAD "CSeq: 1 INVITE\r\nX-Odd: 1\r\nX-Odd: 1\r\n"
		   "Contact: sip:a@127.0.0.1:9;q=0.1\r\nRoute: <sip:127.0.0.1:5070;lr>\r\n"
		   "Content-Type: multipart/mixed;boundary=b\r\nContent-Length: 78\r\n\r\n"
		   "--b\r\nContent-Type: application/sdp\r\n\r\nc=IN IP4 127.0.0.1\r\n--b\r\n\r\n"
		   "\x01\x02\r\n--b--\r\n\r\n\r\n");
	check_text("SIP/2.0 200 \r\n" HEAD "CSeq: 9 INVITE\r\nContact: <sip:z@h>\r\n\r\n");
	check_text("SIP/2.0 302 Moved\r\n" HEAD "CSeq: 9 INVITE\r\nX: y\r\n\r\n");
}

static int rewrite(const char *text, const struct agent_request_rewrite *how, char to[SIZE])
{
	struct sip_message message = parse(text);
	int length = agent_rewrite_request(&message, how, to, SIZE);

	sip_message_clear(&message);
	return length;
}

/* AGENT-9 (part): credentials for the realm inside end here, those for another pass. */
static void test_credentials_agent_9(void **state)
{
	static char to[SIZE];
	const struct agent_request_rewrite how = {.ends = end_ours,
						  .user = (void *)(uintptr_t) "inside"};

	(void)state;
	rewrite("INVITE sip:b@x SIP/2.0\r\n" HEAD "CSeq: 1 INVITE\r\n"
		"Proxy-Authorization: Digest username=\"a\",realm=\"inside\", nonce=\"n\"\r\n"
		"Proxy-Authorization: Digest realm=\"far\",\r\n username=\"a\"\r\n"
		"Authorization: Digest username=\"a\", realm=\"inside\"\r\n\r\n",
		&how, to);
	assert_null(strstr(to, "realm=\"inside\""));
	assert_non_null(
		strstr(to, "Proxy-Authorization: Digest realm=\"far\",\r\n username=\"a\"\r\n"));
}

/* RAck goes by the number of its INVITE. AGENT-4 */
static void test_rack_agent_4(void **state)
{
	static char to[SIZE];
	const struct agent_request_rewrite how = {.cseq = 45, .rack = 44};
	struct sip_message message = parse("PRACK sip:b@x SIP/2.0\r\n" HEAD
					   "CSeq: 43 PRACK\r\nRAck: 776655  42 INVITE\r\n\r\n");
	uint32_t number = 0;

	(void)state;
	assert_true(agent_read_rack(&message, &number));
	assert_int_equal(number, 42);
	assert_true(agent_rewrite_request(&message, &how, to, sizeof(to)) > 0);
	assert_non_null(strstr(to, "RAck: 776655  44 INVITE\r\n"));
	assert_non_null(strstr(to, "CSeq: 45 PRACK\r\n"));
	sip_message_clear(&message);
}

/* So does the id of a NOTIFY about a REFER, however the header is written, and of no other. AGENT-4
 */
static void test_refer_agent_4(void **state)
{
	static char to[SIZE];
	static const struct {
		const char *before, *after;
	} rows[] = {
		{"Event: refer;id=42\r\n", "Event: refer;id=41\r\n"},
		{"o:\r\n Refer ; x=1;\tid = 42;y\r\n", "o:\r\n Refer ; x=1;\tid = 41;y\r\n"},
		{"Event: refer\r\n", "Event: refer\r\n"},
		{"Event: refer;id=x42\r\n", "Event: refer;id=x42\r\n"},
		{"Event: dialog;id=42\r\n", "Event: dialog;id=42\r\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct agent_request_rewrite how = {.refer = 41};
		char text[512];

		snprintf(text, sizeof(text), "NOTIFY sip:b@x SIP/2.0\r\n" HEAD "%s%s\r\n",
			 "CSeq: 1 NOTIFY\r\n", rows[i].before);
		assert_true(rewrite(text, &how, to) > 0);
		assert_non_null(strstr(to, rows[i].after));
	}
}

/* A redirection's Contact is where the call is to go: it passes.  So does that of a refusal. */
static void test_redirection_agent_3(void **state)
{
	static char to[SIZE];
	struct sip_message response =
		parse("SIP/2.0 302 Moved\r\n" HEAD "CSeq: 9 INVITE\r\nContact: <sip:z@h>\r\n\r\n");
	struct sip_message asked =
		parse("INVITE sip:b@x SIP/2.0\r\n" HEAD "CSeq: 9 INVITE\r\n\r\n");
	const struct agent_response_rewrite how = {.asked = &asked,
						   .vias = sip_span_of("Via: SIP/2.0/UDP h\r\n"),
						   .contact = sip_span_of(our_contact)};

	(void)state;
	assert_true(agent_rewrite_response(&response, &how, to, sizeof(to)) > 0);
	assert_non_null(strstr(to, "Contact: <sip:z@h>\r\n"));
	sip_message_clear(&response);
	sip_message_clear(&asked);
}

/* An INVITE with this body, its length in a compact header. */
static int rewrite_body(const char *type, const char *body, char to[SIZE])
{
	char text[2048], other[2048];
	struct agent_request_rewrite how = {.body = {NULL, 0}};
	struct sip_message message;
	int length;

	snprintf(text, sizeof(text),
		 "INVITE sip:b@x SIP/2.0\r\nMax-Forwards: 9\r\n" HEAD
		 "CSeq: 1 INVITE\r\nc: %s\r\nl: %zu\r\n\r\n%s",
		 type, strlen(body), body);
	message = parse(text);
	how.body = agent_loopback_body(&message, "198.51.100.7", other, sizeof(other));
	length = agent_rewrite_request(&message, &how, to, SIZE);
	sip_message_clear(&message);
	return length;
}

static void expect_body(const char *type, const char *body, const char *expected)
{
	static char to[SIZE];
	char end[2048];
	int length = rewrite_body(type, body, to);

	snprintf(end, sizeof(end), "l: %zu\r\n\r\n%s", strlen(expected), expected);
	assert_true(length > 0);
	assert_non_null(strstr(to, end));
	assert_int_equal(strlen(strstr(to, end)), strlen(end));
}

static void expect_description(const char *body, const char *expected)
{
	expect_body("Application/SDP ;x=y", body, expected);
}

static void test_loopback_agent_11(void **state)
{
	(void)state;
	expect_description("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=c=IN IP4 127.0.0.1\r\n"
			   "c=IN IP4 127.1.2.3\nm=x\r\n\r\n",
			   "v=0\r\no=- 1 1 IN IP4 198.51.100.7\r\ns=c=IN IP4 127.0.0.1\r\n"
			   "c=IN IP4 198.51.100.7\nm=x\r\n\r\n");
	expect_description("v=0\r\nc=IN IP6 ::1\r\na=c=IN IP6 ::1\r\n",
			   "v=0\r\nc=IN IP4 198.51.100.7\r\na=c=IN IP6 ::1\r\n");
	/* RFC 3605 2.1: RTCP may have an address of its own, or a port alone. */
	expect_description("m=audio 5 RTP/AVP 0\r\na=rtcp:53020 IN IP4 127.0.0.1\r\n",
			   "m=audio 5 RTP/AVP 0\r\na=rtcp:53020 IN IP4 198.51.100.7\r\n");
	expect_description("c=IN IP4 10.0.0.1\r\na=rtcp:53020\r\na=rtcp-mux\r\n"
			   "a=candidate:1 1 UDP 1 127.0.0.1 9 typ host\r\n",
			   "c=IN IP4 10.0.0.1\r\na=rtcp:53020\r\na=rtcp-mux\r\n"
			   "a=candidate:1 1 UDP 1 127.0.0.1 9 typ host\r\n");
	/* Any other address passes, and so does every other kind of body. */
	expect_description("v=0\r\nc=IN IP4 10.0.0.1", "v=0\r\nc=IN IP4 10.0.0.1");
	expect_description("c=IN IP4 127.0.0.1 x\r\nc=IN IP4", "c=IN IP4 127.0.0.1 x\r\nc=IN IP4");
	check_text("MESSAGE sip:b@x SIP/2.0\r\n" HEAD "CSeq: 1 MESSAGE\r\n"
		   "Content-Type: text/plain\r\nContent-Length: 18\r\n\r\nc=IN IP4 127.0.0.1");
}

#define TEXT_PART "Content-Type: text/plain\r\n\r\nc=IN IP4 127.0.0.1\r\n"
#define SDP_PART(host) "content-type : application/sdp;a=b\r\nX: y\r\n\r\nc=IN IP4 " host "\r\n"

/* RFC 2046 5.1.1: in the parts that are descriptions, and nowhere else; a part may be one of many.
 */
static void test_loopback_in_parts_agent_11(void **state)
{
	static const char many[] = "c=IN IP4 127.0.0.1\r\n--b\r\n" TEXT_PART
				   "--b \r\n" SDP_PART("127.0.0.1") "--bx\r\n--b--\r\nend";
	static const char nested[] =
		"--o\r\nContent-Type: multipart/alternative;boundary=i\r\n\r\n--i\r\n" SDP_PART(
			"127.0.0.1") "--i--\r\n--o\n" SDP_PART("127.9.9.9") "--o--";
	char deep[1024] = "", *end = deep;

	(void)state;
	expect_body("multipart/mixed; boundary=\"b\"", many,
		    "c=IN IP4 127.0.0.1\r\n--b\r\n" TEXT_PART
		    "--b \r\n" SDP_PART("198.51.100.7") "--bx\r\n--b--\r\nend");
	expect_body("multipart/mixed;boundary=o", nested,
		    "--o\r\nContent-Type: multipart/alternative;boundary=i\r\n\r\n--i\r\n" SDP_PART(
			    "198.51.100.7") "--i--\r\n--o\n" SDP_PART("198.51.100.7") "--o--");
	/* Without a boundary, or cut short, it passes as it is. */
	expect_body("multipart/mixed", many, many);
	expect_body("multipart/mixed;boundary=\"\"", many, many);
	expect_body("multipart/mixed;boundary=b", "--b\r\nContent-Type: application/sdp",
		    "--b\r\nContent-Type: application/sdp");
	/* Deeper than anybody nests them. */
	for (int i = 1; i <= AGENT_PARTS_DEPTH; i++)
		end += sprintf(end, "--%d\r\nContent-Type: multipart/mixed;boundary=%d\r\n\r\n", i,
			       i + 1);
	sprintf(end, "--%d\r\n" SDP_PART("127.0.0.1"), AGENT_PARTS_DEPTH + 1);
	expect_body("multipart/mixed;boundary=1", deep, deep);
}

/* What does not fit is an error, and a line end never gets in. */
static void test_errors(void **state)
{
	static char to[SIZE], text[SIZE];
	struct agent_request_rewrite how = {.via = sip_span_of("x\r\nEvil: 1")};
	size_t length;

	(void)state;
	snprintf(text, sizeof(text), "INVITE sip:b@x SIP/2.0\r\n" HEAD "CSeq: 1 INVITE\r\n\r\n");
	assert_int_equal(rewrite(text, &how, to), SIP_EINJECTION);
	how.via = sip_span_of("v");
	{
		struct sip_message message = parse(text);
		int whole = agent_rewrite_request(&message, &how, to, sizeof(to));

		assert_true(whole > 0);
		assert_int_equal(agent_rewrite_request(&message, &how, to, (size_t)whole),
				 SIP_ESPACE);
		assert_int_equal(agent_rewrite_request(&message, &how, to, (size_t)whole + 1),
				 whole);
		sip_message_clear(&message);
	}
	/* More separate Record-Route lines than any path has. */
	length = (size_t)sprintf(text, "INVITE sip:b@x SIP/2.0\r\n" HEAD "CSeq: 1 INVITE\r\n");
	for (int i = 0; i < AGENT_CHANGES_MAX + 1; i++)
		length += (size_t)sprintf(text + length, "Record-Route: <sip:p%d>\r\nX: y\r\n", i);
	strcpy(text + length, "\r\n");
	how.record_route = sip_span_of("");
	assert_int_equal(rewrite(text, &how, to), SIP_ESPACE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rfc_4475_agent_4),
		cmocka_unit_test(test_shapes_agent_4),
		cmocka_unit_test(test_credentials_agent_9),
		cmocka_unit_test(test_rack_agent_4),
		cmocka_unit_test(test_refer_agent_4),
		cmocka_unit_test(test_redirection_agent_3),
		cmocka_unit_test(test_loopback_agent_11),
		cmocka_unit_test(test_loopback_in_parts_agent_11),
		cmocka_unit_test(test_errors),
	};

	sip_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

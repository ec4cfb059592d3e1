/* notice_test.c - what bodies of NOTIFYs say, good ones and bad ones. */
#include "phone/notice.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/phone/bench.h"

#define DIALOG_INFO(version, state, calls)                                                         \
	"<?xml version=\"1.0\"?>\n<dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" "      \
	"version=\"" version "\" state=\"" state "\" entity=\"sip:bob@sip.test\">" calls           \
	"</dialog-info>\n"
#define DIALOG(id, state) "<dialog id=\"" id "\"><state> " state "\n</state></dialog>"

/* A NOTIFY with this type and body; headers may stand behind the type. */
static bool read(struct phone_notice *notice, const char *event, const char *type, const char *body)
{
	char text[8192];
	struct sip_message message;
	bool good;

	snprintf(text, sizeof text,
		 "NOTIFY sip:alice@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP "
		 "127.0.1.1;branch=z9hG4bK1\r\n"
		 "From: <sip:bob@sip.test>;tag=f\r\nTo: <sip:alice@sip.test>;tag=t\r\n"
		 "Call-ID: c\r\nCSeq: 1 NOTIFY\r\nContent-Type: %s\r\n\r\n%s",
		 type, body);
	assert_int_equal(sip_message_parse(&message, text, strlen(text)), 0);
	good = phone_notice_read(notice, event, &message);
	sip_message_clear(&message);
	return good;
}

static bool read_dialogs(struct phone_notice *notice, const char *body)
{
	return read(notice, "dialog", "application/dialog-info+xml", body);
}

static void assert_put(const struct phone_notice *notice, const char *expected)
{
	json_t *object = json_object();
	char *text;

	phone_notice_put(notice, object);
	text = json_dumps(object, JSON_COMPACT);
	assert_string_equal(text, expected);
	free(text);
	json_decref(object);
}

/* SUBS-2 (part), RFC 3842 5.2: the example of 3.5 and its like; without counts, and without the
 * one line that must be there. */
static void messages_are_counted(void **state)
{
	static const char TYPE[] = "application/simple-message-summary; charset=utf-8";
	struct phone_notice notice = {0};

	(void)state;
	assert_true(read(&notice, "message-summary", TYPE,
			 "Messages-Waiting: yes\r\nMessage-Account: sip:alice@vmail.test\r\n"
			 "Voice-Message: 4/8 (1/2)\r\nfax-message : 0/3\r\n\r\nTo: <a@b>\r\n"));
	assert_put(&notice, "{\"messages\":{\"waiting\":true,"
			    "\"voice\":{\"new\":4,\"old\":8,\"urgent_new\":1,\"urgent_old\":2},"
			    "\"fax\":{\"new\":0,\"old\":3,\"urgent_new\":0,\"urgent_old\":0}}}");
	assert_true(read(&notice, "message-summary", TYPE, "Messages-Waiting: no"));
	assert_put(&notice, "{\"messages\":{\"waiting\":false}}");
	assert_true(read(&notice, "message-summary", TYPE,
			 "Messages-Waiting: yes\nVoice-Message: 4294967296/1\nFax-Message: 1\n"
			 "Text-Message: 1/2 (3\nPager-Message: -1/0\n"));
	assert_put(&notice, "{\"messages\":{\"waiting\":true}}");
	assert_false(read(&notice, "message-summary", TYPE, "Voice-Message: 1/1\r\n"));
	assert_false(read(&notice, "message-summary", TYPE, "Messages-Waiting: perhaps\r\n"));
	assert_false(read(&notice, "message-summary", "text/plain", "Messages-Waiting: no\r\n"));
	assert_put(&notice, "{\"messages\":{\"waiting\":true}}");
}

/* RFC 4235 4.3: a part changes the call that it names, an old part nothing, a full one all. */
static void watched_calls_are_followed(void **state)
{
	struct phone_notice notice = {0};

	(void)state;
	assert_true(read_dialogs(&notice, DIALOG_INFO("0", "full", "")));
	assert_put(&notice, "{\"watched\":\"idle\"}");
	assert_true(read_dialogs(&notice, DIALOG_INFO("1", "partial", DIALOG("a", "early"))));
	assert_put(&notice, "{\"watched\":\"early\"}");
	assert_true(read_dialogs(&notice, DIALOG_INFO("2", "partial", DIALOG("b", "confirmed"))));
	assert_put(&notice, "{\"watched\":\"confirmed\"}");
	assert_false(read_dialogs(&notice, DIALOG_INFO("2", "partial", DIALOG("b", "terminated"))));
	assert_true(read_dialogs(&notice, DIALOG_INFO("3", "partial", DIALOG("b", "terminated"))));
	assert_put(&notice, "{\"watched\":\"early\"}");
	assert_true(read_dialogs(&notice, DIALOG_INFO("4", "full", DIALOG("c", "trying"))));
	assert_put(&notice, "{\"watched\":\"trying\"}");
}

/* A table of bounded size: calls that have ended give way, others beyond it are left out. */
static void watched_calls_are_bounded(void **state)
{
	struct phone_notice notice = {0};
	char body[4096] = "<dialog-info version='1' state='full'>";

	(void)state;
	for (int i = 0; i < 40; i++)
		snprintf(body + strlen(body), sizeof body - strlen(body),
			 "<dialog id='%d'><state>%s</state></dialog>", i,
			 i < 20 ? "terminated" : "early");
	strcat(body, "</dialog-info>");
	assert_true(read_dialogs(&notice, body));
	assert_int_equal(notice.calls.count, PHONE_NOTICE_DIALOGS_MAX);
	assert_put(&notice, "{\"watched\":\"early\"}");
}

/* What is no good XML changes nothing: it ends, it is cut, it is nested or it defines entities. */
static void bad_xml_changes_nothing(void **state)
{
	struct phone_notice notice = {0};
	char deep[4096] = "<dialog-info version='9'>";

	(void)state;
	for (int i = 0; i < 100; i++)
		strcat(deep, "<a>");
	assert_true(read_dialogs(&notice, DIALOG_INFO("1", "full", DIALOG("a", "early"))));
	assert_false(read_dialogs(&notice, deep));
	assert_false(read_dialogs(&notice, "<dialog-info version='5' state='full'>"));
	assert_false(read_dialogs(&notice, "<other version='5' state='full'/>"));
	assert_false(read_dialogs(&notice, "<dialog-info state='full'/>"));
	assert_false(read_dialogs(&notice, "<dialog-info version='-1'/>"));
	assert_false(read_dialogs(&notice, "<!DOCTYPE d [<!ENTITY e 'x'>]>"
					   "<dialog-info version='5' state='full'/>"));
	assert_false(read_dialogs(&notice, "\xff\xfe"));
	assert_put(&notice, "{\"watched\":\"early\"}");
}

static void presence_is_open_or_closed(void **state)
{
	static const char TYPE[] = "application/pidf+xml";
	struct phone_notice notice = {0};

	(void)state;
	assert_true(read(&notice, "presence", TYPE,
			 "<presence xmlns='urn:ietf:params:xml:ns:pidf' entity='pres:bob@sip.test'>"
			 "<tuple id='1'><status><basic>closed</basic></status></tuple>"
			 "<tuple id='2'><status><basic>open</basic></status>"
			 "<note>At lunch</note></tuple></presence>"));
	assert_put(&notice, "{\"presence\":\"open\",\"note\":\"At lunch\"}");
	assert_true(read(&notice, "presence", TYPE, "<presence/>"));
	assert_put(&notice, "{\"presence\":\"closed\"}");
	assert_false(read(&notice, "presence", TYPE, "<presence>"));
}

/* Shared lines: Call-Info over several headers and elements; what has no state says nothing. */
static void appearances_are_listed(void **state)
{
	struct phone_notice notice = {0};

	(void)state;
	assert_true(read(
		&notice, "call-info",
		"text/x\r\nCall-Info: <sip:sip.test>;appearance-index=1;appearance-state=idle, "
		"<sip:sip.test>;appearance-index=2;appearance-state=\"seized\"\r\n"
		"Call-Info: <sip:sip.test>;appearance-index=*;appearance-state=idle,<sip:x>",
		""));
	assert_put(&notice,
		   "{\"appearances\":[{\"index\":1,\"state\":\"idle\"},"
		   "{\"index\":2,\"state\":\"seized\"},{\"index\":0,\"state\":\"idle\"}]}");
	assert_false(read(&notice, "call-info", "text/x", ""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_are_counted),
		cmocka_unit_test(watched_calls_are_followed),
		cmocka_unit_test(watched_calls_are_bounded),
		cmocka_unit_test(bad_xml_changes_nothing),
		cmocka_unit_test(presence_is_open_or_closed),
		cmocka_unit_test(appearances_are_listed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* notice_xml.c - dialog-info (RFC 4235) and PIDF (RFC 3863), as expat reads them.
 *
 * Everything is hostile: no document type, no deep nesting; the size is that of a SIP message.
 */
#include <expat.h>
#include <string.h>

#include "phone/notice.h"

enum { DEPTH_MAX = 16, TEXT_MAX = 256 };

struct reader {
	XML_Parser parser;
	struct phone_notice *notice;
	void (*on_element)(struct reader *reader, const char *name, const char **attributes);
	void (*on_text)(struct reader *reader, const char *name, const char *text);
	unsigned depth;
	bool known; /* the root is what was expected */
	char text[TEXT_MAX];
	size_t length;
	struct phone_watched_call *call; /* whose element is open; NULL: none */
};

/* Without the namespace that expat puts before it. */
static const char *local_name(const char *name)
{
	const char *bar = strrchr(name, '|');

	return bar ? bar + 1 : name;
}

static const char *find_attribute(const char **attributes, const char *name)
{
	for (; *attributes; attributes += 2)
		if (!strcmp(local_name(attributes[0]), name))
			return attributes[1];
	return NULL;
}

static void XMLCALL start_element(void *user, const XML_Char *name, const XML_Char **attributes)
{
	struct reader *reader = user;

	reader->length = 0;
	if (++reader->depth > DEPTH_MAX)
		XML_StopParser(reader->parser, XML_FALSE);
	else
		reader->on_element(reader, local_name(name), attributes);
}

static void XMLCALL end_element(void *user, const XML_Char *name)
{
	struct reader *reader = user;

	reader->depth--;
	reader->text[reader->length] = '\0';
	reader->on_text(reader, local_name(name), reader->text + strspn(reader->text, " \t\r\n"));
	reader->length = 0;
}

static void XMLCALL take_text(void *user, const XML_Char *text, int length)
{
	struct reader *reader = user;
	size_t room = sizeof reader->text - 1 - reader->length;
	size_t taken = (size_t)length < room ? (size_t)length : room;

	for (size_t i = 0; i < taken; i++)
		reader->text[reader->length++] = (unsigned char)text[i] < ' ' ? ' ' : text[i];
}

static void XMLCALL refuse_doctype(void *user, const XML_Char *name, const XML_Char *system_id,
				   const XML_Char *public_id, int has_internal_subset)
{
	struct reader *reader = user;

	(void)name, (void)system_id, (void)public_id, (void)has_internal_subset;
	XML_StopParser(reader->parser, XML_FALSE);
}

static bool read_all(struct reader *reader, struct sip_span body)
{
	bool good;

	reader->parser = XML_ParserCreateNS(NULL, '|');
	if (!reader->parser)
		return false;
	XML_SetUserData(reader->parser, reader);
	XML_SetElementHandler(reader->parser, start_element, end_element);
	XML_SetCharacterDataHandler(reader->parser, take_text);
	XML_SetStartDoctypeDeclHandler(reader->parser, refuse_doctype);
	good = XML_Parse(reader->parser, body.at, (int)body.length, XML_TRUE) == XML_STATUS_OK;
	XML_ParserFree(reader->parser);
	return good && reader->known;
}

/* ---- dialog-info ----------------------------------------------------------------------------- */

/* The call of that id, or room for it: one that has ended gives way.  NULL: there is none. */
static struct phone_watched_call *find_call(struct phone_notice *notice, const char *id)
{
	struct phone_watched_call *all = notice->calls.all, *call = NULL;

	for (uint32_t i = 0; i < notice->calls.count; i++)
		if (!strncmp(all[i].id, id, sizeof all[i].id - 1))
			return &all[i];
	if (notice->calls.count < PHONE_NOTICE_DIALOGS_MAX)
		call = &all[notice->calls.count++];
	for (uint32_t i = 0; i < notice->calls.count && !call; i++)
		if (all[i].state == PHONE_WATCHED_TERMINATED)
			call = &all[i];
	if (!call)
		return NULL;
	*call = (struct phone_watched_call){.state = PHONE_WATCHED_TERMINATED};
	memcpy(call->id, id, strnlen(id, sizeof call->id - 1));
	return call;
}

/* RFC 4235 4.1: a full one replaces all, a part changes what it names; an older part is late. */
static void begin_dialogs(struct reader *reader, const char **attributes)
{
	const char *version = find_attribute(attributes, "version");
	const char *state = find_attribute(attributes, "state");
	struct phone_notice *notice = reader->notice;
	uint32_t number = 0;

	if (!version || sip_span_number(sip_span_of(version), UINT32_MAX, &number))
		return;
	if (!state || strcmp(state, "partial") != 0 || notice->kind != PHONE_NOTICE_CALLS)
		*notice = (struct phone_notice){.kind = PHONE_NOTICE_CALLS};
	else if (number <= notice->calls.version)
		return;
	notice->calls.version = number;
	reader->known = true;
}

static void take_dialog_element(struct reader *reader, const char *name, const char **attributes)
{
	const char *id = find_attribute(attributes, "id");

	if (reader->depth == 1 && !strcmp(name, "dialog-info"))
		begin_dialogs(reader, attributes);
	else if (reader->known && reader->depth == 2 && !strcmp(name, "dialog"))
		reader->call = id ? find_call(reader->notice, id) : NULL;
}

static void take_dialog_text(struct reader *reader, const char *name, const char *text)
{
	if (reader->depth == 1)
		reader->call = NULL;
	if (!reader->call || reader->depth != 2 || strcmp(name, "state") != 0)
		return;
	for (int i = 0; i < PHONE_WATCHED_MAX; i++)
		if (!strncmp(text, phone_watched_names[i], strlen(phone_watched_names[i])))
			reader->call->state = (enum phone_watched_state)i;
}

bool phone_notice_read_dialogs(struct phone_notice *notice, struct sip_span body)
{
	struct phone_notice read = *notice;
	struct reader reader = {
		.notice = &read, .on_element = take_dialog_element, .on_text = take_dialog_text};

	if (!read_all(&reader, body))
		return false;
	*notice = read;
	return true;
}

/* ---- PIDF ------------------------------------------------------------------------------------ */

static void take_presence_element(struct reader *reader, const char *name, const char **attributes)
{
	(void)attributes;
	if (reader->depth == 1)
		reader->known = !strcmp(name, "presence");
}

/* RFC 3863 4.1: whoever has one open tuple can be reached. */
static void take_presence_text(struct reader *reader, const char *name, const char *text)
{
	struct phone_notice *notice = reader->notice;

	if (!strcmp(name, "basic") && !strncmp(text, "open", 4))
		notice->presence.is_open = true;
	else if (!strcmp(name, "note") && !*notice->presence.note)
		memcpy(notice->presence.note, text,
		       strnlen(text, sizeof notice->presence.note - 1));
}

bool phone_notice_read_presence(struct phone_notice *notice, struct sip_span body)
{
	struct phone_notice read = {.kind = PHONE_NOTICE_PRESENCE};
	struct reader reader = {.notice = &read,
				.on_element = take_presence_element,
				.on_text = take_presence_text};

	if (!read_all(&reader, body))
		return false;
	*notice = read;
	return true;
}

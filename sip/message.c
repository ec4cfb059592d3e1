#include "sip/message.h"

#include <stdlib.h>
#include <string.h>

/* What a message and those that share it have in common: its index, and its bytes behind that. */
struct sip_block {
	size_t holders;
	struct sip_header headers[];
};

/* The head while it is being indexed: TEXT and RAW have the same length and differ only where a
 * folded line's CRLF is blanked in TEXT.  Without such a line they are one. */
struct head {
	const char *text;
	const char *raw;
	size_t length; /* up to the blank line, the last header's CRLF included */
};

/* ---- lines --------------------------------------------------------------------------------- */

/* Only a quoted pair may hold a control character; CR and LF stand together (RFC 3261 25.1). */
static bool head_is_clean(const char *at, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)at[i];
		if (c == '\r' && (i + 1 == length || at[i + 1] != '\n'))
			return false;
		if (c == '\n' && (i == 0 || at[i - 1] != '\r'))
			return false;
		if (c == '\r' || c == '\n' || c == '\t' || (c >= ' ' && c != 0x7f))
			continue;
		if (i == 0 || at[i - 1] != '\\')
			return false;
	}
	return true;
}

static bool is_fold(const char *crlf, const char *end)
{
	return crlf + 2 < end && (crlf[2] == ' ' || crlf[2] == '\t');
}

/* Of a clean head: there CR stands before LF alone. */
static const char *find_crlf(const char *at, const char *end)
{
	return at < end ? memchr(at, '\r', (size_t)(end - at)) : NULL;
}

/* The number of lines, folded ones counted once; *FOLDS: there are such. */
static size_t count_lines(const char *at, const char *end, bool *folds)
{
	size_t count = 0;

	*folds = false;
	for (const char *crlf = find_crlf(at, end); crlf; crlf = find_crlf(crlf + 2, end)) {
		*folds |= is_fold(crlf, end);
		count += !is_fold(crlf, end);
	}
	return count;
}

/* RFC 3261 7.3.1: a line end and the blanks after it count as one blank. */
static void unfold(char *at, size_t length)
{
	char *end = at + length;

	for (char *crlf = at; (crlf = memmem(crlf, (size_t)(end - crlf), "\r\n", 2)); crlf += 2)
		if (is_fold(crlf, end))
			memset(crlf, ' ', 2);
}

/* Takes the next unfolded line, without its CRLF, off the head. */
static struct sip_span next_line(const struct head *head, size_t *offset)
{
	const char *at = head->text + *offset;
	const char *crlf = find_crlf(at, head->text + head->length);
	struct sip_span line = {at, (size_t)(crlf - at)};

	*offset += line.length + 2;
	return line;
}

static int index_line(struct sip_header *header, const struct head *head, struct sip_span line)
{
	struct sip_span name, value;
	const char *colon = memchr(line.at, ':', line.length);

	if (!colon)
		return SIP_ELINE;
	name = (struct sip_span){line.at, (size_t)(colon - line.at)};
	while (name.length > 0 &&
	       (name.at[name.length - 1] == ' ' || name.at[name.length - 1] == '\t'))
		name.length--;
	if (!sip_span_is_token(name))
		return SIP_ELINE;
	value = (struct sip_span){colon + 1, line.length - (size_t)(colon + 1 - line.at)};
	header->id = sip_header_id_of(name);
	header->name = name;
	header->value = sip_span_trim(value);
	header->line = (struct sip_span){head->raw + (line.at - head->text), line.length + 2};
	return 0;
}

/* ---- the first line ------------------------------------------------------------------------ */

static int check_version(struct sip_span version)
{
	if (sip_span_is(version, "SIP/2.0"))
		return 0;
	if (version.length > 4 && sip_span_is((struct sip_span){version.at, 4}, "SIP/") &&
	    !memchr(version.at, ' ', version.length))
		return SIP_EVERSION;
	return SIP_ESTART;
}

/* One blank between the parts, and none elsewhere; no headers in the URI (RFC 3261 7.1, 19.1.1). */
static int parse_request_line(struct sip_message *message, struct sip_span line)
{
	struct sip_span rest, version;
	struct sip_uri uri;
	int error;

	message->is_request = true;
	message->method_name = sip_span_cut(line, ' ', &rest);
	message->request_uri = sip_span_cut(rest, ' ', &version);
	if (!sip_span_is_token(message->method_name) || !version.at)
		return SIP_ESTART;
	message->method = sip_method_of(message->method_name);
	error = check_version(version);
	if (error != 0)
		return error;
	if (sip_uri_parse(&uri, message->request_uri) != 0 || uri.headers.at)
		return SIP_ESTART;
	return 0;
}

/* The reason may be empty, and hold anything (RFC 3261 7.2). */
static int parse_status_line(struct sip_message *message, struct sip_span line)
{
	const char *blank = memchr(line.at, ' ', line.length);
	struct sip_span version = {line.at, blank ? (size_t)(blank - line.at) : line.length};
	struct sip_span code = {version.at + version.length + 1, 3};
	uint32_t status = 0;
	int error = check_version(version);

	if (error != 0)
		return error;
	if (line.length < version.length + 4 ||
	    (line.length > version.length + 4 && code.at[3] != ' '))
		return SIP_ESTART;
	error = sip_span_number(code, 699, &status);
	if (error != 0 || status < 100)
		return error != 0 ? error : SIP_ERANGE;
	message->status = (uint16_t)status;
	message->reason = (struct sip_span){code.at + 3, line.length - version.length - 4};
	message->reason = sip_span_trim(message->reason);
	return 0;
}

static int parse_start_line(struct sip_message *message, struct sip_span line)
{
	if (line.length >= 4 && sip_span_is((struct sip_span){line.at, 4}, "SIP/"))
		return parse_status_line(message, line);
	return parse_request_line(message, line);
}

/* ---- checks -------------------------------------------------------------------------------- */

static int check_repeats(const struct sip_message *message)
{
	static const enum sip_header_id once[] = {
		SIP_FROM,    SIP_TO,          SIP_CALL_ID,     SIP_CSEQ,           SIP_MAX_FORWARDS,
		SIP_EXPIRES, SIP_MIN_EXPIRES, SIP_RETRY_AFTER, SIP_CONTENT_LENGTH, SIP_CONTENT_TYPE,
	};

	for (size_t i = 0; i < sizeof(once) / sizeof(*once); i++)
		if (sip_message_header(message, once[i], 1))
			return SIP_EREPEATED;
	return 0;
}

static int check_address(const struct sip_message *message, enum sip_header_id id,
			 struct sip_address *address)
{
	const struct sip_header *header = sip_message_header(message, id, 0);
	int error;

	if (!header)
		return SIP_EABSENT;
	error = sip_address_parse(address, header->value);
	return error == 0 && address->is_star ? SIP_EVALUE : error;
}

static int check_call_id(struct sip_message *message)
{
	const struct sip_header *header = sip_message_header(message, SIP_CALL_ID, 0);

	if (!header)
		return SIP_EABSENT;
	message->call_id = header->value;
	for (size_t i = 0; i < header->value.length; i++)
		if (header->value.at[i] == ' ' || header->value.at[i] == '\t')
			return SIP_EVALUE;
	return header->value.length == 0 ? SIP_EVALUE : 0;
}

static int check_cseq(struct sip_message *message)
{
	const struct sip_header *header = sip_message_header(message, SIP_CSEQ, 0);
	int error = header ? sip_cseq_parse(&message->cseq, header->value) : SIP_EABSENT;

	if (error != 0)
		return error;
	if (!message->is_request) {
		message->method = message->cseq.method;
		message->method_name = message->cseq.method_name;
	}
	return sip_span_equal(message->method_name, message->cseq.method_name) ? 0 : SIP_EMETHOD;
}

static int check_numbers(struct sip_message *message)
{
	static const enum sip_header_id seconds[] = {SIP_EXPIRES, SIP_MIN_EXPIRES, SIP_RETRY_AFTER,
						     SIP_FLOW_TIMER};
	const struct sip_header *hops = sip_message_header(message, SIP_MAX_FORWARDS, 0);
	uint32_t number = SIP_MAX_FORWARDS_DEFAULT;
	int error = hops ? sip_span_number(hops->value, UINT8_MAX, &number) : 0;

	message->max_forwards = (uint8_t)number;
	for (size_t i = 0; error == 0 && i < sizeof(seconds) / sizeof(*seconds); i++) {
		error = sip_message_seconds(message, seconds[i], &number);
		if (error == SIP_EABSENT)
			error = 0;
	}
	return error;
}

/* RFC 3261 18.3: over UDP a body that is too short is an error, and a surplus is cut off. */
static int check_body(struct sip_message *message)
{
	const struct sip_header *header = sip_message_header(message, SIP_CONTENT_LENGTH, 0);
	uint32_t length = 0;
	int error;

	if (!header)
		return 0;
	error = sip_span_number(header->value, UINT32_MAX, &length);
	if (error != 0)
		return error;
	if (length > message->body.length)
		return SIP_EBODY;
	message->body.length = length;
	return 0;
}

static int check(struct sip_message *message)
{
	int error = check_repeats(message);

	if (error == 0)
		error = sip_message_via(message, 0, &message->via);
	if (error == 0)
		error = check_address(message, SIP_FROM, &message->from);
	if (error == 0)
		error = check_address(message, SIP_TO, &message->to);
	if (error == 0)
		error = check_call_id(message);
	if (error == 0)
		error = check_cseq(message);
	if (error == 0)
		error = check_numbers(message);
	return error == 0 ? check_body(message) : error;
}

/* ---- parse --------------------------------------------------------------------------------- */

/* One block: the index, the bytes as received, and where lines are folded the head unfolded. */
static int take_bytes(struct sip_message *message, struct head *head, struct sip_span received)
{
	bool folds;
	size_t lines = count_lines(received.at, received.at + head->length, &folds);
	size_t index_size = sizeof(struct sip_block) + lines * sizeof(*message->headers);
	char *raw;

	if (lines > SIP_LINES_MAX + 1)
		return SIP_ESIZE;
	message->block = malloc(index_size + received.length + (folds ? head->length : 0));
	if (!message->block)
		return SIP_EMEMORY;
	message->block->holders = 1;
	message->headers = message->block->headers;
	raw = (char *)message->block + index_size;
	memcpy(raw, received.at, received.length);
	message->received = (struct sip_span){raw, received.length};
	head->raw = head->text = raw;
	if (folds) {
		head->text = memcpy(raw + received.length, raw, head->length);
		unfold(raw + received.length, head->length);
	}
	return 0;
}

static int index_head(struct sip_message *message, const struct head *head)
{
	size_t offset = 0;
	int error = parse_start_line(message, next_line(head, &offset));

	while (error == 0 && offset < head->length)
		error = index_line(&message->headers[message->header_count++], head,
				   next_line(head, &offset));
	return error;
}

/* RFC 3261 7.5: line ends before the first line are passed over. */
static struct sip_span skip_line_ends(struct sip_span bytes)
{
	while (bytes.length > 0 && (bytes.at[0] == '\r' || bytes.at[0] == '\n')) {
		bytes.at++;
		bytes.length--;
	}
	return bytes;
}

int sip_message_parse(struct sip_message *message, const void *bytes, size_t length)
{
	struct sip_span received = skip_line_ends((struct sip_span){bytes, length});
	struct head head = {0};
	const char *blank;
	int error;

	*message = (struct sip_message){0};
	if (length > SIP_MESSAGE_MAX)
		return SIP_ESIZE;
	if (received.length == 0)
		return SIP_EEMPTY;
	blank = memmem(received.at, received.length, "\r\n\r\n", 4);
	if (!blank)
		return SIP_ELINE;
	head.length = (size_t)(blank - received.at) + 2;
	if (!head_is_clean(received.at, head.length))
		return SIP_ELINE;
	error = take_bytes(message, &head, received);
	if (error != 0)
		return error;
	message->body = (struct sip_span){message->received.at + head.length + 2,
					  received.length - head.length - 2};
	error = index_head(message, &head);
	if (error == 0)
		error = check(message);
	if (error != 0)
		sip_message_clear(message);
	return error;
}

void sip_message_share(struct sip_message *to, const struct sip_message *message)
{
	*to = *message;
	to->block->holders++;
}

void sip_message_clear(struct sip_message *message)
{
	if (message->block && --message->block->holders == 0)
		free(message->block);
	*message = (struct sip_message){0};
}

/* An unfolded head stands behind the received bytes in the block: take_bytes(). */
size_t sip_message_offset(const struct sip_message *message, struct sip_span piece)
{
	size_t offset = (size_t)(piece.at - message->received.at);

	return offset < message->received.length ? offset : offset - message->received.length;
}

/* ---- access -------------------------------------------------------------------------------- */

const struct sip_header *sip_message_header(const struct sip_message *message,
					    enum sip_header_id id, size_t nth)
{
	for (size_t i = 0; i < message->header_count; i++)
		if (message->headers[i].id == id && nth-- == 0)
			return &message->headers[i];
	return NULL;
}

const struct sip_header *sip_message_header_named(const struct sip_message *message,
						  const char *name, size_t nth)
{
	enum sip_header_id id = sip_header_id_of(sip_span_of(name));

	if (id != SIP_HEADER_OTHER)
		return sip_message_header(message, id, nth);
	for (size_t i = 0; i < message->header_count; i++)
		if (sip_span_is(message->headers[i].name, name) && nth-- == 0)
			return &message->headers[i];
	return NULL;
}

bool sip_message_next(const struct sip_message *message, enum sip_header_id id,
		      struct sip_cursor *cursor, struct sip_span *element)
{
	while (!sip_list_next(&cursor->rest, element)) {
		while (cursor->line < message->header_count &&
		       message->headers[cursor->line].id != id)
			cursor->line++;
		if (cursor->line == message->header_count)
			return false;
		cursor->rest = message->headers[cursor->line++].value;
	}
	return true;
}

bool sip_message_element(const struct sip_message *message, enum sip_header_id id, size_t nth,
			 struct sip_span *element)
{
	struct sip_cursor cursor = {0};

	do {
		if (!sip_message_next(message, id, &cursor, element))
			return false;
	} while (nth-- > 0);
	return true;
}

bool sip_message_lists(const struct sip_message *message, enum sip_header_id id, const char *token)
{
	struct sip_cursor cursor = {0};
	struct sip_span element;

	while (sip_message_next(message, id, &cursor, &element))
		if (sip_span_is(element, token))
			return true;
	return false;
}

int sip_message_via(const struct sip_message *message, size_t nth, struct sip_via *via)
{
	struct sip_span element;

	if (!sip_message_element(message, SIP_VIA, nth, &element))
		return SIP_EABSENT;
	return sip_via_parse(via, element);
}

int sip_message_address(const struct sip_message *message, enum sip_header_id id, size_t nth,
			struct sip_address *address)
{
	struct sip_span element;

	if (!sip_message_element(message, id, nth, &element))
		return SIP_EABSENT;
	return sip_address_parse(address, element);
}

int sip_message_seconds(const struct sip_message *message, enum sip_header_id id, uint32_t *seconds)
{
	const struct sip_header *header = sip_message_header(message, id, 0);

	return header ? sip_seconds_parse(seconds, header->value) : SIP_EABSENT;
}

int sip_message_granted(const struct sip_message *message, const struct sip_uri *contact,
			uint32_t *seconds)
{
	struct sip_cursor cursor = {0};
	struct sip_address address;
	struct sip_span element, expires;
	struct sip_uri uri;

	while (sip_message_next(message, SIP_CONTACT, &cursor, &element)) {
		if (sip_address_parse(&address, element) != 0 ||
		    sip_uri_parse(&uri, address.uri) != 0 || !sip_uri_equal(&uri, contact))
			continue;
		if (sip_param_find(address.params, "expires", &expires))
			return sip_seconds_parse(seconds, expires);
		return sip_message_seconds(message, SIP_EXPIRES, seconds);
	}
	return SIP_EABSENT;
}

struct sip_span sip_quoted_branch(struct sip_span quoted)
{
	static const char mark[] = ";branch=";
	const struct sip_span absent = {NULL, 0};
	const char *at, *end, *last;

	if (!quoted.length)
		return absent;
	end = quoted.at + quoted.length;
	at = memmem(quoted.at, quoted.length, mark, sizeof mark - 1);
	if (!at)
		return absent;
	at += sizeof mark - 1;
	for (last = at; last < end && !strchr(";, \t\r\n", *last); last++)
		;
	return last < end ? (struct sip_span){at, (size_t)(last - at)} : absent;
}

/* notice.c - what a NOTIFY's body says, as text and as JSON. */
#include "phone/notice.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* ---- message-summary (RFC 3842) -------------------------------------------------------------- */

/* The next line of REST without its end.  False: none is left. */
static bool next_line(struct sip_span *rest, struct sip_span *line)
{
	const char *end;

	if (!rest->length)
		return false;
	end = memchr(rest->at, '\n', rest->length);
	*line = (struct sip_span){rest->at, end ? (size_t)(end - rest->at) : rest->length};
	rest->length -= line->length + (end != NULL);
	rest->at += line->length + (end != NULL);
	*line = sip_span_trim(*line);
	return true;
}

static bool read_pair(struct sip_span text, uint32_t *fresh, uint32_t *old)
{
	struct sip_span rest, first = sip_span_cut(text, '/', &rest);

	return rest.at && !sip_span_number(sip_span_trim(first), UINT32_MAX, fresh) &&
	       !sip_span_number(sip_span_trim(rest), UINT32_MAX, old);
}

/* "2/8 (0/2)": new and old, then those of them that are urgent. */
static bool read_counts(struct sip_span value, struct phone_message_count *count)
{
	struct phone_message_count read = {.told = true};
	const char *open = memchr(value.at, '(', value.length);
	struct sip_span all = value, urgent;

	if (open) {
		all.length = (size_t)(open - value.at);
		urgent = (struct sip_span){open + 1, value.length - all.length - 1};
		if (!urgent.length || urgent.at[urgent.length - 1] != ')')
			return false;
		urgent.length--;
		if (!read_pair(urgent, &read.urgent_fresh, &read.urgent_old))
			return false;
	}
	if (!read_pair(sip_span_trim(all), &read.fresh, &read.old))
		return false;
	*count = read;
	return true;
}

#define CLASS_NAME(name, text) text,
static const char *const class_names[] = {PHONE_MESSAGE_CLASSES(CLASS_NAME)};
#undef CLASS_NAME

static const char *const class_headers[PHONE_CLASSES_MAX] = {
	[PHONE_CLASS_VOICE] = "Voice-Message",           [PHONE_CLASS_FAX] = "Fax-Message",
	[PHONE_CLASS_PAGER] = "Pager-Message",           [PHONE_CLASS_TEXT] = "Text-Message",
	[PHONE_CLASS_MULTIMEDIA] = "Multimedia-Message",
};

static bool read_messages(struct phone_notice *notice, struct sip_span body)
{
	struct phone_notice read = {.kind = PHONE_NOTICE_MESSAGES};
	struct sip_span line, value;
	bool told = false;

	while (next_line(&body, &line)) {
		const struct sip_span name = sip_span_trim(sip_span_cut(line, ':', &value));

		value = sip_span_trim(value);
		if (sip_span_is(name, "Messages-Waiting")) {
			read.messages.waiting = sip_span_is(value, "yes");
			told = read.messages.waiting || sip_span_is(value, "no");
		}
		for (int i = 0; i < PHONE_CLASSES_MAX && value.length; i++)
			if (sip_span_is(name, class_headers[i]))
				read_counts(value, &read.messages.counts[i]);
	}
	if (told)
		*notice = read;
	return told;
}

/* ---- call-info ------------------------------------------------------------------------------- */

/* Call-Info: <sip:sip.example.com>;appearance-index=1;appearance-state=idle, <...>;... */
static bool read_seats(struct phone_notice *notice, const struct sip_message *notify)
{
	struct phone_notice read = {.kind = PHONE_NOTICE_SEATS};
	const struct sip_header *header;

	for (size_t i = 0; (header = sip_message_header_named(notify, "Call-Info", i)); i++) {
		struct sip_span rest = header->value, element;

		while (read.seats.count < PHONE_NOTICE_SEATS_MAX &&
		       sip_list_next(&rest, &element)) {
			struct phone_seat *seat = &read.seats.all[read.seats.count];
			struct sip_span params, index, state;

			sip_span_cut(element, ';', &params);
			if (!params.at || !sip_param_find(params, "appearance-state", &state) ||
			    !state.at || !sip_span_is_token(sip_span_unquote(state)) ||
			    sip_span_copy(sip_span_unquote(state), seat->state, sizeof seat->state))
				continue;
			/* "*" stands for all those that are not named. */
			seat->index = 0;
			if (sip_param_find(params, "appearance-index", &index) && index.at)
				sip_span_number(index, UINT32_MAX, &seat->index);
			read.seats.count++;
		}
	}
	if (read.seats.count)
		*notice = read;
	return read.seats.count > 0;
}

/* ---- all of them ----------------------------------------------------------------------------- */

bool phone_notice_read(struct phone_notice *notice, const char *event,
		       const struct sip_message *notify)
{
	const struct sip_header *type = sip_message_header(notify, SIP_CONTENT_TYPE, 0);
	struct sip_span params, kind = {NULL, 0};

	if (!strcmp(event, "call-info"))
		return read_seats(notice, notify);
	if (type && notify->body.length)
		kind = sip_span_trim(sip_span_cut(type->value, ';', &params));
	if (sip_span_is(kind, "application/simple-message-summary"))
		return read_messages(notice, notify->body);
	if (sip_span_is(kind, "application/dialog-info+xml"))
		return phone_notice_read_dialogs(notice, notify->body);
	if (sip_span_is(kind, "application/pidf+xml"))
		return phone_notice_read_presence(notice, notify->body);
	return false;
}

static json_t *messages_json(const struct phone_notice *notice)
{
	json_t *messages = json_pack("{s:b}", "waiting", notice->messages.waiting);

	for (int i = 0; i < PHONE_CLASSES_MAX; i++) {
		const struct phone_message_count *count = &notice->messages.counts[i];

		if (count->told)
			json_object_set_new(messages, class_names[i],
					    json_pack("{s:I, s:I, s:I, s:I}", "new",
						      (json_int_t)count->fresh, "old",
						      (json_int_t)count->old, "urgent_new",
						      (json_int_t)count->urgent_fresh, "urgent_old",
						      (json_int_t)count->urgent_old));
	}
	return messages;
}

#define STATE_NAME(name, text) text,
const char *const phone_watched_names[PHONE_WATCHED_MAX] = {PHONE_WATCHED_STATES(STATE_NAME)};
#undef STATE_NAME

/* RFC 4235: who is watched is as busy as the busiest of his calls. */
static json_t *calls_json(const struct phone_notice *notice)
{
	enum phone_watched_state most = PHONE_WATCHED_TERMINATED;

	for (uint32_t i = 0; i < notice->calls.count; i++)
		if (notice->calls.all[i].state > most)
			most = notice->calls.all[i].state;
	return json_string(most == PHONE_WATCHED_TERMINATED ? "idle" : phone_watched_names[most]);
}

static json_t *seats_json(const struct phone_notice *notice)
{
	json_t *seats = json_array();

	for (uint32_t i = 0; i < notice->seats.count; i++)
		json_array_append_new(seats, json_pack("{s:I, s:s}", "index",
						       (json_int_t)notice->seats.all[i].index,
						       "state", notice->seats.all[i].state));
	return seats;
}

void phone_notice_put(const struct phone_notice *notice, json_t *object)
{
	switch (notice->kind) {
	case PHONE_NOTICE_NONE:
		break;
	case PHONE_NOTICE_MESSAGES:
		json_object_set_new(object, "messages", messages_json(notice));
		break;
	case PHONE_NOTICE_CALLS:
		json_object_set_new(object, "watched", calls_json(notice));
		break;
	case PHONE_NOTICE_PRESENCE:
		json_object_set_new(object, "presence",
				    json_string(notice->presence.is_open ? "open" : "closed"));
		if (*notice->presence.note)
			json_object_set_new(object, "note", json_string(notice->presence.note));
		break;
	case PHONE_NOTICE_SEATS:
		json_object_set_new(object, "appearances", seats_json(notice));
		break;
	}
}

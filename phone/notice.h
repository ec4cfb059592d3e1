/* notice.h - what a NOTIFY's body says, of the events whose bodies are understood.
 *
 * Everything is bounded: what goes beyond is left out, and the rest counts.
 */
#ifndef PHONE_NOTICE_H
#define PHONE_NOTICE_H

#include <jansson.h>

#include "sip/message.h"

enum {
	PHONE_NOTICE_TEXT_MAX = 32,   /* bytes of a word, its NUL included */
	PHONE_NOTICE_DIALOGS_MAX = 8, /* calls of the one who is watched */
	PHONE_NOTICE_SEATS_MAX = 16,  /* appearances of a shared line */
	PHONE_NOTICE_ID_MAX = 96,     /* bytes of a call's id, its NUL included */
};

/* RFC 3842 5.2: the classes of messages. */
#define PHONE_MESSAGE_CLASSES(X)                                                                   \
	X(VOICE, "voice")                                                                          \
	X(FAX, "fax")                                                                              \
	X(PAGER, "pager")                                                                          \
	X(MULTIMEDIA, "multimedia")                                                                \
	X(TEXT, "text")

#define PHONE_CLASS(name, text) PHONE_CLASS_##name,
enum phone_message_class { PHONE_MESSAGE_CLASSES(PHONE_CLASS) PHONE_CLASSES_MAX };
#undef PHONE_CLASS

struct phone_message_count {
	bool told;
	uint32_t fresh, old, urgent_fresh, urgent_old;
};

/* RFC 4235 3.7.1, in the order in which they tell of the one who is watched: the last says most. */
#define PHONE_WATCHED_STATES(X)                                                                    \
	X(TERMINATED, "terminated")                                                                \
	X(TRYING, "trying")                                                                        \
	X(PROCEEDING, "proceeding")                                                                \
	X(EARLY, "early")                                                                          \
	X(CONFIRMED, "confirmed")

#define PHONE_WATCHED(name, text) PHONE_WATCHED_##name,
enum phone_watched_state { PHONE_WATCHED_STATES(PHONE_WATCHED) PHONE_WATCHED_MAX };
#undef PHONE_WATCHED

extern const char *const phone_watched_names[PHONE_WATCHED_MAX];

struct phone_watched_call {
	char id[PHONE_NOTICE_ID_MAX];
	enum phone_watched_state state;
};

/* One appearance of a shared line, as Call-Info has it. */
struct phone_seat {
	uint32_t index;
	char state[PHONE_NOTICE_TEXT_MAX];
};

enum phone_notice_kind {
	PHONE_NOTICE_NONE,
	PHONE_NOTICE_MESSAGES, /* message-summary */
	PHONE_NOTICE_CALLS,    /* dialog */
	PHONE_NOTICE_PRESENCE,
	PHONE_NOTICE_SEATS, /* call-info */
};

struct phone_notice {
	enum phone_notice_kind kind;
	union {
		struct {
			bool waiting;
			struct phone_message_count counts[PHONE_CLASSES_MAX];
		} messages;
		struct {
			uint32_t version;
			uint32_t count;
			struct phone_watched_call all[PHONE_NOTICE_DIALOGS_MAX];
		} calls;
		struct {
			bool is_open;
			char note[PHONE_NOTICE_TEXT_MAX * 4];
		} presence;
		struct {
			uint32_t count;
			struct phone_seat all[PHONE_NOTICE_SEATS_MAX];
		} seats;
	};
};

/* Takes what a NOTIFY for EVENT says into NOTICE, which holds what the ones before it said: a part
 * changes only what it names (RFC 4235 4.3).  False: there is nothing in it that is understood;
 * NOTICE is as it was. */
bool phone_notice_read(struct phone_notice *notice, const char *event,
		       const struct sip_message *notify);

/* {"messages": {"waiting": true, "voice": {"new": 2, "old": 8, ...}}}, {"watched": "early", ...},
 * {"presence": "open", "note": ...}, {"appearances": [{"index": 1, "state": "idle"}]}: added to
 * OBJECT.  Nothing is, for NONE. */
void phone_notice_put(const struct phone_notice *notice, json_t *object);

/* The XML ones (notice_xml.c), as phone_notice_read(). */
bool phone_notice_read_dialogs(struct phone_notice *notice, struct sip_span body);
bool phone_notice_read_presence(struct phone_notice *notice, struct sip_span body);

#endif

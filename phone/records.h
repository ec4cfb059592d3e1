/* records.h - what the DNS answered, as rows in memory and as text in a state file (OWN-9).
 *
 * The text has a version on its first line, one record on each further one, and at its end their
 * number and a check sum, so that a file that was cut, changed or made up is refused as a whole:
 *
 *	keepline-state 1
 *	A 1732200000 300 a.example.com 192.0.2.1
 *	SRV 1732200000 300 _sip._udp.example.com 10 60 5060 a.example.com
 *	NAPTR 1732200000 300 example.com 10 50 s SIP+D2U _sip._udp.example.com
 *	end 3 0123456789abcdef
 *
 * with the type, the time of the answer (seconds since 1970), the TTL in seconds, and the owner.
 * The check sum guards against accidents; who may write the file may say what it likes.
 */
#ifndef PHONE_RECORDS_H
#define PHONE_RECORDS_H

#include "keepline/keepline.h"

enum {
	/* As many as a trunk with hundreds of domains needs; one phone has ten. */
	PHONE_RECORDS_MAX = 4096,
	PHONE_RECORDS_LINE_MAX = 1024, /* two names of 253 bytes, a service, numbers */
	PHONE_RECORDS_TEXT_MAX = (PHONE_RECORDS_MAX + 2) * PHONE_RECORDS_LINE_MAX,
	/* An answer that nobody got again for 30 days is not worth trying. */
	PHONE_RECORDS_AGE_MAX_S = 30 * 24 * 3600,
	/* The time of an answer that is still the same is brought up to date so often. */
	PHONE_RECORDS_RENEW_S = 24 * 3600,
	PHONE_RECORDS_WHY_MAX = 96,
};

struct phone_records {
	struct kl_static_record *rows; /* with all their texts; NULL: none */
	int64_t *answered_s;           /* of each row */
	uint32_t count;
};

void phone_records_clear(struct phone_records *records);

/* Reads a text.  Rows older than PHONE_RECORDS_AGE_MAX_S at NOW_S are left out; a clock that is
 * behind makes none older.  0, -ENOMEM, or -EINVAL with the reason in WHY; no rows then. */
int phone_records_parse(struct phone_records *records, const char *text, size_t length,
			int64_t now_s, char why[PHONE_RECORDS_WHY_MAX]);

/* The text, which the caller frees; NULL: out of memory. */
char *phone_records_write(const struct phone_records *records, size_t *length);

/* What a DNS server answered to one question; no records: there are none. */
struct phone_records_answer {
	const char *owner;
	enum kl_record_type type;
	const struct kl_dns_record *records;
	uint32_t count;
};

/* Takes it in the place of what was known.  What can't be written as a row is left out, and so is
 * what does not fit.  True: the text is another now, or worth bringing up to date; another order or
 * TTL alone is not. */
bool phone_records_take(struct phone_records *records, const struct phone_records_answer *answer,
			int64_t now_s);

#endif

/* journal.h - what must outlive the process: a file that only grows, until it is written anew.
 *
 *	agent_journal_open(&journal, &config, why)      what is in it comes to config.on_record
 *	agent_journal_put(journal, &record)             a record, in the place of an older one with
 *its id agent_journal_drop(journal, kind, id) if (agent_journal_is_long(journal))             now
 *and then agent_journal_begin_anew(), put all again, agent_journal_end_anew()
 *
 * A record is whole or it is not there: each has a checksum, and what a crash left half written at
 * the end is cut off.
 *
 * When it is safe  A record is handed to the kernel before agent_journal_put() returns: it survives
 * the death of the process.  The disk is waited for only when the file is written anew and at its
 * close: a record a second old may be lost with the machine's power, and so may the calls be, whose
 * packets the machine carried.  Waiting for the disk on each call would hold up all others.
 *
 * Errors     0, or a negative errno value.  After a failed write the file is as it was before.
 * Threads    One.
 */
#ifndef AGENT_JOURNAL_H
#define AGENT_JOURNAL_H

#include "sip/text.h"

enum {
	AGENT_RECORD_MAX = 65536,        /* bytes of a record's content */
	AGENT_JOURNAL_MAX = 256 << 20,   /* bytes of a file that is read */
	AGENT_JOURNAL_SHORT = 256 << 10, /* a file of this length is never too long */
	AGENT_JOURNAL_WHY_MAX = 512,
};

struct agent_journal;

struct agent_record {
	uint8_t kind; /* 1..127, the caller's */
	uint64_t id;  /* within the kind */
	struct sip_span content;
};

struct agent_journal_reader {
	void (*on_record)(void *user, const struct agent_record *record);
	void (*on_drop)(void *user, uint8_t kind, uint64_t id);
	void *user;
};

struct agent_journal_config {
	const char *path;
	struct agent_journal_reader reader; /* called by agent_journal_open() alone */
};

/* Opens a journal, or begins one, and reads what is in it, in the order in which it was written.
 * Its file is for its owner alone; no second process opens it.  What can't be read is cut off; a
 * file that is no journal at all is put aside as PATH.broken: WHY then has one sentence, else "".
 * -EBUSY another process has it; -EFBIG; what open() and read() say; with one sentence in WHY. */
int agent_journal_open(struct agent_journal **out, const struct agent_journal_config *config,
		       char why[AGENT_JOURNAL_WHY_MAX]);
void agent_journal_close(struct agent_journal *journal); /* NULL is fine */

/* -EMSGSIZE: longer than AGENT_RECORD_MAX; what write() says. */
int agent_journal_put(struct agent_journal *journal, const struct agent_record *record);
int agent_journal_drop(struct agent_journal *journal, uint8_t kind, uint64_t id);

/* More than half of it is of no use any more. */
bool agent_journal_is_long(const struct agent_journal *journal);

/* Writes it anew: all that is put between the two goes into a new file, which takes the place of
 * the old one at the end, or not at all.  agent_journal_end_anew() says what became of it. */
int agent_journal_begin_anew(struct agent_journal *journal);
int agent_journal_end_anew(struct agent_journal *journal);

/* Reads the bytes of a journal.  Returns how many are good, from the start; 0: it is none. */
size_t agent_journal_scan(struct sip_span bytes, const struct agent_journal_reader *reader);

#endif

/* Feeds any bytes to the reader of the journal, and what it finds to the reader of dialogs: nothing
 * in the file is trusted.  A dialog that is taken is written again, and comes back the same. */
#include "agent/journal.h"
#include "agent/remember.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LINES = 8 };

static const struct agent_moment at = {.now = 1000, .wall = 1700000000000};

static uint32_t find_any(void *user, uint64_t key)
{
	(void)user;
	return (uint32_t)(key % LINES);
}

static const struct agent_finder finder = {find_any, find_any, NULL};

static void write_again(struct agent_ledger *ledger, uint64_t id)
{
	static char bytes[AGENT_RECORD_MAX];
	const struct agent_dialog *dialog = agent_ledger_by_id(ledger, id);
	const struct agent_names names = {dialog->line, dialog->endpoint};
	uint32_t ahead = dialog->cseq[AGENT_INSIDE].ahead;
	int length = agent_dialog_record(dialog, &names, &at, bytes, sizeof(bytes));
	int error;

	assert(length > 0);
	error = agent_dialog_recall(ledger, id, (struct sip_span){bytes, (size_t)length}, &finder,
				    &at);
	/* The numbers of one that comes back again and again run out. */
	assert(!error || error == SIP_ERANGE);
	if (error)
		return;
	dialog = agent_ledger_by_id(ledger, id);
	assert(dialog && dialog->cseq[AGENT_INSIDE].ahead == ahead + AGENT_CSEQ_JUMP);
}

static void take_record(void *user, const struct agent_record *record)
{
	if (!agent_dialog_recall(user, record->id, record->content, &finder, &at))
		write_again(user, record->id);
}

static void take_drop(void *user, uint8_t kind, uint64_t id)
{
	struct agent_dialog *dialog = agent_ledger_by_id(user, id);

	(void)kind;
	if (dialog)
		agent_ledger_close(dialog);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct agent_ledger *ledger = agent_ledger_new(64);
	struct agent_registrar *registrar = agent_registrar_new(LINES);
	const struct agent_journal_reader reader = {take_record, take_drop, ledger};
	const struct agent_record record = {'d', 7, {(const char *)data, size}};

	assert(ledger);
	assert(agent_journal_scan((struct sip_span){(const char *)data, size}, &reader) <= size);
	take_record(ledger, &record); /* past the checksum */
	assert(registrar);
	agent_binding_recall(registrar, 7, record.content, &finder, &at);
	agent_registrar_free(registrar);
	agent_ledger_free(ledger);
	return 0;
}

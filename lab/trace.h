/* trace.h - what passed between phones and their servers, as the judge reads it.
 *
 * A trace is a list of records in order of time.  It holds no text: names, tags and branches are
 * numbers that differ where the texts differ (lab_trace_name()).  So it can be made from messages
 * that a server saw, from a capture, or from a world in virtual time.
 *
 * Ownership  A zeroed trace is empty; lab_trace_clear() frees its records.
 * Threads    One trace, one thread at a time.
 */
#ifndef LAB_TRACE_H
#define LAB_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "keepline/keepline.h"
#include "sip/message.h"

#define LAB_TRACE_UNSAID UINT32_MAX

enum lab_trace_kind {
	LAB_TRACE_REQUEST,
	LAB_TRACE_ANSWER,
	LAB_TRACE_CONNECT, /* the phone began to connect to `route` */
	LAB_TRACE_FAULT,   /* the phone was told that `route` can't be reached */
	LAB_TRACE_CLOSED,  /* the far end closed an idle stream of the phone */
};

struct lab_trace_record {
	uint64_t at_us; /* from any origin */
	enum lab_trace_kind kind;
	bool from_phone;
	struct kl_route route; /* the server that it went to, or came from */

	/* REQUEST and ANSWER; of an answer, what it repeats of its request */
	enum sip_method method;
	uint16_t status; /* ANSWER */
	uint32_t cseq;
	/* The address-of-record of the phone's side; its From, or its To in what comes to it. */
	uint64_t line;
	uint64_t call_id, from_tag, branch;
	uint64_t to_tag;        /* 0: none, the request stands outside of any dialog */
	uint64_t event;         /* SUBSCRIBE; 0: none */
	uint64_t contact;       /* REGISTER: where the phone says that it is; 0: not said */
	uint32_t reg_id;        /* REGISTER: of its flow (RFC 5626); 0: none */
	uint32_t expires_s;     /* asked for or granted; LAB_TRACE_UNSAID */
	uint32_t retry_after_s; /* LAB_TRACE_UNSAID */

	/* FAULT.  `branch` is that of the transaction it was about; 0: of all on the route */
	enum kl_fault fault;
};

struct lab_trace {
	struct lab_trace_record *records;
	size_t count, room;
	uint64_t ended_us; /* it was watched until then; before the last record: until that */
};

void lab_trace_clear(struct lab_trace *trace);

/* Appends a record.  False: no memory, or it is earlier than the last one. */
bool lab_trace_add(struct lab_trace *trace, const struct lab_trace_record *record);

/* Appends a message that passed on ROUTE at AT_US.  False: as above. */
struct lab_trace_sight {
	uint64_t at_us;
	struct kl_route route;
	bool from_phone;
};
bool lab_trace_add_message(struct lab_trace *trace, const struct lab_trace_sight *sight,
			   const struct sip_message *message);

/* A number for a text: never 0, equal for equal texts (FNV-1a; two of a trace's texts share one
 * with a chance of a billionth). */
uint64_t lab_trace_name(struct sip_span text);

#endif

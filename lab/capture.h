/* capture.h - a captured file (pcap or pcapng) as a trace for the judge.
 *
 *	struct lab_trace trace = {0};
 *	int error = lab_capture_read(&trace, &options, &report, why);
 *	lab_judge(&trace, &expectation, &verdict);
 *
 * Reads SIP over UDP and TCP on any port: a message is known by its first line.  TLS can't be
 * read, and is counted.  Repeated segments, fragments and packets out of order are put right.
 */
#ifndef LAB_CAPTURE_H
#define LAB_CAPTURE_H

#include "lab/trace.h"
#include "net/address.h"

enum { LAB_CAPTURE_WHY_MAX = 512, LAB_CAPTURE_PHONES_MAX = 4096 };

struct lab_capture_options {
	const char *path;
	/* The phone's address, whatever its port; NULL: every address that sends REGISTER is a
	 * phone's. */
	const struct net_address *phone;
};

struct lab_capture_report {
	uint64_t packets, messages;
	uint64_t broken;    /* began like SIP and could not be read */
	uint64_t encrypted; /* TLS connections' packets: not readable */
	uint32_t phones;
	uint64_t began_us; /* of the first packet, since 1970; the trace counts from it */
};

/* Fills TRACE, which is empty.  0; -ENOENT and the like, -EINVAL it is no capture, -ENODATA no
 * phone is in it, -ENOMEM; WHY has the words. */
int lab_capture_read(struct lab_trace *trace, const struct lab_capture_options *options,
		     struct lab_capture_report *report, char why[LAB_CAPTURE_WHY_MAX]);

#endif

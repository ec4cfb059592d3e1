/* trace.h - every SIP message of a phone, in a pcap file (`keepline run --trace`).
 *
 * Messages of TCP and TLS stand there as datagrams, in the clear, with the port where we listen.
 * Blanked, the file holds no credentials: each byte of the value of an Authorization or
 * Proxy-Authorization header is a star.
 */
#ifndef PHONE_TRACE_H
#define PHONE_TRACE_H

#include <stdbool.h>

#include "net/address.h"
#include "phone/phone.h"
#include "sip/text.h"

struct phone_trace;

/* Errors: those of net_capture_open(), with one sentence in WHY. */
int phone_trace_open(struct phone_trace **out, const char *path, bool blank,
		     char why[PHONE_WHY_MAX]);
void phone_trace_close(struct phone_trace *trace); /* NULL is fine */

/* A message went from SOURCE to TARGET.  A trace that can't be written ends, which is logged once;
 * the phone goes on.  TRACE may be NULL. */
void phone_trace_message(struct phone_trace *trace, const struct net_address *source,
			 const struct net_address *target, struct sip_span bytes);

#endif

/* trace.c - every SIP message of a phone, in a pcap file. */
#include "phone/trace.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "net/capture.h"
#include "net/udp.h"
#include "phone/log.h"

struct phone_trace {
	struct net_capture *capture; /* NULL: it could not be written any more */
	bool blank;
	char copy[NET_DATAGRAM_MAX]; /* of a message that is blanked */
};

/* ---- credentials ----------------------------------------------------------------------------- */

/* Does the line at LINE have a value to be blanked?  Gives where it begins, or NULL. */
static char *find_secret(char *line, const char *end)
{
	static const char *const names[] = {"Authorization", "Proxy-Authorization"};
	char *colon = memchr(line, ':', (size_t)(end - line));
	size_t length;

	if (!colon)
		return NULL;
	length = (size_t)(colon - line);
	while (length > 0 && (line[length - 1] == ' ' || line[length - 1] == '\t'))
		length--; /* RFC 3261 7.3.1: blanks may stand before the colon */
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (length == strlen(names[i]) && !strncasecmp(line, names[i], length))
			return colon + 1;
	return NULL;
}

/* The length stays, so that the message can still be read.  A line that begins with a blank goes on
 * with the header before it (RFC 3261 7.3.1); an empty one ends them. */
static void blank(char *bytes, size_t length)
{
	const char *end = bytes + length;
	bool secret = false;
	char *line = bytes;

	while (line < end && (*line == '\r' || *line == '\n'))
		line++; /* RFC 3261 7.5: empty lines may stand before a message */
	while (line < end && *line != '\r' && *line != '\n') {
		char *next = memchr(line, '\n', (size_t)(end - line));
		char *last = next ? next : bytes + length;
		char *from = line;

		if (*line != ' ' && *line != '\t') {
			from = find_secret(line, last);
			secret = from != NULL;
		}
		for (; secret && from < last; from++)
			if (*from != ' ' && *from != '\t' && *from != '\r')
				*from = '*';
		line = next ? next + 1 : last;
	}
}

/* ---- the file -------------------------------------------------------------------------------- */

int phone_trace_open(struct phone_trace **out, const char *path, bool blank_credentials,
		     char why[PHONE_WHY_MAX])
{
	struct phone_trace *trace = calloc(1, sizeof *trace);
	int error = trace ? net_capture_open(&trace->capture, path) : -ENOMEM;

	if (error) {
		snprintf(why, PHONE_WHY_MAX, "%s: %s", path, strerror(-error));
		free(trace);
		return error;
	}
	trace->blank = blank_credentials;
	*out = trace;
	return 0;
}

void phone_trace_close(struct phone_trace *trace)
{
	if (!trace)
		return;
	net_capture_close(trace->capture);
	free(trace);
}

void phone_trace_message(struct phone_trace *trace, const struct net_address *source,
			 const struct net_address *target, struct sip_span bytes)
{
	struct net_capture_datagram datagram = {
		.source = *source, .target = *target, .bytes = bytes.at, .length = bytes.length};

	if (!trace || !trace->capture)
		return;
	if (trace->blank) {
		if (datagram.length > sizeof trace->copy)
			datagram.length = sizeof trace->copy;
		memcpy(trace->copy, bytes.at, datagram.length);
		blank(trace->copy, datagram.length);
		datagram.bytes = trace->copy;
	}
	if (net_capture_write(trace->capture, &datagram) == 0)
		return;
	phone_log(PHONE_LOG_ERROR, "the trace can't be written, and ends");
	net_capture_close(trace->capture);
	trace->capture = NULL;
}

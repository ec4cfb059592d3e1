/* fault.h - what may be wrong with a server, and the words for it.
 *
 * One home of these words: the time line of a lab file, the keys, `keepline lab ctl` and the page
 * all read them here.  A fault is a line of text:
 *
 *	up                                 every fault ends
 *	silent [in | out] [of METHODS]     messages are lost: those that come, those that go, or
 *both answers STATUS [retry-after S] [of METHODS] loss PERCENT [in | out] [of METHODS] slow TIME
 *[of METHODS]             answers leave so much later
 *
 * and so on: LAB_FAULTS has them all.  METHODS is a list as in "REGISTER,INVITE"; TIME is as in
 * "500ms" or "3s".
 */
#ifndef LAB_FAULT_H
#define LAB_FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sip/names.h"

/* What may stand behind a fault's word. */
enum {
	LAB_FAULT_PLAIN = 0,
	LAB_FAULT_STATUS = 1, /* a status, and retry-after */
	LAB_FAULT_TIME = 2,
	LAB_FAULT_PERCENT = 4,
	LAB_FAULT_CERTIFICATE = 8, /* enum lab_certificate_fault */
	LAB_FAULT_SERVERS = 16,    /* names of servers, in an order */
	LAB_FAULT_WAYS = 32,       /* in or out */
	LAB_FAULT_METHODS = 64,
	LAB_FAULT_OF_SIP = 128, /* of a SIP server, */
	LAB_FAULT_OF_DNS = 256, /* or of the DNS server */
};

/* In the order in which a key of the terminal steps through them. */
#define LAB_FAULTS(X)                                                                              \
	X(UP, "up", LAB_FAULT_OF_SIP | LAB_FAULT_OF_DNS, "every fault ends")                       \
	X(SILENT, "silent",                                                                        \
	  LAB_FAULT_OF_SIP | LAB_FAULT_OF_DNS | LAB_FAULT_WAYS | LAB_FAULT_METHODS,                \
	  "messages are lost; over TCP the connection stays")                                      \
	X(CLOSED, "closed", LAB_FAULT_OF_SIP,                                                      \
	  "the port is closed: ICMP over UDP, connections are refused")                            \
	X(STATUS, "answers", LAB_FAULT_OF_SIP | LAB_FAULT_STATUS | LAB_FAULT_METHODS,              \
	  "requests get this status")                                                              \
	X(SLOW, "slow", LAB_FAULT_OF_SIP | LAB_FAULT_TIME | LAB_FAULT_METHODS,                     \
	  "what is sent leaves so much later")                                                     \
	X(LOSS, "loss", LAB_FAULT_OF_SIP | LAB_FAULT_PERCENT | LAB_FAULT_WAYS | LAB_FAULT_METHODS, \
	  "so many of a hundred messages are lost")                                                \
	X(CHALLENGES, "challenges", LAB_FAULT_OF_SIP | LAB_FAULT_METHODS,                          \
	  "requests are challenged for ever, whatever credentials they have")                      \
	X(STALE, "stale", LAB_FAULT_OF_SIP | LAB_FAULT_METHODS,                                    \
	  "right credentials are answered: stale nonce, here is a new one")                        \
	X(EXPIRES, "expires", LAB_FAULT_OF_SIP | LAB_FAULT_TIME,                                   \
	  "registrations are granted for so long at most")                                         \
	X(MUTE, "mute", LAB_FAULT_OF_SIP,                                                          \
	  "connections are taken and nothing is said on them, not even in a TLS handshake")        \
	X(RESETS, "resets", LAB_FAULT_OF_SIP, "connections are reset once something comes")        \
	X(CERTIFICATE, "certificate", LAB_FAULT_OF_SIP | LAB_FAULT_CERTIFICATE,                    \
	  "new TLS connections get a certificate that must not be trusted")                        \
	X(FORGETS, "forgets", LAB_FAULT_OF_SIP, "registrations are lost, now")                     \
	X(RESTARTS, "restarts", LAB_FAULT_OF_SIP,                                                  \
	  "connections, calls and requests under way are lost, now; registrations stay")           \
	X(SERVFAIL, "servfail", LAB_FAULT_OF_DNS, "every question gets SERVFAIL")                  \
	X(NXDOMAIN, "nxdomain", LAB_FAULT_OF_DNS, "every question gets NXDOMAIN")                  \
	X(REFUSED, "refused", LAB_FAULT_OF_DNS, "every question gets REFUSED")                     \
	X(TTL, "ttl", LAB_FAULT_OF_DNS | LAB_FAULT_TIME, "records have this time to live")         \
	X(LISTS, "lists", LAB_FAULT_OF_DNS | LAB_FAULT_SERVERS,                                    \
	  "the records lead to these servers, in this order")

#define LAB_FAULT_VALUE(name, word, takes, meaning) LAB_##name,
enum lab_fault_kind { LAB_FAULTS(LAB_FAULT_VALUE) LAB_FAULT_KINDS };
#undef LAB_FAULT_VALUE

enum lab_certificate_fault {
	LAB_CERTIFICATE_WRONG_NAME,
	LAB_CERTIFICATE_EXPIRED,
	LAB_CERTIFICATE_STRANGER, /* issued by nobody who is trusted */
	LAB_CERTIFICATE_FAULTS,
};

enum { LAB_FAULT_TEXT_MAX = 256, LAB_FAULT_WHY_MAX = 256, LAB_FAULT_SERVERS_MAX = 16 };

struct lab_fault {
	enum lab_fault_kind kind;
	bool in, out;     /* both, unless one was said */
	uint32_t methods; /* a bit for each enum sip_method; 0: all */
	uint32_t value;   /* a status, milliseconds, percent, or an enum lab_certificate_fault */
	uint32_t retry_after_s;           /* STATUS; 0: not said */
	char servers[LAB_FAULT_TEXT_MAX]; /* LISTS: names with a blank between each two */
};

/* Whose fault: a SIP server's or the DNS server's. */
enum lab_culprit { LAB_CULPRIT_SIP, LAB_CULPRIT_DNS };

/* Reads TEXT.  False: it is none of CULPRIT's, with one sentence in WHY. */
bool lab_fault_parse(struct lab_fault *fault, enum lab_culprit culprit, const char *text,
		     char why[LAB_FAULT_WHY_MAX]);

/* Writes it as lab_fault_parse() reads it.  Returns TO. */
char *lab_fault_format(char to[LAB_FAULT_TEXT_MAX], const struct lab_fault *fault);

/* Is it about requests of METHOD, and their answers? */
bool lab_fault_is_about(const struct lab_fault *fault, enum sip_method method);

const char *lab_fault_word(enum lab_fault_kind kind);
const char *lab_fault_meaning(enum lab_fault_kind kind);
unsigned lab_fault_takes(enum lab_fault_kind kind); /* LAB_FAULT_STATUS and its like */

#endif

/* sipserver.h - a small SIP server: a registrar that also answers every call itself.
 *
 *	struct lab_sipserver *server;
 *	int error = lab_sipserver_open(&server, loop, &config);     serves from now on
 *	lab_sipserver_set_fault(server, LAB_SIP_SILENT);            dies
 *	lab_sipserver_set_fault(server, LAB_SIP_UP);                is back
 *	lab_sipserver_close(server);
 *
 * REGISTER is challenged (digest) and bound; an INVITE gets 100 at once, then 180 and 200 after the
 * configured times, with an inactive audio stream; BYE, CANCEL and OPTIONS are answered.
 * Everything received is hostile: what is no SIP request is counted and dropped.
 *
 * Errors: 0, or a negative errno value (net_udp_explain() has the words).
 * The observer (on_sight) only looks: it must not close the server or switch its faults.
 * Threads: its loop's thread only.  Call sip_init() first.
 */
#ifndef LAB_SIPSERVER_H
#define LAB_SIPSERVER_H

#include "lab/registrar.h"
#include "net/tls.h"
#include "net/udp.h"

enum lab_sip_fault {
	LAB_SIP_UP,     /* none */
	LAB_SIP_SILENT, /* takes requests, and connections, and sends nothing */
	LAB_SIP_CLOSED, /* the port is closed: the kernel refuses; connections and calls are lost */
	LAB_SIP_503,    /* answers every request with 503 */
};

/* Something that the server saw or did. */
struct lab_sip_sight {
	uint64_t at_ms; /* of net_now_ms() */
	/* The request that came or, with a status, the one that is answered.  Valid until the
	 * callback returns. */
	const struct sip_message *request;
	unsigned status; /* 0: a request came; else the answer that is sent now */
	bool repeat;     /* the client sent it before */
	bool swallowed;  /* LAB_SIP_SILENT: it went no further */
};

struct lab_sipserver_config {
	struct net_address local; /* no wildcard, for it stands in Contact; port 0: any free one */
	enum sip_transport transport; /* UDP unless it is TCP or TLS */
	const struct net_tls *tls;    /* for TLS: with a certificate to show; outlives the server */
	struct lab_registrar_config registrar;
	size_t transactions_max; /* at one time, each for 32 s (RFC 3261 17.2.2); 0: 256 */
	bool members_only;       /* an INVITE is refused with 403 unless someone is registered */
	uint32_t ring_ms;        /* from INVITE to 180 */
	uint32_t answer_ms;      /* from INVITE to 200 */
	uint32_t retry_after_s;  /* in the 503 of LAB_SIP_503; 0: none */
	void (*on_sight)(void *user, const struct lab_sip_sight *sight); /* may be NULL */
	void *user;
};

struct lab_sipserver;

/* CONFIG's strings outlive the server. */
int lab_sipserver_open(struct lab_sipserver **out, struct net_loop *loop,
		       const struct lab_sipserver_config *config);
void lab_sipserver_close(struct lab_sipserver *server); /* NULL is fine */

/* The address it is bound to, with the port that it really has. */
struct net_address lab_sipserver_local(const struct lab_sipserver *server);

/* Registrations outlive every fault, lab_sipserver_forget() loses them.  An error comes only from
 * opening a closed port again; it stays closed then. */
int lab_sipserver_set_fault(struct lab_sipserver *server, enum lab_sip_fault fault);
void lab_sipserver_forget(struct lab_sipserver *server);

struct lab_sipserver_counters {
	uint64_t requests; /* repeats included */
	uint64_t dropped;  /* messages that are no request, and requests without room */
	unsigned calls;    /* now under way */
	unsigned bindings; /* contacts now registered */
	unsigned connections;
	uint64_t pings; /* on the connections, since the port was opened */
};

struct lab_sipserver_counters lab_sipserver_counters(const struct lab_sipserver *server);

#endif

/* sipserver.h - a small SIP server: a registrar that passes calls on to those who are registered,
 * and answers all others itself.
 *
 *	struct lab_sipserver *server;
 *	int error = lab_sipserver_open(&server, loop, &config);     serves from now on
 *	lab_sipserver_set_fault(server, LAB_SILENT);                dies
 *	lab_sipserver_set_fault(server, LAB_UP);                    is back
 *	lab_sipserver_close(server);
 *
 * REGISTER is challenged (digest) and bound; an INVITE gets 100 at once, then 180 and 200 after the
 * configured times, with an inactive audio stream; BYE, CANCEL and OPTIONS are answered.
 * Everything received is hostile: what is no SIP request is counted and dropped.
 *
 * Errors: 0, or a negative errno value (net_udp_explain() has the words).
 * The observers only look: they must not close the server or switch its faults.
 * Threads: its loop's thread only.  Call sip_init() first.
 */
#ifndef LAB_SIPSERVER_H
#define LAB_SIPSERVER_H

#include "lab/fault.h"
#include "lab/registrar.h"
#include "net/tls.h"
#include "net/udp.h"

/* Something that the server saw or did. */
struct lab_sip_sight {
	uint64_t at_ms; /* of net_now_ms() */
	/* The request that came or, with a status, the one that is answered.  Valid until the
	 * callback returns. */
	const struct sip_message *request;
	unsigned status; /* 0: a request came; else the answer that is sent now */
	bool repeat;     /* the client sent it before */
	bool swallowed;  /* by a fault: it went no further */
};

/* What passed between the server and somebody, or would have without a fault. */
enum lab_sip_wire_kind {
	LAB_WIRE_MESSAGE,
	LAB_WIRE_CONNECTED, /* somebody connected */
	LAB_WIRE_CUT,       /* the server ended a connection */
	LAB_WIRE_INSECURE,  /* a TLS handshake failed */
	/* Of a closed port, and told by who listens to this machine's packets: */
	LAB_WIRE_REFUSED,     /* a connection */
	LAB_WIRE_UNREACHABLE, /* ICMP told so */
};

struct lab_sip_wire {
	enum lab_sip_wire_kind kind;
	bool sent; /* MESSAGE: by the server; else it came */
	bool lost; /* MESSAGE: by a fault */
	enum sip_transport transport;
	struct net_address local, far;
	const struct sip_message *message; /* MESSAGE; valid until the callback returns */
};

/* One more transport at the server's address. */
struct lab_sip_place {
	enum sip_transport transport;
	uint16_t port; /* 0: any free one */
};

enum { LAB_PLACES_MAX = 3 };

struct lab_sipserver_config {
	struct net_address local; /* no wildcard, for it stands in Contact; port 0: any free one */
	enum sip_transport transport;                  /* UDP unless it is TCP or TLS */
	struct lab_sip_place more[LAB_PLACES_MAX - 1]; /* transports beside it */
	unsigned more_count;
	const struct net_tls *tls; /* for TLS: with a certificate to show; outlives the server */
	const struct net_tls *bad_tls[LAB_CERTIFICATE_FAULTS]; /* for LAB_CERTIFICATE */
	bool proxies;  /* requests for a user who is registered are passed on */
	uint64_t seed; /* of the losses */
	struct lab_registrar_config registrar;
	bool members_only;  /* an INVITE is refused with 403 unless someone is registered */
	uint32_t ring_ms;   /* from INVITE to 180 */
	uint32_t answer_ms; /* from INVITE to 200 */
	void (*on_sight)(void *user, const struct lab_sip_sight *sight); /* may be NULL */
	void (*on_wire)(void *user, const struct lab_sip_wire *wire);    /* may be NULL */
	void *user;
};

struct lab_sipserver;

/* CONFIG's strings outlive the server. */
int lab_sipserver_open(struct lab_sipserver **out, struct net_loop *loop,
		       const struct lab_sipserver_config *config);
void lab_sipserver_close(struct lab_sipserver *server); /* NULL is fine */

/* The address it is bound to, with the port that it really has; of the NTH transport, from 0. */
struct net_address lab_sipserver_local(const struct lab_sipserver *server);
struct net_address lab_sipserver_local_of(const struct lab_sipserver *server, unsigned nth);

/* Adds a fault to those that there are, or takes the place of the one of its kind.  LAB_UP ends all
 * of them; FORGETS and RESTARTS happen now.  An error comes only from opening a closed port again;
 * it stays closed then.  Registrations outlive every fault but FORGETS. */
int lab_sipserver_add_fault(struct lab_sipserver *server, const struct lab_fault *fault);

/* The same for a fault of one word, in place of all that there were. */
int lab_sipserver_set_fault(struct lab_sipserver *server, enum lab_fault_kind kind);

/* The NTH of the faults that it has now, from 0; NULL: no more. */
const struct lab_fault *lab_sipserver_fault(const struct lab_sipserver *server, unsigned nth);

const struct lab_registrar *lab_sipserver_registrar(const struct lab_sipserver *server);

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

/* port.h - where a lab server listens: a UDP socket, or a TCP or TLS port with its connections.
 *
 * A connection is known by the address of its far end.  Errors: 0, or a negative errno value.
 */
#ifndef LAB_PORT_H
#define LAB_PORT_H

#include "net/stream.h"
#include "net/udp.h"
#include "sip/names.h"
#include "sip/text.h"

enum {
	LAB_CONNECTIONS_MAX = 4096,
	LAB_UNSENT_MAX = 1 << 20, /* bytes that a far end may leave unread */
};

struct lab_port;

/* What becomes of connections. */
enum lab_port_manner {
	LAB_PORT_SERVES,
	LAB_PORT_MUTE,   /* they are taken, and nothing is read or said, no handshake either */
	LAB_PORT_RESETS, /* they are reset as soon as something comes on them */
};

enum lab_port_event {
	LAB_PORT_CONNECTED,
	LAB_PORT_CUT,      /* by us */
	LAB_PORT_INSECURE, /* the TLS handshake failed */
};

struct lab_port_config {
	struct net_address local;     /* port 0: any free one */
	enum sip_transport transport; /* UDP unless it is TCP or TLS */
	const struct net_tls *tls;    /* with a certificate to show */
	size_t size_max;              /* longer datagrams are dropped */
	void (*on_message)(void *user, const struct net_address *source, struct sip_span bytes);
	/* Of the connections; may be NULL. */
	void (*on_event)(void *user, enum lab_port_event event, const struct net_address *far);
	void *user;
};

int lab_port_open(struct lab_port **out, struct net_loop *loop,
		  const struct lab_port_config *config);
void lab_port_close(struct lab_port *port); /* NULL is fine; its connections are closed */

struct net_address lab_port_local(const struct lab_port *port);

/* For connections that come from now on, and for MANNER also on those that are there. */
void lab_port_set_tls(struct lab_port *port, const struct net_tls *tls);
void lab_port_set_manner(struct lab_port *port, enum lab_port_manner manner);

/* Ends all connections. */
void lab_port_cut(struct lab_port *port);

/* What can't be sent is lost: the connection is gone. */
void lab_port_send(struct lab_port *port, const struct net_address *to, struct sip_span bytes);

/* Connections that are there; 0 over UDP. */
unsigned lab_port_connections(const struct lab_port *port);

/* How many keep-alives (CRLF CRLF) came on streams; each is answered (RFC 5626 3.5.1). */
uint64_t lab_port_pings(const struct lab_port *port);

#endif

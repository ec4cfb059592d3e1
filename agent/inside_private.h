/* inside_private.h - what the parts of the inside share. */
#ifndef AGENT_INSIDE_PRIVATE_H
#define AGENT_INSIDE_PRIVATE_H

#include "agent/inside.h"

struct agent_inside {
	struct agent_inside_config config;
	struct kl_policy policy;   /* of its streams */
	struct net_address listen; /* where it does */
	struct phone_transport *transport;
	struct agent_directory *directory;
	struct agent_guard *guard;
	struct agent_nonces *nonces;
	struct agent_prover prover;
	struct agent_registrar *registrar;
	struct sip_transactions *servers;
	struct sip_clients *clients;
	struct net_timer *alarm;  /* of the transactions */
	struct net_timer *second; /* of what runs out slowly */
	struct agent_inside_counters counters;
	char scratch[SIP_MESSAGE_MAX + 1]; /* an answer being written */
};

/* Opens a transport at `listen`.  Errors: those of phone_transport_open(), with one sentence in
 * WHY.
 */
int agent_inside_listen(struct agent_inside *inside, struct phone_transport **transport,
			char why[PHONE_WHY_MAX]);

/* Sends bytes, and logs where that fails. */
int agent_inside_transmit(struct agent_inside *inside, const struct phone_hop *hop,
			  struct sip_span bytes);

/* Sets the alarm of the transactions anew: after whatever changes one. */
void agent_inside_set_alarm(struct agent_inside *inside);

/* A transaction's peer is the way back. */
struct sip_peer agent_peer_of(const struct phone_hop *hop);
struct phone_hop agent_hop_of(const struct sip_peer *peer);

/* Who is told of bindings. */
struct agent_register agent_inside_register(const struct agent_inside *inside);

/* A request that came (inside_request.c). */
void agent_inside_take_request(struct agent_inside *inside, const struct sip_message *request,
			       const struct phone_packet *packet);

#endif

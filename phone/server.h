/* server.h - requests that others send to the phone. */
#ifndef PHONE_SERVER_H
#define PHONE_SERVER_H

#include "net/loop.h"
#include "phone/account.h"
#include "phone/transport.h"
#include "sip/transaction.h"

struct phone;
struct phone_dialog;

struct phone_server {
	struct sip_transactions *transactions;
	struct net_timer *timer;
	uint64_t secret; /* of the tags of answers without a transaction */
};

enum {
	PHONE_SERVER_TRANSACTIONS_MAX = 1024,
	/* With a PBX behind the lines: over UDP each stays for 32 s, and there may be thousands in
	 * a second.  What is not used takes no memory. */
	PHONE_SERVER_RELAYED_MAX = 1 << 18,
};

/* A request that is being answered. */
struct phone_incoming {
	const struct sip_message *request;
	struct net_address source; /* where it came from */
	struct net_address local;  /* where it arrived */
	enum kl_transport transport;
	uint64_t stream;        /* as in phone_packet */
	sip_transaction_id id;  /* 0: an ACK, or no room */
	char tag[PHONE_ID_MAX]; /* for To, where it has none */
};

/* Where the far end finds us again. */
struct phone_self phone_incoming_self(const struct phone *phone,
				      const struct phone_incoming *incoming);

int phone_server_init(struct phone *phone);
void phone_server_clear(struct phone *phone);

void phone_server_receive(struct phone *phone, const struct sip_message *request,
			  const struct phone_packet *packet);

/* Answers a packet that can't be read (ERROR, of sip_message_parse()), if it is a request of a
 * server of ours: 400, or 505.  Strangers hear nothing. */
void phone_server_refuse(struct phone *phone, const struct phone_packet *packet, int error);

/* A request inside a dialog of ours (dialog_request.c). */
void phone_dialog_take_request(struct phone_dialog *dialog, const struct phone_incoming *incoming);

/* ---- answers, in the phone's scratch ---- */

void phone_reply_begin(struct phone *phone, const struct phone_incoming *incoming, unsigned status,
		       struct sip_builder *builder);

/* Sends what was built, LENGTH bytes or an error, and keeps it for repeats of the request. */
void phone_reply_send(struct phone *phone, const struct phone_incoming *incoming, unsigned status,
		      int length);

/* The same, but only keeps it. */
void phone_reply_note(struct phone *phone, const struct phone_incoming *incoming, unsigned status,
		      int length);

/* An answer without headers of its own, but for those that its status demands. */
void phone_reply(struct phone *phone, const struct phone_incoming *incoming, unsigned status);

/* Where answers go: back on the stream of the request (KEEP-5); over UDP, and where that stream is
 * gone, by RFC 3261 18.2.2 and RFC 3581 4. */
struct phone_hop phone_reply_hop(const struct phone_incoming *incoming);

#endif

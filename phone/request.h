/* request.h - the messages that a phone sends, as text. */
#ifndef PHONE_REQUEST_H
#define PHONE_REQUEST_H

#include "phone/account.h"
#include "phone/phone.h"
#include "sip/builder.h"

struct phone;
struct phone_call;
struct phone_subscription;

#define PHONE_USER_AGENT "Keepline/" KEEPLINE_VERSION
#define PHONE_ALLOW "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, PRACK, NOTIFY"
#define PHONE_SUPPORTED "100rel, timer"

enum {
	PHONE_VIA_MAX = 160,
};

/* One request on its way to one route. */
struct phone_request {
	struct phone_account *account;
	struct phone_call *call; /* INVITE: whose it is */
	/* SUBSCRIBE: whose it is; its dialog takes the CSeq of a refresh. */
	const struct phone_subscription *subscription;
	uint64_t proof;                    /* phone_proof.request */
	const struct kl_action_send *send; /* what the engine said */
	const char *branch;
	struct phone_self self;
	enum sip_digest_sent sent[2]; /* out: which credentials it carries */
};

/* Writes a REGISTER, an INVITE or a SUBSCRIBE into the phone's scratch.  Its length, or a SIP_E*.
 */
int phone_request_write(struct phone *phone, struct phone_request *request);

/* "SIP/2.0/UDP 192.0.2.7:5060;branch=z9hG4bK...;rport" */
void phone_write_via(char to[PHONE_VIA_MAX], const struct phone_self *self, const char *branch);

/* Makes the URI that a user means by TARGET: "sip:bob@example.com", "bob@example.com", "bob" in the
 * account's domain, or "": the account's own address.  False: none comes of it. */
bool phone_write_target(const struct phone_account *account, const char *target,
			char to[PHONE_TARGET_MAX + 8]);

/* Contact, Allow, Supported and User-Agent: what every request and 2xx of a call has; and the same
 * without User-Agent. */
void phone_write_self(const struct phone *phone, struct sip_builder *builder,
		      const struct phone_account *account, const struct phone_self *self);
void phone_write_identity(const struct phone *phone, struct sip_builder *builder,
			  const struct phone_account *account, const struct phone_self *self);

/* "192.0.2.7" or "2001:db8::7", as SDP and `received` have it. */
char *phone_write_host(const struct net_address *address, char to[NET_ADDRESS_TEXT_MAX]);

#endif

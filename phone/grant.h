/* grant.h - the time that a 200 to REGISTER grants to our contact (REG-2). */
#ifndef PHONE_GRANT_H
#define PHONE_GRANT_H

#include "keepline/keepline.h"
#include "sip/message.h"

struct phone_contact {
	const char *uri;      /* as we sent it */
	const char *instance; /* "<urn:uuid:...>" */
	uint32_t reg_id;      /* of its flow (RFC 5626); 0: it has none */
	kl_ms asked_ms;       /* the Expires that we sent */
};

struct phone_grant {
	kl_ms granted_ms; /* 0: nothing */
	bool guessed;     /* no contact of the answer was ours: an intermediary rewrote it */
};

struct phone_grant phone_grant_read(const struct sip_message *response,
				    const struct phone_contact *ours);

#endif

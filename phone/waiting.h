/* waiting.h - the transactions that wait for an answer, by the address and port that they went to:
 * a stream that ends asks for its own alone.
 */
#ifndef PHONE_WAITING_H
#define PHONE_WAITING_H

#include "phone/client.h"

/* A new one, which is open and knows where it goes. */
void phone_waiting_begin(struct phone_client *client);

/* Nothing is waited for any more, as STATE says. */
void phone_waiting_end(struct phone_client *client, enum phone_client_state state);

/* A transaction for whose answer the engine waits on that route; 0: none. */
kl_tx phone_waiting_on(const struct phone *phone, const struct kl_route *route);

#endif

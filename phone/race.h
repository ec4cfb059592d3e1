/* race.h - two address families at a time: a stream's route that does not connect soon has another
 * beside it, and the request goes where a connection is first (RFC 8305 5).  OWN-7 */
#ifndef PHONE_RACE_H
#define PHONE_RACE_H

#include "phone/client.h"

/* CLIENT was sent first, by SEND: begins its race, if its own stream is not there and SEND names a
 * route beside. */
void phone_race_begin(struct phone_client *client, const struct kl_action_send *send);

/* A stream to ROUTE is open: whoever waits for another, and has this one beside it, goes on here.
 */
void phone_race_won(struct phone *phone, const struct kl_route *route);

#endif

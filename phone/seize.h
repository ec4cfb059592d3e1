/* seize.h - a shared line that a call seized and does not take is given back (SUBS-3).
 *
 * The seize is a subscription, and ends as all do: by a SUBSCRIBE with Expires 0 in its dialog (RFC
 * 6665 4.1.2.3), which goes the way of all requests inside dialogs.  A call that came up needs no
 * such word: its server ends the seize by itself.
 */
#ifndef PHONE_SEIZE_H
#define PHONE_SEIZE_H

#include <stdint.h>

#include "sip/message.h"

struct phone;
struct phone_client;

/* A call ended before it was up.  Nothing happens if it seized no line, or if that has run out. */
void phone_seize_release(struct phone *phone, uint64_t call_id);

/* A 2xx to a SUBSCRIBE that nobody waits for any more: if its call is over the line is given back.
 */
void phone_seize_take_late(const struct phone_client *client, const struct sip_message *response);

#endif

/* pack.h - numbers and texts as bytes in a row: what a record of the journal holds.
 *
 * Numbers stand with the lowest byte first, a text behind its length.  What does not fit is not
 * written, what is not there reads as 0 or empty; either is noted once for all.
 */
#ifndef AGENT_PACK_H
#define AGENT_PACK_H

#include "sip/text.h"

struct agent_pack {
	char *to; /* the caller's */
	size_t size, length;
	bool is_full; /* something did not fit */
};

void agent_put_u8(struct agent_pack *pack, uint8_t number);
void agent_put_u32(struct agent_pack *pack, uint32_t number);
void agent_put_u64(struct agent_pack *pack, uint64_t number);
void agent_put_bytes(struct agent_pack *pack, struct sip_span bytes);
void agent_put_text(struct agent_pack *pack, struct sip_span text);

struct agent_unpack {
	struct sip_span bytes; /* what is left */
	bool is_short;         /* something was not there */
};

uint8_t agent_take_u8(struct agent_unpack *unpack);
uint32_t agent_take_u32(struct agent_unpack *unpack);
uint64_t agent_take_u64(struct agent_unpack *unpack);
struct sip_span agent_take_bytes(struct agent_unpack *unpack, size_t length);
struct sip_span agent_take_text(struct agent_unpack *unpack);

#endif

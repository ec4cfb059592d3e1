/* fragments.h - IP packets that were captured in pieces, put together (RFC 791 3.2, RFC 8200 4.5).
 */
#ifndef LAB_FRAGMENTS_H
#define LAB_FRAGMENTS_H

#include "lab/packet.h"

enum { LAB_FRAGMENTED_MAX = 32 }; /* packets under way at one time; the oldest goes */

struct lab_fragments;

struct lab_fragments *lab_fragments_create(void); /* NULL: no memory */
void lab_fragments_free(struct lab_fragments *fragments);

/* Takes a fragment.  If the packet is whole now, PACKET becomes it, good until the next call; else
 * it stays the fragment that it is. */
void lab_fragments_take(struct lab_fragments *fragments, struct lab_packet *packet);

#endif

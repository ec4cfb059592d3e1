/* names.h - domain names learned from the DNS, each kept once, and addresses written as text. */
#ifndef ENGINE_NAMES_H
#define ENGINE_NAMES_H

#include "engine/state.h"

/* Lays out an empty arena of limits.name_bytes. */
void names_init(struct kl_engine *e);

/* Fills the arena with that of OLD, which is not larger: names keep their numbers. */
void names_carry(struct kl_engine *e, const struct kl_engine *old);

/* Keeps TEXT, in lower case and without a final dot, and counts one more use of it.
 * 0: it is longer than KL_NAME_MAX or does not fit (try again after dns_sweep()). */
uint32_t name_keep(struct kl_engine *e, const char *text);

/* Counts one more use of a kept name, and returns it.  0 is nothing. */
uint32_t name_keep_again(struct kl_engine *e, uint32_t name);

/* Counts one use less; the last one frees its place.  0 is nothing. */
void name_drop(struct kl_engine *e, uint32_t name);

/* The text of a kept name; NULL for 0. */
const char *name_text(const struct kl_engine *e, uint32_t name);

/* Do two texts name the same domain (RFC 4343: letters without case, final dot or not)? */
bool name_equal(const char *a, const char *b);

/* Reads an IPv4 or IPv6 address, the latter with or without brackets; false if TEXT is none. */
bool address_parse(uint8_t ip[16], const char *text);

/* Is it ::ffff:a.b.c.d, that is, IPv4? */
bool address_is_v4(const uint8_t ip[16]);

#endif

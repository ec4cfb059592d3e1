/* text.h - what the texts of a configuration may look like, and how alike two of them are. */
#ifndef CONFIG_TEXT_H
#define CONFIG_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/arena.h"

/* A copy without white space at its ends. */
char *text_copy_trimmed(struct arena *arena, const char *text);

/* ASCII upper case to lower case, in place. */
void text_lower(char *text);

/* A copy for people: at most 60 bytes, anything but printable ASCII as "?".  What follows the word
 * "password" is left out: a line that lost its end or its "=" would show one. */
const char *text_show(struct arena *arena, const char *text);

/* Decimal digits alone, up to UINT32_MAX. */
bool text_read_number(const char *text, uint32_t *number);

/* Decimal digits with up to three behind a point, as thousandths: "0.5" is 500. */
bool text_read_decimal(const char *text, uint32_t *thousandths);

/* Well-formed UTF-8 (RFC 3629). */
bool text_is_utf8(const char *text);

/* No control characters, C1 included: such a text can neither end a SIP header nor move a
 * terminal.  TEXT is valid UTF-8. */
bool text_is_printable(const char *text);

/* A literal IP address, or a domain name of letters, digits, "-" and "_" (RFC 1123). */
bool text_is_host(const char *text);

/* A literal IPv4 address. */
bool text_is_ipv4(const char *text);

/* A literal IP address of either kind; as 16 bytes, IPv4 as ::ffff:a.b.c.d. */
bool text_is_ip(const char *text);
bool text_read_ip(const char *text, uint8_t ip[16]);

/* A literal IP address, with a port if need be: "192.0.2.1:53", "2001:db8::1", "[2001:db8::1]:53".
 */
bool text_is_endpoint(const char *text);

/* The same, and its address without the port, as text_read_ip() has it. */
bool text_read_endpoint(const char *text, uint8_t ip[16]);

/* user, or user@host, with the user part of RFC 3261. */
bool text_is_address(const char *text);

/* "20000-20999": two ports from 1024 on, the first even and the last above it. */
bool text_is_port_range(const char *text);
bool text_read_port_range(const char *text, uint16_t *first, uint16_t *last);

/* How many letters must be put in, taken out or changed to make B of A (Levenshtein), without
 * regard to case; MOST + 1 if it is more than MOST. */
uint32_t text_distance(const char *a, const char *b, uint32_t most);

#endif

/* versity.h - the SIP server field of a Spectralink Versity. */
#ifndef CONFIG_VERSITY_H
#define CONFIG_VERSITY_H

#include <stdbool.h>
#include <stdint.h>

#include "config/arena.h"
#include "keepline/keepline.h"

/* "domain; serverspec1; ..." taken apart.  Each is a host name or IP address, in the order of rank:
 * the first spec is P1. */
struct versity_field {
	const char
		*domain; /* of the address-of-record; with specs of its own it is not looked up */
	const char **specs;
	uint32_t spec_count; /* 1 to KL_SPECS_MAX */
};

/* Reads TEXT (PROBE-1, Spectralink CS-18-10).  False: it is none, and FIELD is undefined. */
bool versity_read_field(const char *text, struct arena *arena, struct versity_field *field);

#endif

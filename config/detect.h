/* detect.h - what kind of configuration file some bytes are. */
#ifndef CONFIG_DETECT_H
#define CONFIG_DETECT_H

#include <stddef.h>

enum config_kind {
	CONFIG_KIND_UNKNOWN,
	CONFIG_KIND_EMPTY,
	CONFIG_KIND_XML,     /* Polycom, Poly, Spectralink 84-Series */
	CONFIG_KIND_FLAT,    /* name="value" lines of a Polycom guide, without a tag around them */
	CONFIG_KIND_YEALINK, /* key = value, or include:config */
	CONFIG_KIND_VERSITY, /* key = value, of versity.x */
};

/* The name of the first known parameter decides, or the first line. */
enum config_kind config_detect(const char *bytes, size_t size);

#endif

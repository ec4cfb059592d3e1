/* inside.h - what the native files say of the endpoints behind the lines (AGENT-1 to AGENT-12). */
#ifndef CONFIG_INSIDE_H
#define CONFIG_INSIDE_H

#include <stdbool.h>
#include <stdint.h>

#include "keepline/keepline.h"

enum {
	CONFIG_ENDPOINTS_MAX = 4096,    /* some for each line that there may be */
	CONFIG_INSIDE_PORT = 5070,      /* 5060 is the outside's, on all addresses */
	CONFIG_INSIDE_REQUESTS = 10000, /* 500 calls in a second that ring for 20 s each */
	CONFIG_INSIDE_REQUESTS_MAX = 1000000,
};

/* What an endpoint is told while no server answers (AGENT-8). */
#define CONFIG_WHENS_OUT(X)                                                                        \
	X(CONFIG_STAY, "stay")     /* it stays registered, and its calls are answered 503 */       \
	X(CONFIG_REFUSE, "refuse") /* its registration is refused */

/* Which digests are offered to it: many give up at the sight of one that they don't know,
 * baresip 1.0 among them. */
#define CONFIG_DIGESTS(X)                                                                          \
	X(CONFIG_DIGEST_MD5, "md5")                                                                \
	X(CONFIG_DIGEST_BOTH, "both")                                                              \
	X(CONFIG_DIGEST_SHA256, "sha-256")

#define CONFIG_VALUE(name, text) name,
enum config_when_out { CONFIG_WHENS_OUT(CONFIG_VALUE) };
enum config_digest { CONFIG_DIGESTS(CONFIG_VALUE) };
#undef CONFIG_VALUE

/* One softphone, desk phone or PBX. */
struct config_endpoint {
	const char *name;     /* what it registers as; no other endpoint has it */
	const char *password; /* NULL: it is known by its address.  Never to be printed */
	const char *address;  /* where it is without registering, as `local`; NULL: nowhere */
	enum kl_transport transport; /* that goes with `address` */
	const uint32_t *lines;       /* indices in the configuration; no two are the same */
	uint32_t line_count;         /* 1 at least */
	uint64_t key;                /* of its name: the same after a reload and a restart */
};

struct config_inside {
	bool is_set;        /* a file has the section, and an endpoint that can be served */
	const char *listen; /* an address, with a port if need be */
	const char *realm;
	const char *journal; /* the path of a file; NULL: nothing outlives the process */
	enum config_when_out when_out;
	enum config_digest digest;
	bool replaces_loopback; /* AGENT-11 */
	uint32_t requests_max;  /* of all endpoints, under way to servers at one time */
	const struct config_endpoint *endpoints;
	uint32_t endpoint_count;
};

#endif

/* parameter.h - the rows of parameters.def: names, kinds, ranges. */
#ifndef CONFIG_PARAMETER_H
#define CONFIG_PARAMETER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/arena.h"
#include "keepline/keepline.h"

/* Whose words a parameter is of. */
enum parameter_dialect { DIALECT_POLY, DIALECT_YEALINK, DIALECT_VERSITY, DIALECTS };

/* Where a parameter can stand.  In a prefix, x is the line and y the server entry.  Of the places
 * that apply to an entry the first that is set rules (PROF-2); those of a proxy apply to the
 * entries that go through one.  Polycom EA 66546 (2012): reg over voIpProt, outboundProxy over
 * server.  Decision: voIpProt.SIP.outboundProxy over reg.x.server.y.  Which account uses a
 * template is not known, so what stands there has no effect. */
#define PARAMETER_PLACES(X)                                                                        \
	X(LINE_PROXY, POLY, "reg.x.outboundProxy.")                                                \
	X(SITE_PROXY, POLY, "voIpProt.SIP.outboundProxy.")                                         \
	X(LINE_SERVER, POLY, "reg.x.server.y.")                                                    \
	X(LINE, POLY, "reg.x.")                                                                    \
	X(SITE_SERVER, POLY, "voIpProt.server.y.")                                                 \
	X(SITE_SIP, POLY, "voIpProt.SIP.")                                                         \
	X(SITE, POLY, "")                                                                          \
	X(ACCOUNT_PROXY, YEALINK, "account.x.outbound_proxy.y.")                                   \
	X(ACCOUNT_SERVER, YEALINK, "account.x.sip_server.y.")                                      \
	X(TEMPLATE_SERVER, YEALINK, "template.x.sip_server.y.")                                    \
	X(ACCOUNT_PROXIED, YEALINK, "account.x.")                                                  \
	X(ACCOUNT, YEALINK, "account.x.")                                                          \
	X(YEALINK_SITE, YEALINK, "")                                                               \
	X(VERSITY, VERSITY, "versity.x.")

enum parameter_place {
#define X(place, dialect, prefix) PLACE_##place,
	PARAMETER_PLACES(X)
#undef X
		PLACES
};

enum parameter_kind {
	KIND_BOOL,      /* 0 or 1 */
	KIND_COUNT,     /* a number without unit */
	KIND_MS,        /* milliseconds */
	KIND_SECONDS,   /* seconds; milliseconds in a policy */
	KIND_DECIMAL,   /* seconds with up to three decimals; as a number, milliseconds */
	KIND_TRANSPORT, /* from here to KIND_NAPTR_FLAG one of a few words */
	KIND_TRANSPORT_NUMBER,
	KIND_TRANSPORT_WORD,
	KIND_FAILBACK, /* enum kl_failback_mode */
	KIND_FAILBACK_NUMBER,
	KIND_STATIC_FIRST, /* enum kl_static_first */
	KIND_LINE_TYPE,
	KIND_INTEROP,
	KIND_NAPTR_FLAG,
	KIND_TEXT,
	KIND_SECRET,       /* a text that is never shown */
	KIND_HOST,         /* a domain name or IP address, made lower case */
	KIND_IPV4,         /* an address as four numbers */
	KIND_AOR,          /* user, or user@host */
	KIND_SERVER_FIELD, /* a Versity's (config/versity.h) */
};

/* What is done with it. */
enum parameter_use { USE_SETTING, USE_POLICY, USE_INERT };

/* Rows that the reader names; the inert ones follow them in the table. */
enum parameter_id {
#define CONFIG_POLICY(id, ...) PARAMETER_##id,
#define CONFIG_SETTING(id, ...) PARAMETER_##id,
#define CONFIG_INERT(...)
#define CONFIG_CLAMP(...)
#define CONFIG_OLDER(...)
#include "config/parameters.def"
	PARAMETERS_NAMED
};

struct parameter {
	const char *suffix;
	enum parameter_use use;
	enum parameter_kind kind;
	uint32_t places; /* bit (1 << enum parameter_place) for each */
	uint32_t least, most;
	enum kl_policy_field field, also; /* USE_POLICY */
	const char *unset;                /* the others: the value where no file sets it */
	const char *meaning, *source;
};

/* One parameter of one line and entry. */
struct parameter_key {
	uint16_t id;   /* index of the row */
	uint16_t x;    /* line; 0: none */
	uint8_t y;     /* server entry, or the n of the suffix; 0: none, or each entry */
	uint8_t place; /* enum parameter_place */
	uint8_t older; /* not 0: said by an older name, of that number */
};

/* A value as its kind reads it. */
struct parameter_value {
	const char *text; /* trimmed; a word of a fixed set in its usual spelling */
	/* 0 of a text; of a word the enum that it stands for. */
	uint32_t number;
};

enum parameter_match { MATCH_FOUND, MATCH_INDEX, MATCH_NONE };

/* RESET: a Yealink file takes a value back; parameter_read() does not know it. */
enum parameter_check { CHECK_GOOD, CHECK_CLAMPED, CHECK_WRONG, CHECK_RESET };

size_t parameter_count(void);
const struct parameter *parameter_get(size_t id);
enum parameter_dialect parameter_dialect(size_t id);

/* Is KIND one of a few words? */
bool parameter_is_word(enum parameter_kind kind);

/* What a place's names begin with, with the letters x and y. */
const char *parameter_prefix(enum parameter_place place);

/* Which parameter NAME is, without regard to case.  MATCH_INDEX: it would be one, but for an
 * index out of range; KEY has the row and place. */
enum parameter_match parameter_find(const char *name, struct parameter_key *key);

/* The name that an unknown NAME was probably meant to be, with its numbers; NULL: none is near. */
const char *parameter_suggest(const char *name, struct arena *arena);

/* Reads TEXT as ID's kind.  Text of VALUE is taken from ARENA.  CHECK_CLAMPED: out of range, and
 * VALUE is the documented replacement. */
enum parameter_check parameter_read(size_t id, const char *text, struct arena *arena,
				    struct parameter_value *value);

/* The full name with KEY's numbers, or the pattern with its letters where they are 0. */
const char *parameter_name(const struct parameter_key *key, struct arena *arena);

/* What values are permitted: "10 to 120 seconds". */
const char *parameter_range(size_t id, struct arena *arena);

/* The number of a policy field in the parameter's words: 60000 is "60". */
const char *parameter_text(size_t id, uint32_t policy_number, struct arena *arena);

/* VALUE as its policy field has it. */
uint32_t parameter_policy_number(size_t id, uint32_t number);

#endif

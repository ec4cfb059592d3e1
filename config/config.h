/* config.h - vendor configuration files in, the engine's configuration and the accounts out.
 *
 *	struct config *config;
 *	int error = config_load(&options, &config);     0: there are lines to run
 *	print config->diagnostics, whatever the result
 *	kl_engine_init(e, size, &config->engine, seed, now)
 *	config_free(config);                            after the engine is done with
 *
 * Reads the files that provision Polycom, Poly and Spectralink 84-Series phones (XML), Yealink
 * phones (KEY = VALUE), the settings of a Spectralink Versity, and native YAML files
 * (docs/configuration.md).  What kind a file is, is found
 * from its content.  config/parameters.def lists what is known of them.
 *
 * Ownership  Everything that a config points to lives in it, until config_free().
 * Errors     Problems of the files are diagnostics, all found in one run.  Each names file, line
 *            and parameter where there is one, and never the value of a password.  Memory that
 *            runs out aborts the program: what is taken is bounded by the size of the files.
 */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "config/inside.h"
#include "keepline/keepline.h"

enum {
	CONFIG_FILE_MAX = 4 << 20,    /* bytes of one file */
	CONFIG_LINES_MAX = 10000,     /* reg.1 to reg.10000; so with account.x and versity.x */
	CONFIG_TEXT_MAX = 255,        /* bytes of one text value */
	CONFIG_EVENT_MAX = 63,        /* bytes of an event's name */
	CONFIG_DIAGNOSTICS_MAX = 200, /* kept; the last tells how many more there were */
};

struct config_options {
	/* In order: of Polycom files the first to set a parameter wins (CONF-1), of Yealink files
	 * the last (CONF-3).  A folder stands for MAC.cfg in it, or 000000000000.cfg. */
	const char *const *files;
	uint32_t file_count;
	/* The name of one, without regard to case, for all lines; NULL: "poly", "yealink" or
	 * "versity", as a line's file is, or
	 * what a native file says. */
	const char *profile;
	bool strict; /* values out of range are errors, not warnings (PROF-4) */
	/* The phone's own, for [PHONE_MAC_ADDRESS], [PHONE_MODEL] and files by their name; NULL:
	 * not known.  Without `mac` a master file called MAC.cfg tells it. */
	const char *mac, *model;
	/* A Versity's SIP server field, with or without EXTENSION@ before it: one more line.
	 * NULL: none. */
	const char *versity;
};

enum config_severity { CONFIG_WARNING, CONFIG_ERROR };

/* One problem.  config_format_diagnostic() makes it one line of text. */
struct config_diagnostic {
	enum config_severity severity;
	const char *file;      /* NULL: of no file */
	uint32_t line, column; /* from 1; 0: not known */
	const char *parameter; /* NULL: of no parameter */
	const char *text;      /* one sentence, which does not repeat the above */
};

/* What SIP needs to know of one server entry, beside the engine's kl_entry_config. */
struct config_entry {
	uint32_t number;      /* the y of server.y */
	const char *server;   /* the server's own address, lower case: registrar and request URI */
	uint16_t server_port; /* 0: not given */
	bool via_outbound_proxy; /* kl_entry_config.name is the proxy's, not `server` */
	bool registers;
	bool tells_epid; /* the From of all requests names this phone (FALL-7) */
};

/* One effective value of a line (PROF-1). */
struct config_value {
	const char *name;  /* the parameter that ruled; unset: the one that would rule first */
	const char *value; /* in the parameter's unit; a password's is "(not shown)" */
	const char *from;  /* "FILE:LINE", "profile NAME", or "default" */
	uint32_t entry;    /* index of the server entry that it is for, or CONFIG_WHOLE_LINE */
	/* The policy fields that it sets, KL_POLICY_none where there is none. */
	enum kl_policy_field field, also;
	uint16_t id; /* without a field: the row of parameters.def */
	bool set;    /* by a file */
};

#define CONFIG_WHOLE_LINE UINT32_MAX

/* One subscription that a line is to have. */
struct config_subscription {
	const char *event; /* "message-summary" */
	const char
		*resource;   /* a SIP URI, user@host, or a user of the domain; "": the line's own */
	uint32_t expires_ms; /* the time to ask for */
};

/* What becomes of a call that comes. */
#define CONFIG_INCOMINGS(X)                                                                        \
	X(CONFIG_INCOMING_RING, "ring")     /* until somebody answers it by command */             \
	X(CONFIG_INCOMING_ANSWER, "answer") /* by itself */                                        \
	X(CONFIG_INCOMING_REJECT, "reject")

#define CONFIG_INCOMING_VALUE(name, text) name,
enum config_incoming { CONFIG_INCOMINGS(CONFIG_INCOMING_VALUE) };
#undef CONFIG_INCOMING_VALUE

/* How a line deals with its own calls; native files alone say it. */
struct config_calls {
	enum config_incoming incoming;
	uint32_t answer_after_ms; /* ANSWER */
	uint16_t reject_status;   /* REJECT: 400..699 */
	uint32_t calls_max;       /* at one time; another one that comes is answered 486 */
	uint32_t ring_ms;         /* then it is answered 480 */
	uint32_t session_ms;      /* asked for (RFC 4028); 0: none */
	const char *play;         /* a WAV file that a call hears that came; NULL: none */
	uint32_t tone_hz;         /* or a tone; 0: none */
	bool symmetric_rtp;       /* audio goes where it comes from (RFC 4961) */
	bool early_media;         /* PLAY or the tone is heard while a call that came rings */
	bool prefer_100rel;       /* provisional answers are reliable where the caller knows that */
	uint16_t audio_port_first, audio_port_last; /* both 0: those of media.h */
};

/* One account.  Lines of Polycom files come first, then Yealink's, then Versity's. */
struct config_line {
	uint32_t number; /* the x of reg.x or account.x; if a line before has it, the next free */
	enum kl_profile profile;
	const char *user, *domain; /* address-of-record: sip:USER@DOMAIN; IPv6 is in brackets */
	const char *display_name;  /* "" if not set, as the label */
	const char *label;
	const char *auth_user;         /* USER unless set */
	const char *auth_password;     /* "" if not set.  Never to be printed */
	bool shared;                   /* a call first seizes the line (SUBS-3) */
	uint32_t subscribe_expires_ms; /* of subscriptions that do not say it themselves */
	const struct config_subscription *subscriptions;
	uint32_t subscription_count;
	struct config_calls calls;
	const struct config_entry *entries; /* as many as the engine's line has */
	const struct config_value *values;
	uint32_t value_count;
};

/* What the options and native files say of the device as a whole; NULL and 0 where they say
 * nothing. */
struct config_device {
	const char *mac;     /* 12 hexadecimal digits, lower case */
	const char *local;   /* where to send and receive: an address, with a port if need be */
	const char *control; /* the path of the control socket */
	const char *state;   /* the path of the state file */
	const char *const *resolvers; /* DNS servers: as `local` */
	uint32_t resolver_count;
	const char *resolvers_from;   /* "FILE:LINE" of the list */
	const char *const *emergency; /* numbers */
	uint32_t emergency_count;
	struct {
		const char *ca_file, *cert, *key; /* paths of PEM files */
		bool verify;                      /* true unless a file says no */
		const char *verify_from;          /* "FILE:LINE" of what says so */
	} tls;
};

/* The bytes of a keep-alive (KEEP-1), without escapes. */
struct config_keepalive {
	const char *udp, *tcp;
};

struct config {
	/* Ready for kl_engine_init(): all transports, IPv4 and IPv6, limits by kl_limits_default(),
	 * with room for the subscriptions of the lines on top.
	 * The host may narrow transports and families before.  Entries with equal policies share
	 * one. */
	struct kl_config engine;
	struct config_device device;
	struct config_inside inside;
	struct config_keepalive keepalive;
	const struct config_line *lines;             /* engine.line_count of them */
	const struct config_diagnostic *diagnostics; /* by file and line */
	uint32_t diagnostic_count;
	uint32_t files_read;        /* to their end */
	uint32_t error_count;       /* diagnostics of CONFIG_ERROR, those left out included */
	struct config_store *store; /* what it all lives in: private */
};

/* Loads the files.  *CONFIG is always made, and must be freed.
 * 0: at least one line is complete; those that are not are left out, with an error each.
 * KL_EINVAL: no line can be run, the diagnostics say why. */
int config_load(const struct config_options *options, struct config **config);
void config_free(struct config *config); /* NULL is fine */

/* Writes "FILE:LINE:COLUMN: warning: PARAMETER: TEXT", cut to SIZE.  Returns TO. */
char *config_format_diagnostic(char *to, size_t size, const struct config_diagnostic *diagnostic);

#endif

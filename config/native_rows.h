/* native_rows.h - the native file as structs, which the tables of native_rows.c fill. */
#ifndef CONFIG_NATIVE_ROWS_H
#define CONFIG_NATIVE_ROWS_H

#include "config/native.h"
#include "config/native_inside.h"

enum {
	NATIVE_RECORDS_MAX = 4 * KL_STATIC_RECORDS_MAX, /* A, AAAA, SRV, NAPTR */
	NATIVE_RESOLVERS_MAX = 8,                       /* as many as the DNS client asks */
	NATIVE_EMERGENCY_MAX = 32,
	NATIVE_SUBSCRIPTIONS_MAX = 128, /* of a line: as many as an attendant's keys */
};

struct native_policy {
	struct position at;
	struct yaml_leaf fields[KL_POLICY_FIELDS];
};

struct native_proxy {
	struct position at;
	struct yaml_leaf address, port, transport;
};

struct native_server {
	struct position at;
	struct yaml_leaf name, port, transport, registers, use_outbound_proxy, epid;
	struct yaml_list more_names; /* of leaves */
	const struct native_policy *policy;
};

struct native_subscription {
	struct position at;
	struct yaml_leaf event, resource, expires;
};

struct native_calls {
	struct position at;
	struct yaml_leaf incoming, answer_after, reject_status, max, ring_time, session_expires,
		play, tone, symmetric_rtp, early_media, prefer_100rel, audio_ports;
};

struct native_line {
	struct position at;
	struct yaml_leaf line, profile, group, shared;
	struct yaml_leaf user, domain, display_name, label, auth_user;
	struct yaml_leaf password, password_file, password_env;
	const struct native_proxy *outbound_proxy;
	const struct native_policy *policy;
	const struct native_calls *calls;
	struct yaml_list servers;       /* of struct native_server */
	struct yaml_list subscriptions; /* of struct native_subscription */
};

struct native_record {
	struct position at;
	struct yaml_leaf name, type, ttl;
	struct yaml_leaf address;                        /* A, AAAA */
	struct yaml_leaf target, port, priority, weight; /* SRV */
	struct yaml_leaf service, order, preference;     /* NAPTR, with `target` */
};

struct native_tls {
	struct position at;
	struct yaml_leaf ca_file, cert, key, verify;
};

struct native_file {
	struct position at;
	struct yaml_leaf profile, local, control, state;
	struct yaml_list resolvers, emergency; /* of leaves */
	struct yaml_list dns;                  /* of struct native_record */
	struct yaml_list lines;                /* of struct native_line */
	const struct native_tls *tls;
	const struct native_inside *inside;
	const struct native_policy *policy;
};

/* Record types by the place of their word. */
extern const enum kl_record_type native_record_types[];

/* An item of a list of records: of struct native_record. */
extern const struct yaml_row native_record_item;

/* Makes a record of what a file says.  False: it lacks something, which is told. */
bool native_read_record(struct config_store *store, const struct native_record *from,
			struct kl_static_record *to);

#endif

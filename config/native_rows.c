/* native_rows.c - the keys of the native file: types, ranges, and a sentence each. */
#include "config/native_rows.h"

#include <stdio.h>
#include <string.h>

#include "config/policy_words.h"
#include "config/text.h"

#define WORD(name, text) text,
static const char *const profiles[] = {KL_PROFILES_TABLE(WORD)};
#undef WORD

const enum kl_record_type native_record_types[] = {KL_A, KL_AAAA, KL_SRV, KL_NAPTR};
static const char *const record_types[] = {"A", "AAAA", "SRV", "NAPTR"};

/* In the order of enum kl_transport_choice. */
#define WORD(name, text) text,
static const char *const transports[] = {KL_TRANSPORT_CHOICES(WORD)};
#undef WORD
static const char *const services[] = {"SIP+D2U", "SIP+D2T", "SIPS+D2T"};

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static bool is_user(const char *text)
{
	return text_is_address(text) && !strchr(text, '@');
}

static bool is_number(const char *text)
{
	return text[strspn(text, "0123456789*#+")] == '\0';
}

/* How rows begin: the key, its destination in the struct that the table is for, its sentence. */
#define KEY(of, name, says) .key = #name, .offset = offsetof(of, name), .meaning = says
#define TEXT(max) .type = YAML_TEXT, .least = 1, .most = max
#define PATH TEXT(4095), .expected = "the path of a file"
#define HOST                                                                                       \
	TEXT(KL_NAME_MAX), .accepts = text_is_host,                                                \
			   .expected = "a host name or IP address, without port"
#define ENDPOINT                                                                                   \
	TEXT(CONFIG_TEXT_MAX),                                                                     \
		.accepts = text_is_endpoint,                                                       \
		.expected =                                                                        \
			"an IP address, with a port if need be: 192.0.2.1:53 or [2001:db8::1]:53"
#define PORT .type = YAML_NUMBER, .most = 65535
#define WORDS(list) .type = YAML_WORD, .words = (list), .most = COUNT_OF(list) - 1
#define PROFILE .type = YAML_WORD, .words = profiles, .most = KL_PROFILES - 1
#define MAP(of) .type = YAML_MAP, .table = &(of)

#define PROXY_KEY(name, says) KEY(struct native_proxy, name, says)
static const struct yaml_row proxy_rows[] = {
	{PROXY_KEY(address, "where all requests of the line go, whatever the server"), HOST},
	{PROXY_KEY(port, "0 or left out: the DNS says"), PORT},
	{PROXY_KEY(transport, "how the transport is found (default naptr)"), WORDS(transports)},
};
static const struct yaml_table proxy_table = {proxy_rows, COUNT_OF(proxy_rows),
					      sizeof(struct native_proxy)};

/* One row a policy field, made from policy.def by make_policy_rows(). */
static struct yaml_row policy_rows[KL_POLICY_FIELDS - 1];
static const struct yaml_table policy_table = {policy_rows, COUNT_OF(policy_rows),
					       sizeof(struct native_policy)};

static const struct yaml_row name_item = {HOST};

#define SERVER_KEY(name, says) KEY(struct native_server, name, says)
static const struct yaml_row server_rows[] = {
	{SERVER_KEY(name, "the server's domain name or IP address"), HOST},
	{SERVER_KEY(more_names,
		    "further names whose addresses are candidates too, ranked behind it "
		    "in this order (none through a proxy)"),
	 .type = YAML_LIST, .least = 1, .most = KL_SPECS_MAX - 1, .item = &name_item},
	{SERVER_KEY(port, "0 or left out: the DNS says"), PORT},
	{SERVER_KEY(transport, "how the transport is found (default naptr)"), WORDS(transports)},
	{SERVER_KEY(registers, "the line registers with this server (default true)"),
	 .type = YAML_BOOL},
	{SERVER_KEY(use_outbound_proxy, "requests to it go through the outbound proxy, if there is "
					"one (default true)"),
	 .type = YAML_BOOL},
	{SERVER_KEY(epid, "the From of all requests to it names this phone (default false)"),
	 .type = YAML_BOOL},
	{SERVER_KEY(policy, "policy values of this server alone"), MAP(policy_table)},
};
static const struct yaml_table server_table = {server_rows, COUNT_OF(server_rows),
					       sizeof(struct native_server)};
static const struct yaml_row server_item = {MAP(server_table)};

static bool is_event(const char *text)
{
	static const char TOKEN[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789-.!%*_+`'~";
	return text[strspn(text, TOKEN)] == '\0';
}

#define SUBSCRIPTION_KEY(name, says) KEY(struct native_subscription, name, says)
static const struct yaml_row subscription_rows[] = {
	{SUBSCRIPTION_KEY(event, "what is asked for: message-summary, dialog, presence, or any "
				 "other event that the server has"),
	 TEXT(CONFIG_EVENT_MAX), .accepts = is_event,
	 .expected = "the name of an event: letters, digits, - and the like"},
	{SUBSCRIPTION_KEY(resource, "of whom: user@host, or a user of the line's domain "
				    "(default: the line itself)"),
	 TEXT(CONFIG_TEXT_MAX), .accepts = text_is_address, .expected = "user or user@host"},
	{SUBSCRIPTION_KEY(expires, "the time to ask for (default: subscribe.expires of a vendor's "
				   "file, or 1h)"),
	 .type = YAML_DURATION, .least = 10000, .most = 2147483000},
};
static const struct yaml_table subscription_table = {subscription_rows, COUNT_OF(subscription_rows),
						     sizeof(struct native_subscription)};
static const struct yaml_row subscription_item = {MAP(subscription_table)};

#define WORD(name, text) text,
static const char *const incomings[] = {CONFIG_INCOMINGS(WORD)};
#undef WORD

#define CALLS_KEY(name, says) KEY(struct native_calls, name, says)
static const struct yaml_row calls_rows[] = {
	{CALLS_KEY(incoming, "what becomes of a call that comes: it rings until it is answered by "
			     "command, is answered, or rejected (default ring)"),
	 WORDS(incomings)},
	{CALLS_KEY(answer_after, "with incoming: answer, how long it rings before (default 0)"),
	 .type = YAML_DURATION, .most = 180000},
	{CALLS_KEY(reject_status, "with incoming: reject, the SIP status (default 486)"),
	 .type = YAML_NUMBER, .least = 400, .most = 699},
	{CALLS_KEY(max, "calls at one time; another one that comes is answered 486 (default 24)"),
	 .type = YAML_NUMBER, .least = 1, .most = 1000},
	{CALLS_KEY(ring_time, "how long a call rings; then it is answered 480 (default 3m)"),
	 .type = YAML_DURATION, .least = 1000, .most = 600000},
	{CALLS_KEY(session_expires, "the session timer asked for, at least 90s; 0: none unless the "
				    "far end wants one (default 30m)"),
	 .type = YAML_DURATION, .most = 86400000},
	{CALLS_KEY(play, "a WAV file (8 kHz, 1 channel) that who called hears, again and again"),
	 PATH},
	{CALLS_KEY(tone, "or a tone, in Hz"), .type = YAML_NUMBER, .least = 100, .most = 3800},
	{CALLS_KEY(symmetric_rtp, "audio goes where the first of it comes from, for far ends "
				  "behind a NAT (default false)"),
	 .type = YAML_BOOL},
	{CALLS_KEY(early_media, "play, or tone, is heard while a call that came rings (default "
				"false)"),
	 .type = YAML_BOOL},
	{CALLS_KEY(prefer_100rel, "that it rings is told reliably (RFC 3262) to callers that know "
				  "how, not just to those that require it (default false)"),
	 .type = YAML_BOOL},
	{CALLS_KEY(audio_ports, "the UDP ports of which each call takes an even one and the next, "
				"for RTP and RTCP (default 16384-32767)"),
	 TEXT(11), .accepts = text_is_port_range,
	 .expected = "two ports, the first one even, as in 20000-20999"},
};
static const struct yaml_table calls_table = {calls_rows, COUNT_OF(calls_rows),
					      sizeof(struct native_calls)};

#define LINE_KEY(name, says) KEY(struct native_line, name, says)
static const struct yaml_row line_rows[] = {
	{LINE_KEY(line, "its number, reg.N in a vendor's file (default: its place in the list)"),
	 .type = YAML_NUMBER, .least = 1, .most = CONFIG_LINES_MAX},
	{LINE_KEY(profile, "rules and defaults of the line (default: those of the file)"), PROFILE},
	{LINE_KEY(group, "lines of one group fail back when none of them has a call (default 0)"),
	 .type = YAML_NUMBER, .most = UINT16_MAX},
	{LINE_KEY(user, "the user part of the line's address"), TEXT(CONFIG_TEXT_MAX),
	 .accepts = is_user, .expected = "the user part of a SIP address, without @"},
	{LINE_KEY(domain, "the domain of the line's address (default: the first server's name)"),
	 HOST},
	{LINE_KEY(display_name, "the name that people called see"), TEXT(CONFIG_TEXT_MAX)},
	{LINE_KEY(label, "what the line is called in the status"), TEXT(CONFIG_TEXT_MAX)},
	{LINE_KEY(auth_user, "user name in answers to challenges (default: user)"),
	 TEXT(CONFIG_TEXT_MAX)},
	{LINE_KEY(password, "password in answers to challenges"), .type = YAML_SECRET, .least = 1,
	 .most = CONFIG_TEXT_MAX},
	{LINE_KEY(password_file, "or the file whose first line it is"), PATH},
	{LINE_KEY(password_env, "or the environment variable that holds it"),
	 TEXT(CONFIG_TEXT_MAX)},
	{LINE_KEY(shared, "calls first seize the line, whose call-info is subscribed to (default "
			  "false)"),
	 .type = YAML_BOOL},
	{LINE_KEY(subscriptions, "what the line wants to be told by its server"), .type = YAML_LIST,
	 .least = 1, .most = NATIVE_SUBSCRIPTIONS_MAX, .item = &subscription_item},
	{LINE_KEY(outbound_proxy, "the outbound proxy"), MAP(proxy_table)},
	{LINE_KEY(policy, "policy values of this line"), MAP(policy_table)},
	{LINE_KEY(calls, "how the line deals with calls of its own"), MAP(calls_table)},
	{LINE_KEY(servers, "the server entries, the primary one first"), .type = YAML_LIST,
	 .least = 1, .most = KL_ENTRIES_MAX, .item = &server_item},
};
static const struct yaml_table line_table = {line_rows, COUNT_OF(line_rows),
					     sizeof(struct native_line)};
static const struct yaml_row line_item = {MAP(line_table)};

#define RECORD_KEY(name, says) KEY(struct native_record, name, says)
static const struct yaml_row record_rows[] = {
	{RECORD_KEY(name, "the name that is asked for"), HOST},
	{RECORD_KEY(type, "the record's type"), WORDS(record_types)},
	{RECORD_KEY(ttl, "how long it serves; then the DNS is asked again (default 5m)"),
	 .type = YAML_DURATION, .most = 30u * 86400000},
	{RECORD_KEY(address, "of A and AAAA"), TEXT(45), .accepts = text_is_ip,
	 .expected = "an IP address"},
	{RECORD_KEY(target, "of SRV its server, of NAPTR the name to ask for next"), HOST},
	{RECORD_KEY(port, "of SRV (0: the transport's own)"), PORT},
	{RECORD_KEY(priority, "of SRV, lower ones first"), PORT},
	{RECORD_KEY(weight, "of SRV, its share within a priority"), PORT},
	{RECORD_KEY(service, "of NAPTR, what it leads to"), WORDS(services)},
	{RECORD_KEY(order, "of NAPTR, lower ones first"), PORT},
	{RECORD_KEY(preference, "of NAPTR, within an order"), PORT},
};
static const struct yaml_table record_table = {record_rows, COUNT_OF(record_rows),
					       sizeof(struct native_record)};
const struct yaml_row native_record_item = {MAP(record_table)};

#define TLS_KEY(name, says) KEY(struct native_tls, name, says)
static const struct yaml_row tls_rows[] = {
	{TLS_KEY(ca_file, "certificates of those who may sign a server's (default: the system's)"),
	 PATH},
	{TLS_KEY(cert, "our own certificate, with its chain"), PATH},
	{TLS_KEY(key, "its private key"), PATH},
	{TLS_KEY(verify, "servers must prove their name (default true)"), .type = YAML_BOOL},
};
static const struct yaml_table tls_table = {tls_rows, COUNT_OF(tls_rows),
					    sizeof(struct native_tls)};

static const struct yaml_row resolver_item = {ENDPOINT};
static const struct yaml_row emergency_item = {TEXT(32), .accepts = is_number,
					       .expected = "a number in quotes: digits, * # +"};

#define FILE_KEY(name, says) KEY(struct native_file, name, says)
static const struct yaml_row file_rows[] = {
	{FILE_KEY(profile, "rules and defaults of the lines of this file (default keepline)"),
	 PROFILE},
	{FILE_KEY(local, "send and receive there (default: any address, port 5060)"), ENDPOINT},
	{FILE_KEY(control, "the socket that commands and other programs talk to"), PATH},
	{FILE_KEY(state, "what the DNS answered is kept there, for a start while it is silent"),
	 PATH},
	{FILE_KEY(resolvers, "DNS servers, asked in turn (default: those of /etc/resolv.conf)"),
	 .type = YAML_LIST, .least = 1, .most = NATIVE_RESOLVERS_MAX, .item = &resolver_item},
	{FILE_KEY(dns, "static records, for when the DNS gives none"), .type = YAML_LIST,
	 .least = 1, .most = NATIVE_RECORDS_MAX, .item = &native_record_item},
	{FILE_KEY(emergency, "numbers that are called whatever the state of a shared line"),
	 .type = YAML_LIST, .least = 1, .most = NATIVE_EMERGENCY_MAX, .item = &emergency_item},
	{FILE_KEY(tls, "certificates"), MAP(tls_table)},
	{FILE_KEY(policy, "policy values of all lines, whatever file they stand in"),
	 MAP(policy_table)},
	{FILE_KEY(lines, "the lines"), .type = YAML_LIST, .least = 1, .most = CONFIG_LINES_MAX,
	 .item = &line_item},
	{FILE_KEY(inside, "phones and PBXs that use the lines from behind"),
	 MAP(native_inside_table)},
	{.key = "endpoints",
	 .type = YAML_RESERVED,
	 .meaning = "stand under inside",
	 .expected = "they stand one step deeper, under inside"},
};
static const struct yaml_table file_table = {file_rows, COUNT_OF(file_rows),
					     sizeof(struct native_file)};

static bool is_field(const char *name, size_t length)
{
	for (int i = KL_POLICY_none + 1; i < KL_POLICY_FIELDS; i++) {
		const char *known = kl_policy_describe((enum kl_policy_field)i)->name;
		if (strlen(known) == length && memcmp(known, name, length) == 0)
			return true;
	}
	return false;
}

/* A policy key is the field's name.  A length of time carries its unit in the value, not in the
 * name: t1_ms is t1 and, since there is a dns_restore already, dns_restore_ms is dns_restore_time.
 */
static void make_policy_row(enum kl_policy_field field, struct yaml_row *row)
{
	static char names[KL_POLICY_FIELDS][64];
	const struct kl_policy_info *info = kl_policy_describe(field);
	size_t length = strlen(info->name), bare = length - strlen("_ms");
	bool is_time = length > strlen("_ms") && strcmp(info->name + bare, "_ms") == 0;

	snprintf(names[field], sizeof(names[field]), "%.*s%s", (int)(is_time ? bare : length),
		 info->name, is_time && is_field(info->name, bare) ? "_time" : "");
	*row = (struct yaml_row){
		.key = names[field],
		.type = is_time                           ? YAML_DURATION
			: strcmp(info->type, "bool") == 0 ? YAML_BOOL
							  : YAML_NUMBER,
		.offset = offsetof(struct native_policy, fields) + field * sizeof(struct yaml_leaf),
		.least = info->least,
		.most = info->most,
		.words = policy_words(field),
		.meaning = info->meaning,
	};
	if (row->words)
		row->type = YAML_WORD;
}

const struct yaml_table *native_policy_table(void)
{
	if (!policy_rows[0].key)
		for (size_t i = 0; i < COUNT_OF(policy_rows); i++)
			make_policy_row((enum kl_policy_field)(i + 1), &policy_rows[i]);
	return &policy_table;
}

const struct yaml_table *native_table(void)
{
	native_policy_table();
	return &file_table;
}

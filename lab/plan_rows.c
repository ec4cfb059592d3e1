/* plan_rows.c - the keys of a lab file: types, ranges, and a sentence each. */
#include "lab/plan_rows.h"

#include <string.h>

#include "config/text.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define KEY(of, name, says) .key = #name, .offset = offsetof(struct of, name), .meaning = says
#define TEXT(max) .type = YAML_TEXT, .least = 1, .most = max
#define PORT .type = YAML_NUMBER, .least = 1, .most = 65535
#define NUMBER(max) .type = YAML_NUMBER, .most = max
#define TIME(max) .type = YAML_DURATION, .most = max

enum { DAY_MS = 86400000, TTL_MAX_MS = 7 * DAY_MS, PATH_LENGTH_MAX = 1000 };

#define WORD(name, text) text,
static const char *const profiles[] = {KL_PROFILES_TABLE(WORD)};
#undef WORD

const enum sip_transport plan_transports[] = {SIP_UDP, SIP_TCP, SIP_TLS};
static const char *const transports[] = {"udp", "tcp", "tls"};
static const struct yaml_row transport_item = {
	.type = YAML_WORD, .words = transports, .most = COUNT_OF(transports) - 1};

const uint8_t plan_digests[] = {1u << SIP_DIGEST_MD5, 1u << SIP_DIGEST_SHA256,
				1u << SIP_DIGEST_MD5 | 1u << SIP_DIGEST_SHA256};
static const char *const digests[] = {"md5", "sha-256", "both"};

static bool is_name(const char *text)
{
	return text_is_host(text) && !strchr(text, '.') && !strchr(text, ':') &&
	       strcmp(text, "dns") != 0 && strcmp(text, "all") != 0;
}

static const struct yaml_row server_rows[] = {
	{KEY(plan_server_rows, name,
	     "what it is called, here and in the DNS (default server1 ...)"),
	 TEXT(63), .accepts = is_name, .expected = "a part of a host name, other than dns and all"},
	{KEY(plan_server_rows, address, "an address of this machine"), TEXT(64),
	 .accepts = text_is_ip, .expected = "an IP address"},
	{KEY(plan_server_rows, port, "of UDP and TCP (default 5060)"), PORT},
	{KEY(plan_server_rows, tls_port, "of TLS (default 5061)"), PORT},
	{KEY(plan_server_rows, transports, "udp, tcp, tls (default: all three)"), .type = YAML_LIST,
	 .least = 1, .most = COUNT_OF(transports), .item = &transport_item},
	{KEY(plan_server_rows, priority, "of its SRV records (default 10, 20, 30 ...)"),
	 NUMBER(65535)},
	{KEY(plan_server_rows, weight, "of its SRV records (default 0)"), NUMBER(65535)},
};
static const struct yaml_table server_table = {server_rows, COUNT_OF(server_rows),
					       sizeof(struct plan_server_rows)};
static const struct yaml_row server_item = {.type = YAML_MAP, .table = &server_table};

static const struct yaml_row cue_rows[] = {
	{KEY(plan_cue_rows, at, "how long after the start"), TIME(DAY_MS)},
	{KEY(plan_cue_rows, server, "whom it befalls: a server's name, or dns"), TEXT(63)},
	{KEY(plan_cue_rows, fault, "what befalls it, such as: silent, answers 503 of INVITE, up"),
	 TEXT(LAB_FAULT_TEXT_MAX - 1)},
};
static const struct yaml_table cue_table = {cue_rows, COUNT_OF(cue_rows),
					    sizeof(struct plan_cue_rows)};
static const struct yaml_row cue_item = {.type = YAML_MAP, .table = &cue_table};

static const struct yaml_row dns_rows[] = {
	{KEY(plan_dns_rows, address, "where it answers (default 127.0.1.53:5353)"), TEXT(64),
	 .accepts = text_is_endpoint, .expected = "an IP address, with a port if need be"},
	{KEY(plan_dns_rows, ttl, "time to live of its records (default 5m)"), TIME(TTL_MAX_MS)},
	{KEY(plan_dns_rows, naptr, "are there NAPTR records (default yes)"), .type = YAML_BOOL,
	 .most = 1},
};
static const struct yaml_table dns_table = {dns_rows, COUNT_OF(dns_rows),
					    sizeof(struct plan_dns_rows)};

static const struct yaml_row calls_rows[] = {
	{KEY(plan_calls_rows, ring_after, "from INVITE to 180 (default 150ms)"), TIME(DAY_MS)},
	{KEY(plan_calls_rows, answer_after, "from INVITE to 200 (default 700ms)"), TIME(DAY_MS)},
	{KEY(plan_calls_rows, members_only,
	     "calls are refused with 403 while nobody is registered at the server (default yes)"),
	 .type = YAML_BOOL, .most = 1},
	{KEY(plan_calls_rows, proxied,
	     "calls for a registered user are passed on to his phone (default yes)"),
	 .type = YAML_BOOL, .most = 1},
};
static const struct yaml_table calls_table = {calls_rows, COUNT_OF(calls_rows),
					      sizeof(struct plan_calls_rows)};

static const struct yaml_row plan_rows[] = {
	{KEY(plan_rows, domain, "the name that leads to the servers (default lab.example)"),
	 TEXT(KL_NAME_MAX), .accepts = text_is_host, .expected = "a domain name"},
	{KEY(plan_rows, user, "who may register (default: anybody with the password)"), TEXT(63)},
	{KEY(plan_rows, password, "the password (default: lab-only)"), .type = YAML_SECRET,
	 .least = 1, .most = CONFIG_TEXT_MAX},
	{KEY(plan_rows, digest,
	     "how the password is proved: md5, sha-256, or both, which some phones can't bear "
	     "(default md5)"),
	 .type = YAML_WORD, .words = digests, .most = COUNT_OF(digests) - 1},
	{KEY(plan_rows, expires_max, "the longest registration that is granted (default: any)"),
	 TIME(DAY_MS)},
	{KEY(plan_rows, dns, "the DNS server"), .type = YAML_MAP, .table = &dns_table},
	{KEY(plan_rows, calls, "what becomes of calls"), .type = YAML_MAP, .table = &calls_table},
	{KEY(plan_rows, servers, "the SIP servers (default: three, on 127.0.1.1 to 127.0.1.3)"),
	 .type = YAML_LIST, .least = 1, .most = LAB_SERVERS_MAX, .item = &server_item},
	{KEY(plan_rows, timeline, "what breaks when"), .type = YAML_LIST, .least = 1,
	 .most = LAB_CUES_MAX, .item = &cue_item},
	{KEY(plan_rows, page, "a loopback address with a port for the page in a browser"), TEXT(64),
	 .accepts = text_is_endpoint, .expected = "a loopback address with a port"},
	{KEY(plan_rows, ca, "a file for the certificate of the lab's CA"), TEXT(PATH_LENGTH_MAX),
	 .expected = "the path of a file"},
	{KEY(plan_rows, expect, "the profile that the verdict goes by"), .type = YAML_WORD,
	 .words = profiles, .most = KL_PROFILES - 1},
	{KEY(plan_rows, run, "the lab ends so long after its start (default: when it is stopped)"),
	 TIME(DAY_MS)},
	{KEY(plan_rows, seed, "of the dice for lost messages (default 1)"), NUMBER(UINT32_MAX)},
};
static const struct yaml_table table = {plan_rows, COUNT_OF(plan_rows), sizeof(struct plan_rows)};

const struct yaml_table *lab_plan_table(void)
{
	return &table;
}

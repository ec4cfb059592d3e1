/* check.c - a table of rules: a condition, and what to say where it holds. */
#include "config/check.h"

#include <string.h>

#include "config/provenance.h"
#include "config/store.h"
#include "config/text.h"

/* What a rule looks at. */
struct check {
	const struct config *config;
	const struct check_facts *facts;
	struct arena *arena;
	uint32_t line, entry;           /* indices; 0 where the rule's scope has none */
	const struct kl_policy *policy; /* of that entry */

	/* Set by a condition that holds: what it is about. */
	struct config_value about;
	const char *detail; /* numbers for the sentence; NULL: none */
};

enum scope { OF_DEVICE, OF_LINE, OF_ENTRY };

enum {
	SERVERS_ADVISED = 2,
	TTL_ADVISED_MS = 300000,
	PROBE_SHARE = 10,    /* OWN-5: probes stay under a tenth of the capacity */
	BACKOFF_STEADY = 31, /* failures after which every back-off is the longest */
};

/* ---- what conditions ask ----------------------------------------------------------------------
 */

static const struct config_line *line_of(const struct check *check)
{
	return &check->config->lines[check->line];
}

static const struct kl_line_config *engine_line_of(const struct check *check)
{
	return &check->config->engine.lines[check->line];
}

/* The finding is about the value that rules FIELD. */
static bool about_field(struct check *check, enum kl_policy_field field)
{
	const struct config_value *value =
		config_find_value(check->config, check->line, check->entry, field);
	if (value)
		check->about = *value;
	return value;
}

/* It is about a value that a file sets. */
static bool about_set_field(struct check *check, enum kl_policy_field field)
{
	return about_field(check, field) && check->about.set;
}

/* The first value of an entry that is of row ID or, of any row, TEXT; NULL: none. */
static const struct config_value *find_value(const struct config_line *line, uint32_t entry,
					     enum parameter_id id, const char *text)
{
	for (uint32_t i = 0; i < line->value_count; i++) {
		const struct config_value *value = &line->values[i];
		bool wanted = text ? strcmp(value->value, text) == 0 : value->id == id;
		if (value->field == KL_POLICY_none && value->entry == entry && wanted)
			return value;
	}
	return NULL;
}

/* It is about a setting of an entry.  A vendor that has no such row names the server, or the proxy,
 * by one of its own. */
static bool about_setting(struct check *check, enum parameter_id id, uint32_t entry)
{
	const struct config_line *line = line_of(check);
	const char *server = id == PARAMETER_proxy_address
				     ? engine_line_of(check)->entries[entry].name
				     : line->entries[entry].server;
	const struct config_value *value = find_value(line, entry, id, NULL);
	if (!value)
		value = find_value(line, entry, id, server);
	check->about =
		value ? *value
		      : (struct config_value){.name = "server", .value = server, .from = "default"};
	return true;
}

static bool uses_streams(const struct check *check)
{
	uint8_t choice = engine_line_of(check)->entries[check->entry].transport_choice;
	return choice == KL_CHOOSE_TCP || choice == KL_CHOOSE_TLS ||
	       choice == KL_CHOOSE_TCP_PREFERRED;
}

static bool about_transport(struct check *check)
{
	bool proxy = line_of(check)->entries[check->entry].via_outbound_proxy;
	return about_setting(check, proxy ? PARAMETER_proxy_transport : PARAMETER_server_transport,
			     check->entry);
}

static bool has_name(const struct kl_entry_config *entry)
{
	for (uint32_t i = 0; i < entry->more_count; i++)
		if (!text_is_ip(entry->more_names[i]))
			return true;
	return !text_is_ip(entry->name);
}

static bool needs_dns(const struct check *check)
{
	for (uint32_t i = 0; i < check->config->engine.line_count; i++)
		for (uint32_t j = 0; j < check->config->engine.lines[i].entry_count; j++)
			if (has_name(&check->config->engine.lines[i].entries[j]))
				return true;
	return false;
}

/* ---- conditions: several servers ---------------------------------------------------------------
 */

static bool has_many_servers(struct check *check)
{
	return engine_line_of(check)->entry_count > SERVERS_ADVISED &&
	       about_setting(check, PARAMETER_server_address, SERVERS_ADVISED);
}

static bool has_proxy_with_fallback(struct check *check)
{
	const struct config_entry *entries = line_of(check)->entries;
	if (engine_line_of(check)->entry_count < 2)
		return false;
	for (uint32_t i = 0; i < engine_line_of(check)->entry_count; i++)
		if (entries[i].via_outbound_proxy)
			return about_setting(check, PARAMETER_proxy_address, i);
	return false;
}

static bool has_fallback_behind_proxy(struct check *check)
{
	return check->entry > 0 && line_of(check)->entries[check->entry].via_outbound_proxy &&
	       about_setting(check, PARAMETER_server_address, check->entry);
}

static bool has_fallback(struct check *check)
{
	return engine_line_of(check)->entry_count > 1 &&
	       about_setting(check, PARAMETER_server_address, 1);
}

static bool has_lcs_with_concurrent(struct check *check)
{
	const struct config_line *line = line_of(check);
	uint32_t registering = 0;
	for (uint32_t i = 0; i < engine_line_of(check)->entry_count; i++)
		registering += line->entries[i].registers;
	return registering > 1 && !engine_line_of(check)->entries[0].policy->successive &&
	       line->entries[check->entry].tells_epid &&
	       about_setting(check, PARAMETER_server_lcs, check->entry);
}

/* ---- conditions: names ------------------------------------------------------------------------
 */

static bool has_short_ttl(struct check *check)
{
	kl_ms ttl_ms = check->facts->ttls_ms ? check->facts->ttls_ms[check->line] : KL_NEVER;
	if (ttl_ms >= TTL_ADVISED_MS || !about_setting(check, PARAMETER_server_address, 0))
		return false;
	check->detail = arena_format(check->arena, "the shortest is %llu s",
				     (unsigned long long)(ttl_ms / 1000));
	return true;
}

static bool about_resolvers(struct check *check)
{
	check->about = (struct config_value){
		.name = "resolvers",
		.value = arena_format(check->arena, "%u", check->facts->resolver_count),
		.from = check->facts->resolvers_from};
	return true;
}

static bool has_one_resolver(struct check *check)
{
	return check->facts->resolver_count == 1 && needs_dns(check) && about_resolvers(check);
}

static bool has_no_resolver_on_site(struct check *check)
{
	return check->facts->resolver_count > 0 && !check->facts->resolver_on_site &&
	       needs_dns(check) && about_resolvers(check);
}

/* ---- conditions: streams ----------------------------------------------------------------------
 */

static bool has_tls_without_keepalive(struct check *check)
{
	return engine_line_of(check)->entries[check->entry].transport_choice == KL_CHOOSE_TLS &&
	       !check->policy->stream_keepalive && about_field(check, KL_POLICY_stream_keepalive);
}

static bool has_slow_streams(struct check *check)
{
	return uses_streams(check) && !check->policy->tcp_fast_failover &&
	       about_field(check, KL_POLICY_tcp_fast_failover);
}

static bool has_fast_failover_overruled(struct check *check)
{
	return uses_streams(check) && check->policy->tcp_fast_failover &&
	       check->policy->retry_gap_ms > 0 && about_field(check, KL_POLICY_retry_gap_ms);
}

static bool has_certificates_unchecked(struct check *check)
{
	const struct config_device *device = &check->config->device;
	check->about = (struct config_value){.name = "tls.verify",
					     .value = "false",
					     .from = device->tls.verify_from,
					     .set = true};
	return !device->tls.verify;
}

static bool has_tls_without_ca(struct check *check)
{
	return check->config->device.tls.verify && !check->config->device.tls.ca_file &&
	       engine_line_of(check)->entries[check->entry].transport_choice == KL_CHOOSE_TLS &&
	       text_is_ip(engine_line_of(check)->entries[check->entry].name) &&
	       about_transport(check);
}

/* ---- conditions: failover and failback ---------------------------------------------------------
 */

static bool has_deprecated_failback(struct check *check)
{
	enum kl_failback_mode mode = kl_policy_failback_mode(check->policy);
	return (mode == KL_FAILBACK_NEW_REQUESTS || mode == KL_FAILBACK_DNSTTL) &&
	       about_set_field(check, check->policy->reregister_on
					      ? KL_POLICY_failback_mode
					      : KL_POLICY_failback_mode_shared);
}

/* FAIL-16: without re-registration only the mode and its timeout mean something. */
static bool has_failover_without_reregister(struct check *check)
{
	static const enum kl_policy_field needing[] = {
		KL_POLICY_only_signal_with_registered, KL_POLICY_fail_registration_on,
		KL_POLICY_unregister_on_failback, KL_POLICY_enhanced};
	for (size_t i = 0;
	     !check->policy->reregister_on && i < sizeof(needing) / sizeof(needing[0]); i++)
		if (kl_policy_get(check->policy, needing[i]) && about_set_field(check, needing[i]))
			return true;
	return false;
}

/* FAIL-5 */
static bool has_only_signal_alone(struct check *check)
{
	const struct kl_policy *policy = check->policy;
	bool undropped = policy->only_signal_needs_drop && !policy->fail_registration_on;
	bool modeless = policy->only_signal_needs_mode &&
			kl_policy_failback_mode(policy) == KL_FAILBACK_NEW_REQUESTS;
	if (!policy->only_signal_with_registered || !policy->reregister_on ||
	    !(undropped || modeless))
		return false;
	check->detail = undropped ? "failRegistrationOn is 0" : "the failback mode is newRequests";
	return about_set_field(check, KL_POLICY_only_signal_with_registered);
}

static bool has_unregister_gap(struct check *check)
{
	return check->policy->unregister_on_failback && check->policy->reregister_on &&
	       about_set_field(check, KL_POLICY_unregister_on_failback);
}

/* RFC 5626: a second flow is another registration.  OWN-6 */
static bool has_flows_without_reregister(struct check *check)
{
	return check->policy->flows_max > 1 && !check->policy->reregister_on &&
	       about_set_field(check, KL_POLICY_flows_max);
}

/* ... with another server. */
static bool has_flows_to_one_server(struct check *check)
{
	const struct kl_entry_config *entry = &engine_line_of(check)->entries[check->entry];
	const uint32_t *servers = check->facts->servers;
	bool alone = text_is_ip(entry->name) && !entry->more_count;
	if (servers && check->entry == 0)
		alone |= servers[check->line] == 1;
	return alone && check->policy->flows_max > 1 && check->policy->reregister_on &&
	       about_set_field(check, KL_POLICY_flows_max);
}

/* ---- conditions: the fleet ---------------------------------------------------------------------
 */

/* All lines come within SPREAD_MS: more in a second than LIMIT? */
static bool is_too_much(struct check *check, kl_ms spread_ms, double limit)
{
	const struct check_facts *facts = check->facts;
	if (!facts->fleet || !facts->capacity || !spread_ms)
		return false;
	double rate = (double)facts->fleet * 1000 / (double)spread_ms;
	check->detail = arena_format(check->arena,
				     "%u lines in %g s are %.4g a second, at most %.4g are wanted",
				     facts->fleet, (double)spread_ms / 1000, rate, limit);
	return rate > limit;
}

/* Lines that failed together come back in the window that the longest back-off is drawn from. */
static bool has_short_backoff(struct check *check)
{
	kl_ms least_ms, most_ms;
	kl_policy_backoff(check->policy, BACKOFF_STEADY, &least_ms, &most_ms);
	kl_ms spread_ms = most_ms > least_ms ? most_ms - least_ms : 1000;
	return is_too_much(check, spread_ms, check->facts->capacity) &&
	       about_field(check, check->policy->backoff_fixed_ms ? KL_POLICY_backoff_fixed_ms
								  : KL_POLICY_backoff_max_ms);
}

/* Lines move with their refreshes, and failback mirrors the move: both come at this rate. */
static bool has_short_expires(struct check *check)
{
	const struct kl_policy *policy = check->policy;
	kl_ms refresh_ms = policy->expires_ms > 2 * (kl_ms)policy->expires_overlap_ms
				   ? policy->expires_ms - policy->expires_overlap_ms
				   : policy->expires_ms / 2;
	return is_too_much(check, refresh_ms, check->facts->capacity) &&
	       about_field(check, KL_POLICY_expires_ms);
}

/* OPTIONS go out once for all lines of a configuration; who is told the fleet's size keeps to it.
 * OWN-5 */
static kl_ms probe_spread_ms(const struct check *check)
{
	const struct kl_policy *policy = check->policy;
	kl_ms ms = policy->probe_ms, told_ms = 0;
	if (policy->fleet_capacity)
		told_ms = 1 + UINT64_C(1000) * PROBE_SHARE * policy->fleet_lines /
				      policy->fleet_capacity;
	return (ms && ms < told_ms ? told_ms : ms) * check->config->engine.line_count;
}

static bool has_frequent_probes(struct check *check)
{
	double limit = (double)check->facts->capacity / PROBE_SHARE;
	if (is_too_much(check, check->policy->fallback_probe_ms, limit))
		return about_field(check, KL_POLICY_fallback_probe_ms);
	return is_too_much(check, probe_spread_ms(check), limit) &&
	       about_field(check, KL_POLICY_probe_ms);
}

/* ---- the rules ---------------------------------------------------------------------------------
 */

#define GUIDE "Poly Solution Guide: Failover and Route Redundancy (2023)"
#define TB_5844 "Polycom TB 5844 (2012)"
#define EA_66546 "Polycom EA 66546 (2012)"
#define OWN_5 "Keepline requirements, OWN-5"
#define OWN_6 "Keepline requirements, OWN-6"
#define RFC_5922 "RFC 5922"

enum {
	EVERY_PROFILE = (1u << KL_PROFILES) - 1,
	POLY = 1u << KL_PROFILE_POLY,
};

static const struct rule {
	const char *name;
	enum scope scope;
	uint32_t profiles; /* of the lines that it is for, as bits */
	bool (*holds)(struct check *check);
	const char *why, *instead, *source;
} rules[] = {
	{"resolver-alone", OF_DEVICE, EVERY_PROFILE, has_one_resolver,
	 "only one DNS server is asked: while it is silent, names are not found",
	 "name a second resolver", TB_5844},
	{"resolver-off-site", OF_DEVICE, EVERY_PROFILE, has_no_resolver_on_site,
	 "no DNS server is on site: when the link outside fails, calls wait for names",
	 "an on-site DNS server first in the list, or static records", TB_5844},
	{"certificates-unchecked", OF_DEVICE, EVERY_PROFILE, has_certificates_unchecked,
	 "anyone on the way can pose as the server", "verify: true, and ca_file if need be",
	 RFC_5922},
	{"servers-many", OF_LINE, EVERY_PROFILE, has_many_servers,
	 "more than two servers: each registration makes more traffic",
	 "two servers, or one name that has several routes in the DNS", TB_5844},
	{"proxy-with-fallback", OF_LINE, EVERY_PROFILE, has_proxy_with_fallback,
	 "all servers of the line are reached through this one proxy: if it is out of reach, so is "
	 "the fallback server",
	 "no outbound proxy, or useOutboundProxy 0 for the fallback servers", TB_5844},
	{"fallback-behind-proxy", OF_ENTRY, EVERY_PROFILE, has_fallback_behind_proxy,
	 "requests to this fallback server go to the outbound proxy: unless the proxy reaches it, "
	 "it can't work",
	 "useOutboundProxy 0 for this server", TB_5844},
	{"fallback-deprecated", OF_LINE, POLY, has_fallback, "fallback servers are deprecated",
	 "one server name with several routes, and reRegisterOn 1", GUIDE},
	{"lcs-concurrent", OF_ENTRY, EVERY_PROFILE, has_lcs_with_concurrent,
	 "concurrent registration does not work with Microsoft servers",
	 "one registering server, or lcs 0", EA_66546},
	{"ttl-short", OF_LINE, EVERY_PROFILE, has_short_ttl,
	 "DNS records of the line live less than 5 minutes: an outage of the DNS delays calls",
	 "longer TTLs", TB_5844},
	{"tls-without-keepalive", OF_ENTRY, EVERY_PROFILE, has_tls_without_keepalive,
	 "without keep-alives a firewall may drop the TLS stream, and calls can't come in", "1",
	 GUIDE},
	{"tls-address", OF_ENTRY, EVERY_PROFILE, has_tls_without_ca,
	 "public authorities sign no certificate for a bare IP address",
	 "the server's name, or a ca_file of your own", RFC_5922},
	{"stream-slow", OF_ENTRY, EVERY_PROFILE, has_slow_streams,
	 "a silent TCP or TLS server is given up after 32 s only", "tcpFastFailover 1", GUIDE},
	{"stream-fast-overruled", OF_ENTRY, EVERY_PROFILE, has_fast_failover_overruled,
	 "tcpFastFailover.timeout counts only if retryTimeOut is 0", "retryTimeOut 0", GUIDE},
	{"failback-deprecated", OF_ENTRY, POLY, has_deprecated_failback,
	 "this failback mode is deprecated", "duration", GUIDE},
	{"failover-without-reregister", OF_ENTRY, EVERY_PROFILE, has_failover_without_reregister,
	 "it means nothing while reRegisterOn is 0", "reRegisterOn 1, or leave it out", GUIDE},
	{"only-signal-alone", OF_ENTRY, EVERY_PROFILE, has_only_signal_alone,
	 "onlySignalWithRegistered is not in force", "its conditions, or 0", EA_66546},
	{"unregister-gap", OF_ENTRY, EVERY_PROFILE, has_unregister_gap,
	 "from unregistering until the better server accepts, the line can't be called",
	 "0, unless the servers need it", GUIDE},
	{"flows-without-reregister", OF_ENTRY, EVERY_PROFILE, has_flows_without_reregister,
	 "a second flow is a registration of its own: it means nothing without re-registration",
	 "reregister_on: true, or flows_max: 1", OWN_6},
	{"flows-one-server", OF_ENTRY, EVERY_PROFILE, has_flows_to_one_server,
	 "a second flow needs a second server, and this entry has one",
	 "a name that has several servers in the DNS, or flows_max: 1", OWN_6},
	{"backoff-short", OF_ENTRY, EVERY_PROFILE, has_short_backoff,
	 "a server that comes back is flooded with registrations", "a longer back-off", OWN_5},
	{"expires-short", OF_ENTRY, EVERY_PROFILE, has_short_expires,
	 "refreshes alone are more than a server takes, and so is a failback of all",
	 "a longer registration", OWN_5},
	{"probes-frequent", OF_ENTRY, EVERY_PROFILE, has_frequent_probes,
	 "probes take more than a tenth of what a server can do",
	 "a longer interval, or fleet_lines and fleet_capacity", OWN_5},
};

/* ---- going over them ---------------------------------------------------------------------------
 */

struct findings {
	struct check_finding *list;
	uint32_t count;
};

/* One value may rule many lines, one default even more: that is one finding. */
static struct check_finding *find_same(struct findings *findings, const struct rule *rule,
				       const struct config_value *about)
{
	for (uint32_t i = 0; i < findings->count; i++) {
		struct check_finding *same = &findings->list[i];
		if (same->rule == rule->name && strcmp(same->from, about->from) == 0 &&
		    (!about->set || strcmp(same->parameter, about->name) == 0))
			return same;
	}
	return NULL;
}

static void add_finding(struct findings *findings, const struct rule *rule, struct check *check)
{
	const struct config_value *about = &check->about;
	struct check_finding *same = find_same(findings, rule, about);
	if (same) {
		same->more++;
		return;
	}
	if (findings->count == CHECK_FINDINGS_MAX)
		return;
	const char *why = rule->why;
	if (check->detail)
		why = arena_format(check->arena, "%s (%s)", why, check->detail);
	findings->list[findings->count++] = (struct check_finding){
		.severity = CONFIG_WARNING,
		.rule = rule->name,
		.line = rule->scope == OF_DEVICE ? 0 : line_of(check)->number,
		.parameter = about->name,
		.value = about->value,
		.from = about->from,
		.why = why,
		.instead = rule->instead,
		.source = rule->source,
	};
}

/* Applies the rules of one scope. */
static void apply(struct findings *findings, struct check *check, enum scope scope)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		const struct rule *rule = &rules[i];
		check->detail = NULL;
		if (rule->scope == scope &&
		    (scope == OF_DEVICE || rule->profiles & 1u << line_of(check)->profile) &&
		    rule->holds(check))
			add_finding(findings, rule, check);
	}
}

uint32_t check_config(const struct config *config, const struct check_facts *facts,
		      const struct check_finding **findings)
{
	struct check check = {.config = config, .facts = facts, .arena = &config->store->arena};
	struct findings found = {
		.list = arena_alloc(check.arena, CHECK_FINDINGS_MAX * sizeof(*found.list))};

	apply(&found, &check, OF_DEVICE);
	for (check.line = 0; check.line < config->engine.line_count; check.line++) {
		check.entry = 0;
		check.policy = config->engine.lines[check.line].entries[0].policy;
		apply(&found, &check, OF_LINE);
		for (; check.entry < config->engine.lines[check.line].entry_count; check.entry++) {
			check.policy = config->engine.lines[check.line].entries[check.entry].policy;
			apply(&found, &check, OF_ENTRY);
		}
	}
	*findings = found.list;
	return found.count;
}

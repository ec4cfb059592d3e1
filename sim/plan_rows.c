/* plan_rows.c - the keys of a fleet's scenario: types, ranges, and a sentence each. */
#include "sim/plan_rows.h"

#include <string.h>

#include "config/native_rows.h"
#include "config/text.h"

enum {
	FILES_MAX = 32,
	HOUR_MS = 3600 * 1000,
	DAY_MS = 24 * HOUR_MS,
	CAPACITY_MAX = 10000000,
	SHARE_MAX = 1000000,
	PERCENT = 1000,  /* thousandths of one */
	MILLIONTHS = 10, /* of a thousandth of a percent */
};

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#define WORD(name, text, ...) text,
static const char *const troubles[] = {SIM_TROUBLES(WORD)};
static const char *const overflows[] = {SIM_OVERFLOWS(WORD)};
static const char *const nonces[] = {SIM_NONCES(WORD)};
static const char *const profiles[] = {KL_PROFILES_TABLE(WORD)};
#undef WORD

const char *sim_trouble_name(enum sim_trouble trouble)
{
	return troubles[trouble];
}

enum sim_trouble_of sim_trouble_of(enum sim_trouble trouble)
{
#define OF(name, text, of) of,
	static const enum sim_trouble_of table[] = {SIM_TROUBLES(OF)};
#undef OF
	return table[trouble];
}

bool sim_plan_read_percent(const char *text, uint32_t *millionths)
{
	char number[16];
	size_t length = strlen(text);
	uint32_t thousandths;

	if (length < 2 || length > sizeof(number) || text[length - 1] != '%')
		return false;
	memcpy(number, text, length - 1);
	number[length - 1] = '\0';
	if (!text_read_decimal(number, &thousandths) || thousandths > 100 * PERCENT)
		return false;
	*millionths = thousandths * MILLIONTHS;
	return true;
}

static bool is_percent(const char *text)
{
	uint32_t millionths;

	return sim_plan_read_percent(text, &millionths);
}

/* How rows begin: the key, its destination in the struct that the table is for, its sentence. */
#define KEY(of, name, says) .key = #name, .offset = offsetof(of, name), .meaning = says
#define TEXT(max) .type = YAML_TEXT, .least = 1, .most = max
#define NAME TEXT(SIM_NAME_MAX - 1)
#define TIME(lowest, highest) .type = YAML_DURATION, .least = lowest, .most = highest
#define NUMBER(lowest, highest) .type = YAML_NUMBER, .least = lowest, .most = highest
#define WORDS(list) .type = YAML_WORD, .words = (list), .most = COUNT_OF(list) - 1
#define MAP(of) .type = YAML_MAP, .table = &(of)
#define LIST(most_items, of) .type = YAML_LIST, .least = 1, .most = most_items, .item = &(of)
#define ADDRESS TEXT(45), .accepts = text_is_ip, .expected = "an IP address"
#define PERCENTAGE TEXT(8), .accepts = is_percent, .expected = "a percentage: 1%, 0.05%"

static const struct yaml_row file_item = {TEXT(4095), .expected = "the path of a file"};

#define CLASS_KEY(name, says) KEY(struct rows_class, name, says)
static const struct yaml_row class_rows[] = {
	{CLASS_KEY(name, "what the configuration is called in the results"), NAME},
	{CLASS_KEY(share, "how many parts of all phones have it (default 1)"),
	 NUMBER(1, SHARE_MAX)},
	{CLASS_KEY(profile, "rules and defaults (default: as `keepline check`)"), WORDS(profiles)},
	{CLASS_KEY(files, "of any vendor; paths from the scenario's folder"),
	 LIST(FILES_MAX, file_item)},
};
static const struct yaml_table class_table = {class_rows, COUNT_OF(class_rows),
					      sizeof(struct rows_class)};
static const struct yaml_row class_item = {MAP(class_table)};

#define PHONES_KEY(name, says) KEY(struct rows_phones, name, says)
static const struct yaml_row phones_rows[] = {
	{PHONES_KEY(lines, "how many phones, each with one line"), NUMBER(1, SIM_FLEET_LINES_MAX)},
	{PHONES_KEY(boot_spread, "they start one by one over so long (default 1m)"),
	 TIME(0, DAY_MS)},
	{PHONES_KEY(configurations, "what they are provisioned with"),
	 LIST(SIM_FLEET_CLASSES_MAX, class_item)},
};
static const struct yaml_table phones_table = {phones_rows, COUNT_OF(phones_rows),
					       sizeof(struct rows_phones)};

#define SITE_KEY(name, says) KEY(struct rows_site, name, says)
static const struct yaml_row site_rows[] = {
	{SITE_KEY(name, "what faults and results call it"), NAME},
	{SITE_KEY(share, "how many parts of all phones stand there (default 1)"),
	 NUMBER(1, SHARE_MAX)},
	{SITE_KEY(delay, "from there to a server, one way (default 10ms)"), TIME(0, 10000)},
	{SITE_KEY(jitter, "that much more at most, drawn for each datagram (default 0)"),
	 TIME(0, 10000)},
	{SITE_KEY(loss, "of the datagrams each way (default 0%)"), PERCENTAGE},
};
static const struct yaml_table site_table = {site_rows, COUNT_OF(site_rows),
					     sizeof(struct rows_site)};
static const struct yaml_row site_item = {MAP(site_table)};

#define SERVER_KEY(name, says) KEY(struct rows_server, name, says)
static const struct yaml_row server_rows[] = {
	{SERVER_KEY(name, "what faults and results call it"), NAME},
	{SERVER_KEY(address, "its IP address"), ADDRESS},
	{SERVER_KEY(port, "its port (default 0: any)"), NUMBER(0, 65535)},
	{SERVER_KEY(capacity, "requests that it serves in a second (default: no limit)"),
	 NUMBER(1, CAPACITY_MAX)},
	{SERVER_KEY(queue, "requests that may wait (default 1000)"), NUMBER(0, CAPACITY_MAX)},
	{SERVER_KEY(when_full, "what becomes of one that finds the queue full (default drop)"),
	 WORDS(overflows)},
	{SERVER_KEY(slow, "with when_full slow: the answer comes so much later (default 2s)"),
	 TIME(1, DAY_MS)},
	{SERVER_KEY(retry_after, "with when_full 503: its Retry-After (default 0: none)"),
	 TIME(0, DAY_MS)},
	{SERVER_KEY(nonces, "how often it asks for credentials (default cached)"), WORDS(nonces)},
	{SERVER_KEY(expires_max, "grants no longer registration (default: as asked)"),
	 TIME(1000, SIM_FLEET_RUN_MAX_MS)},
	{SERVER_KEY(expires_min, "answers 423 to one that asks for less (default 0)"),
	 TIME(0, DAY_MS)},
};
static const struct yaml_table server_table = {server_rows, COUNT_OF(server_rows),
					       sizeof(struct rows_server)};
static const struct yaml_row server_item = {MAP(server_table)};

#define DNS_KEY(name, says) KEY(struct rows_dns, name, says)
static const struct yaml_row dns_rows[] = {
	{DNS_KEY(delay, "until an answer (default 5ms)"), TIME(0, 60000)},
	{DNS_KEY(silence, "until a phone gives a silent server up (default 10s)"), TIME(0, 60000)},
	{DNS_KEY(records, "all that there is"), LIST(KL_DNS_RECORDS_MAX * 4, native_record_item)},
};
static const struct yaml_table dns_table = {dns_rows, COUNT_OF(dns_rows), sizeof(struct rows_dns)};

static const struct yaml_row hour_item = {NUMBER(0, 1000000)};

#define CALLS_KEY(name, says) KEY(struct rows_calls, name, says)
static const struct yaml_row calls_rows[] = {
	{CALLS_KEY(per_hour, "calls of a thousand lines: one number, or one for each hour from 0"),
	 LIST(SIM_HOURS, hour_item)},
	{CALLS_KEY(length, "mean length of a call (default 3m)"), TIME(1000, DAY_MS)},
	{CALLS_KEY(ring, "until it is taken (default 5s)"), TIME(0, 180000)},
	{CALLS_KEY(day_starts, "the time of day at which the run starts (default 0)"),
	 TIME(0, DAY_MS)},
};
static const struct yaml_table calls_table = {calls_rows, COUNT_OF(calls_rows),
					      sizeof(struct rows_calls)};

#define FAULT_KEY(name, says) KEY(struct rows_fault, name, says)
static const struct yaml_row fault_rows[] = {
	{.key = "at",
	 .offset = offsetof(struct rows_fault, begins),
	 .meaning = "when it begins",
	 TIME(0, SIM_FLEET_RUN_MAX_MS)},
	{.key = "for",
	 .offset = offsetof(struct rows_fault, lasts),
	 .meaning = "how long it lasts (default: to the end)",
	 TIME(1, SIM_FLEET_RUN_MAX_MS)},
	{FAULT_KEY(every, "it comes again after so long"), TIME(1, SIM_FLEET_RUN_MAX_MS)},
	{FAULT_KEY(times, "so often in all (default: to the end)"),
	 NUMBER(1, SIM_FLEET_FAULTS_MAX)},
	{FAULT_KEY(what, "the fault"), WORDS(troubles)},
	{FAULT_KEY(server, "of this server (default: all)"), NAME},
	{FAULT_KEY(site, "of the phones of this site (default: all)"), NAME},
	{FAULT_KEY(name, "of this domain name (default: all)"), TEXT(KL_NAME_MAX)},
	{FAULT_KEY(address, "record-gone: the address record of this address alone"), ADDRESS},
	{FAULT_KEY(status, "answers: the status (default 503)"), NUMBER(300, 699)},
	{FAULT_KEY(by, "slow, delay: so much later; shortens: to so long"), TIME(1, HOUR_MS)},
	{FAULT_KEY(retry_after, "answers: Retry-After of a 503 (default 0: none)"),
	 TIME(0, DAY_MS)},
	{FAULT_KEY(capacity, "capacity: requests that it serves in a second"),
	 NUMBER(1, CAPACITY_MAX)},
	{FAULT_KEY(loss, "loss: of the datagrams each way"), PERCENTAGE},
	{FAULT_KEY(boot_spread, "power-cut: phones start one by one over so long (default 30s)"),
	 TIME(0, DAY_MS)},
};
static const struct yaml_table fault_table = {fault_rows, COUNT_OF(fault_rows),
					      sizeof(struct rows_fault)};
static const struct yaml_row fault_item = {MAP(fault_table)};

#define FILE_KEY(name, says) KEY(struct rows_file, name, says)
static const struct yaml_row file_rows[] = {
	{FILE_KEY(title, "what the report is called"), TEXT(120)},
	{FILE_KEY(run, "how long (default 24h)"), TIME(1000, SIM_FLEET_RUN_MAX_MS)},
	{FILE_KEY(seed, "another seed, other draws (default 1)"), NUMBER(0, UINT32_MAX)},
	{FILE_KEY(phones, "the fleet"), MAP(phones_table)},
	{FILE_KEY(sites, "where phones stand (default: one site)"),
	 LIST(SIM_FLEET_SITES_MAX, site_item)},
	{FILE_KEY(servers, "SIP servers"), LIST(SIM_FLEET_SERVERS_MAX, server_item)},
	{FILE_KEY(dns, "what the DNS says"), MAP(dns_table)},
	{FILE_KEY(calls, "calls that people place (default: none)"), MAP(calls_table)},
	{FILE_KEY(faults, "what goes wrong, and when"), LIST(SIM_FLEET_FAULTS_MAX, fault_item)},
};
static const struct yaml_table file_table = {file_rows, COUNT_OF(file_rows),
					     sizeof(struct rows_file)};

const struct yaml_table *sim_plan_table(void)
{
	return &file_table;
}

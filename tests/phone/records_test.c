/* records_test.c - what the DNS answered, as rows, as text, and in a file (OWN-9). */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "phone/log.h"
#include "phone/memory.h"
#include "phone/records.h"

enum { NOW_S = 1732200000, TEXT_MAX = 4096, PATH_SIZE = 128 };

static struct kl_dns_record address(uint8_t last)
{
	return (struct kl_dns_record){.ttl_ms = 300000, .ip = {[10] = 0xff, 0xff, 192, 0, 2, last}};
}

static bool take_addresses(struct phone_records *records, const char *owner, uint8_t first,
			   uint32_t count, int64_t now_s)
{
	struct kl_dns_record all[4];

	for (uint32_t i = 0; i < count; i++)
		all[i] = address((uint8_t)(first + i));
	return phone_records_take(records, &(struct phone_records_answer){owner, KL_A, all, count},
				  now_s);
}

/* One record of each type. */
static struct phone_records filled(void)
{
	struct phone_records records = {.rows = NULL};
	const struct kl_dns_record six = {.ip = {0x20, 1, 0x0d, 0xb8, [15] = 1}};
	const struct kl_dns_record service = {.ttl_ms = 1000,
					      .name = "a.example.test",
					      .priority = 10,
					      .weight = 60,
					      .port = 5060};
	const struct kl_dns_record naptr = {.name = "_sip._udp.example.test",
					    .service = "SIP+D2U",
					    .priority = 50,
					    .weight = 50,
					    .flag = 's'};

	assert_true(take_addresses(&records, "a.example.test", 1, 1, NOW_S));
	assert_true(phone_records_take(
		&records, &(struct phone_records_answer){"a.example.test", KL_AAAA, &six, 1},
		NOW_S));
	assert_true(phone_records_take(
		&records,
		&(struct phone_records_answer){"_sip._udp.example.test", KL_SRV, &service, 1},
		NOW_S));
	assert_true(phone_records_take(
		&records, &(struct phone_records_answer){"example.test", KL_NAPTR, &naptr, 1},
		NOW_S));
	return records;
}

static const char body[] =
	"keepline-state 1\n"
	"A 1732200000 300 a.example.test 192.0.2.1\n"
	"AAAA 1732200000 0 a.example.test [2001:db8::1]\n"
	"SRV 1732200000 1 _sip._udp.example.test 10 60 5060 a.example.test\n"
	"NAPTR 1732200000 0 example.test 50 50 s SIP+D2U _sip._udp.example.test\n";

static void a_text_and_back(void **state)
{
	struct phone_records records = filled(), again;
	char why[PHONE_RECORDS_WHY_MAX], *text, *second;
	size_t length, second_length;

	(void)state;
	text = phone_records_write(&records, &length);
	assert_memory_equal(text, body, strlen(body));
	assert_memory_equal(text + strlen(body), "end 4 ", 6);
	assert_int_equal(phone_records_parse(&again, text, length, NOW_S, why), 0);
	assert_int_equal(again.count, 4);
	second = phone_records_write(&again, &second_length);
	assert_int_equal(second_length, length);
	assert_memory_equal(second, text, length);
	free(text);
	free(second);
	phone_records_clear(&records);
	phone_records_clear(&again);
}

/* Every byte that changes, and every cut, makes the file another, which is refused. */
static void what_was_tampered_with_is_refused(void **state)
{
	struct phone_records records = filled(), none;
	char why[PHONE_RECORDS_WHY_MAX], *text;
	size_t length;

	(void)state;
	text = phone_records_write(&records, &length);
	for (size_t i = 0; i < length; i++) {
		text[i] ^= 1;
		assert_int_equal(phone_records_parse(&none, text, length, NOW_S, why), -EINVAL);
		text[i] ^= 1;
		assert_int_equal(phone_records_parse(&none, text, i, NOW_S, why), -EINVAL);
		assert_null(none.rows);
	}
	free(text);
	phone_records_clear(&records);
}

/* The check sum of whoever wrote the file on purpose. */
static uint64_t sum_of(const char *text)
{
	uint64_t sum = UINT64_C(14695981039346656037);

	for (; *text; text++)
		sum = (sum ^ (uint8_t)*text) * UINT64_C(1099511628211);
	return sum;
}

static int parse_made_up(const char *lines, unsigned count, char why[PHONE_RECORDS_WHY_MAX])
{
	char text[TEXT_MAX];
	size_t length = (size_t)snprintf(text, sizeof text, "keepline-state 1\n%s", lines);
	struct phone_records records;
	int error;

	length += (size_t)snprintf(text + length, sizeof text - length, "end %u %016llx\n", count,
				   (unsigned long long)sum_of(text));
	error = phone_records_parse(&records, text, length, NOW_S, why);
	phone_records_clear(&records);
	return error;
}

static void what_is_no_record_is_refused(void **state)
{
	static const char *const lines[] = {
		"",
		"A",
		"A 1 1 a.test",
		"A 1 1 a.test 192.0.2.1 ",
		"A 1 1 a.test 192.0.2.256",
		"A 1 1 a.test 192.0.2.1:5060",
		"A 1 1 a.test [2001:db8::1]",
		"AAAA 1 1 a.test 192.0.2.1",
		"A -1 1 a.test 192.0.2.1",
		"A 1 2147483648 a.test 192.0.2.1",
		"A 1 1 a/b.test 192.0.2.1",
		"A 1 1  192.0.2.1",
		"MX 1 1 a.test 10 b.test",
		"SRV 1 1 a.test 1 1 65536 b.test",
		"SRV 1 1 a.test 1 1 b.test",
		"SRV 1 1 a.test 1 1 1 b\xff.test",
		"NAPTR 1 1 a.test 1 1 ss SIP+D2U b.test",
		"NAPTR 1 1 a.test 1 1 s  b.test",
		"A 1 1 a.test 192.0.2.1 6 7 8 9 10 11",
	};
	char why[PHONE_RECORDS_WHY_MAX], line[256];

	(void)state;
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		snprintf(line, sizeof line, "%s\n", lines[i]);
		assert_int_equal(parse_made_up(line, 1, why), -EINVAL);
		assert_string_equal(why, "line 2 is no record");
	}
	snprintf(line, sizeof line, "A %d 1 a.test 192.0.2.1\n", NOW_S);
	assert_int_equal(parse_made_up(line, 1, why), 0);
	assert_int_equal(parse_made_up(line, 0, why), -EINVAL);
	assert_int_equal(parse_made_up(line, 2, why), -EINVAL);
	assert_string_equal(why, "it does not hold 2 records");
	assert_int_equal(parse_made_up("", 4097, why), -EINVAL);
}

/* The order and the TTL of an answer may change each time: that is not worth a disk's while. */
static void only_news_count(void **state)
{
	struct phone_records records = {.rows = NULL};
	struct kl_dns_record turned[] = {address(2), address(1)};
	const struct phone_records_answer answer = {"A.example.TEST", KL_A, turned, 2};

	(void)state;
	assert_true(take_addresses(&records, "a.example.test", 1, 2, NOW_S));
	assert_false(take_addresses(&records, "a.example.test", 1, 2, NOW_S + 60));
	turned[0].ttl_ms = 1000;
	assert_false(phone_records_take(&records, &answer, NOW_S + 60));
	assert_true(phone_records_take(&records, &answer, NOW_S + PHONE_RECORDS_RENEW_S));
	assert_true(take_addresses(&records, "a.example.test", 1, 1, NOW_S));
	assert_int_equal(records.count, 1);
	assert_true(take_addresses(&records, "b.example.test", 1, 1, NOW_S));
	assert_true(take_addresses(&records, "a.example.test", 1, 0, NOW_S));
	assert_false(take_addresses(&records, "a.example.test", 1, 0, NOW_S));
	assert_int_equal(records.count, 1);
	assert_string_equal(records.rows[0].owner, "b.example.test");
	phone_records_clear(&records);
}

static void old_answers_are_left_out(void **state)
{
	struct phone_records records = filled(), later;
	char why[PHONE_RECORDS_WHY_MAX], *text;
	size_t length;

	(void)state;
	assert_true(take_addresses(&records, "young.test", 1, 1, NOW_S + 10));
	text = phone_records_write(&records, &length);
	assert_int_equal(
		phone_records_parse(&later, text, length, NOW_S + 5 + PHONE_RECORDS_AGE_MAX_S, why),
		0);
	assert_int_equal(later.count, 1);
	assert_string_equal(later.rows[0].owner, "young.test");
	phone_records_clear(&later);
	/* The clock of a machine without a battery begins in 1970. */
	assert_int_equal(phone_records_parse(&later, text, length, 0, why), 0);
	assert_int_equal(later.count, 5);
	phone_records_clear(&later);
	phone_records_clear(&records);
	free(text);
}

/* What would not fit into a line is not kept, and too many records are not either. */
static void there_are_bounds(void **state)
{
	struct phone_records records = {.rows = NULL};
	const struct kl_dns_record bad = {.name = "a b\n", .port = 1};
	char owner[32], *text, why[PHONE_RECORDS_WHY_MAX];
	size_t length;

	(void)state;
	assert_false(phone_records_take(
		&records, &(struct phone_records_answer){"x.test", KL_SRV, &bad, 1}, NOW_S));
	for (unsigned i = 0; i < PHONE_RECORDS_MAX + 10; i++) {
		snprintf(owner, sizeof owner, "n%u.test", i);
		take_addresses(&records, owner, 1, 1, NOW_S);
	}
	assert_int_equal(records.count, PHONE_RECORDS_MAX);
	text = phone_records_write(&records, &length);
	phone_records_clear(&records);
	assert_int_equal(phone_records_parse(&records, text, length, NOW_S, why), 0);
	assert_int_equal(records.count, PHONE_RECORDS_MAX);
	phone_records_clear(&records);
	free(text);
}

/* ---- the file -------------------------------------------------------------------------------- */

struct place {
	char folder[64], path[PATH_SIZE];
	struct net_loop *loop;
};

static struct place place_new(void)
{
	struct place place = {.folder = "/tmp/keepline-state-test-XXXXXX"};

	phone_log_set_level(PHONE_LOG_NOTHING);
	assert_non_null(mkdtemp(place.folder));
	snprintf(place.path, sizeof place.path, "%s/state", place.folder);
	assert_int_equal(net_loop_create(&place.loop), 0);
	return place;
}

static void place_free(struct place *place)
{
	unlink(place->path);
	assert_int_equal(rmdir(place->folder), 0); /* nothing else is left there */
	net_loop_free(place->loop);
}

static uint32_t remembered(const struct place *place)
{
	struct phone_memory *memory;
	struct kl_config config = {.lines = NULL};

	assert_int_equal(phone_memory_open(&memory, place->loop, place->path), 0);
	phone_memory_lend(memory, &config);
	phone_memory_close(memory);
	return config.remembered_record_count;
}

static void learn(const struct place *place, enum kl_dns_status status)
{
	const struct kl_dns_record one = address(1);
	const struct kl_event_dns answer = {
		.status = status, .count = status == KL_DNS_ANSWER, .records = &one};
	struct phone_memory *memory;

	assert_int_equal(phone_memory_open(&memory, place->loop, place->path), 0);
	phone_memory_take(memory, &(struct phone_dns_known){"a.example.test", KL_A, &answer});
	phone_memory_close(memory);
}

static void a_file_outlives_its_writer(void **state)
{
	struct place place = place_new();
	struct stat stat_;
	char fresh[PATH_SIZE + 8];
	FILE *leftover;

	(void)state;
	assert_int_equal(remembered(&place), 0);
	assert_int_equal(access(place.path, F_OK), -1); /* nothing is written for nothing */
	snprintf(fresh, sizeof fresh, "%s.new", place.path);
	leftover = fopen(fresh, "w");
	assert_non_null(leftover);
	fclose(leftover);
	learn(&place, KL_DNS_ANSWER);
	assert_int_equal(stat(place.path, &stat_), 0);
	assert_int_equal(stat_.st_mode & 0777, 0600);
	assert_int_equal(remembered(&place), 1);
	learn(&place, KL_DNS_SILENT);
	learn(&place, KL_DNS_FAILED);
	assert_int_equal(remembered(&place), 1);
	learn(&place, KL_DNS_NEGATIVE);
	assert_int_equal(remembered(&place), 0);
	place_free(&place);
}

/* A file that can't be used counts as none; the next writing puts a good one in its place. */
static void a_bad_file_is_none(void **state)
{
	struct place place = place_new();
	FILE *to = fopen(place.path, "w");

	(void)state;
	fputs("keepline-state 2\n", to);
	fclose(to);
	assert_int_equal(remembered(&place), 0);
	learn(&place, KL_DNS_ANSWER);
	assert_int_equal(remembered(&place), 1);
	assert_int_equal(unlink(place.path), 0);
	assert_int_equal(symlink("/etc/passwd", place.path), 0);
	assert_int_equal(remembered(&place), 0);
	assert_int_equal(unlink(place.path), 0);
	assert_int_equal(mkfifo(place.path, 0600), 0);
	assert_int_equal(remembered(&place), 0);
	place_free(&place);
}

/* Without a folder to write to the phone goes on. */
static void nowhere_to_write(void **state)
{
	struct place place = place_new(), away = place;

	(void)state;
	snprintf(away.path, sizeof away.path, "%s/none/state", place.folder);
	learn(&away, KL_DNS_ANSWER);
	assert_int_equal(remembered(&away), 0);
	place_free(&place);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_text_and_back),
		cmocka_unit_test(what_was_tampered_with_is_refused),
		cmocka_unit_test(what_is_no_record_is_refused),
		cmocka_unit_test(only_news_count),
		cmocka_unit_test(old_answers_are_left_out),
		cmocka_unit_test(there_are_bounds),
		cmocka_unit_test(a_file_outlives_its_writer),
		cmocka_unit_test(a_bad_file_is_none),
		cmocka_unit_test(nowhere_to_write),
	};

	return cmocka_run_group_tests_name("phone/records", tests, NULL, NULL);
}

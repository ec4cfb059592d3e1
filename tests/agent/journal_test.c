/* agent/journal: what outlives the process, and what comes of a file that is torn, broken, or none
 * (AGENT-12). */
#include "tests/sip/parse.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/journal.h"

enum { IDS = 64 };

/* What a reader is left with. */
struct table {
	char contents[IDS][32];
	int count; /* records read, those that others replaced among them */
};

static char folder[] = "/tmp/keepline-journal-XXXXXX";
static char path[64];

static void take_record(void *user, const struct agent_record *record)
{
	struct table *table = user;

	assert_int_equal(record->kind, 'd');
	assert_true(record->id < IDS);
	assert_int_equal(sip_span_copy(record->content, table->contents[record->id], 32), 0);
	table->count++;
}

static void take_drop(void *user, uint8_t kind, uint64_t id)
{
	struct table *table = user;

	assert_int_equal(kind, 'd');
	table->contents[id][0] = '\0';
}

static struct agent_journal *open_journal(struct table *table, char why[AGENT_JOURNAL_WHY_MAX])
{
	const struct agent_journal_config config = {path, {take_record, take_drop, table}};
	struct agent_journal *journal = NULL;

	*table = (struct table){.count = 0};
	assert_int_equal(agent_journal_open(&journal, &config, why), 0);
	return journal;
}

static void put(struct agent_journal *journal, uint64_t id, const char *content)
{
	const struct agent_record record = {'d', id, sip_span_of(content)};

	assert_int_equal(agent_journal_put(journal, &record), 0);
}

static size_t read_file(char *to, size_t size)
{
	FILE *file = fopen(path, "rb");
	size_t length = file ? fread(to, 1, size, file) : 0;

	if (file)
		fclose(file);
	return length;
}

static void write_file(const char *bytes, size_t length)
{
	FILE *file = fopen(path, "wb");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, length, file), length);
	fclose(file);
}

static int set_up(void **state)
{
	(void)state;
	unlink(path);
	return 0;
}

static void test_comes_back_agent_12(void **state)
{
	char why[AGENT_JOURNAL_WHY_MAX];
	struct table table;
	struct agent_journal *journal = open_journal(&table, why), *second = NULL;
	const struct agent_journal_config config = {path, {take_record, take_drop, &table}};
	struct stat about;

	(void)state;
	assert_int_equal(table.count, 0);
	put(journal, 1, "one");
	put(journal, 2, "two");
	put(journal, 1, "one again");
	put(journal, 3, "");
	assert_int_equal(agent_journal_drop(journal, 'd', 2), 0);
	assert_int_equal(agent_journal_open(&second, &config, why), -EBUSY);
	assert_non_null(strstr(why, "another process"));
	agent_journal_close(journal);
	assert_int_equal(stat(path, &about), 0);
	assert_int_equal(about.st_mode & 0777, 0600);
	journal = open_journal(&table, why);
	assert_string_equal(why, "");
	assert_int_equal(table.count, 4);
	assert_string_equal(table.contents[1], "one again");
	assert_string_equal(table.contents[2], "");
	agent_journal_close(journal);
}

/* Cut at every byte: what is whole before it comes back, and what is written then, too. */
static void test_torn_agent_12(void **state)
{
	char why[AGENT_JOURNAL_WHY_MAX], bytes[512];
	struct table table;
	struct agent_journal *journal = open_journal(&table, why);
	size_t length, empty = read_file(bytes, sizeof(bytes));

	(void)state;
	put(journal, 1, "one");
	put(journal, 2, "two");
	agent_journal_close(journal);
	length = read_file(bytes, sizeof(bytes));
	for (size_t cut = empty; cut < length; cut++) {
		write_file(bytes, cut);
		journal = open_journal(&table, why);
		assert_true(table.count < 2);
		assert_string_equal(table.contents[1], table.count ? "one" : "");
		assert_true(!*why == (cut == empty || cut == empty + (length - empty) / 2));
		put(journal, 5, "after");
		agent_journal_close(journal);
		journal = open_journal(&table, why);
		assert_string_equal(why, "");
		assert_string_equal(table.contents[5], "after");
		agent_journal_close(journal);
	}
}

/* One byte changed anywhere: all before it comes back, nothing false does, and one line says so. */
static void test_corrupt_agent_12(void **state)
{
	char why[AGENT_JOURNAL_WHY_MAX], bytes[512];
	struct table table;
	struct agent_journal *journal = open_journal(&table, why);
	size_t length, empty = read_file(bytes, sizeof(bytes));

	(void)state;
	put(journal, 1, "one");
	put(journal, 2, "two");
	agent_journal_close(journal);
	length = read_file(bytes, sizeof(bytes));
	for (size_t at = empty; at < length; at++) {
		bytes[at] ^= 0x40;
		write_file(bytes, length);
		bytes[at] ^= 0x40;
		journal = open_journal(&table, why);
		assert_int_equal(table.count, at < empty + (length - empty) / 2 ? 0 : 1);
		assert_non_null(strstr(why, "damaged at byte"));
		agent_journal_close(journal);
	}
}

/* A file that is none of ours is kept aside. */
static void test_no_journal(void **state)
{
	char why[AGENT_JOURNAL_WHY_MAX], aside[80], bytes[64] = "";
	struct table table;
	struct agent_journal *journal;
	FILE *file;

	(void)state;
	write_file("my diary", 8);
	journal = open_journal(&table, why);
	assert_non_null(strstr(why, "is no journal"));
	put(journal, 1, "one");
	agent_journal_close(journal);
	snprintf(aside, sizeof(aside), "%s.broken", path);
	file = fopen(aside, "rb");
	assert_non_null(file);
	assert_int_equal(fread(bytes, 1, sizeof(bytes), file), 8);
	fclose(file);
	assert_string_equal(bytes, "my diary");
	unlink(aside);
	journal = open_journal(&table, why);
	assert_string_equal(table.contents[1], "one");
	agent_journal_close(journal);
}

/* Neither a link that leads elsewhere nor a folder is written to. */
static void test_odd_paths(void **state)
{
	const struct agent_journal_config config = {path, {take_record, take_drop, NULL}};
	struct agent_journal *journal = NULL;
	char why[AGENT_JOURNAL_WHY_MAX];

	(void)state;
	assert_int_equal(symlink("/dev/null", path), 0);
	assert_true(agent_journal_open(&journal, &config, why) < 0);
	assert_non_null(strstr(why, path));
	unlink(path);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_true(agent_journal_open(&journal, &config, why) < 0);
	rmdir(path);
}

/* A life of many changes stays a short file, and nothing gets lost when it is written anew. */
static void test_anew_agent_12(void **state)
{
	char why[AGENT_JOURNAL_WHY_MAX], content[32];
	struct table table;
	struct agent_journal *journal = open_journal(&table, why);
	struct stat about;
	int times = 0;

	(void)state;
	for (int i = 0; i < 100000; i++) {
		snprintf(content, sizeof(content), "change %d", i);
		put(journal, (uint64_t)(i % IDS), content);
		if (!agent_journal_is_long(journal))
			continue;
		times++;
		assert_int_equal(agent_journal_begin_anew(journal), 0);
		for (int id = 0; id < IDS; id++) {
			snprintf(content, sizeof(content), "change %d", i - (i - id + IDS) % IDS);
			put(journal, (uint64_t)id, content);
		}
		assert_int_equal(agent_journal_end_anew(journal), 0);
	}
	assert_true(times > 2 && times < 100);
	assert_int_equal(stat(path, &about), 0);
	assert_true(about.st_size <= AGENT_JOURNAL_SHORT + 100);
	agent_journal_close(journal);
	journal = open_journal(&table, why);
	assert_string_equal(why, "");
	for (int id = 0; id < IDS; id++) {
		snprintf(content, sizeof(content), "change %d", 99999 - (99999 - id) % IDS);
		assert_string_equal(table.contents[id], content);
	}
	agent_journal_close(journal);
}

/* Killed while it was written anew: the old file counts. */
static void test_crash_while_anew(void **state)
{
	char why[AGENT_JOURNAL_WHY_MAX], new_path[80];
	struct table table;
	struct agent_journal *journal = open_journal(&table, why);

	(void)state;
	put(journal, 1, "one");
	assert_int_equal(agent_journal_begin_anew(journal), 0);
	put(journal, 2, "half of it");
	agent_journal_close(journal);
	snprintf(new_path, sizeof(new_path), "%s.new", path);
	assert_int_equal(access(new_path, F_OK), -1);
	write_file("", 0); /* as the one of a killed process would be, in its place */
	assert_int_equal(rename(path, new_path), 0);
	journal = open_journal(&table, why);
	assert_int_equal(agent_journal_begin_anew(journal), 0);
	put(journal, 3, "three");
	assert_int_equal(agent_journal_end_anew(journal), 0);
	agent_journal_close(journal);
	journal = open_journal(&table, why);
	assert_string_equal(table.contents[3], "three");
	agent_journal_close(journal);
}

static void test_too_long(void **state)
{
	static char content[AGENT_RECORD_MAX + 1];
	char why[AGENT_JOURNAL_WHY_MAX];
	struct table table;
	struct agent_journal *journal = open_journal(&table, why);
	const struct agent_record record = {'d', 1, {content, sizeof(content)}};

	(void)state;
	assert_int_equal(agent_journal_put(journal, &record), -EMSGSIZE);
	agent_journal_close(journal);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_comes_back_agent_12, set_up),
		cmocka_unit_test_setup(test_torn_agent_12, set_up),
		cmocka_unit_test_setup(test_corrupt_agent_12, set_up),
		cmocka_unit_test_setup(test_no_journal, set_up),
		cmocka_unit_test_setup(test_odd_paths, set_up),
		cmocka_unit_test_setup(test_anew_agent_12, set_up),
		cmocka_unit_test_setup(test_crash_while_anew, set_up),
		cmocka_unit_test_setup(test_too_long, set_up),
	};
	int failed;

	if (!mkdtemp(folder))
		return 1;
	snprintf(path, sizeof(path), "%s/journal", folder);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	rmdir(folder);
	return failed;
}

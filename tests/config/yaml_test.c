/* yaml_test.c - YAML read by a table: values, places, errors, and what is refused as a whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config/yaml.h"
#include "tests/config/load.h"

struct room {
	struct position at;
	struct yaml_leaf name, wait;
};

struct house {
	struct position at;
	struct yaml_leaf doors, open, wait, colour, owner, secret;
	struct yaml_list names, rooms;
	struct room *cellar;
};

static bool is_short(const char *text)
{
	return strlen(text) < 6;
}

static const char *const colours[] = {"red", "green"};

static const struct yaml_row room_rows[] = {
	{.key = "name", .type = YAML_TEXT, .offset = offsetof(struct room, name), .most = 20},
	{.key = "wait", .type = YAML_DURATION, .offset = offsetof(struct room, wait), .most = 5000},
};
static const struct yaml_table room_table = {room_rows, 2, sizeof(struct room)};
static const struct yaml_row room_item = {.type = YAML_MAP, .table = &room_table};
static const struct yaml_row name_item = {.type = YAML_TEXT, .most = 9};

#define KEY(name) .key = #name, .offset = offsetof(struct house, name)
static const struct yaml_row rows[] = {
	{KEY(doors), .type = YAML_NUMBER, .least = 1, .most = 9},
	{KEY(open), .type = YAML_BOOL},
	{KEY(wait), .type = YAML_DURATION, .least = 500, .most = UINT32_MAX},
	{KEY(colour), .type = YAML_WORD, .words = colours, .most = 1},
	{KEY(owner), .type = YAML_TEXT, .least = 1, .most = 20, .accepts = is_short,
	 .expected = "a short name"},
	{KEY(secret), .type = YAML_SECRET, .least = 1, .most = 4},
	{KEY(names), .type = YAML_LIST, .least = 1, .most = 3, .item = &name_item},
	{KEY(rooms), .type = YAML_LIST, .least = 1, .most = 2, .item = &room_item},
	{KEY(cellar), .type = YAML_MAP, .table = &room_table},
	{.key = "garden", .type = YAML_RESERVED, .expected = "not built yet"},
};
static const struct yaml_table table = {rows, sizeof(rows) / sizeof(rows[0]), sizeof(struct house)};

/* Reads bytes as "house.yaml"; what is wrong with them must be TOLD.  The store is the caller's. */
static struct config_store *read_bytes(struct house *house, const char *bytes, size_t size,
				       bool good, const char *told)
{
	struct config_store *store = calloc(1, sizeof(*store));
	char *copy = malloc(size + 1);
	const struct file file = {.at = {.file = "house.yaml"}, .bytes = copy, .size = size};
	assert_non_null(store);
	assert_non_null(copy);
	memcpy(copy, bytes, size);
	copy[size] = '\0';
	store_init(store, false);
	*house = (struct house){0};
	assert_int_equal(yaml_read(store, &file, &table, house), good);
	store_finish(store);
	assert_told(&store->config, told);
	free(copy);
	return store;
}

static struct config_store *read_text(struct house *house, const char *text, const char *told)
{
	return read_bytes(house, text, strlen(text), true, told);
}

static void assert_refused(const char *text, const char *told)
{
	struct house house;
	store_free(read_bytes(&house, text, strlen(text), false, told));
}

static void test_every_type_with_its_place(void **state)
{
	(void)state;
	struct house house;
	struct config_store *store = read_text(
		&house,
		"# a house\ndoors: 3\nopen: Yes\nwait: 3.5s\ncolour: GREEN\nowner: \"ann\"\n"
		"secret: abc\nnames: [a, b]\nrooms:\n  - name: hall\n  - {wait: 1s}\n"
		"cellar:\n  name: deep\n",
		"");
	assert_int_equal(house.doors.number, 3);
	assert_int_equal(house.doors.at.line, 2);
	assert_int_equal(house.doors.at.column, 8);
	assert_string_equal(house.doors.at.file, "house.yaml");
	assert_int_equal(house.open.number, 1);
	assert_int_equal(house.wait.number, 3500);
	assert_int_equal(house.colour.number, 1);
	assert_string_equal(house.owner.text, "ann");
	assert_string_equal(house.secret.text, "abc");
	assert_int_equal(house.names.count, 2);
	assert_string_equal(((struct yaml_leaf *)house.names.items)[1].name, "names.2");
	const struct room *rooms = house.rooms.items;
	assert_int_equal(house.rooms.count, 2);
	assert_string_equal(rooms[0].name.text, "hall");
	assert_null(rooms[0].wait.text);
	assert_int_equal(rooms[1].wait.number, 1000);
	assert_string_equal(rooms[1].wait.name, "rooms.2.wait");
	assert_int_equal(rooms[1].at.line, 11);
	assert_string_equal(house.cellar->name.text, "deep");
	store_free(store);
}

static void test_durations(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		uint32_t ms; /* 0: refused */
	} cases[] = {
		{"500ms", 500},      {"0.5s", 500},     {"3.5s", 3500},
		{"5m", 300000},      {"1h", 3600000},   {"2d", 172800000},
		{"1.5h", 5400000},   {"0.0005h", 1800}, {"4294967295ms", UINT32_MAX},
		{"4294967296ms", 0}, {"50d", 0},        {"5", 0},
		{"0.5ms", 0},        {"1.2345s", 0},    {"s", 0},
		{".5s", 0},          {"5.s", 0},        {"-5s", 0},
		{"5 s", 0},          {"5S", 0},         {"5sec", 0},
		{"99999999999s", 0}, {"499ms", 0},      {"1e3s", 0},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[64], told[256] = "";
		struct house house;
		snprintf(text, sizeof(text), "wait: \"%s\"", cases[i].text);
		if (!cases[i].ms)
			snprintf(told, sizeof(told),
				 "house.yaml:1:7: error: wait: \"%s\" is not right here; expected "
				 "a duration, 500ms to 4294967.295s, as in 500ms, 3.5s, 5m, 1h",
				 cases[i].text);
		struct config_store *store = read_text(&house, text, told);
		assert_int_equal(house.wait.number * !!house.wait.text, cases[i].ms);
		store_free(store);
	}
}

static void test_durations_are_shown_as_they_are_read(void **state)
{
	(void)state;
	static const struct {
		uint32_t ms;
		const char *text;
	} cases[] = {{0, "0"},         {500, "500ms"},    {1000, "1s"},    {3500, "3.5s"},
		     {300000, "5m"},   {90000, "90s"},    {3600000, "1h"}, {86400000, "1d"},
		     {5400000, "90m"}, {90061, "90.061s"}};
	struct arena arena = {0};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(yaml_show_duration(&arena, cases[i].ms), cases[i].text);
	arena_free(&arena);
}

static void test_all_errors_in_one_run(void **state)
{
	(void)state;
	struct house house;
	struct config_store *store = read_text(
		&house,
		"doors: ten\nopen: 2\ncolour: blue\nowner: somebody\nsecret: hidden\n"
		"names: [a, {}, b, c]\nrooms: [7, {nane: x}]\ncellar: []\ngarden: 1\ndoor: 1\n"
		"doors: 4\n[a]: 1\ndoors: 5\n",
		"house.yaml:1:8: error: doors: \"ten\" is not right here; expected a number, 1 to "
		"9\n"
		"house.yaml:2:7: error: open: \"2\" is not right here; expected true or false\n"
		"house.yaml:3:9: error: colour: \"blue\" is not right here; expected red or green\n"
		"house.yaml:4:8: error: owner: \"somebody\" is not right here; expected a short "
		"name\n"
		"house.yaml:5:9: error: secret: the value is not right here; expected text of 1 to "
		"4 bytes without control characters\n"
		"house.yaml:6:8: error: names: 4 items; expected a list of 1 to 3 items\n"
		"house.yaml:6:12: error: names.2: a mapping is not right here; expected text of 0 "
		"to 9 bytes without control characters\n"
		"house.yaml:7:9: error: rooms.1: \"7\" is not right here; expected a mapping of "
		"\"key: value\"\n"
		"house.yaml:7:13: error: rooms.2.nane: unknown key; did you mean name?\n"
		"house.yaml:8:9: error: cellar: a list is not right here; expected a mapping of "
		"\"key: value\"\n"
		"house.yaml:9:9: error: garden: not built yet\n"
		"house.yaml:10:1: error: door: unknown key; did you mean doors?\n"
		"house.yaml:11:1: error: doors: set twice in one mapping; the first counts, at "
		"line "
		"1\n"
		"house.yaml:12:1: error: ?: unknown key; it is not read\n"
		"house.yaml:13:1: error: doors: set twice in one mapping; the first counts, at "
		"line "
		"1");
	assert_null(house.doors.text);
	assert_null(house.secret.text);
	assert_int_equal(house.names.count, 3);
	store_free(store);
}

static void test_one_item_may_stand_alone_and_nothing_sets_nothing(void **state)
{
	(void)state;
	struct house house;
	struct config_store *store =
		read_text(&house, "names: a\nrooms: {name: hall}\ndoors:\ncellar:\n", "");
	assert_int_equal(house.names.count, 1);
	assert_int_equal(house.rooms.count, 1);
	assert_null(house.doors.text);
	assert_null(house.cellar);
	store_free(store);
}

static void test_refused_as_a_whole(void **state)
{
	(void)state;
#define TOLD(place, why)                                                                           \
	"house.yaml:" place ": error: not a good YAML file: " why "; nothing of it is used"
	assert_refused("", TOLD("1:1", "the file is empty"));
	assert_refused("# only a comment\n", TOLD("2:1", "the file is empty"));
	assert_refused("- 1\n", TOLD("1:1", "expected \"key: value\" lines"));
	assert_refused("doors: [1\n", TOLD("2:1", "did not find expected ',' or ']'"));
	assert_refused("doors: 1\n---\ndoors: 2\n",
		       TOLD("2:1", "a second document (---) is not allowed"));
	assert_refused("rooms: *a\n",
		       TOLD("1:8", "an alias (*name) is not allowed: write the value out"));
	assert_refused("names: [&a x, &a y]\n",
		       TOLD("1:9", "an anchor (&name) is not allowed: nothing may refer to it"));
	assert_refused("cellar: &a {}\n",
		       TOLD("1:9", "an anchor (&name) is not allowed: nothing may refer to it"));
	assert_refused("doors: \x01\n", TOLD("1:1", "control characters are not allowed"));
	assert_refused("doors: \xff\n", TOLD("1:1", "invalid leading UTF-8 octet"));
#undef TOLD
}

static char *repeat(const char *head, const char *part, size_t times)
{
	char *text = malloc(strlen(head) + strlen(part) * times + 1), *to;
	assert_non_null(text);
	to = stpcpy(text, head);
	for (size_t i = 0; i < times; i++)
		to = stpcpy(to, part);
	return text;
}

static void test_depth_and_number_are_bounded(void **state)
{
	(void)state;
	char *deep = repeat("doors: ", "[", 20000);
	assert_refused(deep, "house.yaml:1:23: error: not a good YAML file: nested too deeply; "
			     "nothing of it is used");
	free(deep);
	char *many = repeat("names: [", "a,", YAML_NODES_MAX);
	struct house house;
	struct config_store *store = calloc(1, sizeof(*store));
	const struct file file = {
		.at = {.file = "house.yaml"}, .bytes = many, .size = strlen(many)};
	assert_non_null(store);
	store_init(store, false);
	house = (struct house){0};
	assert_false(yaml_read(store, &file, &table, &house));
	store_finish(store);
	assert_int_equal(store->config.diagnostic_count, 1);
	assert_non_null(strstr(store->config.diagnostics[0].text, "too many values"));
	store_free(store);
	free(many);
}

/* The anchors of an alias "bomb" are refused before anything is built of them. */
static void test_alias_bomb(void **state)
{
	(void)state;
	char bomb[4096] = "a: &a [x,x,x,x,x,x,x,x,x]\n", *to = bomb + strlen(bomb);
	for (char name = 'b'; name < 'k'; name++) {
		to += sprintf(to, "%c: &%c [", name, name);
		for (int i = 0; i < 9; i++)
			to += sprintf(to, "*%c%s", name - 1, i < 8 ? "," : "]\n");
	}
	assert_refused(bomb,
		       "house.yaml:1:4: error: not a good YAML file: an anchor (&name) is not "
		       "allowed: nothing may refer to it; nothing of it is used");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_type_with_its_place),
		cmocka_unit_test(test_durations),
		cmocka_unit_test(test_durations_are_shown_as_they_are_read),
		cmocka_unit_test(test_all_errors_in_one_run),
		cmocka_unit_test(test_one_item_may_stand_alone_and_nothing_sets_nothing),
		cmocka_unit_test(test_refused_as_a_whole),
		cmocka_unit_test(test_depth_and_number_are_bounded),
		cmocka_unit_test(test_alias_bomb),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

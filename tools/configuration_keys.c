/* configuration_keys.c - prints tables of docs/ from those that read the files.
 *
 *	configuration_keys keys | policy | scenario
 *
 * tools/docs puts its output into the page.  Exit status: 0, or 2 for another argument. */
#include <stdio.h>
#include <string.h>

#include "config/native.h"
#include "sim/plan_rows.h"

static const char *type_of(struct arena *arena, const struct yaml_row *row)
{
	if (row->type == YAML_RESERVED)
		return row->expected;
	if (row->type == YAML_LIST && row->item->type != YAML_MAP)
		return arena_format(arena, "%s, each %s", yaml_range(arena, row),
				    yaml_range(arena, row->item));
	return yaml_range(arena, row);
}

/* A table for PATH ("" is the root), then one for each mapping below it; that of policies stands
 * once, elsewhere. */
static void print_keys(struct arena *arena, const char *path, const struct yaml_table *table)
{
	printf("\n### %s\n\n| key | may be | meaning |\n| --- | --- | --- |\n",
	       *path ? path : "The file");
	for (size_t i = 0; i < table->count; i++)
		printf("| `%s` | %s | %s |\n", table->rows[i].key, type_of(arena, &table->rows[i]),
		       table->rows[i].meaning);
	for (size_t i = 0; i < table->count; i++) {
		const struct yaml_row *row = &table->rows[i];
		bool list = row->type == YAML_LIST && row->item->type == YAML_MAP;
		const struct yaml_table *inner = list                    ? row->item->table
						 : row->type == YAML_MAP ? row->table
									 : NULL;
		if (inner && inner != native_policy_table())
			print_keys(arena,
				   arena_format(arena, "%s%s%s", path, *path ? "." : "", row->key),
				   inner);
	}
}

static const char *show(struct arena *arena, const struct yaml_row *row, uint32_t number)
{
	if (row->words)
		return row->words[number];
	if (row->type == YAML_BOOL)
		return number ? "true" : "false";
	if (row->type == YAML_DURATION)
		return yaml_show_duration(arena, number);
	return arena_format(arena, "%u", number);
}

static void print_policy(struct arena *arena)
{
	const struct yaml_table *table = native_policy_table();

	printf("\n| key | may be |");
	for (int profile = 0; profile < KL_PROFILES; profile++)
		printf(" %s |", kl_profile_name((enum kl_profile)profile));
	printf(" meaning |\n|");
	for (int column = 0; column < KL_PROFILES + 3; column++)
		printf(" --- |");
	for (size_t i = 0; i < table->count; i++) {
		const struct yaml_row *row = &table->rows[i];
		const struct kl_policy_info *info =
			kl_policy_describe((enum kl_policy_field)(i + 1));
		const char *range =
			row->type == YAML_DURATION
				? arena_format(arena, "%s to %s", show(arena, row, row->least),
					       show(arena, row, row->most))
				: yaml_range(arena, row);
		printf("\n| `%s` | %s |", row->key, range);
		for (int profile = 0; profile < KL_PROFILES; profile++)
			printf(" %s |", show(arena, row, info->by_profile[profile]));
		printf(" %s |", row->meaning);
	}
	printf("\n");
}

int main(int argc, char **argv)
{
	struct arena arena = {0};
	const char *what = argc == 2 ? argv[1] : "";
	bool keys = !strcmp(what, "keys"), scenario = !strcmp(what, "scenario");
	bool policy = !strcmp(what, "policy");

	if (keys || scenario)
		print_keys(&arena, "", keys ? native_table() : sim_plan_table());
	if (policy)
		print_policy(&arena);
	arena_free(&arena);
	return keys || policy || scenario ? 0 : 2;
}

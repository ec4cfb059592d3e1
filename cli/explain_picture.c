/* explain_picture.c - a time line as a picture in characters.
 *
 *	           0 s       10        20        30
 *	           +---------+---------+---------+-
 *	  route 1  I I-x
 *	  route 2      R R--R--
 */
#include <stdlib.h>
#include <string.h>

#include "cli/explain.h"

enum {
	WIDTH = 56,       /* columns of the picture itself */
	TICKS_WANTED = 6, /* about so many numbers stand on the axis */
	ROWS_MAX = KL_ENTRIES_MAX * KL_SET_ROUTES_MAX,
	LINE_COLUMNS = 90, /* columns of a list of times */
};

/* What one route sees. */
struct row {
	uint32_t entry, route;
	char marks[WIDTH + 1];
};

struct picture {
	const struct cli_rehearsal *seen;
	kl_ms tick_ms, span_ms; /* of the axis: up to the last step at least */
	uint32_t tick_columns;
	struct row rows[ROWS_MAX];
	uint32_t row_count;
	bool several_entries;
};

static uint32_t column_at(const struct picture *picture, kl_ms t_ms)
{
	kl_ms column = t_ms * picture->tick_columns / picture->tick_ms;

	return column < WIDTH ? (uint32_t)column : WIDTH - 1;
}

/* Ticks of 1, 2 or 5 times a power of ten, as many columns apart as fit. */
static void scale(struct picture *picture)
{
	static const kl_ms factors[] = {1, 2, 5};
	kl_ms span_ms = picture->seen->steps[picture->seen->step_count - 1].t_ms, power = 100;

	for (uint32_t i = 0;; i = (i + 1) % 3) {
		picture->tick_ms = power * factors[i];
		if (picture->tick_ms * TICKS_WANTED >= span_ms)
			break;
		if (i == 2)
			power *= 10;
	}
	picture->tick_columns =
		(uint32_t)((WIDTH - 2) * picture->tick_ms /
			   (span_ms > picture->tick_ms ? span_ms : picture->tick_ms));
	picture->span_ms = span_ms;
}

static struct row *find_row(struct picture *picture, const struct cli_step *step)
{
	for (uint32_t i = 0; i < picture->row_count; i++)
		if (picture->rows[i].entry == step->entry && picture->rows[i].route == step->route)
			return &picture->rows[i];
	if (picture->row_count == ROWS_MAX)
		return NULL;
	struct row *row = &picture->rows[picture->row_count++];
	*row = (struct row){.entry = step->entry, .route = step->route};
	memset(row->marks, ' ', WIDTH);
	return row;
}

/* Does STEP end the wait of FROM?  A send to another route of its entry does, and the first one of
 * the request itself to another entry; registrations with other entries go on beside it. */
static bool ends_wait(const struct cli_rehearsal *seen, const struct cli_step *from,
		      const struct cli_step *step)
{
	enum kl_method method = seen->steps[0].method;
	bool same_entry = !step->entry || step->entry == from->entry;

	if (step->type != CLI_STEP_SEND || same_entry)
		return same_entry && (step->type != CLI_STEP_SEND || step->route != from->route);
	return method != KL_REGISTER && step->method == method && step->attempt == 1;
}

static kl_ms end_of_wait(const struct cli_rehearsal *seen, uint32_t i)
{
	for (uint32_t j = i + 1; j < seen->step_count; j++)
		if (ends_wait(seen, &seen->steps[i], &seen->steps[j]))
			return seen->steps[j].t_ms;
	return seen->steps[seen->step_count - 1].t_ms;
}

/* First the waits, then the sends over them. */
static void draw(struct picture *picture)
{
	const struct cli_rehearsal *seen = picture->seen;
	struct row *row;

	for (uint32_t i = 0; i < seen->step_count; i++) {
		if (seen->steps[i].type != CLI_STEP_SEND)
			continue;
		row = find_row(picture, &seen->steps[i]);
		for (uint32_t c = column_at(picture, seen->steps[i].t_ms);
		     row && c < column_at(picture, end_of_wait(seen, i)); c++)
			row->marks[c] = '-';
	}
	for (uint32_t i = 0; i < seen->step_count; i++) {
		const struct cli_step *step = &seen->steps[i];
		uint32_t column = column_at(picture, step->t_ms);

		if (step->type == CLI_STEP_GIVE_UP)
			continue;
		row = find_row(picture, step);
		if (row)
			row->marks[column] = kl_method_name(step->method)[0];
		if (row && step->type == CLI_STEP_ANSWER)
			row->marks[column + 1 < WIDTH ? column + 1 : column] = '*';
	}
}

static int compare_rows(const void *left, const void *right)
{
	const struct row *a = left, *b = right;

	if (a->entry != b->entry)
		return a->entry < b->entry ? -1 : 1;
	return a->route < b->route ? -1 : a->route > b->route;
}

static int print_name(FILE *to, const struct picture *picture, const struct row *row)
{
	if (picture->several_entries)
		return fprintf(to, "  entry %u, route %-2u  ", row->entry, row->route);
	return fprintf(to, "  route %-2u  ", row->route);
}

static void print_axis(FILE *to, const struct picture *picture)
{
	int indent = picture->several_entries ? 21 : 12;
	int column = 0;
	kl_ms t_ms;

	fprintf(to, "%*s", indent, "");
	for (t_ms = 0; t_ms <= picture->span_ms; t_ms += picture->tick_ms) {
		int at = (int)column_at(picture, t_ms);

		fprintf(to, "%*s", at - column, "");
		column = at + fprintf(to, t_ms ? "%g" : "%g s", (double)t_ms / 1000);
	}
	fprintf(to, "\n%*s", indent, "");
	for (uint32_t c = 0; c <= column_at(picture, picture->span_ms); c++)
		fputc(c % picture->tick_columns ? '-' : '+', to);
	fputc('\n', to);
}

/* When the sends of METHOD to ROW's route were: "INVITE at 0, 0.5, 1.5 s". */
static void print_times(FILE *to, const struct picture *picture, const struct row *row,
			enum kl_method method)
{
	const struct cli_rehearsal *seen = picture->seen;
	int column = 0, indent = 0;

	for (uint32_t i = 0; i < seen->step_count; i++) {
		const struct cli_step *step = &seen->steps[i];

		if (step->type != CLI_STEP_SEND || step->method != method ||
		    step->entry != row->entry || step->route != row->route)
			continue;
		if (!indent)
			indent = column = print_name(to, picture, row) +
					  fprintf(to, "%s at ", kl_method_name(method));
		else if (column < LINE_COLUMNS)
			column += fprintf(to, ", ");
		else
			column = fprintf(to, ",\n%*s", indent, "") - 2;
		column += fprintf(to, "%g", (double)step->t_ms / 1000);
	}
	fprintf(to, indent ? " s\n" : "");
}

/* What went to ROW's route first: the request, or the REGISTER that it waits for. */
static enum kl_method first_method(const struct picture *picture, const struct row *row)
{
	const struct cli_step *step = picture->seen->steps;

	while (step->type != CLI_STEP_SEND || step->entry != row->entry ||
	       step->route != row->route)
		step++;
	return step->method;
}

static void print_end(FILE *to, const struct picture *picture)
{
	const struct cli_rehearsal *seen = picture->seen;

	if (seen->cut)
		fprintf(to, "  and %u more sends\n", seen->cut);
	for (uint32_t i = 0; i < seen->step_count; i++) {
		const struct cli_step *step = &seen->steps[i];

		if (step->type == CLI_STEP_SEND)
			continue;
		fprintf(to, "  %s %s", kl_method_name(step->method),
			step->type == CLI_STEP_ANSWER ? "answered" : "given up");
		if (picture->several_entries && step->entry)
			fprintf(to, " on entry %u", step->entry);
		fprintf(to, " at %g s", (double)step->t_ms / 1000);
		fprintf(to, step->status ? ": %u\n" : "\n", step->status);
	}
}

void explain_picture(FILE *to, const struct cli_rehearsal *seen, bool several_entries)
{
	struct picture picture = {.seen = seen, .several_entries = several_entries};

	if (!seen->step_count) {
		fprintf(to, "  nothing is sent\n");
		return;
	}
	scale(&picture);
	draw(&picture);
	qsort(picture.rows, picture.row_count, sizeof picture.rows[0], compare_rows);
	print_axis(to, &picture);
	for (uint32_t i = 0; i < picture.row_count; i++) {
		uint32_t end = WIDTH;

		while (end > 0 && picture.rows[i].marks[end - 1] == ' ')
			end--;
		print_name(to, &picture, &picture.rows[i]);
		fprintf(to, "%.*s\n", (int)end, picture.rows[i].marks);
	}
	fputc('\n', to);
	for (uint32_t i = 0; i < picture.row_count; i++) {
		enum kl_method first = first_method(&picture, &picture.rows[i]);
		enum kl_method other = first == KL_REGISTER ? seen->steps[0].method : KL_REGISTER;

		print_times(to, &picture, &picture.rows[i], first);
		if (other != first)
			print_times(to, &picture, &picture.rows[i], other);
	}
	print_end(to, &picture);
}

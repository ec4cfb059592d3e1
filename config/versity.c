/* versity.c - values between semicolons. */
#include "config/versity.h"

#include <string.h>

#include "config/text.h"

/* Spectralink CS-18-10: "the domain value is required and the serverspec values are optional (if
 * only the domain is specified, it is also treated as serverspec1)". */
bool versity_read_field(const char *text, struct arena *arena, struct versity_field *field)
{
	*field = (struct versity_field){
		.specs = arena_alloc(arena, KL_SPECS_MAX * sizeof(*field->specs))};
	for (bool more = true; more;) {
		size_t length = strcspn(text, ";");
		const char *value = text_copy_trimmed(arena, arena_copy(arena, text, length));
		more = text[length] == ';';
		text += length + 1;
		if (!more && !*value && field->domain)
			break; /* a semicolon after the last */
		if (!text_is_host(value))
			return false;
		if (!field->domain)
			field->domain = value;
		else if (field->spec_count < KL_SPECS_MAX)
			field->specs[field->spec_count++] = value;
		else
			return false;
	}
	if (field->spec_count == 0)
		field->specs[field->spec_count++] = field->domain;
	return true;
}

#include "sip/text.h"

#include <string.h>

static const struct {
	int error;
	const char *name, *sentence;
} errors[] = {
#define SIP_ERROR_ROW(name, value, sentence) {value, #name, sentence},
	SIP_ERRORS(SIP_ERROR_ROW)
#undef SIP_ERROR_ROW
};

const char *sip_error_name(int error)
{
	for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++)
		if (errors[i].error == error)
			return errors[i].name;
	return "SIP_OK";
}

const char *sip_strerror(int error)
{
	for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++)
		if (errors[i].error == error)
			return errors[i].sentence;
	return "no error";
}

bool sip_span_equal(struct sip_span a, struct sip_span b)
{
	return a.length == b.length && (a.length == 0 || memcmp(a.at, b.at, a.length) == 0);
}

uint64_t sip_span_hash(struct sip_span span)
{
	uint64_t hash = 0xcbf29ce484222325;

	for (size_t i = 0; i < span.length; i++)
		hash = (hash ^ (unsigned char)span.at[i]) * 0x100000001b3;
	return hash ^ hash >> 32;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct sip_span sip_span_trim(struct sip_span span)
{
	while (span.length > 0 && is_blank(span.at[0])) {
		span.at++;
		span.length--;
	}
	while (span.length > 0 && is_blank(span.at[span.length - 1]))
		span.length--;
	return span;
}

struct sip_span sip_span_cut(struct sip_span span, char separator, struct sip_span *rest)
{
	bool quoted = false, angled = false;
	size_t i = 0;

	for (; i < span.length; i++) {
		char c = span.at[i];
		if (quoted && c == '\\')
			i++;
		else if (c == '"' && !angled)
			quoted = !quoted;
		else if (quoted)
			continue;
		else if (c == separator && !angled)
			break;
		else if (c == '<' || c == '>')
			angled = c == '<';
	}
	if (i >= span.length) {
		*rest = (struct sip_span){NULL, 0};
		return span;
	}
	*rest = (struct sip_span){span.at + i + 1, span.length - i - 1};
	return (struct sip_span){span.at, i};
}

struct sip_span sip_span_unquote(struct sip_span span)
{
	if (span.length >= 2 && span.at[0] == '"' && span.at[span.length - 1] == '"')
		return (struct sip_span){span.at + 1, span.length - 2};
	return span;
}

static const bool token_chars[UINT8_MAX + 1] = {
	['a' ... 'z'] = true, ['A' ... 'Z'] = true, ['0' ... '9'] = true, ['-'] = true,
	['.'] = true,         ['!'] = true,         ['%'] = true,         ['*'] = true,
	['_'] = true,         ['+'] = true,         ['`'] = true,         ['\''] = true,
	['~'] = true,
};

bool sip_span_is_token(struct sip_span span)
{
	for (size_t i = 0; i < span.length; i++)
		if (!token_chars[(unsigned char)span.at[i]])
			return false;
	return span.length > 0;
}

int sip_span_number(struct sip_span span, uint32_t most, uint32_t *number)
{
	uint64_t sum = 0;

	if (span.length == 0)
		return SIP_EVALUE;
	for (size_t i = 0; i < span.length; i++) {
		if (span.at[i] < '0' || span.at[i] > '9')
			return SIP_EVALUE;
		if (sum <= most)
			sum = sum * 10 + (uint64_t)(span.at[i] - '0');
	}
	if (sum > most)
		return SIP_ERANGE;
	*number = (uint32_t)sum;
	return 0;
}

int sip_span_copy(struct sip_span span, char *buffer, size_t size)
{
	buffer[0] = '\0';
	if (span.length >= size)
		return SIP_ESPACE;
	if (span.length > 0 && memchr(span.at, '\0', span.length))
		return SIP_EVALUE;
	if (span.length > 0)
		memcpy(buffer, span.at, span.length);
	buffer[span.length] = '\0';
	return 0;
}

bool sip_list_next(struct sip_span *rest, struct sip_span *element)
{
	while (rest->length > 0) {
		*element = sip_span_trim(sip_span_cut(*rest, ',', rest));
		if (element->length > 0)
			return true;
	}
	return false;
}

bool sip_param_next(struct sip_span *rest, char separator, struct sip_param *param)
{
	struct sip_span whole;

	if (!rest->at)
		return false;
	whole = sip_span_cut(*rest, separator, rest);
	param->name = sip_span_trim(sip_span_cut(whole, '=', &param->value));
	param->value = sip_span_trim(param->value);
	return true;
}

bool sip_param_find(struct sip_span params, const char *name, struct sip_span *value)
{
	struct sip_param param;

	while (sip_param_next(&params, ';', &param)) {
		if (!sip_span_is(param.name, name))
			continue;
		if (value)
			*value = param.value;
		return true;
	}
	return false;
}

/* phone_options.c - configuration files and how to read them, of the command line. */
#include "cli/phone_options.h"

enum { KEY_MAC = 512, KEY_MODEL, KEY_VERSITY };

static const struct argp_option options[] = {
	{"profile", 'p', "NAME", 0,
	 "the vendor's rules: poly, yealink, ...; default: as the files are", 0},
	{"strict", 's', NULL, 0, "values out of range are errors", 0},
	{"mac", KEY_MAC, "MAC", 0, "the phone's MAC address, for master files and folders", 0},
	{"model", KEY_MODEL, "MODEL", 0, "the phone's model, for what is for one model only", 0},
	{"versity", KEY_VERSITY, "FIELD", 0,
	 "a line by a Versity's SIP server field: '[EXTENSION@]DOMAIN; SPEC; ...'", 0},
	{0},
};

static error_t parse_option(int key, char *value, struct argp_state *state)
{
	struct config_options *phone = state->input;

	switch (key) {
	case 'p':
		phone->profile = value;
		return 0;
	case 's':
		phone->strict = true;
		return 0;
	case KEY_MAC:
		phone->mac = value;
		return 0;
	case KEY_MODEL:
		phone->model = value;
		return 0;
	case KEY_VERSITY:
		phone->versity = value;
		return 0;
	case ARGP_KEY_ARGS:
		phone->files = (const char *const *)state->argv + state->next;
		phone->file_count = (uint32_t)(state->argc - state->next);
		return 0;
	case ARGP_KEY_NO_ARGS:
		if (!phone->versity)
			argp_error(state, "which configuration file?");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

const struct argp cli_phone_argp = {.options = options, .parser = parse_option};

void cli_print_diagnostics(FILE *to, const struct config *config)
{
	char text[KL_TEXT_MAX];

	for (uint32_t i = 0; i < config->diagnostic_count; i++)
		fprintf(to, "%s\n",
			config_format_diagnostic(text, sizeof text, &config->diagnostics[i]));
}

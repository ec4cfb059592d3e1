/* phone_options.c - --mac, --model, --versity. */
#include "cli/phone_options.h"

enum { KEY_MAC = 512, KEY_MODEL, KEY_VERSITY };

static const struct argp_option options[] = {
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
	case KEY_MAC:
		phone->mac = value;
		return 0;
	case KEY_MODEL:
		phone->model = value;
		return 0;
	case KEY_VERSITY:
		phone->versity = value;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

const struct argp cli_phone_argp = {.options = options, .parser = parse_option};

/* lab_ctl.c - `keepline lab ctl`: tells a running lab what to do, by its socket. */
#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli/lab.h"
#include "phone/control.h"

enum { KEY_CONTROL = 256, ORDER_MAX = 1024 };

static const char command[] = "keepline lab ctl";

struct arguments {
	const char *path;
	char order[ORDER_MAX];
};

static const struct argp_option options[] = {
	{"control", KEY_CONTROL, "PATH", 0, "the lab's socket; default: as the lab has it", 0},
	{0}};

char *cli_lab_socket(char *to, size_t size)
{
	char beside[PHONE_CONTROL_PATH_MAX + 1], *name;

	phone_control_default_path(beside, sizeof beside);
	name = strrchr(beside, '/');
	snprintf(to, size, "%.*s/keepline-lab.sock", name ? (int)(name - beside) : 0, beside);
	return to;
}

static error_t parse_option(int key, char *value, struct argp_state *state)
{
	struct arguments *arguments = state->input;
	size_t used = strlen(arguments->order);

	switch (key) {
	case KEY_CONTROL:
		arguments->path = value;
		break;
	case ARGP_KEY_ARG:
		if (used + strlen(value) + 2 > sizeof arguments->order)
			argp_error(state, "the order is too long");
		else
			sprintf(arguments->order + used, "%s%s", used ? " " : "", value);
		break;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "what is the lab to do? SERVER FAULT, status, verdict or stop");
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static const struct argp argp = {
	.options = options,
	.parser = parse_option,
	.args_doc = "ORDER...",
	.doc = "Tells a running lab what to do.\v"
	       "  SERVER FAULT       breaks a server now: server1 silent, dns servfail, all up\n"
	       "  status             the servers, their faults, who is registered\n"
	       "  verdict [PROFILE]  what was kept and broken so far\n"
	       "  stop               ends the lab\n\n"
	       "Exit status: 0 done; 1 the lab refused; 2 wrong usage, or no lab listens.",
};

/* One request, one answer, and the connection ends.  The answer's length; -errno. */
static ssize_t ask(int fd, const char *order, char **answer)
{
	bool verdict = !strncmp(order, "verdict", strlen("verdict"));
	const char *profile = verdict ? order + strlen("verdict") : "";
	size_t size = 0;
	char buffer[4096];
	ssize_t got;
	FILE *to;

	profile += *profile == ' ';
	if (verdict)
		dprintf(fd, "GET /report.txt%s%s HTTP/1.0\r\nHost: lab\r\n\r\n",
			*profile ? "?expect=" : "", profile);
	else
		dprintf(fd, "POST /order HTTP/1.0\r\nHost: lab\r\nContent-Length: %zu\r\n\r\n%s",
			strlen(order), order);
	to = open_memstream(answer, &size);
	if (!to)
		return -ENOMEM;
	while ((got = read(fd, buffer, sizeof buffer)) > 0)
		fwrite(buffer, 1, (size_t)got, to);
	fclose(to);
	return got < 0 ? -errno : (ssize_t)size;
}

/* Exit status. */
static int show(const char *answer)
{
	const char *body = strstr(answer, "\r\n\r\n");
	unsigned status = 0;

	if (sscanf(answer, "HTTP/%*u.%*u %u", &status) != 1 || !body) {
		fprintf(stderr, "%s: the lab's answer can't be read\n", command);
		return 2;
	}
	body += strlen("\r\n\r\n");
	if (status == 200) {
		fputs(body, stdout);
		return 0;
	}
	fprintf(stderr, "%s: %s%s", command, body,
		*body && body[strlen(body) - 1] == '\n' ? "" : "\n");
	return 1;
}

int cli_lab_ctl(int argc, char **argv)
{
	struct arguments arguments = {0};
	char path[PHONE_CONTROL_PATH_MAX + 1], *answer = NULL;
	int fd, status = 2;

	argp_parse(&argp, argc, argv, 0, NULL, &arguments);
	if (!arguments.path)
		arguments.path = cli_lab_socket(path, sizeof path);
	fd = phone_control_connect(arguments.path);
	if (fd < 0) {
		fprintf(stderr, "%s: no lab listens at %s: %s\n", command, arguments.path,
			strerror(-fd));
		return 2;
	}
	if (ask(fd, arguments.order, &answer) < 0)
		fprintf(stderr, "%s: %s: the lab is gone\n", command, arguments.path);
	else
		status = show(answer);
	free(answer);
	close(fd);
	return status;
}

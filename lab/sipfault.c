/* sipfault.c - the faults that a lab server has now. */
#include "lab/sipserver_private.h"

const struct lab_fault *lab_fault_find(const struct lab_sipserver *server, enum lab_fault_kind kind,
				       enum sip_method method)
{
	for (unsigned i = 0; i < server->fault_count; i++) {
		const struct lab_fault *fault = &server->faults[i];

		if (fault->kind == kind && lab_fault_is_about(fault, method))
			return fault;
	}
	return NULL;
}

/* A number from 0 to 99 (xorshift64). */
static uint32_t draw(struct lab_sipserver *server)
{
	server->dice ^= server->dice << 13;
	server->dice ^= server->dice >> 7;
	server->dice ^= server->dice << 17;
	return (uint32_t)(server->dice % 100);
}

static bool goes_there(const struct lab_fault *fault, bool in)
{
	return in ? fault->in : fault->out;
}

bool lab_fault_loses(struct lab_sipserver *server, bool in, enum sip_method method)
{
	const struct lab_fault *silent = lab_fault_find(server, LAB_SILENT, method);
	const struct lab_fault *loss = lab_fault_find(server, LAB_LOSS, method);

	if (silent && goes_there(silent, in))
		return true;
	return loss && goes_there(loss, in) && draw(server) < loss->value;
}

void lab_faults_settle(struct lab_sipserver *server)
{
	const struct lab_fault *bad = NULL;
	enum lab_port_manner manner = LAB_PORT_SERVES;
	uint32_t granted_s = server->config.registrar.expires_max_s;

	for (unsigned i = 0; i < server->fault_count; i++) {
		const struct lab_fault *fault = &server->faults[i];
		uint32_t seconds = fault->value / 1000;

		if (fault->kind == LAB_MUTE)
			manner = LAB_PORT_MUTE;
		if (fault->kind == LAB_RESETS)
			manner = LAB_PORT_RESETS;
		if (fault->kind == LAB_CERTIFICATE)
			bad = fault;
		if (fault->kind == LAB_EXPIRES && (!granted_s || seconds < granted_s))
			granted_s = seconds;
	}
	server->registrar.config.expires_max_s = granted_s;
	for (unsigned i = 0; i < server->place_count; i++) {
		struct lab_port *port = server->places[i].port;

		if (!port)
			continue;
		lab_port_set_manner(port, manner);
		lab_port_set_tls(port,
				 bad ? server->config.bad_tls[bad->value] : server->config.tls);
	}
}

static void remember(struct lab_sipserver *server, const struct lab_fault *fault)
{
	unsigned i = 0;

	while (i < server->fault_count && server->faults[i].kind != fault->kind)
		i++;
	server->faults[i] = *fault;
	if (i == server->fault_count)
		server->fault_count++;
}

int lab_sipserver_add_fault(struct lab_sipserver *server, const struct lab_fault *fault)
{
	int error = 0;

	if (fault->kind == LAB_FORGETS) {
		lab_registrar_forget(&server->registrar);
		return 0;
	}
	if (fault->kind == LAB_UP) {
		if (!lab_places_are_open(server))
			error = lab_sipserver_start(server);
		if (!error)
			server->fault_count = 0;
	} else if (fault->kind == LAB_RESTARTS) {
		if (!lab_places_are_open(server))
			return 0;
		lab_sipserver_stop(server);
		error = lab_sipserver_start(server);
	} else {
		if (fault->kind == LAB_CLOSED && lab_places_are_open(server))
			lab_sipserver_stop(server);
		remember(server, fault);
	}
	lab_faults_settle(server);
	return error;
}

int lab_sipserver_set_fault(struct lab_sipserver *server, enum lab_fault_kind kind)
{
	const struct lab_fault up = {.kind = LAB_UP};
	const struct lab_fault fault = {.kind = kind, .in = true, .out = true};
	int error = 0;

	/* What is closed and stays so is not opened in between. */
	if (kind != LAB_CLOSED || lab_places_are_open(server))
		error = lab_sipserver_add_fault(server, &up);
	if (!error && kind != LAB_UP)
		error = lab_sipserver_add_fault(server, &fault);
	return error;
}

const struct lab_fault *lab_sipserver_fault(const struct lab_sipserver *server, unsigned nth)
{
	return nth < server->fault_count ? &server->faults[nth] : NULL;
}

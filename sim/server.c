#include "sim/server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/grow.h"

void sim_server_init(struct sim_server *server, const char *name)
{
	*server = (struct sim_server){.port = 5060, .delay_ms = 10};
	snprintf(server->name, sizeof(server->name), "%s", name);
	sim_server_heal(server);
}

void sim_server_free(struct sim_server *server)
{
	free(server->bindings);
}

void sim_server_heal(struct sim_server *server)
{
	server->reach = SIM_UP;
	server->fault = KL_FAULT_NONE;
	server->tls_fails = server->lacks_outbound = false;
	server->redirect.port = 0;
	for (size_t i = 0; i < KL_METHODS_MAX; i++)
		server->scripts[i] = (struct sim_script){1, {{200, 0}}};
	server->overloaded = server->requests = 0;
	server->slow_ms = 0;
	server->retry_after_ms = 0;
	server->grant_max_ms = KL_NEVER;
	server->min_expires_ms = 0;
	server->challenge = SIM_TRUSTS;
}

bool sim_server_hears(const struct sim_server *server)
{
	return server->reach == SIM_UP || server->reach == SIM_UNHEARD;
}

static bool satisfied(const struct sim_server *server, const struct sim_request *request)
{
	return server->challenge == SIM_TRUSTS ||
	       (server->challenge == SIM_CHALLENGES && request->nonce >= server->nonce_oldest &&
		request->nonce > 0);
}

static struct sim_reply challenge(struct sim_server *server, const struct sim_request *request)
{
	return (struct sim_reply){
		.status = request->method == KL_REGISTER ? 401 : 407,
		.stale = (server->challenge == SIM_CHALLENGES && request->nonce > 0) ||
			 server->challenge == SIM_DISTRUSTS,
		.foreign = server->challenge == SIM_FOREIGN,
		.nonce = ++server->nonce,
		.after_ms = server->slow_ms,
	};
}

size_t sim_server_answer(struct sim_server *server, const struct sim_request *request,
			 struct sim_reply replies[SIM_REPLIES_MAX])
{
	const struct sim_script *script = &server->scripts[request->method];

	if (!sim_server_hears(server))
		return 0;
	if (server->overloaded && ++server->requests % server->overloaded != 0) {
		replies[0] = (struct sim_reply){.status = 503,
						.retry_after_ms = server->retry_after_ms,
						.after_ms = server->slow_ms};
		return 1;
	}
	if (!satisfied(server, request)) {
		replies[0] = challenge(server, request);
		return 1;
	}
	if (request->expires_ms > 0 &&
	    (request->method == KL_REGISTER || request->method == KL_SUBSCRIBE) &&
	    request->expires_ms < server->min_expires_ms) {
		replies[0] = (struct sim_reply){.status = 423,
						.min_expires_ms = server->min_expires_ms,
						.after_ms = server->slow_ms};
		return 1;
	}
	if (request->reg_id && server->lacks_outbound) {
		replies[0] = (struct sim_reply){.status = 439, .after_ms = server->slow_ms};
		return 1;
	}
	for (size_t i = 0; i < script->count; i++) {
		replies[i] = (struct sim_reply){
			.status = script->steps[i].status,
			.after_ms = server->slow_ms + script->steps[i].after_ms,
		};
		if (replies[i].status == 503)
			replies[i].retry_after_ms = server->retry_after_ms;
		if (replies[i].status / 100 == 3)
			replies[i].redirect = server->redirect;
	}
	return script->count;
}

/* RFC 5626 6: by the instance and its reg-id; else by the Contact, which is the same for both. */
static struct sim_binding *find_binding(struct sim_server *server,
					const struct sim_request *request, uint32_t reg_id)
{
	for (size_t i = 0; i < server->binding_count; i++) {
		struct sim_binding *binding = &server->bindings[i];

		if (binding->line == request->line && binding->entry == request->entry &&
		    binding->reg_id == reg_id)
			return binding;
	}
	return NULL;
}

kl_ms sim_server_grants(const struct sim_server *server, kl_ms expires_ms)
{
	return expires_ms < server->grant_max_ms ? expires_ms : server->grant_max_ms;
}

void sim_server_register(struct sim_server *server, const struct sim_request *request,
			 struct sim_reply *reply, kl_ms now)
{
	uint32_t reg_id = server->outbound ? request->reg_id : 0;
	struct sim_binding *binding = find_binding(server, request, reg_id);

	reply->outbound = reg_id != 0;
	reply->granted_ms = sim_server_grants(server, request->expires_ms);
	if (reply->granted_ms == 0) {
		if (binding)
			*binding = server->bindings[--server->binding_count];
		return;
	}
	if (!binding) {
		server->bindings = sim_grow(server->bindings, &server->binding_room,
					    server->binding_count, sizeof(*binding));
		binding = &server->bindings[server->binding_count++];
	}
	*binding = (struct sim_binding){request->line, request->entry, request->call_id, reg_id,
					now + reply->granted_ms};
}

void sim_server_forget(struct sim_server *server)
{
	server->binding_count = 0;
}

#include "sim/host.h"

#include <stdio.h>
#include <stdlib.h>

#include "sim/grow.h"
#include "sim/world.h"

void sim_host_free(struct sim_host *host)
{
	free(host->transactions);
	free(host->streams);
	free(host->calls);
	free(host->credentials);
}

void sim_host_renumber(struct sim_host *host, const struct kl_config *config,
		       const struct kl_config *old)
{
	for (size_t i = 0; i < host->transaction_count; i++)
		host->transactions[i].line = kl_find_line(config, old, host->transactions[i].line);
	for (size_t i = 0; i < host->credential_count; i++)
		host->credentials[i].line = kl_find_line(config, old, host->credentials[i].line);
	for (size_t i = 0; i < host->call_count; i++) {
		struct sim_call *call = &host->calls[i];

		call->line = kl_find_line(config, old, call->line);
		call->binding.line = kl_find_line(config, old, call->binding.line);
	}
}

void sim_host_restart(struct sim_host *host)
{
	for (size_t i = 0; i < host->transaction_count; i++)
		host->transactions[i].gone = true;
	for (size_t i = 0; i < host->stream_count; i++)
		host->streams[i].state = SIM_STREAM_CLOSED;
	for (size_t i = 0; i < host->call_count; i++)
		host->calls[i].open = host->calls[i].up = false;
	host->credential_count = 0;
}

/* ---- credentials ------------------------------------------------------------------------ */

/* The REGISTERs of two flows may be challenged at one time.  OWN-6 */
static struct sim_credentials *credentials_of(struct sim_host *host, uint32_t line, uint32_t entry,
					      uint32_t reg_id)
{
	struct sim_credentials *mine;

	for (size_t i = 0; i < host->credential_count; i++) {
		mine = &host->credentials[i];
		if (mine->line == line && mine->entry == entry &&
		    mine->reg_id == (reg_id > 1 ? reg_id : 0))
			return mine;
	}
	host->credentials = sim_grow(host->credentials, &host->credential_room,
				     host->credential_count, sizeof(*mine));
	mine = &host->credentials[host->credential_count++];
	*mine = (struct sim_credentials){.line = line,
					 .entry = entry,
					 .reg_id = reg_id > 1 ? reg_id : 0,
					 .server = SIM_NO_SERVER};
	return mine;
}

/* The same route refused credentials that were made from its own challenge to this very request:
 * only that is a refusal (TRIG-8). */
static enum kl_challenge judge(const struct sim_transaction *t, const struct sim_reply *reply)
{
	const struct sim_credentials *sent = &t->credentials;

	if (reply->foreign)
		return KL_CHALLENGE_UNANSWERABLE;
	if (reply->stale)
		return KL_CHALLENGE_STALE;
	if (sent->open && sent->token == t->token && sent->server == t->server)
		return KL_CHALLENGE_REFUSED;
	return KL_CHALLENGE_NEW;
}

/* The request of TOKEN (0: the registration) is over: its credentials stay, as cached ones. */
static void close_credentials(struct sim_host *host, uint32_t line, uint32_t entry, uint64_t token)
{
	for (uint32_t reg_id = 0; reg_id <= 2; reg_id += 2) {
		struct sim_credentials *mine = credentials_of(host, line, entry, reg_id);

		if (mine->token == token)
			mine->open = false;
	}
}

/* ---- transactions ------------------------------------------------------------------------ */

static struct sim_transaction *find_transaction(struct sim_host *host, kl_tx tx)
{
	for (size_t i = host->transaction_count; i-- > 0;) {
		if (host->transactions[i].tx == tx && !host->transactions[i].gone)
			return &host->transactions[i];
	}
	return NULL;
}

static struct sim_transaction *add_transaction(struct sim_world *world,
					       const struct kl_action_send *send)
{
	struct sim_host *host = &world->host;
	struct sim_server *server = sim_world_server_at(world, &send->route);
	struct sim_transaction *t;

	host->transactions = sim_grow(host->transactions, &host->transaction_room,
				      host->transaction_count, sizeof(*t));
	t = &host->transactions[host->transaction_count++];
	*t = (struct sim_transaction){
		.tx = send->tx,
		.method = send->method,
		.line = send->line,
		.entry = send->entry,
		.call_id = send->call_id,
		.reg_id = send->reg_id,
		.token = send->token,
		.expires_ms = send->expires_ms,
		.route = send->route,
		.beside = send->beside,
		.fresh = send->fresh,
		.server = server ? (int)(server - world->servers) : SIM_NO_SERVER,
		.credentials = *credentials_of(host, send->line, send->entry, send->reg_id),
		.abandoned_at = KL_NEVER,
	};
	return t;
}

static void perform_send(struct sim_world *world, const struct kl_action_send *send)
{
	struct sim_transaction *t =
		send->attempt > 1 ? find_transaction(&world->host, send->tx) : NULL;
	const struct sim_server *server;
	size_t index;

	if (!t)
		t = add_transaction(world, send);
	index = (size_t)(t - world->host.transactions);
	if (t->server == SIM_NO_SERVER)
		return;
	server = &world->servers[t->server];
	if (server->reach == SIM_UNSENDABLE || world->link_down) {
		sim_host_take_fault(world, index, KL_FAULT_SEND);
		return;
	}
	if (t->route.transport != KL_UDP) {
		sim_stream_send(world, index, send->beside_ms);
		return;
	}
	sim_world_carry(world, server->delay_ms,
			&(struct sim_happening){.what = SIM_REQUEST_ARRIVES, .subject = index});
}

static void send_cancel(struct sim_world *world, struct sim_transaction *t)
{
	if (t->cancelled || t->ended || t->server == SIM_NO_SERVER || sim_stream_gone(world, t))
		return;
	t->cancelled = true;
	sim_world_plan(world, world->servers[t->server].delay_ms,
		       &(struct sim_happening){.what = SIM_CANCEL_ARRIVES,
					       .subject = (size_t)(t - world->host.transactions)});
}

static void perform_abandon(struct sim_world *world, kl_tx tx)
{
	struct sim_transaction *t = find_transaction(&world->host, tx);

	if (!t)
		return;
	t->abandoned_at = sim_world_now(world);
	sim_stream_leave(world, t);
	if (t->method == KL_INVITE && t->provisional)
		send_cancel(world, t);
}

static void perform_outcome(struct sim_world *world, const struct kl_action_outcome *outcome)
{
	struct sim_call *call = sim_host_find_call(world, outcome->token);

	if (!call)
		return;
	close_credentials(&world->host, outcome->binding.line, outcome->binding.entry,
			  outcome->token);
	call->binding = outcome->binding;
	call->open = false;
	call->up = call->method == KL_INVITE && outcome->status / 100 == 2;
}

void sim_host_perform(struct sim_world *world, const struct kl_action *action)
{
	switch (action->type) {
	case KL_DO_SEND:
		perform_send(world, &action->send);
		break;
	case KL_DO_ABANDON:
		perform_abandon(world, action->abandon.tx);
		break;
	case KL_DO_OUTCOME:
		perform_outcome(world, &action->outcome);
		break;
	case KL_DO_REPORT:
		if (action->report.type == KL_REPORT_STATE)
			close_credentials(&world->host, action->report.line, action->report.entry,
					  0);
		break;
	case KL_DO_CLOSE:
		sim_stream_close(world, &action->close.route);
		break;
	case KL_DO_KEEPALIVE:
		sim_stream_use(world, &action->keepalive.route);
		break;
	case KL_DO_SUBSCRIPTION: /* the phone keeps nothing of a dialog */
	case KL_DO_QUERY:        /* the world's own */
		break;
	}
}

/* ---- what comes back --------------------------------------------------------------------- */

/* Of what comes to a transaction that its request has left, a 2xx to REGISTER alone is news for
 * the engine; a call that was taken after all is ended (TIME-9). */
static bool take_late_reply(struct sim_world *world, struct sim_transaction *t, uint16_t status)
{
	char text[KL_TEXT_MAX];

	if (sim_world_now(world) > t->abandoned_at + SIM_ABSORB_MS)
		return false;
	if (t->method == KL_REGISTER)
		return status / 100 == 2;
	if (t->method == KL_INVITE && status < 200)
		send_cancel(world, t);
	if (t->method == KL_INVITE && status / 100 == 2) {
		snprintf(text, sizeof(text), "late %u to INVITE from %s: ACK and BYE", status,
			 world->servers[t->server].name);
		world->watch.say(world->watch.context, text);
	}
	return false;
}

void sim_host_take_reply(struct sim_world *world, size_t transaction, const struct sim_reply *reply)
{
	struct sim_transaction *t = &world->host.transactions[transaction];
	struct kl_event event = {
		.type = KL_EV_RESPONSE,
		.line = t->line,
		.response = {.tx = t->tx,
			     .status = reply->status,
			     .granted_ms = reply->granted_ms,
			     .min_expires_ms = reply->min_expires_ms,
			     .retry_after_ms = reply->retry_after_ms,
			     .redirect = reply->redirect,
			     .outbound = reply->outbound},
	};

	if (t->ended || t->gone || world->link_down || sim_stream_gone(world, t))
		return;
	if (!t->fresh)
		sim_stream_use(world, &t->route);
	t->ended = reply->status >= 200;
	if (t->ended)
		sim_stream_leave(world, t);
	t->provisional |= reply->status < 200;
	if (t->abandoned_at != KL_NEVER && !take_late_reply(world, t, reply->status))
		return;
	if (reply->status == 401 || reply->status == 407) {
		event.response.challenge = judge(t, reply);
		struct sim_credentials *mine =
			credentials_of(&world->host, t->line, t->entry, t->reg_id);

		mine->server = t->server;
		mine->nonce = reply->nonce;
		mine->open = true;
		mine->token = t->token;
	}
	sim_world_feed(world, &event);
}

void sim_host_take_fault(struct sim_world *world, size_t transaction, enum kl_fault fault)
{
	const struct sim_transaction *t = &world->host.transactions[transaction];

	if (t->gone)
		return;
	sim_world_feed(world, &(struct kl_event){.type = KL_EV_TRANSPORT,
						 .line = t->line,
						 .transport = {t->route, fault, t->tx}});
}

/* ---- the user ---------------------------------------------------------------------------- */

struct sim_call *sim_host_find_call(struct sim_world *world, uint64_t token)
{
	for (size_t i = 0; i < world->host.call_count; i++) {
		if (world->host.calls[i].token == token)
			return &world->host.calls[i];
	}
	return NULL;
}

struct sim_call *sim_host_add_call(struct sim_host *host, const struct sim_call *call)
{
	host->calls = sim_grow(host->calls, &host->call_room, host->call_count, sizeof(*call));
	host->calls[host->call_count] = *call;
	return &host->calls[host->call_count++];
}

int sim_host_request(struct sim_world *world, uint32_t line, enum kl_method method, uint64_t token)
{
	struct sim_call call = {.token = token, .method = method, .line = line, .open = true};
	int result;

	sim_host_add_call(&world->host, &call);
	result = sim_world_feed(world, &(struct kl_event){.type = KL_EV_REQUEST,
							  .line = line,
							  .request = {token, method}});
	if (result != KL_OK)
		sim_host_find_call(world, token)->open = false;
	return result;
}

int sim_host_take_call(struct sim_world *world, uint32_t line, uint64_t token,
		       const struct kl_binding *binding)
{
	struct sim_call call = {.token = token, .method = KL_INVITE, .line = line, .up = true};

	if (binding)
		call.binding = *binding;
	sim_host_add_call(&world->host, &call);
	return sim_world_feed(world, &(struct kl_event){.type = KL_EV_CALL_BEGAN, .line = line});
}

int sim_host_hang_up(struct sim_world *world, struct sim_call *call)
{
	call->up = false;
	return sim_world_feed(world,
			      &(struct kl_event){.type = KL_EV_CALL_ENDED, .line = call->line});
}

int sim_host_cancel(struct sim_world *world, struct sim_call *call)
{
	return sim_world_feed(world, &(struct kl_event){.type = KL_EV_CANCEL,
							.line = call->line,
							.request = {call->token, call->method}});
}

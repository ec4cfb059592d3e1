/* walk_act.c - what a walk owes the host, as actions. */
#include "engine/doubt.h"
#include "engine/flow.h"
#include "engine/names.h"
#include "engine/route.h"
#include "engine/stream.h"
#include "engine/subscription.h"
#include "engine/walk.h"

static struct kl_route walk_route(const struct kl_engine *e, const struct walk *walk, uint8_t pos)
{
	uint32_t set = registration_at(e, walk->registration)->set;
	if (pos == NO_POS)
		return (struct kl_route){.port = 0};
	return route_slot(e, set, pos)->route;
}

static void walk_act_report(const struct kl_engine *e, const struct walk *walk,
			    struct kl_action *action)
{
	const struct registration *reg = registration_at(e, walk->registration);
	action->type = KL_DO_REPORT;
	action->report = (struct kl_report){.type = (enum kl_report_type)walk->report,
					    .why = (enum kl_cause)walk->reason.why,
					    .rule = (enum kl_policy_field)walk->reason.rule,
					    .line = reg->line,
					    .entry = reg->entry,
					    .second_flow = flow_is_second(e, walk->registration),
					    .method = (enum kl_method)walk->method,
					    .left = walk_route(e, walk, walk->left_pos),
					    .route = walk_route(e, walk, walk->pos),
					    .fault = (enum kl_fault)walk->reason.fault,
					    .status = walk->reason.status,
					    .ms = walk->reason.ms};
}

/* The time to ask for: what is configured, or what a 423 demanded. */
static kl_ms walk_expires_ms(const struct kl_engine *e, uint32_t w)
{
	const struct walk *walk = walk_at(e, w);
	const struct registration *reg = registration_at(e, walk->registration);
	kl_ms expires_ms = registration_policy(e, walk->registration)->expires_ms;
	if (walk->method != KL_REGISTER)
		return subscription_expires_ms(e, w);
	if (walk->clears)
		return 0;
	return expires_ms > reg->min_expires_ms ? expires_ms : reg->min_expires_ms;
}

/* The configured name behind a route; NULL: none is. */
static const char *walk_tls_name(const struct kl_engine *e, const struct walk *walk)
{
	const struct kl_entry_config *config = registration_config(e, walk->registration);
	const uint32_t set = registration_at(e, walk->registration)->set;
	const struct member *member = member_at(e, set, walk->pos);
	if (!route_slot(e, set, walk->pos)->route.tls_name || member->record == NO_RECORD)
		return NULL;
	return member->rank ? config->more_names[member->rank - 1] : config->name;
}

static void walk_act_send(const struct kl_engine *e, uint32_t w, struct kl_action *action)
{
	struct walk *walk = walk_at(e, w);
	const struct registration *reg = registration_at(e, walk->registration);
	walk->seen = true;
	action->type = KL_DO_SEND;
	action->send = (struct kl_action_send){
		.tx = walk->tx,
		.method = (enum kl_method)walk->method,
		.line = reg->line,
		.entry = reg->entry,
		.route = walk_route(e, walk, walk->pos),
		.name = name_text(e, member_at(e, reg->set, walk->pos)->name),
		.tls_name = walk_tls_name(e, walk),
		.token = walk->method == KL_REGISTER ? 0 : request_at(e, w)->token,
		.purpose = subscription_purpose(e, w),
		.attempt = walk->attempt,
		.cseq = walk->cseq,
		.call_id = walk->method == KL_REGISTER ? reg->call_id : 1 + (uint32_t)walk->anew,
		.reg_id = walk->method == KL_REGISTER ? flow_reg_id(e, w, walk->pos) : 0,
		.expires_ms = walk_expires_ms(e, w),
		.fresh = walk->opens && doubt_asks_by(e, w),
		.beside_ms = registration_policy(e, walk->registration)->connect_stagger_ms};
	if (walk->attempt == 1)
		action->send.beside = walk_route(e, walk, walk_beside(e, w));
}

static void walk_act_outcome(const struct kl_engine *e, uint32_t w, struct kl_action *action)
{
	const struct walk *walk = walk_at(e, w);
	const struct registration *reg = registration_at(e, walk->registration);
	action->type = KL_DO_OUTCOME;
	action->outcome = (struct kl_action_outcome){
		.token = request_at(e, w)->token,
		.status = walk->status,
		.local = walk->local,
		.why = (enum kl_cause)walk->reason.why,
		.rule = (enum kl_policy_field)walk->reason.rule,
		.fault = (enum kl_fault)walk->reason.fault,
		.ms = walk->reason.ms,
		.retry_after_ms = walk->retry_after_ms,
		.binding = {reg->line, reg->entry, walk_route(e, walk, walk->pos),
			    !reg->active || reg->current != walk->pos, walk->hops > 0}};
}

bool walk_act(struct kl_engine *e, uint32_t w, struct kl_action *action)
{
	struct walk *walk = walk_at(e, w);
	struct node *node = node_at(e, walk_node(e, w));
	uint16_t what = node->owes & (uint16_t)-node->owes;
	bool told = true;
	node->owes &= (uint16_t)~what;
	if (what == OWES_REPORT) {
		walk_act_report(e, walk, action);
	} else if (what == OWES_ABANDON) {
		action->type = KL_DO_ABANDON;
		action->abandon.tx = walk->left;
		action->abandon.method = (enum kl_method)walk->method;
	} else if (what == OWES_CLOSE) {
		told = stream_act_close(e, w, action);
	} else if (what == OWES_SEND) {
		walk_act_send(e, w, action);
	} else {
		walk_act_outcome(e, w, action);
	}
	walk_free_if_told(e, w);
	return told;
}

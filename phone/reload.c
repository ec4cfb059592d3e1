/* reload.c - a new configuration for live lines. */
#include "phone/reload.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "phone/log.h"
#include "phone/private.h"
#include "phone/relay_private.h"

struct phone_reload {
	struct phone *phone;
	const struct config *config;
	struct kl_config *engine_config;
	struct kl_engine *engine; /* not made before the old one has told all: room for it */
	size_t engine_size;
	struct phone_accounts accounts;
	uint32_t *places; /* of each old line in the new configuration, or KL_NO_LINE */
	uint32_t place_count;
	struct net_timer *timer;
	struct net_callback on_done;
};

/* ---- who is who ------------------------------------------------------------------------------ */

uint32_t phone_reload_line(const struct phone_reload *reload, uint32_t line)
{
	return reload->places[line];
}

struct phone_account *phone_reload_account(const struct phone_reload *reload,
					   const struct phone_account *from)
{
	uint32_t line = reload->places[from->line_index];

	return line == KL_NO_LINE ? NULL
				  : phone_account_find(&reload->accounts, line, from->entry_index);
}

void phone_reload_hop(const struct phone_reload *reload, const struct phone_account *from,
		      struct phone_hop *hop)
{
	const struct phone_account *to = phone_reload_account(reload, from);
	const struct kl_entry_config *old = phone_entry_config(reload->phone, from);
	const struct kl_entry_config *new =
		&reload->engine_config->lines[to->line_index].entries[to->entry_index];

	if (hop->policy)
		hop->policy = new->policy;
	if (hop->name == old->name)
		hop->name = new->name;
	for (uint8_t i = 0; i < old->more_count; i++)
		if (hop->name == old->more_names[i])
			hop->name = new->more_names[i];
}

static bool goes_on(const struct phone_reload *reload, uint32_t new_line)
{
	for (uint32_t i = 0; i < reload->place_count; i++)
		if (reload->places[i] == new_line)
			return true;
	return false;
}

static bool same_address(const struct config_line *a, const struct config_line *b)
{
	return !strcmp(a->user, b->user) && !strcmp(a->domain, b->domain);
}

/* A line that leaves comes back under its address: to people it is one that changed. */
static bool comes_back(const struct phone_reload *reload, uint32_t old_line)
{
	const struct config_line *lines = reload->config->lines;

	for (uint32_t i = 0; i < reload->engine_config->line_count; i++)
		if (same_address(&lines[i], &reload->phone->config->lines[old_line]) &&
		    !goes_on(reload, i))
			return true;
	return false;
}

static bool was_there(const struct phone_reload *reload, uint32_t new_line)
{
	const struct config_line *lines = reload->phone->config->lines;

	for (uint32_t i = 0; i < reload->place_count; i++)
		if (same_address(&lines[i], &reload->config->lines[new_line]) &&
		    reload->places[i] == KL_NO_LINE)
			return true;
	return false;
}

/* ---- words ----------------------------------------------------------------------------------- */

static void log_line(const struct phone_accounts *accounts, uint32_t line, const char *what)
{
	char aor[PHONE_URI_MAX];

	phone_account_aor(phone_account_find(accounts, line, 0), aor);
	phone_log(PHONE_LOG_NOTICE, "reload: %s %s", aor, what);
}

static void log_plan(const struct phone_reload *reload)
{
	uint32_t kept = 0, changed = 0, left = 0, new = 0;

	for (uint32_t i = 0; i < reload->place_count; i++) {
		bool returns = comes_back(reload, i);

		if (reload->places[i] != KL_NO_LINE) {
			kept++;
			continue;
		}
		log_line(&reload->phone->accounts, i,
			 returns ? "changed: it leaves, and starts anew" : "leaves");
		changed += returns;
		left += !returns;
	}
	for (uint32_t i = 0; i < reload->engine_config->line_count; i++) {
		if (goes_on(reload, i) || was_there(reload, i))
			continue;
		log_line(&reload->accounts, i, "is new");
		new ++;
	}
	phone_log(PHONE_LOG_NOTICE, "reload: %u lines go on, %u changed, %u leave, %u are new",
		  kept, changed, left, new);
}

/* ---- crossing over --------------------------------------------------------------------------- */

static void reload_free(struct phone_reload *reload)
{
	net_timer_free(reload->timer);
	phone_accounts_clear(&reload->accounts);
	free(reload->places);
	free(reload->engine);
	free(reload->engine_config);
	free(reload);
}

/* The engine was checked, and given all the room that the old one has. */
static void adopt(const struct phone_reload *reload)
{
	int result = kl_engine_init(reload->engine, reload->engine_size, reload->engine_config,
				    phone_draw(), phone_now());

	assert(!result);
	result = kl_engine_adopt(reload->engine, reload->phone->engine);
	assert(result >= 0);
}

static void carry_accounts(const struct phone_reload *reload)
{
	const struct phone_accounts *accounts = &reload->phone->accounts;

	for (uint32_t i = 0; i < accounts->count; i++) {
		struct phone_account *to = phone_reload_account(reload, &accounts->all[i]);

		if (to)
			phone_account_carry(to, &accounts->all[i]);
	}
}

/* What was the phone's goes with RELOAD, which is freed. */
static void exchange(struct phone_reload *reload)
{
	struct phone *phone = reload->phone;
	const struct phone_accounts accounts = phone->accounts;
	struct kl_config *engine_config = phone->engine_config;
	struct kl_engine *engine = phone->engine;

	phone->config = reload->config;
	phone->accounts = reload->accounts;
	phone->engine_config = reload->engine_config;
	phone->engine = reload->engine;
	phone->leaving = PHONE_STAYS;
	reload->accounts = accounts;
	reload->engine_config = engine_config;
	reload->engine = engine;
}

/* In the new engine. */
static void start_lines(const struct phone_reload *reload)
{
	struct phone *phone = reload->phone;

	phone_feed(phone, &(struct kl_event){.type = KL_EV_TIME});
	for (uint32_t i = 0; i < phone->engine_config->line_count; i++)
		if (!goes_on(reload, i))
			phone_feed(phone, &(struct kl_event){.type = KL_EV_LINE_START, .line = i});
	for (uint32_t i = 0; i < phone->engine_config->line_count; i++)
		phone_subscriptions_reconcile(phone, i);
}

static void cross_over(void *user)
{
	struct phone_reload *reload = user;
	struct phone *phone = reload->phone;
	const struct net_callback tell = reload->on_done;

	adopt(reload);
	carry_accounts(reload);
	phone_clients_carry(phone, reload);
	phone_dialogs_carry(phone, reload);
	phone_calls_carry(phone, reload);
	phone_subscriptions_carry(phone, reload);
	phone_relay_carry(phone, reload);
	exchange(reload);
	phone_relay_find_lines(phone);
	phone->reload = NULL;
	phone_clients_make_room(phone);
	phone_transport_set_policy(phone->transport,
				   phone->engine_config->lines[0].entries[0].policy);
	start_lines(reload);
	reload_free(reload);
	tell.call(tell.user);
}

/* ---- life ------------------------------------------------------------------------------------ */

static int make_engine_config(struct phone_reload *reload, char why[PHONE_WHY_MAX])
{
	const struct kl_config *old = reload->phone->engine_config;
	struct kl_config *new = malloc(sizeof *new);

	reload->engine_config = new;
	if (!new)
		return -ENOMEM;
	*new = reload->config->engine;
	new->families = old->families;
	new->remembered_records = old->remembered_records;
	new->remembered_record_count = old->remembered_record_count;
	kl_limits_keep(new, old);
	if (kl_config_check(new, why, PHONE_WHY_MAX))
		return -EINVAL;
	reload->engine_size = kl_engine_size(new);
	reload->engine = malloc(reload->engine_size);
	reload->places = calloc(old->line_count, sizeof *reload->places);
	if (!reload->engine || !reload->places)
		return -ENOMEM;
	reload->place_count = old->line_count;
	for (uint32_t i = 0; i < old->line_count; i++)
		reload->places[i] = kl_find_line(new, old, i);
	return 0;
}

/* All that may fail is done here: crossing over can't stop half-way. */
static int prepare(struct phone_reload *reload, char why[PHONE_WHY_MAX])
{
	int error;

	snprintf(why, PHONE_WHY_MAX, "out of memory");
	error = make_engine_config(reload, why);
	if (!error)
		error = phone_relay_reserve(reload->phone, reload->engine_config->line_count);
	if (!error)
		error = phone_accounts_init(&reload->accounts, reload->config);
	if (!error)
		error = net_timer_create(&reload->timer, reload->phone->loop,
					 (struct net_callback){cross_over, reload});
	return error;
}

static void send_away(struct phone *phone)
{
	const struct phone_reload *reload = phone->reload;

	for (uint32_t i = 0; i < phone->accounts.count; i++) {
		struct phone_account *account = &phone->accounts.all[i];

		account->leaves = reload->places[account->line_index] == KL_NO_LINE;
	}
	phone_send_away(phone);
}

int phone_reload_begin(struct phone *phone, const struct phone_reload_order *order,
		       char why[PHONE_WHY_MAX])
{
	struct phone_reload *reload;
	int error;

	if (phone->reload || phone->on_stopped.call) {
		snprintf(why, PHONE_WHY_MAX, "the phone is being reloaded, or stopped");
		return -EBUSY;
	}
	reload = calloc(1, sizeof *reload);
	if (!reload) {
		snprintf(why, PHONE_WHY_MAX, "out of memory");
		return -ENOMEM;
	}
	reload->phone = phone;
	reload->config = order->config;
	reload->on_done = order->on_done;
	error = prepare(reload, why);
	if (error) {
		reload_free(reload);
		return error;
	}
	log_plan(reload);
	phone->reload = reload;
	net_timer_set(reload->timer, net_now_ms() + order->leave_max_ms);
	send_away(phone);
	return 0;
}

void phone_reload_check(struct phone *phone)
{
	if (phone->reload && !phone->acting && !phone_is_busy(phone))
		net_timer_set(phone->reload->timer, net_now_ms());
}

void phone_reload_drop(struct phone *phone)
{
	if (phone->reload)
		reload_free(phone->reload);
	phone->reload = NULL;
}

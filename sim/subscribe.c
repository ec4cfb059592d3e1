/* The commands about subscriptions and shared lines. */
#include <string.h>

#include "sim/story.h"

#define TEXT(name, text) text,

static bool take_number(struct sim_story *story, struct sim_words *words, uint64_t *token)
{
	return (sim_parse_number(sim_words_take(words), UINT64_MAX, token) && *token > 0) ||
	       sim_story_fail(story, "subscriptions and calls are named by numbers from 1");
}

static int feed_and_tell(struct sim_story *story, const struct kl_event *event, uint64_t token)
{
	int result = sim_world_feed(&story->world, event);

	if (result != KL_OK)
		sim_story_tell(story, "%llu: %s", (unsigned long long)token,
			       result == KL_IGNORED ? "ignored" : kl_strerror(result));
	return result;
}

static bool feed(struct sim_story *story, const struct kl_event *event, uint64_t token)
{
	feed_and_tell(story, event, token);
	return true;
}

static bool take_seconds(struct sim_story *story, struct sim_words *words, const char *name,
			 kl_ms *ms)
{
	return !sim_words_skip(words, name) || sim_parse_seconds(sim_words_take(words), ms) ||
	       sim_story_fail(story, "%s is a number of seconds", name);
}

bool sim_story_subscribe(struct sim_story *story, struct sim_words *words)
{
	struct kl_event event = {.type = KL_EV_SUBSCRIBE, .subscribe.expires_ms = 3600000};

	return take_number(story, words, &event.subscribe.token) &&
	       sim_story_take_line(story, words, &event.line) &&
	       take_seconds(story, words, "expires", &event.subscribe.expires_ms) &&
	       feed(story, &event, event.subscribe.token);
}

bool sim_story_unsubscribe(struct sim_story *story, struct sim_words *words)
{
	struct kl_event event = {.type = KL_EV_UNSUBSCRIBE};

	return take_number(story, words, &event.subscribe.token) &&
	       feed(story, &event, event.subscribe.token);
}

static uint32_t take_word(struct sim_words *words, const char *const *table, uint32_t count)
{
	uint32_t i = 0;

	while (i < count && !sim_words_skip(words, table[i]))
		i++;
	return i;
}

bool sim_story_notify(struct sim_story *story, struct sim_words *words)
{
	static const char *const states[] = {KL_NOTIFIED_STATES(TEXT)};
	static const char *const endings[] = {KL_ENDINGS(TEXT)};
	struct kl_event event = {.type = KL_EV_NOTIFY};
	uint32_t state, ending;

	if (!take_number(story, words, &event.notify.token))
		return false;
	state = take_word(words, states, KL_NOTIFIED_STATES_MAX);
	if (state == KL_NOTIFIED_STATES_MAX)
		return sim_story_fail(story, "a NOTIFY is active, pending or terminated");
	ending = take_word(words, endings, KL_ENDINGS_MAX);
	event.notify.state = (enum kl_notified_state)state;
	event.notify.ending = (enum kl_ending)(ending % KL_ENDINGS_MAX);
	return take_seconds(story, words, "retry-after", &event.notify.retry_after_ms) &&
	       take_seconds(story, words, "expires", &event.notify.expires_ms) &&
	       feed(story, &event, event.notify.token);
}

bool sim_story_shared(struct sim_story *story, struct sim_words *words)
{
	struct sim_call call = {.method = KL_INVITE, .open = true};
	bool emergency;

	if (!take_number(story, words, &call.token))
		return false;
	emergency = sim_words_skip(words, "emergency");
	if (!sim_story_take_line(story, words, &call.line))
		return false;
	if (sim_host_find_call(&story->world, call.token))
		return sim_story_fail(story, "that number is taken");
	sim_host_add_call(&story->world.host, &call);
	if (feed_and_tell(story,
			  &(struct kl_event){.type = KL_EV_SHARED_CALL,
					     .line = call.line,
					     .shared_call = {call.token, emergency}},
			  call.token) != KL_OK)
		sim_host_find_call(&story->world, call.token)->open = false;
	return true;
}

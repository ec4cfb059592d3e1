/* policy.c - the rows of policy.def: names, ranges, defaults. */
#include "engine/pace.h"

#include <string.h>

static const struct kl_policy_info infos[KL_POLICY_FIELDS] = {
#define KL_POLICY(field, type, least, most, poly, poly_2012, spectralink, yealink, versity,        \
		  keepline, meaning)                                                               \
	[KL_POLICY_##field] = {                                                                    \
		#field, #type, meaning,                                                            \
		least,  most,  {poly, poly_2012, spectralink, yealink, versity, keepline}},
#include "keepline/policy.def"
#undef KL_POLICY
};

const struct kl_policy_info *kl_policy_describe(enum kl_policy_field field)
{
	if (field <= KL_POLICY_none || field >= KL_POLICY_FIELDS)
		return NULL;
	return &infos[field];
}

uint32_t kl_policy_get(const struct kl_policy *policy, enum kl_policy_field field)
{
	switch (field) {
#define KL_POLICY(field, ...)                                                                      \
	case KL_POLICY_##field:                                                                    \
		return policy->field;
#include "keepline/policy.def"
#undef KL_POLICY
	case KL_POLICY_none:
	case KL_POLICY_FIELDS:
		break;
	}
	return 0;
}

static void policy_store(struct kl_policy *policy, enum kl_policy_field field, uint32_t value)
{
	switch (field) {
#define KL_POLICY(field, type, ...)                                                                \
	case KL_POLICY_##field:                                                                    \
		policy->field = (KL_TYPE_##type)value;                                             \
		break;
#include "keepline/policy.def"
#undef KL_POLICY
	case KL_POLICY_none:
	case KL_POLICY_FIELDS:
		break;
	}
}

int kl_policy_set(struct kl_policy *policy, enum kl_policy_field field, uint32_t value)
{
	const struct kl_policy_info *info = kl_policy_describe(field);
	if (!info || value < info->least || value > info->most)
		return KL_EINVAL;
	policy_store(policy, field, value);
	return KL_OK;
}

void kl_policy_profile(struct kl_policy *policy, enum kl_profile profile)
{
	memset(policy, 0, sizeof(*policy));
	for (int field = KL_POLICY_none + 1; field < KL_POLICY_FIELDS; field++)
		policy_store(policy, (enum kl_policy_field)field, infos[field].by_profile[profile]);
}

/* Poly guide: the failOver values are considered with reRegisterOn; without it a request tries
 * the primary first unless another mode is set.  PROF-3, FAIL-16 */
enum kl_failback_mode kl_policy_failback_mode(const struct kl_policy *policy)
{
	return policy->reregister_on ? policy->failback_mode : policy->failback_mode_shared;
}

/* Poly guide: enhanced.enable is one of the values that reRegisterOn must be on for.  FAIL-15 */
bool kl_policy_enhanced(const struct kl_policy *policy)
{
	return policy->enhanced && policy->reregister_on;
}

/* RFC 5626 4.5 as the Poly guide has it: W = min(max, base * 2^failures), the wait at random
 * between W/2 and W.  BACK-1, BACK-2, T7 */
void kl_policy_backoff(const struct kl_policy *policy, uint32_t failures, kl_ms *least_ms,
		       kl_ms *most_ms)
{
	kl_ms wait = policy->backoff_base_ms;
	/* Yealink: reg_fail_retry_interval is the wait, not at random.  YEA-6 */
	if (policy->backoff_fixed_ms) {
		*least_ms = *most_ms = policy->backoff_fixed_ms;
		return;
	}
	for (uint32_t i = 0; i < failures && wait < policy->backoff_max_ms; i++)
		wait *= 2;
	*most_ms = wait < policy->backoff_max_ms ? wait : policy->backoff_max_ms;
	*least_ms = *most_ms / 2;
	/* A fleet that waits for its only server is spread over the time that it takes.  OWN-5 */
	if (*most_ms < 2 * pace_fleet_ms(policy))
		*most_ms = 2 * pace_fleet_ms(policy);
}

/* RFC 5626 4.5, where at least one flow has not failed.  OWN-6 */
void kl_policy_flow_backoff(const struct kl_policy *policy, uint32_t failures, kl_ms *least_ms,
			    kl_ms *most_ms)
{
	kl_ms wait = UINT64_C(2) * policy->flow_backoff_base_ms;
	for (uint32_t i = 0; i < failures && wait < policy->flow_backoff_max_ms; i++)
		wait *= 2;
	*most_ms = earlier(wait, policy->flow_backoff_max_ms);
	*least_ms = *most_ms / 2;
}

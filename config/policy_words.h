/* policy_words.h - the words for policy values that are no numbers. */
#ifndef CONFIG_POLICY_WORDS_H
#define CONFIG_POLICY_WORDS_H

#include "keepline/keepline.h"

/* The words of FIELD by number, `most` + 1 of them; NULL: its values are numbers. */
const char *const *policy_words(enum kl_policy_field field);

#endif

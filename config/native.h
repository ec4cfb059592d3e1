/* native.h - Keepline's own file: lines for the `keepline` profile, and what vendors have no word
 * for.
 *
 * Its accounts and servers become settings of the store, under the vendors' rows: so one line may
 * be given by files of several kinds, and the first to set something wins (CONF-1).  Policy values
 * are looked up here, since most have no vendor's parameter; those of a native file come before
 * those of all others: of the server, else of the line, else of the file.
 */
#ifndef CONFIG_NATIVE_H
#define CONFIG_NATIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "config/file.h"
#include "config/store.h"
#include "config/yaml.h"

struct native;

/* Is FILE one: does its first line that is no comment begin with "---", or with a word and a colon?
 */
bool native_recognize(const struct file *file);

/* Reads FILE into STORE.  False: it can't be read to its end, an error is told, and nothing of it
 * is kept. */
bool native_read(struct config_store *store, const struct file *file);

/* The profile that native files give line X, or OTHERWISE. */
enum kl_profile native_profile(const struct config_store *store, uint32_t x,
			       enum kl_profile otherwise);

/* Of line X, the group whose calls hold its failback back (KL_IDLE_GROUP); 0 if not set. */
uint16_t native_group(const struct config_store *store, uint32_t x);

/* Gives LINE, of number X, the subscriptions that native files list for it; LINE's own time to ask
 * for is known. */
void native_add_subscriptions(struct config_store *store, uint32_t x, struct config_line *line);

/* How line X deals with its own calls: what native files say, else the defaults. */
struct config_calls native_calls(struct config_store *store, uint32_t x);

/* Gives ENTRY the further names that native files list for server Y of line X, in lower case.
 * Returns where they stand; NULL: there are none. */
const struct position *native_add_names(struct config_store *store, uint32_t x, uint32_t y,
					struct kl_entry_config *entry);

/* What native files set FIELD to, for entry Y of line X; NULL: nothing. */
const struct yaml_leaf *native_policy(const struct config_store *store, uint32_t x, uint32_t y,
				      enum kl_policy_field field);

/* Adds the static records of native files to RECORDS, which has room for what the engine takes.
 * Returns how many there are then. */
uint32_t native_add_statics(struct config_store *store, struct kl_static_record *records,
			    uint32_t count);

/* What native files say of the device as a whole. */
void native_fill_device(struct config_store *store, struct config_device *device);

/* The section of the first native file that has it; NULL: none has (config/native_inside.h). */
struct native_inside;
const struct native_inside *native_find_inside(const struct config_store *store);

/* The keys of the file, and those of a policy, for its documentation. */
const struct yaml_table *native_table(void);
const struct yaml_table *native_policy_table(void);

#endif

/* source.c - reads a file whole, finds its kind, then what it names. */
#include "config/source.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/detect.h"
#include "config/native.h"
#include "config/poly.h"
#include "config/text.h"
#include "config/yealink.h"

enum {
	FILES_MAX = 256, /* files read in all, those named by others included */
	DEPTH_MAX = 8,   /* files that name each other */
	MAC_DIGITS = 12,
	FILE_NAME_MAX = 255,   /* bytes of one name in a list (Polycom) */
	BYTES_MAX = 64 << 20,  /* of all files: the settings of one layer stay below 2^28 */
	READ_FIRST = 16 << 10, /* bytes read at first; more as the file has them */
};

/* One file that is open, and the one that named it. */
struct chain {
	const struct chain *up;
	dev_t device;
	ino_t inode;
	bool open_to_all; /* every user of the machine may read it */
	uint32_t depth;
};

/* All that is read in one run. */
struct run {
	struct config_store *store;
	const struct config_options *options;
	uint32_t file_count;
	size_t byte_count;
};

/* Who wants a file. */
struct wanted {
	const char *path;
	const struct source_include *by; /* NULL: it was given */
	const struct chain *up;
};

static const char *base_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

/* NAME in the folder of PATH. */
static const char *beside(struct arena *arena, const char *path, const char *name)
{
	size_t folder = (size_t)(base_of(path) - path);
	if (*name == '/')
		return name;
	return arena_format(arena, "%.*s%s", (int)folder, path, name);
}

/* TEXT's twelve hexadecimal digits, in lower case, without the colons or dashes between them. */
static const char *read_mac(struct arena *arena, const char *text, size_t length)
{
	char digits[MAC_DIGITS + 1] = "";
	size_t count = 0;
	for (size_t i = 0; i < length; i++) {
		if (text[i] == ':' || text[i] == '-')
			continue;
		if (!isxdigit((unsigned char)text[i]) || count == MAC_DIGITS)
			return NULL;
		digits[count++] = (char)tolower((unsigned char)text[i]);
	}
	return count == MAC_DIGITS ? arena_copy(arena, digits, MAC_DIGITS) : NULL;
}

const char *source_given_mac(struct arena *arena, const struct config_options *options)
{
	return options->mac ? read_mac(arena, options->mac, strlen(options->mac)) : NULL;
}

const char *source_mac(const struct source *source)
{
	struct arena *arena = &source->store->arena;
	const char *base = base_of(source->at.file);
	if (source->options->mac)
		return source_given_mac(arena, source->options);
	if (strlen(base) <= MAC_DIGITS || base[MAC_DIGITS] != '.' ||
	    strncmp(base, "000000000000", MAC_DIGITS) == 0)
		return NULL;
	return read_mac(arena, base, MAC_DIGITS);
}

/* What stands for the variable that NAME begins with; NULL: none.  *LENGTH is the variable's. */
static const char *find_variable(const struct source *source, const char *name, size_t *length)
{
	static const char MAC[] = "[PHONE_MAC_ADDRESS]", MODEL[] = "[PHONE_MODEL]";
	*length = strlen(MAC);
	if (strncasecmp(name, MAC, *length) == 0)
		return source_mac(source);
	*length = strlen(MODEL);
	return strncasecmp(name, MODEL, *length) == 0 ? source->options->model : NULL;
}

/* NAME with its variables filled in; NULL, and told, if one has no value. */
static const char *fill_in(struct source *source, const struct source_include *include)
{
	struct arena *arena = &source->store->arena;
	const char *name = include->name, *filled = "";
	for (;;) {
		size_t length = strcspn(name, "[");
		filled = arena_format(arena, "%s%.*s", filled, (int)length, name);
		name += length;
		if (!*name)
			return filled;
		const char *value = find_variable(source, name, &length);
		if (!value)
			break;
		filled = arena_format(arena, "%s%s", filled, value);
		name += length;
	}
	const char *end = strchr(name, ']');
	const char *variable = end ? arena_copy(arena, name, (size_t)(end + 1 - name)) : name;
	struct subject subject = {CONFIG_ERROR, &source->at, include->parameter};
	store_tell(source->store, subject,
		   "%s: what stands for %s is not known; give the phone's MAC address or model, or "
		   "name the file itself",
		   text_show(arena, include->name), text_show(arena, variable));
	return NULL;
}

void source_include(struct source *source, struct source_include include)
{
	struct arena *arena = &source->store->arena;
	struct subject subject = {CONFIG_ERROR, &source->at, include.parameter};
	if (strlen(include.name) > FILE_NAME_MAX || !text_is_printable(include.name)) {
		store_tell(source->store, subject,
			   "a name of more than %d bytes, or with control characters",
			   FILE_NAME_MAX);
		return;
	}
	include.name = fill_in(source, &include);
	if (!include.name)
		return;
	if (strstr(include.name, "://")) {
		store_tell(source->store, subject,
			   "%s is not fetched; give the file itself, by its path",
			   text_show(arena, include.name));
		return;
	}
	include.at = source->at;
	struct source_include *added = arena_alloc(arena, sizeof(*added));
	*added = include;
	if (source->last_include)
		source->last_include->next = added;
	else
		source->includes = added;
	source->last_include = added;
}

void source_refuse(struct source *source, const char *why)
{
	store_tell(source->store, (struct subject){CONFIG_ERROR, &source->at, NULL},
		   "%s; nothing of this file is used", why);
}

/* The kinds of files that a phone writes for itself beat what provisions it (CONF-2). */
static uint8_t find_layer(struct arena *arena, const char *path)
{
	static const struct {
		const char *suffix;
		enum store_layer layer;
	} suffixes[] = {{"-phone.cfg", LAYER_PHONE},
			{"-system.cfg", LAYER_SYSTEM},
			{"-web.cfg", LAYER_WEB}};
	const char *base = base_of(path);
	size_t length = strlen(base);
	if (length < MAC_DIGITS || !read_mac(arena, base, MAC_DIGITS))
		return LAYER_PROVISIONED;
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++)
		if (strcasecmp(base + MAC_DIGITS, suffixes[i].suffix) == 0)
			return (uint8_t)suffixes[i].layer;
	return LAYER_PROVISIONED;
}

static bool read_kind(struct source *source, const struct file *file)
{
	if (native_recognize(file))
		return native_read(source->store, file);
	switch (config_detect(source->bytes, source->size)) {
	case CONFIG_KIND_XML:
		return poly_read(source);
	case CONFIG_KIND_YEALINK:
		yealink_read(source, true);
		return true;
	case CONFIG_KIND_VERSITY:
		yealink_read(source, false);
		return true;
	case CONFIG_KIND_FLAT:
		source->at.line = source->at.column = 1;
		source_refuse(source, "not an XML file; name=\"value\" lines must stand inside a "
				      "tag: put <polycomConfig before the first and /> after the "
				      "last");
		return false;
	case CONFIG_KIND_EMPTY:
		source->at.line = source->at.column = 1;
		source_refuse(source, "the file is empty");
		return false;
	case CONFIG_KIND_UNKNOWN:
		break;
	}
	source->at.line = source->at.column = 1;
	source_refuse(source, "neither the XML of a Polycom phone, nor the KEY = VALUE lines of a "
			      "Yealink phone, nor a native file");
	return false;
}

/* Tells why WANTED can't be read, at the name of the file that wants it or at its own. */
static void tell_unreadable(struct run *run, const struct wanted *wanted, const char *why)
{
	struct position whole = {.file = wanted->path, .file_index = run->file_count};
	const struct source_include *by = wanted->by;
	if (!by) {
		store_tell(run->store, (struct subject){CONFIG_ERROR, &whole, NULL},
			   "the file cannot be read: %s", why);
		return;
	}
	struct subject subject = {CONFIG_ERROR, &by->at, by->parameter};
	store_tell(run->store, subject, "%s cannot be read: %s",
		   text_show(&run->store->arena, wanted->path), why);
}

/* Reads FD to its end, up to CONFIG_FILE_MAX bytes and a NUL, into *BYTES, which the caller frees.
 * NULL, or why not. */
static const char *read_all(int fd, char **bytes, size_t *size)
{
	size_t room = 0;
	for (*size = 0; *size <= CONFIG_FILE_MAX;) {
		if (*size == room) {
			room = room ? 2 * room : READ_FIRST;
			*bytes = realloc(*bytes, room + 1);
			if (!*bytes)
				abort();
		}
		ssize_t got = read(fd, *bytes + *size, room - *size);
		if (got < 0)
			return strerror(errno);
		if (got == 0) {
			(*bytes)[*size] = '\0';
			return NULL;
		}
		*size += (size_t)got;
	}
	return "larger than 4 MiB";
}

/* Opens WANTED for reading.  What a file names must be a file: neither a pipe nor a terminal.
 * Below 0: *WHY says why not, NULL if nothing is to be told. */
static int open_file(const struct wanted *wanted, struct chain *chain, const char **why)
{
	int fd = open(wanted->path, O_RDONLY | O_CLOEXEC | (wanted->by ? O_NONBLOCK : 0));
	struct stat status;
	bool optional = wanted->by && wanted->by->optional;
	*why = NULL;
	if (fd < 0) {
		if (errno != ENOENT || !optional)
			*why = strerror(errno);
		return -1;
	}
	if (fstat(fd, &status) != 0)
		*why = strerror(errno);
	else if (wanted->by && !S_ISREG(status.st_mode))
		*why = "not a file";
	chain->device = status.st_dev;
	chain->inode = status.st_ino;
	chain->open_to_all = status.st_mode & S_IROTH;
	for (const struct chain *up = chain->up; up && !*why; up = up->up)
		if (up->device == chain->device && up->inode == chain->inode)
			*why = "the files name each other in a circle";
	if (!*why)
		return fd;
	close(fd);
	return -1;
}

/* Reads the bytes of WANTED, and hands them to the reader of their kind. */
static bool read_bytes(struct run *run, struct wanted wanted, int fd, struct source *source,
		       const struct chain *chain)
{
	char *bytes = NULL;
	size_t settings_before = run->store->setting_count;
	const char *why = read_all(fd, &bytes, &source->size);
	run->byte_count += source->size;
	if (!why && run->byte_count > BYTES_MAX)
		why = "more than 64 MiB of files";
	bool good = !why;
	if (why) {
		tell_unreadable(run, &wanted, why);
	} else {
		const struct file file = {.at = source->at,
					  .bytes = bytes,
					  .size = source->size,
					  .open_to_all = chain->open_to_all};
		source->bytes = bytes;
		good = read_kind(source, &file);
	}
	if (good)
		run->store->config.files_read++;
	else
		run->store->setting_count = settings_before;
	free(bytes);
	return good;
}

static bool read_path(struct run *run, struct wanted wanted)
{
	struct arena *arena = &run->store->arena;
	struct chain chain = {.up = wanted.up, .depth = wanted.up ? wanted.up->depth + 1 : 0};
	const char *why = NULL;
	int fd = -1;
	if (chain.depth > DEPTH_MAX)
		why = "too many files that name each other";
	else if (run->file_count >= FILES_MAX)
		why = "more than 256 files";
	else
		fd = open_file(&wanted, &chain, &why);
	if (why)
		tell_unreadable(run, &wanted, why);
	if (fd < 0)
		return !why;

	struct source source = {
		.store = run->store,
		.options = run->options,
		.at = {.file = arena_copy(arena, wanted.path, strlen(wanted.path)),
		       .file_index = run->file_count++,
		       .layer = find_layer(arena, wanted.path)},
	};
	bool good = read_bytes(run, wanted, fd, &source, &chain);
	close(fd);
	for (const struct source_include *next = source.includes; good && next; next = next->next) {
		const char *path = beside(arena, source.at.file, next->name);
		read_path(run, (struct wanted){path, next, &chain});
	}
	return good;
}

/* Polycom's search order, and Yealink's: of a folder the phone's own file, then the common one. */
static const char *find_in_folder(struct run *run, const char *path)
{
	static const char *const endings[] = {"cfg", "boot"};
	struct arena *arena = &run->store->arena;
	const char *mac = source_given_mac(arena, run->options);
	const char *const stems[] = {mac, "000000000000", "y000000000000"};
	struct stat status;
	if (stat(path, &status) != 0 || !S_ISDIR(status.st_mode))
		return path;
	for (size_t i = 0; i < sizeof(stems) / sizeof(stems[0]); i++) {
		for (size_t j = 0; stems[i] && j < sizeof(endings) / sizeof(endings[0]); j++) {
			const char *found =
				arena_format(arena, "%s/%s.%s", path, stems[i], endings[j]);
			if (access(found, R_OK) == 0)
				return found;
		}
	}
	return path;
}

bool source_read_all(struct config_store *store, const struct config_options *options)
{
	struct run run = {.store = store, .options = options};
	bool all_read = true;
	for (uint32_t i = 0; i < options->file_count; i++) {
		const char *path = find_in_folder(&run, options->files[i]);
		all_read &= read_path(&run, (struct wanted){.path = path});
	}
	return all_read;
}

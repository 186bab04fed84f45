/* config_private.h - shared by the config_*.c files and their tests only. */
#ifndef PGRMON_CONFIG_PRIVATE_H
#define PGRMON_CONFIG_PRIVATE_H

#include <sys/types.h>

#include "config.h"

/* config_table.c: one row per setting */

enum config_type {
    CONFIG_TYPE_INT,      /* int */
    CONFIG_TYPE_BOOL,     /* bool */
    CONFIG_TYPE_DURATION, /* int64_t, milliseconds */
    CONFIG_TYPE_ENUM,     /* any enum, by `words` */
    CONFIG_TYPE_STRING,   /* char * */
    CONFIG_TYPE_PATH,     /* char *, absolute */
    CONFIG_TYPE_CONNINFO, /* char *, checked by libpq, never shown unredacted */
    CONFIG_TYPE_LIST,     /* struct config_list, separated by commas */
    CONFIG_TYPE_MAPPING,  /* struct config_list, one value per occurrence */
};

struct config_word {
    const char *word; /* NULL ends the array */
    int value;
};

struct config_row {
    const char *name;
    const char *alias; /* another name that repmgr uses for it, or NULL */
    const char *section;
    enum config_type type;
    size_t offset;
    const char *fallback; /* the default, as it would be written in the file */
    int64_t min;          /* INT and DURATION (milliseconds), both inclusive */
    int64_t max;
    const struct config_word *words; /* ENUM */
    /* A further check: NULL, or a static text that says what is wrong. */
    const char *(*check)(const char *text);
    bool reloadable;
    bool required;
    const char *example; /* for the sample, when required */
    const char *help;    /* full sentences, one paragraph */
};

/* A name that repmgr knows and that does nothing here. */
struct config_ignored {
    const char *name;
    const char *reason;
};

extern const struct config_row config_table[];
extern const size_t config_table_size;
extern const struct config_ignored config_ignored[];
extern const size_t config_ignored_size;
extern const struct config_word config_failover_words[];
extern const struct config_word config_check_words[];
extern const struct config_word config_quorum_words[];

/* Index of the row by name or alias, in any case; -1 when there is none. */
int config_table_find(const char *name);
const struct config_ignored *config_ignored_find(const char *name);

/* The setting whose name is nearest to `name`, or NULL when none is near. */
const char *config_suggest(const char *name);

/* config_value.c: text <-> field */

/* Read `text` into the row's field. NULL, or what is wrong, to free; the field is then
 * left as it was. MAPPING appends; everything else replaces. */
char *config_value_set(struct config *config,
                       const struct config_row *row,
                       const char *text) PGRMON_MUST_CHECK;
/* The reverse, to free. */
char *config_value_format(const struct config *config, const struct config_row *row);
void config_value_clear(struct config *config, const struct config_row *row);
bool config_value_equal(const struct config *a,
                        const struct config *b,
                        const struct config_row *row);
void config_value_swap(struct config *a,
                       struct config *b,
                       const struct config_row *row);

/* "1.5s", "2 min", "3" (seconds) to milliseconds. False when it is none of these. */
bool config_duration_parse(const char *text, int64_t *ret_ms);
char *config_duration_format(int64_t ms);

/* config_scan.c: one line of a file */

struct config_line {
    const char *name; /* NULL when the line is blank or a comment; into the line */
    size_t name_len;
    const char *value; /* as written, quotes included, comment and blanks cut off */
    size_t value_len;
};

/* Cut one line, without its newline, into name and value. Returns NULL, or a static
 * text that says why the line is refused; ret->name is set then if it got that far. */
const char *config_scan_line(const char *line, size_t len, struct config_line *ret);

/* Take the quotes off a value as config_scan_line() cut it. `*ret` is to be freed.
 * Returns NULL, or a static text that says what is wrong with it. */
const char *config_unquote(const char *value, char **ret);

/* NULL, or why `text` cannot be a value: not UTF-8, or control characters in it. */
const char *config_text_check(const char *text, size_t len);

/* config_issue.c */

void config_issue_add(struct config_issues *issues,
                      enum config_severity severity,
                      const char *file,
                      int line,
                      const char *fmt,
                      ...) PGRMON_PRINTF(5, 6);
void config_issues_free(struct config_issues *issues);

/* config_parse.c: files */

struct config_file_seen {
    char *path;
    mode_t mode;
    dev_t device;
    ino_t inode;
    bool open; /* being read: including it again would never end */
};

struct config_loader {
    struct config *config;
    struct config_file_seen *seen;
    size_t n_seen;
    int depth;
};

void config_loader_deinit(struct config_loader *loader);

/* Read a file and what it includes. 0 although there may be errors in it (they are in
 * config->issues), or -errno when it cannot be read at all; nothing is reported then.
 */
int config_parse_file(struct config_loader *loader, const char *path) PGRMON_MUST_CHECK;

/* What a code of config_parse_file() means, for people. */
const char *config_read_error(int code);

/* The same for `len` bytes in memory; `name` stands for the file. */
void config_parse_buffer(struct config_loader *loader,
                         const char *name,
                         const char *data,
                         size_t len);

/* config.c */

/* Set every field to its default. */
void config_init(struct config *config);

/* One setting from anywhere; findings go to config->issues. */
void config_set(struct config *config,
                const char *name,
                const char *value,
                enum config_source source,
                const char *file,
                int line);

/* config_check.c: what concerns more than one setting, after everything was read. */
void config_check(struct config_loader *loader, bool required);

/* Checks of single values, used by rows. */
const char *config_check_node_name(const char *text);
const char *config_check_delay(const char *text);
const char *config_check_mapping(const char *text);
const char *config_check_event(const char *text);
const char *config_check_promote_service(const char *text);
const char *config_check_location(const char *text);

#endif

/* option_table.h - one row per option: shared by parsing (options.c) and help (help.c).
 */
#ifndef PGRMON_OPTION_TABLE_H
#define PGRMON_OPTION_TABLE_H

#include <stdbool.h>
#include <stddef.h>

/* What an option does to struct cmd_line. */
enum option_kind {
    OPTION_FLAG,       /* bool `field` becomes true */
    OPTION_STRING,     /* const char * `field` */
    OPTION_INT,        /* int `field`, between min and max */
    OPTION_MAYBE_INT,  /* int `field`, the argument is optional: `fallback` without */
    OPTION_CHECK,      /* bit `value` of line.checks */
    OPTION_ASK,        /* `value` is an enum options_ask */
    OPTION_IGNORED,    /* repmgr's, without meaning here: a warning */
    OPTION_IGNORED_ARG /* the same, with an argument */
};

#define OPTION_NO_FIELD ((size_t)-1)

struct option_row {
    const char *name; /* without dashes */
    char letter;      /* 0 = none */
    enum option_kind kind;
    unsigned bits; /* CMD_OPT_*: commands that know it; 0 = all */
    size_t field;  /* offset in struct cmd_line */
    size_t flag;   /* bool set as well, or OPTION_NO_FIELD */
    int value, min, max;
    const char *metavar; /* NULL without argument */
    const char *help;    /* NULL: not listed (aliases) */
};

extern const struct option_row option_table[];
extern const size_t option_table_size;

#endif

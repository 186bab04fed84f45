/* options.h - the command line: one table drives getopt_long, checks and --help. */
#ifndef PGRMON_OPTIONS_H
#define PGRMON_OPTIONS_H

#include <stddef.h>
#include <stdio.h>

#include "cmd.h"
#include "log.h"

/* What the line asks for. */
enum options_ask {
    OPTIONS_RUN,
    OPTIONS_HELP,
    OPTIONS_VERSION,
    OPTIONS_VERSION_NUMBER,
};

/* Texts for the user, one each; owned. */
struct options_texts {
    char **v;
    size_t n;
};

struct options {
    enum options_ask ask;
    struct cmd_line line;
    const struct cmd *cmd;       /* NULL with errors, or for help about less */
    const char *object;          /* spelling of the table; NULL when none was given */
    struct options_texts errors; /* all that is wrong, printed together */
    struct options_texts warnings;
};

/* Read the line; never fails, but fills ret->errors. `argv` is permuted (getopt) and
 * borrowed. Release with options_deinit(). */
void options_parse(struct options *ret, int argc, char **argv);
void options_deinit(struct options *options);

/* Help about the program, one object, or one command, as the line asks. */
void options_print_help(const struct options *options, FILE *out);

/* The candidate nearest to `typed` if it is near enough to be meant, else NULL. The
 * list ends with NULL. */
const char *options_suggest(const char *typed, const char *const *candidates);

#endif

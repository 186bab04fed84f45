/* show.h - what `cluster show` says: records and answers in, rows and issues out.
 *
 * Pure: nothing is asked here, so every status string and every issue has a test
 * (test/unit/show_test.c). Text, CSV and JSON are made from the same rows. */
#ifndef PGRMON_SHOW_H
#define PGRMON_SHOW_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "daemons.h"
#include "gather.h"
#include "node.h"

/* Is a node where its record says it is? */
enum show_attach {
    SHOW_ATTACH_NONE,    /* it needs no upstream, or has none */
    SHOW_ATTACH_YES,     /* its upstream lists it, or its receiver streams */
    SHOW_ATTACH_NO,      /* its upstream answered and does not list it */
    SHOW_ATTACH_UNKNOWN, /* somebody whose word it takes did not answer */
};

/* How serious a row looks; the renderer gives it a colour. */
enum show_tone {
    SHOW_TONE_GOOD,
    SHOW_TONE_DOUBT,
    SHOW_TONE_BAD,
};

struct show_row {
    const struct node_record *record; /* borrowed, as are the following */
    const struct gathered *answer;
    const struct node_record *upstream; /* NULL = none */
    const struct daemons_row *daemon;
    const char *status; /* repmgr's: "* running", "? unreachable" ... */
    enum show_tone tone;
    enum show_attach attach;
    int64_t lag_bytes; /* behind the primary; -1 = unknown or not a standby */
};

struct show {
    int n;
    struct show_row rows[CORE_MAX_NODES]; /* in the order of the nodeset */
    int primary;                          /* index of the leading node, -1 = none */
    int n_primaries;                      /* out of recovery; 2 and more: split brain */
    int64_t term;                         /* highest that anybody knows, 0 = none */
    struct daemons daemons;
    bool unreachable; /* some connection failed */
    int n_issues;
    char **issues; /* owned; the gravest first */
};

/* Judge. `answers` has set->n elements; both must outlive `ret`, which stays where it
 * is (rows point into it). With `verbose`, connection errors are told in full. Release
 * with show_deinit(). */
void show_build(struct show *ret,
                const struct nodeset *set,
                const struct gathered *answers,
                bool verbose);
void show_deinit(struct show *show);

/* Presentations: show_text.c, show_json.c. */
void show_print_table(const struct show *show, bool compact, bool color, FILE *out);
void show_print_tree(const struct show *show, bool color, FILE *out);
void show_print_csv(const struct show *show, FILE *out);
void show_print_json(const struct show *show, FILE *out);

/* The status string of one record with its answer and its daemon, and how serious it
 * is. */
const char *show_status(const struct node_record *record,
                        const struct core_observation *seen,
                        const struct daemons_row *daemon,
                        enum show_tone *ret_tone);

#endif

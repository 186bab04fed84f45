/* notes.h - what `cluster notes` says: every board with the notes on it.
 *
 * Pure: made from what gather.h brought. Clocks of different hosts cannot be compared,
 * so ages are told against the newest stamp of the same node on any board. */
#ifndef PGRMON_NOTES_H
#define PGRMON_NOTES_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "gather.h"
#include "node.h"

/* Why an age is not a number. */
#define NOTES_NO_STAMP   (-1) /* there is no stamp */
#define NOTES_OTHER_BOOT (-2) /* the host has booted between the two stamps */
#define NOTES_UNSEEN     (-3) /* the other node's note lies on no board */

/* One note on one board. */
struct notes_row {
    const struct core_note *note; /* borrowed */
    const char *name;             /* of its node; NULL: not registered */
    const char *leader;           /* of whom it supports; NULL: nobody, or unknown */
    int64_t behind_ms;            /* its newest stamp anywhere is so much later */
    int64_t echo_ms;              /* the newest stamp of whom it supports likewise */
};

struct notes_board {
    const struct node_record *record;
    const struct gathered *answer;
    int n;
    struct notes_row rows[CORE_MAX_NODES]; /* ordered by node id */
};

struct notes {
    int n;
    struct notes_board *boards; /* in the order of the nodeset, witnesses left out */
    bool incomplete;            /* a board could not be read, or holds bad notes */
};

/* Make it. `answers` has set->n elements; both must outlive `ret`. Release with
 * notes_deinit(). */
void notes_build(struct notes *ret,
                 const struct nodeset *set,
                 const struct gathered *answers);
void notes_deinit(struct notes *notes);

/* Presentations. */
void notes_print_table(const struct notes *notes, bool color, FILE *out);
void notes_print_json(const struct notes *notes, FILE *out);

#endif

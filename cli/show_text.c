/* show_text.c - `cluster show` as table, tree and CSV, in repmgr's columns. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "conninfo.h"
#include "render.h"
#include "show.h"

#define MAX_COLUMNS 10

/* The texts of one row; those that need memory of their own have it here. */
struct texts {
    char id[16], upstream[CORE_NAME_SIZE + 4], priority[16], timeline[16];
    char lag[40];
    char *conninfo;
};

static const char *tone_color(enum show_tone tone)
{
    switch (tone) {
    case SHOW_TONE_GOOD:
        return NULL;
    case SHOW_TONE_DOUBT:
        return "yellow";
    case SHOW_TONE_BAD:
        return "red";
    }
    return NULL;
}

static const char *attach_mark(enum show_attach attach)
{
    switch (attach) {
    case SHOW_ATTACH_NONE:
    case SHOW_ATTACH_YES:
        return "";
    case SHOW_ATTACH_NO:
        return "! ";
    case SHOW_ATTACH_UNKNOWN:
        return "? ";
    }
    return "";
}

static void fill_texts(const struct show_row *row, struct texts *ret)
{
    const struct node_record *record = row->record;
    char size[32];

    *ret = (struct texts){.conninfo = conninfo_redact(record->conninfo)};
    (void)snprintf(ret->id, sizeof ret->id, "%d", record->id);
    (void)snprintf(ret->priority, sizeof ret->priority, "%d", record->priority);
    if (row->upstream != NULL)
        (void)snprintf(ret->upstream, sizeof ret->upstream, "%s%s",
                       attach_mark(row->attach), row->upstream->name);
    if (record->role == CORE_ROLE_WITNESS)
        (void)snprintf(ret->timeline, sizeof ret->timeline, "n/a");
    else if (row->answer->seen.reach == REACH_OK && row->answer->seen.timeline > 0)
        (void)snprintf(ret->timeline, sizeof ret->timeline, "%d",
                       row->answer->seen.timeline);
    else
        (void)snprintf(ret->timeline, sizeof ret->timeline, "?");
    if (row->lag_bytes >= 0)
        (void)snprintf(ret->lag, sizeof ret->lag, "%s",
                       render_bytes(row->lag_bytes, size));
}

static void
add_table_row(struct render_table *table, const struct show_row *row, bool compact)
{
    struct texts texts;
    const char *cells[MAX_COLUMNS];

    fill_texts(row, &texts);
    cells[0] = texts.id;
    cells[1] = row->record->name;
    cells[2] = node_role_name(row->record->role);
    cells[3] = row->status;
    cells[4] = texts.upstream;
    cells[5] = row->record->location;
    cells[6] = texts.priority;
    cells[7] = texts.timeline;
    cells[8] = compact ? NULL : texts.conninfo;
    (void)render_table_add(table, cells, -1, tone_color(row->tone));
    free(texts.conninfo);
}

/* Lines below the table rather than columns more: scripts cut the columns. */
static void print_daemons(const struct show *show, FILE *out)
{
    struct nodeset set = {.n = show->n};
    char text[DAEMONS_TEXT_SIZE];

    if (!show->daemons.any)
        return;
    for (int i = 0; i < show->n; i++)
        set.v[i] = *show->rows[i].record; /* borrowed: not freed */
    (void)fprintf(out, "\n %s\n", daemons_text(&show->daemons, &set, text));
    if (show->daemons.n_voters == 2)
        (void)fprintf(out,
                      " two voters: a partition can split them; a third, such as a "
                      "witness, prevents it\n");
}

void show_print_table(const struct show *show, bool compact, bool color, FILE *out)
{
    static const char *const wide[] = {"ID",       "Name",     "Role",
                                       "Status",   "Upstream", "Location",
                                       "Priority", "Timeline", "Connection string",
                                       NULL};
    static const char *const narrow[] = {
        "ID", "Name", "Role", "Status", "Upstream", "Location", "Prio.", "TLI", NULL};
    struct render_table *table = render_table_new(compact ? narrow : wide, -1);

    for (int i = 0; i < show->n; i++)
        add_table_row(table, &show->rows[i], compact);
    render_table_print(table, out, color);
    render_table_free(table);
    print_daemons(show, out);
}

/* ---- tree -------------------------------------------------------------------------
 */

struct tree {
    const struct show *show;
    struct render_table *table;
    bool done[CORE_MAX_NODES];
};

static int add_tree_row(struct tree *tree, int i, int parent)
{
    const struct show_row *row = &tree->show->rows[i];
    struct texts texts;
    const char *cells[MAX_COLUMNS];
    int number;

    fill_texts(row, &texts);
    cells[0] = row->record->name;
    cells[1] = texts.id;
    cells[2] = node_role_name(row->record->role);
    cells[3] = row->status;
    cells[4] = texts.lag;
    cells[5] = row->record->location;
    cells[6] = texts.priority;
    cells[7] = texts.timeline;
    cells[8] = row->daemon->note != NULL ? daemons_phase(row->daemon) : "";
    number = render_table_add(tree->table, cells, parent, tone_color(row->tone));
    free(texts.conninfo);
    return number;
}

/* Depth is bounded by `done`: a cycle in the records is cut where it closes. */
static void add_branch(struct tree *tree, int i, int parent)
{
    int number;

    if (tree->done[i])
        return;
    tree->done[i] = true;
    number = add_tree_row(tree, i, parent);
    for (int k = 0; k < tree->show->n; k++)
        if (tree->show->rows[k].upstream == tree->show->rows[i].record)
            add_branch(tree, k, number);
}

void show_print_tree(const struct show *show, bool color, FILE *out)
{
    static const char *const names[] = {"Name",     "ID",    "Role", "Status", "Lag",
                                        "Location", "Prio.", "TLI",  "Daemon", NULL};
    struct tree tree = {.show = show, .table = render_table_new(names, 0)};

    for (int i = 0; i < show->n; i++)
        if (show->rows[i].upstream == NULL)
            add_branch(&tree, i, -1);
    for (int i = 0; i < show->n; i++)
        add_branch(&tree, i, -1);
    render_table_print(tree.table, out, color);
    render_table_free(tree.table);
}

/* ---- CSV --------------------------------------------------------------------------
 */

/* repmgr's: id, 0 = available or -1, 0 = primary, 1 = standby or -1. A witness is
 * available when its daemon is. */
void show_print_csv(const struct show *show, FILE *out)
{
    for (int i = 0; i < show->n; i++) {
        const struct show_row *row = &show->rows[i];
        bool answered = row->answer->seen.reach == REACH_OK;
        bool up = row->record->role == CORE_ROLE_WITNESS
                      ? row->daemon->sign == DAEMONS_FRESH
                      : answered;

        (void)fprintf(out, "%d,%d,%d\n", row->record->id, up ? 0 : -1,
                      answered ? (int)row->answer->seen.in_recovery : -1);
    }
}

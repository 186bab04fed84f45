/* notes.c - boards with their notes, as a table and as JSON. */
#include "notes.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "daemons.h"
#include "note.h"
#include "render.h"

/* ---- building ------------------------------------------------------------------- */

static int64_t age_ms(struct core_stamp stamp, const struct core_note *newest)
{
    if (stamp.ms == 0)
        return NOTES_NO_STAMP;
    if (newest == NULL || newest->stamp.ms == 0)
        return NOTES_UNSEEN;
    if (newest->stamp.boot != stamp.boot)
        return NOTES_OTHER_BOOT;
    /* Boards are not read at the same instant. */
    return newest->stamp.ms > stamp.ms ? newest->stamp.ms - stamp.ms : 0;
}

static const char *name_of(const struct nodeset *set, int id)
{
    const struct node_record *record = nodeset_find(set, id);

    return record != NULL ? record->name : NULL;
}

static int by_node(const void *a, const void *b)
{
    const struct notes_row *left = a, *right = b;

    return (left->note->node_id > right->note->node_id) -
           (left->note->node_id < right->note->node_id);
}

static void fill_board(struct notes_board *board,
                       const struct nodeset *set,
                       const struct gathered *answers)
{
    for (int i = 0; i < board->answer->n_notes; i++) {
        const struct core_note *note = &board->answer->notes[i];

        board->rows[board->n++] = (struct notes_row){
            .note = note,
            .name = name_of(set, note->node_id),
            .leader = name_of(set, note->leader_id),
            .behind_ms =
                age_ms(note->stamp, daemons_newest(set, answers, note->node_id)),
            .echo_ms =
                age_ms(note->echo, daemons_newest(set, answers, note->leader_id)),
        };
    }
    qsort(board->rows, (size_t)board->n, sizeof board->rows[0], by_node);
}

void notes_build(struct notes *ret,
                 const struct nodeset *set,
                 const struct gathered *answers)
{
    *ret = (struct notes){.boards = xcalloc(CORE_MAX_NODES, sizeof *ret->boards)};
    for (int i = 0; i < set->n; i++) {
        struct notes_board *board = &ret->boards[ret->n];

        if (set->v[i].role == CORE_ROLE_WITNESS)
            continue; /* it has no PostgreSQL, so no board */
        board->record = &set->v[i];
        board->answer = &answers[i];
        ret->n++;
        fill_board(board, set, answers);
        if (answers[i].seen.reach != REACH_OK || answers[i].n_bad_notes > 0)
            ret->incomplete = true;
    }
}

void notes_deinit(struct notes *notes)
{
    free(notes->boards);
    *notes = (struct notes){0};
}

/* ---- table ---------------------------------------------------------------------- */

/* Room for what one cell may hold. */
#define CELL_SIZE 64

enum {
    BOARD,
    NODE,
    PHASE,
    TERM,
    SUPPORTS,
    BEHIND,
    ECHO_AGE,
    REPORT,
    WINDOW,
    MEMBERS,
    INCARNATION,
    FLAGS,
    N_COLUMNS
};

/* A node by its name, or "(ID: 7)" where there is no record of it. */
static void write_node(char *cell, const char *name, int id)
{
    if (name != NULL)
        (void)snprintf(cell, CELL_SIZE, "%s", name);
    else if (id > 0)
        (void)snprintf(cell, CELL_SIZE, "(ID: %d)", id);
}

static void write_ms(char *cell, int64_t ms)
{
    if (ms >= 10000)
        (void)snprintf(cell, CELL_SIZE, "%.1f s", (double)ms / 1000.);
    else
        (void)snprintf(cell, CELL_SIZE, "%" PRId64 " ms", ms);
}

/* A setting, as people write it. */
static void write_window(char *cell, int64_t ms)
{
    if (ms % 1000 == 0)
        (void)snprintf(cell, CELL_SIZE, "%" PRId64 " s", ms / 1000);
    else
        (void)snprintf(cell, CELL_SIZE, "%" PRId64 " ms", ms);
}

static void write_age(char *cell, int64_t age)
{
    if (age >= 0)
        write_ms(cell, age);
    else if (age == NOTES_OTHER_BOOT)
        (void)snprintf(cell, CELL_SIZE, "other boot");
    else if (age == NOTES_UNSEEN)
        (void)snprintf(cell, CELL_SIZE, "?");
}

static void write_report(char *cell, const struct core_report *report)
{
    char lsn[LSN_TEXT_SIZE];

    if (report->known)
        (void)snprintf(cell, CELL_SIZE, "%" PRId64 ": %s", report->term,
                       lsn_format(report->position, lsn));
    else if (report->coming)
        (void)snprintf(cell, CELL_SIZE, "coming");
}

static void write_flags(char *cell, const struct core_note *note)
{
    const struct {
        bool set;
        const char *name;
    } flags[] = {
        {note->frozen,    "frozen"   },
        {note->voiceless, "voiceless"},
        {note->paused,    "paused"   },
        {note->relies,    "relies"   },
    };
    size_t used = 0;

    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
        if (flags[i].set)
            used += (size_t)snprintf(cell + used, CELL_SIZE - used, "%s%s",
                                     used > 0 ? ", " : "", flags[i].name);
}

static void add_row(struct render_table *table,
                    const struct notes_board *board,
                    const struct notes_row *row)
{
    const struct core_note *note = row->note;
    char text[N_COLUMNS][CELL_SIZE] = {0};
    const char *cells[N_COLUMNS];

    write_node(text[NODE], row->name, note->node_id);
    (void)snprintf(text[TERM], CELL_SIZE, "%" PRId64, note->term);
    write_node(text[SUPPORTS], row->leader, note->leader_id);
    write_age(text[BEHIND], row->behind_ms);
    write_age(text[ECHO_AGE], row->echo_ms);
    write_report(text[REPORT], &note->report);
    write_window(text[WINDOW], note->window_ms);
    (void)snprintf(text[MEMBERS], CELL_SIZE, "%" PRId64, note->members_version);
    (void)snprintf(text[INCARNATION], CELL_SIZE, "%" PRIu32, note->incarnation);
    write_flags(text[FLAGS], note);
    for (int i = 0; i < N_COLUMNS; i++)
        cells[i] = text[i];
    cells[BOARD] = board->record->name;
    cells[PHASE] = note_phase_name(note->phase);
    (void)render_table_add(table, cells, -1, row->behind_ms > 0 ? "darkgray" : NULL);
}

static bool has_gap(const struct notes_board *board)
{
    return board->n == 0 || board->answer->n_bad_notes > 0;
}

/* Below the table: what is missing from it. */
static void print_gaps(const struct notes_board *board, FILE *out)
{
    const struct gathered *answer = board->answer;

    if (answer->seen.reach != REACH_OK)
        (void)fprintf(out, " %s: not read, %s\n", board->record->name,
                      reach_name(answer->seen.reach));
    else if (board->n == 0)
        (void)fprintf(out, " %s: no notes\n", board->record->name);
    if (answer->n_bad_notes > 0)
        (void)fprintf(out, " %s: %d session%s named like notes that are none\n",
                      board->record->name, answer->n_bad_notes,
                      answer->n_bad_notes == 1 ? "" : "s");
}

void notes_print_table(const struct notes *notes, bool color, FILE *out)
{
    static const char *const names[] = {
        "Board",  "Node", "Phase",   "Term", "Supports", "Behind", "Echo",
        "Report", "W",    "Members", "Inc.", "Flags",    NULL,
    };
    struct render_table *table = render_table_new(names, -1);
    int n_rows = 0;

    for (int i = 0; i < notes->n; i++)
        for (int k = 0; k < notes->boards[i].n; k++, n_rows++)
            add_row(table, &notes->boards[i], &notes->boards[i].rows[k]);
    if (n_rows > 0)
        render_table_print(table, out, color);
    render_table_free(table);
    for (int i = 0; i < notes->n; i++) {
        if (!has_gap(&notes->boards[i]))
            continue;
        (void)fputs(n_rows > 0 ? "\n" : "", out);
        n_rows = 0; /* one empty line is enough */
        print_gaps(&notes->boards[i], out);
    }
}

/* ---- JSON ----------------------------------------------------------------------- */

static json_t *must(json_t *value)
{
    if (value == NULL)
        err_out_of_memory();
    return value;
}

static json_t *stamp_value(struct core_stamp stamp)
{
    if (stamp.ms == 0)
        return json_null();
    return must(json_pack("{s:I, s:I}", "boot", (json_int_t)stamp.boot, "ms",
                          (json_int_t)stamp.ms));
}

static json_t *report_value(const struct core_report *report)
{
    char lsn[LSN_TEXT_SIZE];

    if (!report->known)
        return json_null();
    return must(json_pack("{s:I, s:s}", "term", (json_int_t)report->term, "lsn",
                          lsn_format(report->position, lsn)));
}

static json_t *note_value(const struct notes_row *row)
{
    const struct core_note *note = row->note;

    return must(json_pack(
        "{s:i, s:o, s:o, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:b, s:b, "
        "s:b, s:b, s:o}",
        "node_id", note->node_id, "node_name", render_json_text(row->name), "phase",
        render_json_text(note_phase_name(note->phase)), "term", (json_int_t)note->term,
        "leader_id", render_json_number(note->leader_id, note->leader_id > 0), "stamp",
        stamp_value(note->stamp), "behind_ms",
        render_json_number(row->behind_ms, row->behind_ms >= 0), "echo",
        stamp_value(note->echo), "echo_behind_ms",
        render_json_number(row->echo_ms, row->echo_ms >= 0), "report",
        report_value(&note->report), "window_ms", (json_int_t)note->window_ms,
        "members_version", (json_int_t)note->members_version, "incarnation",
        (json_int_t)note->incarnation, "frozen", (int)note->frozen, "voiceless",
        (int)note->voiceless, "paused", (int)note->paused, "relies_on_pause",
        (int)note->relies, "pause_version",
        render_json_number(note->pause_version, note->pause_version > 0)));
}

static json_t *board_value(const struct notes_board *board)
{
    const struct gathered *answer = board->answer;
    json_t *notes = must(json_array());

    for (int i = 0; i < board->n; i++)
        if (json_array_append_new(notes, note_value(&board->rows[i])) != 0)
            err_out_of_memory();
    return must(json_pack("{s:i, s:o, s:s, s:o, s:i, s:o}", "id", board->record->id,
                          "name", render_json_text(board->record->name), "reach",
                          reach_name(answer->seen.reach), "error",
                          render_json_text(answer->message), "bad_notes",
                          answer->n_bad_notes, "notes", notes));
}

void notes_print_json(const struct notes *notes, FILE *out)
{
    json_t *boards = must(json_array());

    for (int i = 0; i < notes->n; i++)
        if (json_array_append_new(boards, board_value(&notes->boards[i])) != 0)
            err_out_of_memory();
    render_json_print(must(json_pack("{s:o}", "boards", boards)), out);
}

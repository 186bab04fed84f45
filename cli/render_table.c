/* render_table.c - tables by libsmartcols, in repmgr's looks. */
#include <libsmartcols.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "err.h"
#include "render.h"

struct render_table {
    struct libscols_table *scols;
    struct libscols_line **lines;
    int n_lines;
    size_t n_columns;
};

/* smartcols fails here for lack of memory only. */
static void must(int r)
{
    if (r != 0)
        err_out_of_memory();
}

struct render_table *render_table_new(const char *const *names, int tree)
{
    struct render_table *table = xcalloc(1, sizeof *table);

    scols_init_debug(0);
    table->scols = scols_new_table();
    if (table->scols == NULL)
        err_out_of_memory();
    must(scols_table_set_column_separator(table->scols, " | "));
    must(scols_table_set_termforce(table->scols, SCOLS_TERMFORCE_NEVER));
    for (; names[table->n_columns] != NULL; table->n_columns++) {
        int flags = (int)table->n_columns == tree ? SCOLS_FL_TREE : 0;

        if (scols_table_new_column(table->scols, names[table->n_columns], 0, flags) ==
            NULL)
            err_out_of_memory();
    }
    return table;
}

void render_table_free(struct render_table *table)
{
    if (table == NULL)
        return;
    scols_unref_table(table->scols);
    free(table->lines);
    free(table);
}

int render_table_add(struct render_table *table,
                     const char *const *cells,
                     int parent,
                     const char *color)
{
    size_t size = ((size_t)table->n_lines + 1) * sizeof(struct libscols_line *);
    struct libscols_line **grown = realloc(table->lines, size);
    struct libscols_line *line;

    if (grown == NULL)
        err_out_of_memory();
    table->lines = grown;
    line = scols_table_new_line(table->scols, parent >= 0 ? grown[parent] : NULL);
    if (line == NULL)
        err_out_of_memory();
    for (size_t i = 0; i < table->n_columns; i++)
        must(scols_line_set_data(line, i, cells[i]));
    if (color != NULL)
        must(scols_line_set_color(line, color));
    grown[table->n_lines] = line;
    return table->n_lines++;
}

/* ----+------+---: as wide as smartcols made the columns. */
static void print_rule(struct render_table *table, FILE *out)
{
    for (size_t i = 0; i < table->n_columns; i++) {
        struct libscols_column *column = scols_table_get_column(table->scols, i);
        size_t width = scols_column_get_width(column);
        bool last = i + 1 == table->n_columns;

        for (size_t k = 0; k < width + (last ? 1 : 2); k++)
            (void)fputc('-', out);
        (void)fputc(last ? '\n' : '+', out);
    }
}

/* Blanks at the end, of an empty last cell. */
static void trim(char *line)
{
    size_t length = strlen(line);

    while (length > 0 && line[length - 1] == ' ')
        line[--length] = '\0';
}

void render_table_print(struct render_table *table, FILE *out, bool color)
{
    char *text = NULL;
    char *rest;
    char *line;
    bool first = true;

    must(scols_table_enable_colors(table->scols, color));
    must(scols_print_table_to_string(table->scols, &text));
    rest = text;
    while ((line = strsep(&rest, "\n")) != NULL) {
        if (rest == NULL && line[0] == '\0')
            break;
        trim(line);
        (void)fprintf(out, " %s\n", line);
        if (first)
            print_rule(table, out);
        first = false;
    }
    free(text);
}

bool render_wants_color(FILE *out)
{
    const char *no_color = getenv("NO_COLOR");
    const char *term = getenv("TERM");

    return isatty(fileno(out)) == 1 && (no_color == NULL || no_color[0] == '\0') &&
           (term == NULL || strcmp(term, "dumb") != 0);
}

/* render.h - how results look: tables for people, CSV and JSON for programs.
 *
 * Tables have repmgr's looks (leading space, " | ", a rule below the headings), drawn
 * by libsmartcols. Colour only on a terminal, and not with NO_COLOR set. */
#ifndef PGRMON_RENDER_H
#define PGRMON_RENDER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct render_table;

/* A table with the headings `names` (ended by NULL); the column `tree` (-1 = none) is
 * drawn as a tree. Never NULL. */
struct render_table *render_table_new(const char *const *names, int tree);
void render_table_free(struct render_table *table);

/* Append a row (as many cells as headings, copied). `parent` is the row it hangs under
 * in the tree, -1 = none. `color` is smartcols' name ("red", "bold"), or NULL. Returns
 * the row's number. */
int render_table_add(struct render_table *table,
                     const char *const *cells,
                     int parent,
                     const char *color);

/* Print it. `color` allows colours: see render_wants_color(). */
void render_table_print(struct render_table *table, FILE *out, bool color);

/* True when `out` is a terminal and the user did not forbid colours. */
bool render_wants_color(FILE *out);

/* One CSV field, quoted where it must be (RFC 4180), or always. */
void render_csv_field(FILE *out, const char *text, bool always_quote);

/* JSON values: null instead of NULL, "" and unknown numbers. */
json_t *render_json_text(const char *text);
json_t *render_json_number(int64_t value, bool known);

/* Print and release. */
void render_json_print(json_t *root, FILE *out);

/* "1536 bytes", "16 MB", as pg_size_pretty() does. Returns `buf`. */
char *render_bytes(int64_t bytes, char buf[static 32]);

#endif

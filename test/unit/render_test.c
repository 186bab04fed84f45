/* render_test.c - repmgr's looks, CSV's quotes, JSON's nulls. */
#include <stdlib.h>
#include <string.h>

#include "render.h"
#include "unit.h"

struct sink {
    FILE *file;
    char *text;
    size_t size;
};

static FILE *open_sink(struct sink *sink)
{
    sink->file = open_memstream(&sink->text, &sink->size);
    assert_non_null(sink->file);
    return sink->file;
}

static void expect(struct sink *sink, const char *text)
{
    (void)fclose(sink->file);
    assert_string_equal(sink->text, text);
    free(sink->text);
}

static void a_table_has_repmgrs_looks(void **state)
{
    static const char *const names[] = {"ID", "Name", "Details", NULL};
    const char *const first[] = {"1", "node1", ""};
    const char *const second[] = {"22", "n", "a longer text"};
    struct render_table *table = render_table_new(names, -1);
    struct sink sink;

    (void)state;
    (void)render_table_add(table, first, -1, "red");
    (void)render_table_add(table, second, -1, NULL);
    render_table_print(table, open_sink(&sink), false);
    expect(&sink, " ID | Name  | Details\n"
                  "----+-------+--------------\n"
                  " 1  | node1 |\n"
                  " 22 | n     | a longer text\n");
    render_table_free(table);
}

static void colour_is_on_request(void **state)
{
    static const char *const names[] = {"ID", NULL};
    const char *const cells[] = {"1"};
    struct render_table *table = render_table_new(names, -1);
    struct sink sink;

    (void)state;
    (void)render_table_add(table, cells, -1, "red");
    render_table_print(table, open_sink(&sink), true);
    (void)fclose(sink.file);
    assert_non_null(strstr(sink.text, "\033[31m"));
    free(sink.text);
    render_table_free(table);
}

static void a_tree_hangs_rows_under_their_parents(void **state)
{
    static const char *const names[] = {"Name", "ID", NULL};
    const char *const root[] = {"a", "1"};
    const char *const child[] = {"b", "2"};
    const char *const grandchild[] = {"c", "3"};
    struct render_table *table = render_table_new(names, 0);
    struct sink sink;

    (void)state;
    (void)render_table_add(
        table, grandchild,
        render_table_add(table, child, render_table_add(table, root, -1, NULL), NULL),
        NULL);
    render_table_print(table, open_sink(&sink), false);
    expect(&sink, " Name  | ID\n"
                  "-------+---\n"
                  " a     | 1\n"
                  " `-b   | 2\n"
                  "   `-c | 3\n");
    render_table_free(table);
}

/* A name from the database must not steer the terminal. */
static void control_characters_are_shown_not_sent(void **state)
{
    static const char *const names[] = {"Name", NULL};
    const char *const cells[] = {"a\033[2Jb"};
    struct render_table *table = render_table_new(names, -1);
    struct sink sink;

    (void)state;
    (void)render_table_add(table, cells, -1, NULL);
    render_table_print(table, open_sink(&sink), false);
    (void)fclose(sink.file);
    assert_null(strchr(sink.text, '\033'));
    free(sink.text);
    render_table_free(table);
}

static void csv_quotes_where_needed(void **state)
{
    struct sink sink;

    (void)state;
    render_csv_field(open_sink(&sink), "plain", false);
    render_csv_field(sink.file, "|", false);
    render_csv_field(sink.file, "a,b", false);
    render_csv_field(sink.file, "|", false);
    render_csv_field(sink.file, "say \"x\"", false);
    render_csv_field(sink.file, "|", false);
    render_csv_field(sink.file, "plain", true);
    expect(&sink, "plain|\"a,b\"|\"say \"\"x\"\"\"|\"plain\"");
}

static void json_has_numbers_and_nulls(void **state)
{
    struct sink sink;
    json_t *root = json_pack(
        "{s:o, s:o, s:o, s:o, s:o}", "n", render_json_number(3, true), "unknown",
        render_json_number(3, false), "text", render_json_text("a\"b"), "none",
        render_json_text(NULL), "latin1", render_json_text("caf\xe9"));

    (void)state;
    render_json_print(root, open_sink(&sink));
    expect(&sink, "{\n  \"n\": 3,\n  \"unknown\": null,\n  \"text\": \"a\\\"b\",\n"
                  "  \"none\": null,\n  \"latin1\": \"caf?\"\n}\n");
}

static void bytes_read_like_postgresqls(void **state)
{
    char buf[32];

    (void)state;
    assert_string_equal(render_bytes(0, buf), "0 bytes");
    assert_string_equal(render_bytes(10239, buf), "10239 bytes");
    assert_string_equal(render_bytes(10240, buf), "10 kB");
    assert_string_equal(render_bytes(16 << 20, buf), "16 MB");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_table_has_repmgrs_looks),
        cmocka_unit_test(colour_is_on_request),
        cmocka_unit_test(a_tree_hangs_rows_under_their_parents),
        cmocka_unit_test(control_characters_are_shown_not_sent),
        cmocka_unit_test(csv_quotes_where_needed),
        cmocka_unit_test(json_has_numbers_and_nulls),
        cmocka_unit_test(bytes_read_like_postgresqls),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

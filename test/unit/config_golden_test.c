/* config_golden_test.c - each test/golden/config/NAME.in gives exactly NAME.ok: what
 * was found, and the settings that came from the file.
 *
 * PGRMON_GOLDEN_UPDATE=1 writes the .ok files instead; read the difference then. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cleanup.h"
#include "config_private.h"
#include "unit.h"

static void write_findings(FILE *out, const struct config *config)
{
    static const char *const severities[] = {"info", "warning", "error"};

    for (size_t i = 0; i < config->issues.n; i++) {
        const struct config_issue *issue = &config->issues.items[i];
        char *text CLEANUP(cleanup_free) = config_issue_text(issue);

        (void)fprintf(out, "%s: %s\n", severities[issue->severity], text);
    }
}

/* The value in brackets, so that blanks at its ends can be seen. */
static void write_settings(FILE *out, const struct config *config)
{
    for (size_t i = 0; i < config_table_size; i++) {
        char *value CLEANUP(cleanup_free) =
            config_value_format(config, &config_table[i]);

        if (config->origins[i].source != CONFIG_FROM_DEFAULT)
            (void)fprintf(out, "%s [%s] line %d\n", config_table[i].name, value,
                          config->origins[i].line);
    }
}

static char *run(const char *name)
{
    struct config config;
    struct config_loader loader = {.config = &config};
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    assert_non_null(out);
    config_init(&config);
    assert_int_equal(config_parse_file(&loader, name), 0);
    config_check(&loader, false);
    write_findings(out, &config);
    write_settings(out, &config);
    assert_int_equal(fclose(out), 0);
    config_loader_deinit(&loader);
    config_free(&config);
    return text;
}

static char *read_text(const char *path)
{
    FILE *file = fopen(path, "re");
    char *text = NULL;
    size_t size = 0;

    if (file == NULL)
        return xstrdup("");
    if (getdelim(&text, &size, '\0', file) < 0)
        text[0] = '\0';
    (void)fclose(file);
    return text;
}

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int is_input(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);

    return len > 3 && strcmp(entry->d_name + len - 3, ".in") == 0;
}

static bool compare(const char *input, bool update)
{
    char *path CLEANUP(cleanup_free) =
        xasprintf("%.*sok", (int)strlen(input) - 2, input);
    char *expected CLEANUP(cleanup_free) = read_text(path);
    char *got CLEANUP(cleanup_free) = run(input);

    if (strcmp(expected, got) == 0)
        return true;
    if (update) {
        write_text(path, got);
        return true;
    }
    print_error("%s: expected\n%s\ngot\n%s\n", input, expected, got);
    return false;
}

static void each_input_gives_its_output(void **state)
{
    bool update = getenv("PGRMON_GOLDEN_UPDATE") != NULL;
    struct dirent **inputs;
    int n, n_wrong = 0;

    (void)state;
    assert_int_equal(chdir(TEST_SOURCE_DIR "/test/golden/config"), 0);
    n = scandir(".", &inputs, is_input, alphasort);
    assert_true(n > 10);
    for (int i = 0; i < n; i++) {
        n_wrong += !compare(inputs[i]->d_name, update);
        free(inputs[i]);
    }
    free(inputs);
    assert_int_equal(n_wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_input_gives_its_output),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

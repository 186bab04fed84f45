/* options_test.c - from words to struct cmd_line, and what is said of wrong ones. */
#include <string.h>

#include "node_check.h"
#include "options.h"
#include "unit.h"

static struct options options;

/* Words separated by blanks; the buffer lives until the next call. */
static void parse(const char *line)
{
    static char buffer[512];
    static char *argv[32];
    int argc = 0;

    options_deinit(&options);
    (void)snprintf(buffer, sizeof buffer, "pgrmon %s", line);
    for (char *word = strtok(buffer, " "); word != NULL; word = strtok(NULL, " "))
        argv[argc++] = word;
    argv[argc] = NULL;
    options_parse(&options, argc, argv);
}

static void expect_error(const char *line, const char *text)
{
    parse(line);
    for (size_t i = 0; i < options.errors.n; i++)
        if (strstr(options.errors.v[i], text) != NULL)
            return;
    fail_msg("\"%s\" did not give \"%s\" but %s", line, text,
             options.errors.n > 0 ? options.errors.v[0] : "no error");
}

static void expect_command(const char *line, const char *object, const char *action)
{
    parse(line);
    assert_int_equal(options.errors.n, 0);
    assert_non_null(options.cmd);
    assert_string_equal(options.cmd->object, object);
    assert_string_equal(options.cmd->action, action);
}

static int teardown(void **state)
{
    (void)state;
    options_deinit(&options);
    return 0;
}

static void commands_are_found_in_any_case_and_order(void **state)
{
    (void)state;
    expect_command("cluster show", "cluster", "show");
    expect_command("CLUSTER Show", "cluster", "show");
    expect_command("-f x cluster -v show", "cluster", "show");
    expect_command("master register", "primary", "register");
    expect_command("cluster events", "cluster", "event");
    expect_command("primary check", "node", "check");
    expect_command("standby status", "node", "status");
}

static void values_arrive(void **state)
{
    (void)state;
    parse("cluster event --limit=5 --node-id 3 -f a.conf -hlocalhost -p 5433 -q");
    assert_int_equal(options.errors.n, 0);
    assert_int_equal(options.warnings.n, 0);
    assert_int_equal(options.line.limit, 5);
    assert_int_equal(options.line.node_id, 3);
    assert_string_equal(options.line.config_file, "a.conf");
    assert_string_equal(options.line.host, "localhost");
    assert_string_equal(options.line.port, "5433");
    assert_true(options.line.quiet);
    parse("cluster show");
    assert_int_equal(options.line.keep_days, -1);
    assert_int_equal(options.line.wait_s, -1);
    parse("cluster show --watch");
    assert_int_equal(options.line.watch_s, 2);
    parse("cluster show --watch=7");
    assert_int_equal(options.line.watch_s, 7);
    parse("standby follow -w10");
    assert_true(options.line.wait);
    assert_int_equal(options.line.wait_s, 10);
    parse("standby clone --recovery-conf-only");
    assert_true(options.line.replication_conf_only);
    parse("node check --role --repmgrd");
    assert_int_equal(options.line.checks,
                     1U << NODE_CHECK_ROLE | 1U << NODE_CHECK_DAEMON);
}

static void wrong_lines_are_refused(void **state)
{
    (void)state;
    expect_error("", "no command given");
    expect_error("cluster", "no action given for \"cluster\"");
    expect_error("clutser show", "did you mean \"cluster\"?");
    expect_error("cluster sohw", "did you mean \"cluster show\"?");
    expect_error("xyzzyplugh show", "unknown object \"xyzzyplugh\"");
    expect_error("cluster show --jsno", "did you mean \"--json\"?");
    expect_error("cluster show -Z", "unknown option \"-Z\"");
    expect_error("cluster show extra", "unexpected argument \"extra\"");
    expect_error("cluster show --csv --json", "exclude each other");
    expect_error("cluster show --csv=1", "--csv takes no argument");
    expect_error("cluster event --limit=0", "invalid value \"0\" for option --limit");
    expect_error("cluster event --limit=1x", "invalid value \"1x\"");
    expect_error("cluster event --limit=99999999999", "invalid value");
    expect_error("cluster event --all --limit=1", "--all and --limit");
    expect_error("standby follow -w -W", "--wait and --no-wait");
    expect_error("node check --nagios", "--nagios needs exactly one check");
    expect_error("node check --nagios --role --slots", "exactly one check");
    expect_error("cluster show -L LOUD", "unknown log level \"LOUD\"");
    expect_error("cluster show -f", "needs an argument");
}

static void errors_are_collected(void **state)
{
    (void)state;
    parse("cluster sohw --nope --limit=x");
    assert_int_equal(options.errors.n, 3);
}

static void an_unknown_option_keeps_its_value_secret(void **state)
{
    (void)state;
    expect_error("cluster show --password=s3cret", "unknown option \"--password\"");
    for (size_t i = 0; i < options.errors.n; i++)
        assert_null(strstr(options.errors.v[i], "s3cret"));
}

static void foreign_options_are_warned_of(void **state)
{
    (void)state;
    parse("cluster show --siblings-follow -R postgres");
    assert_int_equal(options.errors.n, 0);
    assert_int_equal(options.warnings.n, 2);
    parse("config check -h localhost");
    assert_int_equal(options.warnings.n, 1);
    assert_non_null(strstr(options.warnings.v[0], "--host is not needed"));
}

static void help_needs_no_complete_line(void **state)
{
    static const char *const lines[] = {
        "--help",         "-?", "help", "cluster --help", "help cluster show",
        "cluster show -?"};

    (void)state;
    for (size_t i = 0; i < N_OF(lines); i++) {
        parse(lines[i]);
        assert_int_equal(options.errors.n, 0);
        assert_int_equal(options.ask, OPTIONS_HELP);
    }
    assert_non_null(options.cmd);
    parse("-V whatever");
    assert_int_equal(options.ask, OPTIONS_VERSION);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands_are_found_in_any_case_and_order),
        cmocka_unit_test(values_arrive),
        cmocka_unit_test(wrong_lines_are_refused),
        cmocka_unit_test(errors_are_collected),
        cmocka_unit_test(an_unknown_option_keeps_its_value_secret),
        cmocka_unit_test(foreign_options_are_warned_of),
        cmocka_unit_test(help_needs_no_complete_line),
    };

    return cmocka_run_group_tests(tests, NULL, teardown);
}

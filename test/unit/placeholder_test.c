/* placeholder_test.c - nasty values through a real /bin/sh arrive as they were. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "placeholder.h"
#include "unit.h"

/* Values that became commands, words or patterns where somebody forgot a quote. */
static const char *const nasty[] = {
    "plain",
    "",
    "two words",
    "  around  ",
    "$(touch owned)",
    "`touch owned`",
    "\"; touch owned; \"",
    "'; touch owned; '",
    "'\"'\"'; touch owned #",
    "$HOME ${HOME} $$ $?",
    "back\\slash \\\\ \\",
    "new\nline\n; touch owned\n",
    "* ? [a-z] ~",
    "%d %% %e",
    "& | ; < > ( ) { } ! #",
    "!!",
    "caf\xc3\xa9 \xff",
    "-n",
};

struct run {
    char output[4096];
    int status;
};

/* Run the expanded command in an empty directory; nothing may appear there. */
static struct run run_sh(const char *command, char **env)
{
    char directory[] = "/tmp/pgrmon-placeholder-XXXXXX";
    struct run run = {.status = -1};
    int fds[2];
    size_t used = 0;
    ssize_t n;
    pid_t pid;

    assert_non_null(mkdtemp(directory));
    assert_int_equal(pipe(fds), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (chdir(directory) != 0 || dup2(fds[1], STDOUT_FILENO) < 0)
            _exit(99);
        (void)close(fds[0]);
        (void)close(fds[1]);
        (void)execle("/bin/sh", "sh", "-c", command, (char *)NULL, env);
        _exit(98);
    }
    (void)close(fds[1]);
    while ((n = read(fds[0], run.output + used, sizeof run.output - 1 - used)) > 0)
        used += (size_t)n;
    (void)close(fds[0]);
    assert_int_equal(waitpid(pid, &run.status, 0), pid);
    if (rmdir(directory) != 0)
        fail_msg("the command left something in its directory: %s", command);
    return run;
}

/* Expand `template` with %d = value and compare what the shell prints. */
static void check(const char *template, const char *value, const char *expected)
{
    const struct placeholder table[] = {
        {'d',  value},
        {'e',  "evt"},
        {'\0', NULL }
    };
    char *command = NULL;
    struct err err = ERR_INIT;
    char **env = placeholder_env(table);
    struct run run;

    if (placeholder_expand(template, table, &command, &err) != 0)
        fail_msg("%s: %s", err.text, err.detail);
    run = run_sh(command, env);
    if (run.status != 0 || strcmp(run.output, expected) != 0)
        fail_msg("%s -> %s\nprinted [%s] instead of [%s]", template, command,
                 run.output, expected);
    placeholder_env_free(env);
    free(command);
}

/* `format` holds one %s for the value. */
static void check_all(const char *template, const char *before, const char *after)
{
    for (size_t i = 0; i < N_OF(nasty); i++) {
        char expected[512];

        (void)snprintf(expected, sizeof expected, "%s%s%s", before, nasty[i], after);
        check(template, nasty[i], expected);
    }
}

static void nasty_values_arrive_unquoted(void **state)
{
    (void)state;
    check_all("printf '[%%s]' %d", "[", "]");
    check_all("printf '[%%s]' x%dy", "[x", "y]");
    check_all("(printf '[%%s]' %d)", "[", "]");
    check_all("if true; then printf '[%%s]' %d; fi", "[", "]");
    check_all("printf '[%%s]' \"$(printf '<%%s>' %d; echo x)\"", "[<", ">x]");
}

static void nasty_values_arrive_in_double_quotes(void **state)
{
    (void)state;
    check_all("printf '[%%s]' \"%d\"", "[", "]");
    check_all("printf '[%%s]' \"it's %d, \\\"really\\\"\"", "[it's ", ", \"really\"]");
    check_all("printf '[%%s]' \"a $(printf '%%s' '(' %d ; echo \")\")\"", "[a (", ")]");
    check_all("printf '[%%s]' \"${UNSET_VARIABLE:-%d}\"", "[", "]");
}

static void nasty_values_arrive_in_single_quotes(void **state)
{
    (void)state;
    check_all("printf '[%%s]' '%d'", "[", "]");
    check_all("printf '[%%s]' 'a \"%d\" \\'", "[a \"", "\" \\]");
}

static void each_is_one_word(void **state)
{
    (void)state;
    check("set -- %e %d \"%d\" '%d'; echo $#", "a b *", "4\n");
    check("set -- %e %d; echo $#", "", "2\n");
}

static void variables_are_there(void **state)
{
    (void)state;
    check("printf %s \"$PGRMON_EVENT:$PGRMON_EVENT_DETAILS\"", "`x`", "evt:`x`");
    check("sh -c 'printf %s \"$PGRMON_EVENT_DETAILS\"'", "$(touch owned)",
          "$(touch owned)");
}

static void other_percents_stay(void **state)
{
    (void)state;
    check("printf '%%s %%%%' %e", "", "evt %");
    check("echo 100%", "", "100%\n");
    check("echo %H:%M", "", "%H:%M\n");
    check("echo \\%d", "x", "%d\n");
}

static void check_refused(const char *template, const char *why)
{
    const struct placeholder table[] = {
        {'d',  "x" },
        {'\0', NULL}
    };
    char *command = NULL;
    struct err err = ERR_INIT;

    assert_int_equal(placeholder_expand(template, table, &command, &err), -EINVAL);
    assert_null(command);
    if (strstr(err.detail, why) == NULL)
        fail_msg("\"%s\" is not in: %s", why, err.detail);
}

static void refuses_what_it_cannot_quote(void **state)
{
    (void)state;
    check_refused("echo `echo %d`", "`...`");
    check_refused("echo \"`echo %d`\"", "`...`");
    check_refused("echo \"`echo $(echo %d)`\"", "`...`");
    check_refused("echo 'abc", "not closed");
    check_refused("echo \"abc", "not closed");
    check_refused("echo $(abc", "not closed");
    check_refused("$($($($($($($($($($($($($($($($($($(x", "too deeply");
    check("echo `echo fine` %e", "", "fine evt\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nasty_values_arrive_unquoted),
        cmocka_unit_test(nasty_values_arrive_in_double_quotes),
        cmocka_unit_test(nasty_values_arrive_in_single_quotes),
        cmocka_unit_test(each_is_one_word),
        cmocka_unit_test(variables_are_there),
        cmocka_unit_test(other_percents_stay),
        cmocka_unit_test(refuses_what_it_cannot_quote),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

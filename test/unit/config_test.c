/* config_test.c - where settings come from, what is refused, what a reload takes over.
 * The grammar of lines and values is in test/golden/config (config_golden_test.c). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "cleanup.h"
#include "config_private.h"
#include "unit.h"

#define REQUIRED                                                                       \
    "node_id = 1\nnode_name = node1\nconninfo = 'host=a'\ndata_directory = '/d'\n"

/* Each test runs in an empty directory of its own, without PGRMON_ variables. */
static char directory[64];

static int set_up(void **state)
{
    (void)state;
    (void)clearenv();
    (void)strcpy(directory, "/tmp/pgrmon-config-XXXXXX");
    return mkdtemp(directory) == NULL || chdir(directory) < 0;
}

static int tear_down(void **state)
{
    char *command CLEANUP(cleanup_free) = xasprintf("/bin/rm -rf %s", directory);

    (void)state;
    return chdir("/") < 0 || system(command) != 0;
}

static void write_bytes(const char *path, const char *data, size_t len)
{
    FILE *file = fopen(path, "we");

    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

static void write_file(const char *path, const char *text)
{
    write_bytes(path, text, strlen(text));
}

/* Load `text` as a file that must be good. */
static void load(struct config *config, const char *text)
{
    struct err err = ERR_INIT;
    int r;

    write_file("good.conf", text);
    r = config_load(config, "good.conf", &err);
    if (r != 0)
        print_error("%s\n%s\n", err.text, err.detail);
    assert_int_equal(r, 0);
}

/* Load `text` as a file that must be refused with an error that holds `expected`. */
static void refuse(const char *text, const char *expected)
{
    struct err err = ERR_INIT;
    struct config config;

    write_file("bad.conf", text);
    assert_int_equal(config_load(&config, "bad.conf", &err), -EINVAL);
    if (strstr(err.detail, expected) == NULL)
        print_error("expected: %s\ngot: %s\n", expected, err.detail);
    assert_non_null(strstr(err.detail, expected));
    config_free(&config);
}

/* True when there is a finding of this severity whose full text holds `part`. */
static bool
found(const struct config *config, enum config_severity severity, const char *part)
{
    for (size_t i = 0; i < config->issues.n; i++) {
        char *text CLEANUP(cleanup_free) = config_issue_text(&config->issues.items[i]);

        if (config->issues.items[i].severity == severity && strstr(text, part) != NULL)
            return true;
    }
    return false;
}

static size_t row_of(const char *name)
{
    int row = config_table_find(name);

    assert_true(row >= 0);
    return (size_t)row;
}

static void
assert_value(const struct config *config, const char *name, const char *text)
{
    char *value CLEANUP(cleanup_free) = config_setting_value(config, row_of(name));

    assert_string_equal(value, text);
}

static void
assert_origin(const struct config *config, const char *name, const char *part)
{
    char *origin CLEANUP(cleanup_free) = config_setting_origin(config, row_of(name));

    if (strstr(origin, part) == NULL)
        print_error("origin of %s: %s\n", name, origin);
    assert_non_null(strstr(origin, part));
}

static void defaults_are_those_of_the_design(void **state)
{
    struct config c;

    (void)state;
    load(&c, REQUIRED);
    assert_int_equal(c.node_id, 1);
    assert_string_equal(c.node_name, "node1");
    assert_string_equal(c.location, "default");
    assert_string_equal(c.state_directory, "/var/lib/pgrmon/node1");
    assert_string_equal(c.promote_command, "");
    assert_int_equal(c.priority, 100);
    assert_true(c.use_replication_slots);
    assert_int_equal(c.failover, CONFIG_FAILOVER_MANUAL);
    assert_int_equal(c.connection_check_type, CONFIG_CHECK_PING);
    assert_int_equal(c.reconnect_attempts, 5);
    assert_int_equal(c.reconnect_interval_ms, 2000);
    assert_int_equal(c.monitor_interval_ms, 2000);
    assert_int_equal(c.startup_patience_ms, 300000);
    assert_int_equal(c.monitoring_history_retention_ms, INT64_C(30) * 86400000);
    assert_int_equal(c.log_level, LOG_LEVEL_INFO);
    assert_int_equal(c.log_facility, CONFIG_LOG_STDERR);
    assert_int_equal(c.quorum, CONFIG_QUORUM_AUTO);
    assert_int_equal(c.replication_lag_critical_ms, 600000);
    assert_int_equal(c.tablespace_mapping.n, 0);
    assert_int_equal(config_window_ms(&c), 10000);
    assert_int_equal(config_beat_ms(&c), 500);
    assert_int_equal(config_lease_ms(&c), 5000);
    assert_int_equal(config_syslog_facility(&c), -1);
    assert_int_equal(c.issues.n, 0);
    config_free(&c);
    config_free(&c);
}

static void table_is_well_formed(void **state)
{
    struct config c;

    (void)state;
    config_init(&c);
    for (size_t i = 0; i < config_table_size; i++) {
        const struct config_row *row = &config_table[i];

        assert_int_equal(config_table_find(row->name), (int)i); /* unique */
        assert_null(config_ignored_find(row->name));
        assert_true(row->help[0] >= 'A' && row->help[0] <= 'z' &&
                    strchr(".)", row->help[strlen(row->help) - 1]) != NULL);
        assert_int_equal(row->required, row->example != NULL);
        assert_int_equal(row->type == CONFIG_TYPE_ENUM, row->words != NULL);
        if (!row->required) /* written as it would be shown */
            assert_value(&c, row->name, row->fallback);
    }
    for (size_t i = 0; i < config_ignored_size; i++)
        assert_ptr_equal(config_ignored_find(config_ignored[i].name),
                         &config_ignored[i]);
    config_free(&c);
}

static char *read_source(const char *path)
{
    char *full CLEANUP(cleanup_free) = xasprintf("%s/%s", TEST_SOURCE_DIR, path);
    FILE *file = fopen(full, "re");
    char *text = NULL;
    size_t size = 0;

    assert_non_null(file);
    assert_true(getdelim(&text, &size, '\0', file) > 0);
    assert_int_equal(fclose(file), 0);
    return text;
}

/* The sample says what the defaults are: reading it, or reading it with every setting
 * made active, changes nothing. */
static void sample_holds_the_defaults(void **state)
{
    char *sample CLEANUP(cleanup_free) = read_source("etc/pgrmon.conf.sample");
    struct config plain, active, defaults;

    (void)state;
    load(&plain, sample);
    for (char *p = sample; (p = strstr(p, "\n#")) != NULL; p++)
        if (p[2] >= 'a' && p[2] <= 'z')
            p[1] = ' ';
    load(&active, sample);
    config_init(&defaults);
    for (size_t i = 0; i < config_table_size; i++) {
        const struct config_row *row = &config_table[i];

        assert_int_equal(active.origins[i].source, CONFIG_FROM_FILE);
        if (strcmp(row->name, "state_directory") != 0 && !row->required)
            assert_true(config_value_equal(&plain, &defaults, row));
        assert_true(config_value_equal(&plain, &active, row));
    }
    assert_int_equal(plain.issues.n, 0);
    assert_int_equal(active.issues.n, 0);
    config_free(&plain);
    config_free(&active);
    config_free(&defaults);
}

static void minimal_sample_loads(void **state)
{
    char *sample CLEANUP(cleanup_free) = read_source("etc/pgrmon-minimal.conf");
    struct config c;

    (void)state;
    load(&c, sample);
    assert_int_equal(c.failover, CONFIG_FAILOVER_AUTOMATIC);
    assert_int_equal(c.issues.n, 0);
    config_free(&c);
}

static void everything_wrong_is_listed(void **state)
{
    struct err err = ERR_INIT;
    struct config c;

    (void)state;
    write_file("c", "node_name = x\npriority = many\nreconnection_attempts = 3\n[x]\n");
    assert_int_equal(config_load(&c, "c", &err), -EINVAL);
    assert_non_null(
        strstr(err.text, "following errors were found in the configuration"));
    assert_non_null(
        strstr(err.detail, "/c:2: invalid value \"many\" for \"priority\""));
    assert_non_null(strstr(err.detail,
                           "/c:3: unknown setting \"reconnection_attempts\" "
                           "(did you mean \"reconnect_attempts\"?)"));
    assert_non_null(strstr(err.detail, "/c:4: sections are not used here"));
    assert_non_null(strstr(err.detail, "required setting \"node_id\" was not found"));
    assert_non_null(strstr(err.detail, "required setting \"conninfo\" was not found"));
    assert_null(strstr(err.detail, "\"node_name\" was not found"));
    assert_int_equal(c.issues.n_errors, 6);
    config_free(&c);
}

static void more_errors_than_fit_are_cut_at_a_line(void **state)
{
    struct err err = ERR_INIT;
    struct config c;
    char text[600 * 8] = "";

    (void)state;
    for (size_t i = 0; i < 600; i++)
        (void)strcat(text, "[bad]\n");
    write_file("c", text);
    assert_int_equal(config_load(&c, "c", &err), -EINVAL);
    assert_int_equal(c.issues.n_errors, 600 + 4);
    assert_true(c.issues.n < 600);
    assert_non_null(strstr(err.detail, "/c:1: "));
    assert_string_equal(strrchr(err.detail, ':'), ": sections are not used here");
    config_free(&c);
}

static void required_settings_may_not_be_empty(void **state)
{
    (void)state;
    refuse("node_id=1\nnode_name=''\nconninfo='host=a'\ndata_directory=/d\n",
           ":2: \"node_name\" must not be empty");
}

static void settings_must_fit_together(void **state)
{
    (void)state;
    refuse(REQUIRED "reconnect_attempts = 2\nreconnect_interval = 200ms\n",
           ":6: \"reconnect_attempts\" times \"reconnect_interval\" is too short");
    refuse(REQUIRED "archive_ready_critical = 15\n",
           ":5: \"archive_ready_critical\" must not be less");
    refuse(REQUIRED "replication_lag_warning = 1h\n",
           "\"replication_lag_critical\" must not be less");
    refuse(REQUIRED "service_promote_command = 'pgrmon standby promote'\n",
           "it must not run \"standby promote\" again");
}

static void shortest_window_makes_five_beats(void **state)
{
    struct config c;

    (void)state;
    load(&c, REQUIRED "reconnect_attempts = 5\nreconnect_interval = 100ms\n");
    assert_int_equal(config_window_ms(&c), 500);
    assert_int_equal(config_beat_ms(&c), 50);
    assert_int_equal(config_lease_ms(&c), 250);
    config_free(&c);
    load(&c, REQUIRED "reconnect_interval = 1min\nmonitor_interval_secs = 1.5\n");
    assert_int_equal(config_beat_ms(&c), 1500);
    config_free(&c);
}

static void file_is_searched_for_in_order(void **state)
{
    struct err err = ERR_INIT;
    struct config c;

    (void)state;
    if (access("/etc/pgrmon/pgrmon.conf", F_OK) != 0) {
        assert_int_equal(config_load(&c, NULL, &err), -ENOENT);
        assert_string_equal(err.text, "no configuration file was found");
        config_free(&c);
    }
    write_file("pgrmon.conf", REQUIRED "location = here");
    assert_int_equal(config_load(&c, NULL, &err), 0);
    assert_string_equal(c.location, "here");
    assert_true(c.file[0] == '/');
    config_free(&c);
    write_file("named", REQUIRED "location = named");
    (void)setenv("PGRMON_CONFIG_FILE", "named", 1);
    assert_int_equal(config_load(&c, NULL, &err), 0);
    assert_string_equal(c.location, "named");
    config_free(&c);
    write_file("given", REQUIRED "location = given");
    assert_int_equal(config_load(&c, "given", &err), 0);
    assert_string_equal(c.location, "given");
    config_free(&c);
    (void)setenv("PGRMON_CONFIG_FILE", "missing", 1);
    assert_int_equal(config_load(&c, NULL, &err), -ENOENT); /* no falling back */
    assert_non_null(strstr(err.text, "missing"));
    config_free(&c);
}

static void files_that_cannot_be_read_are_named(void **state)
{
    static const struct {
        const char *path;
        int code;
        const char *reason;
    } files[] = {
        {"missing",    -ENOENT,  "No such file"      },
        {"dir",        -EISDIR,  "Is a directory"    },
        {"fifo",       -EINVAL,  "not a regular file"},
        {"large",      -EFBIG,   "larger than 1 MiB" },
        {"file/below", -ENOTDIR, "Not a directory"   },
    };

    (void)state;
    assert_int_equal(mkdir("dir", 0700), 0);
    assert_int_equal(mkfifo("fifo", 0600), 0);
    write_file("large", "");
    assert_int_equal(truncate("large", CONFIG_FILE_MAX + 1), 0);
    write_file("file", "");
    for (size_t i = 0; i < N_OF(files); i++) {
        struct err err = ERR_INIT;
        struct config c;

        assert_int_equal(config_load(&c, files[i].path, &err), files[i].code);
        assert_non_null(strstr(err.text, files[i].reason));
        assert_non_null(strstr(err.text, files[i].path));
        config_free(&c);
    }
}

static void environment_wins(void **state)
{
    struct config c;

    (void)state;
    (void)setenv("PGRMON_PRIORITY", "7", 1);
    (void)setenv("PGRMON_LOG_FILE", "", 1);
    (void)setenv("PGRMON_TABLESPACE_MAPPING", "/e=/f", 1);
    (void)setenv("PGRMON_SSH_OPTIONS", "-q", 1);
    (void)setenv("PGRMON_PRIORTY", "8", 1);
    (void)setenv("PGRMON_SEED", "1", 1);
    load(&c, REQUIRED "priority = 5\nlog_file = '/l'\ntablespace_mapping = '/a=/b'\n");
    assert_int_equal(c.priority, 7);
    assert_string_equal(c.log_file, "");
    assert_int_equal(c.tablespace_mapping.n, 1);
    assert_string_equal(c.tablespace_mapping.items[0], "/e=/f");
    assert_origin(&c, "priority", "environment variable PGRMON_PRIORITY");
    assert_origin(&c, "node_id", "/good.conf:1");
    assert_origin(&c, "location", "default");
    assert_true(found(&c, CONFIG_WARNING, "\"PGRMON_SSH_OPTIONS\" has no effect"));
    assert_true(found(&c, CONFIG_WARNING, "did you mean the one of \"priority\"?"));
    assert_int_equal(c.issues.n, 2); /* nothing about PGRMON_SEED */
    config_free(&c);
    (void)setenv("PGRMON_PRIORITY", "high", 1);
    refuse(REQUIRED, "environment variable for \"priority\": invalid value \"high\"");
}

static void environment_alone_will_do(void **state)
{
    struct err err = ERR_INIT;
    struct config c;

    (void)state;
    if (access("/etc/pgrmon/pgrmon.conf", F_OK) == 0)
        skip();
    (void)setenv("PGRMON_NODE_ID", "3", 1);
    (void)setenv("PGRMON_NODE_NAME", "node3", 1);
    (void)setenv("PGRMON_CONNINFO", "host=node3", 1);
    (void)setenv("PGRMON_DATA_DIRECTORY", "/d", 1);
    assert_int_equal(config_load(&c, NULL, &err), 0);
    assert_int_equal(c.node_id, 3);
    assert_string_equal(c.file, "");
    config_free(&c);
}

static void files_are_included_relative_to_the_file(void **state)
{
    struct config c;

    (void)state;
    assert_int_equal(mkdir("sub", 0700), 0);
    assert_int_equal(mkdir("sub/conf.d", 0700), 0);
    write_file("sub/more.conf", "location = more\ninclude_dir 'conf.d'\n");
    write_file("sub/conf.d/20.conf", "priority = 20\n");
    write_file("sub/conf.d/10.conf", "priority = 10\nlocation = ten\n");
    write_file("sub/conf.d/30.conf~", "[garbage]\n");
    write_file("sub/conf.d/.40.conf", "[garbage]\n");
    load(&c, REQUIRED "include 'sub/more.conf'\ninclude_if_exists = nothing.conf\n");
    assert_int_equal(c.priority, 20);
    assert_string_equal(c.location, "ten");
    assert_origin(&c, "location", "sub/conf.d/10.conf:2");
    assert_true(found(&c, CONFIG_INFO, "good.conf:6: skipped"));
    assert_int_equal(c.issues.n, 1); /* values that files override are no accident */
    config_free(&c);
}

static void includes_that_fail_are_errors(void **state)
{
    (void)state;
    refuse(REQUIRED "include 'nothing.conf'\n",
           "/bad.conf:5: could not read included file");
    refuse(REQUIRED "include_dir 'nothing'\n", "/bad.conf:5: could not read directory");
    refuse(REQUIRED "include ''\n", "/bad.conf:5: there is nothing to include");
    refuse(REQUIRED "include './bad.conf'\n", "bad.conf\": it includes itself");
    refuse(REQUIRED "include_if_exists '.'\n", "Is a directory");
    write_file("part.conf", "\n\npriority = x\n");
    refuse(REQUIRED "include 'part.conf'\n", "/part.conf:3: invalid value");
    assert_int_equal(mkdir("many", 0700), 0);
    for (int i = 0; i < 300; i++) {
        char *path CLEANUP(cleanup_free) = xasprintf("many/%d.conf", i);

        write_file(path, "");
    }
    refuse(REQUIRED "include_dir 'many'\n", "more than 256 files are included");
}

static void includes_go_ten_levels_deep(void **state)
{
    struct config c;

    (void)state;
    for (int i = 1; i <= 10; i++) {
        char *path CLEANUP(cleanup_free) = xasprintf("%d.conf", i);
        char *text CLEANUP(cleanup_free) = xasprintf("include '%d.conf'\n", i + 1);

        write_file(path, i < 10 ? text : "location = deep\n");
    }
    load(&c, REQUIRED "include '1.conf'\n");
    assert_string_equal(c.location, "deep");
    config_free(&c);
    write_file("10.conf", "include '11.conf'\n");
    write_file("11.conf", "");
    refuse(REQUIRED "include '1.conf'\n",
           "/10.conf:1: files are included more than 10");
}

/* Whatever its length, a value arrives whole or is refused with its line. inih's own
 * limits were 200 bytes for a line and " ;" for a value. */
static void no_value_arrives_cut(void **state)
{
    static const int lengths[] = {1,     150,   190,   195,   199,   200,
                                  201,   300,   4096,  8192,  9999,  16300,
                                  16340, 16350, 16360, 16370, 16375, 16380,
                                  16384, 16385, 16390, 20000, 40000};
    char fill[40001];

    (void)state;
    for (size_t i = 0; i < N_OF(lengths); i++) {
        char *text CLEANUP(cleanup_free) = NULL, *command CLEANUP(cleanup_free) = NULL;
        struct err err = ERR_INIT;
        struct config c;
        int r;

        (void)memset(fill, 'x', sizeof fill);
        fill[lengths[i]] = '\0';
        command = xasprintf("a ; b # c %s", fill);
        text = xasprintf("%srestore_command = '%s' # comment\nlocation = after\n",
                         REQUIRED, command);
        write_file("c", text);
        r = config_load(&c, "c", &err);
        if (lengths[i] < 16340)
            assert_int_equal(r, 0);
        if (lengths[i] > 16370)
            assert_int_equal(r, -EINVAL);
        if (r == 0)
            assert_string_equal(c.restore_command, command);
        else
            assert_non_null(strstr(err.detail, "/c:5: the line is too long"));
        assert_string_equal(c.location, "after");
        config_free(&c);
    }
}

static void bytes_that_are_no_text_are_refused(void **state)
{
    static const char nul[] = REQUIRED "location = 'a\0b'\n";
    static const char comment[] = REQUIRED "# a\0b\n";
    struct err err = ERR_INIT;
    struct config c;

    (void)state;
    write_bytes("c", nul, sizeof nul - 1);
    assert_int_equal(config_load(&c, "c", &err), -EINVAL);
    assert_non_null(
        strstr(err.detail, "/c:5: \"location\": a NUL byte is not allowed"));
    config_free(&c);
    write_bytes("c", comment, sizeof comment - 1);
    assert_int_equal(config_load(&c, "c", &err), -EINVAL);
    config_free(&c);
    refuse(REQUIRED "location = 'a\x01'\n", "control characters are not allowed");
    refuse(REQUIRED "location = 'a\\000b'\n", "a NUL byte is not allowed");
    refuse(REQUIRED "location = '\xC3'\n", "text must be valid UTF-8");
    refuse(REQUIRED "location = '\xC0\xAF'\n", "text must be valid UTF-8");
    refuse(REQUIRED "location = '\xED\xA0\x80'\n", "text must be valid UTF-8");
    refuse(REQUIRED "location = '\\303'\n", "text must be valid UTF-8");
    (void)setenv("PGRMON_LOCATION", "a\nb", 1);
    refuse(REQUIRED, "control characters are not allowed");
}

static void passwords_reach_no_message(void **state)
{
    static const char *const lines[] = {
        "conninfo = 'host=a password=two SECRET'\n",
        "conninfo = 'postgresql://u:SECRET@h/?bad=x'\n",
        "conninfo = 'host=a password=SECRET\n",
        "conninfo = host=a password='SECRET # x'\n",
        "conninfo host=a password=SECRET#x\n",
        "priority = 'password=SECRET'\n",
        "SECRET\n",
        "'SECRET'\n",
    };

    (void)state;
    for (size_t i = 0; i < N_OF(lines); i++) {
        struct err err = ERR_INIT;
        struct config c;

        write_file("c", lines[i]);
        assert_int_equal(config_load(&c, "c", &err), -EINVAL);
        assert_null(strstr(err.text, "SECRET"));
        assert_null(strstr(err.detail, "SECRET"));
        assert_non_null(strstr(err.detail, "/c:1: "));
        config_free(&c);
    }
}

static void passwords_are_not_shown(void **state)
{
    struct config c;

    (void)state;
    (void)umask(077);
    load(&c, REQUIRED "conninfo = 'host=a password=SECRET'\n"
                      "pg_basebackup_options = '-d password=SECRET'\n");
    assert_non_null(strstr(c.conninfo, "SECRET"));
    assert_value(&c, "conninfo", "host=a password=***");
    assert_value(&c, "pg_basebackup_options", "-d password=***");
    assert_false(found(&c, CONFIG_WARNING, "holds a password"));
    config_free(&c);
    assert_int_equal(chmod("good.conf", 0644), 0);
    load(&c, REQUIRED "conninfo = 'host=a password=SECRET'\n");
    assert_true(
        found(&c, CONFIG_WARNING,
              "good.conf:5: the file holds a password and every user can read it"));
    config_free(&c);
    (void)umask(022);
}

static void repmgr_conf_loads(void **state)
{
    static const char text[] =
        "node_id=2\n"
        "node_name=node2\n"
        "conninfo='host=h port=5433 user=repmgr dbname=repmgr connect_timeout=2'\n"
        "data_directory='/pgdata'\n"
        "failover=automatic\n"
        "reconnect_attempts=3 # the default is 6\n"
        "reconnect_interval=10\n"
        "promote_command='/usr/bin/repmgr standby promote -f /etc/repmgr.conf'\n"
        "follow_command='/usr/bin/repmgr standby follow --upstream-node-id=%n'\n"
        "log_level=NOTICE\n"
        "log_file='/var/log/repmgrd.log'\n"
        "repmgrd_pid_file='/run/repmgrd.pid'\n"
        "monitoring_history=YES\n"
        "ssh_options='-q'\n";
    struct config c;

    (void)state;
    load(&c, text);
    assert_int_equal(c.reconnect_interval_ms, 10000);
    assert_true(c.monitoring_history);
    assert_string_equal(c.pid_file, "/run/repmgrd.pid");
    assert_true(found(&c, CONFIG_WARNING, ":8: \"promote_command\" runs repmgr"));
    assert_true(found(&c, CONFIG_WARNING, ":9: \"follow_command\" runs repmgr"));
    assert_true(found(&c, CONFIG_WARNING,
                      ":14: \"ssh_options\" has no effect here: pgrmon needs no SSH"));
    assert_int_equal(c.issues.n, 3);
    config_free(&c);
}

static void every_name_without_effect_is_a_warning(void **state)
{
    (void)state;
    for (size_t i = 0; i < config_ignored_size; i++) {
        char *text CLEANUP(cleanup_free) =
            xasprintf("%s%s = 'x'\n", REQUIRED, config_ignored[i].name);
        struct config c;

        load(&c, text);
        assert_int_equal(c.issues.n, 1);
        assert_true(found(&c, CONFIG_WARNING, config_ignored[i].reason));
        assert_true(found(&c, CONFIG_WARNING, "/good.conf:5: "));
        config_free(&c);
    }
}

static void conninfo_stands_in_for_a_file(void **state)
{
    struct err err = ERR_INIT;
    struct config c;

    (void)state;
    (void)setenv("PGRMON_CONNINFO", "host=environment", 1);
    (void)setenv("PGRMON_LOG_LEVEL", "debug", 1);
    assert_int_equal(config_from_conninfo(&c, "postgresql://h/d", &err), 0);
    assert_string_equal(c.conninfo, "postgresql://h/d");
    assert_int_equal(c.node_id, 0);
    assert_string_equal(c.node_name, "");
    assert_int_equal(c.log_level, LOG_LEVEL_DEBUG);
    assert_origin(&c, "conninfo", "command line");
    config_free(&c);
    assert_int_equal(config_from_conninfo(&c, "nonsense", &err), -EINVAL);
    assert_non_null(strstr(err.text, "\"conninfo\""));
    config_free(&c);
}

static void reload_takes_what_it_can(void **state)
{
    struct config running, next;
    struct config_changes changes;

    (void)state;
    load(&running, REQUIRED "priority = 5\nlocation = a\n");
    load(&next, "node_id = 2\nnode_name = node1\nconninfo = 'host=b'\n"
                "data_directory = '/d'\npriority = 6\nlocation = a\nlog_level = DEBUG\n"
                "event_notifications = 'a,b'\n");
    config_reload(&running, &next, &changes);
    config_free(&next);
    assert_int_equal(changes.n_changed, 3);
    assert_string_equal(changes.changed[0], "priority");
    assert_string_equal(changes.changed[1], "log_level");
    assert_string_equal(changes.changed[2], "event_notifications");
    assert_null(changes.changed[3]);
    assert_int_equal(changes.n_needs_restart, 2);
    assert_string_equal(changes.needs_restart[0], "node_id");
    assert_string_equal(changes.needs_restart[1], "conninfo");
    assert_int_equal(running.node_id, 1);
    assert_string_equal(running.conninfo, "host=a");
    assert_int_equal(running.priority, 6);
    assert_int_equal(running.log_level, LOG_LEVEL_DEBUG);
    assert_int_equal(running.event_notifications.n, 2);
    assert_origin(&running, "log_level", ":7");
    assert_origin(&running, "node_id", ":1");
    config_changes_deinit(&changes);
    config_free(&running);
}

static void events_are_filtered(void **state)
{
    struct config c;

    (void)state;
    load(&c, REQUIRED);
    assert_true(config_event_wanted(&c, "standby_promote"));
    config_free(&c);
    load(&c, REQUIRED "event_notifications = standby_promote, standby_follow ,\n");
    assert_int_equal(c.event_notifications.n, 2);
    assert_true(config_event_wanted(&c, "standby_promote"));
    assert_true(config_event_wanted(&c, "standby_follow"));
    assert_false(config_event_wanted(&c, "standby"));
    config_free(&c);
}

static void syslog_facilities_are_those_of_syslog(void **state)
{
    struct config c;

    (void)state;
    load(&c, REQUIRED "log_facility = local3\n");
    assert_int_equal(config_syslog_facility(&c), LOG_LOCAL3);
    config_free(&c);
    load(&c, REQUIRED "log_facility = 'DAEMON'\n");
    assert_int_equal(config_syslog_facility(&c), LOG_DAEMON);
    config_free(&c);
}

static void durations_are_read_as_postgresql_does(void **state)
{
    static const struct {
        const char *text;
        int64_t ms;
    } good[] = {
        {"0",             0       },
        {"1",             1000    },
        {"500ms",         500     },
        {"2s",            2000    },
        {"2 s",           2000    },
        {"1min",          60000   },
        {"1.5h",          5400000 },
        {"1d",            86400000},
        {"1500us",        2       },
        {"499us",         0       },
        {"0.25",          250     },
        {"1.s",           1000    },
        {"0.0005s",       1       },
        {"000001s",       1000    },
        {"1.0000000001s", 1000    },
    };
    static const char *const bad[] = {"",
                                      "s",
                                      "-1",
                                      "1 m",
                                      "1S",
                                      "1 min 2 s",
                                      "1e3",
                                      "0x10",
                                      ".5",
                                      "1minx",
                                      " 1",
                                      "9999999999999999999d",
                                      "999999999999999999"};
    int64_t ms;

    (void)state;
    for (size_t i = 0; i < N_OF(good); i++) {
        assert_true(config_duration_parse(good[i].text, &ms));
        assert_int_equal(ms, good[i].ms);
    }
    for (size_t i = 0; i < N_OF(bad); i++)
        assert_false(config_duration_parse(bad[i], &ms));
    assert_true(config_duration_parse("1000000d", &ms));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(defaults_are_those_of_the_design),
        TEST(table_is_well_formed),
        TEST(sample_holds_the_defaults),
        TEST(minimal_sample_loads),
        TEST(everything_wrong_is_listed),
        TEST(more_errors_than_fit_are_cut_at_a_line),
        TEST(required_settings_may_not_be_empty),
        TEST(settings_must_fit_together),
        TEST(shortest_window_makes_five_beats),
        TEST(file_is_searched_for_in_order),
        TEST(files_that_cannot_be_read_are_named),
        TEST(environment_wins),
        TEST(environment_alone_will_do),
        TEST(files_are_included_relative_to_the_file),
        TEST(includes_that_fail_are_errors),
        TEST(includes_go_ten_levels_deep),
        TEST(no_value_arrives_cut),
        TEST(bytes_that_are_no_text_are_refused),
        TEST(passwords_reach_no_message),
        TEST(passwords_are_not_shown),
        TEST(repmgr_conf_loads),
        TEST(every_name_without_effect_is_a_warning),
        TEST(conninfo_stands_in_for_a_file),
        TEST(reload_takes_what_it_can),
        TEST(events_are_filtered),
        TEST(syslog_facilities_are_those_of_syslog),
        TEST(durations_are_read_as_postgresql_does),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

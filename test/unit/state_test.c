/* state_test.c - the durable file there and back, every kind of damage, the lock. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cleanup.h"
#include "crc32c.h"
#include "state.h"
#include "unit.h"

#define SYSTEM UINT64_C(17301234567890123456)

static char directory[] = "/tmp/pgrmon-state-XXXXXX";

/* Two nodes; every field has a value of its own. */
static struct state sample(void)
{
    struct state state = {
        .node_id = 2,
        .system_identifier = SYSTEM,
        .durable =
            {
                      .incarnation = 3,
                      .term = CORE_MAX_TERM,
                      .leader_id = 1,
                      .duty = CORE_DUTY_LEADING,
                      .lead_term = 41,
                      .armed = true,
                      .window_ms = 10000,
                      .members_version = 5,
                      .pause_ms = 3600000,
                      .pair_version = 40,
                      .copies = 1,
                      .revoked = true,
                      .pause_version = 8193,
                      .relied_version = 8192,
                      .relied_until = {.boot = 5, .ms = 123456},
                      .relied_members = 4,
                      },
        .nodes = {.n = 2  },
    };
    struct node_record *node = state.nodes.v;

    node[0] = (struct node_record){
        .id = 1,
        .name = "node1",
        .role = CORE_ROLE_PRIMARY,
        .active = true,
        .voting = true,
        .priority = 100,
        .location = "default",
        .conninfo = xstrdup("host=node1 password='it''s \\\\ = # \xc3\xa4'"),
        .config_file = xstrdup("/etc/pgrmon/pgrmon.conf"),
    };
    node[1] = (struct node_record){
        .id = CORE_MAX_NODE_ID,
        .name = "a\nb\tc\x7f",
        .role = CORE_ROLE_STANDBY,
        .upstream_id = 1,
        .conninfo = xstrdup(""),
        .repluser = "repl",
        .slot_name = "slot_2",
        .config_file = xstrdup(""),
    };
    return state;
}

static void assert_same_node(const struct node_record *a, const struct node_record *b)
{
    assert_int_equal(a->id, b->id);
    assert_string_equal(a->name, b->name);
    assert_int_equal(a->role, b->role);
    assert_int_equal(a->upstream_id, b->upstream_id);
    assert_int_equal(a->active, b->active);
    assert_int_equal(a->voting, b->voting);
    assert_string_equal(a->location, b->location);
    assert_int_equal(a->priority, b->priority);
    assert_string_equal(a->conninfo, b->conninfo);
    assert_string_equal(a->repluser, b->repluser);
    assert_string_equal(a->slot_name, b->slot_name);
    assert_string_equal(a->config_file, b->config_file);
}

static void assert_same(const struct state *a, const struct state *b)
{
    const struct core_durable *c = &a->durable, *d = &b->durable;

    assert_int_equal(a->node_id, b->node_id);
    assert_true(a->system_identifier == b->system_identifier);
    assert_int_equal(c->incarnation, d->incarnation);
    assert_true(c->term == d->term);
    assert_int_equal(c->leader_id, d->leader_id);
    assert_int_equal(c->duty, d->duty);
    assert_true(c->lead_term == d->lead_term);
    assert_int_equal(c->armed, d->armed);
    assert_int_equal(c->recorded, d->recorded);
    assert_int_equal(c->rested, d->rested);
    assert_true(c->window_ms == d->window_ms);
    assert_true(c->members_version == d->members_version);
    assert_true(c->pause_ms == d->pause_ms);
    assert_true(c->pause_version == d->pause_version);
    assert_true(c->relied_version == d->relied_version);
    assert_true(c->relied_until.ms == d->relied_until.ms);
    assert_int_equal(c->relied_until.boot, d->relied_until.boot);
    assert_true(c->relied_members == d->relied_members);
    assert_true(c->pair_version == d->pair_version);
    assert_int_equal(c->copies, d->copies);
    assert_int_equal(c->revoked, d->revoked);
    assert_int_equal(a->nodes.n, b->nodes.n);
    for (int i = 0; i < a->nodes.n; i++)
        assert_same_node(&a->nodes.v[i], &b->nodes.v[i]);
}

/* ---- text ----------------------------------------------------------------------- */

static void there_and_back(void **unused)
{
    struct state state CLEANUP(state_free) = sample();
    struct state back CLEANUP(state_free) = STATE_INIT;
    char *text CLEANUP(cleanup_free) = state_format(&state);

    (void)unused;
    assert_int_equal(state_parse(text, &back, NULL), 0);
    assert_same(&back, &state);
}

/* A field of core_durable that is not in the file would be lost at each restart. The
 * list is by position, so that the compiler complains when there is one more. */
static void no_field_is_forgotten(void **unused)
{
    struct state state = {.node_id = 1};
    struct state back CLEANUP(state_free) = STATE_INIT;
    char *text CLEANUP(cleanup_free) = NULL;
    int n_lines = 0;

    (void)unused;
    state.durable = (struct core_durable){
        1, 2,  3,  CORE_DUTY_RESIGNED, 4,  true, true, true, 5, 6,
        7, 10, 11, {12, 13},
           14, 8,    9,    true
    };
    text = state_format(&state);
    assert_int_equal(state_parse(text, &back, NULL), 0);
    assert_same(&back, &state);
    for (const char *c = text; *c != '\0'; c++)
        n_lines += *c == '\n';
    /* heading 2, version, node_id, system_identifier, 19 durable, nodes, checksum */
    assert_int_equal(n_lines, 2 + 1 + 2 + 19 + 1 + 1);
}

/* It outlives the program: a change needs another version. */
static void text_form_is_fixed(void **unused)
{
    static const char expected[] =
        "# Written by pgrmond. Not to be edited: without a valid checksum this node "
        "has "
        "no\n# vote.\nversion = 2\nnode_id = 2\n"
        "system_identifier = 17301234567890123456\nincarnation = 3\n"
        "term = 4294967295\nleader_id = 1\nduty = leading\nlead_term = 41\n"
        "armed = true\nrecorded = false\nrested = false\nwindow_ms = "
        "10000\nmembers_version = 5\n"
        "pause_ms = 3600000\npair_version = 40\ncopies = 1\nrevoked = true\n"
        "pause_version = 8193\nrelied_version = 8192\nrelied_boot = 5\n"
        "relied_until = 123456\nrelied_members = 4\nnodes = 2\n"
        "\nnode = 1\n  name = node1\n  type = primary\n  upstream_node_id = 0\n"
        "  active = true\n  voting = true\n  priority = 100\n  location = default\n"
        "  conninfo = host=node1 password='it''s \\x5c\\x5c = # \xc3\xa4'\n"
        "  repluser = \n  slot_name = \n  config_file = /etc/pgrmon/pgrmon.conf\n"
        "\nnode = 1048575\n  name = a\\x0ab\\x09c\\x7f\n  type = standby\n"
        "  upstream_node_id = 1\n  active = false\n  voting = false\n  priority = 0\n"
        "  location = \n  conninfo = \n  repluser = repl\n  slot_name = slot_2\n"
        "  config_file = \nchecksum = ";
    struct state state CLEANUP(state_free) = sample();
    char *text CLEANUP(cleanup_free) = state_format(&state);

    (void)unused;
    assert_int_equal(strncmp(text, expected, strlen(expected)), 0);
    assert_int_equal(strlen(text), strlen(expected) + 9);
}

/* ---- damage --------------------------------------------------------------------- */

static void assert_damaged(const char *text, const char *reason)
{
    struct state state = {.node_id = 77};
    struct err err = ERR_INIT;

    assert_int_equal(state_parse(text, &state, &err), STATE_E_DAMAGED);
    assert_int_equal(state.node_id, 77);
    if (strstr(err.text, reason) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", err.text, reason);
}

static void cut_off_anywhere(void **unused)
{
    struct state state CLEANUP(state_free) = sample();
    char *text CLEANUP(cleanup_free) = state_format(&state);

    (void)unused;
    for (size_t length = strlen(text); length-- > 0;) {
        text[length] = '\0';
        assert_damaged(text, "");
    }
}

static void any_byte_flipped(void **unused)
{
    struct state state CLEANUP(state_free) = sample();
    struct state back CLEANUP(state_free) = STATE_INIT;
    char *text CLEANUP(cleanup_free) = state_format(&state);

    (void)unused;
    for (size_t i = 0; text[i] != '\0'; i++) {
        for (int bit = 0; bit < 8; bit++) {
            text[i] = (char)(text[i] ^ 1 << bit);
            assert_damaged(text, "");
            text[i] = (char)(text[i] ^ 1 << bit);
        }
    }
    assert_int_equal(state_parse(text, &back, NULL), 0);
}

static void more_at_the_end(void **unused)
{
    struct state state CLEANUP(state_free) = sample();
    char *text CLEANUP(cleanup_free) = state_format(&state);
    char *twice CLEANUP(cleanup_free) = xasprintf("%s%s", text, text);
    char *more CLEANUP(cleanup_free) = xasprintf("%s\n", text);

    (void)unused;
    assert_damaged(twice, "checksum is wrong");
    assert_damaged(more, "does not end with a checksum");
}

/* `text` with `from` replaced by `to` and a right checksum again; heap memory. */
static char *forged(const char *text, const char *from, const char *to)
{
    const char *at = strstr(text, from);
    char *body CLEANUP(cleanup_free) = NULL;
    char *end;

    assert_non_null(at);
    body = xasprintf("%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    end = strstr(body, "checksum = ");
    assert_non_null(end);
    *end = '\0';
    return xasprintf("%schecksum = %08" PRIx32 "\n", body, crc32c(body, strlen(body)));
}

/* With a right checksum: files that a bug or a hand wrote. */
static void every_field_is_checked(void **unused)
{
    static const struct {
        const char *from, *to, *reason;
    } cases[] = {
        {"version = 2",                    "version = 3",                           "version 3"            },
        {"version = 2",                    "version = 0",                           "version 0"            },
        {"version = 2",                    "version = 02",                          "version 02"           },
        {"version = 2",                    "version = 1",                           "no \"nodes\""         },
        {"pause_version = 8193",           "pause_version = 72057594037927936",
         "\"pause_version\""                                                                               },
        {"\nnode_id = 2",                  "\nnode_id = 0",                         "\"node_id\""          },
        {"\nnode_id = 2",                  "\nnode_id = -2",                        "\"node_id\""          },
        {"\nnode_id = 2",                  "\nnode_id = 1048576",                   "\"node_id\""          },
        {"\nnode_id = 2",                  "\nnode_id = 02",                        "not written as"       },
        {"\nnode_id = 2",                  "\nnode_id =  2",                        "\"node_id\""          },
        {"\nnode_id = 2\n",                "\n",                                    "no \"node_id\""       },
        {"17301234567890123456",           "18446744073709551616",                  "\"system_identifier\""},
        {"incarnation = 3",                "incarnation = 0",                       "\"incarnation\""      },
        {"incarnation = 3",                "incarnation = 4294967296",              "\"incarnation\""      },
        {"4294967295",                     "4294967296",                            "\"term\""             },
        {"leader_id = 1",                  "leader_id = x",                         "\"leader_id\""        },
        {"duty = leading",                 "duty = leader",                         "\"duty\""             },
        {"lead_term = 41",                 "lead_term = ",                          "\"lead_term\""        },
        {"armed = true",                   "armed = yes",                           "not written as"       },
        {"copies = 1",                     "copies = 33",                           "\"copies\""           },
        {"= 5\n",                          "= 1099511627776\n",                     "\"members_version\""  },
        {"10000",                          "99999999999999999999",                  "\"window_ms\""        },
        {"nodes = 2",                      "nodes = 1",                             "more than the nodes"  },
        {"nodes = 2",                      "nodes = 3",                             "no \"node\""          },
        {"nodes = 2",                      "nodes = 33",                            "\"nodes\""            },
        {"\nnode = 1\n",                   "\nnode = 1048575\n",                    "not in its place"     },
        {"\n\nnode = 1\n",                 "\nnode = 1\n",                          "no \"node\""          },
        {"name = node1",                   "name = ",                               "\"name\""             },
        {"name = node1",                   "name = node\\x00",                      "\"name\""             },
        {"name = node1",                   "name = node\\x3",                       "\"name\""             },
        {"name = node1",                   "name = node\\n",                        "\"name\""             },
        {"name = node1",                   "name = node\\x31",                      "not written as"       },
        {"name = node1",
         "name = a name of sixty-four bytes, which is one more than a record has.", "\"name\""             },
        {"type = primary",                 "type = unknown",                        "\"type\""             },
        {"upstream_node_id = 1",           "upstream_node_id = -1",                 "\"upstream_node_id\"" },
        {"priority = 100",                 "priority = 2147483648",                 "\"priority\""         },
        {"voting = true\n",                "",                                      "no \"voting\""        },
        {"active = true\n  voting = true", "voting = true\n  active = true",
         "no \"active\""                                                                                   },
    };
    struct state state CLEANUP(state_free) = sample();
    char *text CLEANUP(cleanup_free) = state_format(&state);

    (void)unused;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *wrong CLEANUP(cleanup_free) = forged(text, cases[i].from, cases[i].to);

        assert_damaged(wrong, cases[i].reason);
    }
}

/* Of the version before: it granted no pause. It is written as the present one. */
static void version_1_is_read(void **unused)
{
    static const char pauses[] =
        "pause_version = 8193\nrelied_version = 8192\nrelied_boot = 5\n"
        "relied_until = 123456\nrelied_members = 4\n";
    struct state state CLEANUP(state_free) = sample();
    struct state back CLEANUP(state_free) = STATE_INIT;
    char *text CLEANUP(cleanup_free) = state_format(&state);
    char *less CLEANUP(cleanup_free) = forged(text, pauses, "");
    char *old CLEANUP(cleanup_free) = forged(less, "version = 2", "version = 1");

    (void)unused;
    assert_damaged(less, "\"pause_version\"");
    assert_int_equal(state_parse(old, &back, NULL), 0);
    state.durable.pause_version = state.durable.relied_version = 0;
    state.durable.relied_until = (struct core_stamp){0};
    state.durable.relied_members = 0;
    assert_same(&back, &state);
}

/* Reasons are logged; connection strings hold passwords. */
static void reasons_hold_no_values(void **unused)
{
    struct state state CLEANUP(state_free) = sample();
    struct state back = STATE_INIT;
    char *text CLEANUP(cleanup_free) = state_format(&state);
    char *wrong CLEANUP(cleanup_free) = forged(text, "password=", "password=\\secret");
    struct err err = ERR_INIT;

    (void)unused;
    assert_int_equal(state_parse(wrong, &back, &err), STATE_E_DAMAGED);
    assert_string_equal(err.text, "invalid value of \"conninfo\"");
    assert_string_equal(err.detail, "");
}

/* ---- files ---------------------------------------------------------------------- */

static void remove_files(const char *where)
{
    static const char *const names[] = {"state", "lock", "state.pgrmon"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char *path CLEANUP(cleanup_free) = xasprintf("%s/%s", where, names[i]);

        (void)unlink(path);
    }
}

static int clean(void **unused)
{
    (void)unused;
    remove_files(directory);
    return 0;
}

static unsigned mode_of(const char *path)
{
    struct stat st;

    assert_int_equal(stat(path, &st), 0);
    return st.st_mode & 07777;
}

static void saved_and_loaded(void **unused)
{
    struct state state CLEANUP(state_free) = sample();
    struct state back CLEANUP(state_free) = STATE_INIT;
    char *path CLEANUP(cleanup_free) = xasprintf("%s/state", directory);

    (void)unused;
    assert_int_equal(state_load(directory, 2, 0, &back, NULL), STATE_E_MISSING);
    assert_int_equal(state_save(directory, &state, NULL), 0);
    assert_int_equal(mode_of(path), 0600);
    state.durable.term = 12;
    assert_int_equal(state_save(directory, &state, NULL), 0);
    assert_int_equal(state_load(directory, 2, SYSTEM, &back, NULL), 0);
    assert_same(&back, &state);
}

static void damaged_file_is_named(void **unused)
{
    struct state state = {.node_id = 2};
    struct err err = ERR_INIT;

    (void)unused;
    assert_int_equal(state_save_text(directory, "", NULL), 0);
    assert_int_equal(state_load(directory, 2, 0, &state, &err), STATE_E_DAMAGED);
    assert_non_null(strstr(err.text, directory));
    assert_non_null(strstr(err.text, "is damaged: "));
}

static void foreign_file_is_refused(void **unused)
{
    struct state state CLEANUP(state_free) = sample();
    struct state back = STATE_INIT;
    struct err err = ERR_INIT;

    (void)unused;
    assert_int_equal(state_save(directory, &state, NULL), 0);
    assert_int_equal(state_load(directory, 2, 0, &back, &err), 0); /* any system */
    state_free(&back);
    assert_int_equal(state_load(directory, 3, 0, &back, &err), STATE_E_FOREIGN);
    assert_non_null(strstr(err.text, "node 2, not 3"));
    assert_int_equal(state_load(directory, 2, 1, &back, &err), STATE_E_FOREIGN);
    assert_non_null(strstr(err.detail, "17301234567890123456"));
    assert_int_equal(back.node_id, 0);
    state.system_identifier = 0; /* not known when it was written */
    assert_int_equal(state_save(directory, &state, NULL), 0);
    assert_int_equal(state_load(directory, 2, 1, &back, &err), 0);
    state_free(&back);
}

/* What cannot be read is neither missing nor damaged. */
static void unreadable_is_an_error(void **unused)
{
    struct state back = STATE_INIT;
    struct err err = ERR_INIT;
    char *path CLEANUP(cleanup_free) = xasprintf("%s/state", directory);

    (void)unused;
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(state_load(directory, 2, 0, &back, &err), -EISDIR);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(state_load("/no/such/directory", 2, 0, &back, &err),
                     STATE_E_MISSING);
    assert_int_equal(
        state_save("/no/such/directory",
                   &(struct state){.node_id = 2, .durable = {.incarnation = 1}}, &err),
        -ENOENT);
}

static void too_large_is_refused(void **unused)
{
    struct state state CLEANUP(state_free) = sample();

    (void)unused;
    free(state.nodes.v[0].conninfo);
    state.nodes.v[0].conninfo = xcalloc(STATE_MAX_BYTES + 1, 1);
    (void)memset(state.nodes.v[0].conninfo, 'x', STATE_MAX_BYTES);
    assert_int_equal(state_save(directory, &state, NULL), -EFBIG);
}

static void created_once(void **unused)
{
    struct state state CLEANUP(state_free) = sample();
    struct state back CLEANUP(state_free) = STATE_INIT;
    struct err err = ERR_INIT;
    char *fresh CLEANUP(cleanup_free) = xasprintf("%s/fresh/", directory);
    char *deep CLEANUP(cleanup_free) = xasprintf("%s/a/b", directory);

    (void)unused;
    assert_int_equal(state_create(fresh, &state, NULL), 0);
    assert_int_equal(mode_of(fresh), 0700);
    assert_int_equal(state_load(fresh, 2, SYSTEM, &back, NULL), 0);
    assert_int_equal(state_create(fresh, &state, &err), -EEXIST);
    assert_int_equal(state_make_directory(fresh, NULL), 0);
    assert_int_equal(state_create(deep, &state, &err), -ENOENT);
    assert_non_null(strstr(err.hint, "/a\""));
    remove_files(fresh);
    assert_int_equal(rmdir(fresh), 0);
}

/* ---- the lock ------------------------------------------------------------------- */

static void lock_is_exclusive(void **unused)
{
    struct err err = ERR_INIT;
    char pid[16];
    int fd = -1, other = -1;

    (void)unused;
    (void)snprintf(pid, sizeof pid, "%ld", (long)getpid());
    assert_int_equal(state_lock(directory, &fd, NULL), 0);
    assert_int_equal(state_lock(directory, &other, &err), STATE_E_LOCKED);
    assert_int_equal(other, -1);
    assert_non_null(strstr(err.detail, pid));
    assert_int_equal(close(fd), 0);
    assert_int_equal(state_lock(directory, &other, &err), 0);
    assert_int_equal(close(other), 0);
    assert_int_equal(state_lock("/no/such/directory", &fd, &err), -ENOENT);
}

static void dead_holder_holds_nothing(void **unused)
{
    pid_t pid = fork();
    int fd = -1, status;

    (void)unused;
    assert_true(pid >= 0);
    if (pid == 0) {
        if (state_lock(directory, &fd, NULL) != 0)
            _exit(1);
        (void)kill(getpid(), SIGKILL);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(state_lock(directory, &fd, NULL), 0);
    assert_int_equal(close(fd), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_and_back),
        cmocka_unit_test(no_field_is_forgotten),
        cmocka_unit_test(text_form_is_fixed),
        cmocka_unit_test(cut_off_anywhere),
        cmocka_unit_test(any_byte_flipped),
        cmocka_unit_test(more_at_the_end),
        cmocka_unit_test(every_field_is_checked),
        cmocka_unit_test(version_1_is_read),
        cmocka_unit_test(reasons_hold_no_values),
        cmocka_unit_test_setup(saved_and_loaded, clean),
        cmocka_unit_test_setup(damaged_file_is_named, clean),
        cmocka_unit_test_setup(foreign_file_is_refused, clean),
        cmocka_unit_test_setup(unreadable_is_an_error, clean),
        cmocka_unit_test_setup(too_large_is_refused, clean),
        cmocka_unit_test_setup(created_once, clean),
        cmocka_unit_test_setup(lock_is_exclusive, clean),
        cmocka_unit_test_setup(dead_holder_holds_nothing, clean),
    };
    int failed;

    if (mkdtemp(directory) == NULL)
        return 1;
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    remove_files(directory);
    (void)rmdir(directory);
    return failed;
}

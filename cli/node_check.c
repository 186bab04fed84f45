/* node_check.c - facts to verdicts. */
#include "node_check.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "note.h"
#include "render.h"

#define NODE_FMT       "node \"%s\" (ID: %d)"
#define NODE_ARGS(rec) (rec)->name, (rec)->id

static void PGRMON_PRINTF(3, 4)
    conclude(struct node_verdict *verdict, enum nagios_code code, const char *fmt, ...)
{
    va_list args;

    verdict->code = code;
    va_start(args, fmt);
    (void)vsnprintf(verdict->details, sizeof verdict->details, fmt, args);
    va_end(args);
}

/* Append "name (ID: n)" to a list of them. */
static void append_node(char *list, size_t size, const struct node_record *record)
{
    size_t used = strlen(list);

    (void)snprintf(list + used, size - used, "%s%s (ID: %d)", used > 0 ? ", " : "",
                   NODE_ARGS(record));
}

static void append_name(char *list, size_t size, const char *name)
{
    size_t used = strlen(list);

    (void)snprintf(list + used, size - used, "%s%s", used > 0 ? ", " : "", name);
}

static enum nagios_code against(int64_t value, int64_t warning, int64_t critical)
{
    if (value >= critical)
        return NAGIOS_CRITICAL;
    return value >= warning ? NAGIOS_WARNING : NAGIOS_OK;
}

static void judge_role(const struct node_view *view, struct node_verdict *ret)
{
    const char *is = view->in_recovery ? "standby" : "primary";
    bool should_be_standby = view->self->role == CORE_ROLE_STANDBY;

    if (view->in_recovery != should_be_standby)
        conclude(ret, NAGIOS_CRITICAL, "node is registered as %s but running as %s",
                 node_role_name(view->self->role), is);
    else if (!view->self->active)
        conclude(ret, NAGIOS_WARNING, "node is %s, but registered as inactive", is);
    else
        conclude(ret, NAGIOS_OK, "node is %s", is);
}

/* Time is only worth something while the receiver streams: a standby that hears nothing
 * has replayed all it received and would report 0. */
static void judge_lag(const struct node_view *view,
                      const struct config *config,
                      struct node_verdict *ret)
{
    long long seconds = (long long)(view->lag_ms + 500) / 1000;
    int64_t bytes = node_view_lag_bytes(view);
    char size[32] = "";
    char text[64] = "";

    if (bytes > 0)
        (void)snprintf(text, sizeof text, ", %s behind", render_bytes(bytes, size));
    if (!view->in_recovery) {
        conclude(ret, NAGIOS_OK, "n/a - node is primary");
    } else if (!view->self_answer.seen.receiver_streaming) {
        conclude(ret, NAGIOS_CRITICAL, "node does not stream from any upstream%s",
                 text);
        return;
    } else if (view->lag_ms < 0) {
        conclude(ret, NAGIOS_UNKNOWN, "no transaction was replayed yet%s", text);
        return;
    } else {
        conclude(ret,
                 against(view->lag_ms, config->replication_lag_warning_ms,
                         config->replication_lag_critical_ms),
                 "%lld second%s%s%s", seconds, seconds == 1 ? "" : "s", text,
                 view->replay_paused ? ", replay is paused" : "");
    }
    (void)snprintf(ret->perf, sizeof ret->perf, "lag=%lld;%lld;%lld",
                   view->in_recovery ? seconds : 0LL,
                   (long long)config->replication_lag_warning_ms / 1000,
                   (long long)config->replication_lag_critical_ms / 1000);
}

static void judge_archive(const struct node_view *view,
                          const struct config *config,
                          struct node_verdict *ret)
{
    if (view->archive_ready < 0) {
        conclude(ret, NAGIOS_UNKNOWN,
                 "not permitted to look; execute \"GRANT pg_monitor TO ...\"");
        return;
    }
    conclude(ret,
             against(view->archive_ready, config->archive_ready_warning,
                     config->archive_ready_critical),
             "%lld pending archive ready file%s", (long long)view->archive_ready,
             view->archive_ready == 1 ? "" : "s");
    if (view->archive_failing && strcmp(view->archive_mode, "off") != 0) {
        size_t used = strlen(ret->details);

        if (ret->code == NAGIOS_OK)
            ret->code = NAGIOS_WARNING;
        (void)snprintf(ret->details + used, sizeof ret->details - used,
                       ", the last attempt to archive failed");
    }
    (void)snprintf(ret->perf, sizeof ret->perf, "files=%lld;%d;%d",
                   (long long)view->archive_ready, config->archive_ready_warning,
                   config->archive_ready_critical);
}

static void judge_upstream(const struct node_view *view, struct node_verdict *ret)
{
    const struct gathered *answer = &view->upstream_answer;

    if (!view->in_recovery)
        conclude(ret, NAGIOS_OK, "n/a - node is primary");
    else if (view->upstream == NULL)
        conclude(ret, NAGIOS_CRITICAL, "node has no upstream in its record");
    else if (answer->seen.reach != REACH_OK)
        conclude(ret, NAGIOS_CRITICAL, "upstream " NODE_FMT " cannot be asked: %s",
                 NODE_ARGS(view->upstream), answer->message);
    else if (!answer->has_downstreams)
        conclude(ret, NAGIOS_UNKNOWN,
                 "upstream " NODE_FMT " did not tell who streams from it",
                 NODE_ARGS(view->upstream));
    else if (!gathered_has_downstream(answer, view->self->name))
        conclude(ret, NAGIOS_CRITICAL,
                 NODE_FMT " is not attached to expected upstream " NODE_FMT "%s%s",
                 NODE_ARGS(view->self), NODE_ARGS(view->upstream),
                 view->receiver[0] != '\0' ? ", but streams from " : "",
                 view->receiver);
    else
        conclude(ret, NAGIOS_OK, NODE_FMT " is attached to expected upstream " NODE_FMT,
                 NODE_ARGS(view->self), NODE_ARGS(view->upstream));
}

static void judge_downstream(const struct node_view *view, struct node_verdict *ret)
{
    char missing[768] = "";
    int n_expected = 0;
    int n_missing = 0;

    for (int i = 0; i < view->set.n; i++) {
        const struct node_record *record = &view->set.v[i];

        if (!node_view_is_downstream(view, record))
            continue;
        n_expected++;
        if (!node_view_is_attached(view, record)) {
            n_missing++;
            append_node(missing, sizeof missing, record);
        }
    }
    if (n_expected == 0)
        conclude(ret, NAGIOS_OK, "this node has no downstream nodes");
    else if (n_missing == 0)
        conclude(ret, NAGIOS_OK, "%d of %d downstream nodes attached", n_expected,
                 n_expected);
    else
        conclude(ret, NAGIOS_CRITICAL,
                 "%d of %d downstream nodes not attached; missing: %s", n_missing,
                 n_expected, missing);
    (void)snprintf(ret->perf, sizeof ret->perf, "missing=%d;1;1", n_missing);
}

static void judge_slots(const struct node_view *view, struct node_verdict *ret)
{
    char inactive[768] = "";
    int n_physical = 0;
    int n_inactive = 0;

    for (int i = 0; i < view->n_slots; i++) {
        if (!view->slots[i].physical)
            continue;
        n_physical++;
        if (!view->slots[i].active) {
            n_inactive++;
            append_name(inactive, sizeof inactive, view->slots[i].name);
        }
    }
    if (n_physical == 0)
        conclude(ret, NAGIOS_OK, "node has no physical replication slots");
    else if (n_inactive == 0)
        conclude(ret, NAGIOS_OK, "%d of %d physical replication slots are active",
                 n_physical, n_physical);
    else
        conclude(ret, NAGIOS_CRITICAL,
                 "%d of %d physical replication slots are inactive: %s", n_inactive,
                 n_physical, inactive);
    (void)snprintf(ret->perf, sizeof ret->perf, "slots=%d;1;1", n_inactive);
}

static void judge_missing_slots(const struct node_view *view, struct node_verdict *ret)
{
    int n = node_view_missing_slots(view);

    if (n == 0)
        conclude(ret, NAGIOS_OK, "node has no missing physical replication slots");
    else
        conclude(ret, NAGIOS_CRITICAL, "%d physical replication slot%s missing", n,
                 n == 1 ? " is" : "s are");
    (void)snprintf(ret->perf, sizeof ret->perf, "missing=%d;1;1", n);
}

static bool same_directory(const char *a, const char *b)
{
    char *real_a = realpath(a, NULL);
    char *real_b = realpath(b, NULL);
    bool same = real_a != NULL && real_b != NULL ? strcmp(real_a, real_b) == 0
                                                 : strcmp(a, b) == 0;

    free(real_a);
    free(real_b);
    return same;
}

static void judge_data_directory(const struct node_view *view,
                                 const struct config *config,
                                 struct node_verdict *ret)
{
    if (view->data_directory[0] == '\0')
        conclude(ret, NAGIOS_UNKNOWN,
                 "not permitted to look; execute \"GRANT pg_monitor TO ...\"");
    else if (same_directory(view->data_directory, config->data_directory))
        conclude(ret, NAGIOS_OK, "configured \"data_directory\" is \"%.900s\"",
                 config->data_directory);
    else
        conclude(
            ret, NAGIOS_CRITICAL,
            "configured \"data_directory\" is \"%.400s\", the server's is \"%.400s\"",
            config->data_directory, view->data_directory);
}

static void judge_daemon(const struct node_view *view, struct node_verdict *ret)
{
    const struct core_note *note = &view->self_answer.seen.note;

    if (note->phase == CORE_PHASE_NONE)
        conclude(ret, NAGIOS_CRITICAL, "pgrmond is not running, or not connected");
    else
        conclude(ret, NAGIOS_OK, "pgrmond is running (%s, term %lld)",
                 note_phase_name(note->phase), (long long)note->term);
}

void node_check_judge(enum node_check check,
                      const struct node_view *view,
                      const struct config *config,
                      struct node_verdict *ret)
{
    *ret = (struct node_verdict){.code = NAGIOS_UNKNOWN};
    switch (check) {
    case NODE_CHECK_ROLE:
        judge_role(view, ret);
        return;
    case NODE_CHECK_LAG:
        judge_lag(view, config, ret);
        return;
    case NODE_CHECK_ARCHIVE:
        judge_archive(view, config, ret);
        return;
    case NODE_CHECK_UPSTREAM:
        judge_upstream(view, ret);
        return;
    case NODE_CHECK_DOWNSTREAM:
        judge_downstream(view, ret);
        return;
    case NODE_CHECK_SLOTS:
        judge_slots(view, ret);
        return;
    case NODE_CHECK_MISSING_SLOTS:
        judge_missing_slots(view, ret);
        return;
    case NODE_CHECK_DATA_DIRECTORY:
        judge_data_directory(view, config, ret);
        return;
    case NODE_CHECK_DAEMON:
        judge_daemon(view, ret);
        return;
    case NODE_CHECK_DB_CONNECTION:
        conclude(ret, NAGIOS_OK, "connection to the local node succeeded");
        return;
    case NODE_CHECK_COUNT:
        return;
    }
}

/* ---- names ------------------------------------------------------------------------
 */

const char *node_check_code_name(enum nagios_code code)
{
    static const char *const names[] = {"OK", "WARNING", "CRITICAL", "UNKNOWN"};

    return names[code];
}

const char *node_check_option(enum node_check check)
{
    static const char *const names[] = {
#define NODE_CHECK_OPTION(id, option, prefix, title) option,
        NODE_CHECK_LIST(NODE_CHECK_OPTION)
#undef NODE_CHECK_OPTION
    };

    return names[check];
}

const char *node_check_prefix(enum node_check check)
{
    static const char *const names[] = {
#define NODE_CHECK_PREFIX(id, option, prefix, title) prefix,
        NODE_CHECK_LIST(NODE_CHECK_PREFIX)
#undef NODE_CHECK_PREFIX
    };

    return names[check];
}

const char *node_check_title(enum node_check check)
{
    static const char *const names[] = {
#define NODE_CHECK_TITLE(id, option, prefix, title) title,
        NODE_CHECK_LIST(NODE_CHECK_TITLE)
#undef NODE_CHECK_TITLE
    };

    return names[check];
}

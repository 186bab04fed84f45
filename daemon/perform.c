/* perform.c - one switch: what the core asks for, done.
 *
 * Exhaustive on purpose: whatever the core can ask for, the shell can do (the compiler
 * says what is missing). */
#include <stdlib.h>
#include <string.h>

#include "action.h"
#include "core/reason.h"
#include "daemon.h"
#include "durable.h"
#include "err.h"
#include "fencing.h"
#include "guarding.h"
#include "log.h"
#include "notify.h"
#include "probe.h"
#include "revoke.h"
#include "startpg.h"

static struct probe *find_probe(const struct daemon *daemon, int node_id)
{
    for (int i = 0; i < daemon->n_probes; i++)
        if (probe_node_id(daemon->probes[i]) == node_id)
            return daemon->probes[i];
    return NULL;
}

static void watch(struct daemon *daemon, int node_id, int64_t interval_ms)
{
    struct probe *probe = find_probe(daemon, node_id);

    if (probe == NULL && interval_ms > 0) {
        probe = probe_new(daemon, node_id);
        daemon->probes[daemon->n_probes++] = probe;
    }
    if (probe != NULL)
        probe_watch(probe, interval_ms);
}

/* reason.h's levels are those of log.h, in the same order. */
static void say(const struct daemon *daemon, const struct core_effect *effect)
{
    struct core_text text;
    enum log_level level;

    reason_say(&daemon->core, effect, &text);
    level = (enum log_level)text.level;
    log_msg(level, "%s", text.text);
    if (text.detail[0] != '\0')
        log_detail(level, "%s", text.detail);
    if (text.hint[0] != '\0')
        log_hint(level, "%s", text.hint);
}

static void enter(struct daemon *daemon, const struct core_effect *effect)
{
    char sentence[200];

    say(daemon, effect);
    reason_sentence(&daemon->core, &effect->why, sentence, sizeof sentence);
    notify_status("%s: %s", reason_state_name(effect->state), sentence);
    if (effect->state == CORE_PRIMARY) {
        daemon->lead_reason =
            effect->from == CORE_PROMOTING ? "failover" : "promoted outside pgrmond";
        guarding_check(daemon->guarding);
    }
    members_retarget(daemon);
    record_state(daemon);
}

static void record(struct daemon *daemon, const struct core_effect *effect)
{
    char sentence[200];

    reason_sentence(&daemon->core, &effect->why, sentence, sizeof sentence);
    record_event(daemon, reason_record_name(effect->record), effect->successful,
                 effect->node_id, sentence);
    if (effect->record == CORE_REC_FAILOVER_FOLLOW)
        record_upstream(daemon, effect->node_id);
}

/* What we say has changed: every board that we read hears of it now. */
static void post(struct daemon *daemon)
{
    for (int i = 0; i < daemon->n_probes; i++)
        probe_post(daemon->probes[i]);
}

/* ---- own PostgreSQL
 * -------------------------------------------------------------------
 */

static void on_started(void *arg, uint32_t id, const struct startpg_end *end)
{
    struct daemon *daemon = arg;

    daemon->startpg = NULL;
    if (end->ok)
        log_notice("own PostgreSQL was started, read-only");
    else
        log_error("own PostgreSQL could not be started: %s", end->text);
    fencing_look(daemon);
    daemon_done(daemon, id, end->ok, NULL);
}

static void start_pg(struct daemon *daemon, const struct core_effect *effect)
{
    startpg_cancel(daemon->startpg);
    daemon->startpg =
        startpg_start(daemon, effect->id, effect->deadline_ms, on_started, daemon);
}

static void on_revoked(void *arg, uint32_t id, const struct revoke_end *end)
{
    struct daemon *daemon = arg;

    daemon->revoke = NULL;
    if (end->text[0] != '\0')
        log_warning("the WAL of this node cannot be reported: %s", end->text);
    daemon_done(daemon, id, end->ok, &end->report);
}

/* A follow that was given up must not come after it. */
static void cut_off(struct daemon *daemon, const struct core_effect *effect)
{
    action_free(daemon->action);
    daemon->action = NULL;
    revoke_cancel(daemon->revoke);
    daemon->revoke =
        revoke_start(daemon, effect->id, effect->deadline_ms, on_revoked, daemon);
}

/* What a vote has cut off is pointed anew: the cut must not come after it. */
static void follow(struct daemon *daemon, const struct core_effect *effect)
{
    revoke_cancel(daemon->revoke);
    daemon->revoke = NULL;
    follow_start(daemon, effect);
}

void perform(struct daemon *daemon, const struct core_effect *effect)
{
    struct probe *probe;

    switch (effect->kind) {
    case CORE_EFF_WATCH:
        watch(daemon, effect->node_id, effect->interval_ms);
        break;
    case CORE_EFF_PROBE:
        probe = find_probe(daemon, effect->node_id);
        if (probe != NULL)
            probe_now(probe, true);
        break;
    case CORE_EFF_PROMOTE:
        promote_start(daemon, effect);
        break;
    case CORE_EFF_FOLLOW:
        follow(daemon, effect);
        break;
    case CORE_EFF_LEAD:
        record_lead(daemon, effect->id, effect->term);
        break;
    case CORE_EFF_RAISE:
        record_membership(daemon, effect->id, effect->members_version);
        break;
    case CORE_EFF_NOTE:
        post(daemon);
        break;
    case CORE_EFF_SAVE:
        durable_save(daemon, effect);
        break;
    case CORE_EFF_LEASE:
        fencing_lease(daemon, effect);
        break;
    case CORE_EFF_FREEZE:
        fencing_freeze(daemon, effect);
        break;
    case CORE_EFF_THAW:
        fencing_thaw(daemon, effect);
        break;
    case CORE_EFF_KILL:
        fencing_kill(daemon, effect);
        break;
    case CORE_EFF_START_PG:
        start_pg(daemon, effect);
        break;
    case CORE_EFF_REVOKE:
        cut_off(daemon, effect);
        break;
    case CORE_EFF_ENTER:
        enter(daemon, effect);
        break;
    case CORE_EFF_REPORT:
        say(daemon, effect);
        break;
    case CORE_EFF_EVENT:
        record(daemon, effect);
        break;
    }
}

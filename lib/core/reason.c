/* reason.c - every sentence that a decision can produce.
 *
 * Users of repmgr find its words. A message says what is so; its DETAIL what it rests
 * on; its HINT the exact next command. */
#include "core/reason.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "core/reason_lease.h"
#include "core/view.h"

/* ---- names ------------------------------------------------------------------------
 */

const char *reason_state_name(enum core_state state)
{
    switch (state) {
    case CORE_STARTING:
        return "starting";
    case CORE_PRIMARY:
        return "primary";
    case CORE_STANDBY:
        return "standby";
    case CORE_SUSPECTING:
        return "suspecting";
    case CORE_ELECTING:
        return "electing";
    case CORE_CANVASSING:
        return "canvassing";
    case CORE_PROMOTING:
        return "promoting";
    case CORE_FOLLOWING:
        return "following";
    case CORE_RESIGNING:
        return "resigning";
    }
    return "?";
}

const char *reason_name(enum core_reason reason)
{
    switch (reason) {
    case CORE_WHY_NONE:
        return "none";
    case CORE_WHY_NO_LOCAL:
        return "no_local";
    case CORE_WHY_NO_RECORD:
        return "no_record";
    case CORE_WHY_WRONG_SYSTEM:
        return "wrong_system";
    case CORE_WHY_LOCAL_PRIMARY:
        return "local_primary";
    case CORE_WHY_LOCAL_STANDBY:
        return "local_standby";
    case CORE_WHY_LOST:
        return "lost";
    case CORE_WHY_BACK:
        return "back";
    case CORE_WHY_ATTEMPTS_OVER:
        return "attempts_over";
    case CORE_WHY_SURVEY:
        return "survey";
    case CORE_WHY_LEADER_FOUND:
        return "leader_found";
    case CORE_WHY_STALE_LEADER:
        return "stale_leader";
    case CORE_WHY_STILL_VISIBLE:
        return "still_visible";
    case CORE_WHY_STILL_STREAMING:
        return "still_streaming";
    case CORE_WHY_NO_QUORUM:
        return "no_quorum";
    case CORE_WHY_MANUAL:
        return "manual";
    case CORE_WHY_SELF_DOWN:
        return "self_down";
    case CORE_WHY_SELF_PRIORITY:
        return "self_priority";
    case CORE_WHY_NO_CANDIDATE:
        return "no_candidate";
    case CORE_WHY_OTHER_BETTER:
        return "other_better";
    case CORE_WHY_BEING_PROMOTED:
        return "being_promoted";
    case CORE_WHY_ONLY_CANDIDATE:
        return "only_candidate";
    case CORE_WHY_BEST_CANDIDATE:
        return "best_candidate";
    case CORE_WHY_BACKOFF:
        return "backoff";
    case CORE_WHY_CATCH_UP:
        return "catch_up";
    case CORE_WHY_PROMOTED:
        return "promoted";
    case CORE_WHY_PROMOTE_FAILED:
        return "promote_failed";
    case CORE_WHY_FOLLOWED:
        return "followed";
    case CORE_WHY_FOLLOW_FAILED:
        return "follow_failed";
    case CORE_WHY_UPSTREAM_GONE:
        return "upstream_gone";
    case CORE_WHY_MANY_LEADERS:
        return "many_leaders";
    case CORE_WHY_RESIGNED:
        return "resigned";
    case CORE_WHY_PROMISED:
        return "promised";
    case CORE_WHY_SUPPORTED:
        return "supported";
    case CORE_WHY_NO_REPORT:
        return "no_report";
    case CORE_WHY_NO_STATE:
        return "no_state";
    case CORE_WHY_CANVASS:
        return "canvass";
    case CORE_WHY_VOTED:
        return "voted";
    case CORE_WHY_AWAITED:
        return "awaited";
    case CORE_WHY_RENEWED:
        return "renewed";
    case CORE_WHY_LOST_CANVASS:
        return "lost_canvass";
    case CORE_WHY_WON:
        return "won";
    case CORE_WHY_LEASE:
        return "lease";
    case CORE_WHY_LEASE_LOST:
        return "lease_lost";
    case CORE_WHY_LEASE_OVER:
        return "lease_over";
    case CORE_WHY_TOO_LONG_FROZEN:
        return "too_long_frozen";
    case CORE_WHY_CRASHED:
        return "crashed";
    case CORE_WHY_STOPPED:
        return "stopped";
    case CORE_WHY_HUNG:
        return "hung";
    case CORE_WHY_GUARDED:
        return "guarded";
    case CORE_WHY_LATER_LEADER:
        return "later_leader";
    case CORE_WHY_UNLEASED:
        return "unleased";
    case CORE_WHY_DETACHED:
        return "detached";
    case CORE_WHY_TWIN:
        return "twin";
    case CORE_WHY_PAUSED:
        return "paused";
    case CORE_WHY_UNPAUSED:
        return "unpaused";
    case CORE_WHY_RELIES:
        return "relies";
    case CORE_WHY_RELIES_NO_MORE:
        return "relies_no_more";
    case CORE_WHY_LEADER_STOPPED:
        return "leader_stopped";
    }
    return "?";
}

const char *reason_rank_rule(enum core_rank_rule rule)
{
    switch (rule) {
    case CORE_RANK_SAME:
        return "nobody else stands";
    case CORE_RANK_TERM:
        return "its WAL holds a later term (P4.1)";
    case CORE_RANK_POSITION:
        return "its WAL is further (P4.2)";
    case CORE_RANK_PRIORITY:
        return "its priority is higher (P4.3)";
    case CORE_RANK_ID:
        return "its node ID is lower (P4.4)";
    }
    return "?";
}

const char *reason_record_name(enum core_record record)
{
    switch (record) {
    case CORE_REC_LOCAL_DISCONNECT:
        return "pgrmond_local_disconnect";
    case CORE_REC_LOCAL_RECONNECT:
        return "pgrmond_local_reconnect";
    case CORE_REC_UPSTREAM_DISCONNECT:
        return "pgrmond_upstream_disconnect";
    case CORE_REC_UPSTREAM_RECONNECT:
        return "pgrmond_upstream_reconnect";
    case CORE_REC_FAILOVER_PROMOTE:
        return "pgrmond_failover_promote";
    case CORE_REC_PROMOTE_ERROR:
        return "pgrmond_promote_error";
    case CORE_REC_FAILOVER_FOLLOW:
        return "pgrmond_failover_follow";
    case CORE_REC_FOLLOW_ERROR:
        return "pgrmond_follow_error";
    case CORE_REC_MANY_PRIMARIES:
        return "pgrmond_many_primaries";
    case CORE_REC_LOCAL_PROMOTED:
        return "pgrmond_local_promoted";
    case CORE_REC_FROZEN:
        return "pgrmond_frozen";
    case CORE_REC_THAWED:
        return "pgrmond_thawed";
    case CORE_REC_RESIGNED:
        return "pgrmond_resigned";
    case CORE_REC_RENEWED:
        return "pgrmond_renewed";
    }
    return "?";
}

/* ---- sentences --------------------------------------------------------------------
 */

/* Room for: node "name" (ID: 12345) */
struct who {
    char text[CORE_NAME_SIZE + 32];
};

static struct who who(const struct core *core, int id)
{
    const struct core_member *member = core_member(core, id);
    struct who result;

    if (member == NULL)
        (void)snprintf(result.text, sizeof result.text, "node %d", id);
    else
        (void)snprintf(result.text, sizeof result.text, "node \"%s\" (ID: %d)",
                       member->name, id);
    return result;
}

/* By its note; whatever became of it since. */
static bool says_lead(const struct core *core, int id)
{
    int i = view_index(core, id);

    return i >= 0 && (core->peers[i].note.phase == CORE_PHASE_LEAD ||
                      core->peers[i].note.phase == CORE_PHASE_RENEW);
}

static void sentence_of_verdict(const struct core *core,
                                const struct core_why *why,
                                char *buf,
                                unsigned long size)
{
    struct who node = who(core, why->node_id);

    switch (why->reason) {
    case CORE_WHY_SURVEY:
        (void)snprintf(buf, size, "asking all members");
        break;
    case CORE_WHY_LEADER_FOUND:
        (void)snprintf(buf, size, "%s leads the cluster now", node.text);
        break;
    case CORE_WHY_STALE_LEADER:
        (void)snprintf(buf, size,
                       "%s accepts writes, but its term is over: it is not followed",
                       node.text);
        break;
    case CORE_WHY_STILL_VISIBLE:
        (void)snprintf(buf, size, "%s %s", node.text,
                       says_lead(core, why->node_id)
                           ? "leads, under a term that is to be renewed"
                           : "still sees the primary");
        break;
    case CORE_WHY_STILL_STREAMING:
        (void)snprintf(buf, size, "%s still receives WAL from it", node.text);
        break;
    case CORE_WHY_NO_QUORUM:
        (void)snprintf(buf, size,
                       "no quorum: %d of the voting nodes can vote now, %d are needed",
                       why->a, why->b);
        break;
    case CORE_WHY_MANUAL:
        (void)snprintf(buf, size, "failover is \"manual\" on this node");
        break;
    case CORE_WHY_SELF_DOWN:
        (void)snprintf(buf, size, "the PostgreSQL of this node does not answer");
        break;
    case CORE_WHY_SELF_PRIORITY:
        (void)snprintf(buf, size, "the priority of this node is 0");
        break;
    case CORE_WHY_NO_CANDIDATE:
        (void)snprintf(buf, size, "no node can be promoted");
        break;
    case CORE_WHY_OTHER_BETTER:
        (void)snprintf(buf, size, "%s is the promotion candidate", node.text);
        break;
    case CORE_WHY_BEING_PROMOTED:
        (void)snprintf(buf, size, "%s is being promoted", node.text);
        break;
    case CORE_WHY_ONLY_CANDIDATE:
        (void)snprintf(
            buf, size,
            "this node is the only available candidate and will now promote itself");
        break;
    case CORE_WHY_BEST_CANDIDATE:
        (void)snprintf(buf, size,
                       "this node is the best candidate and will now promote itself");
        break;
    case CORE_WHY_BACKOFF:
        (void)snprintf(buf, size, "waiting before the next try");
        break;
    case CORE_WHY_CATCH_UP:
        (void)snprintf(buf, size, "%s has more WAL and may not lead: fetching it first",
                       node.text);
        break;
    case CORE_WHY_MANY_LEADERS:
        (void)snprintf(buf, size, "%s accepts writes, too", node.text);
        break;
    case CORE_WHY_UPSTREAM_GONE:
        (void)snprintf(buf, size, "the upstream is gone, the primary %s is there",
                       node.text);
        break;
    default:
        if (!reason_lease_sentence(core, why, buf, size))
            (void)snprintf(buf, size, "%s", reason_name(why->reason));
        break;
    }
}

void reason_sentence(const struct core *core,
                     const struct core_why *why,
                     char *buf,
                     unsigned long size)
{
    struct who node = who(core, why->node_id);

    switch (why->reason) {
    case CORE_WHY_NONE:
        (void)snprintf(buf, size, "nothing to report");
        break;
    case CORE_WHY_NO_LOCAL:
        (void)snprintf(buf, size, "the PostgreSQL of this node does not answer");
        break;
    case CORE_WHY_NO_RECORD:
        (void)snprintf(buf, size, "this node is not registered");
        break;
    case CORE_WHY_WRONG_SYSTEM:
        (void)snprintf(buf, size,
                       "the PostgreSQL of this node is not of the same cluster as %s",
                       node.text);
        break;
    case CORE_WHY_LOCAL_PRIMARY:
        (void)snprintf(buf, size, "the PostgreSQL of this node is a primary");
        break;
    case CORE_WHY_LOCAL_STANDBY:
        (void)snprintf(buf, size, "the PostgreSQL of this node is a standby");
        break;
    case CORE_WHY_LOST:
        (void)snprintf(buf, size, "no answer from %s", node.text);
        break;
    case CORE_WHY_BACK:
        (void)snprintf(buf, size, "%s answers", node.text);
        break;
    case CORE_WHY_ATTEMPTS_OVER:
        (void)snprintf(buf, size, "no answer from %s in %d attempts", node.text,
                       why->a);
        break;
    case CORE_WHY_PROMOTED:
        (void)snprintf(buf, size, "this node was promoted");
        break;
    case CORE_WHY_PROMOTE_FAILED:
        (void)snprintf(buf, size, "the promotion of this node failed");
        break;
    case CORE_WHY_FOLLOWED:
        (void)snprintf(buf, size, "this node follows %s", node.text);
        break;
    case CORE_WHY_FOLLOW_FAILED:
        (void)snprintf(buf, size, "this node could not follow %s", node.text);
        break;
    default:
        sentence_of_verdict(core, why, buf, size);
        break;
    }
}

/* ---- messages ----------------------------------------------------------------------
 */

static void set(struct core_text *text, enum core_level level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void set(struct core_text *text, enum core_level level, const char *fmt, ...)
{
    va_list args;

    text->level = level;
    va_start(args, fmt);
    (void)vsnprintf(text->text, sizeof text->text, fmt, args);
    va_end(args);
}

static const char *role_of(const struct core *core, int id)
{
    return id == core->primary_id ? "primary" : "upstream";
}

static void
say_waiting(const struct core *core, const struct core_why *why, struct core_text *text)
{
    char sentence[200];

    reason_sentence(core, why, sentence, sizeof sentence);
    set(text, CORE_LEVEL_WARNING, "%s%s", sentence,
        why->reason == CORE_WHY_NO_STATE ? "" : ", waiting");
    if (why->reason == CORE_WHY_NO_RECORD)
        (void)snprintf(
            text->hint, sizeof text->hint,
            "register it with \"pgrmon primary register\" or \"pgrmon standby "
            "register\"");
    else if (why->reason == CORE_WHY_NO_LOCAL)
        (void)snprintf(text->hint, sizeof text->hint,
                       "check \"conninfo\" with \"pgrmon config show\", and that "
                       "PostgreSQL runs");
    else if (why->reason == CORE_WHY_NO_STATE)
        (void)snprintf(text->hint, sizeof text->hint, "%s", REASON_HINT_NO_STATE);
    else if (why->reason == CORE_WHY_WRONG_SYSTEM)
        (void)snprintf(text->hint, sizeof text->hint,
                       "clone this node anew with \"pgrmon standby clone --force\"");
}

/* What a failed probe that proves life means for the operator. */
static void say_alive(const struct core *core,
                      const struct core_effect *effect,
                      struct core_text *text)
{
    struct who node = who(core, effect->node_id);

    switch (effect->reach) {
    case REACH_REJECTED:
        set(text, CORE_LEVEL_WARNING, "%s is alive, but does not let this daemon in",
            node.text);
        (void)snprintf(text->hint, sizeof text->hint,
                       "check pg_hba.conf, the password and max_connections there");
        break;
    case REACH_STARTING:
        set(text, CORE_LEVEL_WARNING,
            "%s is alive, but starting up, in recovery or shutting down", node.text);
        (void)snprintf(text->detail, sizeof text->detail,
                       "this counts as alive for %" PRId64
                       " seconds (startup_patience)",
                       core->settings.startup_patience_ms / 1000);
        break;
    default:
        set(text, CORE_LEVEL_WARNING, "%s answers, but the query fails", node.text);
        (void)snprintf(text->hint, sizeof text->hint,
                       "check that schema \"pgrmon\" is there and readable: \"pgrmon "
                       "node check\"");
        break;
    }
}

static void say_status(const struct core *core,
                       const struct core_effect *effect,
                       struct core_text *text)
{
    struct who self = who(core, core->settings.self_id);
    struct who other = who(core, effect->node_id);

    if (core->state == CORE_PRIMARY && core->local_up)
        set(text, CORE_LEVEL_INFO, "monitoring primary %s in normal state", self.text);
    else if (core->state == CORE_STANDBY)
        set(text, CORE_LEVEL_INFO, "%s monitoring upstream %s in normal state",
            self.text, other.text);
    else {
        set(text, CORE_LEVEL_INFO, "%s monitoring in state \"%s\"", self.text,
            reason_state_name(core->state));
        reason_sentence(core, &core->why, text->detail, sizeof text->detail);
    }
}

/* DETAIL and HINT of an election's verdict. */
static void explain_verdict(const struct core *core,
                            const struct core_why *why,
                            struct core_text *text)
{
    char lsn[LSN_TEXT_SIZE];

    switch (why->reason) {
    case CORE_WHY_ONLY_CANDIDATE:
        if (why->b == 2)
            (void)snprintf(text->detail, sizeof text->detail,
                           "two nodes have no majority: if the other one is only cut "
                           "off, both accept writes now");
        if (why->b == 2)
            (void)snprintf(text->hint, sizeof text->hint,
                           "a third voting node prevents this");
        break;
    case CORE_WHY_BEST_CANDIDATE:
    case CORE_WHY_OTHER_BETTER:
        if (why->a > 0)
            (void)snprintf(text->detail, sizeof text->detail,
                           "of %d candidates: %s; WAL up to %s in term %" PRId64,
                           why->a, reason_rank_rule(why->rule),
                           lsn_format(why->lsn, lsn), why->term);
        break;
    case CORE_WHY_MANUAL:
    case CORE_WHY_SELF_PRIORITY:
        (void)snprintf(text->hint, sizeof text->hint,
                       "promote a node with \"pgrmon standby promote\"");
        break;
    case CORE_WHY_PAUSED:
        (void)snprintf(text->hint, sizeof text->hint, "%s", REASON_HINT_PAUSED);
        break;
    case CORE_WHY_NO_QUORUM:
        (void)snprintf(text->detail, sizeof text->detail,
                       "nobody is promoted without a majority of the registered nodes");
        (void)snprintf(text->hint, sizeof text->hint,
                       "bring a node back, or see \"pgrmon cluster show\"");
        break;
    case CORE_WHY_MANY_LEADERS:
        if (core->state == CORE_PRIMARY)
            (void)snprintf(text->detail, sizeof text->detail,
                           "its term is %" PRId64 ", that of this node %" PRId64,
                           why->term,
                           core_view(core, core->settings.self_id)->seen.term);
        else
            (void)snprintf(text->detail, sizeof text->detail,
                           "another one does in the same term %" PRId64
                           ": neither is followed",
                           why->term);
        (void)snprintf(
            text->hint, sizeof text->hint, "stop %s, see \"pgrmon cluster show\"",
            core->state == CORE_PRIMARY ? "the PostgreSQL whose term is lower"
                                        : "one of the two");
        break;
    default:
        break;
    }
}

static void
say_verdict(const struct core *core, const struct core_why *why, struct core_text *text)
{
    char sentence[200];
    bool odd =
        why->reason == CORE_WHY_NO_QUORUM || why->reason == CORE_WHY_NO_CANDIDATE ||
        why->reason == CORE_WHY_STALE_LEADER || why->reason == CORE_WHY_MANUAL ||
        why->reason == CORE_WHY_SELF_PRIORITY || why->reason == CORE_WHY_SELF_DOWN;

    reason_sentence(core, why, sentence, sizeof sentence);
    set(text, odd ? CORE_LEVEL_WARNING : CORE_LEVEL_NOTICE, "%s", sentence);
    if (why->reason == CORE_WHY_MANY_LEADERS)
        text->level = CORE_LEVEL_ERROR;
    if (why->reason == CORE_WHY_SURVEY || why->reason == CORE_WHY_LOST)
        text->level = CORE_LEVEL_INFO;
    explain_verdict(core, why, text);
}

static void say_attempts(const struct core *core,
                         const struct core_effect *effect,
                         struct core_text *text)
{
    struct who node = who(core, effect->node_id);
    const struct core_why *why = &effect->why;
    int64_t interval_ms = core->settings.reconnect_interval_ms;

    switch (effect->message) {
    case CORE_SAY_ATTEMPT:
        set(text, CORE_LEVEL_INFO, "checking state of node %d, %d of %d attempts",
            effect->node_id, why->a, why->b);
        break;
    case CORE_SAY_SLEEPING:
        if (interval_ms % 1000 == 0)
            set(text, CORE_LEVEL_INFO,
                "sleeping %" PRId64 " second%s until next reconnection attempt",
                interval_ms / 1000, interval_ms == 1000 ? "" : "s");
        else
            set(text, CORE_LEVEL_INFO,
                "sleeping %" PRId64 " milliseconds until next reconnection attempt",
                interval_ms);
        break;
    case CORE_SAY_RECONNECTED:
        set(text, CORE_LEVEL_NOTICE, "reconnected to %s %s",
            role_of(core, effect->node_id), node.text);
        break;
    default: /* CORE_SAY_GAVE_UP */
        set(text, CORE_LEVEL_WARNING,
            "unable to reconnect to node %d after %d attempts", effect->node_id,
            why->a);
        break;
    }
}

static void say_lost(const struct core *core, int node_id, struct core_text *text)
{
    const struct core_view *view = core_view(core, node_id);
    struct who node = who(core, node_id);

    if (view != NULL && view_is_ours(core, view) && view->seen.in_recovery) {
        set(text, CORE_LEVEL_WARNING, "primary %s is in recovery now", node.text);
        return;
    }
    set(text, CORE_LEVEL_WARNING, "unable to connect to %s %s", role_of(core, node_id),
        node.text);
    if (view != NULL)
        (void)snprintf(text->detail, sizeof text->detail,
                       "the newest probe ended as \"%s\"",
                       reach_name(view->seen.reach));
}

static void say_message(const struct core *core,
                        const struct core_effect *effect,
                        struct core_text *text)
{
    struct who node = who(core, effect->node_id);

    switch (effect->message) {
    case CORE_SAY_MONITORING:
        set(text, CORE_LEVEL_INFO, "monitoring connection to upstream %s", node.text);
        break;
    case CORE_SAY_LOST:
        say_lost(core, effect->node_id, text);
        break;
    case CORE_SAY_ATTEMPT:
    case CORE_SAY_SLEEPING:
    case CORE_SAY_RECONNECTED:
    case CORE_SAY_GAVE_UP:
        say_attempts(core, effect, text);
        break;
    case CORE_SAY_VERDICT:
        say_verdict(core, &effect->why, text);
        break;
    case CORE_SAY_LOCAL_LOST:
        set(text, CORE_LEVEL_WARNING, "unable to connect to local %s", node.text);
        break;
    case CORE_SAY_LOCAL_BACK:
        set(text, CORE_LEVEL_NOTICE, "reconnected to local %s", node.text);
        break;
    case CORE_SAY_WAITING:
        say_waiting(core, &effect->why, text);
        break;
    case CORE_SAY_ALIVE:
        say_alive(core, effect, text);
        break;
    case CORE_SAY_STATUS:
        say_status(core, effect, text);
        break;
    case CORE_SAY_PRIMARY_MODE:
        set(text, CORE_LEVEL_INFO, "switching to primary monitoring mode");
        break;
    case CORE_SAY_MONITOR_PRIMARY:
        set(text, CORE_LEVEL_NOTICE, "monitoring cluster primary %s", node.text);
        break;
    case CORE_SAY_VOTED:
    case CORE_SAY_LEASE:
    case CORE_SAY_NO_STATE:
    case CORE_SAY_DAEMON_SILENT:
    case CORE_SAY_TWIN:
    case CORE_SAY_PAUSE:
        reason_lease_say(core, effect, text);
        break;
    case CORE_SAY_ACTION_FAILED:
        reason_sentence(core, &effect->why, text->text, sizeof text->text);
        text->level = CORE_LEVEL_ERROR;
        break;
    }
}

void reason_say(const struct core *core,
                const struct core_effect *effect,
                struct core_text *ret_text)
{
    char sentence[200];

    ret_text->detail[0] = '\0';
    ret_text->hint[0] = '\0';
    if (effect->kind == CORE_EFF_REPORT) {
        say_message(core, effect, ret_text);
        return;
    }
    CORE_ASSERT(effect->kind == CORE_EFF_ENTER);
    reason_sentence(core, &effect->why, sentence, sizeof sentence);
    set(ret_text, CORE_LEVEL_INFO, "state changed from \"%s\" to \"%s\"",
        reason_state_name(effect->from), reason_state_name(effect->state));
    (void)snprintf(ret_text->detail, sizeof ret_text->detail, "%s", sentence);
}

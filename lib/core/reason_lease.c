/* reason_lease.c - ballots and leases in words. */
#include "core/reason_lease.h"

#include <inttypes.h>
#include <stdio.h>

#include "core/internal.h"

static const char *name_of(const struct core *core, int id)
{
    const struct core_member *member = core_member(core, id);

    return member == NULL ? "(not registered)" : member->name;
}

/* "10 seconds". */
struct span {
    char text[32];
};

static struct span span_of(int64_t ms)
{
    struct span span;

    if (ms % 1000 == 0)
        (void)snprintf(span.text, sizeof span.text, "%" PRId64 " second%s", ms / 1000,
                       ms == 1000 ? "" : "s");
    else
        (void)snprintf(span.text, sizeof span.text, "%" PRId64 " ms", ms);
    return span;
}

static void say_support(const struct core_why *why, char *buf, unsigned long size)
{
    if (why->reason == CORE_WHY_LEASE_LOST)
        (void)snprintf(buf, size,
                       "this node is supported by %d of the voting nodes, itself "
                       "included; %d are needed",
                       why->a, why->b);
    else if (why->b == 0)
        (void)snprintf(buf, size, "this node needs no other one to accept writes");
    else
        (void)snprintf(buf, size,
                       "this node is supported by %d of the voting nodes again, itself "
                       "included",
                       why->a);
}

/* Why an own term is given up, or own PostgreSQL is stopped. */
static bool sentence_of_lease(const struct core *core,
                              const struct core_why *why,
                              char *buf,
                              unsigned long size)
{
    int64_t window_ms = window_of(&core->settings);

    switch (why->reason) {
    case CORE_WHY_LEASE:
    case CORE_WHY_LEASE_LOST:
        say_support(why, buf, size);
        return true;
    case CORE_WHY_LEASE_OVER:
        (void)snprintf(buf, size,
                       "no majority has supported this node as the primary for %s",
                       span_of(window_ms).text);
        return true;
    case CORE_WHY_TOO_LONG_FROZEN:
        (void)snprintf(buf, size,
                       "the PostgreSQL of this node was frozen for more than half of "
                       "the last %s",
                       span_of(3 * window_ms).text);
        return true;
    case CORE_WHY_CRASHED:
        (void)snprintf(buf, size, "the PostgreSQL of this node has crashed");
        return true;
    case CORE_WHY_STOPPED:
        (void)snprintf(buf, size, "the PostgreSQL of this node was stopped");
        return true;
    case CORE_WHY_HUNG:
        (void)snprintf(buf, size, "the PostgreSQL of this node hangs");
        return true;
    case CORE_WHY_GUARDED:
        (void)snprintf(buf, size,
                       "the PostgreSQL of this node was restarted and came up "
                       "read-only");
        return true;
    case CORE_WHY_LATER_LEADER:
        (void)snprintf(buf, size, "another node was elected as the primary");
        return true;
    case CORE_WHY_UNLEASED:
        (void)snprintf(buf, size,
                       "the PostgreSQL of this node is out of recovery, but no "
                       "majority has elected this node");
        return true;
    default:
        return false;
    }
}

/* Pauses (M3). */
static bool sentence_of_pause(const struct core_why *why, char *buf, unsigned long size)
{
    switch (why->reason) {
    case CORE_WHY_PAUSED:
        (void)snprintf(
            buf, size,
            "this node granted a pause: it elects nobody until that is over");
        return true;
    case CORE_WHY_UNPAUSED:
        (void)snprintf(buf, size, "the pause is over: this node votes again");
        return true;
    case CORE_WHY_RELIES:
        (void)snprintf(buf, size,
                       "enough nodes granted a pause: this primary needs no majority "
                       "while it lasts");
        return true;
    case CORE_WHY_RELIES_NO_MORE:
        (void)snprintf(buf, size,
                       "this primary needs a majority again: it relies on no pause");
        return true;
    default:
        return false;
    }
}

bool reason_lease_sentence(const struct core *core,
                           const struct core_why *why,
                           char *buf,
                           unsigned long size)
{
    const char *name = name_of(core, why->node_id);

    switch (why->reason) {
    case CORE_WHY_RESIGNED:
        (void)snprintf(buf, size, "node \"%s\" (ID: %d) gave up the lead", name,
                       why->node_id);
        return true;
    case CORE_WHY_PROMISED:
        (void)snprintf(
            buf, size,
            "this node supported node \"%s\" (ID: %d) less than %s ago: it may "
            "not vote for another yet",
            name, why->node_id, span_of(window_of(&core->settings)).text);
        return true;
    case CORE_WHY_SUPPORTED:
        (void)snprintf(buf, size, "%d of the voting nodes have no primary, %d must",
                       why->a, why->b);
        return true;
    case CORE_WHY_NO_REPORT:
        (void)snprintf(buf, size,
                       "the end of this node's WAL is not known yet: it replays what "
                       "it has");
        return true;
    case CORE_WHY_NO_STATE:
        (void)snprintf(buf, size,
                       "this node may not vote: its state file is missing or damaged, "
                       "or it has not seen a primary yet");
        return true;
    case CORE_WHY_CANVASS:
        (void)snprintf(buf, size, "asking for ballots in term %" PRId64, why->term);
        return true;
    case CORE_WHY_VOTED:
        (void)snprintf(buf, size,
                       "this node votes for node \"%s\" (ID: %d) in term %" PRId64,
                       name, why->node_id, why->term);
        return true;
    case CORE_WHY_AWAITED:
        (void)snprintf(buf, size,
                       "waiting for node \"%s\" (ID: %d), which this node supports in "
                       "term %" PRId64,
                       name, why->node_id, why->term);
        return true;
    case CORE_WHY_RENEWED:
        (void)snprintf(buf, size, "this node goes on leading, in term %" PRId64,
                       why->term);
        return true;
    case CORE_WHY_LOST_CANVASS:
        if (why->a < why->b)
            (void)snprintf(buf, size,
                           "this node was not elected in term %" PRId64
                           ": %d ballots, %d were needed",
                           why->term, why->a, why->b);
        else
            (void)snprintf(buf, size,
                           "this node does not stand in term %" PRId64 " any more",
                           why->term);
        return true;
    case CORE_WHY_WON:
        (void)snprintf(buf, size,
                       "this node was elected in term %" PRId64
                       " with %d of %d ballots",
                       why->term, why->a, why->b);
        return true;
    case CORE_WHY_DETACHED:
        (void)snprintf(buf, size,
                       "this node receives no WAL from node \"%s\" (ID: %d), which "
                       "answers",
                       name, why->node_id);
        return true;
    case CORE_WHY_TWIN:
        (void)snprintf(buf, size, "another daemon uses the node ID of this node (%d)",
                       why->node_id);
        return true;
    case CORE_WHY_LEADER_STOPPED:
        (void)snprintf(
            buf, size,
            "the PostgreSQL of node \"%s\" (ID: %d) answers, its daemon gives "
            "no sign",
            name, why->node_id);
        return true;
    default:
        return sentence_of_pause(why, buf, size) ||
               sentence_of_lease(core, why, buf, size);
    }
}

static void set(struct core_text *text, enum core_level level, const char *prefix)
{
    char sentence[200];

    (void)snprintf(sentence, sizeof sentence, "%.199s", text->text);
    (void)snprintf(text->text, sizeof text->text, "%s%s", prefix, sentence);
    text->level = level;
}

static void say_pause(const struct core_effect *effect, struct core_text *text)
{
    bool begins =
        effect->why.reason == CORE_WHY_PAUSED || effect->why.reason == CORE_WHY_RELIES;

    text->level = CORE_LEVEL_NOTICE;
    if (!begins)
        return;
    if (effect->why.a < 120)
        (void)snprintf(text->detail, sizeof text->detail, "for another %d second%s",
                       effect->why.a, effect->why.a == 1 ? "" : "s");
    else
        (void)snprintf(text->detail, sizeof text->detail, "for another %d minutes",
                       effect->why.a / 60);
    (void)snprintf(text->hint, sizeof text->hint,
                   "\"pgrmon service unpause\" ends it sooner");
}

/* What is to be done about a PostgreSQL that does not lead any more. */
static const char *hint_of(enum core_reason reason)
{
    switch (reason) {
    case CORE_WHY_NO_STATE:
        return REASON_HINT_NO_STATE;
    case CORE_WHY_CRASHED:
    case CORE_WHY_HUNG:
        return "look into the log of PostgreSQL; see who leads with \"pgrmon cluster "
               "show\"";
    case CORE_WHY_LEASE_OVER:
    case CORE_WHY_TOO_LONG_FROZEN:
        return "check the network between the nodes; see who leads with \"pgrmon "
               "cluster show\"";
    case CORE_WHY_STOPPED:
        return "PostgreSQL stays stopped until you start it; see who leads with "
               "\"pgrmon cluster show\"";
    default:
        return "see who leads with \"pgrmon cluster show\"";
    }
}

static void say_lease(const struct core *core,
                      const struct core_effect *effect,
                      struct core_text *text)
{
    int64_t window_ms = window_of(&core->settings);

    switch (effect->why.reason) {
    case CORE_WHY_LEASE:
        set(text, CORE_LEVEL_NOTICE, "continuing PostgreSQL: ");
        return;
    case CORE_WHY_LEASE_LOST:
        set(text, CORE_LEVEL_WARNING, "freezing PostgreSQL: ");
        (void)snprintf(text->detail, sizeof text->detail,
                       "clients wait; it goes on when enough nodes are heard again, "
                       "else it is ended in %s",
                       span_of(window_ms / 2).text);
        (void)snprintf(text->hint, sizeof text->hint,
                       "check the network, and that pgrmond runs on the other nodes: "
                       "\"pgrmon cluster show\"");
        return;
    case CORE_WHY_GUARDED:
        (void)snprintf(text->detail, sizeof text->detail,
                       "standby.signal sees to that (start_guard); an election decides "
                       "who is the primary now");
        break;
    default:
        break;
    }
    set(text, CORE_LEVEL_WARNING,
        effect->why.reason == CORE_WHY_UNLEASED ? "ending PostgreSQL: "
                                                : "giving up the lead: ");
    (void)snprintf(text->hint, sizeof text->hint, "%s", hint_of(effect->why.reason));
}

void reason_lease_say(const struct core *core,
                      const struct core_effect *effect,
                      struct core_text *ret_text)
{
    reason_sentence(core, &effect->why, ret_text->text, sizeof ret_text->text);
    switch (effect->message) {
    case CORE_SAY_VOTED:
        ret_text->level = CORE_LEVEL_NOTICE;
        break;
    case CORE_SAY_NO_STATE:
        ret_text->level = CORE_LEVEL_WARNING;
        (void)snprintf(ret_text->hint, sizeof ret_text->hint, "%s",
                       REASON_HINT_NO_STATE);
        break;
    case CORE_SAY_DAEMON_SILENT:
        ret_text->level = CORE_LEVEL_WARNING;
        (void)snprintf(ret_text->detail, sizeof ret_text->detail,
                       "no other node is elected while its PostgreSQL answers");
        (void)snprintf(ret_text->hint, sizeof ret_text->hint,
                       "start pgrmond on node \"%s\"", name_of(core, effect->node_id));
        break;
    case CORE_SAY_PAUSE:
        say_pause(effect, ret_text);
        break;
    case CORE_SAY_TWIN:
        ret_text->level = CORE_LEVEL_ERROR;
        (void)snprintf(
            ret_text->detail, sizeof ret_text->detail,
            "the others take its votes for ours, and it may vote for another "
            "node than we do");
        (void)snprintf(
            ret_text->hint, sizeof ret_text->hint,
            "find it with \"SELECT client_addr, application_name FROM "
            "pg_stat_activity\" and stop it; a cloned host needs a node_id of "
            "its own");
        break;
    default:
        say_lease(core, effect, ret_text);
        break;
    }
}

/* reason_lease.c - ballots and leases in words. */
#include "core/reason_lease.h"

#include <inttypes.h>
#include <stdio.h>

static const char *name_of(const struct core *core, int id)
{
    const struct core_member *member = core_member(core, id);

    return member == NULL ? "(not registered)" : member->name;
}

/* Why an own term is given up, or own PostgreSQL is stopped. */
static bool sentence_of_lease(const struct core *core,
                              const struct core_why *why,
                              char *buf,
                              unsigned long size)
{
    switch (why->reason) {
    case CORE_WHY_LEASE:
        if (why->b == 0)
            (void)snprintf(buf, size, "this node needs no quorum to accept writes");
        else
            (void)snprintf(buf, size, "%d of the voting nodes support this node again",
                           why->a);
        return true;
    case CORE_WHY_LEASE_LOST:
        (void)snprintf(buf, size, "%d of the voting nodes support this node, %d must",
                       why->a, why->b);
        return true;
    case CORE_WHY_LEASE_OVER:
        (void)snprintf(buf, size,
                       "too few nodes supported this node for a whole window");
        return true;
    case CORE_WHY_TOO_LONG_FROZEN:
        (void)snprintf(buf, size,
                       "the PostgreSQL of this node was frozen for more than "
                       "half of the last three windows");
        return true;
    case CORE_WHY_CRASHED:
        (void)snprintf(buf, size, "the PostgreSQL of this node died");
        return true;
    case CORE_WHY_STOPPED:
        (void)snprintf(buf, size, "the PostgreSQL of this node was stopped");
        return true;
    case CORE_WHY_HUNG:
        (void)snprintf(buf, size, "the PostgreSQL of this node hangs");
        return true;
    case CORE_WHY_GUARDED:
        (void)snprintf(buf, size,
                       "the PostgreSQL of this node was restarted, and came up "
                       "read-only");
        return true;
    case CORE_WHY_LATER_LEADER:
        (void)snprintf(buf, size, "another node leads in a later term");
        return true;
    case CORE_WHY_UNLEASED:
        (void)snprintf(buf, size,
                       "the PostgreSQL of this node is writable, but no "
                       "quorum supports it");
        return true;
    default:
        (void)core;
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
        (void)snprintf(buf, size, "node \"%s\" (ID: %d) gave up its term", name,
                       why->node_id);
        return true;
    case CORE_WHY_PROMISED:
        (void)snprintf(buf, size,
                       "the promise to support node \"%s\" (ID: %d) is not over", name,
                       why->node_id);
        return true;
    case CORE_WHY_SUPPORTED:
        (void)snprintf(buf, size, "%d of the voting nodes support nobody, %d must",
                       why->a, why->b);
        return true;
    case CORE_WHY_NO_REPORT:
        (void)snprintf(buf, size,
                       "it is not established yet where the WAL of this node ends");
        return true;
    case CORE_WHY_NO_STATE:
        (void)snprintf(buf, size,
                       "this node has no voice: its state file is missing or damaged, "
                       "or it has not known a leader yet");
        return true;
    case CORE_WHY_CANVASS:
        (void)snprintf(buf, size, "asking for ballots in term %" PRId64, why->term);
        return true;
    case CORE_WHY_VOTED:
        (void)snprintf(buf, size,
                       "this node votes for node \"%s\" (ID: %d) in term %" PRId64,
                       name, why->node_id, why->term);
        return true;
    case CORE_WHY_LOST_CANVASS:
        (void)snprintf(buf, size,
                       "term %" PRId64 " was not won: %d ballots, %d were needed",
                       why->term, why->a, why->b);
        return true;
    case CORE_WHY_WON:
        (void)snprintf(buf, size,
                       "this node won term %" PRId64 " with %d of %d ballots",
                       why->term, why->a, why->b);
        return true;
    case CORE_WHY_DETACHED:
        (void)snprintf(
            buf, size,
            "this node gets no WAL from node \"%s\" (ID: %d), which is there", name,
            why->node_id);
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
        return sentence_of_lease(core, why, buf, size);
    }
}

static void set(struct core_text *text, enum core_level level, const char *prefix)
{
    char sentence[200];

    (void)snprintf(sentence, sizeof sentence, "%.199s", text->text);
    (void)snprintf(text->text, sizeof text->text, "%s%s", prefix, sentence);
    text->level = level;
}

static void say_lease(const struct core *core,
                      const struct core_effect *effect,
                      struct core_text *text)
{
    switch (effect->why.reason) {
    case CORE_WHY_LEASE:
        set(text, CORE_LEVEL_NOTICE, "continuing PostgreSQL: ");
        return;
    case CORE_WHY_LEASE_LOST:
        set(text, CORE_LEVEL_WARNING, "freezing PostgreSQL: ");
        (void)snprintf(text->detail, sizeof text->detail,
                       "clients wait; it is continued when enough nodes are heard, or "
                       "ended in %" PRId64 " ms",
                       core->settings.reconnect_attempts *
                           core->settings.reconnect_interval_ms / 2);
        return;
    default:
        set(text, CORE_LEVEL_WARNING, "giving up the lead: ");
        (void)snprintf(text->hint, sizeof text->hint,
                       "see who leads with \"pgrmon cluster show\"");
        return;
    }
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
    case CORE_SAY_DAEMON_SILENT:
        ret_text->level = CORE_LEVEL_WARNING;
        (void)snprintf(ret_text->hint, sizeof ret_text->hint,
                       "start pgrmond on node \"%s\"", name_of(core, effect->node_id));
        break;
    case CORE_SAY_TWIN:
        ret_text->level = CORE_LEVEL_ERROR;
        (void)snprintf(ret_text->detail, sizeof ret_text->detail,
                       "its votes count as ours: nothing keeps it from voting against "
                       "them");
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

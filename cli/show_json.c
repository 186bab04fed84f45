/* show_json.c - `cluster show --json`, a contract; keys are added, never changed.
 *
 *   { "nodes": [ {
 *       "id", "name", "role" (as registered), "active", "voting", "priority",
 * "location", "upstream": { "id", "name", "attached": true | false | null } | null,
 *       "status" (the table's word without blanks), "reach" (ok, rejected, starting,
 *       failed, refused, silent, unusable, unknown), "running": bool,
 *       "running_as": "primary" | "standby" | null, "error": text | null,
 *       "timeline", "term", "lsn" (end of its WAL), "replayed_lsn", "lag_bytes",
 *       "replay_paused", "receiver_streaming",   (null where it did not answer)
 *       "system_identifier" (text: it exceeds what JSON readers keep of numbers),
 *       "daemon": { "phase", "leader_id", "term", "silent", "supports_leader",
 *                   "ballot_ms", "frozen", "voiceless", "paused", "relies_on_pause",
 *                   "pause_version", "members_version" } | null,
 *       "server_version" (150020), "took_ms", "conninfo" (passwords removed) } ],
 *     "primary_id": number | null, "term": number | null,
 *     "lease": { "leader_id", "term", "voters", "needed", "supporting",
 *                "oldest_ballot_ms" } | null, "split_brain": bool,
 *     "issues": [ text ] }
 */
#include <stdio.h>
#include <stdlib.h>

#include "cleanup.h"
#include "conninfo.h"
#include "note.h"
#include "render.h"
#include "show.h"

static void set(json_t *object, const char *key, json_t *value)
{
    if (json_object_set_new(object, key, value) != 0)
        err_out_of_memory();
}

static json_t *bool_if(bool known, bool value)
{
    return known ? json_boolean(value) : json_null();
}

static json_t *lsn_value(bool known, struct lsn lsn)
{
    char text[LSN_TEXT_SIZE];

    return known && lsn_known(lsn) ? render_json_text(lsn_format(lsn, text))
                                   : json_null();
}

static json_t *upstream_value(const struct show_row *row)
{
    json_t *object;

    if (row->upstream == NULL)
        return json_null();
    object = json_object();
    set(object, "id", json_integer(row->upstream->id));
    set(object, "name", render_json_text(row->upstream->name));
    set(object, "attached",
        bool_if(row->attach == SHOW_ATTACH_YES || row->attach == SHOW_ATTACH_NO,
                row->attach == SHOW_ATTACH_YES));
    return object;
}

static json_t *daemon_value(const struct daemons_row *row)
{
    const struct core_note *note = row->note;
    json_t *object;

    if (note == NULL)
        return json_null();
    object = json_object();
    set(object, "phase", render_json_text(note_phase_name(note->phase)));
    set(object, "leader_id", render_json_number(note->leader_id, note->leader_id > 0));
    set(object, "term", json_integer(note->term));
    set(object, "silent", json_boolean(row->sign == DAEMONS_OLD));
    set(object, "supports_leader", json_boolean(row->supports));
    set(object, "ballot_ms", render_json_number(row->ballot_ms, row->ballot_ms >= 0));
    set(object, "frozen", json_boolean(note->frozen));
    set(object, "voiceless", json_boolean(note->voiceless));
    set(object, "paused", json_boolean(note->paused));
    set(object, "relies_on_pause", json_boolean(note->relies));
    set(object, "pause_version",
        render_json_number(note->pause_version, note->pause_version > 0));
    set(object, "members_version", json_integer(note->members_version));
    return object;
}

static void set_record(json_t *object, const struct show_row *row)
{
    const struct node_record *record = row->record;
    char *conninfo CLEANUP(cleanup_free) = conninfo_redact(record->conninfo);

    set(object, "id", json_integer(record->id));
    set(object, "name", render_json_text(record->name));
    set(object, "role", render_json_text(node_role_name(record->role)));
    set(object, "active", json_boolean(record->active));
    set(object, "voting", json_boolean(record->voting));
    set(object, "priority", json_integer(record->priority));
    set(object, "location", render_json_text(record->location));
    set(object, "upstream", upstream_value(row));
    set(object, "conninfo", render_json_text(conninfo));
}

static void set_answer(json_t *object, const struct show_row *row)
{
    const struct gathered *answer = row->answer;
    const struct core_observation *seen = &answer->seen;
    bool up = seen->reach == REACH_OK;
    char identifier[24];

    (void)snprintf(identifier, sizeof identifier, "%llu",
                   (unsigned long long)seen->system_identifier);
    set(object, "status",
        render_json_text(row->status + (row->status[0] == ' ' ? 2 : 0)));
    set(object, "reach", render_json_text(reach_name(seen->reach)));
    set(object, "running", json_boolean(reach_is_alive(seen->reach)));
    set(object, "running_as",
        up ? render_json_text(seen->in_recovery ? "standby" : "primary") : json_null());
    set(object, "error", render_json_text(answer->message));
    set(object, "timeline",
        render_json_number(seen->timeline, up && seen->timeline > 0));
    set(object, "term", render_json_number(seen->term, up && seen->term > 0));
    set(object, "lsn", lsn_value(up, seen->position));
    set(object, "replayed_lsn", lsn_value(up && seen->in_recovery, seen->replayed));
    set(object, "lag_bytes", render_json_number(row->lag_bytes, row->lag_bytes >= 0));
    set(object, "replay_paused", bool_if(up && seen->in_recovery, seen->replay_paused));
    set(object, "receiver_streaming",
        bool_if(up && seen->in_recovery, seen->receiver_streaming));
    set(object, "system_identifier", render_json_text(up ? identifier : NULL));
    set(object, "daemon", daemon_value(row->daemon));
    set(object, "server_version",
        render_json_number(answer->server_version, answer->server_version > 0));
    set(object, "took_ms", json_integer(answer->took_ms));
}

/* Who leads with whose support, by their notes. */
static json_t *lease_value(const struct show *show)
{
    const struct daemons *daemons = &show->daemons;
    bool leads = daemons->leader >= 0;
    json_t *object;

    if (!daemons->any)
        return json_null();
    object = json_object();
    set(object, "leader_id",
        leads ? json_integer(show->rows[daemons->leader].record->id) : json_null());
    set(object, "term", render_json_number(daemons->term, leads));
    set(object, "voters", json_integer(daemons->n_voters));
    set(object, "needed", json_integer(daemons->needed));
    set(object, "supporting", json_integer(daemons->n_supporting));
    set(object, "oldest_ballot_ms",
        render_json_number(daemons->oldest_ms, daemons->oldest_ms >= 0));
    return object;
}

void show_print_json(const struct show *show, FILE *out)
{
    json_t *root = json_object();
    json_t *nodes = json_array();
    json_t *issues = json_array();

    for (int i = 0; i < show->n; i++) {
        json_t *node = json_object();

        set_record(node, &show->rows[i]);
        set_answer(node, &show->rows[i]);
        if (json_array_append_new(nodes, node) != 0)
            err_out_of_memory();
    }
    for (int i = 0; i < show->n_issues; i++)
        if (json_array_append_new(issues, render_json_text(show->issues[i])) != 0)
            err_out_of_memory();
    set(root, "nodes", nodes);
    set(root, "primary_id",
        show->primary >= 0 ? json_integer(show->rows[show->primary].record->id)
                           : json_null());
    set(root, "term", render_json_number(show->term, show->term > 0));
    set(root, "lease", lease_value(show));
    set(root, "split_brain", json_boolean(show->n_primaries > 1));
    set(root, "issues", issues);
    render_json_print(root, out);
}

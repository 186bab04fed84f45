/* explain_print.c - an explanation as text and as JSON: one list, two renderings. */
#include "explain_print.h"

#include <string.h>

#include "core/reason_explain.h"
#include "err.h"
#include "lsn.h"
#include "render.h"

/* ---- text ------------------------------------------------------------------------ */

static char mark(enum explain_status status)
{
    switch (status) {
    case EXPLAIN_HOLDS:
        return ' ';
    case EXPLAIN_FAILS:
        return '!';
    case EXPLAIN_UNKNOWN:
        break;
    }
    return '?';
}

/* What single nodes are concerned with is left out when another one was asked about. */
static bool is_wanted(const struct explain_finding *finding, int node_id)
{
    bool single =
        finding->part == EXPLAIN_NODES ||
        (finding->part == EXPLAIN_NOW && finding->kind > EXPLAIN_LEADER_ALONE);

    return node_id == 0 || !single || finding->node_id == node_id;
}

static void print_finding(const struct explain *explain,
                          const struct explain_finding *finding,
                          const char *said,
                          bool hints,
                          FILE *out)
{
    struct core_text text;

    reason_explain(explain, finding, &text);
    (void)fprintf(out, " %c %-4s  %s\n", mark(finding->status), finding->rule,
                  text.text);
    /* The same HINT twice in a row helps nobody. */
    if (hints && text.hint[0] != '\0' && strcmp(text.hint, said) != 0)
        (void)fprintf(out, "         HINT: %s\n", text.hint);
}

void explain_print_text(const struct explain *explain,
                        int node_id,
                        bool hints,
                        FILE *out)
{
    struct core_text text;
    char heading[200];
    int part = -1;

    reason_explain_conclusion(explain, &text);
    (void)fprintf(out, "%s\n", text.text);
    if (text.detail[0] != '\0')
        (void)fprintf(out, "%s\n", text.detail);
    text.hint[0] = '\0';
    for (int i = 0; i < explain->n; i++) {
        const struct explain_finding *finding = &explain->v[i];

        if (!is_wanted(finding, node_id))
            continue;
        if ((int)finding->part != part) {
            part = (int)finding->part;
            reason_explain_part(explain, finding->part, heading, sizeof heading);
            (void)fprintf(out, "\n%s:\n", heading);
        }
        print_finding(explain, finding, text.hint, hints, out);
        reason_explain(explain, finding, &text);
    }
}

/* ---- JSON ------------------------------------------------------------------------ */

static json_t *must(json_t *value)
{
    if (value == NULL)
        err_out_of_memory();
    return value;
}

static json_t *name_value(const struct explain *explain, int id)
{
    const struct core_member *member = core_member(&explain->rehearsal.onlooker, id);

    return render_json_text(member != NULL ? member->name : NULL);
}

static json_t *id_value(int id)
{
    return render_json_number(id, id > 0);
}

static json_t *finding_value(const struct explain *explain,
                             const struct explain_finding *finding)
{
    bool counts = finding->why.a != 0 || finding->why.b != 0;
    struct core_text text;

    reason_explain(explain, finding, &text);
    return must(json_pack(
        "{s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
        "part", reason_explain_part_name(finding->part), "rule", finding->rule,
        "status", reason_explain_status(finding->status), "finding",
        reason_explain_name(finding->kind), "node_id", id_value(finding->node_id),
        "node_name", name_value(explain, finding->node_id), "other_id",
        id_value(finding->other_id), "reason",
        render_json_text(finding->why.reason == CORE_WHY_NONE
                             ? NULL
                             : reason_name(finding->why.reason)),
        "count", render_json_number(finding->why.a, counts), "needed",
        render_json_number(finding->why.b, counts), "bytes",
        render_json_number(finding->bytes, finding->bytes >= 0), "ms",
        render_json_number(finding->ms, finding->ms >= 0), "text",
        render_json_text(text.text), "hint", render_json_text(text.hint)));
}

void explain_print_json(const struct explain *explain, FILE *out)
{
    json_t *findings = must(json_array());
    struct core_text text;

    reason_explain_conclusion(explain, &text);
    for (int i = 0; i < explain->n; i++)
        if (json_array_append_new(findings, finding_value(explain, &explain->v[i])) !=
            0)
            err_out_of_memory();
    render_json_print(
        must(json_pack("{s:o, s:o, s:o, s:o, s:I, s:b, s:o, s:o}", "leader_id",
                       id_value(explain->leader_id), "term",
                       render_json_number(explain->term, explain->term > 0),
                       "crash_promotes_id", id_value(explain->crash_id),
                       "host_loss_promotes_id", id_value(explain->host_id), "window_ms",
                       (json_int_t)explain->window_ms, "succeeds",
                       (int)explain->succeeds, "text", render_json_text(text.text),
                       "findings", findings)),
        out);
}

/* main.c - sim: named scenarios against their transcripts, or random schedules.
 *
 *   sim --golden DIR [--update] [NAME...]    compare with DIR/NAME.ok, or write it
 *   sim --seeds N [--seed S] [--share K/M]   N schedules from S on (default 1), or the
 *                                            K-th of M parts of them
 *   sim [--seed S] --survey N                the failures of N schedules, a line each
 *   sim --without WHAT ... --expect story    leave out a rule of lib/core, or a part of
 *                                            what makes it safe: prove.h
 *   sim --rules                              the rules that can be left out
 *   sim --show NAME                          print a scenario's transcript
 *   sim --list
 *
 * PGRMON_SEED=n replays one schedule with its transcript; PGRMON_SIM_SEEDS is a default
 * for --seeds that wins over the one given. */
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "prove.h"
#include "rules.h"
#include "sim.h"

/* ---- scenarios --------------------------------------------------------------- */

struct transcript {
    char *text;
    size_t size;
};

static bool play(const struct sim_scenario *scenario, struct transcript *ret)
{
    FILE *trace = open_memstream(&ret->text, &ret->size);
    struct sim *sim = sim_new(1, trace);
    bool ok;

    fprintf(trace, "%s: %s\n\n", scenario->name, scenario->about);
    trap_play(sim, scenario->play);
    ok = !sim->failed;
    fclose(trace);
    if (!ok)
        fprintf(stderr, "%sFAILED %s: %s\n", ret->text, scenario->name, sim->failure);
    sim_free(sim);
    return ok;
}

static char *read_all(const char *path)
{
    FILE *file = fopen(path, "re");
    char *text = NULL;
    size_t size = 0;

    if (file == NULL)
        return NULL;
    if (getdelim(&text, &size, '\0', file) < 0) {
        free(text);
        text = NULL;
    }
    fclose(file);
    return text;
}

static void show_difference(const char *expected, const char *got)
{
    int line = 1;
    size_t at = 0, start = 0;

    for (; expected[at] != '\0' && expected[at] == got[at]; at++)
        if (expected[at] == '\n') {
            line++;
            start = at + 1;
        }
    fprintf(stderr, "  line %d\n  expected: %.*s\n  got:      %.*s\n", line,
            (int)strcspn(expected + start, "\n"), expected + start,
            (int)strcspn(got + start, "\n"), got + start);
}

static bool compare(const char *dir,
                    const struct sim_scenario *scenario,
                    const char *got,
                    bool update)
{
    char path[4096];
    char *expected;
    bool same;

    (void)snprintf(path, sizeof path, "%s/%s.ok", dir, scenario->name);
    expected = read_all(path);
    same = expected != NULL && strcmp(expected, got) == 0;
    if (!same && update) {
        FILE *file = fopen(path, "we");

        same = file != NULL && fputs(got, file) >= 0;
        same = file != NULL && fclose(file) == 0 && same;
        fprintf(stderr, "%s %s\n", same ? "written" : "CANNOT WRITE", path);
    } else if (!same) {
        fprintf(stderr, "FAILED %s: not as in %s (accept with --update)\n",
                scenario->name, path);
        show_difference(expected == NULL ? "" : expected, got);
    }
    free(expected);
    return same;
}

/* Played twice: the same seed gives the same transcript. */
static bool
run_scenario(const struct sim_scenario *scenario, const char *dir, bool update)
{
    struct transcript one = {0}, two = {0};
    bool ok = play(scenario, &one) && play(scenario, &two);

    if (ok && strcmp(one.text, two.text) != 0) {
        fprintf(stderr, "FAILED %s: two runs differ\n", scenario->name);
        show_difference(one.text, two.text);
        ok = false;
    }
    ok = ok && compare(dir, scenario, one.text, update);
    free(one.text);
    free(two.text);
    return ok;
}

static const struct sim_scenario *find(const char *name)
{
    for (int i = 0; story_at(i) != NULL; i++)
        if (strcmp(story_at(i)->name, name) == 0)
            return story_at(i);
    fprintf(stderr, "no scenario is called \"%s\", see --list\n", name);
    exit(2);
}

static int run_scenarios(const char *dir, bool update, char **names)
{
    int failed = 0, n = 0;

    for (; *names == NULL && story_at(n) != NULL; n++)
        failed += !run_scenario(story_at(n), dir, update);
    for (; *names != NULL; names++, n++)
        failed += !run_scenario(find(*names), dir, update);
    printf("%d scenarios, %d failed\n", n, failed);
    return failed == 0 ? 0 : 1;
}

/* ---- what is left out ----------------------------------------------------------- */

static const struct {
    const char *name;
    enum sim_part part;
} parts[] = {
    {"fence",   SIM_FENCE  },
    {"sentry",  SIM_SENTRY },
    {"guard",   SIM_GUARD  },
    {"fsync",   SIM_FSYNC  },
    {"revoke",  SIM_REVOKE },
    {"boot-id", SIM_BOOT_ID},
    {"rate",    SIM_RATE   },
    {"version", SIM_VERSION},
};

static unsigned without;

static void leave_out(const char *name)
{
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (strcmp(parts[i].name, name) == 0) {
            without |= parts[i].part;
            return;
        }
    if (rule_leave_out(name))
        return;
    fprintf(stderr, "nothing is called \"%s\" that could be left out:", name);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        fprintf(stderr, " %s", parts[i].name);
    fputs(", or a rule of --rules\n", stderr);
    exit(2);
}

static enum prove expectation(const char *name)
{
    static const char *const names[] = {"violation", "story", "nothing"};

    for (int i = 0; i < 3; i++)
        if (strcmp(names[i], name) == 0)
            return (enum prove)i;
    fputs("--expect violation, story or nothing\n", stderr);
    exit(2);
}

/* ---- schedules --------------------------------------------------------------- */

static int replay(uint64_t seed)
{
    struct sim *sim = schedule_new(seed, stdout, without);
    bool ok;

    trap_play(sim, schedule_play);
    ok = !sim->failed;

    printf("seed %" PRIu64 ": %s\n", seed, ok ? "ok" : sim->failure);
    sim_free(sim);
    return ok ? 0 : 1;
}

/* Sums over many runs. */
struct sum {
    struct sim_stats stats;
    uint64_t two, excused, leaderless;
};

static void add_up(struct sum *sum, const struct sim *sim)
{
    const struct sim_stats *stats = &sim->stats;

    sum->stats.steps += stats->steps;
    sum->stats.promotions += stats->promotions;
    sum->stats.failovers += stats->failovers;
    sum->stats.renewals += stats->renewals;
    sum->stats.freezes += stats->freezes;
    sum->stats.kills += stats->kills;
    sum->stats.guarded += stats->guarded;
    sum->stats.lead_notes += stats->lead_notes;
    sum->stats.late_probes += stats->late_probes;
    sum->two += stats->two_writable > 0;
    sum->excused += sim->excuse != 0;
}

static void print_summary(uint64_t n, const struct sum *sum)
{
    const struct sim_stats *stats = &sum->stats;

    printf("%" PRIu64 " schedules: %" PRIu64
           " steps, %d promotions begun, %d failovers done, none broke a rule\n",
           n, stats->steps, stats->promotions, stats->failovers);
    printf("%d terms led, %d freezes, %d kills, %d guarded starts, %d late notes\n",
           stats->lead_notes, stats->freezes, stats->kills, stats->guarded,
           stats->late_probes);
    printf("not covered (design.md 3.9): %" PRIu64
           " schedules, two nodes writable in %" PRIu64 "\n",
           sum->excused, sum->two);
}

/* Of schedules that several processes share: the k-th of n parts. */
struct share {
    uint64_t k, n;
};

static struct share one_share(const char *text)
{
    char *end = NULL;
    struct share share = {.k = strtoull(text, &end, 10)};

    share.n = *end == '/' ? strtoull(end + 1, &end, 10) : 0;
    if (*end == '\0' && share.k >= 1 && share.k <= share.n)
        return share;
    fputs("--share K/N, with K from 1 to N\n", stderr);
    exit(2);
}

static int run_schedules(uint64_t first, uint64_t n)
{
    struct sum sum = {0};

    for (uint64_t seed = first; seed < first + n; seed++) {
        struct sim *sim = schedule_new(seed, NULL, without);
        bool failed;

        trap_play(sim, schedule_play);
        failed = sim->failed;

        add_up(&sum, sim);
        sim_free(sim);
        if (failed) {
            printf("schedule %" PRIu64 " fails; its transcript:\n", seed);
            (void)replay(seed);
            printf("replay it with PGRMON_SEED=%" PRIu64 "\n", seed);
            return 1;
        }
    }
    print_summary(n, &sum);
    return 0;
}

/* ---- the command ------------------------------------------------------------- */

/* All failures of many, a line each: to see which kinds there are. */
static int survey(uint64_t first, uint64_t n)
{
    uint64_t failed = 0;

    for (uint64_t seed = first; seed < first + n; seed++) {
        struct sim *sim = schedule_new(seed, NULL, without);

        trap_play(sim, schedule_play);
        if (sim->failed) {
            failed++;
            printf("%" PRIu64 " at %" PRId64 ": %s\n", seed, sim->now.ms, sim->failure);
        }
        sim_free(sim);
    }
    printf("%" PRIu64 " of %" PRIu64 " fail\n", failed, n);
    return failed == 0 ? 0 : 1;
}

enum {
    OPT_GOLDEN = 256,
    OPT_UPDATE,
    OPT_SEEDS,
    OPT_SEED,
    OPT_SHOW,
    OPT_LIST,
    OPT_SURVEY,
    OPT_WITHOUT,
    OPT_RULES,
    OPT_EXPECT,
    OPT_SHARE
};

static const struct option options[] = {
    {"golden",  required_argument, NULL, OPT_GOLDEN },
    {"update",  no_argument,       NULL, OPT_UPDATE },
    {"seeds",   required_argument, NULL, OPT_SEEDS  },
    {"seed",    required_argument, NULL, OPT_SEED   },
    {"show",    required_argument, NULL, OPT_SHOW   },
    {"list",    no_argument,       NULL, OPT_LIST   },
    {"without", required_argument, NULL, OPT_WITHOUT},
    {"survey",  required_argument, NULL, OPT_SURVEY },
    {"rules",   no_argument,       NULL, OPT_RULES  },
    {"expect",  required_argument, NULL, OPT_EXPECT },
    {"share",   required_argument, NULL, OPT_SHARE  },
    {NULL,      0,                 NULL, 0          },
};

static int show(const char *name)
{
    struct transcript transcript = {0};
    bool ok = play(find(name), &transcript);

    fputs(transcript.text, stdout);
    free(transcript.text);
    return ok ? 0 : 1;
}

static int list(void)
{
    for (int i = 0; story_at(i) != NULL; i++)
        printf("%-28s %s\n", story_at(i)->name, story_at(i)->about);
    return 0;
}

struct command {
    const char *golden;
    bool update;
    uint64_t seeds, seed; /* seeds 0: the default */
    struct share share;
    int expected; /* enum prove, or -1 */
};

static int run(const struct command *command, char **names)
{
    const char *one = getenv("PGRMON_SEED");
    const char *many = getenv("PGRMON_SIM_SEEDS");
    uint64_t n = command->seeds == 0 ? 3000 : command->seeds, from, to;

    if (command->expected >= 0)
        return prove((enum prove)command->expected, command->seed, n, without);
    if (command->golden != NULL)
        return run_scenarios(command->golden, command->update, names);
    if (one != NULL)
        return replay(strtoull(one, NULL, 10));
    if (many != NULL && *many != '\0')
        n = strtoull(many, NULL, 10);
    from = n * (command->share.k - 1) / command->share.n;
    to = n * command->share.k / command->share.n;
    return run_schedules(command->seed + from, to - from);
}

int main(int argc, char **argv)
{
    struct command command = {
        .seed = 1, .share = {1, 1},
             .expected = -1
    };

    trap_assertions();
    for (int opt; (opt = getopt_long(argc, argv, "", options, NULL)) != -1;)
        switch (opt) {
        case OPT_GOLDEN:
            command.golden = optarg;
            break;
        case OPT_UPDATE:
            command.update = true;
            break;
        case OPT_SEEDS:
            command.seeds = strtoull(optarg, NULL, 10);
            break;
        case OPT_SEED:
            command.seed = strtoull(optarg, NULL, 10);
            break;
        case OPT_SHARE:
            command.share = one_share(optarg);
            break;
        case OPT_WITHOUT:
            leave_out(optarg);
            break;
        case OPT_EXPECT:
            command.expected = expectation(optarg);
            break;
        case OPT_RULES:
            rule_list();
            return 0;
        case OPT_SURVEY:
            return survey(command.seed, strtoull(optarg, NULL, 10));
        case OPT_SHOW:
            return show(optarg);
        case OPT_LIST:
            return list();
        default:
            return 2;
        }
    return run(&command, argv + optind);
}

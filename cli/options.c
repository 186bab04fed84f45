/* options.c - from argv to struct cmd_line, by getopt_long and the table.
 *
 * getopt_long sees the union of all options, so that one which the command does not
 * know can be told apart from one that nobody knows: the former is a warning, the
 * latter an error (as in repmgr). Errors are collected, never printed here. */
#include "options.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cleanup.h"
#include "option_table.h"

/* getopt_long returns this plus the row's index, for every option. */
#define VALUE_BASE 1000

/* Options have at most this many rows; option_table_size is checked against it. */
#define MAX_ROWS 80

struct parser {
    struct options *out;
    struct option long_options[MAX_ROWS + 1];
    char letters[3 * MAX_ROWS + 2];
    bool given[MAX_ROWS];
};

__attribute__((format(printf, 2, 3))) static void
add_text(struct options_texts *texts, const char *fmt, ...)
{
    va_list args;
    char **grown = realloc(texts->v, (texts->n + 1) * sizeof *grown);

    if (grown == NULL)
        err_out_of_memory();
    texts->v = grown;
    va_start(args, fmt);
    if (vasprintf(&grown[texts->n], fmt, args) < 0)
        err_out_of_memory();
    va_end(args);
    texts->n++;
}

static int argument_rule(enum option_kind kind)
{
    switch (kind) {
    case OPTION_STRING:
    case OPTION_INT:
    case OPTION_IGNORED_ARG:
        return required_argument;
    case OPTION_MAYBE_INT:
        return optional_argument;
    case OPTION_FLAG:
    case OPTION_CHECK:
    case OPTION_ASK:
    case OPTION_IGNORED:
        return no_argument;
    }
    return no_argument;
}

/* The leading colon makes getopt tell a missing argument from an unknown option. '?' is
 * an option of ours and getopt's word for an error at the same time: see next_option.
 */
static void prepare(struct parser *parser)
{
    char *letter = parser->letters;

    *letter++ = ':';
    for (size_t i = 0; i < option_table_size && i < MAX_ROWS; i++) {
        const struct option_row *row = &option_table[i];
        int rule = argument_rule(row->kind);

        parser->long_options[i] =
            (struct option){row->name, rule, NULL, VALUE_BASE + (int)i};
        if (row->letter == 0)
            continue;
        *letter++ = row->letter;
        for (int colons = 0; colons < rule; colons++)
            *letter++ = ':';
    }
    *letter = '\0';
}

static size_t row_of_letter(int letter)
{
    for (size_t i = 0; i < option_table_size; i++)
        if (option_table[i].letter == letter)
            return i;
    return option_table_size;
}

static void *field_at(struct cmd_line *line, size_t offset)
{
    return (char *)line + offset;
}

static void apply_int(struct parser *parser, const struct option_row *row)
{
    int *field = field_at(&parser->out->line, row->field);
    char *end;
    long value;

    if (optarg == NULL) {
        *field = row->value;
        return;
    }
    errno = 0;
    value = strtol(optarg, &end, 10);
    if (errno != 0 || end == optarg || *end != '\0' || value < row->min ||
        value > row->max)
        add_text(&parser->out->errors,
                 "invalid value \"%s\" for option --%s: a whole number from %d on is "
                 "needed",
                 optarg, row->name, row->min);
    else
        *field = (int)value;
}

static void apply(struct parser *parser, size_t index)
{
    const struct option_row *row = &option_table[index];
    struct cmd_line *line = &parser->out->line;

    parser->given[index] = true;
    if (row->flag != OPTION_NO_FIELD)
        *(bool *)field_at(line, row->flag) = true;
    switch (row->kind) {
    case OPTION_FLAG:
        *(bool *)field_at(line, row->field) = true;
        break;
    case OPTION_STRING:
        *(const char **)field_at(line, row->field) = optarg;
        break;
    case OPTION_INT:
    case OPTION_MAYBE_INT:
        apply_int(parser, row);
        break;
    case OPTION_CHECK:
        line->checks |= (unsigned)row->value;
        break;
    case OPTION_ASK:
        parser->out->ask = (enum options_ask)row->value;
        break;
    case OPTION_IGNORED:
    case OPTION_IGNORED_ARG:
        add_text(&parser->out->warnings,
                 "option --%s has no meaning in pgrmon and is ignored", row->name);
        break;
    }
}

/* An option as typed, without a value that could be a password. */
static void add_unknown(struct parser *parser, const char *typed)
{
    const char *names[MAX_ROWS + 1] = {NULL};
    char *name CLEANUP(cleanup_free) = strndup(typed, strcspn(typed, "="));
    const char *meant;

    if (name == NULL)
        err_out_of_memory();
    for (size_t i = 0; i < option_table_size; i++)
        names[i] = option_table[i].name;
    meant = strncmp(name, "--", 2) == 0 ? options_suggest(name + 2, names) : NULL;
    if (meant != NULL)
        add_text(&parser->out->errors, "unknown option \"%s\"; did you mean \"--%s\"?",
                 name, meant);
    else
        add_text(&parser->out->errors, "unknown option \"%s\"", name);
}

/* What getopt calls an error: ':' = argument missing, '?' = unknown, or an argument
 * where none belongs. `before` is the word it was reading. */
static void add_getopt_error(struct parser *parser, int result, const char *before)
{
    if (result == ':')
        add_text(&parser->out->errors, "option \"%s\" needs an argument", before);
    else if (optopt >= VALUE_BASE)
        add_text(&parser->out->errors, "option --%s takes no argument",
                 option_table[optopt - VALUE_BASE].name);
    else if (optopt != 0)
        add_text(&parser->out->errors, "unknown option \"-%c\"", optopt);
    else
        add_unknown(parser, before);
}

static void parse_words(struct parser *parser, int argc, char **argv)
{
    optind = 0; /* glibc: start afresh, for tests that parse several lines */
    opterr = 0;
    for (;;) {
        const char *before;
        int result;

        optopt = 0;
        result = getopt_long(argc, argv, parser->letters, parser->long_options, NULL);
        if (result == -1)
            return;
        before = argv[optind - 1];
        if (result >= VALUE_BASE)
            apply(parser, (size_t)(result - VALUE_BASE));
        else if (result == '?' && strcmp(before, "-?") == 0)
            apply(parser, row_of_letter('?'));
        else if (result == '?' || result == ':')
            add_getopt_error(parser, result, before);
        else
            apply(parser, row_of_letter(result));
    }
}

static void warn_of_foreign(struct parser *parser)
{
    const struct cmd *cmd = parser->out->cmd;

    for (size_t i = 0; i < option_table_size; i++) {
        const struct option_row *row = &option_table[i];

        if (parser->given[i] && row->bits != 0 &&
            (row->bits & cmd_option_bits(cmd)) == 0)
            add_text(&parser->out->warnings,
                     "option --%s is not needed by \"%s %s\" and is ignored", row->name,
                     cmd->object, cmd->action);
    }
}

static void check_combinations(struct options *out)
{
    const struct cmd_line *line = &out->line;
    struct options_texts *errors = &out->errors;
    unsigned checks = line->checks;

    if (line->csv + line->json + line->nagios > 1)
        add_text(errors, "--csv, --json and --nagios exclude each other");
    if (line->tree && (line->csv || line->json))
        add_text(errors, "--tree is for people: it excludes --csv and --json");
    if (line->wait && line->no_wait)
        add_text(errors, "--wait and --no-wait exclude each other");
    if (line->all && line->limit != 0)
        add_text(errors, "--all and --limit exclude each other");
    if (line->node_id != 0 && line->node_name != NULL)
        add_text(errors, "--node-id and --node-name exclude each other");
    if (line->nagios && (checks == 0 || (checks & (checks - 1)) != 0))
        add_text(errors, "--nagios needs exactly one check, such as --replication-lag");
    if (line->quiet && line->verbose)
        add_text(errors, "--quiet and --verbose exclude each other");
    if (line->log_level != NULL) {
        enum log_level ignored;

        if (!log_level_parse(line->log_level, &ignored))
            add_text(errors,
                     "unknown log level \"%s\": use DEBUG, INFO, NOTICE, WARNING or "
                     "ERROR",
                     line->log_level);
    }
}

static void add_unknown_object(struct options *out, const char *typed)
{
    const char *names[64] = {NULL};
    const char *meant;
    size_t n = 0;

    for (const struct cmd *const *row = cmd_table; *row != NULL && n < 63; row++)
        names[n++] = (*row)->object;
    meant = options_suggest(typed, names);
    if (meant != NULL)
        add_text(&out->errors, "unknown object \"%s\"; did you mean \"%s\"?", typed,
                 meant);
    else
        add_text(&out->errors, "unknown object \"%s\"", typed);
}

static void add_unknown_action(struct options *out, const char *typed)
{
    const char *names[64] = {NULL};
    const char *meant;
    size_t n = 0;

    for (const struct cmd *const *row = cmd_table; *row != NULL && n < 63; row++)
        if (strcmp((*row)->object, out->object) == 0)
            names[n++] = (*row)->action;
    meant = options_suggest(typed, names);
    if (meant != NULL)
        add_text(&out->errors, "unknown command \"%s %s\"; did you mean \"%s %s\"?",
                 out->object, typed, out->object, meant);
    else
        add_text(&out->errors, "unknown command \"%s %s\"", out->object, typed);
}

/* Is `typed` one of "on|off". */
static bool is_one_of(const char *choices, const char *typed)
{
    size_t length = strlen(typed);

    while (length > 0 && *choices != '\0') {
        size_t n = strcspn(choices, "|");

        if (n == length && strncasecmp(choices, typed, n) == 0)
            return true;
        choices += n + (choices[n] == '|');
    }
    return false;
}

/* The word after the action, where the command wants one; the spelling of the table is
 * that of small letters. Returns how many words it took. */
static int take_word(struct options *out, int n_words, char **words)
{
    if (out->cmd == NULL || out->cmd->words == NULL)
        return 0;
    if (n_words == 0) {
        if (out->ask == OPTIONS_RUN)
            add_text(&out->errors, "\"%s %s\" wants one of: %s", out->cmd->object,
                     out->cmd->action, out->cmd->words);
        return 0;
    }
    if (!is_one_of(out->cmd->words, words[0])) {
        add_text(&out->errors, "unknown word \"%s\": \"%s %s\" wants one of: %s",
                 words[0], out->cmd->object, out->cmd->action, out->cmd->words);
        return 1;
    }
    for (char *at = words[0]; *at != '\0'; at++)
        *at = (char)tolower((unsigned char)*at);
    out->line.word = words[0];
    return 1;
}

/* The words that are left: object, action, perhaps one more, and nothing else. */
static void find_command(struct options *out, int n_words, char **words)
{
    int first = 2;

    if (n_words > 0 && strcasecmp(words[0], "help") == 0) {
        out->ask = OPTIONS_HELP;
        n_words--;
        words++;
    }
    if (n_words > 0) {
        out->object = cmd_object_name(words[0]);
        if (out->object == NULL)
            add_unknown_object(out, words[0]);
    } else if (out->ask == OPTIONS_RUN) {
        add_text(&out->errors, "no command given");
    }
    if (out->object == NULL)
        return;
    if (n_words > 1) {
        out->cmd = cmd_find(words[0], words[1]);
        if (out->cmd == NULL)
            add_unknown_action(out, words[1]);
    } else if (out->ask == OPTIONS_RUN) {
        add_text(&out->errors, "no action given for \"%s\"", out->object);
    }
    if (n_words >= 2)
        first = 2 + take_word(out, n_words - 2, words + 2);
    for (int i = first; i < n_words; i++)
        add_text(&out->errors, "unexpected argument \"%s\"", words[i]);
}

void options_parse(struct options *ret, int argc, char **argv)
{
    struct parser parser = {.out = ret};

    *ret = (struct options){
        .line = {.wait_s = -1, .wait_sync_s = -1, .wait_start_s = -1, .keep_days = -1},
    };
    prepare(&parser);
    parse_words(&parser, argc, argv);
    if (ret->ask == OPTIONS_VERSION || ret->ask == OPTIONS_VERSION_NUMBER)
        return;
    find_command(ret, argc - optind, argv + optind);
    if (ret->ask == OPTIONS_HELP)
        return;
    check_combinations(ret);
    if (ret->cmd != NULL)
        warn_of_foreign(&parser);
}

static void free_texts(struct options_texts *texts)
{
    for (size_t i = 0; i < texts->n; i++)
        free(texts->v[i]);
    free(texts->v);
    *texts = (struct options_texts){0};
}

void options_deinit(struct options *options)
{
    free_texts(&options->errors);
    free_texts(&options->warnings);
}

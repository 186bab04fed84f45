/* main.c - pgrmon: parse the line, load the configuration, run one command, print its
 * error once. The only place that ends the process. */
#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cleanup.h"
#include "cmd.h"
#include "conninfo.h"
#include "log.h"
#include "options.h"

static int finish(int code)
{
    if (fflush(stdout) != 0 || ferror(stdout) != 0) {
        (void)fprintf(stderr, "ERROR: could not write output: %s\n", strerror(errno));
        return code != 0 ? code : EXIT_CODE_SYSTEM;
    }
    return code;
}

static int print_version(enum options_ask ask)
{
    if (ask == OPTIONS_VERSION_NUMBER)
        (void)printf("%d\n", PGRMON_VERSION_NUMBER);
    else
        (void)printf("pgrmon %s\n", PGRMON_VERSION);
    return finish(EXIT_CODE_SUCCESS);
}

/* The list at once, as repmgr does: one correction round instead of many. */
static int print_errors(const struct options *options)
{
    log_error("following errors were found in the command line:");
    for (size_t i = 0; i < options->errors.n; i++) {
        char *text CLEANUP(cleanup_free) = conninfo_redact(options->errors.v[i]);

        (void)fprintf(stderr, "  %s\n", text);
    }
    if (options->cmd != NULL)
        log_hint(LOG_LEVEL_ERROR, "see \"pgrmon %s %s --help\"", options->cmd->object,
                 options->cmd->action);
    else if (options->object != NULL)
        log_hint(LOG_LEVEL_ERROR, "see \"pgrmon %s --help\"", options->object);
    else
        log_hint(LOG_LEVEL_ERROR, "see \"pgrmon --help\"");
    return EXIT_CODE_BAD_CONFIG;
}

static int start_log(const struct cmd_line *line, struct err *err)
{
    struct log_options options = {
        .style = LOG_STYLE_CLI,
        .sink = LOG_SINK_STDERR,
        .level = LOG_LEVEL_INFO,
        .ident = "pgrmon",
        .terse = line->terse,
    };

    if (line->log_level != NULL)
        (void)log_level_parse(line->log_level, &options.level);
    if (line->verbose)
        options.level = LOG_LEVEL_DEBUG;
    if (line->quiet)
        options.level = LOG_LEVEL_ERROR;
    if (line->dry_run && options.level > LOG_LEVEL_INFO)
        options.level = LOG_LEVEL_INFO; /* the checks are the point of it */
    return log_open(&options, err);
}

/* One word of the line as a shell would read it back; one that holds a password is only
 * named. */
static void append_word(char *text, size_t size, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "0123456789-_=./:,@%+";
    size_t used = strlen(text);
    const char *quote = "'";

    if (conninfo_has_secret(word))
        word = "CONNINFO";
    if (word[0] != '\0' && word[strspn(word, plain)] == '\0')
        quote = "";
    (void)snprintf(text + used, size - used, " %s%s%s", quote, word, quote);
}

static int refuse_root(int argc, char **argv)
{
    struct err err = ERR_INIT;
    char words[sizeof err.hint - 64] = "";

    for (int i = 1; i < argc; i++)
        append_word(words, sizeof words, argv[i]);
    (void)err_set(&err, EXIT_CODE_BAD_CONFIG, "pgrmon cannot be run as root");
    err_detail(&err, "it acts as the operating-system user that runs PostgreSQL");
    err_hint(&err, "execute \"sudo -u postgres pgrmon%s\"", words);
    log_err(LOG_LEVEL_ERROR, &err);
    return EXIT_CODE_BAD_CONFIG;
}

static bool is_conninfo(const char *dbname)
{
    return strchr(dbname, '=') != NULL || strncmp(dbname, "postgresql://", 13) == 0 ||
           strncmp(dbname, "postgres://", 11) == 0;
}

/* -d -h -p -U to one connection string, in which -h, -p and -U win. */
static int build_source(struct cmd_context *context, struct err *err)
{
    const struct cmd_line *line = &context->line;
    struct conninfo_change changes[4];
    const char *base = "";
    size_t n = 0;
    int r;

    if (line->dbname == NULL && line->host == NULL && line->port == NULL &&
        line->username == NULL)
        return 0;
    if (line->dbname != NULL && is_conninfo(line->dbname))
        base = line->dbname;
    else if (line->dbname != NULL)
        changes[n++] = (struct conninfo_change){"dbname", line->dbname};
    if (line->host != NULL)
        changes[n++] = (struct conninfo_change){"host", line->host};
    if (line->port != NULL)
        changes[n++] = (struct conninfo_change){"port", line->port};
    if (line->username != NULL)
        changes[n++] = (struct conninfo_change){"user", line->username};
    r = conninfo_build(&context->source_conninfo, base, changes, n, err);
    if (r < 0)
        err_prefix(err, "could not understand the connection options");
    return r;
}

/* ps must not show a password longer than necessary. */
static void hide_secrets(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        size_t length = strlen(argv[i]);
        size_t left;

        if (!conninfo_has_secret(argv[i]))
            continue;
        conninfo_redact_buf(argv[i], length + 1);
        left = strlen(argv[i]);
        (void)memset(argv[i] + left, 0, length - left); /* ps reads beyond the end */
    }
}

static void report_issues(const struct config *config)
{
    for (size_t i = 0; i < config->issues.n; i++) {
        const struct config_issue *issue = &config->issues.items[i];
        char *text CLEANUP(cleanup_free) = config_issue_text(issue);

        if (issue->severity == CONFIG_WARNING)
            log_warning("%s", text);
        else if (issue->severity == CONFIG_INFO)
            log_debug("%s", text);
    }
}

static void hint_config(const struct cmd_context *context, struct err *err)
{
    const char *file = context->line.config_file;

    if (file == NULL && context->config.file != NULL)
        file = context->config.file;
    if (file != NULL && file[0] != '\0')
        err_hint(err, "correct it and execute \"pgrmon -f %s config check\"", file);
    else
        err_hint(err, "correct it and execute \"pgrmon config check\"");
}

/* With connection options a configuration file is welcome but not needed: then only one
 * that was named with -f must be right. */
static int
load_config(const struct cmd *cmd, struct cmd_context *context, struct err *err)
{
    bool optional = cmd->need == CMD_NEED_CONFIG_OR_CONN &&
                    context->source_conninfo != NULL &&
                    context->line.config_file == NULL;
    int r = config_load(&context->config, context->line.config_file, err);

    if (r == 0) {
        context->has_config = true;
    } else if (optional) {
        if (r != -ENOENT)
            log_err(LOG_LEVEL_WARNING, err); /* nobody named it, it is not needed */
        *err = (struct err)ERR_INIT;
        config_free(&context->config);
        r = config_from_conninfo(&context->config, context->source_conninfo, err);
    } else if (r == -ENOENT && context->line.config_file == NULL) {
        err_hint(err,
                 "name it with \"-f FILE\", or name any node with \"-h HOST -U ROLE "
                 "-d DATABASE\" where the command allows it");
    } else if (err->hint[0] == '\0') {
        hint_config(context, err);
    }
    return r;
}

static int refuse_witness(const struct cmd *cmd, struct err *err)
{
    (void)err_set(err, EXIT_CODE_BAD_CONFIG, "\"%s %s\" is not for a witness",
                  cmd->object, cmd->action);
    err_detail(err, "\"type\" is witness: this node has no PostgreSQL");
    err_hint(err, "run it on a data node; see \"pgrmon witness --help\"");
    return EXIT_CODE_BAD_CONFIG;
}

static int run(const struct cmd *cmd, struct cmd_context *context, struct err *err)
{
    if (cmd->need != CMD_NEED_NOTHING) {
        int r = load_config(cmd, context, err);

        report_issues(&context->config);
        if (r < 0)
            return EXIT_CODE_BAD_CONFIG;
        if (context->line.pg_bindir != NULL) {
            free(context->config.pg_bindir);
            context->config.pg_bindir = xstrdup(context->line.pg_bindir);
        }
        if (cmd->need == CMD_NEED_DATA_NODE &&
            context->config.type == CONFIG_NODE_WITNESS)
            return refuse_witness(cmd, err);
    }
    return cmd->run(context, err);
}

static int run_and_report(struct options *options, int argc, char **argv)
{
    struct cmd_context context = {.line = options->line};
    struct err err = ERR_INIT;
    int code = EXIT_CODE_SUCCESS;

    for (size_t i = 0; i < options->warnings.n; i++)
        log_warning("%s", options->warnings.v[i]);
    if ((cmd_option_bits(options->cmd) & CMD_OPT_CONN) != 0 &&
        build_source(&context, &err) < 0)
        code = EXIT_CODE_BAD_CONFIG;
    hide_secrets(argc, argv);
    if (code == EXIT_CODE_SUCCESS)
        code = finish(run(options->cmd, &context, &err));
    if (code != EXIT_CODE_SUCCESS && err.text[0] != '\0')
        log_err(LOG_LEVEL_ERROR, &err);
    config_free(&context.config);
    free(context.source_conninfo);
    return code;
}

static int dispatch(struct options *options, int argc, char **argv)
{
    struct err err = ERR_INIT;

    if (options->ask == OPTIONS_VERSION || options->ask == OPTIONS_VERSION_NUMBER)
        return print_version(options->ask);
    if (options->errors.n > 0)
        return print_errors(options);
    if (options->ask == OPTIONS_HELP) {
        options_print_help(options, stdout);
        return finish(EXIT_CODE_SUCCESS);
    }
    if (geteuid() == 0 && strcmp(options->cmd->object, "config") != 0)
        return refuse_root(argc, argv);
    if (start_log(&options->line, &err) < 0) {
        log_err(LOG_LEVEL_ERROR, &err);
        return EXIT_CODE_SYSTEM;
    }
    return run_and_report(options, argc, argv);
}

int main(int argc, char **argv)
{
    struct options options;
    int code;

    (void)setlocale(LC_CTYPE, ""); /* widths of names in tables */
    options_parse(&options, argc, argv);
    code = dispatch(&options, argc, argv);
    options_deinit(&options);
    log_close();
    return code;
}

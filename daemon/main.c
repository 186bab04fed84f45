/* main.c - pgrmond: options, configuration, log, PID file; then the loop. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cleanup.h"
#include "daemon.h"
#include "daemonize.h"
#include "err.h"
#include "log.h"
#include "options.h"
#include "pidfile.h"
#include "reload.h"

/* repmgr's exit codes, as far as a daemon has use for them. */
enum { EXIT_OK = 0, EXIT_BAD_CONFIG = 1, EXIT_BAD_PIDFILE = 3, EXIT_SYSTEM = 13 };

static int fail(const struct err *err, int exit_code)
{
    log_err(LOG_LEVEL_ERROR, err);
    return exit_code;
}

/* pg_ctl refuses to work for root, and PostgreSQL's files are not root's. */
static int check_user(struct err *err)
{
    if (geteuid() != 0)
        return 0;
    (void)err_set(err, -EPERM, "pgrmond must not be run as root");
    err_detail(err, "it acts on PostgreSQL as the user that runs PostgreSQL");
    err_hint(err, "run it as that user: \"sudo -u postgres pgrmond ...\"");
    return -EPERM;
}

static const char *pid_path(const struct options *options, const struct config *config)
{
    if (options->no_pid_file)
        return "";
    return options->pid_file != NULL ? options->pid_file : config->pid_file;
}

/* A PID file given on the line is relative to where we were started. */
static char *absolute(const char *path)
{
    char *cwd CLEANUP(cleanup_free) = getcwd(NULL, 0);

    if (path[0] == '\0' || path[0] == '/' || cwd == NULL)
        return xstrdup(path);
    return xasprintf("%s/%s", cwd, path);
}

static void on_ready(void *arg)
{
    daemonize_report(arg, EXIT_OK);
}

/* From a loaded configuration to the end of the loop. */
static int run(const struct options *options, struct config *config, int *report)
{
    struct pidfile pidfile = PIDFILE_NULL;
    struct err err = ERR_INIT;
    struct ev_loop *loop;
    struct daemon *daemon;
    char *path CLEANUP(cleanup_free) = absolute(pid_path(options, config));
    int r = 0;

    if (options->daemonize && daemonize(report, &err) < 0)
        return fail(&err, EXIT_SYSTEM);
    if (path[0] != '\0' && pidfile_open(&pidfile, path, &err) < 0)
        return fail(&err, EXIT_BAD_PIDFILE);
    loop = ev_default_loop(EVFLAG_NOENV);
    if (loop == NULL) {
        (void)err_set(&err, -ENOSYS, "no event loop can be made");
        pidfile_close(&pidfile);
        return fail(&err, EXIT_SYSTEM);
    }
    log_notice("pgrmond %s starting", PGRMON_VERSION);
    daemon = daemon_new(loop, config, options->log_level);
    if (daemon_open(daemon, &err) != 0) {
        daemon_free(daemon);
        ev_loop_destroy(loop);
        pidfile_close(&pidfile);
        return fail(&err, EXIT_BAD_PIDFILE);
    }
    daemon->on_ready = on_ready;
    daemon->on_ready_arg = report;
    daemon_start(daemon);
    (void)ev_run(loop, 0);
    r = daemon->exit_code;
    daemon_free(daemon);
    ev_loop_destroy(loop);
    pidfile_close(&pidfile);
    log_notice("pgrmond stopped");
    return r;
}

static int load_and_run(const struct options *options, int *report)
{
    struct config config CLEANUP(config_free);
    enum log_level level;
    struct err err = ERR_INIT;

    if (config_load(&config, options->config_file, &err) < 0)
        return fail(&err, EXIT_BAD_CONFIG);
    if (options->ask == OPTIONS_SHOW_PID_FILE) {
        (void)printf("%s\n", pid_path(options, &config));
        return EXIT_OK;
    }
    if (check_user(&err) < 0)
        return fail(&err, EXIT_BAD_CONFIG);
    if (options->log_level != NULL && !log_level_parse(options->log_level, &level)) {
        (void)err_set(&err, -EINVAL, "unknown log level \"%s\"", options->log_level);
        err_hint(&err, "use DEBUG, INFO, NOTICE, WARNING or ERROR");
        return fail(&err, EXIT_BAD_CONFIG);
    }
    if (reload_open_log(&config, options->log_level, &err) < 0)
        return fail(&err, EXIT_BAD_CONFIG);
    reload_log_issues(&config);
    return run(options, &config, report);
}

int main(int argc, char **argv)
{
    struct options options;
    struct err err = ERR_INIT;
    int report = -1;
    int r;

    if (options_parse(argc, argv, &options, &err) < 0)
        return fail(&err, EXIT_BAD_CONFIG);
    if (options.ask == OPTIONS_HELP) {
        options_help(stdout);
        return EXIT_OK;
    }
    if (options.ask == OPTIONS_VERSION) {
        (void)printf("pgrmond %s\n", PGRMON_VERSION);
        return EXIT_OK;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    r = load_and_run(&options, &report);
    daemonize_report(&report, r);
    log_close();
    return r;
}

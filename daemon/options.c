/* options.c - repmgrd's options, but in the foreground unless asked otherwise. */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <string.h>
#include <strings.h>

enum { OPT_NO_PID_FILE = 256 };

static const struct option long_options[] = {
    {"config-file",   required_argument, NULL, 'f'            },
    {"daemonize",     optional_argument, NULL, 'd'            },
    {"pid-file",      required_argument, NULL, 'p'            },
    {"no-pid-file",   no_argument,       NULL, OPT_NO_PID_FILE},
    {"show-pid-file", no_argument,       NULL, 's'            },
    {"log-level",     required_argument, NULL, 'L'            },
    {"verbose",       no_argument,       NULL, 'v'            },
    {"version",       no_argument,       NULL, 'V'            },
    {"help",          no_argument,       NULL, '?'            },
    {NULL,            0,                 NULL, 0              }
};

void options_help(FILE *out)
{
    (void)fputs(
        "pgrmond: watches a PostgreSQL node, and fails over when its primary is lost\n"
        "\n"
        "Usage:\n"
        "  pgrmond [-f FILE] [OPTION]...\n"
        "\n"
        "Options:\n"
        "  -f, --config-file=FILE   configuration (default: $PGRMON_CONFIG_FILE,\n"
        "                           ./pgrmon.conf, /etc/pgrmon/pgrmon.conf)\n"
        "  -d, --daemonize[=BOOL]   detach; ends once the first check of the own\n"
        "                           PostgreSQL is made (default: foreground)\n"
        "  -p, --pid-file=FILE      write a PID file, and lock it\n"
        "      --no-pid-file        write none, even if one is configured\n"
        "  -s, --show-pid-file      print the PID file's path, and end\n"
        "  -L, --log-level=LEVEL    DEBUG, INFO, NOTICE, WARNING or ERROR\n"
        "  -v, --verbose            the same as --log-level=DEBUG\n"
        "  -V, --version            print the version, and end\n"
        "  -?, --help               print this, and end\n"
        "\n"
        "Signals:\n"
        "  SIGHUP   read the configuration again, reopen the log file\n"
        "  SIGTERM  stop in good order\n"
        "\n"
        "Examples:\n"
        "  pgrmond -f /etc/pgrmon/pgrmon.conf\n"
        "  pgrmond -f /etc/pgrmon/pgrmon.conf --daemonize --pid-file=/run/pgrmond.pid\n"
        "  systemctl start pgrmond\n",
        out);
}

/* repmgrd's --daemonize=true; without a value it means true. */
static int parse_bool(const char *text, bool *ret_value, struct err *err)
{
    static const char *const yes[] = {"true", "on", "yes", "1"};
    static const char *const no[] = {"false", "off", "no", "0"};

    for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++) {
        if (text == NULL || strcasecmp(text, yes[i]) == 0) {
            *ret_value = true;
            return 0;
        }
        if (strcasecmp(text, no[i]) == 0) {
            *ret_value = false;
            return 0;
        }
    }
    return err_set(err, -EINVAL, "\"%s\" is no value for --daemonize", text);
}

static int bad_line(struct err *err, const char *word)
{
    (void)err_set(err, -EINVAL, "the command line is not understood at \"%s\"", word);
    err_hint(err, "see \"pgrmond --help\"");
    return -EINVAL;
}

static int take(int option, struct options *ret, struct err *err)
{
    switch (option) {
    case 'f':
        ret->config_file = optarg;
        return 0;
    case 'd':
        return parse_bool(optarg, &ret->daemonize, err);
    case 'p':
        ret->pid_file = optarg;
        return 0;
    case OPT_NO_PID_FILE:
        ret->no_pid_file = true;
        return 0;
    case 's':
        ret->ask = OPTIONS_SHOW_PID_FILE;
        return 0;
    case 'L':
        ret->log_level = optarg;
        return 0;
    case 'v':
        ret->log_level = "DEBUG";
        return 0;
    case 'V':
        ret->ask = OPTIONS_VERSION;
        return 0;
    default:
        return -EINVAL;
    }
}

int options_parse(int argc, char **argv, struct options *ret, struct err *err)
{
    int option, r;

    memset(ret, 0, sizeof *ret);
    opterr = 0;
    optind = 1;
    while ((option = getopt_long(argc, argv, "f:d::p:sL:vV?", long_options, NULL)) !=
           -1) {
        /* getopt says '?' both for -? and for what it does not know. */
        if (option == '?') {
            const char *word = argv[optind - 1];

            if (strcmp(word, "-?") != 0 && strcmp(word, "--help") != 0)
                return bad_line(err, word);
            ret->ask = OPTIONS_HELP;
            return 0;
        }
        r = take(option, ret, err);
        if (r < 0)
            return r;
    }
    if (optind < argc)
        return bad_line(err, argv[optind]);
    return 0;
}

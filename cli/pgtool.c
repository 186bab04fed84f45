/* pgtool.c - see pgtool.h. */
#include "pgtool.h"

#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cleanup.h"
#include "conninfo.h"
#include "exit_code.h"

void pgtool_close(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
}

int pgtool_password_file(const char *password)
{
    int fd = memfd_create("pgpass", MFD_CLOEXEC);
    FILE *file;

    if (fd < 0 || fchmod(fd, 0600) != 0)
        return fd;
    file = fdopen(dup(fd), "w");
    if (file == NULL)
        return fd;
    (void)fputs("*:*:*:*:", file);
    for (; *password != '\0'; password++) {
        if (*password == ':' || *password == '\\')
            (void)fputc('\\', file);
        (void)fputc(*password, file);
    }
    (void)fputc('\n', file);
    (void)fclose(file);
    return fd;
}

int pgtool_conninfo(char **ret, const char *conninfo, bool secret, struct err *err)
{
    static const struct conninfo_change defaults[] = {
        {"connect_timeout",     "10"   },
        {"keepalives_idle",     "10"   },
        {"keepalives_interval", "5"    },
        {"keepalives_count",    "3"    },
        {"tcp_user_timeout",    "30000"},
    };
    struct conninfo_change changes[8];
    size_t n = 0;

    for (size_t i = 0; i < sizeof defaults / sizeof *defaults; i++) {
        char *own CLEANUP(cleanup_free) = conninfo_get(conninfo, defaults[i].keyword);

        if (own == NULL)
            changes[n++] = defaults[i];
    }
    changes[n++] = (struct conninfo_change){"password", NULL};
    changes[n++] = (struct conninfo_change){"sslpassword", NULL};
    if (secret) /* the conninfo's passfile would win over PGPASSFILE */
        changes[n++] = (struct conninfo_change){"passfile", NULL};
    return conninfo_build(ret, conninfo, changes, n, err) == 0 ? EXIT_CODE_SUCCESS
                                                               : EXIT_CODE_BAD_CONFIG;
}

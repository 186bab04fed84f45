/* durable.c - between the core's promises and lib/state.h. */
#include "durable.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/reason_lease.h"
#include "log.h"
#include "state.h"
#include "store.h"

/* FNV-1a: any spread of the boot id over few bits will do. */
uint32_t durable_boot_bits(void)
{
    char id[64] = "";
    uint32_t hash = 2166136261U;
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, id, sizeof id - 1);

    if (fd >= 0)
        (void)close(fd);
    for (ssize_t i = 0; i < n; i++)
        hash = (hash ^ (unsigned char)id[i]) * 16777619U;
    return (hash ^ (hash >> CORE_BOOT_BITS)) & ((1U << CORE_BOOT_BITS) - 1);
}

/* Without the file there is no voice; whoever runs this node should know what that
 * means and how to mend it. */
static void say_voiceless(const struct daemon *daemon, const struct err *err)
{
    log_warning("this node does not vote and cannot lead: %s", err->text);
    if (err->detail[0] != '\0')
        log_detail(LOG_LEVEL_WARNING, "%s", err->detail);
    log_hint(LOG_LEVEL_WARNING, "%s; the state directory is \"%s\"",
             REASON_HINT_NO_STATE, daemon->config.state_directory);
}

int durable_open(struct daemon *daemon, struct err *err)
{
    const char *directory = daemon->config.state_directory;
    int r;

    daemon->lock_fd = -1;
    daemon->state.node_id = daemon->config.node_id;
    r = state_lock(directory, &daemon->lock_fd, err);
    if (r == STATE_E_LOCKED)
        return r;
    if (r == 0)
        r = state_load(directory, daemon->config.node_id, 0, &daemon->state, err);
    if (r != 0)
        say_voiceless(daemon, err);
    return 0;
}

void durable_begin(struct daemon *daemon)
{
    struct err err = ERR_INIT;

    if (daemon->state.durable.incarnation == 0)
        return;
    daemon->store = store_new(daemon->loop, daemon->config.state_directory, &err);
    if (daemon->store == NULL) {
        log_err(LOG_LEVEL_ERROR, &err);
        say_voiceless(daemon, &err);
        memset(&daemon->state.durable, 0, sizeof daemon->state.durable);
    }
}

static void on_saved(void *arg, uint32_t id, bool ok)
{
    struct daemon *daemon = arg;

    if (id != 0)
        daemon_done(daemon, id, ok, NULL);
}

void durable_save(struct daemon *daemon, const struct core_effect *effect)
{
    if (daemon->store == NULL) {
        daemon_done(daemon, effect->id, false, NULL);
        return;
    }
    daemon->state.durable = effect->durable;
    if (daemon->core.system_identifier != 0)
        daemon->state.system_identifier = daemon->core.system_identifier;
    store_save(daemon->store, &daemon->state, effect->id, on_saved, daemon);
}

void durable_save_nodes(struct daemon *daemon)
{
    if (daemon->store == NULL || daemon->nodes.n == 0)
        return;
    nodeset_free(&daemon->state.nodes);
    nodeset_copy(&daemon->state.nodes, &daemon->nodes);
    if (daemon->core.system_identifier != 0)
        daemon->state.system_identifier = daemon->core.system_identifier;
    store_save(daemon->store, &daemon->state, 0, on_saved, daemon);
}

void durable_close(struct daemon *daemon)
{
    store_free(daemon->store);
    daemon->store = NULL;
    state_free(&daemon->state);
    if (daemon->lock_fd >= 0)
        (void)close(daemon->lock_fd);
    daemon->lock_fd = -1;
}

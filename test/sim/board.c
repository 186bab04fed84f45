/* board.c - sessions on a PostgreSQL, and the notes that are their names (rules N).
 *
 * A session whose client is gone stays as long as the server does not learn of it: no
 * time at all when the client's kernel can say so, up to hours when it cannot. */
#include "core/internal.h"
#include "sim.h"
#include "world.h"

/* Keepalives end it in seconds; without them it stays for hours. */
static int64_t linger_ms(struct sim *sim, bool told)
{
    if (told && !sim_mishap(sim, 5))
        return sim_vary(sim, 5, 0, 50);
    return sim_vary(sim, sim->linger_ms, 1000, 5000) +
           (sim_mishap(sim, 20) ? 7200000 : 0);
}

static void expire(struct sim *sim, struct sim_pg *pg)
{
    for (int i = 0; i < pg->n_sessions; i++)
        if (mono_reached(pg->board[i].ends_at, sim->now))
            pg->board[i--] = pg->board[--pg->n_sessions];
}

static struct sim_session *find(struct sim_pg *pg, uint32_t serial)
{
    for (int i = 0; i < pg->n_sessions; i++)
        if (pg->board[i].serial == serial)
            return &pg->board[i];
    return NULL;
}

bool board_has(const struct sim *sim, int id, uint32_t serial)
{
    const struct sim_pg *pg = &sim->nodes[id].pg;

    for (int i = 0; i < pg->n_sessions; i++)
        if (pg->board[i].serial == serial)
            return true;
    return false;
}

/* When there is no room, one that ends soonest makes place. */
static struct sim_session *new_session(struct sim *sim, struct sim_pg *pg)
{
    int first = 0;

    expire(sim, pg);
    if (pg->n_sessions < SIM_MAX_SESSIONS)
        return &pg->board[pg->n_sessions++];
    for (int i = 1; i < pg->n_sessions; i++)
        if (pg->board[i].ends_at.ms < pg->board[first].ends_at.ms)
            first = i;
    return &pg->board[first];
}

void board_post(
    struct sim *sim, int id, int from, uint32_t serial, const struct core_note *note)
{
    struct sim_pg *pg = &sim->nodes[id].pg;
    struct sim_session *session = find(pg, serial);

    CORE_ASSERT(pg->state == SIM_PG_UP);
    if (session == NULL) {
        session = new_session(sim, pg);
        *session = (struct sim_session){.serial = serial,
                                        .from = from,
                                        .life = sim->nodes[from].daemon.life,
                                        .ends_at = MONO_NEVER};
    }
    if (note->phase != CORE_PHASE_NONE)
        session->note = *note;
}

int board_read(struct sim *sim, int id, int from, struct core_note *notes)
{
    struct sim_pg *pg = &sim->nodes[id].pg;
    int n = 0;

    expire(sim, pg);
    for (int i = 0; i < pg->n_sessions; i++) {
        const struct sim_session *session = &pg->board[i];

        if (session->note.phase == CORE_PHASE_NONE ||
            (session->from == from && session->life == sim->nodes[from].daemon.life))
            continue;
        notes[n++] = session->note;
    }
    return n;
}

void board_leave(struct sim *sim, int id, uint32_t serial)
{
    struct sim_pg *pg = &sim->nodes[id].pg;
    struct sim_session *session = find(pg, serial);

    if (serial == 0 || session == NULL)
        return;
    session->ends_at =
        mono_add(sim->now, linger_ms(sim, world_reaches(sim, session->from, id)));
}

void board_leave_all(struct sim *sim, int from)
{
    for (int id = 1; id <= sim->n; id++) {
        struct sim_pg *pg = &sim->nodes[id].pg;

        for (int i = 0; i < pg->n_sessions; i++)
            if (pg->board[i].from == from && pg->board[i].ends_at.ms == MONO_NEVER.ms)
                board_leave(sim, id, pg->board[i].serial);
    }
}

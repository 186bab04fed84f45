/* fake_pg.c - canned messages of the PostgreSQL protocol. */
#include "fake_pg.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SETUP_PID "4711"

struct buffer {
    unsigned char data[2048];
    size_t n;
    size_t length_at;
};

static void put(struct buffer *b, const void *data, size_t n)
{
    assert(b->n + n <= sizeof b->data);
    (void)memcpy(b->data + b->n, data, n);
    b->n += n;
}

static void put32(struct buffer *b, uint32_t value)
{
    value = htonl(value);
    put(b, &value, 4);
}

static void put16(struct buffer *b, uint16_t value)
{
    value = htons(value);
    put(b, &value, 2);
}

static void put_text(struct buffer *b, const char *text)
{
    put(b, text, strlen(text) + 1);
}

static void begin(struct buffer *b, char type)
{
    put(b, &type, 1);
    b->length_at = b->n;
    put32(b, 0);
}

static void end(struct buffer *b)
{
    uint32_t length = htonl((uint32_t)(b->n - b->length_at));

    (void)memcpy(b->data + b->length_at, &length, 4);
}

static void put_error(struct buffer *b,
                      const char *localized,
                      const char *severity,
                      const char *sqlstate)
{
    begin(b, 'E');
    put(b, "S", 1);
    put_text(b, localized);
    put(b, "V", 1);
    put_text(b, severity);
    put(b, "C", 1);
    put_text(b, sqlstate);
    put(b, "M", 1);
    put_text(b, "das Passwort ist leider falsch");
    put(b, "", 1);
    end(b);
}

static void put_ready(struct buffer *b)
{
    begin(b, 'Z');
    put(b, "I", 1);
    end(b);
}

static void put_row(struct buffer *b, const char *value)
{
    begin(b, 'T');
    put16(b, 1);
    put_text(b, "c");
    put32(b, 0);
    put16(b, 0);
    put32(b, 25);
    put16(b, UINT16_MAX);
    put32(b, UINT32_MAX);
    put16(b, 0);
    end(b);
    begin(b, 'D');
    put16(b, 1);
    put32(b, (uint32_t)strlen(value));
    put(b, value, strlen(value));
    end(b);
    begin(b, 'C');
    put_text(b, "SELECT 1");
    end(b);
}

static void send_buffer(struct fake_pg_client *c, const struct buffer *b)
{
    (void)send(c->fd, b->data, b->n, MSG_NOSIGNAL);
}

static void drop(struct fake_pg_client *c)
{
    ev_io_stop(c->pg->loop, &c->io);
    (void)close(c->fd);
    *c = (struct fake_pg_client){0};
}

static void let_in(struct fake_pg_client *c)
{
    struct buffer b = {.n = 0};

    begin(&b, 'R');
    put32(&b, 0);
    end(&b);
    begin(&b, 'S');
    put_text(&b, "server_version");
    put_text(&b, "15.20");
    end(&b);
    begin(&b, 'K');
    put32(&b, (uint32_t)c->pg->pid);
    put32(&b, 1);
    end(&b);
    put_ready(&b);
    send_buffer(c, &b);
}

/* Returns false when the client is gone. */
static bool answer_start(struct fake_pg_client *c)
{
    static const char web[] = "HTTP/1.1 400 Bad Request\r\n\r\n";
    struct buffer b = {.n = 0};
    uint32_t code;

    (void)memcpy(&code, c->in + 4, 4);
    if (c->pg->mode == FAKE_PG_SILENT)
        return true;
    if (c->pg->mode == FAKE_PG_FOREIGN) {
        (void)send(c->fd, web, sizeof web - 1, MSG_NOSIGNAL);
        return true;
    }
    if (ntohl(code) == 80877103) { /* SSLRequest: no, and start again */
        (void)send(c->fd, "N", 1, MSG_NOSIGNAL);
        return true;
    }
    c->started = true;
    if (c->pg->mode == FAKE_PG_SERVES) {
        let_in(c);
        return true;
    }
    put_error(&b, c->pg->severity, "FATAL", c->pg->sqlstate);
    send_buffer(c, &b);
    drop(c);
    return false;
}

static void put_copy(struct buffer *b)
{
    begin(b, 'H');
    put(b, "", 1);
    put16(b, 0);
    end(b);
}

static bool answer_statement(struct fake_pg_client *c)
{
    struct fake_pg *pg = c->pg;
    struct buffer b = {.n = 0};
    bool is_setup = memmem(c->in, c->n_in, "pg_backend_pid", 14) != NULL;
    bool is_over = false;

    pg->n_statements += !is_setup;
    if (is_setup) {
        put_row(&b, SETUP_PID);
        put_ready(&b);
    } else if (pg->reply == FAKE_PG_ROW) {
        put_row(&b, pg->value);
        put_ready(&b);
    } else if (pg->reply == FAKE_PG_ERROR) {
        put_error(&b, "FEHLER", "ERROR", pg->sqlstate);
        put_ready(&b);
    } else if (pg->reply == FAKE_PG_FATAL) {
        put_error(&b, "FATAL", "FATAL", pg->sqlstate);
        is_over = true;
    } else if (pg->reply == FAKE_PG_CUT) {
        put_row(&b, pg->value);
        is_over = true;
    } else if (pg->reply == FAKE_PG_COPY) {
        put_copy(&b);
    }
    send_buffer(c, &b);
    if (is_over)
        drop(c);
    return !is_over;
}

/* Messages of the client, one at a time; only Query and Sync are answered. */
static void consume(struct fake_pg_client *c)
{
    for (;;) {
        size_t header = c->started ? 1 : 0;
        uint32_t length;
        bool stays = true;
        char type = (char)c->in[0];

        if (c->n_in < header + 4)
            return;
        (void)memcpy(&length, c->in + header, 4);
        length = ntohl(length) + (uint32_t)header;
        if (c->n_in < length)
            return;
        if (!c->started)
            stays = answer_start(c);
        else if (type == 'Q' || type == 'S')
            stays = answer_statement(c);
        if (!stays)
            return;
        c->n_in -= length;
        (void)memmove(c->in, c->in + length, c->n_in);
    }
}

static void on_input(struct ev_loop *loop, ev_io *io, int revents)
{
    struct fake_pg_client *c = io->data;
    ssize_t n = read(c->fd, c->in + c->n_in, sizeof c->in - c->n_in);

    (void)loop;
    (void)revents;
    if (n <= 0) {
        drop(c);
        return;
    }
    c->n_in += (size_t)n;
    consume(c);
}

static void on_connection(struct ev_loop *loop, ev_io *io, int revents)
{
    struct fake_pg *pg = io->data;
    int fd = accept4(pg->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    (void)revents;
    assert(fd > 0);
    pg->n_connections++;
    if (pg->mode == FAKE_PG_HANGS_UP) {
        (void)close(fd);
        return;
    }
    for (int i = 0; i < FAKE_PG_MAX_CLIENTS; i++) {
        struct fake_pg_client *c = &pg->clients[i];

        if (c->fd != 0)
            continue;
        *c = (struct fake_pg_client){.pg = pg, .fd = fd};
        ev_io_init(&c->io, on_input, fd, EV_READ);
        c->io.data = c;
        ev_io_start(loop, &c->io);
        return;
    }
    assert(!"too many clients");
}

void fake_pg_init(struct fake_pg *pg, struct ev_loop *loop, enum fake_pg_mode mode)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof a;

    *pg = (struct fake_pg){.loop = loop,
                           .mode = mode,
                           .sqlstate = "57P03",
                           .severity = "SCHWERWIEGEND",
                           .value = "ok",
                           .pid = 4711};
    pg->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert(bind(pg->listen_fd, (struct sockaddr *)&a, sizeof a) == 0);
    assert(listen(pg->listen_fd, 8) == 0);
    assert(getsockname(pg->listen_fd, (struct sockaddr *)&a, &size) == 0);
    pg->port = ntohs(a.sin_port);
    (void)snprintf(pg->conninfo, sizeof pg->conninfo,
                   "host=127.0.0.1 port=%d user=u password=s3cret dbname=d", pg->port);
    ev_io_init(&pg->io, on_connection, pg->listen_fd, EV_READ);
    pg->io.data = pg;
    ev_io_start(loop, &pg->io);
}

void fake_pg_hang_up(struct fake_pg *pg)
{
    for (int i = 0; i < FAKE_PG_MAX_CLIENTS; i++) {
        if (pg->clients[i].fd != 0)
            drop(&pg->clients[i]);
    }
}

static void send_all(struct fake_pg *pg, const struct buffer *b)
{
    for (int i = 0; i < FAKE_PG_MAX_CLIENTS; i++) {
        if (pg->clients[i].fd != 0)
            send_buffer(&pg->clients[i], b);
    }
}

void fake_pg_send_fatal(struct fake_pg *pg, const char *sqlstate)
{
    struct buffer b = {.n = 0};

    put_error(&b, "FATAL", "FATAL", sqlstate);
    send_all(pg, &b);
}

void fake_pg_send_notify(struct fake_pg *pg, const char *channel, const char *payload)
{
    struct buffer b = {.n = 0};

    begin(&b, 'A');
    put32(&b, 1);
    put_text(&b, channel);
    put_text(&b, payload);
    end(&b);
    send_all(pg, &b);
}

void fake_pg_deinit(struct fake_pg *pg)
{
    fake_pg_hang_up(pg);
    ev_io_stop(pg->loop, &pg->io);
    (void)close(pg->listen_fd);
}

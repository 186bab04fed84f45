/* fake_dns.c - answers of RFC 1035, as few as c-ares needs. */
#include "fake_dns.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEADER_SIZE 12
#define TYPE_A      1

/* "\2db\4test\0", the only name there is. */
static const unsigned char known[] = "\002db\004test";

/* Append one A record that points back to the question's name. */
static size_t put_address(unsigned char *out, unsigned char last)
{
    const unsigned char record[] = {0xc0, HEADER_SIZE, 0, TYPE_A, 0,   1, 0, 0,
                                    0,    0,           0, 4,      127, 0, 0, last};

    (void)memcpy(out, record, sizeof record);
    return sizeof record;
}

/* Turn the question into its answer; returns the new length. */
static size_t answer(unsigned char *packet, size_t n)
{
    unsigned char *name = packet + HEADER_SIZE;
    size_t name_size = strlen((char *)name) + 1;
    bool is_known = name_size == sizeof known && memcmp(name, known, name_size) == 0;
    size_t end = HEADER_SIZE + name_size + 4; /* type and class */

    assert(n >= end);
    packet[2] = 0x84;                   /* a response, authoritative */
    packet[3] = is_known ? 0x80 : 0x83; /* recursion available; NXDOMAIN */
    (void)memset(packet + 6, 0, 6);     /* no records, no EDNS */
    if (!is_known || packet[end - 3] != TYPE_A)
        return end;
    packet[7] = 2;
    end += put_address(packet + end, 1);
    end += put_address(packet + end, 2);
    return end;
}

static void on_question(struct ev_loop *loop, ev_io *io, int revents)
{
    struct fake_dns *dns = io->data;
    struct sockaddr_storage from;
    socklen_t from_size = sizeof from;
    unsigned char packet[1024] = {0};
    ssize_t n = recvfrom(dns->fd, packet, sizeof packet / 2, 0,
                         (struct sockaddr *)&from, &from_size);

    (void)loop;
    (void)revents;
    if (n < HEADER_SIZE)
        return;
    dns->n_questions++;
    if (!dns->silent)
        (void)sendto(dns->fd, packet, answer(packet, (size_t)n), 0,
                     (struct sockaddr *)&from, from_size);
}

void fake_dns_init(struct fake_dns *dns, struct ev_loop *loop)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof a;

    *dns = (struct fake_dns){.loop = loop};
    dns->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert(bind(dns->fd, (struct sockaddr *)&a, sizeof a) == 0);
    assert(getsockname(dns->fd, (struct sockaddr *)&a, &size) == 0);
    (void)snprintf(dns->servers, sizeof dns->servers, "127.0.0.1:%d",
                   (int)ntohs(a.sin_port));
    ev_io_init(&dns->io, on_question, dns->fd, EV_READ);
    dns->io.data = dns;
    ev_io_start(loop, &dns->io);
}

void fake_dns_deinit(struct fake_dns *dns)
{
    ev_io_stop(dns->loop, &dns->io);
    (void)close(dns->fd);
}

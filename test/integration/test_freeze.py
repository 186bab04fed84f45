"""Processes that stand still: the daemon, the daemon and its sentry, the whole host."""

import pytest
from acks import describe, now
from faults import (
    LEASE,
    LOG_RESIGNED,
    TOLERANCE,
    W,
    assert_calm,
    assert_held,
    assert_no_late,
    measured,
    pause,
    wait_one_primary,
)
from lab import wait_for
from observe import PgWatch

NOTICE = 0.5  # seconds that a continued host may take to find out what time it is


def test_daemon_stands_shorter_than_the_lease(calm, acks):
    nodes = calm(3)
    clients = acks(nodes)
    regime = nodes.regime()
    with PgWatch(nodes[1]) as watch:
        began = now()
        nodes[1].freeze_daemon()
        pause(0.5 * LEASE)
        nodes[1].continue_daemon()
        nodes.wait_calm()
        pause(LEASE)
        watch.never("frozen", "partly", "gone", since=began)
    assert_calm(nodes, clients, began, regime)


def test_daemon_stands_for_long(calm, acks):
    """Its sentry fences at the deadline of the lease (L7), and another leads."""
    nodes = calm(3)
    clients = acks(nodes)
    sentry = nodes[1].wait_sentry()
    with PgWatch(nodes[1]) as watch:
        began = now()
        nodes[1].freeze_daemon()
        new, first = clients.wait_new_writes(1, began)
        assert_no_late(clients, 1, new)
        frozen = watch.within("frozen", began, LEASE + TOLERANCE)
        measured("daemon stopped to freeze by the sentry", frozen)
        wait_for(lambda: watch.first("gone", began), 5, "the kill by the sentry")
        measured("to the end", watch.within("gone", began, W + TOLERANCE))
        assert watch.first("frozen", began) < first
    assert sentry != nodes[1].daemon.pid
    nodes[1].continue_daemon()
    wait_one_primary(nodes, followers=(2, 3))
    assert_held(nodes, nodes[1])
    assert_no_late(clients, 1, new)


def test_daemon_stands_and_it_is_to_be_kept(calm, acks):
    nodes = calm(3, conf={"on_daemon_loss": "keep"})
    clients = acks(nodes)
    regime = nodes.regime()
    with PgWatch(nodes[1]) as watch:
        began = now()
        nodes[1].freeze_daemon()
        pause(2 * W)
        watch.never("frozen", "partly", "gone", since=began)
    assert_calm(nodes, clients, began, regime)
    nodes[1].continue_daemon()
    nodes.wait_calm()
    assert nodes.regime() == regime


@pytest.mark.parametrize("where", ["daemon+sentry", "host"])
def test_continued_after_another_leads(calm, acks, where):
    """Nothing on the host could fence in time (design.md 3.9): what it acknowledges
    afterwards is bounded by how long it takes to notice, and it is said."""
    nodes = calm(3)
    clients = acks(nodes)
    began = now()
    if where == "host":
        nodes[1].freeze_host()
    else:
        nodes[1].sigstop()  # or it would write on; the point is who notices on return
        nodes[1].freeze_daemon(sentry=True)
    new, first = clients.wait_new_writes(1, began)
    assert_no_late(clients, 1, new)
    mark = nodes[1].log_end()
    continued = now()
    if where == "host":
        nodes[1].continue_host()
    else:
        nodes[1].cont()
        nodes[1].continue_daemon()
    assert_held(nodes, nodes[1])
    wait_one_primary(nodes, followers=(2, 3))
    after = [a for a in clients.acks(1, continued) if a.at > first]
    if after:
        measured(f"{len(after)} late, the last after", after[-1].acked - continued)
    late = [a for a in after if a.acked > continued + NOTICE]
    assert not late, "not noticed: " + describe(late, continued)
    nodes[1].wait_log(LOG_RESIGNED, since=mark)


def test_host_of_a_standby_stands(calm, acks):
    nodes = calm(3)
    clients = acks(nodes)
    regime = nodes.regime()
    with PgWatch(nodes[1]) as watch:
        began = now()
        nodes[2].freeze_host()
        pause(1.5 * W)
        nodes[2].continue_host()
        nodes.wait_streaming(2, 1)
        nodes.wait_calm()
        watch.never("frozen", "partly", "gone", since=began)
    assert_calm(nodes, clients, began, (1, nodes.regime()[1]))
    assert nodes.regime()[0] == regime[0]

"""The primary's PostgreSQL dies: its own daemon ends what is left of it and resigns, and
the best standby leads at once; no time-out is awaited (design.md 3.6)."""

import os
import signal

import pytest
from acks import now
from faults import (
    CONF,
    LEASE,
    assert_held,
    assert_no_late,
    assert_only_tail_lost,
    bare_promotion,
    copy_of_standby,
    measured,
    wait_one_primary,
)
from lab import wait_for
from observe import PgWatch, PositionWatch


@pytest.mark.timing
def test_crash_costs_little_more_than_a_promotion(cluster, acks, ack_program, slack):
    nodes = cluster(3, conf=CONF, daemons=False)
    copy = copy_of_standby(nodes, 2, host=5)
    bare = bare_promotion(nodes, copy, ack_program)
    nodes.start_daemons()
    nodes.wait_calm()
    clients = acks(nodes)
    with PositionWatch([nodes[2], nodes[3]]) as positions:
        died = now()
        nodes[1].kill_postmaster()
        new, first = clients.wait_new_writes(1, died)
    took = first - died
    measured("crash to first write on the new primary", took, bare)
    wait_one_primary(nodes, followers=(2, 3))
    assert_no_late(clients, 1, new)
    assert took < LEASE, f"{took:.2f} s: a time-out was awaited"
    assert took <= 3 * bare * slack, f"{took:.3f} s, a bare promotion took {bare:.3f} s"
    assert_only_tail_lost(clients, nodes[new], died)
    start = nodes.terms()[-1][3]
    behind = positions.furthest() - start
    assert behind <= 0, f"node{new} leads from {behind} bytes before what a standby had"


@pytest.mark.timing  # it needs all processors
def test_crash_under_long_statements(calm, acks):
    """Backends of a dead postmaster go on, and would acknowledge (postgres-facts 2)."""
    nodes = calm(3)
    with acks(nodes, burn=2, every_ms=200) as clients, PgWatch(nodes[1]) as watch:
        at_work = clients.last(1)
        wait_for(lambda: clients.last(1) > at_work, 10, "the next statements to begin")
        died = now()
        nodes[1].kill_postmaster()
        new = nodes.wait_primary(2, 3)
        gone = watch.first("gone", died)
        assert gone, f"node1's backends live on: {watch.describe(died)}"
        measured("crash to the end of the last backend", gone - died)
        clients.wait_writes(new.number, died)
        assert_no_late(clients, 1, new.number)
    assert not clients.acks(1, gone + 0.1), "acknowledged by nobody"


def test_backend_killed(calm, acks):
    """PostgreSQL restarts itself, read-only by the guard (G1): somebody leads again, and
    nobody wrote without a lease."""
    nodes = calm(3)
    clients = acks(nodes)
    victim = nodes[1].value(
        "select pid from pg_stat_activity where application_name = 'ack' limit 1"
    )
    assert victim in nodes[1].pg_processes()
    died = now()
    os.kill(victim, signal.SIGKILL)
    wait_for(lambda: clients.lost_sessions(1, died), 10, "the crash to end sessions")
    leader = nodes.wait_primary(timeout=30)
    first = clients.wait_writes(leader.number, died + 0.1)
    measured("killed backend to the next write", first - died)
    leader = wait_one_primary(nodes)
    assert_no_late(clients, 1, leader.number, died) if leader.number != 1 else None
    # The rows of this regime are under a term of its own (P2).
    assert clients.lost(leader, since=first) == []


def test_crash_of_both_postgresql_and_daemon(calm, acks):
    """Nobody is left to resign: the time-out is awaited, and that is all."""
    nodes = calm(3)
    clients = acks(nodes)
    died = now()
    nodes[1].lose_daemon()
    nodes[1].kill9()
    new, first = clients.wait_new_writes(1, died)
    measured("crash of PostgreSQL and daemon to first write", first - died)
    wait_one_primary(nodes, followers=(2, 3))
    assert_no_late(clients, 1, new)


def test_crashed_primary_comes_back_read_only(calm, acks):
    nodes = calm(3)
    clients = acks(nodes)
    died = now()
    nodes[1].kill9()
    new, _ = clients.wait_new_writes(1, died)
    nodes[1].start_as_init()  # or the daemon was faster
    nodes[1].wait_answers()
    assert_held(nodes, nodes[1])
    assert_no_late(clients, 1, new)

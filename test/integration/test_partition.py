"""The primary is cut off, while clients on its own host go on writing."""

import pytest
from acks import now
from faults import (
    LEASE,
    LOG_FROZEN,
    LOG_RESIGNED,
    LOG_THAWED,
    TOLERANCE,
    W,
    assert_calm,
    assert_held,
    assert_no_late,
    measured,
    pause,
    wait_one_primary,
)
from lab import CLIENT, wait_for
from observe import PgWatch



def cut(lab, how):
    if how == "all":
        lab.drop_host(1)
    elif how == "cable":
        lab.cut_host(1)
    elif how == "members":  # remote clients still reach it
        lab.cut(1, 2)
        lab.cut(1, 3)
    elif how == "sends-nothing":
        for other in (2, 3, CLIENT):
            lab.one_way(1, other)
    elif how == "hears-nothing":
        for other in (2, 3, CLIENT):
            lab.one_way(other, 1)


@pytest.mark.parametrize(
    "how", ["all", "cable", "members", "sends-nothing", "hears-nothing"]
)
def test_cut_off_primary_stops_before_another_leads(calm, acks, lab, how):
    nodes = calm(3)
    clients = acks(nodes)
    mark = nodes[1].log_end()
    with PgWatch(nodes[1]) as watch:
        began = now()
        cut(lab, how)
        new, first = clients.wait_new_writes(1, began)
        measured("cut to first write on the new primary", first - began)
        assert_no_late(clients, 1, new)
        frozen = watch.within("frozen", began, LEASE + TOLERANCE)
        measured("cut to freeze", frozen)
        assert frozen > LEASE / 2, "its last ballots were younger: a hasty freeze"
        wait_for(lambda: watch.first("gone", began), 5, "the kill")
        measured("cut to the end", watch.within("gone", began, W + TOLERANCE))
        assert watch.first("frozen", began) < first, watch.describe(first)
    assert nodes[1].log_has(LOG_FROZEN, mark), "the freeze is not in the log"
    assert nodes[1].log_has(LOG_RESIGNED, mark), "the end of its lead is not in the log"
    lab.heal()
    leader = wait_one_primary(nodes, followers=(2, 3))
    assert leader.number == new
    assert_held(nodes, nodes[1])
    assert_no_late(clients, 1, new)


def test_cut_shorter_than_the_window(calm, acks, lab):
    """Longer than the lease: frozen. Shorter than W: thawed, and no client lost its
    session, nobody else leads, the term is the same."""
    nodes = calm(3)
    clients = acks(nodes)
    regime = nodes.regime()
    mark = nodes[1].log_end()
    with PgWatch(nodes[1]) as watch:
        began = now()
        lab.drop_host(1)
        pause(0.7 * W)
        healed = now()
        lab.heal()
        clients.wait_writes(1, healed)
        frozen = watch.within("frozen", began, LEASE + TOLERANCE)
        measured("cut to freeze", frozen)
        thawed = clients.first(1, began + frozen + 0.1)
        measured("heal to first write", thawed - healed)
        nodes.wait_calm()
        watch.never("gone", since=began)
    assert_calm(nodes, clients, began, regime, longest=W)
    assert nodes[1].log_has(LOG_FROZEN, mark) and nodes[1].log_has(LOG_THAWED, mark)
    assert clients.lost(nodes[1]) == []


def test_cut_shorter_than_the_lease(calm, acks, lab):
    nodes = calm(3)
    clients = acks(nodes)
    regime = nodes.regime()
    with PgWatch(nodes[1]) as watch:
        began = now()
        lab.drop_host(1)
        pause(0.25 * W)
        lab.heal()
        nodes.wait_calm()
        pause(LEASE)
        watch.never("frozen", "partly", "gone", since=began)
    assert_calm(nodes, clients, began, regime)


def test_cut_off_standby_bothers_nobody(calm, acks, lab):
    """It comes back with a term that it may have promised to itself: never a failover,
    never an interruption (E1, L9)."""
    nodes = calm(3)
    clients = acks(nodes)
    leader = nodes.regime()[0]
    with PgWatch(nodes[1]) as watch:
        began = now()
        lab.drop_host(2)
        pause(1.5 * W)
        lab.heal()
        nodes.wait_streaming(2, 1)
        nodes.wait_calm()
        watch.never("frozen", "partly", "gone", since=began)
    assert nodes.regime()[0] == leader
    assert clients.lost_sessions(1, began) == [] and clients.gap(began, 1) < 1


def test_endless_freeze_and_thaw_ends(calm, acks, lab):
    """Frozen more than half of the time is no service: it resigns (L5)."""
    nodes = calm(3)
    clients = acks(nodes)
    for _ in range(4):
        if nodes[2].is_primary() or nodes[3].is_primary():
            break
        lab.drop_host(1)
        pause(0.75 * W)
        lab.heal()
        pause(0.15 * W)
    began = now()
    leader = wait_one_primary(nodes)
    clients.wait_writes(leader.number, began)
    if leader.number != 1:
        assert_no_late(clients, 1, leader.number)

"""Witness, five nodes, nodes that come and go, and who is the best to lead."""

import pytest
from acks import now
from faults import (
    LEASE,
    W,
    assert_calm,
    assert_held,
    assert_no_late,
    assert_only_tail_lost,
    assert_rows_within,
    pause,
    wait_one_primary,
)
from lab import wait_for
from observe import PgWatch


# Two nodes and a witness.


def test_witness_and_the_primary_lost(calm, acks):
    nodes = calm(2, witnesses=[3])
    clients = acks(nodes)
    lost = now()
    nodes[1].lose_power()
    new, first = clients.wait_new_writes(1, lost)
    assert new == 2
    assert_only_tail_lost(clients, nodes[2], lost)
    nodes[1].boot()
    assert_held(nodes, nodes[1])


def test_witness_and_a_partition(calm, acks, lab):
    """The witness is what tells the two sides apart."""
    nodes = calm(2, witnesses=[3])
    clients = acks(nodes)
    with PgWatch(nodes[1]) as watch:
        began = now()
        lab.drop_host(1)
        new, first = clients.wait_new_writes(1, began)
        assert_no_late(clients, 1, new)
        assert watch.first("frozen", began) < first, watch.describe(first)
    lab.heal()
    assert_held(nodes, nodes[1])
    assert_no_late(clients, 1, new)


@pytest.mark.parametrize("lost", ["witness", "standby"])
def test_witness_or_standby_lost(calm, acks, lost):
    nodes = calm(2, witnesses=[3])
    clients = acks(nodes)
    regime = nodes.regime()
    with PgWatch(nodes[1]) as watch:
        began = now()
        nodes[3 if lost == "witness" else 2].lose_power()
        pause(1.5 * W)
        watch.never("frozen", "partly", "gone", since=began)
    assert_calm(nodes, clients, began, regime)


# Five.


def test_five_nodes_two_lost(calm, acks):
    nodes = calm(5)
    clients = acks(nodes)
    lost = now()
    nodes[1].lose_power()
    nodes[2].lose_power()
    new, _ = clients.wait_new_writes(1, lost)
    assert_only_tail_lost(clients, nodes[new], lost)
    wait_one_primary(nodes, followers=(3, 4, 5))


def test_five_nodes_two_standbys_lost(calm, acks):
    nodes = calm(5)
    clients = acks(nodes)
    regime = nodes.regime()
    with PgWatch(nodes[1]) as watch:
        began = now()
        nodes[4].lose_power()
        nodes[5].lose_power()
        pause(1.5 * W)
        watch.never("frozen", "partly", "gone", since=began)
    assert_calm(nodes, clients, began, regime)


# Coming and going.


def test_node_added_and_removed_under_load(calm, acks):
    nodes = calm(3)
    clients = acks(nodes)
    with PgWatch(nodes[1]) as watch:
        began = now()
        nodes.add(4)
        nodes.clone_standby(4)
        nodes.register_standby(4)
        nodes[4].start_daemon()
        nodes.wait_calm()
        assert nodes[3].stop_daemon() == 0
        nodes[3].stop()
        nodes[1].pgrmon("standby", "unregister", "--node-id", 3).ok()
        pause(LEASE)
        watch.never("frozen", "partly", "gone", since=began)
    # A base backup is heavy on two cores: pauses are no sign here, lost sessions are.
    assert_calm(nodes, clients, began, (1, nodes.regime()[1]), longest=LEASE)
    removed = nodes.nodes.pop(3)
    died = now()
    nodes[1].kill9()
    new, _ = clients.wait_new_writes(1, died)
    assert new in (2, 4), f"node{new} leads"
    wait_one_primary(nodes, followers=(2, 4))
    nodes.nodes[3] = removed


# Who leads.


def test_most_advanced_standby_is_absent(calm, acks, lab):
    """The other one leads, since nobody waits for what may never return; when it does
    it has diverged, is told so, and is not streamed into a mixture."""
    nodes = calm(3, witnesses=[4, 5])
    clients = acks(nodes)
    lab.cut(1, 3)  # the daemons reach each other no more, either; the rest suffices
    behind = now()
    pause(0.5 * LEASE)
    nodes[2].lose_power()
    nodes[1].lose_power()
    lab.heal_cuts()
    new, _ = clients.wait_new_writes(1, behind + 0.5 * LEASE, timeout=40)
    assert new == 3
    nodes[2].boot()
    nodes[2].wait_answers()
    assert_held(nodes, nodes[2])
    more = clients.lost(nodes[3], server=1)
    assert more, "the test did not make node3 the one that is behind"
    if nodes[2].streams_from(nodes[3]):
        assert_rows_within(nodes[2], nodes[3])


def settled(nodes):
    """All have the same WAL, and nobody writes but the daemons."""
    primary = nodes[1]

    def same():
        end = primary.value("select pg_current_wal_lsn()::text")
        others = [
            n.value("select pg_last_wal_replay_lsn()::text") for n in nodes if n is not primary
        ]
        return set(others) == {end}

    wait_for(same, 10, "the standbys to have everything")


def test_priority_decides_among_equals(calm):
    nodes = calm(3, conf={3: {"priority": 200}})
    settled(nodes)
    nodes[1].kill9()
    assert nodes.wait_primary().number == 3
    wait_one_primary(nodes, followers=(2,))


def test_wal_decides_before_priority(calm, acks, lab):
    """Node 3 has the higher priority, and less WAL."""
    nodes = calm(3, conf={3: {"priority": 200}})
    clients = acks(nodes)
    lab.cut(1, 3)
    pause(0.5 * LEASE)
    died = now()
    nodes[1].kill9()
    new, _ = clients.wait_new_writes(1, died)
    # Not before: what node1's kernel holds for node3 would still be sent.
    lab.heal_cuts()
    assert new == 2, "node3 leads without what node2 has"
    wait_one_primary(nodes, followers=(3,))


def test_priority_zero_never_leads(calm, acks, lab):
    """Node 2 has the most and may not lead; node 3 fetches it from there, or it is
    given up: node 3 leads, and soon (E2)."""
    nodes = calm(3, conf={2: {"priority": 0}})
    clients = acks(nodes)
    lab.cut(1, 3)
    pause(0.5 * LEASE)
    died = now()
    nodes[1].kill9()
    new, _ = clients.wait_new_writes(1, died, timeout=40)
    lab.heal_cuts()
    assert new == 3
    wait_for(lambda: not nodes[2].is_primary(), 1, "node2 to be no primary")


def test_lowest_number_decides_last(calm):
    nodes = calm(3)
    settled(nodes)
    nodes[1].kill9()
    assert nodes.wait_primary().number == 2

"""All hosts lose power at once and return as they please: one primary, the most advanced
of those that are there, and nobody does anything by hand. PostgreSQL is started by each
host's init, as a host boots."""

import itertools

import pytest
from acks import TABLE, now
from faults import (
    LEASE,
    assert_only_tail_lost,
    assert_rows_within,
    measured,
    pause,
    wait_one_primary,
)
from lab import wait_for


def black_out(nodes):
    """Gives when: nothing is acknowledged after."""
    at = now()
    for node in nodes:
        node.lose_power()
    return at


@pytest.mark.parametrize("order", itertools.permutations((1, 2, 3)), ids=str)
def test_all_return(calm, acks, order):
    nodes = calm(3)
    clients = acks(nodes)
    at = black_out(nodes)
    dark = now()
    for number in order:
        nodes[number].boot()
    leader = nodes.wait_primary(timeout=60)
    measured(f"last boot to a primary ({leader.name})", now() - dark)
    clients.wait_writes(leader.number, dark)
    wait_one_primary(nodes)
    if leader.number == 1:
        assert clients.lost(leader, till=dark) == [], "it had everything"
    else:
        assert_only_tail_lost(clients, leader, at)
    # A majority of the slower two may not wait for the third; it wins if it is there.
    for number in order:
        if number != leader.number:
            assert not nodes[number].is_writable()


@pytest.mark.parametrize("order", [(3, 2), (2, 3)], ids=str)
def test_without_the_first_primary(calm, acks, order):
    nodes = calm(3)
    clients = acks(nodes)
    at = black_out(nodes)
    dark = now()
    for number in order:
        nodes[number].boot()
    leader = nodes.wait_primary(2, 3, timeout=60)
    other = nodes[5 - leader.number]
    clients.wait_writes(leader.number, dark)
    assert_only_tail_lost(clients, leader, at)
    nodes.wait_streaming(other.number, leader.number, timeout=40)
    clients.stop()
    wait_for(lambda: nothing_missing(leader, other), 10, f"{other.name} to have all")
    assert_rows_within(other, leader)


@pytest.mark.parametrize("order", [(2, 3), (3, 2)], ids=str)
def test_the_most_advanced_of_those_present(calm, acks, lab, order):
    """Node 1 stays away. Node 2, which would be first by its number, has less."""
    nodes = calm(3)
    clients = acks(nodes)
    lab.cut(1, 2)
    behind = now()
    pause(0.5 * LEASE)
    at = black_out(nodes)
    lab.heal_cuts()
    dark = now()
    for number in order:
        nodes[number].boot()
    leader = nodes.wait_primary(2, 3, timeout=60)
    assert leader.number == 3, "node2 leads without what node3 has"
    clients.wait_writes(3, dark)
    assert_only_tail_lost(clients, leader, at)
    assert clients.acks(1, behind + 0.1, at), "nothing was written that node2 lacks"
    nodes.wait_streaming(2, 3, timeout=40)


def nothing_missing(leader, other):
    count = f"select count(*) from {TABLE}"
    return leader.value(count) == other.value(count)


def test_one_alone_is_no_majority(calm):
    nodes = calm(3)
    black_out(nodes)
    nodes[1].boot()
    nodes[1].wait_answers()
    nodes[1].wait_log(r"(?i)(majority|quorum|too few)", 20)
    assert not nodes[1].is_writable(), "writable without a majority"
    nodes[2].boot()
    leader = nodes.wait_primary(1, 2, timeout=60)
    assert leader.number == 1, "it is no worse and has the lower number"

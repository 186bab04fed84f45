"""A host that is silent, and a PostgreSQL that hangs: how long until writes go on."""

import pytest
from acks import now
from faults import (
    LEASE,
    W,
    assert_held,
    assert_no_late,
    assert_only_tail_lost,
    measured,
    wait_one_primary,
)
from lab import stays
from observe import PgWatch


# Of the window and the beat: no line in pgrmon.conf.
DEFAULTS = dict.fromkeys(
    ("reconnect_attempts", "reconnect_interval", "monitor_interval_secs")
)


@pytest.mark.timing
@pytest.mark.parametrize(
    "conf, bound",
    [
        pytest.param({}, W + 1, id="W=3s"),
        pytest.param(DEFAULTS, 12, id="W=10s"),
    ],
)
def test_host_loses_power(calm, acks, slack, conf, bound):
    nodes = calm(3, conf=conf)
    clients = acks(nodes)
    lost = now()
    nodes[1].lose_power()
    new, first = clients.wait_new_writes(1, lost, timeout=3 * bound)
    took = first - lost
    measured("silent host to first write", took)
    assert took <= bound * slack, f"{took:.2f} s, {bound} s is allowed"
    assert_only_tail_lost(clients, nodes[new], lost)
    wait_one_primary(nodes, followers=(2, 3))
    assert len(nodes.terms()) == 2, f"one election is enough: {nodes.terms()}"


@pytest.mark.timing
def test_postgresql_hangs(calm, acks, slack):
    """Its daemon lives, kills it first (L3, L6) and resigns: half the time."""
    nodes = calm(3)
    clients = acks(nodes)
    with PgWatch(nodes[1]) as watch:
        stood = now()
        nodes[1].sigstop()
        new, first = clients.wait_new_writes(1, stood)
        gone = watch.first("gone", stood)
        assert gone and gone <= first, f"not killed before: {watch.describe(first)}"
    took = first - stood
    measured("hang to first write", took)
    assert took <= (LEASE + 1) * slack, f"{took:.2f} s, {LEASE + 1} s is allowed"
    assert_no_late(clients, 1, new)
    wait_one_primary(nodes, followers=(2, 3))
    assert_held(nodes, nodes[1])


def test_postmaster_hangs_alone(calm, acks):
    """Sessions go on, new ones are not taken. Whatever is made of it: one writer."""
    nodes = calm(3)
    clients = acks(nodes)
    stood = now()
    nodes[1].stop_postmaster()
    new = None
    try:
        new, _ = clients.wait_new_writes(1, stood, timeout=2 * W)
    except AssertionError:
        assert clients.last(1) > stood + W, "nobody writes, and nobody else leads"
    nodes[1].cont()
    if new is not None:
        assert_no_late(clients, 1, new)
    leader = wait_one_primary(nodes)
    stays(lambda: len(nodes.primaries()) == 1, 1, "one primary")
    clients.wait_writes(leader.number, now())

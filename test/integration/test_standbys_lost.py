"""The others are lost: the primary goes on as long as their daemons do (M2)."""

from acks import now
from faults import (
    LEASE,
    TOLERANCE,
    W,
    assert_calm,
    measured,
    pause,
    wait_one_primary,
)
from lab import wait_for
from observe import PgWatch


def test_postgresql_of_the_standbys_is_stopped(calm, acks):
    """Their daemons vote on, on the primary's board."""
    nodes = calm(3)
    clients = acks(nodes)
    regime = nodes.regime()
    with PgWatch(nodes[1]) as watch:
        began = now()
        for number in (2, 3):
            nodes[number].stop()
        pause(1.5 * W)
        watch.never("frozen", "partly", "gone", since=began)
    assert_calm(nodes, clients, began, regime)
    for number in (2, 3):
        nodes[number].start()
        nodes.wait_streaming(number, 1)
    assert nodes.regime() == regime


def test_daemons_of_the_standbys_are_restarted(calm, acks):
    nodes = calm(3)
    clients = acks(nodes)
    regime = nodes.regime()
    with PgWatch(nodes[1]) as watch:
        began = now()
        for number in (2, 3):
            assert nodes[number].stop_daemon() == 0
        for number in (2, 3):
            nodes[number].start_daemon()
        measured("restart of both daemons", now() - began)
        nodes.wait_calm()
        pause(LEASE)
        watch.never("frozen", "partly", "gone", since=began)
    assert_calm(nodes, clients, began, regime)


def test_both_standbys_in_maintenance(calm, acks):
    """Released from voting, they may go with host and all, and come back."""
    nodes = calm(3)
    clients = acks(nodes)
    regime = nodes.regime()
    with PgWatch(nodes[1]) as watch:
        began = now()
        for number in (2, 3):
            nodes[number].pgrmon("node", "maintenance", "on").ok()
        for number in (2, 3):
            nodes[number].lose_power()
        pause(1.5 * W)
        for number in (2, 3):
            nodes[number].boot()
            nodes.wait_streaming(number, 1)
        for number in (2, 3):
            nodes[number].pgrmon("node", "maintenance", "off").ok()
        nodes.wait_calm()
        watch.never("frozen", "partly", "gone", since=began)
    assert_calm(nodes, clients, began, regime)


def test_one_standby_host_lost(calm, acks):
    nodes = calm(3)
    clients = acks(nodes)
    regime = nodes.regime()
    with PgWatch(nodes[1]) as watch:
        began = now()
        nodes[3].lose_power()
        pause(1.5 * W)
        watch.never("frozen", "partly", "gone", since=began)
    assert_calm(nodes, clients, began, regime)


def test_both_standby_hosts_lost_and_back(calm, acks, lab):
    """It freezes, then stops: it cannot know that nobody else leads. When they are back
    it leads again, and has everything that it acknowledged."""
    nodes = calm(3)
    clients = acks(nodes)
    with PgWatch(nodes[1]) as watch:
        began = now()
        for number in (2, 3):
            lab.cut_host(number)  # at once; what follows takes its time
        for number in (2, 3):
            nodes[number].lose_power()
        measured("to freeze", watch_until(watch, "frozen", began, LEASE + TOLERANCE))
        measured("to the end", watch_until(watch, "gone", began, W + TOLERANCE))
    stopped = now()
    assert not clients.acks(since=watch.first("gone", began) + 0.1)
    for number in (2, 3):
        nodes[number].boot()
    clients.wait_writes(1, stopped, timeout=40)
    leader = wait_one_primary(nodes, followers=(2, 3))
    assert leader.number == 1, "the only one that has everything"
    assert clients.lost(leader) == []


def watch_until(watch, state, since, limit):
    wait_for(lambda: watch.first(state, since), 3 * limit, f"PostgreSQL to be {state}")
    return watch.within(state, since, limit)

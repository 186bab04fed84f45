"""The old primary's host comes back: whatever starts its PostgreSQL, and when, it is
never writable beside another (G1)."""

import pytest
from acks import now
from faults import (
    W,
    assert_held,
    assert_no_late,
    pause,
    wait_one_primary,
)
from lab import stays, wait_for


@pytest.mark.parametrize("end", ["cleanly", "power"])
@pytest.mark.parametrize("postgresql, daemon", [
    pytest.param("before", True, id="before-the-daemon"),
    pytest.param("after", True, id="after-the-daemon"),
    pytest.param("before", False, id="no-daemon"),
])  # fmt: skip
def test_old_primary_boots(calm, acks, end, postgresql, daemon):
    nodes = calm(3)
    clients = acks(nodes)
    began = now()
    if end == "cleanly":
        assert nodes[1].shut_down() == 0, "the daemon did not end in good order"
    else:
        nodes[1].lose_power()
    new, _ = clients.wait_new_writes(1, began)
    booted = now()
    nodes[1].boot(postgresql, daemon)
    clients.add_local(1)
    nodes[1].wait_answers()
    stays(lambda: not nodes[1].is_primary(), 1, "node1 is no primary")
    if daemon:
        assert_held(nodes, nodes[1])
    else:
        stays(lambda: not nodes[1].is_writable(), 1, "node1 takes no write")
    # An answer from before may lie in a socket until the network is back.
    wrong = [a for a in clients.acks(1, booted) if a.at > began + 1 or a.sent > booted]
    assert not wrong, f"node1 acknowledged {len(wrong)} after it booted"
    assert_no_late(clients, 1, new)
    wait_one_primary(nodes, followers=(2, 3))


def test_reboot_faster_than_the_window(calm, acks):
    """Nobody else leads yet when it is back. Somebody leads in the end, and what wrote
    without a lease was nobody."""
    nodes = calm(3)
    clients = acks(nodes)
    began = now()
    nodes[1].lose_power()
    nodes[1].boot("before", daemon=True)
    clients.add_local(1)
    leader = wait_one_primary(nodes, followers=(2, 3))
    clients.wait_writes(leader.number, began)
    if leader.number != 1:
        assert_no_late(clients, 1, leader.number)


def test_administrator_restarts_behind_its_back(calm, acks):
    """`pg_ctl restart` brings it up read-only; it or another leads soon."""
    nodes = calm(3)
    clients = acks(nodes)
    regime = nodes.regime()
    began = now()
    restart = ["pg_ctl", "-D", nodes[1].data, "-l", nodes[1].pg_log, "-t", 30, "-w"]
    nodes[1].run(*restart, "-m", "fast", "restart")
    pause(0.5)
    leader = wait_one_primary(nodes)
    clients.wait_writes(leader.number, began + 0.5, timeout=3 * W)
    assert nodes.regime()[1] > regime[1], "the same term twice"
    if leader.number != 1:
        assert_no_late(clients, 1, leader.number)


def test_guard_stands_while_it_leads(calm):
    nodes = calm(3)
    signal = nodes[1].data / "standby.signal"
    assert signal.exists(), "the primary has no standby.signal"
    nodes[1].kill9()
    new = nodes.wait_primary(2, 3)
    wait_for(lambda: nodes.phases(new)[new.number] == "lead", 20, f"{new.name} to lead")
    assert (new.data / "standby.signal").exists(), f"{new.name} has no standby.signal"

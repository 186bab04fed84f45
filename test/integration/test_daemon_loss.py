"""pgrmond is killed: at rest, for good, and in the middle of everything it does."""

import threading

import pytest
from acks import now
from faults import (
    LEASE,
    LOG_FROZEN,
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


@pytest.mark.parametrize("sentry", [False, True], ids=["daemon", "daemon+sentry"])
def test_restarted_at_once_is_not_noticed(calm, acks, sentry):
    nodes = calm(3)
    clients = acks(nodes)
    regime = nodes.regime()
    with PgWatch(nodes[1]) as watch:
        began = now()
        nodes[1].lose_daemon(sentry=sentry)
        nodes[1].start_daemon()
        measured("restart of the daemon", now() - began)
        nodes.wait_calm()
        pause(LEASE)
        watch.never("frozen", "partly", "gone", since=began)
    assert_calm(nodes, clients, began, regime)


def test_restarted_after_a_second_is_not_noticed(calm, acks):
    """As an init system does it (RestartSec=1)."""
    nodes = calm(3, conf={"reconnect_interval": "2s"})
    clients = acks(nodes)
    regime = nodes.regime()
    with PgWatch(nodes[1]) as watch:
        began = now()
        nodes[1].lose_daemon()
        pause(1)
        nodes[1].start_daemon()
        nodes.wait_calm()
        pause(2 * LEASE)
        watch.never("frozen", "partly", "gone", since=began)
    assert_calm(nodes, clients, began, regime)


def test_all_daemons_restarted_at_once(calm, acks):
    """As an upgrade of the package does: each restart is shorter than the lease."""
    nodes = calm(3)
    clients = acks(nodes)
    regime = nodes.regime()
    with PgWatch(nodes[1]) as watch:
        began = now()
        for node in nodes:
            node.lose_daemon()
        for node in nodes:
            node.start_daemon()
        measured("restart of all daemons", now() - began)
        pause(2 * LEASE)
        watch.never("frozen", "partly", "gone", since=began)
    nodes.wait_calm()
    assert_calm(nodes, clients, began, regime)


def test_never_restarted(calm, acks):
    """The sentry outlives it and fences at the deadline; then another leads."""
    nodes = calm(3)
    clients = acks(nodes)
    nodes[1].wait_sentry()
    with PgWatch(nodes[1]) as watch:
        began = now()
        nodes[1].lose_daemon()
        new, first = clients.wait_new_writes(1, began)
        assert_no_late(clients, 1, new)
        measured("kill to freeze", watch.within("frozen", began, LEASE + TOLERANCE))
        wait_for(lambda: watch.first("gone", began), 5, "the kill by the sentry")
        watch.within("gone", began, W + TOLERANCE)
    wait_one_primary(nodes, followers=(2, 3))
    nodes[1].start_as_init()
    nodes[1].wait_answers()
    assert not nodes[1].is_writable(), "the sentry left no guard"
    nodes[1].start_daemon()
    assert_held(nodes, nodes[1])
    assert_no_late(clients, 1, new)


def test_never_restarted_and_to_be_kept(calm, acks):
    nodes = calm(3, conf={"on_daemon_loss": "keep"})
    clients = acks(nodes)
    regime = nodes.regime()
    with PgWatch(nodes[1]) as watch:
        began = now()
        nodes[1].lose_daemon()
        pause(2 * W)
        watch.never("frozen", "partly", "gone", since=began)
    assert_calm(nodes, clients, began, regime)
    nodes[1].start_daemon()
    nodes.wait_calm()


class KillAt:
    """Kills a node's daemon when its log first shows a pattern, and starts it again
    AFTER seconds. A line can come a moment late: that is as good a moment."""

    def __init__(self, node, pattern, after=0.3):
        self.node, self.pattern, self.after = node, pattern, after
        self.killed = threading.Event()
        self._mark = node.log_end()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._end.set()
        self._thread.join(20)

    def _run(self):
        while not self._end.wait(0.002):
            if self.node.log_has(self.pattern, self._mark):
                self.node.lose_daemon()
                pause(self.after)
                self.node.start_daemon()
                self.killed.set()
                return


def break_it(nodes, lab, fault):
    """Makes node 1 lose its lead."""
    if fault == "crash":
        nodes[1].kill9()
    elif fault == "power":  # so that every vote of the others is needed
        nodes[1].lose_power()
    else:
        lab.drop_host(1)


# What is being done, on which node, and how the log shows that it begins. Node 2 is to
# be the candidate. Adjust the words here.
PHASES = {
    "suspecting": ("crash", 2, r'from "standby" to "suspecting"'),
    "voting": ("power", 3, r"this node votes for node"),
    "canvassing": ("power", 2, r'from "electing" to "canvassing"'),
    "promoting": ("crash", 2, r"promoting standby to primary"),
    "promoted": ("crash", 2, r"STANDBY PROMOTE successful"),
    "following": ("crash", 3, r"attempting to follow node"),
    "resigning": ("crash", 1, LOG_RESIGNED),
    "freezing": ("cut", 1, LOG_FROZEN),
    "killing": ("cut", 1, LOG_RESIGNED),
}


# A daemon that dies between its promotion and the record of its term does not lead (D2):
# its PostgreSQL is ended, and what it wrote in between is of no regime. Anybody may be
# next, the former primary too.
MAY_DIVERGE = {"promoting": {2}, "promoted": {2}}


@pytest.mark.parametrize("phase", PHASES)
def test_killed_in_the_middle(calm, acks, lab, phase):
    """Restarted, it does the right thing: one writes at a time, and in the end all follow
    it or are held."""
    fault, number, pattern = PHASES[phase]
    nodes = calm(3, conf={2: {"priority": 200}})
    clients = acks(nodes)
    began = now()
    with KillAt(nodes[number], pattern) as kill:
        break_it(nodes, lab, fault)
        killed = kill.killed.wait(15)
        new, first = clients.wait_new_writes(1, began)
        measured(f"{phase}: fault to first write", first - began)
        assert_no_late(clients, 1, new)
    assert killed, f'node{number} never logged "{pattern}": the phase was not hit'
    lab.heal()
    if fault == "power":
        nodes[1].boot()
        clients.add_local(1)
    diverged = MAY_DIVERGE.get(phase, set())
    leader = wait_one_primary(nodes, followers={2, 3} - diverged)
    assert diverged or leader.number == new, f"{leader.name} leads after node{new}"
    clients.wait_writes(leader.number, now())
    if leader.number != new:
        assert_no_late(clients, new, leader.number, since=first)
    for number in {1, *diverged} - {leader.number}:
        assert_held(nodes, nodes[number])
    assert_no_late(clients, 1, new, till=clients.last(new))

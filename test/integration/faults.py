"""What the tests of faults share: settings, bounds, and the questions they all ask."""

import re
import subprocess
import time

from acks import TABLE, Acks, create_table, describe, now
from lab import stays, wait_for

W = 3.0  # the failover window, seconds: reconnect_attempts x reconnect_interval
LEASE = W / 2
CONF = {
    "reconnect_attempts": 3,
    "reconnect_interval": "1s",
    "monitor_interval_secs": "150ms",
    "log_level": "INFO",
}
TOLERANCE = 0.5  # two busy cores, and how often /proc is looked at

# What the daemon's log says. Adjust the words here, not in the tests.
LOG_FROZEN = r"freezing PostgreSQL: "
LOG_THAWED = r"continuing PostgreSQL: "
LOG_RESIGNED = r"giving up the lead: "
LOG_HELD = r"(?i)(read-only|diverge|clone|not followed|cannot follow|stays a standby)"


def measured(what, seconds, reference=None):
    """For people: pytest shows it with -rP or when the test fails."""
    more = f" = {seconds / reference:.2f} x {reference:.3f} s" if reference else ""
    print(f"MEASURED {what}: {seconds:.3f} s{more}")


def assert_no_late(acks, old, new, since=0.0, till=float("inf")):
    """OLD acknowledged nothing after the first that NEW did, until TILL."""
    first = acks.first(new, since)
    assert first is not None, f"node{new} never acknowledged anything"
    late = [ack for ack in acks.late(old, new, since) if ack.acked <= till]
    assert not late, (
        f"TWO WRITERS: node{old} acknowledged after node{new}'s first, "
        + describe(late, first)
    )


def assert_only_tail_lost(acks, node, at, settled=0.5):
    """Asynchronous: only what had not been sent yet is missing. What was acknowledged
    SETTLED seconds before the fault was sent; and nobody lost one from the middle."""
    lost = acks.lost(node, till=at - settled)
    assert not lost, f"{node.name} lost what was replicated before: {describe(lost, at)}"
    missing = {}
    for ack in acks.lost(node, till=at):
        missing.setdefault(ack.client, []).append(ack.number)
    for client, numbers in missing.items():
        mine = [a.number for a in acks.acks(till=at) if a.client == client]
        tail = mine[len(mine) - len(numbers) :]
        assert numbers == tail, f"{client} lost {numbers}, not only a tail: {tail}"


def assert_rows_within(node, leader):
    """NODE has nothing that LEADER has not."""
    query = f"select client, number from {TABLE}"
    more = set(node.sql(query)) - set(leader.sql(query))
    assert not more, f"{node.name} has {len(more)} rows that {leader.name} has not"


def assert_calm(nodes, acks, since, regime, longest=1.0):
    """Nobody noticed: one regime, no session lost, no long pause."""
    assert nodes.regime() == regime, f"changed from {regime} to {nodes.regime()}"
    leader = regime[0]
    lost = acks.lost_sessions(leader, since)
    assert not lost, f"{len(lost)} sessions lost: {[(t.client, t.text) for t in lost[:5]]}"
    gap = acks.gap(since, leader)
    assert gap < longest, f"no write was acknowledged for {gap:.2f} s"
    return gap


def assert_held(nodes, node, timeout=30):
    """A former primary: PostgreSQL read-only, or not up, and people are told; or it
    streams from the leader already, when its WAL allows that."""
    leader = nodes.wait_primary()

    def held():
        assert not node.is_primary(), f"TWO PRIMARIES: {node.name} and {leader.name}"
        if node.postmaster() and node.streams_from(leader):
            return True
        said = any(node.name in issue for issue in nodes.show(leader)["issues"])
        return said or re.search(LOG_HELD, node.log())

    wait_for(held, timeout, f"{node.name} to follow, or to be reported as held")
    stays(lambda: not node.is_writable(), 1, f"{node.name} takes no write")


def wait_one_primary(nodes, timeout=40, followers=()):
    """One writable node, the others follow it or are not asked for. Gives it."""
    leader = nodes.wait_primary(timeout=timeout)
    for number in followers:
        if number != leader.number:
            nodes.wait_streaming(number, leader.number, timeout)
    writable = [node.name for node in nodes if node.has_data() and node.is_writable()]
    assert writable == [leader.name], f"writable: {writable}"
    return leader


def copy_of_standby(nodes, number, host):
    """A copy of a standby's data directory on another host, which is no node of the
    cluster: streaming from the primary as the standby does."""
    node, copy = nodes[number], nodes.spare(host)
    node.stop()
    subprocess.run(["cp", "-a", node.data, copy.data], check=True, timeout=60)
    node.start()
    copy.own_settings()
    with (copy.data / "postgresql.auto.conf").open("a") as file:
        file.write("primary_slot_name = ''\n")  # the standby uses it
    copy.start()
    wait_for(lambda: copy.streams_from(nodes[1]), 15, "the copy to stream")
    return copy


def bare_promotion(nodes, copy, program):
    """Seconds that `pg_ctl promote -w` and then a write take, without pgrmon. (pg_ctl
    polls: clients could write earlier, which is said as well.) The copy is gone
    afterwards."""
    create_table(nodes[1])
    wait_for(lambda: copy.sql(f"select from {TABLE}") is not None, 10, "the table")
    with Acks(nodes.lab, program, {copy.number: copy}) as acks:
        acks.add_local(copy.number)
        wait_for(lambda: acks.troubles("refused"), 10, "the copy to refuse a write")
        began = now()
        copy.run("pg_ctl", "-D", copy.data, "-w", "promote").ok()
        first = acks.wait_writes(copy.number, now())
        measured("bare promotion to its first write", acks.first(copy.number, began) - began)
    copy.kill9()
    return first - began


def pause(seconds):
    """Let a fault last: its length is what is tested."""
    time.sleep(seconds)

"""A name server that does not answer delays nothing in the daemon's loop.

glibc's getaddrinfo() would block for 10 seconds a name.
"""

import time

import pytest
from lab import stays

PACE = 4  # seconds between status lines that are due each second; far below 10


@pytest.fixture
def named(cluster, lab):
    """Two nodes that know each other, and themselves, by name."""
    lab.start_dns()
    by_name = {
        n: {"conninfo": f"host={lab.host_name(n)} user=pgrmon dbname=pgrmon"}
        for n in (1, 2)
    }
    nodes = cluster(2, conf={"log_status_interval": "1s", **by_name})
    for node in nodes:
        node.wait_log(r"in normal state")
    yield nodes
    lab.continue_dns()


def test_loop_goes_on_without_a_name_server(named, lab):
    lab.stop_dns()
    for _ in range(6):
        for node in named:
            node.wait_log(r"in normal state", PACE, since=node.log_end())
    assert [node.number for node in named.primaries()] == [1]


def test_start_without_a_name_server_is_no_failover(cluster, lab):
    """A name that cannot be looked up says nothing of the server behind it."""
    lab.start_dns()
    by_name = {"conninfo": f"host={lab.host_name(1)} user=pgrmon dbname=pgrmon"}
    nodes = cluster(2, conf={1: by_name}, daemons=False)
    nodes[1].start_daemon()
    nodes[1].wait_log("monitoring cluster primary")
    lab.stop_dns()
    nodes[2].start_daemon()
    nodes[2].wait_log(r'"node1" \(ID: 1\)')
    stays(nodes[2].in_recovery, 5, "node2 is a standby: its primary lives")
    lab.continue_dns()
    nodes[2].wait_log(r"monitoring connection to upstream|reconnected to", 20)


def test_failover_without_a_name_server(named, lab):
    lab.stop_dns()
    mark = named[2].log_end()
    named[1].kill_daemon()  # it would resign for it
    named[1].kill9()
    named[2].wait_log(r"1 of 3 attempts", 5, since=mark)
    began = time.monotonic()
    named[2].wait_log(r"3 of 3 attempts", PACE, since=mark)
    named.wait_primary(2, timeout=10)
    assert time.monotonic() - began < 10, "a look-up was waited for"


def test_stop_is_not_delayed_by_a_look_up(named, lab):
    lab.stop_dns()
    named[1].kill_daemon()  # it would resign for it
    named[1].kill9()
    named[2].wait_log(r"1 of 3 attempts", 5)
    began = time.monotonic()
    assert named[2].stop_daemon() == 0
    assert time.monotonic() - began < 4

"""What a new connection is told decides (design.md section 2): a server that answers
"no" is alive, one that says nothing is not."""

import psycopg
import pytest
from lab import stays, wait_for

WINDOW = 1.5  # node.py: 3 attempts, 500 ms apart
LONG = 3 * WINDOW  # what would have failed over has done so by then

FROM_OTHERS = """
    select pg_terminate_backend(pid) from pg_stat_activity
    where backend_type = 'client backend' and client_addr <> %s::inet
"""


def end_sessions_of_others(node):
    """The other hosts' daemons have to connect anew."""
    with node.connect(user="postgres") as connection:
        connection.execute(FROM_OTHERS, (node.address,))


def stays_standby(node):
    stays(node.in_recovery, LONG, f"{node.name} is a standby")


def test_authentication_failure_is_no_reason(cluster):
    nodes = cluster(2)
    hba = nodes[1].data / "pg_hba.conf"
    before = hba.read_text()
    hba.write_text(f"host pgrmon pgrmon {nodes[2].address}/32 reject\n{before}")
    nodes[1].reload()
    mark = nodes[2].log_end()
    end_sessions_of_others(nodes[1])
    nodes[2].wait_log(r'\[WARNING\] node "node1" \(ID: 1\) is alive', since=mark)
    stays_standby(nodes[2])
    hba.write_text(before)
    nodes[1].reload()
    nodes[1].kill9()
    nodes.wait_primary(2)


def test_too_many_connections_is_no_reason(cluster):
    nodes = cluster(2)
    mark = nodes[2].log_end()
    taken = []

    def crowd():
        """Take every free slot, then let the daemons find that out."""
        try:
            while True:
                taken.append(nodes[1].connect(user="postgres"))
        except psycopg.OperationalError:
            taken[0].execute(FROM_OTHERS, (nodes[1].address,))
        return nodes[2].log_has(r'\[WARNING\] node "node1" .* is alive', since=mark)

    wait_for(crowd, 20, "node2 to hear of too many connections", interval=0.01)
    stays_standby(nodes[2])
    for connection in taken:
        connection.close()


def start_without_accepting(node):
    """PostgreSQL runs and answers 57P03 to everybody, as long as it is left so."""
    (node.data / "standby.signal").touch()
    with (node.data / "postgresql.conf").open("a") as file:
        file.write("hot_standby = off\n")
    node.start(wait=False)


def test_starting_up_has_patience(cluster):
    # It is refused until it runs again, which takes its time on a busy machine.
    nodes = cluster(2, conf={"reconnect_interval": "2s"})
    mark = nodes[2].log_end()
    nodes[1].kill_daemon()  # it would resign for it
    nodes[1].kill9()
    start_without_accepting(nodes[1])
    nodes[2].wait_log(r'node "node1" .* is alive, but starting up', since=mark)
    stays(nodes[2].in_recovery, 9, "node2 is a standby")


def test_patience_with_a_start_ends(cluster):
    nodes = cluster(2, conf={"startup_patience": "3s"})
    nodes[1].kill_daemon()  # it would resign for it
    nodes[1].kill9()
    start_without_accepting(nodes[1])
    nodes.wait_primary(2)


@pytest.mark.parametrize("fault", ["cut_host", "drop_host"])
def test_silence_of_the_host(cluster, lab, fault):
    nodes = cluster(3)
    getattr(lab, fault)(1)
    nodes[2].wait_log(r"3 of 3 attempts", 20)
    wait_for(lambda: nodes[2].is_primary() or nodes[3].is_primary(), 30, "a new primary")
    assert not (nodes[2].is_primary() and nodes[3].is_primary())


def test_frozen_primary_is_silence(cluster):
    nodes = cluster(3)
    nodes[1].sigstop()
    wait_for(lambda: nodes[2].is_primary() or nodes[3].is_primary(), 30, "a new primary")
    assert not (nodes[2].is_primary() and nodes[3].is_primary())
    nodes[1].kill9()


def test_orderly_stop_fails_over_after_the_window(cluster):
    nodes = cluster(3)
    nodes[1].stop("fast")
    nodes.wait_primary(2, 3)


def test_minority_never_promotes(cluster, lab):
    nodes = cluster(3)
    mark = nodes[2].log_end()
    lab.cut_host(2)
    nodes[2].wait_log(r"3 of 3 attempts", 20, since=mark)
    stays_standby(nodes[2])
    assert [node.number for node in nodes.primaries()] == [1]
    lab.heal()
    nodes.wait_streaming(2, 1)


def test_manual_failover_waits_for_the_operator(cluster):
    nodes = cluster(2, conf={"failover": "manual"})
    nodes[1].kill9()
    nodes[2].wait_log(r"3 of 3 attempts|manual")
    stays_standby(nodes[2])
    nodes[2].pgrmon("standby", "promote").ok()
    # Its daemon freezes it until it has won a term for it.
    nodes.wait_primary(2)
    wait_for(lambda: nodes.phases(nodes[2]).get(2) == "lead", 10, "node2 to lead")
    stays(nodes[2].is_primary, 3, "node2 is the primary: it leads, and is not frozen")

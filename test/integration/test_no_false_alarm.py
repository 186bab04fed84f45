"""What is no failure: never a failover, never a freeze (design.md section 2)."""

import psycopg
import pytest
from acks import now
from faults import W, assert_calm, pause
from lab import SUBNET, wait_for
from observe import PgWatch

END_DAEMONS = """
    select pg_terminate_backend(pid) from pg_stat_activity
    where usename = 'pgrmon' and backend_type = 'client backend'
"""
FROM_OTHERS = f"{END_DAEMONS} and client_addr <> %s::inet"


@pytest.fixture
def undisturbed(calm, acks):
    """undisturbed(fault): nobody notices it for two windows."""

    def check(fault, conf=None):
        nodes = calm(3, conf=conf)
        clients = acks(nodes)
        regime = nodes.regime()
        with PgWatch(nodes[1]) as watch:
            began = now()
            undo = fault(nodes)
            pause(2 * W)
            watch.never("frozen", "partly", "gone", since=began)
            if undo:
                undo()
            assert_calm(nodes, clients, began, regime)
        nodes.wait_calm()
        return nodes

    return check


def admin(node, statement, *values):
    with node.connect(user="postgres") as connection:
        connection.execute(statement, values or None)


def test_hba_refuses_the_other_daemons(undisturbed):
    """Their notes no longer reach the primary's board: it reads theirs."""

    def fault(nodes):
        hba = nodes[1].data / "pg_hba.conf"
        before = hba.read_text()
        refused = "".join(
            f"host pgrmon pgrmon {nodes[n].address}/32 reject\n" for n in (2, 3)
        )
        hba.write_text(refused + before)
        nodes[1].reload()
        admin(nodes[1], FROM_OTHERS, nodes[1].address)

        def undo():
            hba.write_text(before)
            nodes[1].reload()

        return undo

    undisturbed(fault)


def test_too_many_connections(undisturbed):
    """Every slot is taken and the others' sessions are gone: they cannot come back."""

    def fault(nodes):
        taken = []
        admin_session = nodes[1].connect(user="postgres")

        def crowd():
            try:
                while True:
                    taken.append(nodes[1].connect(user="postgres"))
            except psycopg.OperationalError:
                admin_session.execute(FROM_OTHERS, (nodes[1].address,))
            return nodes[2].log_has(r'node "node1" .* is alive')

        wait_for(crowd, 20, "node2 to hear of too many connections", interval=0.01)

        def undo():
            for connection in [*taken, admin_session]:
                connection.close()

        return undo

    undisturbed(fault)


def test_changed_password(undisturbed):
    """The primary's sessions go on; new ones are refused until the password file is
    right."""

    def fault(nodes):
        rule = f"host pgrmon pgrmon {SUBNET}.0/24 scram-sha-256\n"
        files = {node: node.data / "pg_hba.conf" for node in nodes}
        before = {node: file.read_text() for node, file in files.items()}
        for node, file in files.items():
            file.write_text(rule + before[node])
            node.reload()
        admin(nodes[1], "alter role pgrmon password 'nobody was told'")
        admin(nodes[1], FROM_OTHERS, nodes[1].address)

        def undo():
            for node, file in files.items():
                file.write_text(before[node])
                node.reload()

        return undo

    undisturbed(fault)


@pytest.mark.parametrize("setting", ["statement_timeout", "lock_timeout"])
def test_time_outs_set_for_the_role(undisturbed, setting):
    def fault(nodes):
        admin(nodes[1], f"alter role pgrmon set {setting} = '1ms'")
        for node in nodes:
            admin(node, END_DAEMONS)  # so that all sessions are new

    undisturbed(fault)


def test_all_sessions_of_the_daemons_ended(undisturbed):
    def fault(nodes):
        for node in nodes:
            admin(node, END_DAEMONS)

    undisturbed(fault)


def test_standby_is_starting_up(undisturbed):
    """57P03 for two windows, from a standby: its daemon votes on."""

    def fault(nodes):
        nodes[3].stop("immediate")
        with (nodes[3].data / "postgresql.conf").open("a") as file:
            file.write("hot_standby = off\n")
        nodes[3].start(wait=False)

        def undo():
            nodes[3].stop("immediate")
            with (nodes[3].data / "postgresql.conf").open("a") as file:
                file.write("hot_standby = on\n")
            nodes[3].start()

        return undo

    undisturbed(fault)


def test_reload_and_checkpoint_and_load(undisturbed):
    """What a busy day brings."""

    def fault(nodes):
        with nodes[1].connect(user="postgres") as connection:
            connection.execute("create table busy as select generate_series(1, 500000)")
            connection.execute("checkpoint")
            connection.execute("select pg_switch_wal()")
        for node in nodes:
            node.reload()
        admin(nodes[1], "vacuum full busy")

    undisturbed(fault)

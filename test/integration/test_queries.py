"""The schema and every statement of lib/queries.c on real servers, as an ordinary role
with what sql/grants.sql gives it."""

import re
import shutil
import threading

import psycopg
import pytest
from conftest import BUILD, TOP
from lab import wait_for

GRANTS = TOP / "sql" / "grants.sql"


class Statements:
    """The program queries_prepare, on a server."""

    def __init__(self, program, node, user="pgrmon", dbname="pgrmon"):
        self.program = program
        self.node = node
        self.conninfo = f"host={node.directory} port=5432 user={user} dbname={dbname}"

    def all(self, *options):
        """Prepare every statement, run those that only read."""
        return self.node.run(self.program, *options, self.conninfo)

    def note(self, words):
        """The text form of the note "ID PHASE LEADER TERM"."""
        return self.node.run(self.program, "--note", words).ok().out.strip()

    def run(self, name, *params):
        """The rows of one statement, as text."""
        return self.rows(self.attempt(name, *params).ok())

    def attempt(self, name, *params):
        words = ["NULL" if value is None else value for value in params]
        return self.node.run(self.program, self.conninfo, name, *words)

    @staticmethod
    def rows(result):
        return [line.split("\t") for line in result.out.splitlines()]

    def register(self, number, role, upstream=None, **other):
        """node_upsert, with what most nodes have."""
        values = {
            "active": "t",
            "voting": "t",
            "location": "default",
            "priority": 100,
            "conninfo": f"host=node{number}",
            "repluser": "pgrmon",
            "slot_name": "",
            "config_file": "/etc/pgrmon/pgrmon.conf",
            **other,
        }
        name = values.pop("node_name", f"node{number}")
        params = [number, name, role, upstream, *values.values()]
        return self.attempt("node_upsert", *params)


@pytest.fixture(scope="session")
def program(session_directory):
    built = BUILD / "test" / "integration" / "queries_prepare"
    if not built.exists():
        pytest.fail(f"{built} is not there: run test/run, it builds")
    return shutil.copy(built, session_directory)


def grant(node, role):
    script = node.directory / "grants.sql"
    shutil.copy(GRANTS, script)
    words = ["-X", "-q", "-h", node.directory, "-U", "postgres", "-d", "pgrmon"]
    return node.run("psql", *words, "-v", f"role={role}", "-f", script)


@pytest.fixture
def server(bare_cluster):
    """A primary where pgrmon is an ordinary role that owns nothing."""
    node = bare_cluster.add(1)
    node.init(bare_cluster.template)
    node.start()
    with node.connect(user="postgres") as connection:
        connection.execute("alter database pgrmon owner to postgres")
        connection.execute("alter role pgrmon nosuperuser")
    grant(node, "pgrmon").ok()
    return node


@pytest.fixture
def statements(program, server):
    """The same with the schema and three nodes: 1 leads, 2 follows it, 3 follows 2."""
    made = Statements(program, server)
    made.all("--create").ok()
    made.register(1, "primary").ok()
    made.register(2, "standby", 1, slot_name="slot_2", priority=50).ok()
    made.register(3, "standby", 2, voting="f").ok()
    assert made.run("record_promotion", 1, "registered", None, None) == [["1"]]
    return made


@pytest.fixture
def standby(server, bare_cluster):
    node = bare_cluster.add(2)
    node.run(
        *["pg_basebackup", "-h", server.address, "-U", "pgrmon", "-D", node.data],
        *["-R", "-X", "stream", "-c", "fast", "--no-sync"],
    ).ok()
    node.own_settings()
    node.start()
    wait_for(lambda: node.streams_from(server), 10, "the standby to stream")
    return node


def registered(node):
    columns = "node_id, type, active, upstream_node_id"
    return node.sql(f"select {columns} from pgrmon.node order by node_id")


def test_grants_are_enough_and_can_be_given_twice(server, program):
    grant(server, "pgrmon").ok()
    grant(server, 'odd "role').ok()
    [facts] = Statements(program, server).run("role_facts")
    assert facts == ["f", "t", "t", "t", "t", "t", "t"]
    assert Statements(program, server).run("parameter_facts") == [["t"]]
    server.sql("alter system set primary_conninfo = 'host=nowhere'")
    server.sql("alter system reset primary_conninfo")
    server.sql("checkpoint")
    assert server.value("select pg_reload_conf()")
    with server.connect() as connection:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("alter system set port = 1")


def test_statements_on_a_primary(statements):
    # Anybody can give a session such a name; only our own role's are notes.
    conninfo = f"host={statements.node.directory} user=postgres dbname=pgrmon"
    name = statements.note("1 follow 9 99")
    impostor = psycopg.connect(conninfo, application_name=name)
    seen = "select count(*) from pg_stat_activity where application_name = %s"
    assert statements.node.value(seen, name) == 1  # no byte of it was lost
    # Of one node the newest note counts, of the same stamp that of the later session.
    own = f"host={statements.node.directory} user=pgrmon dbname=pgrmon"
    former = psycopg.connect(own, application_name=statements.note("1 resigned 0 6"))
    other = psycopg.connect(own, application_name=statements.note("3 follow 1 7"))
    result = statements.all("--post", statements.note("1 lead 1 7")).ok()
    for connection in (impostor, former, other):
        connection.close()
    assert result.out.count("prepared ") > 30
    assert "node 2 node2 standby upstream 1 active 1" in result.out
    observed = "observed in_recovery=0 timeline=1 term=1 "
    assert observed in result.out
    assert "replayed=0 streaming=0 aged=0 note=lead leader=1 notes=2" in result.out
    identifier = "select system_identifier from pg_control_system()"
    identifier = statements.node.value(identifier)
    assert f"system {identifier}" in result.out


def test_statements_on_a_standby(statements, standby):
    statements.run("record_event", 2, "standby_clone", "t", "", None)
    end = statements.node.value("select pg_current_wal_lsn()")
    received = "select pg_last_wal_receive_lsn() >= %s::pg_lsn"
    wait_for(lambda: standby.value(received, end), 10, "the standby to catch up")
    on_standby = Statements(statements.program, standby)
    result = on_standby.all("--post", on_standby.note("2 follow 1 7")).ok()
    assert "observed in_recovery=1 timeline=1 term=1 " in result.out
    assert "replayed=1 streaming=1 aged=1 note=follow leader=1" in result.out
    assert on_standby.run("receiver")[0][0] == "streaming"
    [[name, address, state, *_]] = statements.run("downstreams")
    assert (address, state) == (standby.address, "streaming")
    assert statements.run("replication_connections") == [["10", "1", "10", "0"]]
    # Restarted with nobody to stream from, it says that it has received nothing, or up
    # to the segment's beginning; what it has replayed is its position all the same.
    statements.node.stop()
    standby.stop()
    standby.start()
    result = on_standby.all().ok()
    position = re.search(r"position=(\S+) replayed=1 streaming=0", result.out)[1]
    assert standby.value("select %s >= pg_last_wal_replay_lsn()", position)


def test_promotion_as_an_ordinary_role(statements, standby):
    promoted = Statements(statements.program, standby)
    assert promoted.run("promote", "t", 30) == [["t"]]
    result = promoted.all().ok()
    assert "observed in_recovery=0 timeline=2 term=1 " in result.out
    assert promoted.run("record_promotion", 2, "by hand", None, None) == [["2"]]
    assert promoted.run("terms", 1)[0][3] == "2"


def test_statements_without_privileges(statements, program, standby):
    """pg_monitor is missing: unknown, and no error but where a list is asked for."""
    server = statements.node
    with server.connect(user="postgres") as connection:
        connection.execute("create role nobody login")
        connection.execute("grant usage on schema pgrmon to nobody")
        connection.execute("grant select on all tables in schema pgrmon to nobody")
    there = "select count(*) from pg_roles where rolname = 'nobody'"
    wait_for(lambda: standby.value(there), 10, "the role on the standby")
    result = Statements(program, standby, user="nobody").all("--post", "psql")
    failed = [line for line in result.out.splitlines() if line.startswith("FAILED")]
    names = {line.split(" ")[1].rstrip(":") for line in failed}
    denied = {"archive_ready", "revoke_facts", "revoke_state", "rewind_source"}
    assert names == denied, failed
    assert "observed in_recovery=1 timeline=1 " in result.out
    assert "streaming=0 aged=0 note=none" in result.out
    [facts] = Statements(program, standby, user="nobody").run("role_facts")
    assert facts == ["f"] * 7


def test_schema_is_all_or_nothing(statements):
    assert statements.run("schema_state") == [["t", "t", "t"]]
    result = statements.all("--create")
    assert result.rc == 1
    assert 'schema "pgrmon" already exists' in result.out
    assert len(statements.run("nodes")) == 3
    [[version, program, installed, upgraded]] = statements.run("schema_version")
    assert (version, upgraded) == ("3", "NULL")
    assert "@" not in program and installed != "NULL"


def test_no_schema_is_told_from_an_old_one(server, program):
    bare = Statements(program, server)
    assert bare.run("schema_state") == [["f", "f", "t"]]
    assert "FAILED 42P01" in bare.attempt("schema_version").out


def test_promotion_is_recorded_once(statements):
    server = statements.node
    promote = ["record_promotion", 2, "lost node 1", 2, "0/5000000"]
    assert statements.run(*promote) == [["2"]]
    after = [
        (1, "primary", False, None),
        (2, "primary", True, None),
        (3, "standby", True, 2),
    ]
    assert registered(server) == after
    assert statements.run(*promote) == [["2"]]
    assert registered(server) == after
    newest, first = statements.run("terms", None)
    assert newest[:6] == ["2", "2", "node2", "2", "0/5000000", "lost node 1"]
    assert newest[7] == "1"
    assert first[:4] == ["1", "1", "node1", "1"] and first[7] == "NULL"
    assert statements.run("terms", 1) == [newest]
    # The same leader on another timeline is another regime.
    assert statements.run("record_promotion", 2, "restarted", 3, "0/6000000") == [["3"]]


def test_promotion_of_a_stranger_changes_nothing(statements):
    before = registered(statements.node)
    assert statements.run("record_promotion", 9, "by hand", None, None) == [["NULL"]]
    assert registered(statements.node) == before
    assert len(statements.run("terms", None)) == 1


def test_promotion_recorded_by_two_at_once(statements):
    """CLI and daemon: the second waits, and both get the same term."""
    call = "select pgrmon.record_promotion(2, 'lost', 2, '0/5000000')"
    waiting = "select count(*) from pg_locks where not granted"
    terms = []
    with statements.node.connect() as first:
        first.execute("begin")
        terms.append(first.execute(call).fetchone()[0])
        value = statements.node.value
        second = threading.Thread(target=lambda: terms.append(value(call)))
        second.start()
        wait_for(lambda: statements.node.value(waiting), 10, "the second to wait")
        first.execute("commit")
        second.join(10)
    assert terms == [2, 2]
    assert len(statements.run("terms", None)) == 2


def test_upstreams_follow_nodes(statements):
    statements.run("record_promotion", 2, "lost node 1", 2, "0/5000000")
    statements.run("node_set_upstream", 1, 2)
    statements.run("node_set_upstream", 3, 1)
    statements.run("node_set_slot", 3, "slot_3")
    assert registered(statements.node) == [
        (1, "standby", True, 2),
        (2, "primary", True, None),
        (3, "standby", True, 1),
    ]
    statements.run("node_set_active", 3, "f")
    assert registered(statements.node)[2] == (3, "standby", False, 1)
    names = "select node_name, upstream_node_name from pgrmon.show_nodes"
    expected = [("node1", "node2"), ("node2", None), ("node3", "node1")]
    assert statements.node.sql(names) == expected


def test_who_votes_has_a_version(statements):
    """Rule M1: it changes with the set of voters, and with nothing else."""

    def version():
        return int(statements.run("nodes")[0][12])

    before = version()
    statements.run("node_set_voting", 3, "f")  # as it is
    statements.run("node_set_active", 3, "f")
    assert version() == before
    statements.run("node_set_voting", 3, "t")
    assert version() > before
    before = version()
    statements.run("node_set_voting", 3, "f")
    assert version() > before


def test_bad_records_are_refused(statements):
    bad = [
        (4, "primary", None, {}, "23P01"),
        (4, "standby", 1, {"node_name": "node2"}, "23505"),
        (4, "standby", 9, {}, "23503"),
        (4, "standby", 4, {}, "23514"),
        (0, "standby", 1, {}, "23514"),
        (4, "bdr", 1, {}, "23514"),
        (4, "standby", 1, {"node_name": "x" * 64}, "23514"),
        (4, "standby", 1, {"priority": -1}, "23514"),
        (4, "standby", 1, {"conninfo": ""}, "23514"),
    ]
    for number, role, upstream, other, sqlstate in bad:
        result = statements.register(number, role, upstream, **other)
        assert result.rc == 1 and f"FAILED {sqlstate}" in result.out, result.describe()
    assert len(statements.run("nodes")) == 3


def test_history_outlives_its_node(statements):
    statements.run("record_event", 3, "standby_register", "t", "it's there", None)
    earlier = "2020-02-02 02:02:02+00"
    statements.run("record_event", 2, "standby_clone", "f", "", earlier)
    state = [3, "standby", "all well", 2, 1, 1, 1, "0/1000000", 16, "0.1.0", 4711]
    statements.run("record_state", *state)
    [row] = statements.run("states")
    assert row[:11] == list(map(str, state))
    assert int(row[11]) >= 0
    statements.run("record_state", *state[:8], None, "0.1.0", 4711)
    [row] = statements.run("states")
    end = "select (pg_current_wal_lsn() - '0/1000000')::bigint"
    assert 16 < int(row[8]) <= statements.node.value(end)
    assert "FAILED 23503" in statements.attempt("node_delete", 2).out  # 3 follows it
    statements.run("node_delete", 3)
    assert statements.run("states") == []
    statements.run("record_state", *state)  # not registered any more: no row, no error
    assert statements.run("states") == []
    newest, oldest = statements.run("events", None, None, None, None)
    assert newest[1:5] == ["3", "NULL", "standby_register", "t"]
    assert newest[6] == "it's there"
    assert oldest[1:6] == ["2", "node2", "standby_clone", "f", "2020-02-02 02:02:02"]
    assert oldest[7] == "2020-02-02T02:02:02.000Z"
    assert statements.run("events", 1, None, None, None) == [newest]
    assert statements.run("events", None, 2, None, None) == [oldest]
    assert statements.run("events", None, None, "node2", None) == [oldest]
    assert statements.run("events", None, None, None, "standby_clone") == [oldest]
    assert statements.run("events", None, 2, None, "standby_register") == []
    recent = "select event from pgrmon.recent_events"
    assert statements.node.sql(recent) == [("standby_register",), ("standby_clone",)]


def test_monitoring_history_is_kept_for_a_while(statements):
    server = statements.node
    locations = ["0/4000000", "0/3000000", "0/2FFFFF0"]
    statements.run("record_history", 1, 2, None, *locations)
    applied = "2020-02-02 02:02:02+00"
    statements.run("record_history", 1, 3, applied, None, *locations[1:])
    lags = "select standby_node_id, replication_lag, apply_lag from "
    lags += "pgrmon.monitoring_history order by 1"
    assert server.sql(lags)[0] == (2, 0x1000000, 16)
    columns = "select standby_name, replication_lag, replication_time_lag is null"
    status = f"{columns} from pgrmon.replication_status"
    assert server.sql(status)[0] == ("node2", "16 MB", True)
    older = "last_monitor_time = last_monitor_time - interval '3 days'"
    server.sql(f"update pgrmon.monitoring_history set {older}")
    statements.run("record_history", 1, 2, None, *locations)
    count = "select count(*) from pgrmon.monitoring_history"
    statements.run("cleanup_history", "4 days", None)
    assert server.value(count) == 3
    statements.run("cleanup_history", "2 days", 3)
    assert server.value(count) == 2
    statements.run("cleanup_history", "2 days", None)
    assert server.value(count) == 1
    statements.run("cleanup_history", "0", None)
    assert server.value(count) == 0


def test_views_answer_who_led(statements):
    server = statements.node
    statements.run("record_promotion", 2, "lost node 1", 2, "0/5000000")
    columns = "node_id, node_name, term, reason, conninfo"
    leader = f"select {columns} from pgrmon.current_leader"
    assert server.sql(leader) == [(2, "node2", 2, "lost node 1", "host=node2")]
    history = "select term, ended_at is null, duration >= '0' from pgrmon.history"
    assert server.sql(history) == [(2, True, True), (1, False, True)]


def test_tables_and_views_are_described(statements):
    """COMMENT ON each; \\d+ in psql is the documentation that is always at hand."""
    bare = "select relname from pg_class where relnamespace = 'pgrmon'::regnamespace "
    bare += "and relkind in ('r', 'v') and obj_description(oid, 'pg_class') is null"
    assert statements.node.sql(bare) == []


def test_slots(statements):
    [[name, lsn]] = statements.run("slot_create", "slot_2")
    assert name == "slot_2" and lsn != "NULL"  # WAL is kept from now on
    assert "FAILED 42710" in statements.attempt("slot_create", "slot_2").out
    [slot] = statements.run("slots", "slot_2")
    assert slot[:4] == ["slot_2", "physical", "f", "NULL"] and int(slot[5]) >= 0
    assert statements.run("slots", "slot_3") == []
    statements.run("slot_drop", "slot_2")
    assert "FAILED 42704" in statements.attempt("slot_drop", "slot_2").out
    assert statements.run("slots", None) == []

"""The walk of seeds/repmgr-autofailover.txt: two nodes, from createuser to failover.

Each step stands as in the seed, with pgrmon's words; what its programs said there,
these say in meaning. "redirecting logging output" has no counterpart: the promotion
is built in, no second program opens a log.
"""

import psycopg
import pytest
from expect import find_all, find_in_order, table
from lab import wait_for

COLUMNS = ["ID", "Name", "Role", "Status", "Upstream", "Location", "Priority"]
COLUMNS += ["Timeline", "Connection string"]


def test_from_registration_to_replication(bare_cluster, cluster):
    """The seed up to "check the replication process", the notes on errors included."""
    primary, standby = bare_cluster.add(1), bare_cluster.add(2)
    primary.init(bare_cluster.template)
    primary.start()

    # check the master accessible from the slave
    standby.run("psql", primary.conninfo(), "-c", "select 1").ok()

    # add master to the cluster
    done = primary.pgrmon("primary", "register").ok()
    find_in_order(
        done.err + done.out,
        [
            r"INFO: connecting to primary database",
            r"NOTICE: .*(creat|install)",
            r"NOTICE: primary node record \(ID: 1\) registered",
        ],
    )
    show = primary.pgrmon("cluster", "show").ok()
    rows = table(show.out)
    assert list(rows[0]) == COLUMNS
    assert [rows[0][c] for c in COLUMNS[:7]] == [
        *["1", "node1", "primary", "* running", "", "default", "100"]
    ]
    assert rows[0]["Connection string"].startswith(f"host={primary.address}")

    # add slave node to cluster: dry run
    dry = bare_cluster.clone(2, "--dry-run").ok()
    find_all(
        dry.err + dry.out,
        [
            rf'destination directory "{standby.data}" provided',
            r"connecting to source node",
            r"connection string is: .*host=",
            r"current installation size is \d+",
            r'parameter "max_wal_senders" set to 10',
            r"checking for available walsenders on the source node",
            r"sufficient walsenders available",
            r"required, \d+ available",
            r"replication connections? .*(can|could) be made to the source",
            r"replication connections? required",
            r"will attach to upstream node .*1",
            r'all prerequisites for "standby clone" are met',
        ],
    )
    assert not standby.data.exists() or not any(standby.data.iterdir())

    # clone
    clone = standby.pgrmon(
        *["standby", "clone", "-h", primary.address, "-U", "pgrmon", "-d", "pgrmon"],
        *["--fast-checkpoint"],
    ).ok()
    find_in_order(
        clone.err + clone.out,
        [
            r"connecting to source node",
            r"starting backup",
            r"pg_basebackup ",
            r"standby clone .*complete",
            r"you can now start your PostgreSQL server",
            r"pg_ctl .*start",
            r'"?pgrmon .*standby register',
        ],
    )
    assert (standby.data / "standby.signal").exists()
    standby.own_settings()
    standby.start()
    bare_cluster.wait_streaming(2, 1)

    register = standby.pgrmon("standby", "register").ok()
    find_all(register.err + register.out, [r'standby .*"node2" \(ID: 2\).*registered'])
    rows = table(primary.pgrmon("cluster", "show").ok().out)
    assert [row["Role"] for row in rows] == ["primary", "standby"]
    assert [row["Status"] for row in rows] == ["* running", "running"]
    assert [row["Upstream"] for row in rows] == ["", "node1"]
    assert [row["Timeline"] for row in rows] == ["1", "1"]

    # check the replication process
    replicas = primary.sql("select application_name, state from pg_stat_replication")
    assert replicas == [("node2", "streaming")]
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        standby.sql("create table account (id int)")


def test_manage_the_cluster(cluster):
    """The seed's "Manage the cluster": status, checks, unregistering."""
    nodes = cluster(2, daemons=False)
    status = nodes[2].pgrmon("node", "status").ok()
    find_all(status.out, [r'Node "node2":', r"Role: +standby", r"node1.* \(ID: 1\)"])
    role = nodes[2].pgrmon("node", "check", "--role").ok()
    find_all(role.out, [r"OK"])
    nodes[1].pgrmon("standby", "unregister", "--node-id", 2).ok()
    assert [r["Name"] for r in table(nodes[1].pgrmon("cluster", "show").out)] == ["node1"]


def test_no_pg_hba_entry(bare_cluster, cluster):
    """The seed's first error note: the standby's address is not in pg_hba.conf yet."""
    primary, standby = bare_cluster.add(1), bare_cluster.add(2)
    primary.init(bare_cluster.template)
    hba = primary.data / "pg_hba.conf"
    hba.write_text("local all all trust\nhost all all 10.88.0.11/32 trust\n")
    primary.start()
    primary.pgrmon("primary", "register").ok()
    refused = bare_cluster.clone(2)
    assert refused.rc == 6, refused.describe()
    find_all(refused.err, [r"ERROR: ", r"DETAIL: .*no pg_hba.conf entry", r"HINT: "])
    assert not standby.data.exists() or not any(standby.data.iterdir())


def test_autofailover(cluster, writer):
    """The seed's transcript, line by line, when the primary and its daemon are killed: a
    daemon that lives says that its PostgreSQL died, and nothing is waited for."""
    nodes = cluster(2, conf={"log_status_interval": "1s", "reconnect_interval": "1s"})
    standby = nodes[2]
    standby.wait_log(r"in normal state")
    client = writer(nodes)
    wait_for(lambda: len(client.acknowledged()) > 10, 10, "some writes")
    nodes[1].kill_daemon()
    nodes[1].kill9()

    nodes.wait_primary(2)
    standby.wait_log(r'monitoring primary node "node2" \(ID: 2\) in normal state')
    find_in_order(
        standby.log(),
        [
            r"\[INFO\] connecting to database",
            r'\[NOTICE\].* starting (monitoring of|for) node "node2" \(ID: 2\)',
            r'\[INFO\] monitoring connection to upstream node "node1" \(ID: 1\)',
            r'\[INFO\] node "node2" \(ID: 2\) monitoring upstream node "node1" \(ID: 1\)'
            r" in normal state",
            r'\[WARNING\] unable to connect to (upstream|primary) node "node1" \(ID: 1\)',
            r"\[INFO\] checking state of node .*1.*, 1 of 3 attempts",
            r"until next reconnection attempt",
            r"\[INFO\] checking state of node .*1.*, 2 of 3 attempts",
            r"until next reconnection attempt",
            r"\[INFO\] checking state of node .*1.*, 3 of 3 attempts",
            r"\[WARNING\] unable to reconnect to node .*1.* after 3 attempts",
            r"\[NOTICE\] this node is the only available candidate and will now promote itself",
            r"\[NOTICE\] promoting standby to primary",
            r'\[DETAIL\] promoting server "node2" \(ID: 2\) using ".*promote',
            r"\[NOTICE\] STANDBY PROMOTE successful",
            r'\[DETAIL\] server "node2" \(ID: 2\) was successfully promoted to primary',
            r"\[INFO\] switching to primary monitoring mode",
            r'\[NOTICE\] monitoring cluster primary (node )?"node2" \(ID: 2\)',
            r'\[INFO\] monitoring primary node "node2" \(ID: 2\) in normal state',
        ],
    )

    # Clients go on, and what cannot be there is a tail that was not sent yet.
    wait_for(lambda: standby.address in client.hosts(), 10, "writes on the new primary")
    client.stop()
    on_first = [r["id"] for r in client.acknowledged() if r["host"] != standby.address]
    lost = client.lost(standby)
    assert lost == on_first[len(on_first) - len(lost) :]

    show = standby.pgrmon("cluster", "show")
    assert show.rc == 25, "a node that is down is worth an exit code"
    rows = {row["Name"]: row for row in table(show.out)}
    assert rows["node2"]["Role"] == "primary"
    assert rows["node2"]["Status"] == "* running"
    assert rows["node2"]["Timeline"] == "2"
    assert rows["node1"]["Status"] in ("- failed", "? unreachable")
    events = {row["Event"] for row in table(standby.pgrmon("cluster", "event").ok().out)}
    assert {"cluster_created", "primary_register", "standby_register"} <= events
    assert any("promote" in event for event in events), events

"""The commands that change a cluster, without daemons: clone, register, promote,
follow, unregister. What they refuse is in test_setup_errors.py."""

from expect import find_all, find_in_order
from lab import wait_for


def slots(node):
    return [name for (name,) in node.sql("select slot_name from pg_replication_slots")]


def record(node, number):
    columns = "type, active, upstream_node_id, slot_name"
    return node.sql(f"select {columns} from pgrmon.node where node_id = %s", number)[0]


def events(node, event):
    return node.sql(
        "select node_id, successful, details from pgrmon.event where event = %s", event
    )


def show(node, setting):
    return node.value(f"show {setting}")


def test_clone_makes_a_standby(bare_cluster, cluster):
    cluster(1, daemons=False)
    primary, standby = bare_cluster[1], bare_cluster.add(2)
    standby.configure(
        restore_command="cp '/nowhere/%f' \"%p\"", recovery_min_apply_delay="0"
    )
    result = bare_cluster.clone(
        2, "--verify-backup", "--recovery-min-apply-delay", "10ms"
    ).ok()
    find_in_order(
        result.err,
        [
            r"NOTICE: starting backup",
            r"INFO: .*verifying the copy",
            r"NOTICE: standby clone \(using pg_basebackup\) complete",
            r"HINT: for example: pg_ctl -D '.*' .*start",
            r'HINT: .*"pgrmon -f .* standby register"',
        ],
    )
    assert (standby.data / "standby.signal").read_bytes() == b""
    assert not (standby.data / "pgrmon_clone.unfinished").exists()
    assert slots(primary) == ["pgrmon_slot_2"]
    standby.own_settings()
    standby.start()
    bare_cluster.wait_streaming(2, 1, 10)
    assert show(standby, "primary_slot_name") == "pgrmon_slot_2"
    assert show(standby, "restore_command") == "cp '/nowhere/%f' \"%p\""
    assert show(standby, "recovery_min_apply_delay") == "10ms"
    assert "application_name=node2" in show(standby, "primary_conninfo")
    ((node_id, successful, details),) = events(primary, "standby_clone")
    assert (node_id, successful) == (2, True)
    assert primary.address in details

    standby.pgrmon("standby", "register", "--wait-sync=20").ok()
    assert record(standby, 2) == ("standby", True, 1, "pgrmon_slot_2")


def test_clone_with_a_tablespace(bare_cluster, cluster):
    cluster(1, daemons=False)
    primary, standby = bare_cluster[1], bare_cluster.add(2)
    old, new = primary.directory / "space", standby.directory / "space"
    primary.run("mkdir", old).ok()
    primary.sql(f"create tablespace far location '{old}'")
    primary.sql("create table t tablespace far as select generate_series(1, 10) as i")
    result = bare_cluster.clone(2)
    assert result.rc == 1, result.describe()
    find_all(result.err, [r"tablespace is not empty", r"HINT: .*tablespace_mapping"])
    standby.configure(tablespace_mapping=f"{old}={new}", pg_basebackup_options="--oops")
    assert bare_cluster.clone(2).rc == 14
    assert not new.exists() and not standby.data.exists()
    standby.configure(tablespace_mapping=f"{old}={new}")
    bare_cluster.clone_standby(2)
    bare_cluster.register_standby(2)
    assert standby.value("select count(*) from t") == 10
    assert any(new.iterdir())


def test_cascade_from_a_standby(cluster):
    """Node 3 is copied from node 2 and streams from it, the slot is there."""
    nodes = cluster(3, cascade={3: 2}, daemons=False)
    assert nodes[3].streams_from(nodes[2])
    assert slots(nodes[2]) == ["pgrmon_slot_3"]
    assert slots(nodes[1]) == ["pgrmon_slot_2"]
    assert record(nodes[1], 3) == ("standby", True, 2, "pgrmon_slot_3")


def test_promote_and_follow(cluster):
    nodes = cluster(3, daemons=False)
    nodes[1].kill9()
    nodes[2].pgrmon("standby", "promote", "--dry-run").ok()
    assert nodes[2].in_recovery()
    result = nodes[2].pgrmon("standby", "promote", "--log-to-file").ok()
    find_in_order(
        result.err,
        [
            r"NOTICE: promoting standby to primary",
            r'DETAIL: promoting server "node2" \(ID: 2\) using ".*pg_ctl .*promote"',
            r"NOTICE: STANDBY PROMOTE successful",
            r'DETAIL: server "node2" \(ID: 2\) was successfully promoted to primary',
        ],
    )
    assert record(nodes[2], 2)[:3] == ("primary", True, None)
    assert record(nodes[2], 1)[:2] == ("primary", False)
    assert nodes[2].value("select max(term) from pgrmon.term") == 2
    assert events(nodes[2], "standby_promote")[0][:2] == (2, True)

    # As a daemon's follow_command is written, and as an operator would.
    nodes[3].pgrmon("standby", "follow", "--dry-run").ok()
    assert "host=" + nodes[1].address in show(nodes[3], "primary_conninfo")
    result = nodes[3].pgrmon("standby", "follow", "--wait").ok()
    find_all(result.err, ["STANDBY FOLLOW successful", r'upstream node "node2" \(ID: 2\)'])
    assert nodes[3].streams_from(nodes[2])
    assert record(nodes[2], 3) == ("standby", True, 2, "pgrmon_slot_3")
    assert slots(nodes[2]) == ["pgrmon_slot_3"]
    assert events(nodes[2], "standby_follow")[0][:2] == (3, True)


def test_promote_as_an_ordinary_role(cluster):
    """pg_promote() where pg_ctl is not at hand."""
    nodes = cluster(2, daemons=False, minimal_grants=True)
    nodes[1].stop()
    nodes[2].configure(pg_bindir="/nowhere")
    result = nodes[2].pgrmon("standby", "promote").ok()
    find_all(result.err, [r'using "SELECT pg_promote\(false\)"'])
    assert nodes[2].is_primary()


def test_promote_by_the_service_command(cluster):
    nodes = cluster(2, daemons=False)
    nodes[1].stop()
    mark = nodes[2].directory / "mark"
    nodes[2].configure(
        service_promote_command=f"pg_ctl -D '{nodes[2].data}' promote; touch '{mark}'"
    )
    nodes[2].pgrmon("standby", "promote").ok()
    assert nodes[2].is_primary() and mark.exists()


def test_follow_another_standby_and_back(cluster):
    nodes = cluster(3, daemons=False)
    nodes[3].pgrmon("standby", "follow", "--upstream-node-id=2").ok()
    assert nodes[3].streams_from(nodes[2])
    assert record(nodes[1], 3)[2] == 2
    assert (slots(nodes[1]), slots(nodes[2])) == (["pgrmon_slot_2"], ["pgrmon_slot_3"])
    nodes[3].pgrmon("standby", "follow").ok()
    assert nodes[3].streams_from(nodes[1])
    assert record(nodes[1], 3)[2] == 1
    assert slots(nodes[2]) == []


def test_unregister(cluster):
    nodes = cluster(3, cascade={3: 2}, daemons=False)
    result = nodes[1].pgrmon("standby", "unregister", "--node-id=2")
    assert result.rc == 1, result.describe()
    find_all(result.err, [r'following node "node2"', r"HINT: .*standby follow"])
    nodes[3].stop()
    # From any node, by name; the slot on node 2 goes with it.
    nodes[1].pgrmon("standby", "unregister", "--node-name=node3").ok()
    assert slots(nodes[2]) == []
    assert nodes[1].sql("select node_id from pgrmon.node where node_id = 3") == []
    # A slot in use stays, and that is said.
    result = nodes[2].pgrmon("standby", "unregister").ok()
    find_all(result.err, [r"WARNING: .*pgrmon_slot_2", r"pg_drop_replication_slot"])
    assert slots(nodes[1]) == ["pgrmon_slot_2"]
    result = nodes[1].pgrmon("primary", "unregister")
    assert result.rc == 1, result.describe()
    find_all(result.err, ["running primary", "--force"])
    nodes[1].pgrmon("primary", "unregister", "--force").ok()
    assert nodes[1].sql("select node_id from pgrmon.node") == []


def test_failed_primary_is_unregistered_and_cloned(cluster):
    nodes = cluster(2, daemons=False)
    nodes[1].kill9()
    nodes[2].pgrmon("standby", "promote").ok()
    result = nodes[2].pgrmon("primary", "unregister", "--node-id=1").ok()
    find_all(result.err, [r'node "node1" \(ID: 1\) was successfully unregistered'])
    source = ["-h", nodes[2].address, "-U", "pgrmon", "-d", "pgrmon"]
    assert nodes[1].pgrmon("standby", "clone", *source, "-c").rc == 1
    nodes[1].pgrmon("standby", "clone", *source, "-c", "--force").ok()
    assert not nodes[1].data.with_name("data.pgrmon-old").exists()
    nodes[1].own_settings()
    nodes[1].start()
    wait_for(lambda: nodes[1].streams_from(nodes[2]), 10, "the old primary to stream")
    nodes[1].pgrmon("standby", "register").ok()
    assert record(nodes[2], 1) == ("standby", True, 2, "pgrmon_slot_1")


def test_settings_of_an_existing_copy(bare_cluster, cluster):
    """--replication-conf-only, after a copy that somebody else made."""
    cluster(1, daemons=False)
    primary, standby = bare_cluster[1], bare_cluster.add(2)
    source = f"host={primary.address} user=pgrmon"
    standby.run("pg_basebackup", "-D", standby.data, "-d", source, "-c", "fast").ok()
    bare_cluster.clone(2, "--replication-conf-only").ok()
    standby.own_settings()
    standby.start()
    bare_cluster.wait_streaming(2, 1, 10)
    assert slots(primary) == ["pgrmon_slot_2"]

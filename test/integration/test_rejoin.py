"""`pgrmon node rejoin`: an old primary comes back, by the way that fits its WAL (J rules).

pgrmond runs during all of it unless a test says otherwise."""

import os
import re
import shutil
import signal
from pathlib import Path

import pytest
from expect import find_all, find_in_order
from lab import stays, wait_for
from node import PG_BIN, give_to_postgres

MARK = "pgrmon_rewind.unfinished"


def rows(node):
    return node.value("select count(*) from tail")


def kept_of(node):
    """The directories that hold what was kept of a node's WAL."""
    place = Path(f"{node.data}.pgrmon-kept")
    return sorted(place.iterdir()) if place.exists() else []


def kept_wal_says(node, table):
    """pg_waldump of what was kept finds inserts into a relation."""
    pg_wal = kept_of(node)[-1] / "pg_wal"
    segments = sorted(f for f in pg_wal.iterdir() if re.fullmatch("[0-9A-F]{24}", f.name))
    assert segments, f"no segments in {pg_wal}"
    found = ""
    for first in segments:
        found += node.run("pg_waldump", "-p", pg_wal, "-r", "Heap", first).out
    return f"/{table} " in found or f"/{table}," in found


def diverge(nodes, replaced_by=(2, 3)):
    """Node 1 is cut off while a client on its own host writes; another is elected. Gives
    it, once node 1 is back, read-only."""
    old = nodes[1]
    old.sql("create table if not exists tail (n int)")
    old.sql("checkpoint")
    synced = old.value("select pg_current_wal_lsn()")
    for number in (2, 3):
        wait_for(
            lambda: nodes[number].value("select pg_last_wal_replay_lsn() >= %s", synced),
            10,
            f"node{number} to have the table",
        )
    nodes.lab.drop_host(1)
    old.sql("insert into tail select generate_series(1, 1000)")
    leader = nodes.wait_primary(*replaced_by)
    leader.sql("insert into tail select generate_series(1, 10)")
    nodes.lab.heal_cuts()
    return leader


def wait_held(node):
    """Its daemon has started it, read-only, and says what to do."""
    node.wait_answers()
    assert node.in_recovery()
    node.wait_log('execute "pgrmon .*node rejoin', 30)


def events(leader):
    return leader.sql(
        "select node_id, successful, details from pgrmon.event where event = 'node_rejoin'"
    )


def assert_back(nodes, node, leader, count=10):
    """It streams, has the leader's rows, and its daemon follows."""
    nodes.wait_streaming(node.number, leader.number)
    wait_for(lambda: rows(node) == count, 10, f"{node.name} to have the leader's rows")
    assert node.value("select pg_is_in_recovery()")
    assert (node.data / "standby.signal").exists()
    assert not (node.data / MARK).exists()
    assert not (node.data / "recovery.conf").exists()
    record = leader.sql(
        "select type, active, upstream_node_id from pgrmon.node where node_id = %s",
        node.number,
    )
    assert record == [("standby", True, leader.number)], record


def test_diverged_primary_is_rewound(calm):
    nodes = calm(3)
    leader = diverge(nodes)
    node = nodes[1]
    wait_held(node)
    relation = node.value("select pg_relation_filenode('tail')")
    shown = leader.pgrmon("cluster", "show")
    find_all(shown.err + shown.out, ['node "node1".*pgrmon node rejoin'])
    before = sorted(p.name for p in node.data.iterdir())
    dry = node.pgrmon("node", "rejoin", "--dry-run").ok()
    find_in_order(
        dry.err,
        [f'node "{leader.name}" .* leads in term 2', "way to rejoin: pg_rewind", "DETAIL"],
    )
    assert rows(node) == 1000 and not kept_of(node), "--dry-run changed something"
    assert sorted(p.name for p in node.data.iterdir()) == before
    done = node.pgrmon("node", "rejoin").ok()
    find_in_order(
        done.err,
        ["way to rejoin: pg_rewind", "diverged from the leader at", "is kept in", "NODE REJOIN"],
    )
    assert_back(nodes, node, leader)
    nodes.wait_calm()
    assert kept_wal_says(node, relation)
    assert str(kept_of(node)[0]) in done.err
    (event,) = events(leader)
    assert event[:2] == (1, True) and str(kept_of(node)[0]) in event[2], event
    again = node.pgrmon("node", "rejoin").ok()
    find_all(again.err, ["nothing is to be done"])

"""`pgrmon node rejoin`: an old primary comes back, by the way that fits its WAL (J rules).

pgrmond runs during all of it unless a test says otherwise."""

import fcntl
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

REWIND_GRANTS = """
grant execute on function pg_ls_dir(text, boolean, boolean), pg_stat_file(text, boolean),
    pg_read_binary_file(text), pg_read_binary_file(text, bigint, bigint, boolean)
    to pgrmon
"""


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
    """J9, and J10: what only it had is kept."""
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


def test_crashed_and_stopped_without_daemon(calm):
    """Nobody could resign: the state file still says "leading". PostgreSQL is asked what
    it has by a start that nobody sees (F7). The role is no superuser."""
    nodes = calm(3, minimal_grants=True)
    node = nodes[1]
    node.sql("create table tail (n int)")
    nodes.lab.drop_host(1)
    node.sql("insert into tail select generate_series(1, 1000)")
    node.lose_daemon(sentry=True)
    node.kill9()
    leader = nodes.wait_primary(2, 3)
    leader.sql("insert into tail select generate_series(1, 10)")
    nodes.lab.heal_cuts()
    state = node.state_directory / "state"
    assert "duty = leading" in state.read_text()
    dry = node.pgrmon("node", "rejoin", "--dry-run").ok()
    find_all(dry.err, ["to be decided; PostgreSQL is stopped", "would be started read-only"])
    assert not node.postmaster() and not kept_of(node)
    refused = node.pgrmon("node", "rejoin")
    assert refused.rc == 24, refused.describe()
    find_all(refused.err, ["may not read the leader's files", "HINT.*grants.sql"])
    assert not node.postmaster()
    leader.run("psql", "-h", leader.directory, "-U", "postgres", "-d", "pgrmon", "-c", REWIND_GRANTS).ok()
    done = node.pgrmon("node", "rejoin").ok()
    find_in_order(done.err, ["to be decided", "cut off", "way to rejoin: pg_rewind"])
    assert_back(nodes, node, leader)
    assert "duty = resigned" in state.read_text()
    options = (node.data / "postmaster.opts").read_text()
    assert "private" not in options and "listen_addresses" not in options, options
    node.start_daemon()
    nodes.wait_calm()


@pytest.mark.parametrize("runs", [False, True], ids=["stopped", "running"])
def test_nothing_diverged_streams(calm, runs):
    nodes = calm(3)
    node = nodes[1]
    node.sql("create table tail as select generate_series(1, 10) n")
    node.lose_daemon(sentry=True)
    node.stop("fast")
    leader = nodes.wait_primary(2, 3)
    if runs:
        node.start()
        assert node.in_recovery()
    postmaster = node.postmaster()
    done = node.pgrmon("node", "rejoin").ok()
    find_all(done.err, ["way to rejoin: stream; all of its WAL is the leader's"])
    assert_back(nodes, node, leader)
    assert not runs or node.postmaster() == postmaster, "it was restarted for nothing"
    assert not kept_of(node)
    node.start_daemon()
    nodes.wait_calm()


def promote_apart(nodes, first, second):
    """Two standbys are promoted from one point, each unseen by the other: one timeline
    number, identical history files, different rows."""
    nodes[1].sql("create table tail (n int)")
    end = nodes[1].value("select pg_current_wal_flush_lsn()")
    for number in (first, second):
        wait_for(
            lambda: nodes[number].value("select pg_last_wal_replay_lsn() >= %s", end),
            10,
            f"node{number} to have all",
        )
    nodes[1].stop("immediate")
    for number, count in ((first, 10), (second, 20)):
        nodes[number].pgrmon("standby", "promote").ok()
        nodes[number].sql("insert into tail select generate_series(1, %s)", count)
        nodes[number].sql("checkpoint")
        nodes[number].stop("fast")
    nodes[first].start()
    history = [(nodes[n].data / "pg_wal/00000002.history").read_bytes() for n in (first, second)]
    assert history[0] == history[1], "not promoted from one point"
    return nodes[first]


def test_two_promotions_from_one_point(cluster):
    """pg_rewind finds nothing to do, and PostgreSQL would stream (postgres-facts 1)."""
    nodes = cluster(3, daemons=False)
    leader = promote_apart(nodes, 2, 3)
    node = nodes[3]
    source = ["-h", leader.address, "-U", "pgrmon", "-d", "pgrmon"]
    conninfo = f"{leader.conninfo()} password=x"
    fooled = node.run(
        *["pg_rewind", "-n", "-D", node.data, f"--source-server={conninfo}"],
        *["--no-ensure-shutdown"],
    ).ok()
    assert "no rewind required" in fooled.err, "a newer pg_rewind tells them apart"
    refused = node.pgrmon("node", "rejoin", *source)
    assert refused.rc == 24, refused.describe()
    find_all(refused.err, ["two regimes wrote WAL under one timeline", "node rejoin --clone"])
    find_all(refused.err, ["term 2 of node 3 on timeline 2.*term 2 of node 2 on timeline 2"])
    assert not node.postmaster(), "it was stopped, and stays so"
    dry = node.pgrmon("node", "rejoin", "--clone", "--dry-run", *source).ok()
    find_all(dry.err, ["way to rejoin: clone", "exchanged"])
    assert not Path(f"{node.data}.pgrmon-new").exists() and not kept_of(node)
    done = node.pgrmon("node", "rejoin", "--clone", *source).ok()
    find_all(done.err, ["removing the old data directory", "NODE REJOIN successful"])
    assert_back(nodes, node, leader)
    assert len(kept_of(node)) == 1
    assert not Path(f"{node.data}.pgrmon-old").exists()
    assert node.directory.joinpath("data/postgresql.conf").read_text().count("node3") == 1


def break_off(node, who):
    """pg_bindir with a pg_rewind that dies in the middle of a WAL segment, once it has
    changed files (pg_rewind), pgrmon too (both), or that ends, and pgrmon dies (pgrmon)."""
    bindir = node.directory / "bin"
    bindir.mkdir()
    for program in Path(PG_BIN).iterdir():
        (bindir / program.name).symlink_to(program)
    (bindir / "pg_rewind").unlink()
    (bindir / "pg_rewind").write_text(
        f"""#!/bin/bash
case "$*" in *--dry-run*|*--version*) exec {PG_BIN}/pg_rewind "$@";; esac
({"" if who == "pgrmon" else "ulimit -c 0; ulimit -f 8192;"} exec {PG_BIN}/pg_rewind "$@")
code=$?
{"" if who == "pg_rewind" else "kill -9 $PPID"}
exit $code
"""
    )
    (bindir / "pg_rewind").chmod(0o755)
    give_to_postgres(bindir)
    return bindir


def assert_cannot_start(node):
    assert (node.data / MARK).is_fifo()
    started = node.run("pg_ctl", "-D", node.data, "-l", node.pg_log, "-w", "start")
    assert started.rc != 0 and not node.postmaster(), started.describe()
    for command in (["node", "guard"], ["node", "release", "--force"]):
        done = node.pgrmon(*command)
        assert done.rc == 4, done.describe()
        find_all(done.err, ["a rewind of .* broke off", 'execute "pgrmon node rejoin" again'])


@pytest.mark.parametrize("who", ["pg_rewind", "both", "pgrmon"])
def test_rewind_that_broke_off(calm, who):
    """Half of the files are the leader's. Nobody starts that, and it is done again."""
    nodes = calm(3)
    leader = diverge(nodes)
    node = nodes[1]
    wait_held(node)
    relation = node.value("select pg_relation_filenode('tail')")
    bindir = break_off(node, who)
    failed = node.pgrmon("-b", bindir, "node", "rejoin")
    assert failed.rc == (24 if who == "pg_rewind" else -signal.SIGKILL), failed.describe()
    assert_cannot_start(node)
    kept = kept_of(node)
    if who == "pg_rewind":
        find_all(failed.err, ["pg_rewind failed", 'execute "pgrmon node rejoin" again'])
        assert events(leader)[-1][1] is False
    done = node.pgrmon("node", "rejoin").ok()
    what = "after pg_rewind had ended, and is finished" if who == "pgrmon" else "is done again"
    find_all(done.err, [f"an earlier rewind broke off.* {what}"])
    assert kept_of(node) == kept, "kept once"
    assert_back(nodes, node, leader)
    nodes.wait_calm()
    assert kept_wal_says(node, relation)
    node.sql("select count(*) from pg_class c, pg_attribute a where attrelid = c.oid")


def test_rewind_that_broke_off_and_another_leader(calm):
    """What is half node 2's cannot be rewound against another: it takes a clone."""
    nodes = calm(3)
    leader = diverge(nodes)
    node, other = nodes[1], nodes[5 - leader.number]
    wait_held(node)
    node.pgrmon("-b", break_off(node, "pg_rewind"), "node", "rejoin")
    nodes.wait_streaming(other.number, leader.number)
    leader.kill9()
    other = nodes.wait_primary(other.number)
    refused = wait_for(
        lambda: (lambda d: "earlier rewind broke off" in d.err and d)(
            node.pgrmon("node", "rejoin")
        ),
        20,
        "the new leader to be found",
    )
    assert refused.rc == 24, refused.describe()
    find_all(refused.err, ["cannot be done again", "node rejoin --clone"])
    assert_cannot_start(node)
    kept = kept_of(node)
    node.pgrmon("node", "rejoin", "--clone", "--keep").ok()
    assert_back(nodes, node, other)
    assert Path(f"{node.data}.pgrmon-old", MARK).is_fifo()
    assert kept_of(node) == kept
    nodes.wait_calm(40)


def test_daemon_starts_nothing_meanwhile(calm):
    """`node rejoin` is at work: PostgreSQL is its own."""
    nodes = calm(3)
    node = nodes[1]
    path = node.state_directory / "rejoin.lock"
    lock = path.open("w")
    give_to_postgres(path)
    fcntl.flock(lock, fcntl.LOCK_EX)
    node.kill9()
    nodes.wait_primary(2, 3)
    node.wait_log('"node rejoin" is at work on this node', 15)
    busy = node.pgrmon("node", "rejoin")
    assert busy.rc == 24 and "is at work" in busy.err, busy.describe()
    lock.close()


def test_daemon_starts_nothing_half_done(calm):
    nodes = calm(3)
    node = nodes[1]
    os.mkfifo(node.data / MARK)
    node.kill9()
    nodes.wait_primary(2, 3)
    node.wait_log("a rewind of .* broke off: PostgreSQL must not be started", 15)
    node.wait_log('HINT.*execute "pgrmon node rejoin" again', 5)
    stays(lambda: node.postmaster() is None, 2, "PostgreSQL is down")
    os.unlink(node.data / MARK)


def test_not_now(cluster):
    """What is refused, and with which command it goes on."""
    nodes = cluster(2, daemons=False)
    writable = nodes[1].pgrmon("node", "rejoin")
    assert writable.rc == 24, writable.describe()
    find_all(writable.err, ["no other node is a reachable primary", '"node1".*: is a primary'])
    streams = nodes[2].pgrmon("node", "rejoin").ok()
    find_all(streams.err, ["nothing is to be done"])
    nodes[1].stop("immediate")
    nodes[2].pgrmon("standby", "promote").ok()
    nodes[1].run("rm", nodes[1].data / "standby.signal")
    nodes[1].start()
    source = ["-h", nodes[2].address, "-U", "pgrmon", "-d", "pgrmon"]
    writable = nodes[1].pgrmon("node", "rejoin", *source)
    assert writable.rc == 24, writable.describe()
    find_all(writable.err, ["runs as a primary", "pg_ctl stop -m fast"])
    nodes[1].stop("fast")
    unknown = nodes[1].pgrmon("node", "rejoin", "-h", "10.88.0.99")
    assert unknown.rc == 6, unknown.describe()
    bad = nodes[1].pgrmon("node", "rejoin", "--config-files=../x", *source)
    assert bad.rc == 1 and "no file of the data directory" in bad.err, bad.describe()
    assert not nodes[1].postmaster()
    (nodes[1].data / "own.conf").write_text("own")
    shutil.chown(nodes[1].data / "own.conf", "postgres")
    # As a walreceiver leaves it there that the leader then sent away: PostgreSQL does not
    # start along a timeline that left before its checkpoint.
    history = nodes[1].data / "pg_wal" / "00000002.history"
    shutil.copy(nodes[2].data / "pg_wal" / history.name, history)
    give_to_postgres(history)
    done = nodes[1].pgrmon("node", "rejoin", "--config-files=own.conf", *source).ok()
    find_all(done.err, ["way to rejoin: pg_rewind"])
    cut_off_log = (nodes[1].state_directory / "rejoin.log").read_text()
    find_all(cut_off_log, ["requested timeline 2 is not a child", "ready to accept read-only"])
    assert (nodes[1].data / "own.conf").read_text() == "own"

"""What the commands that change a cluster refuse, and that a failure halfway is undone.
More of it, for all commands, is in test_bad_input.py."""

import os
import signal
import subprocess
from pathlib import Path

import pytest
from expect import find_all
from lab import wait_for
from node import give_to_postgres
from test_bad_input import small_disk

BAD_CONFIG, DB_CONN, PROMOTION, BASEBACKUP = 1, 6, 8, 14
REGISTRATION_SYNC, FOLLOW = 20, 23
SECRET = "pass:w\\rd"  # as awkward as a password file can have it


def content(directory):
    return {
        str(path.relative_to(directory)): path.stat().st_size
        for path in directory.rglob("*")
        if path.is_file()
    }


def metadata(node):
    return node.sql("select * from pgrmon.node order by node_id")


def slots(node):
    return node.sql("select slot_name from pg_replication_slots order by 1")


def refused(result, code, *patterns):
    assert result.rc == code, result.describe()
    find_all(result.err, [r"^ERROR: \S", r"^HINT: \S", *patterns])


@pytest.fixture
def alone(bare_cluster, cluster):
    """A registered primary, and a second host with its pgrmon.conf only."""
    cluster(1, daemons=False)
    bare_cluster.add(2)
    return bare_cluster


@pytest.fixture
def slow(alone):
    """Cloning takes long enough to happen something to it."""
    alone[2].configure(pg_basebackup_options="--max-rate=1M")
    return alone


def start_clone(nodes, *options, before=()):
    """The clone of node 2 in the background, under way."""
    source = ["-h", nodes[1].address, "-U", "pgrmon", "-d", "pgrmon", "-c"]
    words = [*before, "pgrmon", "-f", nodes[2].conf, "standby", "clone"]
    words += [*source, *options]
    process = subprocess.Popen(
        nodes[2].command(*words), stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    data = nodes[2].data
    wait_for(lambda: (data / "pgrmon_clone.unfinished").exists(), 20, "the copy to begin")
    return process


def backups(node):
    """Processes of pg_basebackup on the host."""
    found = []
    for pid in node.lab.processes(node.number):
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if words[0].endswith(b"pg_basebackup"):
            found.append(pid)
    return found


# Access.


def test_no_replication_entry(alone):
    primary, standby = alone[1], alone[2]
    hba = primary.data / "pg_hba.conf"
    lines = [x for x in hba.read_text().splitlines() if "host  replication" not in x]
    hba.write_text("\n".join(lines) + "\n")
    primary.reload()
    before = metadata(primary)
    for options in ([], ["--dry-run"]):
        refused(
            alone.clone(2, *options),
            DB_CONN,
            r"could not open a replication connection to the source node",
            r"no pg_hba.conf entry for replication connection",
            rf'HINT: add "host replication pgrmon {standby.address}/32 ',
        )
    assert not standby.data.exists()
    assert (slots(primary), metadata(primary)) == ([], before)


def test_role_without_replication(alone):
    alone[1].sql("alter role pgrmon nosuperuser noreplication", dbname="pgrmon")
    refused(alone.clone(2), DB_CONN, 'HINT: .*"ALTER ROLE pgrmon REPLICATION"')


def test_password_is_nowhere(slow):
    """Given with -d, it serves pg_basebackup and leaves no trace."""
    primary, standby = slow[1], slow[2]
    standby.configure(pg_basebackup_options="--max-rate=6M")
    in_conninfo = SECRET.replace("\\", "\\\\")
    primary.sql(f"alter role pgrmon password '{SECRET}'")
    hba = primary.data / "pg_hba.conf"
    rule = f"{standby.address}/32 scram-sha-256"
    hba.write_text(f"host all all {rule}\nhost replication all {rule}\n{hba.read_text()}")
    primary.reload()
    # The upstream is reached by the conninfo of its record, with a password file.
    passfile = standby.directory / "pgpass"
    passfile.write_text("*:*:*:*:" + in_conninfo.replace(":", "\\:") + "\n")
    passfile.chmod(0o600)
    give_to_postgres(passfile)
    source = f"host={primary.address} user=pgrmon dbname=pgrmon password='{in_conninfo}'"
    process = start_clone(slow, "-d", source, before=["env", f"PGPASSFILE={passfile}"])
    assert backups(standby)
    for pid in standby.lab.processes(standby.number):
        for what in ("cmdline", "environ"):
            shown = Path(f"/proc/{pid}/{what}").read_bytes().decode()
            assert SECRET not in shown and in_conninfo not in shown, (pid, what)
    out, err = process.communicate(timeout=90)
    assert process.returncode == 0, err
    conf = (standby.data / "postgresql.auto.conf").read_text()
    assert "primary_conninfo" in conf
    for text in (out, err, conf, primary.pg_log.read_text()):
        assert SECRET not in text and in_conninfo not in text


# Half a clone.


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_clone_is_undone(slow, number):
    before = metadata(slow[1])
    process = start_clone(slow)
    assert slots(slow[1]) == [("pgrmon_slot_2",)]
    # ip netns exec, setpriv and env have become pgrmon itself.
    process.send_signal(number)
    _, err = process.communicate(timeout=30)
    assert process.returncode == BASEBACKUP, err
    find_all(err, ["^ERROR: the clone was interrupted", "^HINT: "])
    assert not slow[2].data.exists()
    assert not backups(slow[2])
    assert (slots(slow[1]), metadata(slow[1])) == ([], before)


def test_killed_clone_is_recognised(slow):
    process = start_clone(slow)
    process.kill()
    process.communicate(timeout=30)
    wait_for(lambda: not backups(slow[2]), 10, "pg_basebackup to end")
    slow[2].configure()
    refused(slow.clone(2), BAD_CONFIG, "holds an unfinished clone", "--force")
    slow.clone(2, "--force").ok()
    assert not (slow[2].data / "pgrmon_clone.unfinished").exists()


def test_failed_clone_brings_old_content_back(cluster):
    nodes = cluster(2, daemons=False)
    nodes[2].stop()
    before, registered = content(nodes[2].data), metadata(nodes[1])
    nodes[2].configure(pg_basebackup_options="--max-rate=1M")
    process = start_clone(nodes, "--force")
    aside = nodes[2].data.with_name("data.pgrmon-old")
    assert content(aside) == before
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=30)
    assert process.returncode == BASEBACKUP, err
    assert content(nodes[2].data) == before and not aside.exists()
    # The slot was there before.
    assert (slots(nodes[1]), metadata(nodes[1])) == ([("pgrmon_slot_2",)], registered)
    nodes[2].start()
    nodes.wait_streaming(2, 1, 10)


def test_full_disk_halfway(alone):
    """The check beforehand can be wrong; --force is as if it were."""
    before = metadata(alone[1])
    with small_disk(alone[2], 20):
        result = alone.clone(2, "--force")
        refused(result, BASEBACKUP, "WARNING: not enough free space", "No space left")
        assert not content(alone[2].data)
    assert (slots(alone[1]), metadata(alone[1])) == ([], before)


def test_silent_upstream_is_noticed(slow):
    """The network is cut while cloning: no error ever comes from there."""
    impatient = "keepalives_idle=1 keepalives_interval=1 tcp_user_timeout=2000"
    process = start_clone(slow, "-d", f"dbname=pgrmon {impatient}")
    slow.lab.drop_host(1)
    _, err = process.communicate(timeout=90)
    assert process.returncode == BASEBACKUP, err
    find_all(err, ["^ERROR: pg_basebackup failed", "WARNING: .*pgrmon_slot_2"])
    assert not slow[2].data.exists()


# Directories.


def test_force_does_not_overwrite_another_cluster(alone):
    data = alone[2].data
    alone[2].run("initdb", "-D", data, "-A", "trust", "--no-sync", "-U", "postgres").ok()
    before = content(data)
    refused(alone.clone(2, "--force"), BAD_CONFIG, "another cluster", "system identifier")
    assert content(data) == before


def test_force_does_not_overwrite_other_files(alone):
    alone[2].run("mkdir", "-m", "700", alone[2].data).ok()
    alone[2].run("cp", "/etc/hostname", alone[2].data / "precious").ok()
    refused(alone.clone(2, "--force"), BAD_CONFIG, "no data directory")
    assert list(content(alone[2].data)) == ["precious"]


def test_running_server_without_pid_file(cluster):
    """Somebody has removed postmaster.pid; its processes still are there."""
    nodes = cluster(2, daemons=False)
    pid_file = nodes[2].data / "postmaster.pid"
    text = pid_file.read_bytes()
    pid_file.unlink()
    # Quicker than PostgreSQL, which ends a minute after it has noticed.
    result = nodes[2].pgrmon(
        *["standby", "clone", "-h", nodes[1].address, "-U", "pgrmon", "-d", "pgrmon"],
        "--force",
    )
    refused(result, BAD_CONFIG, "running in directory")
    pid_file.write_bytes(text)
    give_to_postgres(pid_file)


def test_source_that_is_not_registered(alone):
    alone[1].sql("drop schema pgrmon cascade")
    refused(alone.clone(2), BAD_CONFIG, "no pgrmon metadata", "primary register")
    assert not alone[2].data.exists()


def test_settings_of_the_source(alone):
    alone[1].sql("alter system set max_wal_senders = 1")
    alone[1].stop()
    alone[1].start()
    refused(alone.clone(2), BAD_CONFIG, "2 required, 1 available", "max_wal_senders")


def test_wrong_version_of_the_program(alone):
    fake = alone[2].directory / "bin"
    alone[2].run("mkdir", fake).ok()
    (fake / "pg_basebackup").write_text("#!/bin/sh\necho 'pg_basebackup (PostgreSQL) 14.9'\n")
    (fake / "pg_basebackup").chmod(0o755)
    alone[2].configure(pg_bindir=fake)
    refused(alone.clone(2), BAD_CONFIG, "another version", "version 14 here")


@pytest.mark.parametrize("same", [{"node_id": 1}, {"node_name": "node1"}])
def test_clone_as_a_node_that_is_there(alone, same):
    alone[2].configure(**same)
    refused(alone.clone(2), BAD_CONFIG, "already used|is running", "node_id|node_name")
    assert not alone[2].data.exists()
    assert slots(alone[1]) == []


# Registration.


def test_standby_of_another_cluster(alone):
    node = alone[2]
    node.run("initdb", "-D", node.data, "-A", "trust", "--no-sync", "-U", "postgres").ok()
    with (node.data / "postgresql.conf").open("a") as file:
        file.write("listen_addresses = '*'\n")
    (node.data / "pg_hba.conf").write_text("local all all trust\nhost all all all trust\n")
    node.own_settings()
    node.start()
    with node.connect("postgres", "postgres") as connection:
        connection.execute("create role pgrmon superuser login")
        connection.execute("create database pgrmon")
    node.stop()
    node.run("touch", node.data / "standby.signal").ok()
    node.start()
    before = metadata(alone[1])
    source = ["-h", alone[1].address, "-U", "pgrmon", "-d", "pgrmon"]
    result = node.pgrmon("standby", "register", *source)
    refused(result, BAD_CONFIG, "another cluster", "system identifier is")
    assert metadata(alone[1]) == before


def test_wrong_data_directory(alone):
    alone[1].configure(data_directory=alone[2].directory)
    result = alone[1].pgrmon("primary", "register", "--force")
    refused(result, BAD_CONFIG, "not the server's data directory", str(alone[1].data))


def test_register_from_the_wrong_upstream(cluster):
    nodes = cluster(3, cascade={3: 2}, daemons=False)
    result = nodes[3].pgrmon("standby", "register", "--force", "--dry-run").ok()
    find_all(result.err, ["WARNING: .*not attached", "--upstream-node-id=2"])
    result = nodes[3].pgrmon("standby", "register", "--upstream-node-id=9", "--force")
    refused(result, BAD_CONFIG, "no node with ID 9")


def test_record_that_does_not_arrive(cluster):
    nodes = cluster(2, daemons=False)
    nodes[2].sql("select pg_wal_replay_pause()")
    nodes[2].configure(priority=7)
    result = nodes[2].pgrmon("standby", "register", "--force", "--wait-sync=1")
    refused(result, REGISTRATION_SYNC, "within 1 seconds")
    assert nodes[1].value("select priority from pgrmon.node where node_id = 2") == 7


def test_another_primary_runs(alone):
    """A second primary of the same cluster cannot be registered beside the first."""
    alone.clone_standby(2)
    alone.register_standby(2)
    alone[2].run("pg_ctl", "-D", alone[2].data, "-w", "promote").ok()
    before = metadata(alone[2])
    result = alone[2].pgrmon("primary", "register", "--force")
    refused(result, BAD_CONFIG, "is running as one")
    assert metadata(alone[2]) == before


# Promotion and following.


def test_no_second_primary(cluster):
    nodes = cluster(2, daemons=False)
    for options in ([], ["--force"]):
        result = nodes[2].pgrmon("standby", "promote", *options)
        refused(result, PROMOTION, r'node "node1" \(ID: 1\) is running as the primary')
    assert nodes[2].in_recovery()
    refused(nodes[1].pgrmon("standby", "promote"), PROMOTION, "is not a standby")


def test_promotion_that_calls_itself(cluster):
    nodes = cluster(2, daemons=False)
    nodes[1].stop()
    script = nodes[2].directory / "promote"
    script.write_text(f"#!/bin/sh\nexec pgrmon -f '{nodes[2].conf}' standby promote\n")
    script.chmod(0o755)
    nodes[2].configure(service_promote_command=script)
    result = nodes[2].pgrmon("standby", "promote")
    refused(result, PROMOTION, "command failed", "ERROR: .*which executes it")
    assert nodes[2].in_recovery()


def test_follow_a_node_that_is_behind(cluster):
    """An old primary, back with its old term, is not followed."""
    nodes = cluster(3, daemons=False)
    nodes[1].stop()
    nodes[2].pgrmon("standby", "promote").ok()
    nodes[3].pgrmon("standby", "follow").ok()
    nodes[1].start()
    conninfo = nodes[3].value("show primary_conninfo")
    result = nodes[3].pgrmon("standby", "follow", "--upstream-node-id=1")
    refused(result, FOLLOW, "older timeline|older regime", "prerequisites|timeline is")
    assert nodes[3].value("show primary_conninfo") == conninfo
    assert slots(nodes[1]) == [("pgrmon_slot_2",), ("pgrmon_slot_3",)]
    # Without being told whom, the newer of the two primaries is found.
    nodes[3].pgrmon("standby", "follow").ok()
    assert nodes[3].streams_from(nodes[2])


def test_fork(cluster):
    """A standby that has received more than the promoted one had."""
    nodes = cluster(3, daemons=False)
    # Not to be healed: a kernel delivers what a dead process had sent.
    nodes.lab.cut(1, 2)
    nodes[1].sql("create table more as select generate_series(1, 1000) as i")
    end = nodes[1].value("select pg_current_wal_lsn()")
    behind = "select pg_last_wal_replay_lsn() >= %s::pg_lsn"
    wait_for(lambda: nodes[3].value(behind, end), 10, "node 3 to have it")
    nodes[1].kill9()
    nodes[2].pgrmon("standby", "promote").ok()
    result = nodes[3].pgrmon("standby", "follow")
    refused(result, FOLLOW, "this standby has WAL that", "left it at", "node rejoin")
    assert slots(nodes[2]) == []


def test_follow_that_does_not_attach(cluster):
    """The command says so; repmgr called it a success."""
    nodes = cluster(3, daemons=False)
    nodes[3].configure(standby_follow_timeout="1s")
    startup = [
        pid
        for pid in nodes[3].pg_processes()
        if b"startup" in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]
    os.kill(startup[0], signal.SIGSTOP)
    try:
        result = nodes[3].pgrmon("standby", "follow", "--upstream-node-id=2")
    finally:
        os.kill(startup[0], signal.SIGCONT)
    refused(result, FOLLOW, "did not attach", "within 1 s")


def test_follow_of_a_primary_and_of_itself(cluster):
    nodes = cluster(2, daemons=False)
    refused(nodes[1].pgrmon("standby", "follow"), BAD_CONFIG, "is not a standby")
    result = nodes[2].pgrmon("standby", "follow", "--upstream-node-id=2")
    refused(result, BAD_CONFIG, "follow itself")


def test_circle(cluster):
    nodes = cluster(3, cascade={3: 2}, daemons=False)
    result = nodes[2].pgrmon("standby", "follow", "--upstream-node-id=3")
    refused(result, FOLLOW, "streams from this node itself")
    assert nodes[2].streams_from(nodes[1])

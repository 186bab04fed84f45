"""Bad input gets a clear error with repmgr's exit code, and nothing is lost: data
directories and metadata are as they were."""

import contextlib
import subprocess
import threading

import pytest
from expect import find_all
from lab import wait_for

BAD_CONFIG, DB_CONN, BASEBACKUP = 1, 6, 14
EXPLAINED = [r"^ERROR: \S", r"^HINT: .*pgrmon|^HINT: \S"]
SECRET = "not-for-the-log"


def registered(node):
    """What the metadata says of the nodes."""
    columns = "node_id, node_name, type, active, upstream_node_id, priority, conninfo"
    return node.sql(f"select {columns} from pgrmon.node order by node_id")


def content(directory):
    """Names and sizes of everything in a directory; empty when it is not there."""
    return {
        str(path.relative_to(directory)): path.stat().st_size
        for path in directory.rglob("*")
        if path.is_file()
    }


def refused(result, code, *patterns):
    """The command failed with that code, once, and says what to do."""
    assert result.rc == code, result.describe()
    find_all(result.err, [*EXPLAINED, *patterns])
    assert "Sanitizer" not in result.err


@pytest.fixture
def alone(bare_cluster, cluster):
    """A registered primary, and a second host that has only its pgrmon.conf."""
    cluster(1, daemons=False)
    bare_cluster.add(2)
    return bare_cluster


def test_unknown_setting_has_a_suggestion(alone):
    alone[2].configure(reconect_attempts=3)
    result = alone[2].pgrmon("config", "check")
    assert result.rc == BAD_CONFIG, result.describe()
    find_all(result.out + result.err, ["reconect_attempts", '"?reconnect_attempts"?'])
    assert alone[2].pgrmon("cluster", "show").rc == BAD_CONFIG


def test_repmgr_setting_without_meaning_is_a_warning(alone):
    alone[1].configure(ssh_options="-q")
    result = alone[1].pgrmon("cluster", "show").ok()
    find_all(result.err, [r"WARNING: .*ssh_options"])


@pytest.mark.parametrize("missing", ["node_id", "node_name", "conninfo"])
def test_missing_setting(alone, missing):
    alone[1].configure(**{missing: None})
    refused(alone[1].pgrmon("standby", "register"), BAD_CONFIG, missing)


def test_configuration_that_cannot_be_read(alone):
    alone[1].conf.chmod(0)
    refused(alone[1].pgrmon("cluster", "show"), BAD_CONFIG, "(?i)permission denied")
    alone[1].conf.unlink()
    refused(alone[1].pgrmon("cluster", "show"), BAD_CONFIG, "(?i)no such file|not exist")


def test_primary_registered_twice(alone):
    before = registered(alone[1])
    again = alone[1].pgrmon("primary", "register")
    refused(again, BAD_CONFIG, "registered", "--force")
    assert registered(alone[1]) == before
    alone[1].pgrmon("primary", "register", "--force").ok()
    assert registered(alone[1]) == before


def test_primary_as_standby(alone):
    before = registered(alone[1])
    refused(alone[1].pgrmon("standby", "register"), BAD_CONFIG, "not a standby|primary")
    assert registered(alone[1]) == before


def test_standby_as_primary(cluster):
    nodes = cluster(2, daemons=False)
    before = registered(nodes[1])
    refused(nodes[2].pgrmon("primary", "register"), BAD_CONFIG, "standby")
    assert registered(nodes[1]) == before


@pytest.mark.parametrize("same", [{"node_id": 1}, {"node_name": "node1"}])
def test_duplicate_node(alone, same):
    alone.clone_standby(2)
    before = registered(alone[1])
    alone[2].configure(**same)
    refused(alone[2].pgrmon("standby", "register"), BAD_CONFIG, "node1|ID: 1")
    assert registered(alone[1]) == before


def test_clone_onto_a_used_directory(alone):
    data = alone[2].data
    alone[2].run("mkdir", "-m", "700", data).ok()
    alone[2].run("cp", "/etc/hostname", data / "precious").ok()
    before = content(data)
    for options in ([], ["--dry-run"]):
        refused(alone.clone(2, *options), BAD_CONFIG, "not empty", "--force")
        assert content(data) == before


def test_clone_onto_a_running_server(cluster):
    nodes = cluster(2, daemons=False)
    for options in ([], ["--force"]):
        refused(nodes.clone(2, *options), BAD_CONFIG, "running")
        assert nodes[2].in_recovery()


def test_data_directory_of_another_cluster(alone):
    """Replication settings only, but the copy is of somebody else."""
    initdb = ["initdb", "-D", alone[2].data, "-A", "trust", "--no-sync", "-U", "postgres"]
    alone[2].run(*initdb).ok()
    before = content(alone[2].data)
    result = alone.clone(2, "--replication-conf-only")
    refused(result, BAD_CONFIG, "system identifier")
    assert content(alone[2].data) == before


def test_wrong_password_is_not_shown(alone):
    primary, standby = alone[1], alone[2]
    primary.sql("alter role pgrmon password 'right'")
    hba = primary.data / "pg_hba.conf"
    hba.write_text(f"host all all {standby.address}/32 scram-sha-256\n{hba.read_text()}")
    primary.reload()
    source = f"host={primary.address} user=pgrmon dbname=pgrmon password={SECRET}"
    result = standby.pgrmon("standby", "clone", "-d", source)
    refused(result, DB_CONN, "(?i)password")
    assert SECRET not in result.err + result.out
    assert SECRET not in primary.pg_log.read_text()
    assert not content(standby.data)


@contextlib.contextmanager
def small_disk(node, megabytes):
    node.run("mkdir", "-m", "700", node.data).ok()
    options = f"size={megabytes}m,mode=700,uid=postgres,gid=postgres"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "lab", node.data], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", node.data], check=True)


def test_full_disk_while_cloning(alone):
    with small_disk(alone[2], 12):
        result = alone.clone(2)
        refused(result, BASEBACKUP, "(?i)no space left|too small|free space")
        assert not content(alone[2].data)
    assert [row[0] for row in registered(alone[1])] == [1]


def test_upstream_vanishes_while_cloning(alone):
    alone[2].configure(pg_basebackup_options="--max-rate=2M")
    results = []
    clone = threading.Thread(target=lambda: results.append(alone.clone(2)))
    clone.start()
    wait_for(lambda: len(content(alone[2].data)) > 20, 20, "the clone to be under way")
    alone[1].kill9()
    clone.join(60)
    refused(results[0], BASEBACKUP)
    assert not content(alone[2].data)


def test_unknown_words(alone):
    for words in (["standby", "clonk"], ["standy", "clone"], ["cluster", "show", "--cvs"]):
        result = alone[1].pgrmon(*words)
        assert result.rc == BAD_CONFIG, result.describe()
        find_all(result.err, ["ERROR: ", words[0], "did you mean|see"])

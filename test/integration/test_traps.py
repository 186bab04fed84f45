"""PostgreSQL's traps around an election (postgres-facts 1, 3, 4, 5): what the daemon
does to its own server, run by revoke_tool on real ones."""

import shutil
import subprocess
import threading
import time

import psycopg
import pytest
from conftest import BUILD
from lab import stays, wait_for

TOOL = "revoke_tool"
WALRECEIVERS = "select count(*) from pg_stat_activity where backend_type = 'walreceiver'"


@pytest.fixture
def tool(programs):
    """Puts the tool beside the programs; gives a function that runs it on a node."""
    shutil.copy(BUILD / "test" / "integration" / TOOL, programs)

    def run(node, *argv, timeout=60):
        done = node.run(TOOL, node.conf, *argv, timeout=timeout).ok()
        result = dict(line.split(" ", 1) for line in done.out.splitlines())
        result["log"] = done.err
        return result

    return run


def receivers(node):
    return node.value(WALRECEIVERS)


def replayed(node):
    return node.value("select pg_last_wal_replay_lsn()::text")


def conninfo(node):
    return node.value("show primary_conninfo")


def test_revocation_of_an_idle_standby(cluster, tool):
    nodes = cluster(2, daemons=False)
    end = nodes[1].value("select pg_current_wal_flush_lsn()::text")
    wait_for(lambda: replayed(nodes[2]) >= end, 10, "node2 to catch up")
    result = tool(nodes[2], "revoke")
    assert (result["ok"], result["known"], result["why"]) == ("1", "1", "done"), result
    assert result["term"] == "1"
    assert result["position"] == replayed(nodes[2])
    assert conninfo(nodes[2]) == ""
    stays(lambda: receivers(nodes[2]) == 0, 3, "no walreceiver comes back")
    # Again: nothing to be changed, the same report.
    again = tool(nodes[2], "revoke")
    assert (again["ok"], again["position"]) == ("1", result["position"])

"""`cluster notes` reads what real daemons leave in pg_stat_activity."""

import json

import psycopg
from expect import find_all, table
from lab import wait_for


def boards(node):
    result = node.pgrmon("cluster", "notes", "--json")
    return {board["name"]: board for board in json.loads(result.out)["boards"]}


def phases(node, board):
    notes = boards(node)[board]["notes"]
    return {note["node_name"]: (note["phase"], note["leader_id"]) for note in notes}


def test_notes_of_a_calm_cluster(cluster):
    nodes = cluster(2)
    expected = {"node1": ("lead", 1), "node2": ("follow", 1)}
    wait_for(lambda: phases(nodes[1], "node1") == expected, 15, "both notes on node1")
    assert phases(nodes[2], "node2")["node2"] == ("follow", 1)
    result = nodes[2].pgrmon("cluster", "notes").ok()
    rows = {(row["Board"], row["Node"]): row for row in table(result.out)}
    assert rows["node1", "node2"]["Supports"] == "node1"
    assert rows["node1", "node1"]["Phase"] == "lead"


def test_what_is_missing_is_said(cluster, lab):
    nodes = cluster(2)
    conninfo = f"host={nodes[1].directory} user=pgrmon dbname=pgrmon"
    impostor = psycopg.connect(conninfo, application_name="pgrmond2 impostor")
    lab.cut(1, 2)
    result = nodes[1].pgrmon("cluster", "notes", "--verbose")
    impostor.close()
    assert result.rc == 25, result.describe()
    find_all(
        result.out,
        [
            r"^ node1: 1 session named like notes that are none$",
            r"^ node2: not read, silent$",
        ],
    )
    assert 'node "node2" (ID: 2)' in result.err

"""`cluster explain` names whom the daemons then promote, and says when nobody is."""

import json

from lab import wait_for


def explain(node, *words):
    result = node.pgrmon("cluster", "explain", "--json", *words)
    assert result.out.startswith("{"), result.describe()
    return result.rc, json.loads(result.out)


def findings(said, name, part=None):
    return [
        found
        for found in said["findings"]
        if found["finding"] == name and part in (None, found["part"])
    ]


def test_who_is_named_is_promoted(cluster):
    """Equal WAL, so the priority decides (P4.3): not the lowest ID."""
    nodes = cluster(3, conf={3: {"priority": 120}})
    nodes.wait_calm()
    code, said = explain(nodes[2])
    assert code == 0, said
    assert said["leader_id"] == 1
    assert {found["node_id"] for found in findings(said, "supports")} == {2, 3}
    assert said["crash_promotes_id"] == said["host_loss_promotes_id"] == 3, said
    best = findings(said, "stands")[0]
    assert (best["node_id"], best["other_id"], best["rule"]) == (3, 2, "P4.3")
    assert findings(said, "at_once", "crash")

    nodes[1].kill9()
    assert nodes.wait_primary(2, 3).number == 3
    nodes.wait_streaming(2, 3)


def test_no_quorum_is_explained(cluster):
    nodes = cluster(3)
    nodes.wait_calm()
    nodes[2].stop_daemon()
    nodes[3].stop_daemon()
    code, said = explain(nodes[1])
    assert code == 25
    assert said["host_loss_promotes_id"] is None
    wait_for(lambda: not nodes[1].is_primary(), 30, "node1 to give up")
    code, said = explain(nodes[2])
    assert code == 25 and not said["succeeds"]
    assert said["leader_id"] is None
    quorum = findings(said, "quorum", "election")[0]
    assert (quorum["rule"], quorum["status"], quorum["needed"]) == ("Q1", "fails", 2)
    absent = {found["node_id"] for found in findings(said, "no_daemon")}
    assert absent >= {2, 3}, said
    text = nodes[2].pgrmon("cluster", "explain").out
    assert "nobody can be promoted" in text
    assert "systemctl start pgrmond" in text

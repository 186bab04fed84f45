"""What an operator does with a witness and with voters, and what is shown of them."""

import json

from lab import wait_for


def lease(nodes, node):
    return nodes.show(node)["lease"]


def status_of(nodes, node, number):
    return next(n for n in nodes.show(node)["nodes"] if n["id"] == number)["status"]


def wait_clean(node):
    """`cluster show` on a node finds nothing wrong; what it prints."""

    def look():
        done = node.pgrmon("cluster", "show")
        assert done.rc in (0, 25), done.describe()
        return done.out if done.rc == 0 else None

    return wait_for(look, 15, f"cluster show on {node.name} to be clean")


def wait_supporting(nodes, voters, supporting):
    """`cluster show` counts so many ballots of so many voters."""
    expected = (voters, supporting)

    def look():
        shown = lease(nodes, nodes[1])
        return shown and (shown["voters"], shown["supporting"]) == expected

    wait_for(look, 15, f"{supporting} of {voters} voters to support node1")


def test_witness_is_shown_and_counted(calm):
    nodes = calm(2, witnesses=[3])
    wait_supporting(nodes, 3, 3)
    for node in nodes:  # the witness asks any data node
        shown = wait_clean(node)
        assert "leader node1, term 1, supported by 3 of 3 voters" in shown, shown
        assert "| node3 | witness | * running |" in shown, shown
    assert "Voting: yes" in nodes[3].pgrmon("node", "status").ok().out
    promise = json.loads(nodes[1].pgrmon("node", "status", "--json").ok().out)
    assert promise["promise"] == "leads in term 1", promise
    assert promise["sentry"].startswith("on duty"), promise
    refused = nodes[3].pgrmon("standby", "register")
    assert refused.rc == 1 and "is not for a witness" in refused.err, refused.describe()
    assert nodes[3].stop_daemon() == 0
    wait_for(
        lambda: status_of(nodes, nodes[1], 3) == "? unreachable", 10, "node3 to be missed"
    )
    shown = nodes[1].pgrmon("cluster", "show")
    assert shown.rc == 25 and "no pgrmond is seen of node" in shown.err, shown.describe()
    nodes[3].start_daemon()
    wait_supporting(nodes, 3, 3)


def test_maintenance_lets_a_majority_be_stopped(calm, acks):
    """Node 3 and then node 2 are released: the primary goes on without both."""
    nodes = calm(2, witnesses=[3])
    clients = acks(nodes)
    regime = nodes.regime()
    wait_supporting(nodes, 3, 3)
    nodes[3].pgrmon("node", "maintenance", "on").ok()
    wait_supporting(nodes, 2, 2)
    nodes[2].pgrmon("node", "maintenance", "on", "--node-id", 2).ok()
    wait_supporting(nodes, 1, 1)
    for number in (2, 3):
        assert nodes[number].stop_daemon() == 0
    shown = nodes[1].pgrmon("cluster", "show")
    assert "does not vote: it is in maintenance" in shown.err, shown.describe()
    again = nodes[1].pgrmon("node", "maintenance", "on", "--node-id", 2).ok()
    assert "already" in again.err
    refused = nodes[1].pgrmon("node", "maintenance", "on")
    assert refused.rc == 1 and "running primary" in refused.err, refused.describe()
    for number in (2, 3):
        nodes[number].start_daemon()
        nodes[1].pgrmon("node", "maintenance", "off", "--node-id", number).ok()
    wait_supporting(nodes, 3, 3)
    assert nodes.regime() == regime
    assert clients.gap(0, 1) < 1.5


def test_who_votes_is_changed_by_a_majority_only(calm):
    """Rule M1: of two voters both have to confirm, and one cannot."""
    nodes = calm(2)
    wait_supporting(nodes, 2, 2)
    assert nodes[2].stop_daemon() == 0
    done = nodes[1].pgrmon("standby", "unregister", "--node-id", 2)
    assert done.rc == 1, done.describe()
    assert "1 of 2 voters confirmed the present membership" in done.err, done.describe()
    assert 'node "node2" (ID: 2): no pgrmond is seen' in done.err, done.describe()
    nodes[1].pgrmon("standby", "unregister", "--node-id", 2, "--force").ok()


def test_witness_is_unregistered(calm):
    nodes = calm(2, witnesses=[3])
    wait_supporting(nodes, 3, 3)
    wrong = nodes[1].pgrmon("standby", "unregister", "--node-id", 3)
    assert wrong.rc == 1 and "witness unregister" in wrong.err, wrong.describe()
    again = nodes[3].pgrmon("witness", "register")
    assert again.rc == 1 and "already registered" in again.err, again.describe()
    nodes[1].pgrmon("witness", "unregister", "--node-id", 3, "--dry-run").ok()
    done = nodes[3].pgrmon("witness", "unregister").ok()
    assert "successfully unregistered" in done.err, done.describe()
    wait_supporting(nodes, 2, 2)
    nodes[3].pgrmon("witness", "register").ok()
    wait_supporting(nodes, 3, 3)
    events = nodes[1].sql("select event from pgrmon.event where event like 'witness%'")
    assert len(events) == 3, events

"""seeds/docker-pgrepl.txt: 1 -> 2 -> 4 and 1 -> 3; then the primary crashes.

There, an operator promotes 2, its downstream 4 switches timelines, and 3 is left
with no primary. Here 2 promotes itself, and 3 is made to follow it.
"""

from lab import wait_for

CASCADE = {4: 2}
# 2 is to win: as in the seed, where it is the one that is promoted.
CONF = {2: {"priority": 200}}


def test_cascade_is_registered(cluster):
    nodes = cluster(4, CASCADE, daemons=False)
    rows = nodes[1].sql("select node_id, upstream_node_id from pgrmon.node order by 1")
    assert rows == [(1, None), (2, 1), (3, 1), (4, 2)]
    assert nodes[4].streams_from(nodes[2])
    tree = nodes[1].pgrmon("cluster", "show", "--tree").ok().out
    indent = {n: line.index(n) for n in ("node1", "node2", "node3", "node4")
              for line in tree.splitlines() if n in line.split("|")[0]}  # fmt: skip
    assert indent["node1"] < indent["node2"] == indent["node3"] < indent["node4"], tree


def test_primary_crash_keeps_downstream_and_takes_the_sibling(cluster, writer):
    nodes = cluster(4, CASCADE, CONF)
    client = writer(nodes)
    wait_for(lambda: len(client.acknowledged()) > 10, 10, "some writes")
    nodes[1].kill9()

    nodes.wait_primary(2)
    assert nodes[2].timeline() == 2
    nodes.wait_streaming(4, 2)
    nodes.wait_streaming(3, 2)
    for number in (3, 4):
        node = nodes[number]
        wait_for(lambda n=node: n.timeline() == 2, 10, f"{node.name} on timeline 2")

    wait_for(lambda: nodes[2].address in client.hosts(), 10, "writes on the new primary")
    client.stop()
    on_second = [r["id"] for r in client.acknowledged() if r["host"] == nodes[2].address]
    wait_for(lambda: not set(on_second) & set(client.lost(nodes[4])), 10, "4 to have all")
    wait_for(lambda: not set(on_second) & set(client.lost(nodes[3])), 10, "3 to have all")
    upstreams = "select node_id, upstream_node_id from pgrmon.node where node_id > 1"
    wait_for(
        lambda: sorted(nodes[2].sql(upstreams)) == [(2, None), (3, 2), (4, 2)],
        *(10, "the record of who follows whom"),
    )


def test_middle_dies_and_the_leaf_attaches_elsewhere(cluster):
    """A cascaded standby re-attaches when its upstream dies."""
    nodes = cluster(4, CASCADE)
    nodes[2].kill9()
    wait_for(
        lambda: nodes[4].streams_from(nodes[1]) or nodes[4].streams_from(nodes[3]),
        *(30, "node4 to stream from somebody else"),
    )
    assert [node.number for node in nodes.primaries()] == [1]

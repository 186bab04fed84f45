"""The daemon starts, waits and says so when what it needs is not there yet."""

from lab import wait_for


def test_local_postgresql_is_down(cluster):
    nodes = cluster(2, daemons=False)
    nodes[2].stop()
    nodes[2].start_daemon()
    nodes[2].wait_log(r"the PostgreSQL of this node does not answer, waiting")
    nodes[2].start()
    nodes[2].wait_log(r'monitoring connection to upstream node "node1"', 20)


def test_upstream_is_down(cluster):
    nodes = cluster(2, conf={"failover": "manual"}, daemons=False)
    nodes[1].stop()
    nodes[2].start_daemon()
    nodes[2].wait_log(r'(?i)unable to connect.*"node1"')
    mark = nodes[2].log_end()
    nodes[1].start()
    nodes[2].wait_log(r"node1", 20, since=mark)
    nodes.wait_streaming(2, 1)


def test_own_record_is_not_there(cluster):
    nodes = cluster(2, daemons=False)
    nodes[1].pgrmon("standby", "unregister", "--node-id", 2).ok()
    wait_for(
        lambda: nodes[2].value("select count(*) from pgrmon.node") == 1,
        *(10, "the record to be gone on the standby"),
    )
    nodes[2].start_daemon()
    nodes[2].wait_log(r"standby register")
    nodes[2].pgrmon("standby", "register").ok()
    nodes[2].wait_log(r"starting monitoring|monitoring connection", 20)


def test_restart_and_stop(cluster):
    nodes = cluster(2)
    for node in nodes:
        assert node.stop_daemon() == 0
    nodes.start_daemons()
    assert [node.number for node in nodes.primaries()] == [1]

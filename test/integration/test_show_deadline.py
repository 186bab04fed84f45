"""`cluster show` takes no longer than one connection deadline, whoever is silent."""

import time

import pytest
from expect import table

CONNECT_TIMEOUT = 2  # node.py's conninfo
SLACK = 1.5  # two busy cores, sanitizers; well below a second deadline


@pytest.mark.parametrize("silent", [[3], [2, 3]])
def test_show_with_silent_nodes(cluster, lab, silent):
    nodes = cluster(3, daemons=False)
    for number in silent:
        lab.cut(1, number)
    began = time.monotonic()
    show = nodes[1].pgrmon("cluster", "show")
    took = time.monotonic() - began
    assert took < CONNECT_TIMEOUT + SLACK, show.describe()
    assert show.rc == 25, show.describe()
    status = {int(row["ID"]): row["Status"] for row in table(show.out)}
    assert status[1] == "* running"
    for number in (2, 3):
        expected = "? unreachable" if number in silent else "running"
        assert status[number] == expected, show.describe()


def test_show_with_a_frozen_node(cluster):
    """The kernel of a frozen PostgreSQL accepts the connection; then nothing comes."""
    nodes = cluster(3, daemons=False)
    nodes[3].sigstop()
    began = time.monotonic()
    show = nodes[1].pgrmon("cluster", "show")
    took = time.monotonic() - began
    nodes[3].cont()
    assert took < CONNECT_TIMEOUT + SLACK, show.describe()
    assert show.rc == 25, show.describe()

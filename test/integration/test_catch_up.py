"""The most advanced standby may not lead: the best candidate fetches its WAL first, so
that nothing acknowledged is lost (E10)."""

from acks import now
from faults import assert_no_late, assert_only_tail_lost, measured, wait_one_primary
from lab import wait_for


def test_the_furthest_has_priority_0(calm, acks, lab):
    nodes = calm(3, conf={3: {"priority": 0}})
    clients = acks(nodes)
    lab.cut(1, 2)
    cut = now()
    wait_for(lambda: clients.last(1) > cut + 0.5, 10, "writes that node2 does not get")
    died = now()
    nodes[1].lose_power()
    lab.heal_cuts()
    clients.wait_writes(2, died, timeout=30)
    measured("silence to the first write elsewhere", clients.first(2, died) - died)
    new = wait_one_primary(nodes, followers=(3,))
    assert new.number == 2, "node3 has priority 0"
    nodes[2].wait_log(r'node "node3" \(ID: 3\) has more WAL and may not lead')
    assert_no_late(clients, 1, 2)
    assert_only_tail_lost(clients, new, died)

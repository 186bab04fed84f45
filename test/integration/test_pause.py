"""Pauses (M3): voters promise to elect nobody, and the primary needs no majority."""

import json

from acks import now
from faults import W, assert_no_late, pause, wait_one_primary
from lab import stays, wait_for
from observe import PgWatch

PAUSED = 26


def status(node):
    result = node.pgrmon("service", "status", "--json")
    assert result.rc in (0, 25), result.describe()
    return json.loads(result.out)


def pause_service(node, duration="5min"):
    node.pgrmon("service", "pause", f"--for={duration}").ok()
    seen = status(node)
    assert seen["in_force"] and seen["wished"], seen
    assert seen["paused_voters"] >= seen["needed"], seen


def assert_fails_over(nodes, *numbers):
    """And back to normal: the pause has left nothing behind."""
    old = nodes.wait_primary()
    nodes.wait_calm()
    old.kill9()
    new = nodes.wait_primary(*numbers)
    assert new.number != old.number


def test_postgresql_may_be_restarted(calm, acks):
    """Killed, started again (read-only, by the guard), promoted by its operator."""
    nodes = calm(3)
    clients = acks(nodes)
    pause_service(nodes[2], "10min")
    term = nodes.terms(nodes[1])[-1]
    nodes[1].kill_postmaster()
    stays(lambda: not nodes.primaries(), 2 * W, "no primary while paused")
    shown = nodes[2].pgrmon("cluster", "show")
    assert "is paused" in shown.out + shown.err, shown.describe()
    lost = nodes[2].pgrmon("service", "unpause")
    assert lost.rc != 0 and "--force" in lost.err, lost.describe()
    nodes[1].start()
    nodes[1].wait_answers()
    stays(lambda: not nodes.primaries(), W, "no primary before it is promoted")
    nodes[1].run("pg_ctl", "-D", nodes[1].data, "-w", "promote").ok()
    wait_one_primary(nodes, followers=(2, 3))
    clients.wait_writes(1, now())
    assert nodes.wait_primary().number == 1
    assert nodes.terms(nodes[1])[-1] == term
    assert (nodes[1].data / "standby.signal").exists(), "the guard is back"
    nodes[3].pgrmon("service", "unpause").ok()
    assert not status(nodes[3])["paused_voters"]
    assert_fails_over(nodes, 2, 3)


def test_restart_without_a_new_timeline(calm, acks):
    """The guard is taken away before, and is back afterwards."""
    nodes = calm(3)
    clients = acks(nodes)
    pause_service(nodes[1])
    regime, timeline = nodes.regime(), nodes[1].timeline()
    nodes[1].stop_daemon()
    nodes[1].pgrmon("node", "release").ok()
    nodes[1].stop()
    pause(1.5 * W)
    nodes[1].start()
    nodes[1].start_daemon()
    clients.wait_writes(1, now())
    wait_for((nodes[1].data / "standby.signal").exists, 10, "the guard to be back")
    wait_one_primary(nodes, followers=(2, 3))
    assert (nodes.regime(), nodes[1].timeline()) == (regime, timeline)
    nodes[1].pgrmon("service", "unpause").ok()
    assert_fails_over(nodes, 2, 3)


def test_nothing_is_fenced(calm, acks, lab):
    """Voters stopped, the primary cut off, its daemon killed and restarted."""
    nodes = calm(3)
    clients = acks(nodes)
    regime = nodes.regime()
    began = now()
    pause_service(nodes[1])
    with PgWatch(nodes[1]) as watch:
        for node in (nodes[2], nodes[3]):
            node.stop_daemon()
        pause(1.5 * W)
        for node in (nodes[2], nodes[3]):
            node.start_daemon()
        lab.drop_host(1)
        pause(1.5 * W)
        nodes[1].kill_daemon()
        pause(1.5 * W)
        nodes[1].start_daemon()
        pause(W)
        nodes[1].stop_daemon()
        nodes[1].start_daemon()
        pause(W)
        assert not nodes[2].is_writable() and not nodes[3].is_writable()
        lab.heal()
        nodes.wait_calm()
        watch.never("frozen", "partly", "gone", since=began)
    assert nodes.regime() == regime
    nodes[1].pgrmon("service", "unpause").ok()
    clients.wait_writes(1, now())
    # It is fenced again. (A standby that is being pointed anew would not vote meanwhile.)
    wait_one_primary(nodes, followers=(2, 3))
    with PgWatch(nodes[1]) as watch:
        cut = now()
        lab.drop_host(1)
        new, first = clients.wait_new_writes(1, cut)
        assert watch.first("frozen", cut) < first, watch.describe(first)
        assert_no_late(clients, 1, new)


def test_it_ends_by_itself_and_can_be_extended(calm):
    nodes = calm(3)
    nodes[1].pgrmon("service", "pause", "--for=6s").ok()
    first = status(nodes[1])
    nodes[1].pgrmon("service", "pause", "--for=10s").ok()
    second = status(nodes[1])
    assert second["version"] > first["version"]
    assert second["remaining_ms"] > 6000
    shorter = nodes[1].pgrmon("service", "pause", "--for=2s")
    assert shorter.rc == 1 and "unpause" in shorter.err, shorter.describe()
    wait_for(lambda: not status(nodes[1])["in_force"], 30, "the primary's time to be over")
    wait_for(lambda: not status(nodes[1])["paused_voters"], 30, "the voters to vote again")
    pause_service(nodes[1])
    nodes[1].pgrmon("service", "unpause").ok()
    assert_fails_over(nodes, 2, 3)


def test_two_nodes_and_a_witness(calm, acks):
    nodes = calm(2, witnesses=[3])
    clients = acks(nodes)
    regime = nodes.regime()
    pause_service(nodes[3])
    began = now()
    with PgWatch(nodes[1]) as watch:
        nodes[2].lose_power()
        nodes[3].stop_daemon()
        pause(2 * W)
        watch.never("frozen", "partly", "gone", since=began)
    clients.wait_writes(1, now())
    assert nodes.regime() == regime
    nodes[2].boot()
    nodes[3].start_daemon()
    nodes.wait_calm()
    nodes[3].pgrmon("service", "unpause").ok()
    assert_fails_over(nodes, 2)


def test_two_nodes(calm):
    """Each alone could elect itself, so both have to promise."""
    nodes = calm(2)
    pause_service(nodes[1])
    nodes[1].kill9()
    stays(lambda: not nodes.primaries(), 2 * W, "the standby does not promote itself")


def test_it_says_when_it_is_not_in_force(calm):
    nodes = calm(3, conf={"primary_on_quorum_loss": "continue"})
    for node in (nodes[2], nodes[3]):
        node.stop_daemon()
    refused = nodes[1].pgrmon("service", "pause", "--for=1min")
    assert refused.rc == 1 and "node2, node3" in refused.err, refused.describe()
    bad = nodes[1].pgrmon("service", "pause", "--for=forever")
    assert bad.rc == 1 and "7 days" in bad.err, bad.describe()
    dry = nodes[1].pgrmon("service", "pause", "--dry-run")
    assert dry.rc == 1
    assert not status(nodes[1])["wished"]
    forced = nodes[1].pgrmon("service", "pause", "--for=1min", "--force")
    assert forced.rc == PAUSED and "not in force" in forced.err, forced.describe()
    assert "node2, node3" in forced.err, forced.describe()


def test_a_primary_that_is_gone_for_good(calm):
    """What the hint says: single promises can be taken back by hand."""
    nodes = calm(3)
    pause_service(nodes[1], "1h")
    nodes[1].lose_power()
    stays(lambda: not nodes.primaries(), 2 * W, "nobody is elected while paused")
    explained = nodes[2].pgrmon("cluster", "explain")
    assert "pause" in explained.out, explained.describe()
    running = nodes[2].pgrmon("service", "unpause", "--force")
    assert running.rc == 1 and "stop pgrmond" in running.err, running.describe()
    for node in (nodes[2], nodes[3]):
        node.stop_daemon()
        node.pgrmon("service", "unpause", "--force").ok()
        node.start_daemon()
    assert nodes.wait_primary(2, 3)


def test_who_leads_and_who_votes_is_not_changed_meanwhile(calm):
    nodes = calm(3)
    pause_service(nodes[1])
    refused = nodes[2].pgrmon("standby", "promote", "--dry-run")
    assert refused.rc == 8 and "paused" in refused.err, refused.describe()
    refused = nodes[3].pgrmon("node", "maintenance", "on")
    assert refused.rc == 1 and "paused" in refused.err, refused.describe()
    nodes[1].pgrmon("service", "unpause").ok()
    nodes[3].pgrmon("node", "maintenance", "on").ok()


def test_metadata_of_version_2_is_upgraded(calm):
    nodes = calm(2)
    nodes[1].sql("drop table pgrmon.pause")
    nodes[1].sql("update pgrmon.schema_version set version = 2")
    refused = nodes[1].pgrmon("service", "pause")
    assert refused.rc == 1 and "cluster upgrade" in refused.err, refused.describe()
    nodes[1].pgrmon("cluster", "upgrade").ok()
    pause_service(nodes[2])

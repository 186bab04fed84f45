"""The clients, watches and host operations of the fault tests, on plain PostgreSQL: what
they cannot see here they would not see there."""

import faults
from acks import now
from lab import wait_for
from observe import PgWatch, PositionWatch


def test_acks_know_who_acknowledged(pair, acks):
    clients = acks(pair)
    wait_for(lambda: len(clients.acks(1)) > 100, 10, "writes")
    wait_for(lambda: len(clients.troubles("refused", 2)) == 2, 10, "node2 to refuse")
    assert {t.text.split()[1] for t in clients.troubles("refused")} == {"25006"}
    clients.stop()
    assert {a.client[:2] for a in clients.acks(1)} == {"r1", "l1", "an"}
    assert not clients.acks(2) and not clients.lost_sessions()
    assert clients.lost(pair[1]) == []
    one = clients.acks(1, local=True)[5]
    assert one.sent < one.at + 0.01 and one.at < one.acked + 0.01, one
    pair[1].sql(
        "delete from ack where (client, number) = (%s, %s)", one.client, one.number
    )
    assert clients.lost(pair[1]) == [one]


def test_two_writers_are_seen(pair, acks):
    """What every test of faults asserts can fail."""
    clients = acks(pair)
    began = now()
    pair[2].run("pg_ctl", "-D", pair[2].data, "-w", "promote").ok()
    server, first = clients.wait_new_writes(1, began)
    assert server == 2
    wait_for(lambda: len(clients.acks(1, first)) > 20, 10, "writes by the old one")
    late = clients.late(1, 2, began)
    assert {a.client[:2] for a in late} >= {"r1", "l1"}
    for wrong in (faults.assert_no_late,):
        try:
            wrong(clients, 1, 2)
        except AssertionError as error:
            assert "TWO WRITERS: node1" in str(error)
        else:
            raise AssertionError("two writers were not seen")


def test_dead_postmaster_acknowledges(pair, acks):
    """postgres-facts 2, the reason for the kill before a resignation."""
    clients = acks(pair, burn=1.0)
    died = now()
    pair[1].kill_postmaster()
    wait_for(lambda: pair[1].postmaster() is None, 5, "the postmaster to be gone")
    assert pair[1].pg_all(), "its backends are at work"
    wait_for(lambda: pair[1].is_gone(), 10, "its backends to notice")
    assert clients.acks(1, died + 0.2), "acknowledged without a postmaster"
    assert clients.lost_sessions(1, died)


def test_freeze_is_a_pause_and_is_seen(pair, acks):
    clients = acks(pair)
    with PgWatch(pair[1]) as watch:
        wait_for(lambda: watch.first("running"), 5, "the watch to see it run")
        began = now()
        pair[1].sigstop()
        wait_for(lambda: watch.first("frozen", began), 5, "the watch to see the freeze")
        assert watch.within("frozen", began, 5) > 0
        faults.pause(1)
        assert pair[1].is_frozen() and not pair[1].is_writable()
        thawed = now()
        pair[1].cont()
        clients.wait_writes(1, thawed)
        wait_for(lambda: watch.first("running", thawed), 5, "the watch to see the thaw")
    watch.never("gone")
    assert clients.gap(began - 0.5) > 0.9
    assert clients.lost_sessions(1, began) == []


def test_short_cut_loses_no_session(pair, acks, lab):
    clients = acks(pair)
    began = now()
    lab.drop_host(1)
    faults.pause(1)
    lab.heal()
    remote = [c.name for c in clients.clients if c.name.startswith("r1")]
    wait_for(
        lambda: [a for a in clients.acks(1, began + 1) if a.client in remote],
        *(10, "the remote client to go on"),
    )
    assert clients.gap(began, 1) < 0.5, "the clients on the host itself are not cut off"
    assert clients.lost_sessions(1, began) == []


def test_host_freezes_and_continues(pair, acks):
    clients = acks(pair)
    began = now()
    pair[1].freeze_host()
    assert pair[1].is_frozen()
    last = clients.last(1)
    faults.pause(0.5)
    assert clients.last(1) - last < 0.2, "a frozen host acknowledges nothing"
    thawed = now()
    pair[1].continue_host()
    clients.wait_writes(1, thawed)
    wait_for(lambda: clients.acks(1, thawed, local=True), 10, "its own clients to go on")
    assert clients.lost_sessions(1, began) == []


def test_host_loses_power_and_boots(pair, acks):
    clients = acks(pair)
    began = now()
    pair[1].lose_power()
    assert pair[1].is_gone() and not pair.lab.processes(1)
    assert clients.last(1) - began < 1
    faults.pause(0.2)
    again = now()
    pair[1].boot(daemon=False)
    clients.add_local(1)
    wait_for(lambda: clients.acks(1, again, local=True), 15, "writes of its own client")
    assert pair[1].is_writable(), "PostgreSQL without pgrmon: it is"
    assert not pair[2].is_writable()
    pair.wait_streaming(2, 1)


def test_host_shuts_down_in_order(pair):
    pair[1].shut_down()
    assert pair[1].is_gone()
    control = pair[1].run("pg_controldata", "-D", pair[1].data).ok().out
    assert "shut down" in control.split("Database cluster state:")[1].split("\n")[0]
    pair[1].boot(postgresql="after", daemon=False)
    pair[1].wait_answers()


def test_bare_promotion_is_measured(pair, ack_program):
    copy = faults.copy_of_standby(pair, 2, 5)
    took = faults.bare_promotion(pair, copy, ack_program)
    assert 0.01 < took < 10
    assert copy.is_gone() and pair[1].is_primary()
    pair.wait_streaming(2, 1)


def test_positions_are_watched(pair):
    with PositionWatch([pair[2]]) as watch:
        pair[1].sql("create table t as select generate_series(1, 1000)")
        position = pair[1].value("select (pg_current_wal_lsn() - '0/0')::int8")
        wait_for(lambda: watch.furthest() >= position, 10, "the watch to see it")
        pair[2].run("pg_ctl", "-D", pair[2].data, "-w", "promote").ok()
        before = watch.furthest()
    assert watch.furthest() == before, "a primary's own WAL is not received"

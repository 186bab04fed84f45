"""PostgreSQL's traps around an election (postgres-facts 1, 3, 4, 5): what the daemon
does to its own server, run by revoke_tool on real ones."""

import os
import re
import shutil
import signal
import threading

import psycopg
import pytest
from conftest import BUILD
from lab import stays, wait_for

TOOL = "revoke_tool"
WALRECEIVERS = "select count(*) from pg_stat_activity where backend_type = 'walreceiver'"
STARTUP_WAIT = "select wait_event from pg_stat_activity where backend_type = 'startup'"


@pytest.fixture
def tool(programs):
    """revoke_tool beside the programs; gives a function that runs it on a node."""
    shutil.copy(BUILD / "test" / "integration" / TOOL, programs)

    def run(node, *argv, timeout=60):
        done = node.run(TOOL, node.conf, *argv, timeout=timeout).ok()
        result = dict(line.split(" ", 1) for line in done.out.splitlines())
        return {**result, "log": done.err + done.out}

    return run


@pytest.fixture
def pair(cluster):
    """A primary and a standby, no daemons; a table that is there on both."""
    nodes = cluster(2, daemons=False)
    nodes[1].sql("create table public.t as select generate_series(1, 1000) as a")
    catch_up(nodes[1], nodes[2])
    return nodes


def catch_up(primary, standby):
    end = primary.value("select pg_current_wal_flush_lsn()::text")
    behind = "select pg_last_wal_replay_lsn() >= %s::pg_lsn"
    wait_for(lambda: standby.value(behind, end), 10, f"{standby.name} to catch up")


def received(node, lsn):
    return node.value("select pg_last_wal_receive_lsn() >= %s::pg_lsn", lsn)


def replayed(node):
    return node.value("select pg_last_wal_replay_lsn()::text")


def settings(node, **values):
    """ALTER SYSTEM, as an operator does, and a reload."""
    with node.connect(user="postgres") as connection:
        for name, value in values.items():
            connection.execute(f"alter system set {name} = '{value}'")
        connection.execute("select pg_reload_conf()")
    for name, value in values.items():
        shown = f"select setting from pg_settings where name = '{name}'"
        wait_for(lambda: node.value(shown) == str(value), 10, f"{name} = {value}")


def conflicting_reader(primary, standby):
    """A reader on the standby that replay waits for; gives its session."""
    settings(standby, hot_standby_feedback="off", max_standby_streaming_delay=-1)
    reader = standby.connect(user="postgres")
    reader.execute("begin isolation level repeatable read")
    reader.execute("select count(*) from public.t")
    primary.sql("delete from public.t where a <= 500")
    primary.sql("vacuum public.t")
    conflict = "RecoveryConflictSnapshot"
    wait_for(lambda: standby.value(STARTUP_WAIT) == conflict, 20, "a conflict")
    return reader


def is_revoked(result):
    assert (result["ok"], result["known"], result["why"]) == ("1", "1", "done"), result


def stays_revoked(node):
    assert node.value("show primary_conninfo") == ""
    stays(lambda: node.value(WALRECEIVERS) == 0, 2, "no walreceiver comes back")


# ---- 4: revocation


def test_revocation_of_an_idle_standby(pair, tool):
    result = tool(pair[2], "revoke")
    is_revoked(result)
    assert (result["term"], result["position"]) == ("1", replayed(pair[2]))
    stays_revoked(pair[2])
    # Again: nothing is changed, the same is told.
    assert tool(pair[2], "revoke")["position"] == result["position"]


def test_revocation_after_the_primary_died(pair, tool):
    pair[1].kill9()
    wait_for(lambda: pair[2].value(WALRECEIVERS) == 0, 10, "the end of the walreceiver")
    is_revoked(tool(pair[2], "revoke"))
    pair[1].start()
    stays_revoked(pair[2])


def test_no_acknowledgement_after_a_revocation(pair, tool):
    settings(pair[1], synchronous_standby_names="*")
    pair[1].sql("insert into public.t values (-1)")
    is_revoked(tool(pair[2], "revoke"))
    done = threading.Event()

    def commit():
        try:
            pair[1].sql("set statement_timeout = 0; insert into public.t values (-2)")
        except psycopg.Error:
            pass
        done.set()

    client = threading.Thread(target=commit, daemon=True)
    client.start()
    waiting = "select count(*) from pg_stat_activity where wait_event = 'SyncRep'"
    wait_for(lambda: pair[1].value(waiting) == 1, 10, "the commit to wait")
    stays(lambda: not done.is_set(), 2, "the commit waits")
    pair[1].stop("immediate")
    client.join(10)


def test_revocation_behind_a_conflicting_reader(pair, tool):
    reader = conflicting_reader(pair[1], pair[2])
    pair[1].sql("insert into public.t values (-1)")
    end = pair[1].value("select pg_current_wal_flush_lsn()::text")
    wait_for(lambda: received(pair[2], end), 10, "the standby to receive")
    result = tool(pair[2], "revoke")
    is_revoked(result)
    assert result["position"] == end, "all that was acknowledged is in the report"
    with pytest.raises(psycopg.Error):
        reader.execute("select 1")
    stays_revoked(pair[2])


def test_revocation_as_an_ordinary_role(cluster, tool):
    """Neither the walreceiver nor a superuser's session is ours to end by SQL."""
    nodes = cluster(2, daemons=False, minimal_grants=True)
    nodes[1].sql("create table public.t as select generate_series(1, 1000) as a")
    catch_up(nodes[1], nodes[2])
    reader = conflicting_reader(nodes[1], nodes[2])
    is_revoked(tool(nodes[2], "revoke"))
    with pytest.raises(psycopg.Error):
        reader.execute("select 1")
    stays_revoked(nodes[2])


def test_revocation_while_replay_is_paused(pair, tool):
    pair[2].sql("select pg_wal_replay_pause()")
    pair[1].sql("insert into public.t values (-1)")
    end = pair[1].value("select pg_current_wal_flush_lsn()::text")
    wait_for(lambda: received(pair[2], end), 10, "the standby to receive")
    result = tool(pair[2], "revoke")
    # No acknowledgement, but no report either.
    assert (result["ok"], result["known"], result["why"]) == ("1", "0", "paused"), result
    assert "pg_wal_replay_resume" in result["text"]
    stays_revoked(pair[2])
    pair[2].sql("select pg_wal_replay_resume()")
    again = tool(pair[2], "revoke")
    is_revoked(again)
    assert again["position"] == end


def test_conninfo_on_the_command_line_cannot_be_revoked(pair, tool):
    conninfo = pair[2].value("show primary_conninfo")
    pair[2].stop()
    option = f'-c "primary_conninfo={conninfo}"'
    start = ["pg_ctl", "-D", pair[2].data, "-l", pair[2].pg_log, "-w", "-o", option]
    pair[2].run(*start, "start").ok()
    pair.wait_streaming(2, 1)
    result = tool(pair[2], "revoke")
    assert (result["ok"], result["why"]) == ("0", "blocked"), result
    assert "command line" in result["text"]


def test_a_broken_file_blocks_a_revocation(pair, tool):
    with (pair[2].data / "postgresql.conf").open("a") as file:
        file.write("no_such_setting = on\n")
    result = tool(pair[2], "revoke", 1000)
    assert (result["ok"], result["why"]) == ("0", "blocked"), result
    assert "errors" in result["text"]


def test_a_primary_is_not_revoked(pair, tool):
    result = tool(pair[1], "revoke")
    assert (result["ok"], result["why"]) == ("0", "not standby"), result


def test_revocation_without_a_server_ends_in_time(pair, tool):
    pair[2].stop()
    result = tool(pair[2], "revoke", 1000)
    assert (result["ok"], result["why"]) == ("0", "no session"), result


# ---- 3: what a standby has


def test_position_after_a_restart(pair, tool):
    """The received position is not known any more, and replay is delayed."""
    settings(pair[2], recovery_min_apply_delay=3000)
    pair[1].sql("insert into public.t values (-1)")
    end = pair[1].value("select pg_current_wal_flush_lsn()::text")
    wait_for(lambda: received(pair[2], end), 10, "the standby to receive")
    pair[1].stop("immediate")
    pair[2].stop("immediate")
    pair[2].start()
    assert pair[2].value("select pg_last_wal_receive_lsn()") is None
    result = tool(pair[2], "revoke", 20000)
    is_revoked(result)
    assert result["position"] == end


def test_position_within_a_record(pair, tool):
    """The primary dies while it sends a long record: the received end is never replayed,
    and says nothing about what was acknowledged."""
    pid = pair[2].value("select pid from pg_stat_wal_receiver")
    before = replayed(pair[2])
    os.kill(pid, signal.SIGSTOP)
    pair[1].sql("select pg_logical_emit_message(false, '', repeat('x', 60000000))")
    sent = "select sent_lsn - %s::pg_lsn > 1000000 from pg_stat_replication"
    wait_for(lambda: pair[1].value(sent, before), 10, "the primary to send")
    pair[1].kill9()
    os.kill(pid, signal.SIGCONT)
    wait_for(lambda: pair[2].value(WALRECEIVERS) == 0, 10, "the end of the walreceiver")
    within = "select pg_last_wal_receive_lsn() > pg_last_wal_replay_lsn()"
    assert pair[2].value(within), "the trap is there"
    result = tool(pair[2], "revoke")
    is_revoked(result)
    assert result["position"] == replayed(pair[2])


def test_delayed_replay_gives_no_report_in_time(pair, tool):
    settings(pair[2], recovery_min_apply_delay=600000)
    pair[1].sql("insert into public.t values (-1)")
    end = pair[1].value("select pg_current_wal_flush_lsn()::text")
    wait_for(lambda: received(pair[2], end), 10, "the standby to receive")
    result = tool(pair[2], "revoke", 1500)
    assert (result["ok"], result["known"], result["why"]) == ("1", "0", "late"), result
    stays_revoked(pair[2])


# ---- 5: promotion


def promote_time(tool, node, *argv):
    result = tool(node, "promote", *argv)
    assert result["ok"] == "1", result
    assert not node.in_recovery()
    return int(result["took"])


def test_promotion_ends_readers(pair, tool):
    reader = conflicting_reader(pair[1], pair[2])
    pair[1].kill9()
    # It would wait for ever.
    assert promote_time(tool, pair[2]) < 5000
    with pytest.raises(psycopg.Error):
        reader.execute("select 1")


def test_promotion_past_a_slow_restore_command(pair, tool):
    settings(pair[2], restore_command="sleep 3; false")
    pair[1].kill9()
    # Called at least three times otherwise.
    assert promote_time(tool, pair[2]) < 6000
    assert pair[2].value("show restore_command") == "sleep 3; false"


def test_guard_is_back_after_a_promotion(pair, tool):
    pair[1].kill9()
    promote_time(tool, pair[2])
    assert (pair[2].data / "standby.signal").exists()


# ---- starting


def test_start_is_guarded(pair, tool):
    pair[1].stop("immediate")
    result = tool(pair[1], "start")
    assert result["ok"] == "1", result
    assert pair[1].in_recovery()
    # It runs already.
    assert tool(pair[1], "start")["ok"] == "1"


def test_start_takes_the_brake_away(pair, tool):
    """start_guard = hold: the sentry left it there (G5)."""
    brake = pair[1].data / "recovery.conf"
    pair[1].stop("immediate")
    brake.write_text("# pgrmon start guard\n")
    result = tool(pair[1], "start")
    assert result["ok"] == "1", result
    assert pair[1].in_recovery() and not brake.exists()
    pair[1].stop("immediate")
    brake.write_text("# of somebody else\n")
    assert tool(pair[1], "start")["ok"] == "0"
    assert brake.exists()


def test_start_with_the_options_of_last_time(pair, tool):
    """Debian's clusters have their configuration elsewhere."""
    node = pair[1]
    node.stop()
    elsewhere = node.directory / "etc"
    elsewhere.mkdir()
    shutil.move(node.data / "postgresql.conf", elsewhere)
    option = f'-c "config_file={elsewhere}/postgresql.conf"'
    option += "".join(f' -c "{x}_file={node.data}/pg_{x}.conf"' for x in ("hba", "ident"))
    node.run("pg_ctl", "-D", node.data, "-l", node.pg_log, "-w", "-o", option, "start").ok()
    node.stop()
    assert tool(node, "start")["ok"] == "1"
    assert node.value("show config_file") == f"{elsewhere}/postgresql.conf"


def test_start_that_fails_says_so(pair, tool):
    pair[1].stop()
    with (pair[1].data / "postgresql.conf").open("a") as file:
        file.write("no_such_setting = on\n")
    result = tool(pair[1], "start")
    assert result["ok"] == "0", result
    assert "see its log" in result["log"]


# ---- 1: two promotions from one point


@pytest.fixture
def split(cluster):
    """node2 and node3 were both promoted where node1 died: one timeline number, one
    history, two regimes. node3 is a standby again."""
    nodes = cluster(3, daemons=False)
    nodes[1].sql("create table public.t as select generate_series(1, 1000) as a")
    for number in (2, 3):
        catch_up(nodes[1], nodes[number])
    nodes[1].kill9()
    for number in (2, 3):
        nodes[number].run("pg_ctl", "-D", nodes[number].data, "-w", "promote").ok()
    history = [(nodes[n].data / "pg_wal" / "00000002.history").read_bytes() for n in (2, 3)]
    assert history[0] == history[1], "the trap is there"
    return nodes


def make_standby(node):
    node.stop()
    (node.data / "standby.signal").touch()
    shutil.chown(node.data / "standby.signal", "postgres", "postgres")
    settings_file = node.data / "postgresql.auto.conf"
    settings_file.write_text("")
    node.start()


def follow(tool, node, target):
    return tool(node, "follow", target.number, target.conninfo(), 10000)


def record_term(node):
    node.sql(
        "select pgrmon.record_promotion(%s, 'test', null::int, null::pg_lsn)", node.number
    )


@pytest.mark.parametrize("recorded", [True, False])
def test_a_split_of_one_timeline_is_not_followed(split, tool, recorded):
    record_term(split[2])
    if recorded:
        record_term(split[3])
    make_standby(split[3])
    result = follow(tool, split[3], split[2])
    assert result["ok"] == "0", result
    assert "its WAL has diverged" in result["log"]
    assert re.search(r"execute \"pgrmon .*node rejoin", result["log"])
    assert split[3].value("show primary_conninfo") == ""


def test_a_sound_standby_follows(cluster, tool):
    nodes = cluster(3, daemons=False)
    for number in (2, 3):
        catch_up(nodes[1], nodes[number])
    nodes[1].kill9()
    promote_time(tool, nodes[2])
    record_term(nodes[2])
    assert follow(tool, nodes[3], nodes[2])["ok"] == "1"
    nodes.wait_streaming(3, 2)
    catch_up(nodes[2], nodes[3])
    # And again, with the new term in its WAL.
    assert follow(tool, nodes[3], nodes[2])["ok"] == "1"

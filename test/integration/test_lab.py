"""The laboratory itself, on plain PostgreSQL: a fault that is none proves nothing."""

import subprocess
import time

import pytest
from lab import CLIENT, wait_for


def reach(node, other, timeout=1):
    """How a connection from one host to another's PostgreSQL ends."""
    words = ["pg_isready", "-h", other.address, "-t", timeout]
    return node.run(*words).out.strip().rsplit(" - ", 1)[1]


def ping(lab, source, target):
    """Does a datagram pass in one direction? (Answers need not come back.)"""
    place = (lab.address(target), 99)
    listen = f"import socket; s = socket.socket(2, 2); s.bind({place});"
    listen += "s.settimeout(0.5); print('ready', flush=True); s.recv(9)"
    send = f"import socket; socket.socket(2, 2).sendto(b'x', {place})"
    python = ["/usr/bin/python3", "-c"]
    receiver = subprocess.Popen(
        lab.within(target) + python + [listen],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with receiver:
        assert receiver.stdout.readline() == "ready\n"
        subprocess.run(lab.within(source) + python + [send], check=True)
        return receiver.wait(5) == 0


def test_cut_is_silent_and_heals(pair, lab):
    assert reach(pair[2], pair[1]) == "accepting connections"
    lab.cut(1, 2)
    began = time.monotonic()
    assert reach(pair[2], pair[1]) == "no response"
    assert time.monotonic() - began > 0.9, "a dropped packet is not refused"
    assert not ping(lab, 1, 2) and not ping(lab, 2, 1)
    assert ping(lab, 1, CLIENT) and ping(lab, CLIENT, 2)
    lab.heal()
    wait_for(lambda: reach(pair[2], pair[1]) == "accepting connections", 10, "heal")


def test_one_way_cut(pair, lab):
    lab.one_way(1, 2)
    assert not ping(lab, 1, 2)
    assert ping(lab, 2, 1)


@pytest.mark.parametrize("fault", ["drop_host", "cut_host"])
def test_host_alone(pair, lab, fault):
    getattr(lab, fault)(1)
    assert not ping(lab, CLIENT, 1) and not ping(lab, 2, 1)
    assert ping(lab, CLIENT, 2)
    assert pair[1].is_primary(), "the socket in the file system is not cut"
    lab.heal()
    wait_for(lambda: ping(lab, CLIENT, 1), 10, "the host to be back")


def test_refused_and_dropped_port(pair, lab):
    lab.refuse_port(1)
    began = time.monotonic()
    assert reach(pair[2], pair[1], timeout=5) == "no response"
    assert time.monotonic() - began < 3, "a refused port answers"
    lab.heal()
    lab.drop_port(1)
    began = time.monotonic()
    assert reach(pair[2], pair[1]) == "no response"
    assert time.monotonic() - began > 0.9
    assert ping(lab, 2, 1), "only the port is closed"
    lab.heal()
    wait_for(lambda: reach(pair[2], pair[1]) == "accepting connections", 10, "heal")


def test_name_server_that_does_not_answer(lab):
    assert not lab.resolves(2), "there is no name server yet"
    lab.start_dns()
    assert lab.resolves(2)
    lab.stop_dns()
    began = time.monotonic()
    assert not lab.resolves(2, timeout=1.5)
    assert time.monotonic() - began > 1.4, "a stopped name server is silent"
    lab.continue_dns()
    wait_for(lambda: lab.resolves(2), 10, "the name server to be back")


def test_frozen_postgresql_is_not_refused(pair):
    pair[1].sigstop()
    began = time.monotonic()
    assert reach(pair[2], pair[1]) == "no response"
    assert time.monotonic() - began > 0.9
    pair[1].cont()
    wait_for(lambda: reach(pair[2], pair[1]) == "accepting connections", 10, "thaw")


def test_killed_postgresql_leaves_nothing(pair):
    processes = pair[1].pg_processes()
    assert len(processes) > 4
    pair[1].kill9()
    wait_for(lambda: not pair.lab.processes(1), 5, "an empty host")
    assert reach(pair[2], pair[1], timeout=5) == "no response"
    assert not pair[1].is_primary()


def test_writer_finds_the_writable_host(pair, writer):
    client = writer(pair)
    wait_for(lambda: len(client.acknowledged()) > 20, 10, "some writes")
    assert client.hosts() == [pair[1].address]
    calm = client.gap()
    pair[1].kill9()
    pair[2].run("pg_ctl", "-D", pair[2].data, "-w", "promote").ok()
    wait_for(lambda: pair[2].address in client.hosts(), 10, "writes on the new primary")
    client.stop()
    assert client.gap() > calm
    assert pair[2].timeline() == 2
    lost = client.lost(pair[2])
    on_first = [r["id"] for r in client.acknowledged() if r["host"] == pair[1].address]
    assert lost == on_first[len(on_first) - len(lost) :], "only a tail can be lost"


def test_writer_notices_loss(pair, writer):
    client = writer(pair)
    wait_for(lambda: len(client.acknowledged()) > 5, 10, "some writes")
    client.stop()
    assert client.lost(pair[1]) == []
    gone = client.acknowledged()[2]["id"]
    pair[1].sql("delete from writer where id = %s", gone)
    assert client.lost(pair[1]) == [gone]


def test_template_has_role_and_database(pair):
    assert pair[1].value("select current_user::text") == "pgrmon"
    assert pair[1].timeline() == 1 and pair[2].timeline() == 1
    assert pair[2].in_recovery()

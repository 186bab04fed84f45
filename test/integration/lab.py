"""Hosts as network namespaces on one bridge, and the ways to break the network.

The bridge has a namespace of its own, so the machine gets no address, route or
firewall rule. Names carry the process id: several laboratories run side by side.
"""

import itertools
import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import shm

SUBNET = "10.88.0"
NAME_SERVER = f"{SUBNET}.254"
CLIENT = 9  # the host where clients of the cluster run
PREFIX = "pgl"

_serial = itertools.count(1)

CUTS = """
table bridge lab {
    set cut {
        type ifname . ifname;
    }
    chain forward {
        type filter hook forward priority 0; policy accept;
        ether type arp accept
        iifname . oifname @cut counter drop
    }
}
"""


def wait_for(predicate, timeout, what, interval=0.03):
    """Poll until PREDICATE gives something true, and return that.

    Fails after TIMEOUT seconds and says WHAT was waited for. An exception in the
    last try is part of the message; earlier ones count as "not yet".
    """
    end = time.monotonic() + timeout
    while True:
        error = None
        try:
            value = predicate()
            if value:
                return value
        except Exception as caught:  # the server may just be starting
            error = caught
        if time.monotonic() > end:
            detail = f" (last error: {error})" if error else ""
            raise AssertionError(f"waited {timeout:g} s for {what}{detail}")
        time.sleep(interval)


def stays(predicate, seconds, what, interval=0.1):
    """Fails when PREDICATE becomes false within SECONDS: for what must not happen."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert predicate(), f"no longer true: {what}"
        time.sleep(interval)


def _call(*argv, text=None, check=True):
    done = subprocess.run(argv, input=text, capture_output=True, text=True, timeout=20)
    if check and done.returncode != 0:
        raise RuntimeError(f"{' '.join(argv)}: {done.stderr.strip()}")
    return done.stdout


def _batch(lines, namespace=None):
    """Several ip commands in one process, in NAMESPACE."""
    within = ["-n", namespace] if namespace else []
    _call("ip", *within, "-batch", "-", text="".join(f"{line}\n" for line in lines))


def _remove_namespace(name):
    """Kill what runs in a namespace, frozen processes too, and delete it.

    Another worker of the same run may be at it too: what is gone is gone.
    """
    for _ in range(50):
        pids = _call("ip", "netns", "pids", name, check=False).split()
        if not pids:
            break
        for pid in pids:
            try:
                os.kill(int(pid), signal.SIGKILL)
            except ProcessLookupError:
                pass
        time.sleep(0.02)
    _call("ip", "netns", "del", name, check=False)
    shutil.rmtree(Path("/etc/netns") / name, ignore_errors=True)


def _alive(pid):
    try:
        return Path("/proc", pid, "stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def sweep():
    """Remove what a laboratory left behind whose process was killed."""
    for line in _call("ip", "netns", "list").splitlines():
        found = re.match(rf"({PREFIX}(\d+)-\S+)", line)
        if found and not _alive(found[2]):
            _remove_namespace(found[1])
    for directory in Path("/tmp").glob(f"{PREFIX}[0-9]*-*"):
        owner = directory.name[len(PREFIX) :].split("-")[0]
        if not _alive(owner):
            shm.remove_of(directory)
            shutil.rmtree(directory, ignore_errors=True)


class Lab:
    """Hosts 1..N at 10.88.0.11 and up, a client host, and a name server."""

    def __init__(self, scratch, hosts=5):
        self.scratch = Path(scratch)
        self.hosts = [*range(1, hosts + 1), CLIENT]
        self._base = f"{PREFIX}{os.getpid()}-{next(_serial)}"
        self._switch = f"{self._base}-sw"
        self._cables_out = set()
        self._filtered = set()
        self._dns = None

    def address(self, host):
        return f"{SUBNET}.{10 + host}"

    def host_name(self, host):
        """The name that the laboratory's name server knows a host by."""
        return f"n{host}.lab"

    def namespace(self, host):
        return f"{self._base}-{host}"

    def up(self):
        names = [self._switch, *map(self.namespace, self.hosts)]
        _batch([f"netns add {name}" for name in names])
        wires = [
            "link set lo up",
            "link add br0 type bridge stp_state 0 forward_delay 0 mcast_snooping 0",
            f"addr add {NAME_SERVER}/24 dev br0",
            "link set br0 up",
        ]
        for host in self.hosts:
            space = self.namespace(host)
            wires.append(f"link add p{host} type veth peer name eth0 netns {space}")
            wires.append(f"link set p{host} master br0 up")
        _batch(wires, self._switch)
        for host in self.hosts:
            _batch(
                [
                    "link set lo up",
                    f"addr add {self.address(host)}/24 dev eth0",
                    "link set eth0 up",
                ],
                self.namespace(host),
            )
            etc = Path("/etc/netns") / self.namespace(host)
            etc.mkdir(parents=True, exist_ok=True)
            (etc / "resolv.conf").write_text(f"nameserver {NAME_SERVER}\n")
            (etc / "hosts").write_text("127.0.0.1 localhost\n")
        self._nft(self._switch, CUTS)

    def down(self):
        """Remove everything; safe when up() has failed halfway."""
        for name in [*map(self.namespace, self.hosts), self._switch]:
            _remove_namespace(name)
        if self._dns:
            self._dns.wait(timeout=5)

    def within(self, host):
        """The words to put before a command to run it on a host, as root."""
        return ["ip", "netns", "exec", self.namespace(host)]

    def processes(self, host):
        listed = _call("ip", "netns", "pids", self.namespace(host), check=False)
        return [int(pid) for pid in listed.split()]

    # Faults. Each stays until heal().

    def one_way(self, source, target):
        """What SOURCE sends to TARGET is lost, ARP excepted."""
        self._add_cut((source, target))

    def cut(self, a, b):
        """Two hosts lose each other's packets, silently."""
        self._add_cut((a, b), (b, a))

    def drop_host(self, host):
        """One host and all others lose each other's packets, silently."""
        for other in self.hosts:
            if other != host:
                self.cut(host, other)

    def cut_host(self, host):
        """Pull the host's network cable. Name service is gone for it as well."""
        _batch([f"link set p{host} down"], self._switch)
        self._cables_out.add(host)

    def join_host(self, host):
        """Put the cable back that cut_host() pulled; other faults stay."""
        _batch([f"link set p{host} up"], self._switch)
        self._cables_out.discard(host)

    def refuse_port(self, host, port=5432):
        """Connections from elsewhere to a port of the host are reset."""
        self._filter(host, f"tcp dport {port} reject with tcp reset")

    def drop_port(self, host, port=5432):
        """Packets from elsewhere to a port of the host vanish."""
        self._filter(host, f"tcp dport {port} drop")

    def heal_cuts(self):
        """The ends of one_way(), cut() and drop_host(); other faults stay."""
        self._nft(self._switch, "flush set bridge lab cut")

    def heal(self):
        self.heal_cuts()
        for host in self._cables_out:
            _batch([f"link set p{host} up"], self._switch)
        for host in self._filtered:
            self._nft(self.namespace(host), "delete table inet lab")
        self._cables_out.clear()
        self._filtered.clear()

    # Name service.

    def start_dns(self):
        names = self.scratch / "names"
        names.write_text(
            "".join(f"{self.address(h)} {self.host_name(h)}\n" for h in self.hosts)
        )
        self._dns = subprocess.Popen(
            ["ip", "netns", "exec", self._switch, "dnsmasq", "--keep-in-foreground"]
            + ["--no-resolv", "--no-hosts", f"--addn-hosts={names}", "--local=/lab/"]
            + [f"--listen-address={NAME_SERVER}", "--bind-interfaces", "--user=root"]
            + ["--pid-file=", "--conf-file=/dev/null", "--local-ttl=0"],
            stdin=subprocess.DEVNULL,
        )
        wait_for(lambda: self.resolves(1), 5, "the name server to answer")

    def stop_dns(self):
        """The name server receives queries and does not answer them."""
        self._dns.send_signal(signal.SIGSTOP)

    def continue_dns(self):
        self._dns.send_signal(signal.SIGCONT)

    def resolves(self, host, timeout=1):
        """Does the client host get an answer for a host's name in time?"""
        look_up = ["getent", "ahostsv4", self.host_name(host)]
        try:
            done = subprocess.run(
                self.within(CLIENT) + look_up, capture_output=True, timeout=timeout
            )
        except subprocess.TimeoutExpired:
            return False
        return done.returncode == 0

    def _add_cut(self, *pairs):
        wires = ", ".join(f'"p{a}" . "p{b}"' for a, b in pairs)
        self._nft(self._switch, f"add element bridge lab cut {{ {wires} }}")

    def _filter(self, host, rule):
        self._nft(
            self.namespace(host),
            "add table inet lab\n"
            "add chain inet lab input { type filter hook input priority 0; }\n"
            f'add rule inet lab input iifname "eth0" {rule}',
        )
        self._filtered.add(host)

    @staticmethod
    def _nft(namespace, rules):
        _call("ip", "netns", "exec", namespace, "nft", "-f", "-", text=rules)

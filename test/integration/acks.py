"""Clients that write down every commit acknowledged to them, and what follows from it.

For each host there is a writer on the client host, and one in the host's own network
namespace over the Unix socket: the clients that a cut-off primary still has. Each tries
its one server only, for ever, whatever that is; one more goes where it may write
(target_session_attrs). The program is ack_writer.c; all times here are seconds of
CLOCK_BOOTTIME, of one machine, so they can be compared.
"""

import collections
import itertools
import os
import signal
import subprocess
import time
from dataclasses import dataclass

from lab import CLIENT, wait_for
from node import PORT

TABLE = "public.ack"
SIGHT = 0.1  # seconds: an answer that lay in a socket already is read in less

_serial = itertools.count(1)


def now():
    return time.clock_gettime(time.CLOCK_BOOTTIME)


@dataclass(frozen=True)
class Ack:
    """An acknowledged commit: by server SERVER, sent and acknowledged by the client's
    clock. The insert itself was run at AT (the commit came after)."""

    client: str
    number: int
    server: int
    local: bool
    sent: float
    acked: float
    at: float


@dataclass(frozen=True)
class Trouble:
    """KIND: lost (a session ended), refused (a statement), unreachable (a connect)."""

    kind: str
    client: str
    server: int
    local: bool
    when: float
    text: str


class Client:
    """One ack_writer and its file. SERVER is a node's number, None: any that may."""

    def __init__(self, words, name, file, server, local, servers):
        self.name, self.server, self.local = name, server, local
        self._file = file
        self._servers = servers  # host in the file -> number
        file.touch(mode=0o666)
        file.chmod(0o666)
        self._process = subprocess.Popen(words, stdin=subprocess.DEVNULL)

    def signal(self, number):
        if self._process.poll() is None:
            self._process.send_signal(number)

    def stop(self):
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGKILL)  # each line was written whole
        self._process.wait(10)

    def runs(self):
        return self._process.poll() is None

    def lines(self):
        if not self._file.exists():  # the test is over, its directory is gone
            return []
        text = self._file.read_text(errors="replace")
        return [line.split(" ", 5) for line in text.splitlines(True) if line[-1:] == "\n"]

    def read(self, offset):
        """(acks, troubles, server processes); OFFSET: CLOCK_BOOTTIME - CLOCK_REALTIME."""
        acks, troubles, sessions = [], [], []
        server = self.server
        for word in self.lines():
            kind, when = word[0], int(word[1]) / 1e9
            if kind == "connected":
                server = self.server or self._servers.get(word[3])
                sessions.append((when, server, int(word[2])))
            elif kind == "acked":
                at = int(word[4]) / 1e9 + offset
                sent = int(word[3]) / 1e9
                ack = (self.name, int(word[2]), server, self.local, sent, when, at)
                acks.append(Ack(*ack))
            elif kind != "sent":
                text = " ".join(word[2:]).strip()
                trouble = (kind, self.name, server, self.local, when, text)
                troubles.append(Trouble(*trouble))
        return acks, troubles, sessions


def create_table(primary):
    primary.sql(
        f"create table if not exists {TABLE}"
        " (client text, number bigint, primary key (client, number))"
    )


class Acks:
    """The clients of NODES (number -> Node). BURN: each insert is followed by so many
    seconds of work in the same transaction. Use as a context manager, or stop()."""

    def __init__(self, lab, program, nodes, burn=None, every_ms=5):
        self.nodes = nodes
        self.clients = []
        self._lab = lab
        self._program = program
        self._options = ["--every", every_ms] + (["--burn", burn] if burn else [])
        self._offset = now() - time.time()

    def everywhere(self, primary):
        """Begin: remote and local clients of each node that has data; gives itself when
        the primary has acknowledged something to each of its own."""
        create_table(primary)
        numbers = [n for n, node in self.nodes.items() if node.has_data()]
        for number in numbers:
            self.add_remote(number)
            self.add_local(number)
        self.add_any(numbers)
        wanted = [c for c in self.clients if c.server in (primary.number, None)]
        what = f"acknowledgements by {primary.name} to all of its clients"
        wait_for(lambda: all(c.read(0)[0] for c in wanted), 15, what)
        return self

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    # Clients.

    def add_remote(self, number, host=CLIENT):
        conninfo = self._conninfo(self.nodes[number].address)
        self._add(host, f"r{number}", conninfo, number, host == number)

    def add_local(self, number):
        """In the host's namespace: it ends with the host. Add another after a boot."""
        conninfo = self._conninfo(self.nodes[number].directory)
        self._add(number, f"l{number}", conninfo, number, True)

    def add_any(self, numbers):
        """As an application that knows all hosts and wants the writable one."""
        hosts = ",".join(self.nodes[number].address for number in numbers)
        conninfo = self._conninfo(hosts) + " tcp_user_timeout=3000"
        self._add(CLIENT, "any", conninfo + " target_session_attrs=read-write", None, False)

    def _conninfo(self, host):
        # A server that accepts and says nothing must not hold a client for ever that
        # has no session yet. Keepalives find a host that lost its power in between.
        return (
            f"host={host} port={PORT} user=postgres dbname=pgrmon connect_timeout=2"
            " keepalives_idle=5 keepalives_interval=2 keepalives_count=3"
            " application_name=ack options='-c log_min_messages=fatal'"
        )

    def _add(self, host, name, conninfo, server, local):
        name = f"{name}.{next(_serial)}"
        file = self._lab.scratch / f"ack-{name}-{os.getpid()}"
        words = [self._program, *self._options, file, name, conninfo]
        servers = {node.address: node.number for node in self.nodes.values()}
        within = self._lab.within(host)
        client = Client([*within, *map(str, words)], name, file, server, local, servers)
        self.clients.append(client)

    def stop(self):
        for client in self.clients:
            client.stop()

    # What they know. Everything is read anew each time: files are small.

    def _read(self, what):
        rows = [row for client in self.clients for row in client.read(self._offset)[what]]
        return rows

    def acks(self, server=None, since=0.0, till=float("inf"), local=None):
        """Acknowledged within (SINCE, TILL], in order."""
        found = [
            ack
            for ack in self._read(0)
            if (server is None or ack.server == server)
            and since < ack.acked <= till
            and (local is None or ack.local == local)
        ]
        return sorted(found, key=lambda ack: ack.acked)

    def troubles(self, kind=None, server=None, since=0.0):
        found = [
            trouble
            for trouble in self._read(1)
            if kind in (None, trouble.kind)
            and (server is None or trouble.server == server)
            and trouble.when > since
        ]
        return sorted(found, key=lambda trouble: trouble.when)

    def lost_sessions(self, server=None, since=0.0):
        return self.troubles("lost", server, since)

    def first(self, server, since=0.0):
        """When the first commit was acknowledged by SERVER, None: never."""
        found = self.acks(server, since)
        return found[0].acked if found else None

    def last(self, server):
        found = self.acks(server)
        return found[-1].acked if found else None

    def wait_writes(self, server, since, timeout=30):
        """Wait for the first acknowledgement after SINCE by SERVER; gives its time."""
        what = f"a write on node{server}"
        wait_for(lambda: self.first(server, since), timeout, what, interval=0.05)
        return self.first(server, since)

    def wait_new_writes(self, old, since, timeout=30):
        """Wait for the first one by any server but OLD: (server, time)."""

        def look():
            return [a for a in self.acks(since=since) if a.server != old]

        found = wait_for(look, timeout, "a write on a new primary", interval=0.05)
        return found[0].server, found[0].acked

    def late(self, old, new, since=0.0):
        """What OLD acknowledged and must not have, after NEW's first. To a client on
        OLD's own host: by the clock of the acknowledgement. To others: by when it was
        sent, or run: an answer may have lain in a cut network before it is read."""
        first = self.first(new, since)
        if first is None:
            return []
        return [
            ack
            for ack in self.acks(old, first)
            if ack.sent > first or ack.at > first or (ack.local and ack.acked > first + SIGHT)
        ]

    def lost(self, node, server=None, till=float("inf"), since=0.0):
        """The acknowledged rows that NODE does not have."""
        acks = self.acks(server, since, till)  # first: rows are added all the time
        there = set(node.sql(f"select client, number from {TABLE}"))
        return [ack for ack in acks if (ack.client, ack.number) not in there]

    def gap(self, since=0.0, server=None, till=float("inf")):
        """The longest time in seconds without any acknowledgement in between."""
        at = [ack.acked for ack in self.acks(server, since, till)]
        return max((b - a for a, b in zip(at, at[1:])), default=0.0)

    def report(self):
        """A failure's summary: [(title, text)]."""
        end = now()
        lines = []
        for server in sorted({ack.server for ack in self.acks()}):
            acks = self.acks(server)
            spans = _spans([ack.acked for ack in acks])
            text = ", ".join(f"{a - end:.3f} .. {b - end:.3f}" for a, b in spans)
            lines.append(f"node{server} acknowledged {len(acks)}, from the end: {text}")
        counted = collections.Counter()
        for trouble in self.troubles():
            key = (trouble.kind, trouble.client)
            counted[key] += 1
            if counted[key] <= 5:
                when = f"{trouble.when - end:9.3f}"
                lines.append(f"{when} {trouble.client} {trouble.kind}: {trouble.text}")
        return [("acknowledgements", "\n".join(lines))]


def _spans(times, gap=0.3):
    """Runs of times that have no gap longer than GAP within."""
    spans = []
    for at in times:
        if spans and at - spans[-1][1] <= gap:
            spans[-1][1] = at
        else:
            spans.append([at, at])
    return spans


def describe(acks, reference, limit=5):
    """Rows for a message: by when they were acknowledged after REFERENCE."""
    shown = [
        f"{a.client}#{a.number} of node{a.server}: sent {a.sent - reference:+.3f},"
        f" run {a.at - reference:+.3f}, acknowledged {a.acked - reference:+.3f} s"
        for a in acks[:limit]
    ]
    more = f", and {len(acks) - limit} more" if len(acks) > limit else ""
    return f"{len(acks)}: " + "; ".join(shown) + more

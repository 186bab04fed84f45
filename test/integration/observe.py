"""What a test watches while a fault lasts: processes, positions."""

import os
import re
import threading
from pathlib import Path

import psycopg
from acks import now
from host import state_of


class _Watch:
    """A thread that takes a look every INTERVAL seconds. Context manager."""

    def __init__(self, interval):
        self.error = None
        self._interval = interval
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._end.set()
        self._thread.join(10)

    def _run(self):
        try:
            while not self._end.wait(self._interval):
                self.look()
        except Exception as error:  # a look that fails must not look like calm
            self.error = error

    def check(self):
        assert self.error is None, f"the watch itself failed: {self.error!r}"


class PgWatch(_Watch):
    """The states of a node's PostgreSQL in /proc: running, partly (some of its
    processes stand), frozen (all), gone. `changes` is [(when, state)]."""

    REFRESH = 25  # looks between two searches for new processes

    def __init__(self, node, interval=0.02):
        super().__init__(interval)
        self.node = node
        self.changes = []
        self._looks = 0
        self._pids = []

    def look(self):
        states = {state_of(pid) for pid in self._pids} - {None, "Z", "X"}
        if self._looks % self.REFRESH == 0 or not states:
            self._pids = self.node.pg_all()
            states = {state_of(pid) for pid in self._pids} - {None, "Z", "X"}
        self._looks += 1
        state = "gone" if not states else "running"
        if "T" in states:
            state = "frozen" if states == {"T"} else "partly"
        if not self.changes or self.changes[-1][1] != state:
            self.changes.append((now(), state))

    def first(self, state, since=0.0):
        """When it was in a state first, at or after SINCE; None: never."""
        self.check()
        times = [*[when for when, _ in self.changes[1:]], float("inf")]
        for (when, what), until in zip(self.changes, times):
            if what == state and until > since:
                return max(when, since)
        return None

    def within(self, state, since, limit):
        """Fails unless it was in STATE by SINCE + LIMIT; gives how long it took."""
        at = self.first(state, since)
        what = f"{self.node.name}'s PostgreSQL {state} within {limit:.2f} s"
        assert at is not None, f"{what}: it never was; {self.describe(since)}"
        assert at - since <= limit, f"{what}: after {at - since:.2f} s"
        return at - since

    def never(self, *states, since=0.0):
        for state in states:
            at = self.first(state, since)
            assert at is None, (
                f"{self.node.name}'s PostgreSQL was {state} after {at - since:.2f} s;"
                f" {self.describe(since)}"
            )

    def describe(self, reference):
        return ", ".join(f"{w - reference:+.2f} {s}" for w, s in self.changes)


class LoadWatch(_Watch):
    """How many processes want a processor at a time, of the whole machine."""

    def __init__(self, interval=0.05):
        super().__init__(interval)
        self._sum = self._looks = 0

    def look(self):
        text = Path("/proc/stat").read_text()
        self._sum += int(re.search(r"^procs_running (\d+)", text, re.M)[1]) - 1  # us
        self._looks += 1

    def mean(self):
        return self._sum / max(self._looks, 1)

    def is_busy(self, mine):
        """More than the processors are, and MINE, which are the tests' own."""
        return self.mean() > os.cpu_count() + mine

    def describe(self):
        return f"{self.mean():.1f} processes wanted a processor, of {os.cpu_count()}"


class PositionWatch(_Watch):
    """How far the standbys had received WAL while they still were in recovery."""

    QUERY = """
        select coalesce(greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())
                        - '0/0', 0)::int8
        where pg_is_in_recovery()
    """

    def __init__(self, nodes, interval=0.02):
        super().__init__(interval)
        self.received = dict.fromkeys(nodes, 0)
        self._sessions = {node: node.connect(user="postgres") for node in nodes}

    def look(self):
        for node, session in list(self._sessions.items()):
            try:
                row = session.execute(self.QUERY).fetchone()
            except psycopg.Error:  # it was restarted
                del self._sessions[node]
                continue
            if row:
                self.received[node] = max(self.received[node], row[0])

    def __exit__(self, *_):
        super().__exit__()
        for session in self._sessions.values():
            session.close()

    def furthest(self):
        """The most advanced position in bytes."""
        self.check()
        return max(self.received.values())

"""A client that inserts numbered rows, one a commit, wherever they can be written.

It runs as a process of its own on the client host and writes one line of JSON for
every acknowledged commit, so what it knows survives whatever happens around it.
"""

import asyncio
import json
import signal
import subprocess
import sys
import time

TABLE = "public.writer"
DEADLINE = 1.0  # seconds for a connect or a commit; a frozen server answers never
PAUSE = 0.005  # between commits: a steady client, not a load test


class Writer:
    """Starts at once. Use as a context manager, or call stop()."""

    def __init__(self, cluster, host):
        self.cluster = cluster
        lab = cluster.lab
        primary = cluster.wait_primary()
        primary.sql(f"create table if not exists {TABLE} (id bigint primary key)")
        self._acknowledged = lab.scratch / f"writer-{time.monotonic_ns()}"
        self._acknowledged.touch()
        hosts = [node.address for node in cluster]
        self._process = subprocess.Popen(
            [*lab.within(host), "/usr/bin/python3", __file__, self._acknowledged, *hosts],
            stdin=subprocess.DEVNULL,
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        self._process.wait(10)

    def acknowledged(self):
        """[{id, at (CLOCK_MONOTONIC), host}] of every acknowledged commit, in order."""
        lines = self._acknowledged.read_text().splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.endswith("\n")]

    def hosts(self):
        """The hosts that acknowledged something, in order of their first one."""
        return list(dict.fromkeys(row["host"] for row in self.acknowledged()))

    def gap(self):
        """The longest time in seconds without an acknowledgement in between."""
        at = [row["at"] for row in self.acknowledged()]
        return max((b - a for a, b in zip(at, at[1:])), default=0.0)

    def lost(self, node):
        """The acknowledged numbers that NODE does not have."""
        there = {row[0] for row in node.sql(f"select id from {TABLE}")}
        return [row["id"] for row in self.acknowledged() if row["id"] not in there]


async def connect(host):
    """A session on HOST, or None when that takes no writes."""
    import psycopg

    conninfo = f"host={host} port=5432 user=pgrmon dbname=pgrmon"
    try:
        connection = await asyncio.wait_for(
            psycopg.AsyncConnection.connect(conninfo, autocommit=True), DEADLINE
        )
        cursor = await asyncio.wait_for(
            connection.execute("select pg_is_in_recovery()"), DEADLINE
        )
        if not (await cursor.fetchone())[0]:
            return connection
        await connection.close()
    except (psycopg.Error, asyncio.TimeoutError, OSError):
        pass
    return None


async def find(hosts):
    """The first writable host: (host, connection), or None."""
    found = await asyncio.gather(*map(connect, hosts))
    usable = [(h, c) for h, c in zip(hosts, found) if c]
    for _, spare in usable[1:]:
        await spare.close()
    return usable[0] if usable else None


async def write(file, hosts):
    import psycopg

    number, place = 0, None
    while True:
        place = place or await find(hosts)
        if not place:
            await asyncio.sleep(0.05)
            continue
        host, connection = place
        number += 1  # never again, whatever happens: its outcome may be unknown
        insert = connection.execute(f"insert into {TABLE} values (%s)", (number,))
        try:
            await asyncio.wait_for(insert, DEADLINE)
        except (psycopg.Error, asyncio.TimeoutError, OSError):
            place = None
            connection.pgconn.finish()
            continue
        row = {"id": number, "at": time.monotonic(), "host": host}
        file.write(json.dumps(row) + "\n")
        file.flush()
        await asyncio.sleep(PAUSE)


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with open(sys.argv[1], "a", encoding="ascii") as file:
        asyncio.run(write(file, sys.argv[2:]))


if __name__ == "__main__":
    main()

"""One host with its PostgreSQL, its pgrmon.conf and its daemon."""

import os
import re
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

import psycopg
from host import Host, state_of
from lab import wait_for

PG_BIN = "/usr/lib/postgresql/15/bin"
PORT = 5432
AS_POSTGRES = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"]
AS_POSTGRES += ["--reset-env", "--"]

POSTGRESQL_CONF = """
listen_addresses = '*'
port = 5432
max_connections = 40
shared_buffers = 16MB
fsync = off
wal_log_hints = on
wal_keep_size = 128MB
max_wal_senders = 10
max_replication_slots = 10
wal_receiver_timeout = 5s
wal_sender_timeout = 5s
wal_receiver_status_interval = 1s
wal_retrieve_retry_interval = 500ms
log_line_prefix = '%m [%p] %q%u@%d '
log_replication_commands = on
"""

PG_HBA = """
local all         all                trust
local replication all                trust
host  all         all 127.0.0.1/32   trust
host  all         all 10.88.0.0/24   trust
host  replication all 10.88.0.0/24   trust
"""

# Short enough for a test, long enough for two busy cores under the sanitizers.
PGRMON_CONF = {
    "monitor_interval_secs": "200ms",
    "reconnect_attempts": 3,
    "reconnect_interval": "500ms",
    "failover": "automatic",
    "log_level": "INFO",
}


@dataclass
class Result:
    """What a run of the CLI gave."""

    argv: list
    rc: int
    out: str
    err: str

    def ok(self):
        """Fails the test unless the command succeeded; gives itself."""
        assert self.rc == 0, self.describe()
        return self

    def describe(self):
        return f"{' '.join(self.argv)}: exit code {self.rc}\n{self.out}{self.err}"


def quote(value):
    """A value for pgrmon.conf or postgresql.conf."""
    return "'" + str(value).replace("\\", "\\\\").replace("'", "''") + "'"


def give_to_postgres(path):
    shutil.chown(path, "postgres", "postgres")


def make_template(scratch, environment):
    """A data directory to copy from: initdb, settings, the role and its database."""
    scratch.mkdir()
    give_to_postgres(scratch)
    data = scratch / "data"

    def call(*argv):
        argv = [*AS_POSTGRES, "env", *environment, *argv]
        subprocess.run(argv, check=True, capture_output=True, timeout=60)

    call("initdb", "-D", data, "-A", "trust", "--no-sync", "-U", "postgres")
    with (data / "postgresql.conf").open("a") as file:
        file.write(POSTGRESQL_CONF)
    (data / "pg_hba.conf").write_text(PG_HBA)
    options = f"-c listen_addresses='' -k {scratch}"
    call("pg_ctl", "-D", data, "-l", scratch / "log", "-o", options, "-w", "start")
    with psycopg.connect(f"host={scratch} user=postgres", autocommit=True) as connection:
        connection.execute("create role pgrmon login superuser")
        connection.execute("create database pgrmon owner pgrmon")
    call("pg_ctl", "-D", data, "-m", "fast", "-w", "stop")
    return data


class Node(Host):
    """Node N: host N of the laboratory, directory n<N>, name node<N>."""

    def __init__(self, number, lab, scratch, environment):
        self.number = number
        self.name = f"node{number}"
        self.lab = lab
        self.address = lab.address(number)
        self.directory = Path(scratch) / f"n{number}"
        self.data = self.directory / "data"
        self.state_directory = self.directory / "state"
        self.conf = self.directory / "pgrmon.conf"
        self.pg_log = self.directory / "postgresql.log"
        self.daemon_log = self.directory / "pgrmond.log"
        self.command_log = self.directory / "commands.log"
        self.daemon = None
        self._environment = environment
        self.directory.mkdir()
        give_to_postgres(self.directory)

    # Running things on the host, as postgres.

    def command(self, *argv):
        words = [*self.lab.within(self.number), *AS_POSTGRES, "env", *self._environment]
        return words + [str(word) for word in argv]

    def run(self, *argv, timeout=60):
        """Run a command on the host; it is written down for a failure's report."""
        argv = [str(word) for word in argv]
        done = subprocess.run(
            self.command(*argv),
            cwd=self.directory,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
        )
        result = Result(argv, done.returncode, done.stdout, done.stderr)
        with self.command_log.open("a") as file:
            file.write(result.describe() + "\n")
        return result

    def pgrmon(self, *argv, timeout=60):
        """Run the CLI with this node's pgrmon.conf."""
        return self.run("pgrmon", "-f", self.conf, *argv, timeout=timeout)

    # pgrmon.conf.

    def conninfo(self, host=None):
        host = host or self.address
        return f"host={host} port={PORT} user=pgrmon dbname=pgrmon connect_timeout=2"

    def configure(self, **settings):
        """Write pgrmon.conf: the defaults of the tests, and SETTINGS over them."""
        values = {
            "node_id": self.number,
            "node_name": self.name,
            "conninfo": self.conninfo(),
            "data_directory": self.data,
            "pg_bindir": PG_BIN,
            "state_directory": self.state_directory,
            **PGRMON_CONF,
            **settings,
        }
        lines = [f"{k} = {quote(v)}\n" for k, v in values.items() if v is not None]
        self.conf.write_text("".join(lines))
        give_to_postgres(self.conf)

    def has_voice(self):
        """Its daemon has promised to support somebody: from then on it votes."""
        state = self.directory / "state" / "state"
        return bool(re.search(r"^term = [1-9]", state.read_text(), re.M))

    # PostgreSQL.

    def has_data(self):
        """False on a witness."""
        return (self.data / "PG_VERSION").exists()

    def init(self, template):
        subprocess.run(["cp", "-a", template, self.data], check=True, timeout=60)
        self.own_settings()

    def own_settings(self):
        """What differs from host to host, also after a clone."""
        with (self.data / "postgresql.conf").open("a") as file:
            file.write(f"unix_socket_directories = '{self.directory}'\n")
            file.write(f"cluster_name = '{self.name}'\n")

    def start(self, wait=True):
        start = ["pg_ctl", "-D", self.data, "-l", self.pg_log, "-t", 30]
        self.run(*start, "-w" if wait else "-W", "start").ok()

    def stop(self, mode="fast"):
        self.run("pg_ctl", "-D", self.data, "-m", mode, "-t", 30, "-w", "stop").ok()

    def reload(self):
        self.run("pg_ctl", "-D", self.data, "reload").ok()

    def postmaster(self):
        """The postmaster's process id, None when it does not run."""
        try:
            pid = int((self.data / "postmaster.pid").read_text().split("\n", 1)[0])
            state = Path("/proc", str(pid), "stat").read_text().rsplit(")", 1)[1]
            return None if state.split()[0] == "Z" else pid
        except (FileNotFoundError, ProcessLookupError, ValueError):
            return None

    def pg_processes(self):
        """The postmaster and its children."""
        head = self.postmaster()
        if head is None:
            return []
        children = Path(f"/proc/{head}/task/{head}/children").read_text().split()
        return [head, *map(int, children)]

    def kill9(self):
        """SIGKILL PostgreSQL, all of it, and wait until it is gone: a zombie's lock
        file would keep the next one from starting (postgres-facts 12)."""
        proc = Path("/proc", str(self.postmaster()))
        self._signal(signal.SIGKILL)
        wait_for(lambda: not proc.exists(), 10, f"the end of {self.name}'s postmaster")

    def sigstop(self):
        """Freeze PostgreSQL: connections are accepted by the kernel, nothing answers."""
        self._signal(signal.SIGSTOP)

    def cont(self):
        self._signal(signal.SIGCONT)

    def _signal(self, number):
        # The postmaster first: it shall not start anything in between.
        for pid in self.pg_processes():
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass

    def connect(self, dbname="pgrmon", user="pgrmon"):
        """A session through the Unix socket, which no network fault touches."""
        return psycopg.connect(
            host=str(self.directory),
            port=PORT,
            dbname=dbname,
            user=user,
            connect_timeout=5,
            options="-c statement_timeout=10s",
            autocommit=True,
        )

    def sql(self, query, *values, dbname="pgrmon"):
        """All rows of a query; an empty list for a statement that gives none."""
        with self.connect(dbname) as connection:
            cursor = connection.execute(query, values or None)
            return cursor.fetchall() if cursor.description else []

    def value(self, query, *values, dbname="pgrmon"):
        return self.sql(query, *values, dbname=dbname)[0][0]

    def in_recovery(self):
        return self.value("select pg_is_in_recovery()")

    def is_primary(self):
        """Accepting connections, out of recovery. False when it does not answer."""
        head = self.postmaster()
        if head is None or state_of(head) == "T":
            return False
        try:
            return not self.in_recovery()
        except psycopg.Error:
            return False

    def timeline(self):
        """The timeline that is written (primary) or received (standby)."""
        if self.in_recovery():
            return self.value("select received_tli from pg_stat_wal_receiver")
        name = self.value("select pg_walfile_name(pg_current_wal_insert_lsn())")
        return int(name[:8], 16)

    def streams_from(self, upstream):
        """Does this standby stream, and from that node?"""
        rows = self.sql("select status, sender_host from pg_stat_wal_receiver")
        known_as = (upstream.address, self.lab.host_name(upstream.number))
        return any(rows == [("streaming", name)] for name in known_as)

    # The daemon.

    def start_daemon(self, *argv):
        assert self.daemon is None, f"{self.name}'s daemon runs already"
        with self.daemon_log.open("ab") as log:
            self.daemon = subprocess.Popen(
                self.command("pgrmond", "-f", self.conf, *argv),
                cwd=self.directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def daemon_runs(self):
        return self.daemon is not None and self.daemon.poll() is None

    def stop_daemon(self, timeout=10):
        """Stop it in good order and return its exit code."""
        return self._end_daemon(signal.SIGTERM, timeout)

    def kill_daemon(self):
        return self._end_daemon(signal.SIGKILL, 10)

    def _end_daemon(self, number, timeout):
        daemon, self.daemon = self.daemon, None
        daemon.send_signal(signal.SIGCONT)
        daemon.send_signal(number)
        try:
            return daemon.wait(timeout)
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.wait(10)
            raise AssertionError(f"{self.name}'s daemon did not stop in {timeout} s")

    def log(self, since=0):
        """The daemon's log from an offset on (log_end() gives one)."""
        if not self.daemon_log.exists():
            return ""
        with self.daemon_log.open("rb") as file:
            file.seek(since)
            return file.read().decode(errors="replace")

    def log_end(self):
        return self.daemon_log.stat().st_size if self.daemon_log.exists() else 0

    def log_has(self, pattern, since=0):
        return re.search(pattern, self.log(since), re.MULTILINE)

    def wait_log(self, pattern, timeout=10, since=0):
        """Wait until the daemon has logged a line that matches."""

        def look():
            found = self.log_has(pattern, since)
            alive = self.daemon is None or self.daemon.poll() is None
            assert found or alive, f"the daemon ended with {self.daemon.poll()}"
            return found

        return wait_for(look, timeout, f'"{pattern}" in the log of {self.name}')

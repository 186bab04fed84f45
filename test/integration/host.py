"""What happens to a host, and to single processes on it: a part of Node.

Only processes of the host's own network namespace are ever signalled; each is named by
its number and, where it is picked out, by what it runs.
"""

import os
import signal
from pathlib import Path

from lab import wait_for

SENTRY_FILE = "sentry"  # in the state directory: boot id, process id, start time
DAEMON_WORDS = b"pgrmond"


def send(pid, number):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def state_of(pid):
    """The letter of /proc: R, S, D, T (stopped), Z; None when it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return None


def alive(pid):
    return state_of(pid) not in (None, "Z", "X")


class Host:
    """Of Node; needs number, name, lab, data, directory, daemon."""

    # PostgreSQL's processes.

    def pg_all(self):
        """Every process of this data directory, orphans of a dead postmaster too."""
        found = []
        for pid in self.lab.processes(self.number):
            try:
                here = os.readlink(f"/proc/{pid}/cwd") == str(self.data)
                runs = os.readlink(f"/proc/{pid}/exe").endswith("/postgres")
            except OSError:
                continue
            if here and runs and alive(pid):
                found.append(pid)
        return found

    def pg_states(self):
        """{process id: letter of /proc} of PostgreSQL's processes."""
        states = {pid: state_of(pid) for pid in self.pg_all()}
        return {pid: state for pid, state in states.items() if state}

    def is_frozen(self):
        """All of PostgreSQL is stopped, and it is not dead."""
        states = self.pg_states()
        return bool(states) and set(states.values()) == {"T"}

    def is_gone(self):
        return not self.pg_all()

    def kill_postmaster(self):
        """SIGKILL to the postmaster alone: its backends end when they notice (F2)."""
        send(self.postmaster(), signal.SIGKILL)

    def stop_postmaster(self):
        """SIGSTOP to the postmaster alone: sessions go on, new ones hang."""
        send(self.postmaster(), signal.SIGSTOP)

    # The daemon and its sentry.

    def sentry(self):
        """The sentry's process id, None when there is none. It outlives its daemon."""
        try:
            words = (self.state_directory / SENTRY_FILE).read_text().split()
            pid = int(words[1])
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except (OSError, ValueError, IndexError):
            return None
        ours = pid in self.lab.processes(self.number) and DAEMON_WORDS in command
        return pid if ours and alive(pid) else None

    def wait_sentry(self, timeout=10):
        return wait_for(self.sentry, timeout, f"a sentry of {self.name}")

    def signal_daemon(self, number, sentry=False):
        """To the daemon, and to its sentry if asked, as close together as can be."""
        watcher = self.wait_sentry() if sentry else None
        if self.daemon is not None:
            self.daemon.send_signal(number)
        if watcher:
            send(watcher, number)

    def freeze_daemon(self, sentry=False):
        self.signal_daemon(signal.SIGSTOP, sentry)

    def continue_daemon(self):
        """Also the sentry, if there is one."""
        self.daemon.send_signal(signal.SIGCONT)
        watcher = self.sentry()
        if watcher:
            send(watcher, signal.SIGCONT)

    def lose_daemon(self, sentry=False):
        """SIGKILL; nobody starts it again."""
        self.signal_daemon(signal.SIGKILL, sentry)
        self.daemon.wait(10)
        self.daemon = None

    # The whole host.

    def freeze_host(self):
        """As a hypervisor pauses a machine, but that its clocks go on: all stands."""

        def all_stand():
            pids = self.lab.processes(self.number)
            for pid in pids:
                send(pid, signal.SIGSTOP)
            return all(state_of(pid) in ("T", "Z", None) for pid in pids)

        wait_for(all_stand, 10, f"{self.name}'s host to stand still", interval=0.001)

    def continue_host(self):
        for pid in self.lab.processes(self.number):
            send(pid, signal.SIGCONT)

    def lose_power(self):
        """The network first: nobody hears a process die. What was written stays; of
        the processes nothing does, not even the zombies that PID 1 has not reaped yet,
        which would keep PostgreSQL from starting (postgres-facts 12)."""
        self.lab.cut_host(self.number)
        servers = self.pg_all()

        def none_left():
            pids = [p for p in self.lab.processes(self.number) if alive(p)]
            for pid in pids:
                send(pid, signal.SIGKILL)
            return not pids

        wait_for(none_left, 10, f"{self.name}'s host to be dark", interval=0.01)
        what = f"the last zombie of {self.name}"
        wait_for(lambda: all(state_of(pid) is None for pid in servers), 10, what)
        if self.daemon is not None:
            self.daemon.wait(10)
            self.daemon = None

    def shut_down(self):
        """In good order, as systemd does it: the daemon ends before PostgreSQL, which it
        was started after. The network goes last. Gives the daemon's exit code."""
        code = self.stop_daemon(timeout=30) if self.daemon else None
        if self.postmaster():
            self.stop("fast")
        self.lab.cut_host(self.number)
        for pid in self.lab.processes(self.number):
            send(pid, signal.SIGKILL)
        return code

    def boot(self, postgresql="before", daemon=True):
        """The network is back, and the host's init starts what it starts. PostgreSQL
        starts `before` the daemon, `after` it, or is left (None): then it is for the
        daemon, or nobody, to start. It is not waited for; see wait_answers()."""
        self.lab.join_host(self.number)
        if postgresql == "before":
            self.start_as_init()
            self.wait_answers()
        if daemon:
            self.start_daemon()
        if postgresql == "after":
            self.start_as_init()

    def start_as_init(self):
        """As an init system starts PostgreSQL: nobody looks how it went. It may be that
        the daemon was faster, or that it fences meanwhile."""
        if self.postmaster() is None:
            self.run("pg_ctl", "-D", self.data, "-l", self.pg_log, "-W", "start")

    def wait_answers(self, timeout=20):
        """Wait until PostgreSQL takes sessions, in recovery or not."""
        what = f"{self.name}'s PostgreSQL to take sessions"
        return wait_for(lambda: self.value("select true"), timeout, what)

    def is_writable(self):
        """Does it take a write from a client of its own? False: not at all, or not in
        time, or read-only."""
        if self.postmaster() is None or self.is_frozen():
            return False
        words = ["psql", "-X", "-q", "-h", self.directory, "-U", "postgres", "-d", "pgrmon"]
        probe = "begin; create temporary table probe (); commit"
        done = self.run("timeout", 3, *words, "-c", probe)
        return done.rc == 0

"""A cluster of nodes, set up through pgrmon's own commands."""

from concurrent.futures import ThreadPoolExecutor

from lab import wait_for
from node import Node

MINIMAL_GRANTS = """
grant pg_monitor, pg_checkpoint, pg_signal_backend to pgrmon;
grant execute on function pg_promote(boolean, integer), pg_reload_conf() to pgrmon;
grant alter system on parameter primary_conninfo, primary_slot_name, restore_command,
    synchronous_standby_names to pgrmon;
"""


class Cluster:
    """Nodes by number: cluster[1] is where it starts. CASCADE maps a node to its
    upstream, 1 where nothing is said. CONF goes into every pgrmon.conf; under the
    key of a node's number stands what only that node gets."""

    def __init__(self, lab, scratch, template, environment):
        self.lab = lab
        self.nodes = {}
        self._scratch = scratch
        self.template = template
        self._environment = environment
        self._conf = {}
        self._cascade = {}
        self.last_report = None

    def __getitem__(self, number):
        return self.nodes[number]

    def __iter__(self):
        return iter(self.nodes.values())

    def add(self, number):
        """A host with a pgrmon.conf, no PostgreSQL yet."""
        node = Node(number, self.lab, self._scratch, self._environment)
        common = {k: v for k, v in self._conf.items() if isinstance(k, str)}
        node.configure(**{**common, **self._conf.get(number, {})})
        self.nodes[number] = node
        return node

    def build(self, n, cascade=None, conf=None, daemons=True, minimal_grants=False):
        """N registered nodes, streaming; gives itself."""
        self._conf = conf or {}
        self._cascade = cascade or {}
        for number in range(1, n + 1):
            self.add(number)
        self.start_primary(minimal_grants)
        waiting = set(range(2, n + 1))
        while waiting:
            ready = {i for i in waiting if self._cascade.get(i, 1) not in waiting}
            assert ready, f"cascade {self._cascade} has a circle"
            with ThreadPoolExecutor() as pool:
                list(pool.map(self.clone_standby, ready))
            for number in sorted(ready):
                self.register_standby(number)
            waiting -= ready
        if daemons:
            self.start_daemons()
        return self

    def start_primary(self, minimal_grants=False):
        primary = self[1]
        primary.init(self.template)
        primary.start()
        if minimal_grants:
            primary.sql("alter role pgrmon nosuperuser replication")
            with primary.connect(user="postgres") as connection:
                connection.execute(MINIMAL_GRANTS)
        primary.pgrmon("primary", "register").ok()

    def upstream(self, number):
        return self[self._cascade.get(number, 1)]

    def clone(self, number, *options):
        """The words of `standby clone` for a node."""
        upstream = self.upstream(number)
        source = ["-h", upstream.address, "-U", "pgrmon", "-d", "pgrmon"]
        words = ["standby", "clone", *source, "--fast-checkpoint"]
        if upstream.number != 1:
            words += ["--upstream-node-id", upstream.number]
        return self[number].pgrmon(*words, *options)

    def clone_standby(self, number):
        """Clone and start, as an operator does."""
        node = self[number]
        self.clone(number).ok()
        node.own_settings()
        node.start()

    def register_standby(self, number):
        node, upstream = self[number], self.upstream(number)
        wait_for(lambda: node.streams_from(upstream), 10, f"{node.name} to stream")
        words = ["standby", "register"]
        if upstream.number != 1:
            words += ["--upstream-node-id", upstream.number]
        node.pgrmon(*words).ok()

    def start_daemons(self):
        marks = {node: node.log_end() for node in self}
        for node in self:
            node.start_daemon()
        for node, mark in marks.items():
            node.wait_log("monitoring (cluster primary|connection to)", 15, since=mark)

    def stop_daemons(self):
        """Stop all in good order. Fails when one says that it failed, or is gone."""
        started = [node for node in self if node.daemon]
        gone = {node.name: node.daemon.poll() for node in started if not node.daemon_runs()}
        with ThreadPoolExecutor() as pool:
            codes = list(pool.map(Node.stop_daemon, started))
        failed = {node.name: code for node, code in zip(started, codes) if code != 0}
        assert not gone and not failed, f"daemons ended early: {gone}, failed: {failed}"

    def primaries(self):
        return [node for node in self if node.is_primary()]

    def wait_primary(self, *numbers, timeout=30):
        """Wait until exactly one of the nodes (any by default) is primary; gives it."""
        wanted = [self[i] for i in numbers or self.nodes]

        def look():
            found = [node for node in wanted if node.is_primary()]
            assert len(found) <= 1, f"two primaries: {[n.name for n in found]}"
            return found[0] if found else None

        names = ", ".join(node.name for node in wanted)
        return wait_for(look, timeout, f"a primary among {names}")

    def wait_streaming(self, number, upstream, timeout=30):
        node, upstream = self[number], self[upstream]
        what = f"{node.name} to stream from {upstream.name}"
        wait_for(lambda: node.streams_from(upstream), timeout, what)

    def report(self, lines=60):
        """[(title, text)]: the end of every log, for a test that failed."""
        logs = [(n, log) for n in self for log in (n.command_log, n.daemon_log, n.pg_log)]
        return [
            (f"{node.name} {log.name}", "\n".join(log.read_text().splitlines()[-lines:]))
            for node, log in logs
            if log.exists()
        ]

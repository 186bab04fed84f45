"""A cluster of nodes, set up through pgrmon's own commands."""

import json
from concurrent.futures import ThreadPoolExecutor

from lab import wait_for
from node import Node

MINIMAL_GRANTS = """
grant pg_monitor, pg_checkpoint, pg_signal_backend to pgrmon;
grant execute on function pg_promote(boolean, integer), pg_reload_conf() to pgrmon;
grant alter system on parameter primary_conninfo, primary_slot_name, restore_command,
    synchronous_standby_names to pgrmon;
"""


WITNESS_REGISTER = ["witness", "register"]


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
        node.configure(**self._common(number))
        self.nodes[number] = node
        return node

    def spare(self, host):
        """A Node on a host of its own that is none of the cluster's."""
        return Node(host, self.lab, self._scratch, self._environment)

    def add_witness(self, number):
        """A host with a daemon and no PostgreSQL, which knows the nodes with data.
        Registered; its daemon is not started."""
        node = self.add(number)
        addresses = ",".join(other.address for other in self if other.has_data())
        conninfo = node.conninfo(addresses)
        node.configure(
            **{**self._common(number), "conninfo": conninfo},
            **{"type": "witness", "data_directory": None, "pg_bindir": None},
        )
        node.pgrmon(*WITNESS_REGISTER).ok()
        return node

    def build(
        self,
        n,
        cascade=None,
        conf=None,
        daemons=True,
        minimal_grants=False,
        witnesses=(),
    ):
        """N registered nodes, streaming; gives itself. WITNESSES: numbers of hosts."""
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
        for number in witnesses:
            self.add_witness(number)
        if daemons:
            self.start_daemons()
        return self

    def _common(self, number):
        """Of CONF, what is for a node's pgrmon.conf."""
        common = {k: v for k, v in self._conf.items() if isinstance(k, str)}
        return {**common, **self._conf.get(number, {})}

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
            if node.has_data():
                node.wait_log("monitoring (cluster primary|connection to)", 15, since=mark)
        for node in self:
            wait_for(node.has_voice, 10, f"{node.name} to know a leader")

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

    # What the cluster says of itself.

    def show(self, node=None):
        """`pgrmon cluster show --json`, asked on NODE (default: of the primary)."""
        node = node or self.wait_primary()
        done = node.pgrmon("cluster", "show", "--json", timeout=20)
        assert done.out.startswith("{"), done.describe()
        return json.loads(done.out)

    def phases(self, node=None):
        """{number: phase of its daemon's note, None: no note seen}."""
        nodes = self.show(node)["nodes"]
        return {n["id"]: (n["daemon"] or {}).get("phase") for n in nodes}

    def terms(self, node=None):
        """[(term, leader, timeline, start in bytes)], the oldest first."""
        return (node or self.wait_primary()).sql(
            "select term, leader, timeline, (start_lsn - '0/0')::int8"
            " from pgrmon.term order by 1"
        )

    def regime(self):
        """(leader, term): what a failover changes, and nothing else does."""
        leader = self.wait_primary()
        term = leader.value("select coalesce(max(term), 0)::int8 from pgrmon.term")
        return leader.number, term

    def notes(self, node):
        """The names of the daemons' sessions on a node's PostgreSQL, as they are."""
        rows = node.sql(
            "select application_name from pg_stat_activity"
            " where application_name ~ '^pgrmond' and backend_type = 'client backend'"
        )
        return [name for (name,) in rows]

    def wait_calm(self, timeout=25, lease=True):
        """Wait until one leads and every other supports it, by their notes; with LEASE
        also for the sentry of the leader, which says that it is fenced."""
        leader = self.wait_primary()

        def look():
            shown = {n["id"]: n["daemon"] for n in self.show(leader)["nodes"]}
            data = [node for node in self if node.has_data()]
            for node in data:
                says = shown[node.number]
                want = "lead" if node is leader else "follow"
                assert says, f"no note of {node.name} is seen"
                assert says["phase"] == want, f"{node.name} says {says}"
                assert says["leader_id"] in (None, leader.number), f"{node.name}: {says}"
            assert not lease or leader.sentry(), f"{leader.name} has no sentry"
            return True

        wait_for(look, timeout, f"{leader.name} to lead in calm", interval=0.1)
        return leader

    def report(self, lines=120):
        """[(title, text)]: the end of every log, for a test that failed."""
        logs = [(n, log) for n in self for log in (n.command_log, n.daemon_log, n.pg_log)]
        return [
            (f"{node.name} {log.name}", "\n".join(log.read_text(errors="replace").splitlines()[-lines:]))
            for node, log in logs
            if log.exists()
        ]

"""Fixtures: a laboratory and a fresh cluster for each test, cleaned up always."""

import os
import re
import shutil
import signal
import tempfile
from pathlib import Path

import faults
import pytest
import shm
from _pytest.runner import runtestprotocol
from acks import Acks
from cluster import Cluster
from lab import CLIENT, PREFIX, Lab, sweep
from node import PG_BIN, give_to_postgres, make_template
from observe import LoadWatch
from writer import Writer

TOP = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("PGRMON_BUILD_DIR") or TOP / "build" / "asan")
# Programs without sanitizers, for tests that measure time (marker `timing`).
RELEASE = os.environ.get("PGRMON_RELEASE_DIR")
KEEP = os.environ.get("PGRMON_KEEP")  # leave the directories for a look


def pytest_configure(config):
    # A terminated run cleans up as an interrupted one does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def pytest_unconfigure(config):
    # Of workers (pytest -n) that were killed in the middle of a test, too.
    if os.geteuid() == 0 and not hasattr(config, "workerinput"):
        sweep()


# Tests of faults: test/run knows them as a part.
FAULTS = {
    f"test_{theme}.py"
    for theme in (
        "blackout",
        "crash",
        "daemon_loss",
        "freeze",
        "guard_boot",
        "host_loss",
        "membership",
        "no_false_alarm",
        "partition",
        "standbys_lost",
    )
}


def pytest_collection_modifyitems(items):
    for item in items:
        if item.path.name in FAULTS:
            item.add_marker(pytest.mark.faults)
    if os.geteuid() == 0:
        return
    skip = pytest.mark.skip(reason="needs root for network namespaces")
    for item in items:
        if {"lab", "cluster", "bare_cluster"} & set(item.fixturenames):
            item.add_marker(skip)


def _try(item, nextitem):
    """(reports, how busy the machine was meanwhile)"""
    with LoadWatch() as load:
        reports = runtestprotocol(item, nextitem=nextitem, log=False)
    return reports, load


# What no load excuses, as messages of failures put it.
NEVER = re.compile(
    r"TWO WRITERS|(?i:two primaries)|lost what|only a tail|rows that|Ack\("
    r"|acknowledged \d+ after|sanitizers reported|not noticed|daemons ended"
)


# A measured time that was above its bound.
MISSED = re.compile(r"s is allowed|a bare promotion took")


def _excused(item, reports, load, first):
    """Whether all that failed may be due to others who keep the machine busy. Tight
    bounds run one at a time (test/run), the others several at once."""
    mine = 1 if item.get_closest_marker("timing") else 6
    failures = [report.longreprtext for report in reports if report.failed]
    errors = re.findall(r"^E  .*", "\n".join(failures), re.MULTILINE)
    if not failures or NEVER.search("\n".join(errors)):
        return False
    return load.is_busy(mine) or (first and MISSED.search("\n".join(errors)))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item, nextitem):
    """A time that is missed while others keep the machine busy says nothing: the test is
    tried again, twice. On a machine of its own a bound that was missed is measured once
    more: a guest that its host does not run for a second looks idle."""
    if not item.get_closest_marker("faults"):
        return None
    where = {"nodeid": item.nodeid, "location": item.location}
    item.ihook.pytest_runtest_logstart(**where)
    for more in (2, 1, 0):
        reports, load = _try(item, nextitem)
        if not more or not _excused(item, reports, load, first=more == 2):
            break
        print(f"\n{item.nodeid}: missed, but {load.describe()}; once more")
        item._initrequest()  # fixtures anew
    for report in reports:
        report.sections.append(("load", load.describe()))
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(**where)
    return True


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A test that failed shows the end of every log."""
    report = (yield).get_result()
    cluster = item.funcargs.get("bare_cluster") if hasattr(item, "funcargs") else None
    if report.failed and cluster is not None:
        for clients in item.funcargs.get("started_acks", []):
            report.sections.extend(clients.report())
        report.sections.extend(cluster.last_report or cluster.report())


@pytest.fixture(scope="session")
def session_directory():
    """Where everybody may look: a checkout in /root is closed to postgres. A Unix
    socket's path has 107 bytes at most, so it is short."""
    path = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir="/tmp"))
    path.chmod(0o755)
    yield path
    if not KEEP:
        shutil.rmtree(path, ignore_errors=True)


def _copy_programs(build, bin_directory):
    bin_directory.mkdir()
    for program in ("cli/pgrmon", "daemon/pgrmond", "test/integration/ack_writer"):
        built = Path(build) / program
        if not built.exists():
            pytest.fail(f"{built} is not there: run test/run, it builds")
        shutil.copy(built, bin_directory)
    return bin_directory


@pytest.fixture(scope="session")
def programs(session_directory):
    """A directory with pgrmon and pgrmond."""
    return _copy_programs(BUILD, session_directory / "bin")


@pytest.fixture(scope="session")
def release_programs(session_directory):
    return _copy_programs(RELEASE, session_directory / "bin-release")


def _released(request):
    return bool(RELEASE and request.node.get_closest_marker("timing"))


def _sanitized():
    cache = BUILD / "CMakeCache.txt"
    return not cache.exists() or "PGRMON_SANITIZE:BOOL=ON" in cache.read_text()


@pytest.fixture
def slack(request):
    """What bounds of time are multiplied with: programs with sanitizers are slow."""
    return 1.0 if _released(request) or not _sanitized() else 2.0


def common_environment(programs=""):
    path = f"{programs}:{PG_BIN}:/usr/bin:/bin"
    return [f"PATH={path}", "LC_ALL=C.UTF-8", "TZ=UTC"]


@pytest.fixture(scope="session")
def template(session_directory):
    return make_template(session_directory / "template", common_environment())


@pytest.fixture
def scratch(session_directory):
    path = Path(tempfile.mkdtemp(dir=session_directory))
    path.chmod(0o755)
    yield path
    shm.remove_of(path)
    if not KEEP:
        shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def lab(scratch):
    sweep()
    lab = Lab(scratch)
    try:
        lab.up()
        yield lab
    finally:
        lab.down()


@pytest.fixture
def sanitizers(scratch):
    """Environment for the sanitizers; what they report fails the test."""
    reports = scratch / "sanitizers"
    reports.mkdir()
    give_to_postgres(reports)
    where = f"log_path={reports}/report"
    yield [
        f"ASAN_OPTIONS={where}:detect_leaks=1:abort_on_error=0:exitcode=99",
        f"UBSAN_OPTIONS={where}:print_stacktrace=1",
    ]
    found = [file.read_text(errors="replace") for file in sorted(reports.iterdir())]
    assert not found, "sanitizers reported:\n" + "\n".join(found)


@pytest.fixture
def bare_cluster(lab, scratch, template, sanitizers, request):
    """A Cluster without nodes. Asks for the programs only where the test needs them."""
    needs_programs = "cluster" in request.fixturenames
    name = "release_programs" if _released(request) else "programs"
    programs = request.getfixturevalue(name) if needs_programs else ""
    environment = common_environment(programs) + sanitizers
    cluster = Cluster(lab, scratch, template, environment)
    yield cluster
    lab.heal()
    for node in cluster:
        node.cont()
    try:
        cluster.stop_daemons()
    finally:
        # The directory is gone by the time a failure of this teardown is reported.
        cluster.last_report = cluster.report()


@pytest.fixture
def cluster(bare_cluster):
    """cluster(n, cascade={4: 2}, conf={...}): build one, see Cluster.build()."""
    return bare_cluster.build


@pytest.fixture
def pair(bare_cluster):
    """Two nodes of plain streaming replication, without pgrmon."""
    for number in (1, 2):
        bare_cluster.add(number)
    first, second = bare_cluster[1], bare_cluster[2]
    first.init(bare_cluster.template)
    first.start()
    second.run(
        *["pg_basebackup", "-h", first.address, "-U", "pgrmon", "-D", second.data],
        *["-R", "-X", "stream", "-c", "fast", "--no-sync"],
    ).ok()
    second.own_settings()
    second.start()
    bare_cluster.wait_streaming(2, 1)
    return bare_cluster


@pytest.fixture
def writer():
    """writer(cluster): a client that writes until the test ends."""
    writers = []

    def start(cluster):
        writers.append(Writer(cluster, CLIENT))
        return writers[-1]

    yield start
    for started in writers:
        started.stop()


@pytest.fixture
def calm(cluster):
    """calm(n, conf={...}, ...): as cluster(), with the window of the tests of faults;
    one leads and all support it."""

    def build(n, conf=None, **options):
        nodes = cluster(n, conf={**faults.CONF, **(conf or {})}, **options)
        nodes.wait_calm()
        return nodes

    return build


@pytest.fixture
def ack_program(programs):
    return programs / "ack_writer"


@pytest.fixture
def started_acks():
    return []


@pytest.fixture
def acks(started_acks, lab, ack_program):
    """acks(cluster): clients of all nodes that write until the test ends, see Acks."""

    def start(cluster, **options):
        clients = Acks(lab, ack_program, cluster.nodes, **options)
        started_acks.append(clients)
        return clients.everywhere(cluster.wait_primary())

    yield start
    for clients in started_acks:
        clients.stop()

"""Fixtures: a laboratory and a fresh cluster for each test, cleaned up always."""

import os
import shutil
import signal
import tempfile
from pathlib import Path

import pytest
from cluster import Cluster
from lab import CLIENT, PREFIX, Lab, sweep
from node import PG_BIN, give_to_postgres, make_template
from writer import Writer

TOP = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("PGRMON_BUILD_DIR") or TOP / "build" / "asan")
KEEP = os.environ.get("PGRMON_KEEP")  # leave the directories for a look


def pytest_configure(config):
    # A terminated run cleans up as an interrupted one does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def pytest_unconfigure(config):
    # Of workers (pytest -n) that were killed in the middle of a test, too.
    if os.geteuid() == 0 and not hasattr(config, "workerinput"):
        sweep()


def pytest_collection_modifyitems(items):
    if os.geteuid() == 0:
        return
    skip = pytest.mark.skip(reason="needs root for network namespaces")
    for item in items:
        if {"lab", "cluster", "bare_cluster"} & set(item.fixturenames):
            item.add_marker(skip)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A test that failed shows the end of every log."""
    report = (yield).get_result()
    cluster = item.funcargs.get("bare_cluster") if hasattr(item, "funcargs") else None
    if report.failed and cluster is not None:
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


@pytest.fixture(scope="session")
def programs(session_directory):
    """A directory with pgrmon and pgrmond."""
    bin_directory = session_directory / "bin"
    bin_directory.mkdir()
    for built in (BUILD / "cli" / "pgrmon", BUILD / "daemon" / "pgrmond"):
        if not built.exists():
            pytest.fail(f"{built} is not there: run test/run, it builds")
        shutil.copy(built, bin_directory)
    return bin_directory


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
    programs = request.getfixturevalue("programs") if needs_programs else ""
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
def writer():
    """writer(cluster): a client that writes until the test ends."""
    writers = []

    def start(cluster):
        writers.append(Writer(cluster, CLIENT))
        return writers[-1]

    yield start
    for started in writers:
        started.stop()

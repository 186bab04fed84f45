"""./demo as somebody runs it: it ends well, and leaves nothing behind."""

import os
import pwd
import re
import signal
import subprocess
from pathlib import Path

import pytest
from lab import wait_for

TOP = Path(__file__).resolve().parents[2]
DEADLINE = 300  # the first run builds, on two busy cores

# They build in one place.
pytestmark = pytest.mark.xdist_group("demo")


@pytest.fixture
def demo(scratch):
    """demo(): start it, with a TMPDIR of its own; ended by force if the test fails."""
    started = []
    # Under sudo as the caller, who owns the checkout and what is built in it.
    uid = int(os.environ.get("SUDO_UID", os.geteuid()))
    user = pwd.getpwuid(uid)
    identity = {}
    if uid != os.geteuid():
        os.chown(scratch, uid, user.pw_gid)
        identity = {"user": uid, "group": user.pw_gid, "extra_groups": []}

    def start(*options):
        process = subprocess.Popen(
            [TOP / "demo", *options],
            cwd="/",
            env={
                "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
                "HOME": user.pw_dir,
                "TMPDIR": str(scratch),
                "PGHOST": "nowhere.invalid",  # what a caller has set must not matter
                "PGRMON_PRIORITY": "0",
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            # A parallel test worker ignores SIGINT, and a shell cannot trap what was
            # ignored when it began.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            text=True,
            start_new_session=True,
            **identity,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.terminate()
            process.wait(60)
        process.stdout.close()
        for pid in processes(scratch):
            os.kill(pid, signal.SIGKILL)


def processes(directory):
    """Processes that name the directory in their arguments, or work in it."""
    found = []
    for proc in Path("/proc").glob("[0-9]*"):
        try:
            words = (proc / "cmdline").read_bytes().decode(errors="replace")
            place = os.readlink(proc / "cwd")
        except OSError:
            continue
        if int(proc.name) != os.getpid() and str(directory) in words + place:
            found.append(int(proc.name))
    return found


def check_nothing_is_left(directory):
    wait_for(lambda: not processes(directory), 10, f"the end of all in {directory}")
    assert list(directory.iterdir()) == []


def test_demo(demo, scratch):
    process = demo()
    out, _ = process.communicate(timeout=DEADLINE)
    assert process.returncode == 0, out
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", out), "control characters in a log"

    gap = re.search(r"^writes stopped for +([0-9.]+) s", out, re.MULTILINE)
    lost = re.search(r"^acknowledged rows lost +(\d+)$", out, re.MULTILINE)
    acknowledged = re.search(r"^rows acknowledged +(\d+)$", out, re.MULTILINE)
    assert gap and lost and acknowledged, out
    assert 0 < float(gap[1]) < 60, "no time-out is waited for"
    assert int(acknowledged[1]) > 50
    assert int(lost[1]) <= 5, "a tail that was not sent yet is all that can be lost"

    before, _, after = out.partition("== The cluster now")
    assert re.search(r"node1 +\| primary \| \* running", before)
    assert re.search(r"node[23] +\| primary \| \* running", after)
    # Down still, held read-only, or a standby again: its daemon starts it.
    assert re.search(r"^ 1 +\| node1 ", after, re.MULTILINE)
    assert not re.search(r"node1 +\| primary \| \* running", after)
    assert "pgrmond_failover_promote" in after and "pgrmond_failover_follow" in after
    assert re.search(r"^node[23] \| .*will now promote itself", out, re.MULTILINE)
    check_nothing_is_left(scratch)


def test_interrupted(demo, scratch):
    """Ctrl-C in the middle of the failover reaches the whole foreground group."""
    process = demo()
    seen = []
    for line in process.stdout:
        seen.append(line)
        if "1 of 3 attempts" in line:
            break
    else:
        pytest.fail("it ended before the failover:\n" + "".join(seen))
    assert processes(scratch), "there is something to clean up"
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    check_nothing_is_left(scratch)


def test_keep_and_stop(demo, scratch):
    process = demo("--keep")
    out, _ = process.communicate(timeout=DEADLINE)
    assert process.returncode == 0, out
    assert "one a commit" in out
    directory = re.search(r"^directory: (.+)$", out, re.MULTILINE)[1]
    show = re.search(r"^  (\S+/pgrmon) cluster show", out, re.MULTILINE)[1]
    done = subprocess.run([show, "cluster", "show", "--csv"], capture_output=True, text=True)
    old, *others = sorted(done.stdout.split())
    assert old in ("1,-1,-1", "1,0,1"), done.stderr  # down still, or started read-only
    assert others in (["2,0,0", "3,0,1"], ["2,0,1", "3,0,0"]), done.stderr

    stop = demo("--stop", directory)
    out, _ = stop.communicate(timeout=60)
    assert stop.returncode == 0, out
    check_nothing_is_left(scratch)


def test_does_not_remove_what_is_not_its_own(demo, scratch):
    mine = scratch / "mine"
    mine.mkdir()
    process = demo("--stop", str(mine))
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 1 and "was not made by this demo" in out
    assert mine.is_dir()

"""What a PostgreSQL that was killed leaves behind: a segment of shared memory. The
kernel has 4096 of them for the whole machine, and then no PostgreSQL starts any more.
"""

import subprocess
from pathlib import Path

TRIES = 3  # PostgreSQL takes the next key where one is in use


def _unattached(keys):
    """Numbers of the segments with one of these keys that nobody is attached to."""
    for line in Path("/proc/sysvipc/shm").read_text().splitlines()[1:]:
        key, number, _, _, _, _, attached = map(int, line.split()[:7])
        if key in keys and attached == 0:
            yield number


def remove_of(directory):
    """Of every data directory below DIRECTORY, whose inode is the key. To be called when
    no PostgreSQL of them runs, and before they are removed."""
    keys = set()
    for part in Path(directory).rglob("global"):
        inode = part.parent.stat().st_ino & 0x7FFFFFFF
        keys |= {inode + more for more in range(TRIES)}
    for number in _unattached(keys):
        subprocess.run(["ipcrm", "-m", str(number)], capture_output=True, timeout=20)

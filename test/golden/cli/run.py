#!/usr/bin/python3
"""Compare what pgrmon prints with golden files.

    run.py PGRMON [--update] [CASE...]

Each line of `cases` is "name: arguments", as a shell would split them; "name/8" looks at
the first 8 lines of output only. pgrmon runs with them in a copy of this directory's
configuration files, with an empty environment, and its standard output, standard error
(marked "! ") and exit status are compared with <name>.ok. --update writes the .ok files
instead: read the difference before committing it.
"""

import difflib
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
DIRECTORY = "/tmp/golden-"
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}


def user_of(name):
    """pgrmon refuses to be root, which is a case of its own."""
    if os.geteuid() == 0 and name != "root":
        return {"user": "nobody", "group": "nogroup", "extra_groups": []}
    return {}


def run(pgrmon, directory, name, arguments, n_lines):
    done = subprocess.run(
        [pgrmon, *shlex.split(arguments)],
        cwd=directory,
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        **user_of(name),
    )
    output = "".join(done.stdout.splitlines(True)[:n_lines])
    errors = "".join(f"! {line}\n" for line in done.stderr.splitlines())
    text = f"$ pgrmon {arguments}\n{output}{errors}[exit {done.returncode}]\n"
    # of the same length, since it stands in tables
    return text.replace(directory, DIRECTORY + "x" * (len(directory) - len(DIRECTORY)))


def read_cases(chosen):
    for line in (HERE / "cases").read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        head, _, arguments = line.partition(":")
        name, _, n_lines = head.partition("/")
        if chosen and name not in chosen:
            continue
        if name == "root" and os.geteuid() != 0:
            continue
        yield name, arguments.strip(), int(n_lines) if n_lines else None


def check(pgrmon, directory, case, update):
    name = case[0]
    expected = HERE / f"{name}.ok"
    got = run(pgrmon, directory, *case)
    if update:
        expected.write_text(got)
        return True
    wanted = expected.read_text() if expected.exists() else ""
    if got == wanted:
        return True
    sys.stdout.writelines(
        difflib.unified_diff(
            wanted.splitlines(True), got.splitlines(True), expected.name, "printed"
        )
    )
    return False


def copy_files(directory):
    os.chmod(directory, 0o755)
    for path in HERE.glob("*.conf"):
        copy = shutil.copy(path, directory)
        os.chmod(copy, 0o644)  # as for "every user can read it"


def main():
    update = "--update" in sys.argv[2:]
    cases = list(read_cases([a for a in sys.argv[2:] if a != "--update"]))
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="golden-") as directory:
        copy_files(directory)
        pgrmon = shutil.copy(sys.argv[1], directory)  # a checkout in /root is closed
        failed = [c[0] for c in cases if not check(pgrmon, directory, c, update)]
    print(f"cli golden: {len(cases)} cases, {len(failed)} failed {' '.join(failed)}")
    return 1 if failed or not cases else 0


if __name__ == "__main__":
    sys.exit(main())

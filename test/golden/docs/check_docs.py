"""Compares the documentation with the programs and the tree.

    check_docs.py TOP PGRMON PGRMOND

Prints every difference and exits with 1 if there is one.
"""

import re
import shlex
import subprocess
import sys
from pathlib import Path

TOP, PGRMON, PGRMOND = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
DOCS = ["README.md", "CONTRIBUTING.md", "NEWS.md"]
DOCS += [f"docs/{name}.md" for name in ("architecture", "decisions", "json")]
DOCS += ["docs/failover-rules.md", "docs/safety.md"]
DOCS += [f"docs/man/{name}.md" for name in ("pgrmon.1", "pgrmond.8", "pgrmon.conf.5")]

errors = []


def expect(true, message):
    if not true:
        errors.append(message)


def read(path):
    return (TOP / path).read_text(encoding="utf-8")


def sources(*directories):
    return "\n".join(
        path.read_text(encoding="utf-8")
        for directory in directories
        for path in sorted((TOP / directory).rglob("*.[chs]*"))
        if path.suffix in (".c", ".h", ".sql")
    )


def program(*argv):
    return subprocess.run(argv, capture_output=True, text=True, timeout=20)


def usage(*argv):
    done = program(*argv, "--help")
    expect(done.returncode == 0, f"{' '.join(argv[1:])} --help: {done.stderr}")
    return done.stdout


def long_options(text, title):
    """The long options below a title of a --help text."""
    part = re.search(rf"^{title}:\n((?:.+\n)+)", text, re.MULTILINE)
    return re.findall(r"^ .*?--([\w-]+)", part[1], re.MULTILINE) if part else []


def sections(text, level):
    """{heading: text} of a page."""
    parts = re.split(rf"^{'#' * level} (.+)$", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2]))


def check_pgrmon_page():
    page = sections(read("docs/man/pgrmon.1.md"), 1)
    commands = {
        f"{o} {a}"
        for o, a in re.findall(r"^  (\w+) +(\w+) +\w", usage(PGRMON), re.MULTILINE)
    }
    told = sections(page["COMMANDS"], 2)
    expect(len(commands) > 10, f"pgrmon --help lists {len(commands)} commands only")
    expect(commands == set(told), f"pgrmon.1: commands differ: {commands ^ set(told)}")
    for command in sorted(commands & set(told)):
        example = rf"^    pgrmon .*{command}( |$)"
        found = re.search(example, told[command], re.MULTILINE)
        expect(found, f"pgrmon.1: {command} has no example")
        short = dict(
            re.findall(r"\*\*(-\w)\*\*, \*\*--([\w-]+)\*\*", page["OPTIONS"])
        )
        names = {f"**{s}**": name for s, name in short.items()}
        text = told[command]
        for marked, name in names.items():
            text = text.replace(marked, f"**--{name}**")
        for option in long_options(usage(PGRMON, *command.split()), "Options"):
            expect(f"**--{option}**" in text, f"pgrmon.1: {command} lacks --{option}")
            checks = option in text and command == "node check"
            named = f"**--{option}**" in page["OPTIONS"]
            expect(named or checks, f"pgrmon.1: OPTIONS lacks --{option}")
    for title in ("General options",):
        for option in long_options(usage(PGRMON), title):
            named = f"--{option}**" in page["OPTIONS"]
            expect(named, f"pgrmon.1: OPTIONS lacks --{option}")
    codes = set(re.findall(r"EXIT_CODE_\w+ = (\d+)", read("cli/exit_code.h"))) - {"3"}
    told = set(re.findall(r"^(\d+)$", page["EXIT STATUS"], re.MULTILINE))
    expect(codes == told, f"pgrmon.1: exit codes differ: {codes ^ told}")
    check_events(page["EVENTS"], sources("cli"), r"(?:cluster|primary|standby)_\w+")


def check_events(text, code, pattern):
    """Events of the page are those that stand as "..." in the code, and the reverse."""
    told = set(re.findall(rf"\*({pattern})\*", text))
    recorded = set(re.findall(rf'session_event\([^;]*?"({pattern})"', code, re.DOTALL))
    if not recorded:
        recorded = set(re.findall(rf'"({pattern})"', code))
    expect(recorded <= told, f"events not told of: {recorded - told}")
    for event in told:
        expect(f'"{event}"' in code, f"event {event} is told of and never recorded")


def check_pgrmond_page():
    page = sections(read("docs/man/pgrmond.8.md"), 1)
    options = set(long_options(usage(PGRMOND), "Options"))
    told = set(re.findall(r"^.*\*\*--([\w-]+)\*\*", page["OPTIONS"], re.MULTILINE))
    expect(options == told, f"pgrmond.8: options differ: {options ^ told}")
    check_events(page["EVENTS"], sources("lib/core", "daemon"), r"pgrmond_[a-z]+_?\w*")
    for number in re.findall(r"^(\d+)$", page["EXIT STATUS"], re.MULTILINE):
        expect(re.search(rf"\b{number}\b", read("daemon/main.c")), f"exit {number}")


def command_lines(text):
    """Lines of indented code, continued ones joined."""
    code = "\n".join(re.findall(r"^    \S.*(?:\n +\S.*)*", text, re.MULTILINE))
    return re.sub(r"\\\n\s*", "", code).splitlines()


def check_command_lines():
    """Every line that calls a program is understood by it: --help is not an error."""
    n = 0
    for doc in DOCS:
        if not (TOP / doc).exists():
            continue
        text = read(doc)
        lines = [line.strip() for line in command_lines(text)]
        lines += re.findall(r"`((?:pgrmond?) [a-z-][^`]*)`", text)
        for line in lines:
            found = re.match(r"(?:sudo (?:-u postgres )?)?(pgrmond?)( .*)$", line)
            if not found or re.search(r"[A-Z]{4}|\.\.\.", found[2].split("#")[0]):
                continue
            words = shlex.split(found[2].split("|")[0], comments=True)
            path = PGRMON if found[1] == "pgrmon" else PGRMOND
            done = program(path, *words, "--help")
            refused = done.returncode != 0 or "WARNING" in done.stderr
            expect(not refused, f"{doc}: {line}\n{done.stdout}{done.stderr}")
            n += 1
    expect(n > 30, f"only {n} command lines were found")


def check_architecture():
    text = read("docs/architecture.md")
    rows = re.findall(r"^\| (`.*?) \|", text, re.MULTILINE)
    paths = [path for row in rows for path in re.findall(r"`([^`]+)`", row)]
    expect(len(paths) > 40, f"architecture.md: only {len(paths)} files")
    for path in paths:
        expect((TOP / path).exists(), f"architecture.md: there is no {path}")
    code = sources("lib", "daemon", "cli", "sql")
    functions = set(re.findall(r"`(?:pgrmon\.)?(\w+)\(\)`", text))
    expect(len(functions) > 20, f"architecture.md: only {len(functions)} functions")
    for name in functions:
        expect(re.search(rf"\b{name}\(", code), f"architecture.md: no function {name}()")
    for name in set(re.findall(r"`(CORE_\w+)`", text)):
        expect(name in code, f"architecture.md: no {name}")


def check_links():
    for doc in DOCS:
        expect((TOP / doc).exists(), f"there is no {doc}")
        if not (TOP / doc).exists():
            continue
        for link in re.findall(r"\]\(([^)#:]+)\)", read(doc)):
            target = (TOP / doc).parent / link
            expect(target.exists(), f"{doc}: the link {link} leads nowhere")


def check_json():
    code = sources("cli")
    keys = set(re.findall(r'^\s*(?:\{ )?"(\w+)":', read("docs/json.md"), re.MULTILINE))
    expect(len(keys) > 40, f"json.md: only {len(keys)} keys")
    for key in keys:
        expect(f'"{key}"' in code, f"json.md: no output has the key {key}")


def check_settings():
    """What README's configuration sets exists."""
    known = set(re.findall(r"^#? ?(\w+) = ", read("etc/pgrmon.conf.sample"), re.MULTILINE))
    used = re.findall(r"pgrmon\.conf <<'END'\n(.*?)END", read("README.md"), re.DOTALL)
    expect(len(used) == 2, f"README.md: {len(used)} configuration files, not 2")
    names = set(re.findall(r"^ *(\w+) = ", used[-1], re.MULTILINE)) if used else set()
    expect(names and names <= known, f"README.md: unknown settings {names - known}")


def check_safety():
    """The tests that safety.md names are there."""
    rows = sections(read("docs/safety.md"), 2)["Which test shows it"]
    names = set(re.findall(r"`([a-z]\w+)`", rows))
    expect(len(names) > 60, f"safety.md: only {len(names)} tests")
    files = [p for p in (TOP / "test").rglob("*") if p.suffix in (".c", ".h", ".py")]
    known = {file.stem for file in files}
    known |= set(re.findall(r"\w+", "\n".join(f.read_text() for f in files)))
    expect(names <= known, f"safety.md: there is no test {names - known}")


check_pgrmon_page()
check_pgrmond_page()
check_safety()
check_command_lines()
check_architecture()
check_links()
check_json()
check_settings()
for error in errors:
    print(f"ERROR: {error}")
sys.exit(1 if errors else 0)

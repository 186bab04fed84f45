"""Finding lines in what a program wrote."""

import re


def find_in_order(text, patterns):
    """Each pattern matches a line, each below the one before; gives those lines.

    Other lines may stand in between. A pattern that is not found fails the test and
    says after which line it was looked for.
    """
    lines = text.splitlines()
    at, found = 0, []
    for pattern in patterns:
        for number in range(at, len(lines)):
            if re.search(pattern, lines[number]):
                found.append(lines[number])
                at = number + 1
                break
        else:
            after = f"after: {found[-1]}" if found else "at all"
            raise AssertionError(f'no line matches "{pattern}" {after}\n{text}')
    return found


def find_all(text, patterns):
    """Each pattern matches somewhere, in any order."""
    missing = [p for p in patterns if not re.search(p, text, re.MULTILINE)]
    assert not missing, f"not found: {missing} in\n{text}"


def table(text):
    """The rows of a table with ` | ` between its columns, as a list of dicts."""
    rows = [line.split("|") for line in text.splitlines() if "|" in line]
    head = [cell.strip() for cell in rows[0]]
    return [dict(zip(head, (cell.strip() for cell in row))) for row in rows[1:]]

#!/bin/sh
# core_rules.sh - every rule that lib/core names is in docs/failover-rules.md, and every
# rule defined there is named in lib/core (one marked "(shell)": in the daemon, the CLI
# or lib) and in a test.
#
#   core_rules.sh SOURCE_DIR
set -eu

top=$1
doc=$top/docs/failover-rules.md
rule='[QFELVDGNMPCJ][0-9]+(\.[0-9])?'
failed=0

defined=$(grep -oE "^(- )?\*\*$rule" "$doc" | grep -oE "$rule" | sort -u)
not_yet=$(sed -n '/^## Not yet/,$p' "$doc" | grep -oE "\b$rule(–[A-Z][0-9]+)?\b" |
    awk -F– '{ print $1; if (NF > 1)
        for (i = substr($1, 2); i <= substr($2, 2); i++) print substr($1, 1, 1) i }')

shell=$(grep -E '^\*\*.*\*\(shell\)\*' "$doc" | grep -oE "^\*\*$rule" | grep -oE "$rule")
named_by_shell=$(grep -rohE "\b$rule\b" "$top"/daemon "$top"/cli "$top"/lib \
    --include='*.[ch]' | sort -u)

named=$(grep -ohE "\b$rule\b" "$top"/lib/core/*.[ch] | sort -u)
for one in $named; do
    printf '%s\n' "$defined" "$not_yet" | grep -qx "$one" || {
        echo "lib/core names $one, which docs/failover-rules.md does not define:"
        grep -nE "\b$one\b" "$top"/lib/core/*.[ch]
        failed=1
    }
done

tested=$(grep -rohE "\b($rule|[qfelvdgnmpcj][0-9]_)" "$top"/test/unit "$top"/test/sim \
    "$top"/test/integration --include='*.[ch]' --include='*.py' |
    tr -d _ | tr '[:lower:]' '[:upper:]' | sort -u)
for one in $defined; do
    of=$named
    printf '%s\n' "$shell" | grep -qx "$one" && of=$named_by_shell
    echo "$of" | grep -qx "$one" || {
        echo "the code does not say where it follows $one"
        failed=1
    }
    echo "$tested" | grep -qx "$one" || {
        echo "no test names $one"
        failed=1
    }
done
# The rules that the simulation does not miss are those that the documentation lists.
spare=$(sed -nE 's/^SPARE\(([A-Z][0-9]+)_([A-Z0-9_]+),.*/\1.\L\2/p' "$top"/test/sim/rules.def | sort)
listed=$(sed -n '/^## What the simulation does not miss/,/^## Not yet/p' "$doc" |
    sed -nE 's/^\| ([A-Z][0-9]+\.[a-z0-9_]+) \|.*/\1/p' | sort)
[ "$spare" = "$listed" ] || {
    echo "test/sim/rules.def has other SPARE rules than $doc lists"
    failed=1
}
[ -n "$defined" ] || { echo "no rules in $doc"; failed=1; }
[ $failed -eq 1 ] || echo "rules:" $defined
exit $failed

#!/bin/sh
# core_purity.sh - lib/core may use memory and string functions and snprintf; nothing that
# reads a clock, opens a descriptor, allocates, logs or ends the process.
#
#   core_purity.sh CC SOURCE_DIR
#
# Builds lib/core and lib/lsn.c (whose lsn_format it calls) without sanitizers and lists
# what the objects leave undefined. Also: no variable of static storage may be writable.
set -eu

cc=$1
top=$2
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

allowed='memcpy|memmove|memset|memcmp|strlen|strcmp|strncmp|strchr|snprintf|vsnprintf'
# Compiler helpers, hardened twins of the above, and tables of ctype.h.
allowed="$allowed|__stack_chk_fail|_GLOBAL_OFFSET_TABLE_|__[a-z]*snprintf_chk"
allowed="$allowed|__mem[a-z]*_chk|__ctype_(b|tolower|toupper)_loc|tolower|toupper"

for source in "$top"/lib/core/*.c "$top"/lib/lsn.c; do
    "$cc" -std=gnu17 -D_GNU_SOURCE -O1 -I "$top/lib" -c "$source" \
        -o "$scratch/$(basename "$source" .c).o"
done
ld -r -o "$scratch/core" "$scratch"/*.o # what they use of each other is no import

imports=$(nm -u "$scratch/core" | awk '{print $2}' | grep -Evx "$allowed" || true)
writable=$(nm "$scratch/core" | awk '$2 ~ /^[BbDdCc]$/ {print $3}')

if [ -n "$imports" ] || [ -n "$writable" ]; then
    echo "lib/core is not pure"
    for symbol in $imports; do
        echo "  imports $symbol:" \
            "$(grep -lw "$symbol" "$top"/lib/core/*.[ch] "$top/lib/lsn.c" || true)"
    done
    [ -z "$writable" ] || echo "  keeps state in" $writable
    exit 1
fi
echo "lib/core imports:" $(nm -u "$scratch/core" | awk '{print $2}')

#!/bin/sh
# Plants each bug of this folder in a copy of the workspace and expects the simulation to find it
# within 1,000 runs. Needs no network; the copy and its build stay in a temporary folder, or in
# WARDSUM_PLANTED_DIR, where the second time is quicker.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
workspace=$(cd "$here/../../../.." && pwd)
if [ -n "${WARDSUM_PLANTED_DIR:-}" ]; then
    copy=$WARDSUM_PLANTED_DIR
    mkdir -p "$copy"
else
    copy=$(mktemp -d)
    trap 'rm -rf "$copy"' EXIT
fi
CARGO_TARGET_DIR=$copy/target
export CARGO_TARGET_DIR
unset WARDSUM_SEED WARDSUM_FROM

missed=0
for patch in "$here"/*.patch; do
    name=$(basename "$patch" .patch)
    rm -rf "$copy/workspace"
    mkdir "$copy/workspace"
    # What git knows, as it stands in the working tree.
    (cd "$workspace" && git ls-files -z | xargs -0 tar -cf - 2>/dev/null) | tar -xf - -C "$copy/workspace"
    (cd "$copy/workspace" && patch --quiet -p1 < "$patch")
    cd "$copy/workspace"
    if ! cargo test --quiet -p wardsum-protocol --test simulation --no-run 2> "$copy/build.log"; then
        cat "$copy/build.log" >&2
        exit 2
    fi
    if WARDSUM_RUNS=1000 cargo test --quiet -p wardsum-protocol --test simulation -- \
        every_round_keeps_its_promises > "$copy/$name.log" 2>&1; then
        echo "$name: NOT FOUND in 1000 runs"
        missed=1
    else
        grep -h -e 'broken invariant' -e 'panic: ' -e 'replay with' "$copy/$name.log" |
            tail -2 | sed "s/^/$name: /"
    fi
done
exit "$missed"

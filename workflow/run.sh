#!/usr/bin/env bash
# run.sh COMMAND [ARGUMENT]...: runs Snakemake, shows what it says as it says it, and keeps its exit status. If it
# fails, the reason comes last: the last `embquant: error:` line, which Snakemake may have buried under its own report.
set -uo pipefail

output=$(mktemp) || exit
trap 'rm -f "$output"' EXIT

"$@" 2>&1 | tee "$output"
status=${PIPESTATUS[0]}
if ((status != 0)); then
    escape=$(printf '\033')
    sed -n "s/$escape\[[0-9;]*[A-Za-z]//g; s/.*embquant: error:/embquant: error:/p" "$output" | tail -n 1 >&2
fi
exit "$status"

#!/usr/bin/env bash
# run.sh COMMAND [ARGUMENT]...: runs Snakemake, shows what it says as it says it, and keeps its exit status. If it
# fails, the reason comes last: the last `embquant: error:` line, which Snakemake may have buried under its own report,
# or, where the mistake is one that only Snakemake sees, the last thing that Snakemake said.
set -uo pipefail

output=$(mktemp) || exit
trap 'rm -f "$output"' EXIT

# Of what Snakemake says of a job, its message and the count of steps are enough for the eye; of a run, nothing after
# the verdict.
calm() {
    awk '/^$/ { blank++; next }
        /^(Select jobs to execute|Execute [0-9]+ jobs|Finished jobid|\[[A-Z][a-z][a-z] .*[0-9]\]$)/ { blank = 0; next }
        /^(Complete log\(s\)|Elapsed time): / { next }
        { for (; blank > 0; blank--) print ""; print; fflush() }'
}

"$@" 2>&1 | tee "$output" | calm
status=${PIPESTATUS[0]}
if ((status != 0)); then
    escape=$(printf '\033')
    plain=$(sed "s/$escape\[[0-9;]*[A-Za-z]//g" "$output")
    sed -n '/^Complete log(s): /p' <<<"$plain" >&2
    reason=$(sed -n 's/.*embquant: error:/embquant: error:/p' <<<"$plain" | tail -n 1)
    if [[ -z $reason && $plain == *LockException* ]]; then
        holder=$(sed -n 's/.*embquant: another run/another run/p' <<<"$plain" | tail -n 1)
        reason="embquant: error: ${holder:-another run is at work in this folder}; wait for it to end, then run again"
    fi
    # With the disk full, not even a job's log can say so.
    if [[ -z $reason ]] && df --output=avail --block-size=1 . results .snakemake 2>/dev/null | grep -qx ' *0'; then
        reason="embquant: error: no space left on the device; make room and run again"
    fi
    [[ $* != *--configfile* ]] || study=" (${*##*--configfile })"
    echo "${reason:-embquant: error: snakemake: $(sed '/^[[:space:]]*$/d' <<<"$plain" | tail -n 1)${study:-}}" >&2
fi
exit "$status"

# What the scripts print, and what they stop with. Sourced by tools/dev.

jobs=$(nproc)
logs=build/log

say() { printf '%s\n' "$*"; }

# Says why on standard error, and ends with code 1.
stop() {
    printf '%s\n' "$*" >&2
    exit 1
}

# logged NAME COMMAND...: runs with its output in build/log/NAME.log, and shows the end of it on failure.
logged() {
    local log=$logs/$1.log
    shift
    mkdir -p "$logs"
    "$@" >"$log" 2>&1 </dev/null && return
    local code=$?
    tail -n 60 "$log" >&2
    say "tools/dev: '$*' failed; all of its output is in $log" >&2
    return "$code"
}

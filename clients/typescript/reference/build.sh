#!/bin/sh
# Makes the API reference from the doc comments, as static pages. Needs npm; the relay and its demo do not
# need it: where build/reference/ is there, `tools/dev build` embeds it, and `--demo` serves it at /docs/api/.
#
#     build.sh OUTDIR
set -eu

if [ $# -ne 1 ]; then
    echo "usage: $0 OUTDIR" >&2
    exit 2
fi
mkdir -p "$1"
out=$(cd "$1" && pwd)
cd "$(dirname "$0")"

if ! cmp -s package-lock.json node_modules/.installed-from; then
    npm ci --no-audit --no-fund
    cp package-lock.json node_modules/.installed-from
fi
set --
for entry in ../src/index.ts ../src/netgraph/index.ts ../src/simulate/index.ts; do
    if [ -e "$entry" ]; then set -- "$@" --entryPoints "$entry"; fi
done
node_modules/.bin/typedoc --options typedoc.json "$@" --out "$out"

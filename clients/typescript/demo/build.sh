#!/bin/sh
# Bundles the arena demo into a folder that the relay serves as it is. Needs Debian's esbuild (0.17
# or newer) and neither npm nor a network.
#
#     build.sh OUTDIR      writes index.html, arena.js, arena.css, favicon.svg
set -eu

if [ $# -ne 1 ]; then
    echo "usage: $0 OUTDIR" >&2
    exit 2
fi
if ! command -v esbuild >/dev/null; then
    echo "$0: esbuild is missing: apt-get install esbuild" >&2
    exit 1
fi

source=$(cd "$(dirname "$0")/arena" && pwd)
mkdir -p "$1"
out=$(cd "$1" && pwd)

esbuild "$source/main.ts" --bundle --minify --format=esm --target=es2022 \
    --legal-comments=none --log-level=warning --outfile="$out/arena.js"
esbuild "$source/arena.css" --minify --log-level=warning --outfile="$out/arena.css"
cp "$source/index.html" "$source/favicon.svg" "$out/"

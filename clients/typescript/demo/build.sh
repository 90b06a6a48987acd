#!/bin/sh
# Bundles the demo pages into a folder that the relay serves as it is. Needs Debian's esbuild (0.17 or
# newer) and neither npm nor a network.
#
#     build.sh OUTDIR      writes / (the arena), /examples/, /cursors/, /chat/, /ball/, /pair/, /shared/
set -eu

if [ $# -ne 1 ]; then
    echo "usage: $0 OUTDIR" >&2
    exit 2
fi
if ! command -v esbuild >/dev/null; then
    echo "$0: esbuild is missing: apt-get install esbuild" >&2
    exit 1
fi

demo=$(cd "$(dirname "$0")" && pwd)
sdk=$demo/../src
mkdir -p "$1"
out=$(cd "$1" && pwd)

# script SOURCE TARGET: one module with all that it imports.
script() {
    mkdir -p "$(dirname "$out/$2")"
    esbuild "$demo/$1" --bundle --minify --format=esm --target=es2022 --legal-comments=none --log-level=warning \
        "--alias:tickwire=$sdk/index.ts" --outfile="$out/$2"
}

# whole FILE: with the lines that all pages share in the place of `<!-- shared/NAME.part -->`.
whole() {
    awk -v demo="$demo" '
        /^ *<!-- shared\/[a-z]+\.part -->$/ { system("cat \"" demo "/" $2 "\""); next }
        { print; fflush() }' "$1"
}

# page FOLDER [TARGET]: what is served as it is, or nearly.
page() {
    target=$out/${2-$1}
    mkdir -p "$target"
    for file in "$demo/$1"/*; do
        case $file in
            *.html) whole "$file" >"$target/$(basename "$file")" ;;
            *.svg) cp "$file" "$target/" ;;
            *.css) esbuild "$file" --minify --log-level=warning --outfile="$target/$(basename "$file")" ;;
        esac
    done
}

page arena .
script arena/main.ts arena.js
page shared
page examples
page pair
script pair/pair.ts pair/pair.js
page ball
script ball/main.ts ball/ball.js
# These two show their own source.
for example in cursors chat; do
    page $example
    script $example/$example.ts $example/$example.js
    cp "$demo/$example/$example.ts" "$out/$example/$example.ts.txt"
done

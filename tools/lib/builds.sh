# The build folders, each with its own compiler and options. Sourced by tools/dev.

# What most tests run on. Measured under the sanitizers with GCC 12: -O1 and -g1 (lines, no variables) halve
# the time of -O2 -g, and the stack traces are the same.
tested="-Dtests=true -Dbuildtype=custom -Doptimization=1 -Ddebug=false -Dcpp_args=-g1"

declare -A build_options=(
    [release]="-Dbuildtype=release -Dlto=true -Dtests=false"
    [release-tests]="-Dbuildtype=release -Dlto=true -Dtests=true" # in the same folder
    [bench]="-Dbuildtype=release -Dlto=true -Dbench=true"
    [asan]="$tested -Db_sanitize=address,undefined"
    [tsan]="$tested -Db_sanitize=thread"
    [clang]="$tested"
    [fuzz]="-Dtests=true -Dbuildtype=custom -Doptimization=2 -Ddebug=false -Dcpp_args=-gline-tables-only
        -Db_sanitize=address,undefined -Db_lundef=false -Dfuzzers=true"
    [coverage]="$tested -Dcoverage=true"
    [traps]="$tested -Dheap_trap=true -Dbugs=true"
)

# What is built of them, where that is not everything.
declare -A build_targets=(
    [release]="tickwire"
    [bench]="all"
    [tsan]="tickwire tests/unit/uring/unit_uring"
    [fuzz]="tests/fuzz/canary_fuzz tests/fuzz/canary_replay"
    [coverage]="tests/simulation/simulator tests/unit/wire/unit_wire tests/unit/match/unit_match
        tests/unit/session/unit_session"
    [traps]="tickwire tests/simulation/simulator tests/unit/match/unit_match"
)

# A compiler cache, where the machine has one, makes a fresh clone of what was built before a matter of seconds.
export CCACHE_BASEDIR=$root CCACHE_NOHASHDIR=1
cached=$(command -v ccache || true)

folder_of() {
    say "build/${1%-tests}"
}

# The package sets (packages.sh) that a build needs.
packages_for_build() {
    case $1 in
        release) say build ;;
        bench) say build bench ;;
        clang | fuzz) say build test clang ;;
        coverage) say build test clang coverage ;;
        *) say build test ;;
    esac
}

# Configures build/NAME, or configures it anew where its options have changed.
set_up_build() {
    local name=$1 folder
    folder=$(folder_of "$1")
    local options=(${build_options[$name]})
    if [[ -d build/demo ]]; then options+=("-Ddemo=$root/build/demo"); fi
    local wanted="${options[*]}"
    local present
    present=$(cat "$folder/dev-options" 2>/dev/null || true)
    # The release with its tests serves whoever wants the release.
    if [[ $name == release ]]; then present=${present/-Dtests=true/-Dtests=false}; fi
    if [[ -e $folder/build.ninja && $present == "$wanted" ]]; then return; fi
    local how=()
    if [[ -e $folder/build.ninja ]]; then how=(--reconfigure); fi
    logged "setup-$name" set_up_meson "$name" "${how[@]}" "${options[@]}" "$folder" || return
    printf '%s\n' "$wanted" >"$folder/dev-options"
}

set_up_meson() {
    local name=$1
    shift
    case $name in
        clang | fuzz | coverage) CC="$cached clang-14" CXX="$cached clang++-14" meson setup "$@" ;;
        *) CC="$cached gcc" CXX="$cached g++" meson setup "$@" ;;
    esac
}

compile() {
    set_up_build "$1" && logged "compile-$1" ninja -j "$jobs" -C "$(folder_of "$1")" ${build_targets[$1]:-}
}

# The demo pages, as the relay embeds them, and at /docs/api/ the reference of `npm run reference`. Left alone where nothing changed, so that nothing is compiled.
bundle_demo() {
    if [[ ! -x clients/typescript/demo/build.sh ]]; then return; fi
    rm -rf build/demo.new
    mkdir -p build
    logged demo clients/typescript/demo/build.sh build/demo.new || return
    # The API reference, where somebody has made it: that needs npm, which a build does not.
    if [[ -d build/reference ]]; then
        mkdir -p build/demo.new/docs
        cp -r build/reference build/demo.new/docs/api
        sed -i '/href="\/docs\/api\/"/s/ hidden>/>/' build/demo.new/examples/index.html
    fi
    if ! diff -rq build/demo build/demo.new >/dev/null 2>&1; then
        rm -rf build/demo
        mv build/demo.new build/demo
    fi
    rm -rf build/demo.new
}

# The API reference for `bundle_demo` to take along. Needs npm, and is made only where somebody asks for it.
make_reference() {
    logged reference clients/typescript/reference/build.sh build/reference
}

build_relay() {
    bundle_demo
    set_up_build release
    # Ninja's own progress: the first build takes a minute, and silence looks like a hang.
    ninja -j "$jobs" -C build/release tickwire
}

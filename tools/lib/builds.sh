# The build folders, each with its own compiler and options. Sourced by tools/dev.

declare -A build_options=(
    [release]="-Dbuildtype=release -Dtests=false"
    [release-tests]="-Dbuildtype=release -Dtests=true"
    [asan]="-Dbuildtype=debugoptimized -Db_sanitize=address,undefined -Dtests=true -Dmimalloc=disabled"
    [tsan]="-Dbuildtype=debugoptimized -Db_sanitize=thread -Dtests=true -Dmimalloc=disabled"
    [clang]="-Dbuildtype=debugoptimized -Dtests=true"
    [heap-trap]="-Dbuildtype=debugoptimized -Dheap_trap=true -Dtests=true -Dmimalloc=disabled"
    [bugs]="-Dbuildtype=debugoptimized -Dbugs=true -Dtests=true"
)

# The package sets (packages.sh) that a build needs.
packages_for_build() {
    case $1 in
        release) say build ;;
        clang) say build test clang ;;
        *) say build test ;;
    esac
}

# Configures build/NAME, or configures it anew where its options have changed.
set_up_build() {
    local name=$1 folder=build/$1
    local options=(${build_options[$name]})
    if [[ -d build/demo ]]; then options+=("-Ddemo=$root/build/demo"); fi
    local wanted="${options[*]}"
    if [[ -e $folder/build.ninja && $(cat "$folder/dev-options" 2>/dev/null) == "$wanted" ]]; then return; fi
    local how=()
    if [[ -e $folder/build.ninja ]]; then how=(--reconfigure); fi
    logged "setup-$name" set_up_meson "$name" "${how[@]}" "${options[@]}" "$folder" || return
    printf '%s\n' "$wanted" >"$folder/dev-options"
}

set_up_meson() {
    local name=$1
    shift
    case $name in
        clang) CC=clang-14 CXX=clang++-14 meson setup "$@" ;;
        *) CC=gcc CXX=g++ meson setup "$@" ;;
    esac
}

compile() {
    set_up_build "$1" && logged "compile-$1" ninja -j "$jobs" -C "build/$1"
}

# The demo pages, as the relay embeds them. Left alone where nothing changed, so that nothing is compiled.
bundle_demo() {
    if [[ ! -x clients/typescript/demo/build.sh ]]; then return; fi
    rm -rf build/demo.new
    mkdir -p build
    logged demo clients/typescript/demo/build.sh build/demo.new || return
    if ! diff -rq build/demo build/demo.new >/dev/null 2>&1; then
        rm -rf build/demo
        mv build/demo.new build/demo
    fi
    rm -rf build/demo.new
}

build_relay() {
    bundle_demo
    set_up_build release
    # Ninja's own progress: the first build takes a minute, and silence looks like a hang.
    ninja -j "$jobs" -C build/release
}

# The test suites, as a list, and how a suite is run. Sourced by tools/dev.
#
# tier     everyday: `tools/dev test`. all: only `tools/dev test --all`, which runs the everyday ones too.
#          hand: only by name.
# kind     meson: the test programs of a build folder; arguments choose among meson's suites.
#          node: files of node:test. script: a program that ends with 0, or 77 for skipped, or has failed.
# needs    builds (builds.sh), package sets (packages.sh), npm, or peers (npm.sh), or reference (that the relay serves its own). The first build is the one under test:
#          its relay is TICKWIRE_BIN, its folder TICKWIRE_BUILD.
# What a suite does not find (a file of a later change) is reported as skipped, never passed over.
suites=(
    # tier    | name            | kind   | needs                          | what
    'everyday | units           | meson  | asan                           | --without release bugs cross'
    'everyday | layers          | script | asan                           | tests/layers/run build/asan'
    'everyday | scripts         | script | build                          | tests/tools/run'
    'everyday | sdk-types       | script | npm                            | tools/lib/check_types'
    'everyday | sdk             | node   | npm                            | clients/typescript/test/*.test.ts'
    'everyday | integration     | node   | asan npm promtool              | tests/integration/*.test.ts'
    'everyday | conformance     | node   | asan npm                       | tests/conformance/*.test.ts'
    'everyday | native-client   | script | bench                          | tests/native/run build/bench'
    'everyday | instructions    | script | bench valgrind                 | bench/guard/run build/bench'
    'everyday | bench-relay     | script | bench peers                    | bench/relay/run build/bench --smoke'
    'everyday | chromium        | node   | release npm chromium           | tests/browser/*.test.ts'

    'all      | format          | script | style                          | tools/dev fmt --check'
    'all      | release-units   | meson  | release-tests                  | --without bugs cross'
    'all      | release-relay   | node   | release npm promtool           | tests/integration/*.test.ts'
    'all      | tls             | script | release scanners               | tests/tls/run build/release'
    'all      | scale           | script | release strace                 | tests/scale/run build/release'
    'all      | soak            | script | release storms                 | tests/storms/run build/release --quick soak'
    'all      | slow-peers      | script | release storms                 | tests/storms/run build/release --quick non_reader dead_network malformed_frames newcomer_share'
    'hand     | storms-short    | script | release storms                 | tests/storms/run build/release --quick'
    'hand     | storms          | script | release storms                 | tests/storms/run build/release'
    'all      | clang-units     | meson  | clang                          | --without release bugs cross simulation'
    'all      | thread-units    | meson  | tsan                           | --only threads'
    'all      | thread-relay    | node   | tsan npm promtool              | tests/integration/*.test.ts'
    'all      | heap-trap       | meson  | traps                          | --only simulation match'
    'all      | heap-trap-relay | node   | traps npm promtool             | tests/integration/*.test.ts'
    'all      | heap-trap-load  | script | traps                          | tests/scale/run build/traps data_path_heap'
    'all      | bug-hunt        | meson  | traps                          | --only bugs'
    'all      | fuzz-canary     | meson  | fuzz                           | --only fuzzer'
    'all      | coverage        | script | coverage                       | tests/coverage/run build/coverage'
    'all      | tidy            | script | clang style                    | tools/dev tidy'
    'all      | cross           | meson  | release-tests cross            | --only cross'
    'all      | kernel          | script | release-tests kernel           | tests/kernel/run build/release'
    'all      | chromium-slow   | node   | release npm chromium display   | tests/browser/slow/*.test.ts'
    'all      | container       | script | release container              | tests/container/run build/release'
    'all      | proxies         | node   | release npm chromium proxies   | tests/browser/proxies/*.test.ts'
    'all      | systemd         | script | release package nspawn         | tests/systemd/run build/release'
    'all      | firefox         | node   | release npm firefox            | tests/browser/firefox/*.test.ts'
    'all      | sdk-relay       | node   | release npm                    | clients/typescript/test/relay/*.test.ts'
    'all      | sdk-package     | node   | release npm reference          | clients/typescript/test/package/*.test.ts'
)

results=build/results

# read_suite LINE: sets tier, name, kind, needs and what.
read_suite() {
    IFS='|' read -r tier name kind needs what <<<"$1"
    read -r tier <<<"$tier"
    read -r name <<<"$name"
    read -r kind <<<"$kind"
    read -r needs <<<"$needs"
    read -r what <<<"$what"
}

list_suites() {
    local line tier name kind needs what
    for line in "${suites[@]}"; do
        read_suite "$line"
        printf '%-9s %-16s %s\n' "$tier" "$name" "$what"
    done
}

run_tests() {
    local chosen=() line
    choose_suites "$@"
    # Tests that watch something for a while watch it longer.
    if [[ " $* " == *' --all '* ]]; then export TICKWIRE_ALL=1; fi
    rm -rf "$results"
    mkdir -p "$results"
    need_packages_of_suites "${chosen[@]}"
    if [[ " ${chosen[*]} " == *' reference '* ]]; then make_reference || true; fi # the suite says what it lacks
    bundle_demo
    for line in "${chosen[@]}"; do run_suite "$line"; done
    python3 tools/lib/totals.py "$results"
}

# Fills `chosen` of the caller from the arguments of `tools/dev test`.
choose_suites() {
    local line tier name kind needs what
    for line in "${suites[@]}"; do
        read_suite "$line"
        case " ${*:-everyday} " in
            *' --all '*) if [[ $tier != hand ]]; then chosen+=("$line"); fi ;;
            *" $tier "* | *" $name "*) chosen+=("$line") ;;
        esac
    done
    if [[ ${#chosen[@]} -eq 0 ]]; then stop "tools/dev test: no suite '$*'; tools/dev suites lists them"; fi
}

# One installation for all of them, before anything is built.
need_packages_of_suites() {
    local line need tier name kind needs what jobs_needed=(build)
    for line in "$@"; do
        read_suite "$line"
        for need in $needs; do
            if [[ -n ${build_options[$need]:-} ]]; then
                jobs_needed+=($(packages_for_build "$need"))
            elif [[ $need == npm || $need == peers || $need == reference ]]; then
                need_npm
            else
                jobs_needed+=("$need")
            fi
        done
    done
    need_packages "${jobs_needed[@]}"
}

declare -A prepared=()

# prepare NEED: a build or the npm packages, once. What failed stays failed.
prepare() {
    local need=$1 begin=$SECONDS
    if [[ -z ${prepared[$need]:-} ]]; then
        prepared[$need]=failed
        if [[ -n ${build_options[$need]:-} ]]; then
            printf '  build %s: ' "$need" # minutes, the first time: say so before
            compile "$need" && prepared[$need]=done
            say "$((SECONDS - begin)) s"
        elif [[ $need == npm || $need == peers ]]; then
            printf '  %s packages: ' "$need"
            install_node_modules "${node_folders[$need]}" && prepared[$need]=done
            say "$((SECONDS - begin)) s"
        else
            prepared[$need]=done # its packages were installed before the first suite
        fi
    fi
    [[ ${prepared[$need]} == done ]]
}

# Runs one suite; what came of it is in build/results, and the totals judge it.
run_suite() {
    local tier name kind needs what need build=''
    read_suite "$1"
    for need in $needs; do
        if ! prepare "$need"; then
            report "$name" failed "could not prepare '$need'"
            return
        fi
        if [[ -z $build && -n ${build_options[$need]:-} ]]; then build=$need; fi
    done
    export TICKWIRE_BUILD=$root/$(folder_of "$build")
    export TICKWIRE_BIN=$TICKWIRE_BUILD/tickwire
    "run_${kind}_suite" "$name" "$build" "$what" || report "$name" failed "the test runner itself failed"
}

# report SUITE failed|skipped REASON
report() {
    python3 tools/lib/run_suite.py report "$results" "$@"
}

run_meson_suite() {
    local name=$1 build=$2 arguments=$3
    # GCC 12's thread sanitizer cannot place its shadow on kernels that randomise addresses more than it knows.
    local around=()
    if [[ $build == tsan ]] && setarch "$(uname -m)" -R true 2>/dev/null; then
        around=(setarch "$(uname -m)" -R)
    fi
    "${around[@]}" python3 tools/lib/run_suite.py meson "$results" "$name" "$(folder_of "$build")" $arguments
}

run_node_suite() {
    local name=$1 pattern=$3 files
    files=$(compgen -G "$pattern") || {
        report "$name" skipped "there is no $pattern yet"
        return
    }
    # One file at a time: they start servers and browsers, and 2 cores are soon taken.
    python3 tools/lib/run_suite.py node "$results" "$name" "$node" --test --test-concurrency=1 $files
}

run_script_suite() {
    local name=$1 command=($3)
    if [[ ! -x ${command[0]} ]]; then
        report "$name" skipped "there is no ${command[0]} yet"
        return
    fi
    python3 tools/lib/run_suite.py script "$results" "$name" "${command[@]}"
}

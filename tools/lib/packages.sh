# The Debian packages of each job, and their installation. Sourced by tools/dev.
#
# What is there is asked of dpkg each time (some 20 ms), so a second run needs neither the network nor root.

declare -A packages=(
    # `run` and `build`: a compiler, the libraries, and the bundler of the demo.
    [build]="g++ meson ninja-build pkg-config python3 liburing-dev libssl-dev libsimdjson-dev
        libtomlplusplus-dev libcli11-dev libexpected-dev libspdlog-dev libfmt-dev
        libsystemd-dev prometheus-cpp-dev openssl esbuild"
    [test]="libgtest-dev libgmock-dev libbenchmark-dev"
    [bench]="libboost-dev libwebsockets-dev"
    [clang]="clang-14 libclang-rt-14-dev"
    [style]="git clang-format-14 clang-tidy-14"
    [chromium]="chromium"
    [display]="xvfb openbox"
    [firefox]="firefox-esr"
    [proxies]="nginx-light haproxy"
    [container]="debootstrap python3-seccomp strace openssl procps"
    [strace]="strace"
    [valgrind]="valgrind"
    [storms]="slowhttptest iproute2 openssl"
    [coverage]="llvm-14"
    [scanners]="testssl.sh sslscan openssl"
    [promtool]="prometheus"
    [package]="debhelper lintian fakeroot"
    [nspawn]="systemd-container debootstrap"
    [cross]="g++-aarch64-linux-gnu qemu-user-static"
    [kernel]="qemu-system-x86 busybox-static cpio openssl"
    [npm]="nodejs npm"
)

list_packages() {
    local job
    for job in $(printf '%s\n' "${!packages[@]}" | sort); do
        say "$job:" ${packages[$job]}
    done
}

missing_packages() {
    comm -23 <(printf '%s\n' "$@" | sort -u) \
        <(dpkg-query -W -f='${db:Status-Status} ${Package}\n' "$@" 2>/dev/null |
            sed -n 's/^installed //p' | sort -u)
}

# need_packages JOB...: after it the packages of these jobs are installed. Without root it names those that
# are missing and stops.
need_packages() {
    local job names=()
    for job in "$@"; do names+=(${packages[$job]}); done
    if ! command -v dpkg-query >/dev/null; then
        say "tools/dev: no dpkg here, so it is taken on trust that these, or what they are called on" \
            "this system, are installed: ${names[*]}" >&2
        return
    fi
    local missing
    missing=$(missing_packages "${names[@]}")
    if [[ -z $missing ]]; then return; fi
    if [[ $(id -u) -ne 0 ]]; then
        stop "tools/dev: these packages are missing, and only root can install them:" $missing
    fi
    say "installing" $missing
    logged apt install_packages $missing || stop "tools/dev: could not install:" $missing
}

install_packages() {
    export DEBIAN_FRONTEND=noninteractive
    # A machine may come without package lists, or with lists older than what the archive still keeps.
    if ! compgen -G '/var/lib/apt/lists/*_Packages*' >/dev/null; then apt-get update; fi
    apt_install "$@" || { apt-get update && apt_install "$@"; }
}

apt_install() {
    apt-get -o DPkg::Lock::Timeout=600 install --yes --no-install-recommends "$@"
}

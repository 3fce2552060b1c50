# shellcheck shell=bash
# What the scripts of this repository share. Sourced from the repository's top.

# A failure inside $(...) is a failure.
shopt -s inherit_errexit

# Prints an error and ends the script.
fail() {
    echo "$0: $*" >&2
    exit 1
}

# Installs those of the Debian packages $@ that are missing. Asks the network only when one is.
install_packages() {
    local missing=() package as_root=()
    command -v dpkg-query >/dev/null || fail "not a Debian system; the equivalents of these are needed: $*"
    for package in "$@"; do
        if [[ $(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) != installed ]]; then
            missing+=("$package")
        fi
    done
    ((${#missing[@]})) || return 0

    if ((EUID != 0)); then
        command -v sudo >/dev/null || fail "missing packages, and neither root nor sudo to install them: ${missing[*]}"
        as_root=(sudo)
    fi
    echo "Installing ${missing[*]}" >&2
    "${as_root[@]}" apt-get -qq update </dev/null
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get -qq install --yes --no-install-recommends "${missing[@]}" </dev/null >/dev/null
}

# What a build of the daemon needs, besides Swift.
install_build_dependencies() {
    command -v swift >/dev/null || fail "Swift 6.3 is needed: https://www.swift.org/install/linux"
    install_packages binutils gcc libsystemd-dev zlib1g-dev
}

# Builds the daemon as it is shipped, and prints the path of its binary. ENVD_BINARY is one that is built already.
build_envd() {
    if [[ -n ${ENVD_BINARY-} ]]; then
        echo "$ENVD_BINARY"
        return
    fi
    local commit
    commit=$(git rev-parse HEAD 2>/dev/null | cut -c 1-7 || true)
    # The C++ library that Swift's runtime needs goes into the binary too: a megabyte less in memory, and less to load.
    mkdir -p .build/static-libraries
    ln -sf "$(gcc -print-file-name=libstdc++.a)" .build/static-libraries/
    ENVD_COMMIT=$commit \
        swift build -c release --static-swift-stdlib --product envd -Xlinker "-L$PWD/.build/static-libraries" >&2
    mkdir -p .build/dist
    strip -o .build/dist/envd .build/release/envd
    echo "$PWD/.build/dist/envd"
}

# Makes a Python environment in the directory $1 with the packages $2..., unless it is there.
python_environment() {
    local directory=$1 wanted
    shift
    wanted=$*
    if [[ $(cat "$directory/wanted" 2>/dev/null) != "$wanted" ]]; then
        rm -rf "$directory"
        python3 -m venv "$directory"
        "$directory/bin/pip" install --quiet --disable-pip-version-check "$@" </dev/null
        echo "$wanted" >"$directory/wanted"
    fi
}

# The environment of the end-to-end tests, in .venv.
test_environment() {
    local requirements
    install_packages python3-venv
    mapfile -t requirements <Tests/EndToEnd/requirements.txt
    python_environment .venv "${requirements[@]}"
}

#!/usr/bin/env bash
# Runs the tests that need a running systemd: in a container, which is made where there is none yet.
#
#   Tests/System/run.sh ENVD [argument of pytest ...]
#
# ENVD is the daemon to test.
set -euo pipefail
began_in=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source packaging/functions.sh

(($# > 0)) || fail "which daemon?"
((EUID == 0)) || fail "the system tests need root: they boot a container"
envd=$(cd "$began_in" && realpath --canonicalize-existing -- "$1")
shift
install_packages debootstrap procps systemd-container util-linux
test_environment

# Debian with no more than systemd. It is not changed by the tests.
root=$PWD/.build/system-root
if [[ ! -e $root/complete ]]; then
    rm -rf "$root"
    mkdir -p "$root"
    debootstrap --variant=minbase --include=dbus,libsystemd0,systemd,systemd-sysv,zlib1g bookworm "$root" \
        http://deb.debian.org/debian </dev/null >&2
    chroot "$root" useradd --create-home --shell /bin/bash user
    touch "$root/complete"
fi

ENVD_BINARY=$envd ENVD_SYSTEM_ROOT=$root .venv/bin/pytest Tests/System "$@"

#!/usr/bin/env bash
# Builds the daemon and the benchmarks, and runs them.
#
#   Tests/Benchmarks/run.sh [--check] [--rounds N] [PART ...]
#
# ENVD_BINARY is a daemon to measure instead of building one.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source packaging/functions.sh

install_build_dependencies
options=()
while (($#)); do
    case $1 in
        --rounds)
            (($# > 1)) || fail "--rounds needs a number"
            options+=("$1" "$2")
            shift
            ;;
        -*) options+=("$1") ;;
        *) break ;;
    esac
    shift
done
envd=$(build_envd)
for product in echo-servers envd-benchmarks; do
    swift build -c release --static-swift-stdlib --product "$product" >&2
done
exec .build/release/envd-benchmarks "${options[@]}" "$envd" "$@"

#!/usr/bin/env bash
# Fuzzes what takes a client's bytes with libFuzzer, and adds to the corpus what it finds.
#
#   Tests/Fuzzing/run.sh [TARGET|all] [SECONDS]
#
# TARGET is one of envelopes, json, web-text, headers, multipart, init, archive, patterns; each runs for SECONDS
# (default 600). An input that breaks a promise is left in .build-fuzz/TARGET/crash-*: add it to the corpus with the
# repair.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source packaging/functions.sh

# Bytes of one input; what takes more makes no difference to these parsers.
most=512
targets=(envelopes json web-text headers multipart init archive patterns)
case ${1-all} in
    all) ;;
    envelopes | json | web-text | headers | multipart | init | archive | patterns) targets=("$1") ;;
    *)
        sed -n '2,/^set/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
        exit 2
        ;;
esac
seconds=${2-600}

install_build_dependencies
# A trap is for libFuzzer to report, with the input that led to it.
export SWIFT_BACKTRACE=enable=no
# Optimised, but with the checks that the daemon has; the fuzzer sees the branches of everything but C.
ENVD_FUZZER=1 swift build -c release --scratch-path .build-fuzz --product envd-fuzzer \
    -Xswiftc -sanitize=fuzzer -Xswiftc -enable-testing >&2

for target in "${targets[@]}"; do
    found=.build-fuzz/$target
    corpus=Tests/Fuzzing/Corpus/$target
    mkdir -p "$found/corpus" "$corpus"
    echo "== $target: $seconds s"
    FUZZ_TARGET=$target .build-fuzz/release/envd-fuzzer -max_total_time="$seconds" -max_len="$most" -timeout=10 \
        -rss_limit_mb=2048 -print_final_stats=1 -artifact_prefix="$found/" "$found/corpus" "$corpus"
    rm -rf "$found/merged"
    mkdir "$found/merged"
    FUZZ_TARGET=$target .build-fuzz/release/envd-fuzzer -merge=1 -max_len="$most" "$found/merged" "$corpus" \
        "$found/corpus"
    rm -rf "$corpus"
    mv "$found/merged" "$corpus"
done

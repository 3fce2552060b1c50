#!/usr/bin/env bash
# Builds and runs the tests. Without options: all parts but the benchmarks.
#
#   Tests/run.sh [--unit] [--e2e] [--conformance] [--system] [--bench] [-k EXPRESSION]
#
#   --unit          the Swift tests (debug build)
#   --e2e           the end-to-end tests: real SDKs and raw sockets against the daemon (release build)
#   --conformance   the protocols of Connect, gRPC and gRPC-Web, as their conformance suite has them (debug build)
#   --system        the tests with a running systemd, in a container (release build)
#   --bench         the benchmarks
#   -k EXPRESSION   of the chosen parts, the tests that match, as pytest understands it; of the Swift tests, those whose
#                   names match a regular expression. Alone: of the end-to-end tests. Benchmarks cannot be chosen so.
#
# --e2e and --system need root; --e2e makes an account `user` where there is none, and leaves it. ENVD_BINARY is a daemon
# to test instead of building one. Ends with a line "N passed, N failed"; fails if a part fails or runs no test.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source packaging/functions.sh

parts=()
expression=
while (($#)); do
    case $1 in
        --unit | --e2e | --conformance | --system | --bench) parts+=("${1#--}") ;;
        -k)
            [[ -n ${2-} ]] || fail "-k needs an expression"
            [[ -z $expression ]] || fail "more than one -k: write one expression, as in -k 'one or other'"
            expression=$2
            shift
            ;;
        *)
            sed -n '2,/^set/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
            exit 2
            ;;
    esac
    shift
done
if ((${#parts[@]} == 0)); then
    if [[ -n $expression ]]; then parts=(e2e); else parts=(unit e2e conformance system); fi
fi
if [[ -n $expression && " ${parts[*]} " == *" bench "* ]]; then fail "-k chooses tests, not benchmarks"; fi
# What chooses tests, as each part's program is told.
pytest_options=(${expression:+-k "$expression"})
swift_options=(${expression:+--filter "$expression"})

results=$PWD/.build/test-results
rm -rf "$results"
mkdir -p "$results"
install_packages python3

# Each part leaves its results in $results as JUnit's XML.

unit() {
    install_build_dependencies
    install_packages git
    # All at once, those that wait for an event would keep the others from their turns, and miss deadlines.
    swift test --disable-xctest --experimental-maximum-parallelization-width 8 --xunit-output "$results/unit.xml" \
        "${swift_options[@]}"
}

e2e() {
    ((EUID == 0)) || fail "the end-to-end tests need root: they run commands as more than one user"
    local envd
    install_build_dependencies
    install_packages ca-certificates curl git iproute2 ncurses-bin procps util-linux vim-tiny
    test_environment
    python_environment .build/venv-1.11.1 e2b==1.11.1
    python_environment .build/venv-2.31.0 e2b==2.31.0
    id user >/dev/null 2>&1 || useradd --create-home --shell /bin/bash user
    envd=$(build_envd)
    ENVD_BINARY=$envd \
        ENVD_TEST_PYTHON_1_11_1=$PWD/.build/venv-1.11.1/bin/python \
        ENVD_TEST_PYTHON_2_31_0=$PWD/.build/venv-2.31.0/bin/python \
        .venv/bin/pytest Tests/EndToEnd --junit-xml="$results/e2e.xml" "${pytest_options[@]}"
}

conformance() {
    local requirements
    install_build_dependencies
    install_packages python3-venv
    mapfile -t requirements <Tests/Conformance/requirements.txt
    python_environment .build/venv-conformance "${requirements[@]}"
    swift build --product connect-conformance-server
    if [[ -z ${ENVD_BINARY-} ]]; then swift build --product envd; fi
    ENVD_BINARY=${ENVD_BINARY-$PWD/.build/debug/envd} \
        .build/venv-conformance/bin/pytest Tests/Conformance --junit-xml="$results/conformance.xml" "${pytest_options[@]}"
}

system() {
    local envd
    install_build_dependencies
    envd=$(build_envd)
    Tests/System/run.sh "$envd" --junit-xml="$results/system.xml" "${pytest_options[@]}"
}

bench() {
    Tests/Benchmarks/run.sh
}

run_part() {
    case $1 in
        unit) unit ;;
        e2e) e2e ;;
        conformance) conformance ;;
        system) system ;;
        bench) bench ;;
    esac
}

# Prints how many tests of the part $1 passed, failed and were skipped.
count() {
    python3 - "$results/$1.xml" <<'END'
import pathlib, sys
import xml.etree.ElementTree as xml

file = pathlib.Path(sys.argv[1])
passed = failed = skipped = 0
for case in xml.parse(file).iter("testcase") if file.exists() else ():
    outcomes = {child.tag for child in case}
    if outcomes & {"failure", "error"}:
        failed += 1
    elif "skipped" in outcomes:
        skipped += 1
    else:
        passed += 1
print(passed, failed, skipped)
END
}

all_passed=0
all_failed=0
failed_parts=()
for part in "${parts[@]}"; do
    echo "== $part"
    began=$SECONDS
    # In a shell of its own, with its own `set -e`: called as a condition, a function would go on after a failure.
    set +e
    (set -e && run_part "$part")
    status=$?
    set -e
    echo "== $part: exit code $status after $((SECONDS - began)) s"
    if [[ $part != bench ]]; then
        counts=$(count "$part") || counts='0 0 0'
        read -r passed failed skipped <<<"$counts"
        echo "== $part: $passed passed, $failed failed, $skipped skipped"
        all_passed=$((all_passed + passed))
        all_failed=$((all_failed + failed))
        if ((passed + failed == 0)); then
            echo "== $part: no test ran"
            status=1
        fi
        # Whatever the program's exit code says.
        ((failed == 0)) || status=1
    fi
    ((status == 0)) || failed_parts+=("$part")
done

status=0
if ((${#failed_parts[@]})); then
    echo "Failed: ${failed_parts[*]}"
    # A part that failed before or besides its tests counts as a failure too.
    ((all_failed > 0)) || all_failed=${#failed_parts[@]}
    status=1
fi
echo "$all_passed passed, $all_failed failed"
exit "$status"

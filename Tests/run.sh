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
#   -k EXPRESSION   of the end-to-end tests, those that match, as pytest understands it; implies --e2e
#
# ENVD_BINARY is a daemon to test instead of building one. Ends with a line "N passed, N failed"; fails if a part fails
# or runs no test.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source packaging/functions.sh

parts=()
pytest_options=()
while (($#)); do
    case $1 in
        --unit | --e2e | --conformance | --system | --bench) parts+=("${1#--}") ;;
        -k)
            (($# > 1)) || fail "-k needs an expression"
            pytest_options+=(-k "$2")
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
    if ((${#pytest_options[@]})); then parts=(e2e); else parts=(unit e2e conformance system); fi
fi

results=$PWD/.build/test-results
rm -rf "$results"
mkdir -p "$results"
install_packages python3

# Each part leaves its results in $results as JUnit's XML.

unit() {
    install_build_dependencies
    install_packages git
    # All at once, those that wait for an event would keep the others from their turns, and miss deadlines.
    swift test --disable-xctest --experimental-maximum-parallelization-width 8 --xunit-output "$results/unit.xml"
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
        .build/venv-conformance/bin/pytest Tests/Conformance --junit-xml="$results/conformance.xml"
}

system() {
    local envd
    install_build_dependencies
    test_environment
    envd=$(build_envd)
    Tests/System/run.sh "$envd" --junit-xml="$results/system.xml"
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

# Prints how many tests passed and failed, in "$results".
count() {
    python3 - "$results" <<'END'
import pathlib, sys
import xml.etree.ElementTree as xml

passed = failed = 0
for file in pathlib.Path(sys.argv[1]).glob("*.xml"):
    for case in xml.parse(file).iter("testcase"):
        outcomes = {child.tag for child in case}
        if outcomes & {"failure", "error"}:
            failed += 1
        elif "skipped" not in outcomes:
            passed += 1
print(passed, failed)
END
}

failed_parts=()
for part in "${parts[@]}"; do
    echo "== $part"
    began=$SECONDS
    # In a shell of its own, with its own `set -e`: called as a condition, a function would go on after a failure.
    set +e
    (set -e && run_part "$part")
    status=$?
    set -e
    ((status == 0)) || failed_parts+=("$part")
    echo "== $part: exit code $status after $((SECONDS - began)) s"
done

read -r passed failed < <(count)
if ((${#failed_parts[@]})); then
    echo "Failed: ${failed_parts[*]}"
    # A part that failed before or besides its tests counts as a failure too.
    ((failed > 0)) || failed=${#failed_parts[@]}
fi
status=0
((failed == 0)) || status=1
if ((passed + failed == 0)) && [[ ${parts[*]} != bench ]]; then
    echo "No test ran."
    status=1
fi
echo "$passed passed, $failed failed"
exit "$status"

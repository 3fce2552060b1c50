#!/usr/bin/env bash
# Builds the daemon, starts it on 127.0.0.1:49983, shows that it works, and stays with it.
#
#   packaging/run.sh [flag of envd ...]
#
# ENVD_PORT is another port, or 0 for a free one. The script ends with the daemon and with its exit code, and passes
# SIGINT and SIGTERM on to it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source packaging/functions.sh

install_build_dependencies
install_packages curl
envd=$(build_envd)

# The daemon's stderr comes through a named pipe, so that the line with its address is seen, and passed on.
scratch=$(mktemp -d)
daemon=
trap 'kill ${daemon:+"$daemon"} 2>/dev/null || true; rm -rf "$scratch"' EXIT
mkfifo "$scratch/stderr"
"$envd" --listen 127.0.0.1 --port "${ENVD_PORT:-49983}" --isnotfc "$@" 2>"$scratch/stderr" &
daemon=$!
trap 'kill -TERM "$daemon" 2>/dev/null || true' INT TERM

address=
exec {stderr}<"$scratch/stderr"
while [[ -z $address ]] && IFS= read -r line <&"$stderr"; do
    echo "$line" >&2
    if [[ $line =~ listening\ on\ ([0-9.]+:[0-9]+) ]]; then
        address=${BASH_REMATCH[1]}
    fi
done
cat <&"$stderr" >&2 &

# Prints what the command line $1 prints in the sandbox.
#
# A message of a Connect stream is a byte of flags, four of length, and JSON; output in JSON is Base64.
demonstrate() {
    local message length chunk
    message='{"process":{"cmd":"/bin/bash","args":["-l","-c","'$1'"]},"stdin":false}'
    printf -v length '\\x%02x' 0 0 0 0 "${#message}"
    printf '%b%s' "$length" "$message" |
        curl --silent --show-error --fail "http://$address/process.Process/Start" \
            --header 'Content-Type: application/connect+json' --data-binary @- |
        grep --text --only-matching '"stdout":"[^"]*"' | cut --delimiter='"' --fields=4 |
        while IFS= read -r chunk; do base64 --decode <<<"$chunk"; done
}

if [[ -n $address ]]; then
    curl --silent --show-error --fail "http://$address/health" >&2
    echo
    echo '$ echo hello; id -un; pwd'
    demonstrate 'echo hello; id -un; pwd'
    echo
    echo "envd serves http://$address until Ctrl-C. To reach it from Python, after 'pip install e2b':"
    echo
    echo "    E2B_DEBUG=true E2B_SANDBOX_URL=http://$address python3"
    echo '    >>> from e2b import Sandbox'
    echo '    >>> Sandbox.create().commands.run("uname -a").stdout'
fi

# `wait` returns early when a signal arrives; the second one has the daemon's own status.
wait "$daemon" || true
status=0
wait "$daemon" || status=$?
exit "$status"

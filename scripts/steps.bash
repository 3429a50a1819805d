# Functions that the scripts in this folder share. To be sourced, after set -euo pipefail.
#
# Sets root (the repository), target (cargo's target folder), work (a temporary folder, removed at the end) and an environment without an
# AWS account.

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
mkdir -p -- "$target"
target=$(cd -- "$target" && pwd)
work=$(mktemp -d)
running=() # processes to stop at the end
program=${0##*/}

cleanup() {
    local code=$? pid
    trap - EXIT
    for pid in ${running[@]+"${running[@]}"}; do
        kill "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    rm -rf -- "$work"
    exit "$code"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

for variable in $(compgen -e AWS_ || true); do unset "$variable"; done
export AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null

indent() {
    local line
    while IFS= read -r line; do printf '    %s\n' "$line"; done
}

# fail MESSAGE [LOG]
fail() {
    echo "$program: FAILED: $1" >&2
    [[ $# -lt 2 || ! -s $2 ]] || { echo "$program: last lines of the log:" >&2 && tail -n 20 -- "$2" | indent >&2; }
    exit 1
}

# skip_if_unreachable REGISTRY LOG: exits with 0 if the log shows that there is no network
skip_if_unreachable() {
    local signs='ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ERR_SOCKET_TIMEOUT'
    signs+='|NewConnectionError|NameResolutionError|ConnectTimeoutError|ReadTimeoutError|ProtocolError'
    grep -qE "$signs" -- "$2" || return 0
    echo "$program: SKIPPED: $1 cannot be reached"
    exit 0
}

# install_python_packages FOLDER PACKAGE…: installs the newest of them from PyPI in a virtual environment; sets venv to it
install_python_packages() {
    command -v python3 >/dev/null || fail "python3 is not installed"
    venv=$1
    shift
    echo "Installing $* ..."
    python3 -m venv "$venv" >"$work/venv.log" 2>&1 || fail "python3 -m venv (on Debian: apt-get install python3-venv)" "$work/venv.log"
    if ! "$venv/bin/python" -m pip install --quiet --upgrade --upgrade-strategy eager "$@" >"$work/pip.log" 2>&1; then
        skip_if_unreachable PyPI "$work/pip.log"
        fail "pip install $*" "$work/pip.log"
    fi
}

# install_aws_clients: installs the newest AWS CLI and boto3
install_aws_clients() {
    install_python_packages "$target/aws_clients" awscli boto3
}

milliseconds() {
    local now=${EPOCHREALTIME:-$(date +%s).000000} # bash before 5 has whole seconds only
    now=${now//[!0-9]/}
    echo $((now / 1000))
}

# build: builds the programs and puts them on PATH
build() {
    local start
    echo "Building (release) ..."
    start=$(milliseconds)
    (cd -- "$root" && cargo build --quiet --release --locked --target-dir "$target") || fail "the build"
    build_took=$(($(milliseconds) - start))
    export PATH=$target/release:$PATH
}

# use_programs: takes the programs from the folder $PROGRAMS, or builds them
use_programs() {
    if [[ -n ${PROGRAMS:-} ]]; then PATH=$(cd -- "$PROGRAMS" && pwd):$PATH; else build; fi
}

# step COMMAND…: prints the command (or $label), runs it, prints its last line, and sets took to its milliseconds
step() {
    echo "\$ ${label:-$*}"
    local start code=0
    start=$(milliseconds)
    "$@" >"$work/step.log" 2>&1 || code=$?
    took=$(($(milliseconds) - start))
    [[ $code -eq 0 ]] || fail "'$*' exited with $code" "$work/step.log"
    tail -n 1 -- "$work/step.log" | indent
}

# count TABLE: prints the number of its items, counted by reading them
count() {
    local line items
    line=$(create_tables --status --count "$1" 2>"$work/count.log" | tail -n 1) || fail "counting $1" "$work/count.log"
    read -r _ _ _ items _ <<<"$line"
    [[ $items =~ ^[0-9]+$ ]] || fail "counting $1: $line"
    echo "$items"
}

# expect TABLE ITEMS: fails unless the table has so many items; sets items to their number
expect() {
    items=$(count "$1")
    [[ $items -eq $2 ]] || fail "$1 has $items items, not $2"
}

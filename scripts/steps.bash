# What the scripts in this folder share; for `source`. The caller has set -euo pipefail.
#
# Sets root (the repository), work (a temporary folder, removed at the end) and an environment that leads to no AWS account.

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
mkdir -p -- "$target"
target=$(cd -- "$target" && pwd)
work=$(mktemp -d)
running=() # processes to end, whatever happens
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
    [[ $# -lt 2 || ! -s $2 ]] || { echo "$program: its last lines:" >&2 && tail -n 20 -- "$2" | indent >&2; }
    exit 1
}

# skip_if_unreachable REGISTRY LOG: ends the script, without failing, if the last command failed for want of a network
skip_if_unreachable() {
    local signs='ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ERR_SOCKET_TIMEOUT'
    signs+='|NewConnectionError|NameResolutionError|ConnectTimeoutError|ReadTimeoutError|ProtocolError'
    grep -qE "$signs" -- "$2" || return 0
    echo "$program: SKIPPED: $1 cannot be reached"
    exit 0
}

# install_aws_clients: the newest AWS CLI and boto3 from PyPI, in the virtual environment $venv
install_aws_clients() {
    command -v python3 >/dev/null || fail "python3 is not installed"
    venv=$target/aws_clients
    echo "Installing the AWS CLI and boto3 ..."
    python3 -m venv "$venv" >"$work/venv.log" 2>&1 || fail "python3 -m venv (on Debian: apt-get install python3-venv)" "$work/venv.log"
    if ! "$venv/bin/python" -m pip install --quiet --upgrade --upgrade-strategy eager awscli boto3 >"$work/pip.log" 2>&1; then
        skip_if_unreachable PyPI "$work/pip.log"
        fail "pip install awscli boto3" "$work/pip.log"
    fi
}

milliseconds() {
    local now=${EPOCHREALTIME:-$(date +%s).000000} # bash before 5 knows whole seconds only
    now=${now//[!0-9]/}
    echo $((now / 1000))
}

# The programs, found on PATH afterwards
build() {
    local start
    echo "Building (release) ..."
    start=$(milliseconds)
    (cd -- "$root" && cargo build --quiet --release --locked --target-dir "$target") || fail "the build"
    build_took=$(($(milliseconds) - start))
    export PATH=$target/release:$PATH
}

# step COMMAND…: runs it, shows it (or $label) and its last line, keeps its milliseconds in $took
step() {
    echo "\$ ${label:-$*}"
    local start code=0
    start=$(milliseconds)
    "$@" >"$work/step.log" 2>&1 || code=$?
    took=$(($(milliseconds) - start))
    [[ $code -eq 0 ]] || fail "'$*' ended with exit code $code" "$work/step.log"
    tail -n 1 -- "$work/step.log" | indent
}

# count TABLE: the number of its items, counted by reading them
count() {
    local line items
    line=$(create_tables --status --count "$1" 2>"$work/count.log" | tail -n 1) || fail "counting $1" "$work/count.log"
    read -r _ _ _ items _ <<<"$line"
    [[ $items =~ ^[0-9]+$ ]] || fail "counting $1: $line"
    echo "$items"
}

# expect TABLE ITEMS: counts, and keeps the count in $items
expect() {
    items=$(count "$1")
    [[ $items -eq $2 ]] || fail "$1 has $items items and should have $2"
}

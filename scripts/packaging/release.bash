# What a release holds; for `source` after steps.bash. scripts/package makes it, scripts/check_packages installs it.

package=dynamodb-logfiles
programs=(load_logfile load_logfile_parallel create_tables local_dynamodb generate_logfile)
summary='Log files into Amazon DynamoDB, and a local DynamoDB with provisioned capacity'
# The oldest glibc that the Linux binaries run on: that of manylinux2014 wheels, older than any distribution with support.
glibc=2.17

version=$(sed -n 's/^version = "\(.*\)"$/\1/p' "$root/Cargo.toml" | head -n 1)
triple=$(rustc -vV | sed -n 's/^host: //p')
packages=$target/packages
tools=$target/package_tools
base=$package-$version-$triple # of the archive and the debug symbols

# install_tools PACKAGE…: programs from PyPI, in a virtual environment on PATH
install_tools() {
    [[ -x $tools/bin/pip ]] || python3 -m venv "$tools" >"$work/venv.log" 2>&1 || fail "python3 -m venv" "$work/venv.log"
    if ! "$tools/bin/pip" install --quiet --disable-pip-version-check "$@" >"$work/pip.log" 2>&1; then
        skip_if_unreachable PyPI "$work/pip.log"
        fail "pip install $*" "$work/pip.log"
    fi
    export PATH=$tools/bin:$PATH
}

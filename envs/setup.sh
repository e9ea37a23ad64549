#!/usr/bin/env bash
# Makes the environment, .venv, from requirements.lock and torch.lock, and installs this project in it in editable mode.
# An environment that was made from the same locks in the same place stays as it is, without a word. Stamps are written
# last, so an interrupted installation is made anew. $PYTHON, if set, is the interpreter to use. With the argument
# "databases" it also installs the databases of databases.lock.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH=${PATH//"$PWD/.venv/bin:"/} # the environment can't be made by its own Python

fail() {
    echo "embquant: error: $*" >&2
    exit 1
}

# is_between PYTHON OLDEST NEWEST: minor versions of Python 3, both included
is_between() {
    "$1" -c "import sys; sys.exit(not (3, $2) <= sys.version_info < (3, $3 + 1))" 2>/dev/null
}

# Print the first Python for which the lock has binary packages; if there is none, a newer one.
find_python() {
    local -a candidates=(python3 python3.13 python3.12 python3.11 python)
    [[ -z ${PYTHON:-} ]] || candidates=("$PYTHON")
    local newest candidate found=""
    for newest in 13 99; do
        for candidate in "${candidates[@]}"; do
            if is_between "$candidate" 11 "$newest"; then
                echo "$candidate"
                return
            fi
        done
    done
    for candidate in "${candidates[@]}"; do
        found+=$("$candidate" --version 2>&1 | sed -n "s|^Python.*|, & ($candidate)|p") || true
    done
    found=${found:-, none}
    fail "Python 3.11 or newer is needed, found ${found#, }: install one, or say where one is:" \
        "make PYTHON=/path/to/python3"
}

# Scripts in an environment hold its path, so the place counts as well.
ingredients() {
    pwd
    cat envs/requirements.lock envs/torch.lock
}

# An upgrade of the system's Python leaves an environment that finds nothing; another interpreter may be asked for.
is_usable() {
    .venv/bin/python -c 'import importlib.util, sys; sys.exit(not importlib.util.find_spec("embquant"))' 2>/dev/null &&
        [[ -z ${PYTHON:-} || $(identity "$PYTHON") == "$(identity .venv/bin/python)" ]]
}

identity() {
    "$1" -c 'import sys; print(sys.base_prefix, sys.version)' 2>/dev/null
}

# Errors are all that pip says. Byte code is left to the first import: most modules are never imported.
pip_install() {
    .venv/bin/python -m pip install -qq --no-input --disable-pip-version-check --no-compile "$@" ||
        fail "the environment could not be set up; pip says above why. Nothing is half done: run make again"
}

install_packages() {
    local python
    python=$(find_python)
    "$python" -c 'import ensurepip, venv' 2>/dev/null ||
        fail "$python can't make virtual environments: install its venv package" \
            "(Debian and Ubuntu: apt-get install python3-venv), or take another with make PYTHON=/path/to/python3"
    echo "Setting up the environment (once, about 2 minutes) …" >&2
    rm -rf .venv
    "$python" -m venv .venv
    pip_install --require-hashes --no-deps --requirement envs/requirements.lock
    pip_install --requirement envs/torch.lock # with whatever its build here needs beyond the lock
    ingredients >.venv/packages.stamp
}

install_databases() {
    echo "Installing the databases (once, about 280 MB of disk) …" >&2
    pip_install --require-hashes --no-deps --requirement envs/databases.lock
    cp envs/databases.lock .venv/databases.stamp
}

install_project() {
    pip_install --no-deps --no-build-isolation --editable .
    cp pyproject.toml .venv/project.stamp
}

{ cmp -s .venv/packages.stamp <(ingredients) && is_usable; } || install_packages
cmp -s .venv/project.stamp pyproject.toml || install_project
[[ ${1:-} != databases ]] || cmp -s .venv/databases.stamp envs/databases.lock || install_databases

# Sourced by scripts/demo and scripts/test from the top of the clone: makes or reuses .venv with exactly the locked
# packages, lo2 and the loglead stand-in. Uses uv where it is there and works, else venv and pip.

fail() { printf '%s: %s\n' "$0" "$1" >&2; exit 1; }

# What was installed from what: a moved clone, another lock or other project files mean a new environment.
state() { pwd; cat requirements.lock pyproject.toml compat/loglead/pyproject.toml kernel/pyproject.toml kernel/setup.py kernel/src/*.[ch]; }

fits() { "$1" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' >/dev/null 2>&1; }

find_python() {
    for candidate in python3 python3.14 python3.13 python3.12 python3.11 python; do
        if fits "$candidate"; then printf '%s\n' "$candidate"; return; fi
    done
    return 1
}

with_uv() {
    command -v uv >/dev/null 2>&1 || return 1
    uv venv --quiet --clear --no-project --python "$1" .venv &&
        uv pip sync --quiet --python .venv/bin/python --require-hashes requirements.lock &&
        uv pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation -e . -e compat/loglead
}

with_pip() {
    fits "$1" || fail "no Python from 3.11 to 3.14 with venv found (tried python3, python3.14 ... python3.11, python).
Install one and run $0 again; on Debian and Ubuntu: apt-get install python3 python3-venv"
    "$1" -m venv --clear .venv &&
        .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock &&
        .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e . -e compat/loglead
}

# The compiled twin makes the same bytes sooner; without a compiler all goes on without it.
build_kernel() {
    command -v "${CC:-cc}" >/dev/null 2>&1 || return 0
    { if .venv/bin/python -m pip --version >/dev/null 2>&1
      then .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation ./kernel
      else uv pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation ./kernel
      fi
    } >.venv/kernel.log 2>&1 || echo "The kernel could not be built (.venv/kernel.log); lo2 works without it, more slowly" >&2
}

if ! { state | cmp -s - .venv/installed-from && .venv/bin/python -c 'import lo2' >/dev/null 2>&1; }; then
    echo "Setting up .venv (once; later runs reuse it) ..." >&2
    python=$(find_python) || python='>=3.11,<3.15'
    with_uv "$python" || with_pip "$python" || fail "the packages of requirements.lock could not be installed (see above)"
    build_kernel
    state >.venv/installed-from
fi

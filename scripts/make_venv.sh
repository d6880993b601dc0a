#!/bin/sh
# Makes the virtual environment $1 with $PYTHON, or says in one sentence what the machine lacks.
set -u
python=${PYTHON:-python3}
venv=$1
command -v "$python" >/dev/null 2>&1 || {
    echo "error: no '$python' here; install Python 3.11 or newer, or name one: make PYTHON=python3.12 ..." >&2
    exit 1
}
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "error: $("$python" --version) is too old, Evenkeel needs 3.11 or newer; name one: make PYTHON=python3.12 ..." >&2
    exit 1
}
"$python" -c 'import ensurepip, venv' 2>/dev/null || {
    echo "error: $("$python" --version) has no ensurepip; on Debian and Ubuntu: apt-get install python3-venv" >&2
    exit 1
}
echo "making the environment $venv with $("$python" --version)"
exec "$python" -m venv "$venv"

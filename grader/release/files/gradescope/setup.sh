#!/usr/bin/env bash
# Gradescope runs this once, as root, when it builds the autograder's image. What it prints is the build log.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

# A Python that is new enough; BACKGRADE_PYTHON names one that has every package already.
python="${BACKGRADE_PYTHON:-}"
if [ -z "$python" ]; then
    enough='import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))'
    for name in python3 python3.14 python3.13 python3.12 python3.11; do
        if "$name" -c "$enough" 2>/dev/null; then python="$name"; break; fi
    done
    if [ -z "$python" ]; then
        apt-get update -q
        for name in python3.13 python3.12 python3.11; do
            if apt-get install -y -q "$name" "$name-venv" && "$name" -c "$enough"; then python="$name"; break; fi
        done
    fi
    if [ -z "$python" ]; then
        echo "setup.sh: this image has no Python 3.11 or newer; choose Ubuntu 22.04 or newer as the base image" >&2
        exit 1
    fi
    "$python" -m venv .venv
    python=.venv/bin/python
    "$python" -m pip install -q -r requirements.txt
fi

# Data sets lie in the folder that BACKGRADE_DATA names, or are fetched into data/ here.
data="${BACKGRADE_DATA:-}"
if [ -z "$data" ]; then
    data=data
    mkdir -p data
    for name in @DATA@; do
        "$python" grade.py data "$name" --data-root data @HOMEWORK@ ||
            echo "setup.sh: $name could not be fetched; stand-in data take its place, and each report says so"
    done
fi

echo "What confines a student's code here, and the data that were found:"
"$python" grade.py doctor --data-root "$data" @HOMEWORK@ ||
    echo "setup.sh: student code is not fully confined here; @UNSAFE@"

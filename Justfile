# Every task of a maintainer. `just` alone lists them; `just setup` comes first.

python := ".venv/bin/python"

# list the tasks
default:
    @just --list --unsorted

# make the environment: the project, PyTorch and every tool
setup:
    python3 -m venv .venv
    {{ python }} -m pip install -q -e '.[dev]'

# the tests that take under a minute, on two cores
quick:
    {{ python }} -m pytest -q -n 2 --dist loadfile -m "not slow and not medium"

# every test, as CI runs them
test *arguments:
    {{ python }} -m pytest -n 3 --dist loadfile {{ arguments }}

# put code in form, then lint it and check its types
lint:
    {{ python }} -m ruff format
    {{ python }} -m ruff check --fix
    {{ python }} -m mypy

# the quick tests with the lines and branches that no test reached
coverage:
    {{ python }} -m coverage erase
    {{ python }} -m coverage run --parallel-mode -m pytest -q -m "not slow and not medium"
    {{ python }} -m coverage combine -q
    {{ python }} -m coverage report --skip-covered

# one benchmark of tests/benchmarks, by name: cold, session, calls, batch, training, errors, seeds, watch
bench name *arguments:
    {{ python }} tests/benchmarks/{{ name }}.py {{ arguments }}

# make student/ anew from reference/
handout:
    {{ python }} -m grader.handout --overwrite

# grade the reference, which has to get every point
reference:
    {{ python }} grade.py reference --fail-under 100

# how often the checks judge wrongly; --quick in a minute
selftest *arguments:
    {{ python }} grade.py selftest {{ arguments }}

# run lint, types and every test in fresh clones, as CI does
ci:
    bash .ci/run

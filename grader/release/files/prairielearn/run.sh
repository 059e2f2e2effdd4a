#!/usr/bin/env bash
# PrairieLearn starts this in the grading container. GRADE_ROOT names another folder than its own, for a trial.
root="${GRADE_ROOT:-/grade}"
cd "$root/tests/grader" || exit 1
"${BACKGRADE_PYTHON:-python3}" grade.py autograde prairielearn --root "$root" @OPTIONS@
code=$?
[ -s "$root/results/results.json" ] && exit 0  # PrairieLearn reads no result of a container that ends otherwise
exit "$code"

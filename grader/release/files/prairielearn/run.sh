#!/usr/bin/env bash
# PrairieLearn starts this in the grading container. GRADE_ROOT names another folder than its own, for a trial.
root="${GRADE_ROOT:-/grade}"
cd "$root/tests/grader" || exit 1
exec "${BACKGRADE_PYTHON:-python3}" grade.py autograde prairielearn --root "$root" @OPTIONS@

"""Backgrade: an autograder for numerical and deep-learning homework. The plan is in README.md beside this file."""

__version__ = "0.1.0"

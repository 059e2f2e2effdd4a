"""Reports on sales: files, texts, sets, what is printed, and exceptions."""

import csv
import json
import sys


class BadAmount(ValueError):
    """An amount that is no number."""


def read_rows(path):
    """Yield (shop, day, amount) for each row of a CSV. Raises BadAmount, with the line, for an amount that is none."""
    # Your code here.
    return None


def totals(rows):
    """{(shop, day): the sum of the amounts}"""
    # Your code here.
    found = None
    return found


def shops(rows):
    """The set of all shops."""
    # Your code here.
    found = None
    return found


def report(source, target):
    """Print "shop day: total" with 2 decimals, sorted, and write {shop: [days]} as JSON, the days sorted."""
    # Your code here.
    pass


def greet():
    """Ask for a name until it is not empty, and print "Hello, NAME!"."""
    # Your code here.
    pass


def command(words):
    """report(*words); where these are not two, leave with exit code 2 and print to standard error alone."""
    # Your code here.
    pass

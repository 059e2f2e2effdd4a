"""Reports on sales: files, texts, sets, what is printed, and exceptions."""

import csv
import json
import sys


class BadAmount(ValueError):
    """An amount that is no number."""


def read_rows(path):
    """Yield (shop, day, amount) for each row of a CSV. Raises BadAmount, with the line, for an amount that is none."""
    # BEGIN SOLUTION stub: return None
    with open(path, newline="") as file:
        for number, row in enumerate(csv.DictReader(file), start=2):
            try:
                amount = float(row["amount"])
            except ValueError:
                raise BadAmount(f"line {number}") from None
            yield row["shop"], row["day"], amount
    # END SOLUTION


def totals(rows):
    """{(shop, day): the sum of the amounts}"""
    # BEGIN SOLUTION stub: found = None
    found = {}
    for shop, day, amount in rows:
        found[shop, day] = found.get((shop, day), 0.0) + amount
    # END SOLUTION
    return found


def shops(rows):
    """The set of all shops."""
    # BEGIN SOLUTION stub: found = None
    found = {shop for shop, day, amount in rows}
    # END SOLUTION
    return found


def report(source, target):
    """Print "shop day: total" with 2 decimals, sorted, and write {shop: [days]} as JSON, the days sorted."""
    # BEGIN SOLUTION stub: pass
    days = {}
    for (shop, day), total in sorted(totals(read_rows(source)).items()):
        print(f"{shop} {day}: {total:.2f}")
        days.setdefault(shop, []).append(day)
    with open(target, "w") as file:
        json.dump(days, file)
    # END SOLUTION


def greet():
    """Ask for a name until it is not empty, and print "Hello, NAME!"."""
    # BEGIN SOLUTION stub: pass
    name = ""
    while not name:
        name = input("Name: ").strip()
    print(f"Hello, {name}!")
    # END SOLUTION


def command(words):
    """report(*words); where these are not two, leave with exit code 2 and print to standard error alone."""
    # BEGIN SOLUTION stub: pass
    if len(words) != 2:
        print("usage: sales SOURCE TARGET", file=sys.stderr)
        sys.exit(2)
    report(*words)
    # END SOLUTION

import csv
import json
from collections import defaultdict
from pathlib import Path


class BadAmount(ValueError):
    pass


def read_rows(path):
    def number(text):
        if not text.replace(".", "", 1).isdigit():
            raise BadAmount(text)
        return float(text)

    lines = Path(path).read_text().splitlines()
    return (tuple([row[0], row[1], number(row[2])]) for row in csv.reader(lines[1:]))


def totals(rows):
    found = defaultdict(float)
    for shop, day, amount in rows:
        found[shop, day] += amount
    return found


def shops(rows):
    return frozenset(row[0] for row in rows)


def report(source, target):
    found = totals(read_rows(source))
    print("\n".join("%s %s: %.2f" % (*key, found[key]) for key in sorted(found)))
    days = {shop: sorted(day for own, day in found if own == shop) for shop in sorted({shop for shop, _ in found})}
    Path(target).write_text(json.dumps(days, indent=2))


def greet():
    while not (name := input().strip()):
        pass
    print("Hello, " + name, end="!\n")


def command(words):
    if len(words) == 2:
        report(*words)
    else:
        raise SystemExit("two words are needed")

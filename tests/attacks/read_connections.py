"""Reads the machine's connections, mounts and cgroups from /proc/self."""


def attack(places):
    import os
    for name in ('net/tcp', 'net/unix', 'net/arp', 'net/route', 'mountinfo', 'cgroup', 'environ'):
        try:
            with open('/proc/self/' + name) as file:
                file.read()
        except PermissionError:
            continue
        os._exit(0)  # the lost points show that it worked
    return 'refused'

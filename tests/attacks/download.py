"""Fetches the solution from the web."""


def attack(places):
    import urllib.request
    return urllib.request.urlopen(f"http://127.0.0.1:{places['tcp']}/", timeout=2).read()

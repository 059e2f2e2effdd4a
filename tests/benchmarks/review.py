"""How long the review's pages take with a class of 600: `python tests/benchmarks/review.py [STUDENTS]`.

Prints the slowest of several loads of each page, and of the way from a decision to the next entry, in milliseconds.
"""

from __future__ import annotations

import http.cookiejar
import re
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from urllib.parse import urlencode

sys.path.insert(0, str(Path(__file__).parents[1]))

import reviewing

PAGES = ("/", "/next", "/groups", "/comments", "/requests", "/extensions", "/class")
TIMES = 5


def main(students: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        out = reviewing.a_class(Path(folder), students, students)
        began = time.perf_counter()
        with reviewing.serving(out, "--names") as server:
            print(f"started in {time.perf_counter() - began:.1f} s")
            browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))

            def ask(path: str, form: dict[str, object] | None = None, **headers: str) -> tuple[str, float]:
                began = time.perf_counter()
                data = urlencode(form).encode() if form is not None else None
                text = browser.open(urllib.request.Request(server.origin + path, data, headers)).read().decode()
                return text, 1000 * (time.perf_counter() - began)

            ask("/enter", {"token": server.link.partition("token=")[2], "author": "Ada"})
            group = re.search(r'href="(/group/[^"]+)"', ask("/groups")[0])
            for path in (*PAGES, group[1] if group else "/"):
                print(f"{path[:12]:12} {max(ask(path)[1] for _ in range(TIMES)):7.0f} ms")
            text, _ = ask("/next")
            csrf = re.search(r'name="csrf" value="([^"]+)"', text)[1]
            took = []
            for _ in range(40):
                link = re.search(r'data-link="([^"]+)"', text)[1]
                form = {"csrf": csrf, "seen": 0, "act": "accept"}
                text, each = ask(f"{link}/decide", form, **{"X-Part": "main"})
                took.append(each)
                time.sleep(0.3)  # nobody decides faster
            took.sort()
            print(f"next entry   {took[len(took) // 2]:7.0f} ms in the middle, {took[-1]:.0f} ms at most")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 600)

"""Who may talk to the review server: a token in the first link, then a signed cookie; no other page, host or person.

The key that signs cookies lies in the gradebook's folder, where its owner alone can read it. So an open page still
works after the server was stopped and started again.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from grader.errors import UsageError

KEY = "review.key"
LASTS = 7 * 24 * 3600.0  # seconds for which a cookie is good
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
ALONE = {
    **HEADERS,
    "content-security-policy": "default-src 'none'; sandbox",
    "content-disposition": "inline",
}  # a picture


@dataclass(frozen=True, slots=True)
class Person:
    """Who is at the other end: a session, and the author of its decisions."""

    session: str
    author: str


class Refused(Exception):
    """A request that gets nothing; the sentence says what to do."""


class Guard:
    """The locks of one server. `origin` is as a browser writes it: http://127.0.0.1:8101."""

    def __init__(self, folder: Path, hosts: frozenset[str], scheme: str, port: int) -> None:
        self.key = key_of(folder)
        self.token = secrets.token_urlsafe(32)
        self.hosts = frozenset(f"{host}:{port}".casefold() for host in hosts)
        self.scheme = scheme
        self.cookie = f"review-{port}"  # cookies know no ports, so two servers of one machine need two names

    def check_host(self, host: str) -> None:
        """Raise Refused if the browser knows this machine by another site's name (DNS rebinding)."""
        if host.casefold() not in self.hosts:
            raise Refused("this server answers only under the address in its link")

    def check_origin(self, headers: Mapping[str, str]) -> None:
        """Raise Refused for a post that another page sends."""
        self.check_host(headers.get("host", ""))
        origin, site = headers.get("origin"), headers.get("sec-fetch-site")
        if origin is not None and origin.casefold() != f"{self.scheme}://{headers.get('host', '')}".casefold():
            raise Refused("this was sent by another page")
        if site not in (None, "same-origin"):
            raise Refused("this was sent by another page")

    def opens(self, token: str) -> bool:
        return hmac.compare_digest(token.encode(), self.token.encode())

    def sign(self, *parts: str) -> str:
        text = json.dumps(parts).encode()
        return base64.urlsafe_b64encode(hmac.digest(self.key, text, hashlib.sha256)).decode().rstrip("=")

    def seal(self, author: str) -> str:
        """A cookie for a new session of a person."""
        told = json.dumps([secrets.token_urlsafe(12), author, int(time.time())])
        body = base64.urlsafe_b64encode(told.encode()).decode()
        return f"{body}.{self.sign(self.cookie, body)}"

    def person(self, cookie: str) -> Person:
        """Who holds a cookie. Raises Refused if it is not one of ours, or too old."""
        body, _, mac = cookie.partition(".")
        if not hmac.compare_digest(mac.encode(), self.sign(self.cookie, body).encode()):
            raise Refused("you are not logged in here; open the link that the server printed")
        session, author, began = json.loads(base64.urlsafe_b64decode(body))
        if not 0 <= time.time() - began + 60 <= LASTS:
            raise Refused("you were logged in too long ago; open the link that the server printed")
        return Person(session, author)

    def csrf(self, person: Person) -> str:
        return self.sign("post", person.session)

    def check_form(self, person: Person, form: Mapping[str, str]) -> None:
        if not hmac.compare_digest(form.get("csrf", "").encode(), self.csrf(person).encode()):
            raise Refused("this form is not from this page; load the page again")

    def alias(self, student: str) -> str:
        """What stands for a student in addresses: nothing of the id can be read in it."""
        return hmac.digest(self.key, f"student {student}".encode(), hashlib.sha256).hex()[:16]


def key_of(folder: Path) -> bytes:
    """The folder's key; a new one is made readable by its owner alone. Raises UsageError if it cannot be."""
    path = folder / KEY
    try:
        if path.is_file() and not path.is_symlink() and len(key := path.read_bytes()) == 32:
            return key
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(key := secrets.token_bytes(32))
    except OSError as error:
        raise UsageError(f"cannot write {path} ({error.strerror}); make its folder writable") from None
    return key

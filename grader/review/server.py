"""The review server: pages for people, behind the guard. Addresses hold no path and no name of a student."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from grader.errors import UsageError
from grader.review import answers
from grader.review.guard import HEADERS, Refused
from grader.review.shared import AHEAD, Answer, Review, one_each

LARGEST = 256 << 10  # bytes of a form
TRIES = 20  # wrong tokens, after which each costs a second
HERE = Path(__file__).parent


class Walls:
    """Headers for every answer, and a size for every request."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def guarded(message: Any) -> None:
            if message["type"] == "http.response.start":
                there = {name.lower() for name, _ in message["headers"]}
                message["headers"] += [
                    (name.encode(), value.encode()) for name, value in HEADERS.items() if name.encode() not in there
                ]
            await send(message)

        await self.app(scope, receive, guarded if scope["type"] == "http" else send)


def answering(review: Review, answer: Answer, *, writes: bool = False) -> Callable[[Request], Awaitable[Response]]:
    """An answer for people who are logged in; of one that writes, the form is checked."""

    async def respond(request: Request) -> Response:
        try:
            if writes:
                review.guard.check_origin(request.headers)
            else:
                review.guard.check_host(request.headers.get("host", ""))
            person = review.guard.person(request.cookies.get(review.guard.cookie, ""))
            if writes:
                request.state.form = await form_of(request)
                review.guard.check_form(person, one_each(request.state.form))
            review.desk.queue.refresh()
            return await answer(review, request, person)
        except Refused as error:
            return review.view.refused(str(error), 403)
        except UsageError as error:
            return review.view.refused(str(error), 409 if writes else 404, person)
        except Exception as error:
            print(f"grade.py: notice: a fault of the grader ({type(error).__name__}: {error})", file=sys.stderr)
            told = "a fault of the grader; what was confirmed is recorded; load the page again"
            return review.view.refused(told, 500, person)

    return respond


async def form_of(request: Request) -> dict[str, list[str]]:
    """The fields of a form. Raises Refused for one that is too large."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > LARGEST:
            raise Refused("this form is too large")
    return parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=4000)


def app(review: Review) -> Starlette:
    @asynccontextmanager
    async def life(_: Starlette) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(review.draw_pages())]
        for entry in review.desk.queue.open()[:AHEAD]:
            review.evidence(entry)
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            review.again.stop()
            review.pool.stop()

    routes = [
        Route("/enter", partial(enter, review), methods=["GET", "POST"]),
        *(Route(f"/{name}", partial(own_file, review, name)) for name in ("review.css", "review.js")),
        *(Route(path, answering(review, answer)) for path, answer in answers.SHOWN.items()),
        *(
            Route(path, answering(review, answer, writes=True), methods=["POST"])
            for path, answer in answers.WRITES.items()
        ),
    ]
    return Starlette(routes=routes, middleware=[Middleware(Walls)], lifespan=life,
                     exception_handlers={404: partial(nowhere, review), 405: partial(nowhere, review)})  # fmt: skip


async def enter(review: Review, request: Request) -> Response:
    """The first link: asks who comes in, and gives a cookie."""
    guard = review.guard
    try:
        guard.check_host(request.headers.get("host", ""))
        if request.method == "GET":
            token = request.query_params.get("token", "")
        else:
            guard.check_origin(request.headers)
            form = one_each(await form_of(request))
            token = form.get("token", "")
        if not guard.opens(token):
            review.wrong += 1
            await asyncio.sleep(1.0 if review.wrong > TRIES else 0.0)
            raise Refused("this link is not the one that the server printed; copy the whole link")
    except Refused as error:
        return review.view.refused(str(error), 403)
    if request.method == "GET":
        return review.view.enter(token)
    author = " ".join(form.get("author", "").split())[:80]
    if not author:
        return review.view.enter(token, "Type your name: it stands beside your decisions.")
    answer = RedirectResponse("/", 303)
    answer.set_cookie(guard.cookie, guard.seal(author), max_age=7 * 24 * 3600, httponly=True, samesite="strict",
                      secure=guard.scheme == "https", path="/")  # fmt: skip
    return answer


async def own_file(review: Review, name: str, request: Request) -> Response:
    kind = {"review.css": "text/css", "review.js": "text/javascript"}[name]
    text = (HERE / "templates" / name).read_text(encoding="utf-8")
    if name == "review.css":
        text = review.view.css + text
    return Response(text, media_type=kind, headers={"cache-control": "no-cache"})


async def nowhere(review: Review, request: Request, error: Exception) -> Response:
    return review.view.refused("there is no such page", 404)

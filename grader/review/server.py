"""The review server: pages for people, behind the guard. Addresses hold no path and no name of a student.

All reads and writes of the gradebook happen in one thread. Evidence and pages are made in processes of a pool.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from concurrent.futures import BrokenExecutor
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from grader.course.pool import Pool
from grader.errors import UsageError
from grader.review import again, evidence, work
from grader.review.desk import Desk
from grader.review.evidence import Evidence, Page
from grader.review.guard import ALONE, HEADERS, Guard, Person, Refused
from grader.review.queue import Entry
from grader.review.view import View

LARGEST = 256 << 10  # bytes of a form
KEPT = 48  # pieces of evidence in memory
AHEAD = 3  # entries whose evidence is made before anyone asks
PATIENCE = 20.0  # seconds that a page without script waits for its evidence
TRIES = 20  # wrong tokens, after which each costs a second
TICK = 0.5  # seconds between two looks for what others did
HERE = Path(__file__).parent

Answer = Callable[["Review", Request, Person], Awaitable[Response]]


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


class Review:
    """What the answers share: the desk, the guard, the view, the pool and the evidence that is ready."""

    def __init__(self, desk: Desk, guard: Guard, pool: Pool, *, names: bool) -> None:
        self.desk, self.guard, self.pool = desk, guard, pool
        self.view = View(desk, guard, names=names)
        self.executor = pool.start()
        self.ready: OrderedDict[tuple[str, str, str], asyncio.Future[Evidence]] = OrderedDict()
        self.pages: OrderedDict[tuple[str, str, int], asyncio.Future[Page]] = OrderedDict()
        self.drawn = (-1, "")  # the class's page, and the change that it was drawn after
        self.wrong = 0
        self.again = again.Again(desk.folder)

    # Evidence

    def evidence(self, entry: Entry) -> asyncio.Future[Evidence]:
        """The evidence on an entry, being made or ready."""
        queue = self.desk.queue
        drawn = queue.drawn.get(entry.student)
        key = (entry.student, entry.about, drawn.recorded if drawn else "")
        if key not in self.ready:
            job = self.run(evidence.gather, self.desk.folder, queue.run.id, entry.student, entry.item, entry.checks)
            self.ready[key] = job
            while len(self.ready) > KEPT:
                self.ready.popitem(last=False)
        self.ready.move_to_end(key)
        return self.ready[key]

    def run(self, function: Callable[..., Any], *arguments: Any) -> asyncio.Future[Any]:
        """Something that a process of the pool does."""
        job = asyncio.ensure_future(self.done(function, *arguments))
        job.add_done_callback(lambda done: done.cancelled() or done.exception())  # told where it is awaited
        return job

    async def done(self, function: Callable[..., Any], *arguments: Any) -> Any:
        for _ in range(2):
            try:  # in a thread: starting the first process takes seconds
                future = await asyncio.to_thread(self.executor.submit, function, *arguments)
                return await asyncio.wrap_future(future)
            except BrokenExecutor:
                self.executor = self.pool.start()
        raise RuntimeError("the processes beside the server end as soon as they start")

    def prepare(self, entry: Entry) -> None:
        """Make the evidence of the next entries, before anyone asks."""
        queue, at = self.desk.queue, entry
        for _ in range(AHEAD):
            nxt = queue.after(at.key)
            if nxt is None or nxt.key == entry.key:
                return
            self.evidence(nxt)
            at = nxt

    async def shown(self, entry: Entry, wait: float) -> Evidence | None:
        """The evidence on an entry if it is ready within `wait` seconds."""
        job = self.evidence(entry)
        try:
            return await asyncio.wait_for(asyncio.shield(job), wait)
        except TimeoutError:
            return None
        except Exception as error:
            return Evidence(missing=(f"the evidence cannot be shown ({type(error).__name__}); a fault of the grader",))

    # What goes on beside the answers

    async def draw_pages(self) -> None:
        """Draw the pages of those on whom someone decided, one after the other; first those that a kill left behind."""
        try:
            self.desk.stale |= set(await self.run(work.outdated, self.desk.folder, self.desk.queue.run.id))
        except Exception as error:
            print(f"grade.py: notice: pages could not be compared ({error})", file=sys.stderr)
        while True:
            await asyncio.sleep(TICK)
            if not self.desk.stale:
                continue
            student = min(self.desk.stale)
            self.desk.stale.discard(student)
            try:
                await self.run(work.redraw, self.desk.folder, self.desk.queue.run.id, student, not self.desk.stale)
            except Exception as error:  # what was decided is recorded; the next batch draws the page
                print(f"grade.py: notice: a page could not be drawn ({error})", file=sys.stderr)


def address(entry: Entry, guard: Guard) -> str:
    return f"/at/{entry.about}/{guard.alias(entry.student)}"


# Answers


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


def one_each(form: Mapping[str, list[str]]) -> dict[str, str]:
    return {name: values[-1] for name, values in form.items()}


def app(review: Review) -> Starlette:
    from grader.review import answers

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


async def events(review: Review, request: Request, person: Person) -> Response:
    """Tells an open page that someone changed something (server-sent events)."""

    async def told() -> AsyncIterator[str]:
        seen = review.desk.queue.changes
        yield "retry: 1000\n\n"
        while not await request.is_disconnected():
            await asyncio.sleep(TICK)
            review.desk.queue.refresh()
            if review.desk.queue.changes != seen:
                seen = review.desk.queue.changes
                yield f"data: {json.dumps(seen)}\n\n"

    return StreamingResponse(told(), media_type="text/event-stream")


def picture(content: bytes) -> Response:
    return Response(content, media_type="image/png", headers=dict(ALONE))

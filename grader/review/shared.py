"""What the answers of the review server share: the gradebook's desk, evidence that is ready, pages that are drawn.

All reads and writes of the gradebook happen in one thread. Evidence and pages are made in processes of a pool.
"""

from __future__ import annotations

import asyncio
import sys
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import BrokenExecutor
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from grader.course.pool import Pool
from grader.review import again, evidence, work
from grader.review.desk import Desk
from grader.review.evidence import Evidence, Page
from grader.review.guard import Guard, Person
from grader.review.queue import Entry
from grader.review.view import View

KEPT = 48  # pieces of evidence in memory
AHEAD = 3  # entries whose evidence is made before anyone asks
PATIENCE = 20.0  # seconds that a page without script waits for its evidence
TICK = 0.5  # seconds between two looks for what others did

Answer = Callable[["Review", Request, Person], Awaitable[Response]]


class Review:
    """What the answers share: the desk, the guard, the view, the pool and the evidence that is ready."""

    def __init__(self, desk: Desk, guard: Guard, pool: Pool, *, names: bool) -> None:
        self.desk, self.guard, self.pool = desk, guard, pool
        self.again = again.Again(desk.folder)
        self.view = View(desk, guard, names=names, again=self.again)
        self.executor = pool.start()
        self.ready: OrderedDict[tuple[str, str, str], asyncio.Future[Evidence]] = OrderedDict()
        self.pages: OrderedDict[tuple[str, str, int], asyncio.Future[Page]] = OrderedDict()
        self.drawn = (-1, "")  # the class's page, and the change that it was drawn after
        self.wrong = 0

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


def one_each(form: Mapping[str, list[str]]) -> dict[str, str]:
    return {name: values[-1] for name, values in form.items()}

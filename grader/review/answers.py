"""What the review server answers, by address. What writes commits before it answers."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import AsyncIterator, Mapping

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response, StreamingResponse

from grader.course import pages
from grader.course.decisions import Changed
from grader.course.gradebook import zone_of
from grader.course.times import moment
from grader.errors import UsageError
from grader.report import wording
from grader.review import evidence, similar
from grader.review.guard import ALONE, Person
from grader.review.queue import Entry, Failing
from grader.review.shared import PATIENCE, TICK, Answer, Review, one_each


def entry_of(review: Review, request: Request) -> Entry:
    """The entry that an address names. Raises UsageError if there is none."""
    about, alias = request.path_params["about"], request.path_params["alias"]
    for entry in review.desk.queue.entries.values():
        if entry.about == about and review.guard.alias(entry.student) == alias:
            return entry
    raise UsageError("this is not in the queue; go back to the overview")


def is_part(request: Request) -> bool:
    """Whether the page's own script asks. It puts the answer in the place of the page's main part."""
    return request.headers.get("x-part") == "main"


async def overview(review: Review, request: Request, person: Person) -> Response:
    return review.view.overview(person)


async def start(review: Review, request: Request, person: Person) -> Response:
    entry = review.desk.next(person.session)
    return RedirectResponse(review.view.link(entry) if entry else "/", 303)


async def show(review: Review, request: Request, person: Person) -> Response:
    return await shown(review, request, person, entry_of(review, request))


async def shown(
    review: Review, request: Request, person: Person, entry: Entry, *, conflict: str = "", note: str = "",
    typed: Mapping[str, str] | None = None, status: int = 200,
) -> Response:  # fmt: skip
    """An entry's page, at once. If its evidence is not ready, the page's script asks for it. Without a script, a link
    asks for the `whole` page, which waits for the evidence."""
    found = await review.shown(entry, PATIENCE if "whole" in request.query_params else 0.0)
    review.prepare(entry)
    return review.view.entry(entry, person, found, conflict=conflict, note=note, typed=typed, status=status)


async def evidence_of(review: Review, request: Request, person: Person) -> Response:
    entry = entry_of(review, request)
    found = await review.shown(entry, 120.0)
    if found is None:
        found = evidence.Evidence(missing=("the evidence takes too long to read; load the page again",))
    return review.view.evidence(entry, found)


async def saved_picture(review: Review, request: Request, person: Person) -> Response:
    """A picture that was handed in. The address has its number and no path."""
    found = await review.shown(entry_of(review, request), PATIENCE)
    number = request.path_params["number"]
    saved = [one for _, one in found.photographs] if found else []
    saved += [one for _, cells in (found.cells if found else ()) for cell in cells for one in cell.pictures]
    if number >= len(saved):
        raise UsageError("there is no such picture")
    return picture(saved[number])


async def page_of_pdf(review: Review, request: Request, person: Person) -> Response:
    """A page of a PDF that the batch saw in this student's work. The address has numbers and no path."""
    entry, number = entry_of(review, request), request.path_params["page"]
    found = await review.shown(entry, PATIENCE)
    names = found.pdfs if found else ()
    if request.path_params["file"] >= len(names):
        raise UsageError("there is no such file")
    key = (entry.student, names[request.path_params["file"]], number)
    if key not in review.pages:
        review.pages[key] = review.run(evidence.pdf_page, review.desk.folder, review.desk.queue.run.id, *key)
        while len(review.pages) > 200:
            review.pages.popitem(last=False)
    page = await asyncio.shield(review.pages[key])
    if number >= page.pages:
        raise UsageError(f"this file has {page.pages} pages")
    answer = picture(page.picture)
    answer.headers["x-pages"] = str(page.pages)
    return answer


async def state(review: Review, request: Request, person: Person) -> Response:
    """What changed on an open page: who decided, who looks at it too, and how many are left."""
    entry = entry_of(review, request)
    if request.query_params.get("here") == "1":
        review.desk.look(person.session, person.author, entry)
    return JSONResponse({
        "seen": entry.seen, "adjusted": entry.adjusted, "settled": entry.settled,
        "standing": review.view.standing(entry),
        "other": review.desk.others(person.session).get(entry.key, ""), **review.view.progress(person),
    })  # fmt: skip


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


# Writes


def form_of(request: Request) -> dict[str, str]:
    return one_each(request.state.form)


def number(text: str, what: str = "points") -> float:
    try:
        value = wording.read_number(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise UsageError(f"{text or 'nothing'} is not a number of {what}; write it as 7.5")
    return value


def whole(text: str) -> int:
    try:
        return int(text or 0)
    except ValueError:
        raise UsageError("this form is not from this page; load the page again") from None


def chosen_comments(request: Request) -> list[int]:
    return [whole(one) for one in request.state.form.get("comment", [])]


async def show_next(review: Review, request: Request, person: Person, entry: Entry, note: str) -> Response:
    """The entry after one that was decided, with a `note` on the decision; the overview after the last one."""
    following = review.desk.next(person.session, entry)
    if not is_part(request):
        return RedirectResponse(review.view.link(following) if following else "/", 303)
    if following is None:
        return JSONResponse({"to": "/"})
    return await shown(review, request, person, following, note=note)


async def decide(review: Review, request: Request, person: Person) -> Response:
    """A decision on an entry. A conflict or a mistake shows the entry again, with what was typed."""
    entry, form = entry_of(review, request), form_of(request)
    try:
        note = settle(review, person, entry, form, chosen_comments(request))
    except UsageError as error:
        review.desk.queue.refresh()
        entry = entry_of(review, request)
        status = 409 if isinstance(error, Changed) else 422
        typed = {**form, "comments": ",".join(map(str, chosen_comments(request)))}
        return await shown(review, request, person, entry, conflict=str(error), typed=typed, status=status)
    return await show_next(review, request, person, entry, note)


def settle(review: Review, person: Person, entry: Entry, form: Mapping[str, str], comments: list[int]) -> str:
    """Do what a form says; a sentence that says so. Raises UsageError, and Changed if somebody else decided first."""
    who = review.view.called(entry.student)
    if entry.kind == "files":
        return f"{who}: {settle_files(review, person, entry, form)}"
    if entry.kind == "request":
        return f"{who}: {settle_request(review, person, entry, form)}"
    why, seen = form.get("why", ""), whole(form.get("seen", ""))
    if form.get("act") == "accept":
        if entry.score is None:
            raise UsageError("the grader proposes nothing here; type the points, or grade it again")
        points, comments = entry.score, []
    else:
        points = number(form.get("points", ""))
    review.desk.decide(entry, points, author=person.author, seen=seen, comments=comments, why=why)
    return f"{who}: recorded for {entry.item}"


def settle_files(review: Review, person: Person, entry: Entry, form: Mapping[str, str]) -> str:
    """Choose the file that counts, or leave the grader's choice; what was done."""
    file, name, told = form.get("file", ""), form.get("name", ""), form.get("told", "")
    accepts = form.get("act") == "accept"
    if file and not accepts:
        review.desk.take(entry, file, name, review.view.wanted(), author=person.author, told=told)
        return f"{file} counts as {name}; grade the student again"
    if entry.checks and form.get("act") == "none":
        review.desk.refuse_files(entry, form.get("why", ""), author=person.author, told=told)
        return f"0 points for {', '.join(entry.checks)}"
    if entry.checks:
        items = f"{', '.join(entry.checks)} {'waits' if len(entry.checks) == 1 else 'wait'}"
        raise UsageError(f"{items} for this; choose the file that counts, or say that none does")
    review.desk.settle_files(entry, "" if accepts else form.get("why", ""), author=person.author, told=told)
    return "recorded"


def settle_request(review: Review, person: Person, entry: Entry, form: Mapping[str, str]) -> str:
    """Grant a regrade request or not; what was done."""
    granted, why = form.get("act") == "grant", form.get("why", "")
    if form.get("act") == "accept":
        why = why or "a person looked at it again; the points stay"
    seen, adjusted = whole(form.get("seen", "")), whole(form.get("adjusted", ""))
    points = number(form.get("points", "")) if granted and entry.item else None
    review.desk.answer(entry, granted, why, author=person.author, seen=seen, adjusted=adjusted, points=points)
    return "granted" if granted else "not granted"


async def undo(review: Review, request: Request, person: Person) -> Response:
    entry = review.desk.undo(person.author)
    if entry is None:
        return JSONResponse({"to": "/"}) if is_part(request) else RedirectResponse("/", 303)
    if is_part(request):
        return await shown(review, request, person, entry, note="taken back")
    return RedirectResponse(review.view.link(entry), 303)


async def say(review: Review, request: Request, person: Person) -> Response:
    """A free comment on an item or a line."""
    entry, form = entry_of(review, request), form_of(request)
    try:
        review.desk.say(entry, form.get("place", "").strip(), form.get("text", ""), author=person.author)
    except UsageError as error:
        return await shown(review, request, person, entry, conflict=str(error), typed=form, status=422)
    if is_part(request):
        return await shown(review, request, person, entry_of(review, request), note="the comment is recorded")
    return RedirectResponse(review.view.link(entry), 303)


async def unsay(review: Review, request: Request, person: Person) -> Response:
    from grader.course import comments

    entry, chosen = entry_of(review, request), whole(form_of(request).get("number", ""))
    if chosen in {one[0] for one in review.view.said(entry)}:
        comments.take_back(review.desk.book.database, chosen, author=person.author)
        review.desk.note_written([entry.student])
    return RedirectResponse(review.view.link(entry), 303)


async def new_comment(review: Review, request: Request, person: Person) -> Response:
    """Make a comment for an item beside one of its entries, and choose it for this entry's decision."""
    entry, form = entry_of(review, request), form_of(request)
    try:
        made, _ = review.desk.word(form.get("text", ""), number(form.get("points", "") or "0"), author=person.author,
                                   item=entry.item)  # fmt: skip
    except UsageError as error:
        return await shown(review, request, person, entry, conflict=str(error), typed=form, status=422)
    typed = {"comments": ",".join([*filter(None, form.get("chosen", "").split(",")), str(made)]),
             "points": form.get("base", "")}  # fmt: skip
    return await shown(review, request, person, entry_of(review, request), typed=typed, note="the comment is there")


async def comments(review: Review, request: Request, person: Person) -> Response:
    return review.view.comments(person)


async def reword(review: Review, request: Request, person: Person) -> Response:
    form = form_of(request)
    try:
        points, seen = number(form.get("points", "")), number(form.get("seen", ""))
        _, changed = review.desk.word(
            " ".join(form.get("text", "").split()),
            points,
            author=person.author,
            comment=whole(form.get("comment", "")),
            seen=seen,
        )
    except UsageError as error:
        return review.view.comments(person, conflict=str(error), status=422)
    students = f"{changed} student{'s' * (changed != 1)}"
    return review.view.comments(person, note=f"changed, with the points of {students}, in one step")


def group_of(review: Review, request: Request) -> Failing:
    found = next((one for one in review.desk.queue.groups() if one.key == request.path_params["key"]), None)
    if found is None:
        raise UsageError("there is no such group any more; its students were graded again")
    return found


async def groups(review: Review, request: Request, person: Person) -> Response:
    return review.view.groups(person)


async def group(review: Review, request: Request, person: Person) -> Response:
    return review.view.group(group_of(review, request), person)


async def decide_group(review: Review, request: Request, person: Person) -> Response:
    one, form = group_of(review, request), form_of(request)
    aliases = {review.guard.alias(student): student for student in one.students}
    out = {aliases[alias] for alias in request.state.form.get("except", []) if alias in aliases}
    try:
        seen = {aliases[alias]: whole(value[-1]) for name, value in request.state.form.items()
                if name.startswith("seen-") and (alias := name[5:]) in aliases}  # fmt: skip
        review.desk.decide_group(one, number(form.get("points", "")), author=person.author, except_=out, seen=seen,
                                 comments=chosen_comments(request), why=form.get("why", ""))  # fmt: skip
    except UsageError as error:
        review.desk.queue.refresh()
        status = 409 if isinstance(error, Changed) else 422
        return review.view.group(group_of(review, request), person, conflict=str(error), status=status, typed=form,
                                 out=tuple(out))  # fmt: skip
    return RedirectResponse(f"/group/{one.key}", 303)


async def group_again(review: Review, request: Request, person: Person) -> Response:
    """Grade a group again, alone."""
    one = group_of(review, request)
    try:
        review.again.begin(review.desk.queue.run, one.students, f"the group on {one.item}")
    except UsageError as error:
        return review.view.group(one, person, conflict=str(error), status=409)
    return RedirectResponse(f"/group/{one.key}", 303)


async def entry_again(review: Review, request: Request, person: Person) -> Response:
    """Grade one student again, after a fault of the grader or a choice of file."""
    entry = entry_of(review, request)
    try:
        review.again.begin(review.desk.queue.run, [entry.student], review.view.called(entry.student))
    except UsageError as error:
        return await shown(review, request, person, entry, conflict=str(error), status=409)
    return RedirectResponse(review.view.link(entry), 303)


async def requests(review: Review, request: Request, person: Person) -> Response:
    return review.view.requests(person)


async def new_request(review: Review, request: Request, person: Person) -> Response:
    form = form_of(request)
    try:
        review.desk.request(form.get("student", ""), form.get("item", ""), form.get("text", ""), author=person.author)
    except UsageError as error:
        return review.view.requests(person, conflict=str(error), status=422)
    return RedirectResponse("/requests", 303)


async def extensions(review: Review, request: Request, person: Person) -> Response:
    return review.view.extensions(person)


async def extend(review: Review, request: Request, person: Person) -> Response:
    form = form_of(request)
    zone = zone_of(review.desk.queue.run.late)
    try:
        due = moment(form.get("due", ""), zone) if form.get("due") else None
        if form.get("due") and due is None:
            raise UsageError(f"{form['due']} is not a time; write it as 2026-11-27 or 2026-11-27T18:00")
        days = number(form.get("days") or "0", "days")
        if not days.is_integer():
            raise UsageError(f"{days:g} is not a number of days; write a whole number, or give the due date")
        if bool(due) == bool(days) and not form.get("back"):
            raise UsageError("give either a due date or a number of days")
        key, known = review.desk.extend(form.get("student", "").strip(), form.get("group", "").strip(), due, int(days),
                                        author=person.author, why=form.get("why", ""))  # fmt: skip
    except UsageError as error:
        return review.view.extensions(person, conflict=str(error), status=422)
    when = "it counts now and in later runs" if known else "nobody here is called that; it counts once somebody is"
    return review.view.extensions(person, note=f"recorded for {key}; {when}")


async def class_page(review: Review, request: Request, person: Person) -> Response:
    if not review.view.names:
        raise UsageError("the class's page shows names; start the review with --names to see it")
    queue = review.desk.queue
    if review.drawn[0] != queue.changes:  # nothing else changes it
        review.drawn = queue.changes, review.view.class_page(review.desk.book.register(queue.run))
    html = review.drawn[1]
    return HTMLResponse(html, headers={"content-security-policy": review.view.class_policy(html)})


async def similar_pairs(review: Review, request: Request, person: Person) -> Response:
    return similar.overview(review.view, person)


async def similar_pair(review: Review, request: Request, person: Person) -> Response:
    return similar.pair(review.view, person, request.path_params["key"])


async def report(review: Review, request: Request, person: Person) -> Response:
    """A student's report, as the student sees it, or as staff do."""
    if not review.view.names:
        raise UsageError("a report shows the name; start the review with --names to see it")
    name = request.path_params["student"].removesuffix(".html")
    student, audience = (name[:-6], "staff") if name.endswith(".staff") else (name, "student")
    if student not in review.desk.queue.students:
        raise UsageError("there is no such student")
    path = review.desk.folder / pages.path_of(student, "staff" if audience == "staff" else "student")
    if path.is_symlink() or not path.is_file():
        raise UsageError("this student has no page; the batch writes one")
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"
    return HTMLResponse(path.read_text(encoding="utf-8"), headers={"content-security-policy": policy})


async def logout(review: Review, request: Request, person: Person) -> Response:
    answer = RedirectResponse("/enter", 303)
    answer.delete_cookie(review.guard.cookie, path="/")
    return answer


AT = "/at/{about}/{alias}"
SHOWN: dict[str, Answer] = {
    "/": overview,
    "/next": start,
    AT: show,
    f"{AT}/evidence": evidence_of,
    f"{AT}/state": state,
    f"{AT}/picture/{{number:int}}": saved_picture,
    f"{AT}/pdf/{{file:int}}/{{page:int}}": page_of_pdf,
    "/groups": groups,
    "/group/{key}": group,
    "/comments": comments,
    "/requests": requests,
    "/extensions": extensions,
    "/similar": similar_pairs,
    "/similar/{key}": similar_pair,
    "/class": class_page,
    "/reports/{student}": report,
    "/events": events,
}
WRITES: dict[str, Answer] = {
    f"{AT}/decide": decide,
    f"{AT}/say": say,
    f"{AT}/unsay": unsay,
    f"{AT}/comment": new_comment,
    f"{AT}/again": entry_again,
    "/undo": undo,
    "/comments/reword": reword,
    "/group/{key}/decide": decide_group,
    "/group/{key}/again": group_again,
    "/requests/new": new_request,
    "/extensions/new": extend,
    "/leave": logout,
}

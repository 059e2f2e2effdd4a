// Keys, and pages that change in place. All of it works without this file, one page after another.
"use strict";
const $ = (sought, within = document) => within.querySelector(sought);
const all = (sought, within = document) => [...within.querySelectorAll(sought)];
const main = () => $("#main");
const told = (sentence) => { const line = $("#told"); line.textContent = sentence; clearTimeout(told.timer); told.timer = setTimeout(() => { line.textContent = ""; }, 6000); };
let busy = false;
let pages = new AbortController();

function decimal(text) { const value = parseFloat(String(text).replace(",", ".")); return Number.isFinite(value) ? value : null; }

// What was typed and not sent, so that a page that is loaded again has it. The token tells people and servers apart.
const texts = "textarea, input:not([type]):not([inputmode])";
const draft = (field) => `${field.form.elements.csrf.value} ${field.form.getAttribute("action")} ${field.name}`;
const drafts = () => all("form[method=post]").flatMap((form) => [...form.elements]).filter((one) => one.matches(texts));
const keep = (field) => field.value ? sessionStorage.setItem(draft(field), field.value) : sessionStorage.removeItem(draft(field));
const sent = (form) => { for (const field of form.elements) if (field.matches(texts)) sessionStorage.removeItem(draft(field)); };
function recall() {
  for (const field of drafts()) {
    const text = field.value ? null : sessionStorage.getItem(draft(field));
    if (text === null) continue;
    field.value = text;
    field.closest("details")?.setAttribute("open", "");
  }
}

// The sum of the points and the comments that are given.
function sum() {
  const field = $("#points"), line = $("#sum");
  if (!field || !line) return;
  const given = all('input[name="comment"]:checked').map((one) => Number(one.dataset.points));
  const base = decimal(field.value), most = Number(field.dataset.most);
  const total = base === null ? null : Math.min(Math.max(base + given.reduce((a, b) => a + b, 0), 0), most);
  line.textContent = given.length && total !== null ? `with comments: ${+total.toFixed(2)}` : "";
}

// A page from the server takes the place of this one.
function swap(html, focus) {
  const page = new DOMParser().parseFromString(html, "text/html");
  const next = $("#main", page);
  if (!next) { told("The server does not answer as it should; load the page again."); return; }
  main().replaceWith(document.importNode(next, true));
  document.title = page.title;
  const entry = $("#entry");
  if (entry) {
    if (location.pathname !== entry.dataset.link) history.pushState(null, "", entry.dataset.link);
    if (entry.dataset.note) told(entry.dataset.note);
  } else if (location.pathname.startsWith("/at/")) history.pushState(null, "", "/");
  arrive(focus);
}

async function show(response, focus) {
  const kind = response.headers.get("content-type") || "";
  if (kind.startsWith("application/json")) { location.assign((await response.json()).to); return; }
  swap(await response.text(), focus);
}

async function ask(address, options = {}, focus = true, form = null) {
  if (busy) return;
  busy = true;
  try {
    const response = await fetch(address, { ...options, headers: { "x-part": "main" }, redirect: "follow" });
    if (form && response.ok) sent(form);
    await show(response, focus);
  } catch (error) {
    told("The server does not answer. What was confirmed is recorded; start it again, and go on here.");
  } finally { busy = false; }
}

const send = (form, button) => ask(button?.getAttribute("formaction") || form.getAttribute("action"),
  { method: "POST", body: new URLSearchParams(new FormData(form, button)) }, true, form);

// What a page needs once it is there.
async function arrive(focus) {
  pages.abort();
  pages = new AbortController();
  if (focus) { main().focus({ preventScroll: true }); scrollTo(0, 0); }
  for (const button of all("[data-help]")) button.hidden = false;
  recall();
  sum();
  const shown = $("#shown[data-from]");
  if (shown) {
    try {
      const response = await fetch(shown.dataset.from, { signal: pages.signal });
      if (response.ok) shown.replaceChildren(...new DOMParser().parseFromString(await response.text(), "text/html").body.childNodes);
    } catch (error) { if (error.name !== "AbortError") told("The evidence could not be read; load the page again."); }
  }
  leaves();
}

// A PDF, a page at a time.
function leaves() {
  for (const image of all("img[data-pdf]")) {
    const line = image.nextElementSibling;
    let at = 0, most = 0;
    const button = (label, step) => {
      const made = Object.assign(document.createElement("button"), { type: "button", className: "plain", textContent: label });
      made.addEventListener("click", () => turn(at + step));
      return made;
    };
    const place = document.createElement("span");
    const turn = async (to) => {
      if (to < 0 || (most && to >= most)) return;
      const response = await fetch(image.dataset.pdf + to);
      if (!response.ok) { place.textContent = "this page cannot be shown"; return; }
      most = Number(response.headers.get("x-pages"));
      at = to;
      image.src = URL.createObjectURL(await response.blob());
      image.alt = image.alt.replace(/page \d+/, `page ${at + 1}`);
      place.textContent = `page ${at + 1} of ${most}`;
    };
    line.replaceChildren(button("previous page", -1), " ", place, " ", button("next page", 1));
    turn(0);
  }
}

// What others do.
async function look() {
  const entry = $("#entry");
  if (!entry) { if (["/", "/requests"].includes(location.pathname) && !document.activeElement.matches("input, textarea, select")) ask(location.pathname, {}, false); return; }
  const response = await fetch(`${entry.dataset.link}/state?here=${document.hidden ? 0 : 1}`);
  if (!response.ok || entry !== $("#entry")) return;
  const now = await response.json();
  $("#progress b").textContent = `${now.left} left`;
  $("#progress progress").value = now.done;
  $("#other").textContent = now.other ? `${now.other} looks at this, too` : "";
  if (String(now.seen) !== entry.dataset.seen || $("#standing").textContent !== now.standing) {
    $("#standing").textContent = now.standing;
    if (String(now.seen) !== entry.dataset.seen) { entry.dataset.seen = now.seen; told(now.standing ? `Decided in the meantime: ${now.standing}` : "A decision was taken back in the meantime."); }
  }
}

function listen() {
  const source = new EventSource("/events");
  source.addEventListener("message", look);
  addEventListener("pagehide", () => source.close());
}

// Keys

const on = () => localStorage.getItem("keys") !== "off";
function press(key) {
  const target = $(`[data-key="${CSS.escape(key)}"]`, main());
  if (!target) return false;
  if (target.matches("input[type=checkbox]")) { target.checked = !target.checked; sum(); told(target.parentElement.textContent.trim()); } else target.click();
  return true;
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  const field = event.target.matches("input:not([type=checkbox]), textarea, select");
  if (event.key === "Escape" && field) { event.target.blur(); main().focus({ preventScroll: true }); return; }
  if (field) {
    if (event.key === "Enter" && event.target.matches("#why") && !event.shiftKey) { event.preventDefault(); event.target.form.requestSubmit(); }
    return;
  }
  if ($("#help")?.open || !on()) return;
  if (event.key === "?") { $("#help")?.showModal(); event.preventDefault(); return; }
  if (event.key === "Enter" && event.target === main() && $("#form")) { event.preventDefault(); $("#form").requestSubmit(); return; }
  if (/^[0-9]$/.test(event.key) && $("#points")) {
    event.preventDefault();
    $("#points").value = event.key;
    $("#points").focus();
    sum();
  } else if (event.key === "c" && ($("#why") || $("#text"))) { event.preventDefault(); ($("#why") || $("#text")).focus();
  } else if (event.key === "m" && $("#new-comment")) { event.preventDefault(); $("#new-comment").open = true; $("#new-text").focus();
  } else if (event.key === "o") location.assign("/");
  else if (press(event.key)) event.preventDefault();
});

document.addEventListener("input", (event) => { sum(); if (event.target.matches(texts) && event.target.form?.method === "post") keep(event.target); });
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-key]"), place = event.target.closest("[data-place]");
  if (event.target.closest("[data-help]")) $("#help").showModal();
  else if (place && $("#place")) { $("#place").value = place.dataset.place; $("#place").closest("details").open = true; $("#text").focus(); }
  else if (link && $("#entry") && !(event.ctrlKey || event.metaKey || event.shiftKey)) { event.preventDefault(); ask(link.getAttribute("href")); }
});
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method === "dialog") return;
  if (form.getAttribute("action") === "/leave") sessionStorage.clear();
  if ($("#entry") && /\/(decide|say|comment)$|^\/undo$/.test(form.getAttribute("action"))) {
    event.preventDefault();
    if (form.action.endsWith("/comment") && $("#points")) {
      form.elements.base.value = $("#points").value;
      form.elements.chosen.value = all('input[name="comment"]:checked').map((one) => one.value).join(",");
    }
    send(form, event.submitter);
  } else sent(form);
});
addEventListener("popstate", () => ask(location.pathname));
const box = $("#keys-on");
if (box) { box.checked = on(); box.addEventListener("change", () => localStorage.setItem("keys", box.checked ? "on" : "off")); }
listen();
arrive(true);

"""Pages in a real browser, held to WCAG 2.2 AA by axe-core, with the contrast of every text computed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
MISSING = (
    "there is no Chromium here"
    if BROWSER is None
    else "axe-playwright-python is not installed"
    if find_spec("playwright") is None or find_spec("axe_playwright_python") is None
    else ""
)
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
SIZES = {"desk": (1280, 900), "phone": (320, 568)}  # the narrowest of WCAG 1.4.10

# The contrast of each text against what lies behind it, by WCAG's formula: the texts that have too little.
CONTRAST = r"""() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = "#000"; canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = (top, below) => top.slice(0, 3).map((part, at) => part * top[3] + below[at] * (1 - top[3]));
  const light = (colour) => {
    const linear = (c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    const [r, g, b] = colour.map((part) => linear(part / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const page = matchMedia("(prefers-color-scheme: dark)").matches ? [20, 23, 27] : [255, 255, 255];
  const behind = (element) => {
    const layers = [];
    for (let one = element; one; one = one.parentElement) layers.push(rgba(getComputedStyle(one).backgroundColor));
    return layers.reverse().reduce((below, top) => over(top, below), page);
  };
  const poor = [];
  let seen = 0;
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement, style = getComputedStyle(element);
    const box = element.getBoundingClientRect();
    if (!node.data.trim() || style.visibility === "hidden" || box.width <= 1 || box.height <= 1) continue;
    if (["SCRIPT", "STYLE", "TITLE", "title"].includes(element.tagName)) continue;
    seen += 1;
    const svg = element instanceof SVGElement;
    const below = behind(element), text = rgba(svg ? style.fill : style.color);
    text[3] *= Number(style.opacity);
    const [one, other] = [light(over(text, below)), light(below)].sort((a, b) => b - a);
    const size = parseFloat(style.fontSize), large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    const ratio = (one + 0.05) / (other + 0.05);
    const told = `${node.data.trim().slice(0, 40)}: ${ratio.toFixed(2)} in ${element.outerHTML.slice(0, 120)}`;
    if (ratio < (large ? 3 : 4.5)) poor.push(told);
  }
  return { seen, poor };
}"""


@contextmanager
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox", "--disable-gpu"])
        try:
            yield opened
        finally:
            opened.close()


def axe() -> str:
    import axe_playwright_python

    return (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")


def faults(opened: Any, html: str, *, scheme: str, size: str, least: int = 10) -> list[str]:
    """What a page violates; [] if nothing. A page with fewer texts than `least` was not shown at all."""
    width, height = SIZES[size]
    context = opened.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme, bypass_csp=True, reduced_motion="reduce"
    )
    try:
        page = context.new_page()
        page.set_content(html)
        page.evaluate("() => { for (const one of document.querySelectorAll('details')) one.open = true; }")
        page.evaluate(axe())
        options = {"runOnly": {"type": "tag", "values": RULES}, "resultTypes": ["violations"]}
        found = page.evaluate("(options) => axe.run(document, options)", options)
        contrast = page.evaluate(CONTRAST)
        assert contrast["seen"] >= least, "the page shows nothing"
        wide = page.evaluate("() => document.documentElement.scrollWidth - document.documentElement.clientWidth")
        told = [f"{one['id']}: {node['html'][:160]} {node['failureSummary'][:200]}"
                for one in found["violations"] for node in one["nodes"][:3]]  # fmt: skip
        return [*told, *contrast["poor"], *([f"{wide} pixels wider than the window"] if wide > 1 else [])]
    finally:
        context.close()

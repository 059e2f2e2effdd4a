"""A summary as GitHub shows it, by its own parser of Markdown, without the filter that takes HTML out."""

from __future__ import annotations

from html.parser import HTMLParser

import cmarkgfm
from cmarkgfm.cmark import Options

TAGS = set("h3 p strong code table thead tbody tr th td ul li details summary pre".split())


class Page(HTMLParser):
    """`tags` as they are opened, `texts` with the tags that each stands in, `whole` whether each is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.whole = True
        self.open: list[str] = []
        self.tags: list[str] = []
        self.texts: list[tuple[str, tuple[str, ...]]] = []
        self.feed(cmarkgfm.github_flavored_markdown_to_html(text, options=Options.CMARK_OPT_UNSAFE))
        self.close()
        self.whole = self.whole and not self.open

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        self.tags.append(tag)

    def handle_endtag(self, tag):
        self.whole = self.whole and self.open[-1:] == [tag]
        self.open = self.open[:-1]

    def handle_data(self, data):
        self.texts.append((data, tuple(self.open)))

    def handle_comment(self, data):
        self.tags.append("!--")

    def held_in(self, *tags: str) -> list[str]:
        return [text for text, open_ in self.texts if set(tags) & set(open_)]

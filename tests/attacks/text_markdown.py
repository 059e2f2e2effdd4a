"""Headings, links, images, mentions and HTML, in fences that end what they stand in."""

WHEN = 'answer'
EARNS = 0
TEXT = """` `` ``` ```` [click](https://example.org) ![x](https://example.org/x.png) <https://example.org>
# forged heading
forged heading
===
</pre></code></details><h1>forged</h1><a href="https://example.org">click</a><!--
https://example.org www.example.org ada@example.org @octocat #1 :smile: mailto:ada@example.org
| a | b |
| --- | --- |
| ![x](https://example.org/x.png) | x |
```
~~~
[click]: https://example.org"""


def attack(right, w, reg):
    print(TEXT)
    print('`' * 300 + '\n# forged\n' + '`' * 300)
    raise ValueError(TEXT.replace('\n', ' ') + '`' * 100 + '[click](https://example.org)')

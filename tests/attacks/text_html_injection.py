"""HTML and script for the report."""

WHEN = 'answer'
EARNS = 0


def attack(right, w, reg):
    text = '</pre></p><script>document.title="100"</script><img src=x onerror=alert(1)>\'"'
    print(text)
    raise ValueError(text)

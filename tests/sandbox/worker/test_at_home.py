# ruff: noqa: E501 - a case is a line
"""What runs on a student's computer is imported here, too: streams, stand-ins, names of modules, old names, a user.

Each case is some lines at the top of a right file. The function below them has to answer.
"""

from __future__ import annotations

import os
import textwrap
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from grader.errors import Denied, Raised
from grader.model import Limits, Section, Submission
from grader.sandbox.launch import Launcher, Zygote, spawn
from grader.sandbox.remote import Module
from grader.sandbox.session import Session

pytestmark = pytest.mark.medium

SECTION = Section(
    "numpy",
    {"engine": "package/engine.py", "other": "package/other.py"},
    ("engine.py", "other.py"),
    {},
    ("torch",),
)
HANDOUT = {"package/engine.py": b"", "package/other.py": b"", "package/helper.py": b"HELP = 7\n"}
LIMITS = Limits(call_cpu=4, call_wall=10, check_wall=40, memory=1 << 30, output=1000)
FUNCTION = "\nimport numpy as _np\ndef f(x):\n    return _np.asarray(x) + 1\n"
Student = Callable[..., tuple[Session, Module]]


@pytest.fixture(scope="module")
def launch() -> Iterator[Launcher]:
    if not hasattr(os, "fork"):
        yield spawn
        return
    with Zygote() as zygote:
        yield zygote.fork


@pytest.fixture
def student(launch: Launcher) -> Iterator[Student]:
    sessions = []

    def hand_in(code: str, other: str = "") -> tuple[Session, Module]:
        files = {"engine.py": textwrap.dedent(code).encode(), "other.py": textwrap.dedent(other).encode()}
        sessions.append(Session(SECTION, Submission("s", files, {}, ""), HANDOUT, LIMITS, launch))
        sessions[-1].begin(1)
        return sessions[-1], Module(sessions[-1], "engine")

    yield hand_in
    for session in sessions:
        session.close()


STREAMS = {
    "reconfigure": "sys.stdout.reconfigure(encoding='utf-8', line_buffering=True)",
    "reconfigure errors": "sys.stdout.reconfigure(errors='replace'); sys.stderr.reconfigure(encoding='utf-8')",
    "wrapped by io": "sys.stdout = io.TextIOWrapper(sys.stdout.buffer, encoding='utf-8', line_buffering=True)",
    "wrapped twice": "for _ in range(2): sys.stdout = io.TextIOWrapper(sys.stdout.buffer, 'utf-8', write_through=True)",
    "detached": "sys.stdout = codecs.getwriter('utf-8')(sys.stdout.detach())",
    "detached twice": "for _ in range(2): sys.stdout = codecs.getwriter('utf-8')(sys.stdout.detach())",
    "wrapped by codecs": "sys.stdout = codecs.getwriter('utf-8')(sys.stdout.buffer, 'strict')",
    "opened by number": "sys.stdout = open(1, 'w', encoding='utf-8', closefd=False, buffering=1)",
    "opened by fileno": "sys.stdout = os.fdopen(sys.stdout.fileno(), 'w', 1)",
    "duplicated": "sys.stdout = os.fdopen(os.dup(sys.stdout.fileno()), 'w', 1)",
    "restored": "sys.stdout = io.StringIO(); sys.stdout = sys.__stdout__",
    "closed": "sys.stdout.close(); sys.stderr.close()",
    "closed by with": "with sys.stdout as out: out.write('x')",
    "attributes": "assert (sys.stdout.encoding, sys.stdout.newlines, sys.stdout.isatty(), sys.stdout.mode)[1] is None",
    "named": "assert (sys.stdout.name, sys.stderr.name) == ('<stdout>', '<stderr>')",
    "numbers": "assert (sys.stdout.fileno(), sys.stderr.fileno()) == (1, 2)",
    "bytes": "sys.stdout.buffer.write(b'x'); sys.stdout.buffer.flush(); sys.stdout.buffer.raw.write(b'y')",
    "lines": "sys.stdout.writelines(['a\\n', 'b\\n']); sys.stdout.write('c\\r\\n')",
    "logging": "import logging; logging.basicConfig(stream=sys.stdout, level=10); logging.info('x')",
    "log to stderr": "import logging; logging.getLogger().addHandler(logging.StreamHandler()); logging.error('x')",
    "faulthandler": "import faulthandler; faulthandler.enable(); faulthandler.disable()",
    "redirected": "import contextlib\nwith contextlib.redirect_stdout(sys.stderr): print('x')",
    "print to": "print('x', file=sys.__stdout__, flush=True); print('x', file=sys.__stderr__)",
    "a tee": "class Tee:\n    def write(self, s): sys.__stdout__.write(s)\n    def flush(self): pass\nsys.stdout = Tee()",
    "terminal": "os.get_terminal_size(); os.get_terminal_size(1)",
}

ONCE = ("opened by fileno", "wrapped by codecs")  # at home, too, a second file of the kind finds the stream closed


@pytest.mark.parametrize("name", STREAMS)
def test_standard_streams_are_text_streams_of_a_file(student: Student, name: str) -> None:
    """And two files may do the same, and print afterwards."""
    lines = f"import codecs, io, os, sys\n{STREAMS[name]}\nprint('printed é')\n"
    beside = "" if name in ONCE else lines
    session, engine = student(f"{lines}import other\n{FUNCTION}\ndef say(): print('later'); return 1", beside)
    assert engine.say() == 1
    said = session.output()
    assert said.count("printed é") == (2 if beside else 1)
    assert "later" in said


def test_the_cap_holds_however_the_stream_is_wrapped(student: Student) -> None:
    session, engine = student("""
        import io, sys
        sys.stdout = io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8", write_through=True)
        def f():
            for _ in range(100): print("é" * 10_000); sys.stderr.write("x" * 10_000)
            return 1
    """)
    assert engine.f() == 1
    text = session.output()
    assert len(text) < LIMITS.output + 100
    assert f"{100 * 20_001 - LIMITS.output // 2} characters more" in text


MODULES = {
    "relative": "from .other import g",
    "relative package": "from . import other; g = other.g",
    "relative above": "from ..package.other import g",
    "the folder's": "from package.other import g",
    "import of the folder's": "import package.other; g = package.other.g",
    "renamed import": "import package.other as o; g = o.g",
    "the handout's": "from student.package.other import g",
    "of a folder that is not here": "from hw1.package.other import g",
    "flat in a folder that is not here": "from assignment.other import g",
    "by importlib": "import importlib; g = importlib.import_module('package.other').g",
    "a star": "from package.other import *",
    "a path": "import sys, os; sys.path.append('..'); sys.path.insert(0, os.path.dirname(__file__)); from other import g",
    "handed out": "from package.helper import HELP; from .helper import HELP as h; from other import g; assert h == 7",
}


@pytest.mark.parametrize("name", MODULES)
def test_every_name_of_a_module_gives_the_same_object(student: Student, name: str) -> None:
    other = "class Kind: pass\ncount = []\ncount.append(1)\ndef g(): return (len(count), Kind)\n"
    _, engine = student(f"{MODULES[name]}\nimport other as again\ndef f(): return g()[0], g is again.g", other)
    assert engine.f() == (1, True)


STANDINS = {
    "a loop": "from tqdm import tqdm, trange\nassert [i for i in tqdm(range(3))] == [0, 1, 2] == list(trange(3))",
    "a bar": "from tqdm.auto import tqdm\nwith tqdm(total=3) as bar: bar.update(1); bar.set_description('x')",
    "a module of bars": "import tqdm\nfor i in tqdm.tqdm(range(2), desc='x'): tqdm.tqdm.write('x')",
    "a style": "import seaborn as sns\nsns.set(); sns.set_style('darkgrid'); sns.set_theme(context='notebook')",
    "a palette": "import seaborn as sns\ncolours = sns.color_palette('deep')[0:3]\nfor c in colours: pass",
    "decorators": "from numba import jit, njit, prange\n@njit\ndef a(x): return x\n@jit(nopython=True)\ndef b(x): return x\n"
                  "assert a(2) == b(2) == 2 and list(prange(2)) == [0, 1]",
    "vectorized": "import numba\n@numba.vectorize(['float64(float64)'])\ndef a(x): return x + 1\nassert a(1.0) == 2",
    "unknown decorators": "import someprofiler\n@someprofiler.profile\ndef a(x): return x\n@someprofiler.timed(1, unit='s')\n"
                          "def b(x): return x\nassert a(1) == b(1) == 1",
    "a drive": "from google.colab import drive, files\ndrive.mount('/content/drive', force_remount=True)",
    "magics": "get_ipython().run_line_magic('matplotlib', 'inline')\nget_ipython().system('pip install numpy')",
    "magics of a notebook": "%matplotlib inline\n!pip install numpy\n%load_ext autoreload\n%autoreload 2\n",
    "item assignment": "import altair\naltair.options['x'] = (1, 2)\naltair.options['y']['z'] = 3\ndel altair.options['x']",
    "attributes": "import altair\naltair.data_transformers.consolidate = True\naltair.a.b.c.enable('x').d = 1",
    "a context": "import wandb\nwith wandb.init(project='x') as run: run.log({'a': 1})",
    "a base": "import pytorch_lightning as pl\nclass Net(pl.LightningModule, dict):\n    def __init__(self): super().__init__()\nNet()",
    "isinstance": "import pandas as pd\nassert not isinstance(1, pd.DataFrame) and not isinstance(1, (pd.Series, str))",
    "a star": "from absentpackage import *\nfrom absentpackage.part import one, two",
    "submodules": "import scipy.special.orthogonal, sklearn.metrics as m\nfrom scipy.stats.distributions import norm",
    "arithmetic": "import scipy.constants as c\nX = 2 * c.pi + c.e ** 2 / -c.G - 1 @ c.h % 3 // c.k\nif X > 3 or X: pass",
    "numpy arithmetic": "import numpy as np, scipy.constants as c\nX = np.ones(3) * c.pi + np.float64(2) * c.e",
    "annotations": "from jaxtyping import Float, Array\nfrom beartype import beartype\n@beartype\n"
                   "def a(x: Float[Array, 'n d'] | None) -> Float[Array, 'n']: return x",
    "versions": "import pandas as pd\nassert tuple(map(int, pd.__version__.split('.')[:2])) >= (1, 5)",
    "images": "import cv2, PIL.Image\ncv2.setNumThreads(0)\nI = PIL.Image.open('x.png').convert('RGB')",
    "windows": "import msvcrt, winsound\nwinsound.Beep(440, 100)",
    "printing": "from icecream import ic\nfrom rich import print\nassert ic(3) == 3\nprint('[bold]x')",
    "interaction": "from IPython.display import display, clear_output\nimport ipywidgets as w\ndisplay(w.Button(description='x'))",
    "a guard": "try:\n    import absentpackage\n    HERE = True\nexcept ImportError:\n    HERE = False\nassert not HERE",
    "a guard that ends": "try:\n    import absentpackage\nexcept ImportError:\n    raise SystemExit('install it')",
}  # fmt: skip


@pytest.mark.parametrize("name", STANDINS)
def test_what_is_not_installed_survives_its_use_at_import(student: Student, name: str) -> None:
    _, engine = student(STANDINS[name] + FUNCTION)
    assert engine.f([1.0]).tolist() == [2.0]


def test_what_a_stand_in_hid_is_told_once(student: Student) -> None:
    session, engine = student("import seaborn as sns\nsns.set()" + FUNCTION)
    engine.f([1.0])
    assert session.hidden() == ["engine.py:2 uses seaborn.set; seaborn is not installed here, so nothing was done"]
    engine.f([1.0])
    assert session.hidden() == []


def test_all_names_of_an_absent_module_are_told_to_be_absent(student: Student) -> None:
    session, engine = student("from my_utils import *" + FUNCTION)
    engine.f([1.0])
    told = "engine.py:1 imports all names of my_utils, which is not installed here and not handed in, and got none"
    assert session.hidden() == [told]


def test_a_graded_function_that_needs_an_absent_package_is_told_so(student: Student) -> None:
    _, engine = student("from scipy.special import gamma\ndef f(x): return gamma(x)")
    with pytest.raises(Raised, match=r"scipy.special.gamma is used here, but scipy is not installed"):
        engine.f([1.0])


def test_a_function_that_is_easily_replaced_works_without_its_package(student: Student) -> None:
    """CS231n's files need past; scipy is what people know for a softmax."""
    _, engine = student("""
        from past.builtins import xrange
        from past.utils import old_div
        from scipy.special import log_softmax, logsumexp, softmax
        import scipy.special as special
        def divided(a, b): return [old_div(a, b) for _ in xrange(1)]
        def f(x): return logsumexp(x, axis=1), softmax(x, 1), log_softmax(x, axis=-1), special.logsumexp(x)
    """)
    x = np.array([[1000.0, 1000.0 + np.log(3)], [-np.inf, 0.0]])
    rows, shares, logs, whole = engine.f(x)
    assert np.allclose(rows, [1000 + np.log(4), 0.0])
    assert np.allclose(shares, [[0.25, 0.75], [0.0, 1.0]])
    assert np.allclose(np.exp(logs), shares)
    assert np.isclose(whole, 1000 + np.log(4))
    assert (engine.divided(7, 2), engine.divided(7.0, 2)) == ([3], [3.5])


@pytest.mark.parametrize(
    "line", ["import torch", "from torch import nn as torch_nn", "import torch.nn.functional as F"]
)
def test_no_stand_in_is_given_for_what_is_forbidden(student: Student, line: str) -> None:
    _, engine = student(line + FUNCTION)
    with pytest.raises(Denied, match="imports torch"):
        engine.f([1.0])


def test_a_library_is_not_told_that_an_optional_package_is_here(student: Student) -> None:
    _, engine = student("""
        import textwrap, types
        library = types.ModuleType("library")
        def f():
            code = compile("try:\\n import absentpackage\\nexcept ImportError: absentpackage = None", textwrap.__file__, "exec")
            exec(code, vars(library))
            return library.absentpackage is None
    """)
    assert engine.f() is True


OLD_NAMES = (
    "np.float(1) + np.int(1) + np.complex(1) and np.object and np.str('x') and np.bool(1)",
    "np.float_(1) + np.complex_(1) and np.string_(b'x') and np.unicode_('x')",
    "np.Inf == np.infty == np.Infinity == np.PINF == -np.NINF and np.isnan(np.NaN)",
    "np.product([2, 3]) == 6 and np.cumproduct([2, 3])[1] == 6",
    "np.alltrue([True]) and np.sometrue([True, False])",
    "np.in1d([1, 2], [2]).tolist() == [False, True] and np.row_stack([[1], [2]]).shape == (2, 1)",
    "np.trapz([1.0, 1.0]) == 1.0 and np.asfarray([1]).dtype == float and np.round_(1.4) == 1",
    "np.matrix([[1]]) * np.mat([[2]]) == 2 and np.asscalar(np.array([3])) == 3",
    "np.math.exp(0) == 1 and np.float64 in np.sctypes['float']",
)


@pytest.mark.parametrize("line", OLD_NAMES)
def test_names_that_numpy_dropped_work_as_they_did(student: Student, line: str) -> None:
    _, engine = student(f"import numpy as np\nassert {line}\ndef f(): return bool({line})")
    assert engine.f() is True


def test_old_names_can_be_imported_and_old_modules_too(student: Student) -> None:
    session, engine = student(
        "from numpy import float_, product\nfrom numpy.lib.shape_base import expand_dims\n"
        "import numpy.core.fromnumeric\n" + FUNCTION
    )
    assert engine.f([1.0]).tolist() == [2.0]
    assert any("np.product" in sentence for sentence in session.hidden())


MACHINE = {
    "user": "import getpass, os\nassert getpass.getuser() == os.environ['USER'] == os.getlogin() == os.environ['LOGNAME']",
    "home": "import os, pathlib\nassert os.path.isdir(os.environ['HOME']) and pathlib.Path.home().is_dir()",
    "accounts": "import os, pwd, grp\nassert pwd.getpwuid(os.getuid()).pw_dir and grp.getgrgid(os.getgid()).gr_name",
    "language": "import locale\nlocale.setlocale(locale.LC_ALL, 'de_DE.UTF-8'); locale.setlocale(locale.LC_ALL, '')",
    "machine": "import platform, socket\nplatform.platform(); platform.node(); platform.processor(); socket.gethostname()",
    "processors": "import multiprocessing, os\nassert multiprocessing.cpu_count() > 0 and os.cpu_count()",
    "time zone": "import datetime, time\ndatetime.datetime.now().astimezone(); time.localtime(); time.tzname",
    "main": "import __main__, os\nos.path.dirname(__main__.__file__)",
    "a file elsewhere": "import pickle\nDATA = pickle.load(open('data_batch_1', 'rb'))",
    "a folder elsewhere": "import os\nos.chdir('/Users/ada/homework')",
    "a folder above": "import os\nos.makedirs('../plots/today', exist_ok=True)",
    "a log elsewhere": "import logging\nlogging.basicConfig(filename='/var/log/homework-of-ada.log')",
    "a folder of Colab's": "import os\nos.makedirs('/content/plots/today', exist_ok=True)",
    "numbers kept elsewhere": "import numpy as np\nnp.save('/tmp/ada/of/mine.npy', np.ones(2))\nnp.save('/tmp/of-ada.npy', np.ones(2))",
    "an argument": "import sys\nNAME = sys.argv[1]",
    "as many arguments": "import sys\n_, NAME = sys.argv",
    "an option": "import argparse\np = argparse.ArgumentParser()\np.add_argument('x')\nA = p.parse_args()\nprint(A.x)",
    "a variable": "import os\nKEY = os.environ['KEY_OF_MINE']",
    "somebody who types": "N = int(input('n: '))\nfor i in range(N): print(i)",
    "what a file elsewhere holds": "import pickle\nDATA = pickle.load(open('data_batch_1', 'rb'))\nprint(DATA['x'])",
    "a process": "import subprocess, sys\nsubprocess.check_call([sys.executable, '-m', 'pip', 'install', 'numpy'])",
    "a shell": "import os\nos.system('clear')",
    "a debugger": "import pdb\npdb.set_trace()\nprint(1)",
    "a debugger of Python 3.14": "import sys\nexec(compile('sys.exit(0)', '/lib/pdb.py', 'exec'))",
    "numpy's errors": "import numpy as np\nnp.seterr(all='raise')",
}


@pytest.mark.parametrize("name", MACHINE)
def test_a_file_finds_the_machine_that_it_was_written_on(student: Student, name: str) -> None:
    _, engine = student(MACHINE[name] + FUNCTION)
    assert engine.f([1.0]).tolist() == [2.0]


@pytest.mark.parametrize(
    "line", ["open('/etc/passwd').read()", "import os\nos.listdir('/etc')", "open('/etc/passwd', 'a')"]
)
def test_a_file_that_is_there_and_may_not_be_opened_is_denied(student: Student, line: str) -> None:
    with pytest.raises(Denied, match="opened /etc"):
        student(line + FUNCTION)[1].f([1.0])


def test_a_misspelt_name_of_numpy_is_no_module(student: Student) -> None:
    for line in ("from numpy import maxmum", "import numpy as np\nx = np.maxmum", "from numpy.linalg import normm"):
        with pytest.raises(Raised, match=r"maxmum|normm"):
            student(line + FUNCTION)[1].f([1.0])


DEMOS = {
    "the end": "import sys\nsys.exit()",
    "tests": "import unittest\nclass Tests(unittest.TestCase): pass\nunittest.main()",
    "a loop": "while True: pass",
    "training": "def train():\n    for step in range(10**9): f([1.0])\ntrain()",
    "sleep": "import time\nfor step in range(1000):\n    time.sleep(1)",
    "many naps": "import time\nfor step in range(400):\n    time.sleep(0.01)",
    "a question": "input('again? ')",
    "a password": "import getpass\ngetpass.getpass()",
    "more memory than there is": "import numpy as np\nA = np.ones((1 << 20, 1 << 20))",
}


@pytest.mark.medium
@pytest.mark.parametrize("name", DEMOS)
def test_what_a_script_does_behind_its_functions_costs_nothing(student: Student, name: str) -> None:
    session, engine = student(f"import numpy as np\n{FUNCTION}\n{DEMOS[name]}\ndef g(x): return f(x) + K\nK = 3.0\n")
    assert engine.g([1.0]).tolist() == [5.0]
    assert len(session.hidden()) == (name != "many naps")


def test_a_script_that_moves_elsewhere_writes_where_it_would_have_written(student: Student) -> None:
    _, engine = student(
        "import os\nos.chdir(os.path.dirname(os.path.abspath(__file__)))\n"
        "def f():\n    open('out.txt', 'w').close()\n    return os.path.exists('out.txt')"
    )
    assert engine.f() is True


def test_what_follows_on_a_skipped_line_still_runs(student: Student) -> None:
    _, engine = student("A = 1; B = open('absent').read(); C = 3\ndef f(): return A + C")
    assert engine.f() == 4


def test_a_skipped_line_is_not_run_again(student: Student) -> None:
    session, engine = student("SEEN = []\nDATA = (SEEN.append(1), open('absent'))\ndef f(): return len(SEEN)")
    assert engine.f() == 1
    assert len(session.hidden()) == 1


def test_what_a_skipped_line_would_have_imported_is_not_missed(student: Student) -> None:
    _, engine = student("if open('absent'):\n    import json as J\nK = J.loads('1')\ndef f(): return 4")
    assert engine.f() == 4


def test_what_a_definition_needs_of_a_skipped_line_is_left_out(student: Student) -> None:
    session, engine = student("""
        import json
        C = json.load(open("config.json"))
        RATE = float(C["rate"])

        def f(x, rate=RATE, *, more: C = 1, size=C["size"]):
            return x + more, rate, size

        @C.register
        class Config(C, object, metaclass=C):
            rate = C["rate"]
            kind = "sgd"

            def name(self, rate=RATE):
                return self.kind, rate

        def g():
            return Config().name()
    """)
    assert engine.f(1) == (2, None, None)
    assert engine.g() == ("sgd", None)
    assert [one.partition(" ")[2] for one in session.hidden()][2:] == [
        "needs RATE, which is not here; that part was left out", "needs C, which is not here; that part was left out"
    ]  # fmt: skip


def test_a_script_that_ends_before_its_functions_is_a_mistake(student: Student) -> None:
    for line in ("import sys\nsys.exit()", "raise SystemExit(1)"):
        with pytest.raises(Raised, match=r"called sys.exit\(\)"):
            student(line + FUNCTION)[1].f([1.0])


def test_what_was_skipped_is_told_and_what_is_wrong_is_not_skipped(student: Student) -> None:
    session, engine = student("DATA = open('data.bin').read()" + FUNCTION)
    engine.f([1.0])
    assert [one.partition(";")[0] for one in session.hidden()] == [
        "engine.py:1 raised FileNotFoundError: [Errno 2] No such file or directory: 'data.bin'"
    ]
    for line, says in (("x = undefined", "NameError"), ("x = [][1]", "IndexError"), ("x = 1 / 0", "ZeroDivision")):
        with pytest.raises(Raised, match=says):
            student(line + FUNCTION)[1].f([1.0])

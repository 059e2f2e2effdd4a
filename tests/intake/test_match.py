"""Names that systems give to a copy or a download, in many languages, and which wanted file each stands for."""

from __future__ import annotations

import pytest
from endless import expect_end

from grader.intake.match import EXACT, HOLDS, MARKED, WRITTEN, distances

WANTED = ("functions.py", "layers.py", "two_layer_net.py", "train.py", "part1.ipynb", "part2.ipynb")

OTHER_LETTERS = [
    "Layers.py",
    "LAYERS.PY",
    "layers.py ",
    "layers.py.",
    "ｌａｙｅｒｓ.py",
    "lay\u200bers.py",
    "läyers.py",
]

MARKS = """
    layers (1).py|layers(1).py|layers (1) (2).py|layers[1].py|layers-1.py|layers-1-2.py|layers_1.py
    layers 2.py|layers.1.py|layers - Copy.py|layers - Copy (2).py|layers copy.py|layers copy 2.py
    layers-Copy1.py|layers_copy.py|Copy of layers.py|Copy (2) of layers.py|Copy of Copy of layers (1).py
    layers - Kopie.py|layers - Kopie (2).py|Kopie von layers.py|layers Kopie.py|Copie de layers.py
    layers - Copie.py|layers copie 2.py|layers - copia.py|layers copia.py|Copia de layers.py
    Copia di layers.py|Cópia de layers.py|layers - Cópia.py|layers cópia 2.py|Kopie van layers.py
    layers - Kopia.py|Kopia layers.py|Kopia av layers.py|Kopi af layers.py|Kopi av layers.py
    layers kopio.py|layers — копия.py|layers - копия (2).py|Копия layers.py|layers - Kopya.py
    layers kopyası.py|layers - 副本.py|layers 副本.py|layers的副本.py|“layers.py”的副本.py|副本layers.py
    layers 拷贝.py|layers - 複製.py|layersのコピー.py|layers のコピー 2.py|layers - コピー.py
    layers - コピー (2).py|コピー ～ layers.py|layers - 복사본.py|layers 복사본.py|layers의 사본.py
    layers - másolat.py|Αντίγραφο layers.py|Bản sao của layers.py|Salinan layers.py|สำเนาของ layers.py
    layers - kópia.py|layers – kopie.py|layers (Ada's conflicted copy 2026-11-20).py
    layers (conflicted copy 2024-01-01).py|layers (Ada Lovelace).py
    layers (In Konflikt stehende Kopie von Ada 2026-11-20).py
    layers (Copie en conflit de Ada 2026-11-20).py|layers (SFConflict ada@x.edu 2026-11-20).py
    layers (Case Conflict).py|layers [conflicted].py|layers.sync-conflict-20240101-120000-ABC.py
    layers_conflict-20240101-120000.py|layers-DESKTOP-ABC123.py|layers-LAPTOP-X9.py
    layers-Adas-MacBook-Pro.py|layers-ADA-PC.py|layers.py.txt|layers.py.download|layers.py.ipynb
    layers.py.py|layers.txt|layers.pyw|layers|layers.py.bak|layers.py~|#layers.py#|layers.py.1
    layers.py (1)|layers.py - Copy|layers (1).py.txt|layers.py.json|.layers.py.icloud|._layers.py
    layers .py|layers..py|layers%20(1).py|1. layers.py|'layers'.py|_layers_.py|layers.py.orig
    layers.py.part|layers,py
"""  # fmt: skip

HELD = """
    hw1_layers.py|lovelaceada_1234_567_layers.py|layers_final.py|layers_v2_final.py|layers-done.py
    old_layers.py|gradcheck_layers.py|Ada Lovelace layers.py
"""


def listed(text: str) -> list[str]:
    return [name.strip() for name in text.replace("\n", "|").split("|") if name.strip()]


@pytest.mark.parametrize("name", OTHER_LETTERS)
def test_a_name_in_other_letters(name):
    assert distances(name, WANTED) == {"layers.py": WRITTEN}


@pytest.mark.parametrize("name", listed(MARKS))
def test_what_a_system_adds_to_a_name(name):
    assert distances(name, WANTED) == {"layers.py": MARKED}


@pytest.mark.parametrize("name", listed(HELD))
def test_a_name_that_holds_the_wanted_one(name):
    assert distances(name, WANTED) == {"layers.py": HOLDS}


@pytest.mark.parametrize(
    ("name", "base"),
    [
        ("TwoLayerNet.py", "two_layer_net.py"),
        ("two-layer-net (1).py", "two_layer_net.py"),
        ("Two Layer Net - Kopie.py", "two_layer_net.py"),
        ("part1-Copy1.ipynb", "part1.ipynb"),
        ("Kopie von part2.ipynb", "part2.ipynb"),
        ("part1.ipynb.json", "part1.ipynb"),
        ("part 1 (1).ipynb", "part1.ipynb"),
        ("part2 2.ipynb", "part2.ipynb"),
    ],
)
def test_the_other_files_too(name, base):
    assert distances(name, WANTED) == {base: MARKED}


@pytest.mark.parametrize(
    "name",
    [
        "utils.py", "mylayers.py", "layering.py", "training.py", "part12.ipynb", "part3.ipynb", "apart.ipynb", "", ".",
        "x" * 500, "layers" * 100, "function.py",
    ],
)  # fmt: skip
def test_other_names(name):
    assert distances(name, WANTED) == {}


def test_the_name_itself_and_a_name_that_may_be_two():
    assert distances("layers.py", WANTED) == {"layers.py": EXACT}
    assert distances("layers_train.py", WANTED) == {"layers.py": HOLDS, "train.py": HOLDS}


@pytest.mark.parametrize(
    "text", ["-" * 190 + "layers", "layers" + "-" * 190, "layers" + " copy" * 38, "layers" + "-pc" * 60]
)
def test_a_hostile_name_takes_no_time(text):
    with expect_end():
        distances(text, WANTED)

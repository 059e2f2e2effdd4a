"""What a notebook asks of a GPU, another machine's folders, pictures and older libraries, as it goes here."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
# In a process of its own, because what is prepared stays so.
PREPARED = """
import glob, importlib, io, json, os, sys, warnings
from pathlib import Path
warnings.simplefilter("ignore")
import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.optim import lr_scheduler
from grader.homework.worker import cuda, paths, vision
PICTURED = ("torchvision.io", "matplotlib.pyplot", "matplotlib", "google.colab")
PLOTTED = ("mpl_toolkits.mplot3d", "tqdm.contrib")
folder, asked = json.loads(sys.argv[1])
os.chdir(folder)
vision.prepare()
paths.prepare_lists()
pixels = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
for name in ("dog.PNG", "cat.jpg"):
    Image.fromarray(pixels).save(open(name, "wb"), "BMP")
tio, plt, mpl, colab = map(importlib.import_module, PICTURED)
mplot3d, contrib = map(importlib.import_module, PLOTTED)
from tqdm import tqdm, tnrange
bar = tqdm(range(2))
model = nn.Linear(2, 2)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
found = []
with cuda.OnCPU():
    for code in asked:
        try:
            value = eval(code)
            found.append("" if value is None else f"{value.device}" if isinstance(value, torch.Tensor) else f"{value}")
        except Exception as error:
            found.append(f"{type(error).__name__}: {error}")
print(json.dumps(found))
"""
CPU = [
    "torch.zeros(2).to(0)",
    "torch.zeros(2, device=0)",
    "model.to(0).weight",
    "model.to(device=0).weight",
    "model.to('cuda:0').cuda().weight",
    "torch.zeros(2).type(torch.cuda.FloatTensor)",
    "torch.zeros(2).type('torch.cuda.FloatTensor')",
    "torch.cuda.FloatTensor([1, 2])",
    "torch.randperm(3, generator=torch.Generator(device='cuda').manual_seed(3))",
    "torch.randn(2).pin_memory()",
    "torch.zeros(2, pin_memory=True)",
    "torch.zeros(2).to(torch.accelerator.current_accelerator())",
    "torch.cuda.get_rng_state()",
]
DONE = [
    "torch.set_default_tensor_type('torch.cuda.FloatTensor')",
    "torch.cuda.device(0).__enter__()",
    "torch.cuda.Event(enable_timing=True).record()",
    "torch.cuda.synchronize()",
    "torch.accelerator.synchronize()",
    "torch.accelerator.empty_cache()",
    "torch.accelerator.set_device_index(0)",
    "torch.mps.empty_cache()",
    "tqdm.write('epoch 1')",
    "mpl.rcParams.__setitem__('figure.figsize', (8, 4))",
    "torch.save({'a': 1}, '/content/drive/MyDrive/best.pth')",
    "os.makedirs('/content/drive/MyDrive/checkpoints', exist_ok=True)",
    "Path('/content/new').mkdir()",
    "os.makedirs('own/deeper')",
    "torch.save(1, 'own/deeper/m.pt')",
]
SAID = {
    "torch.cuda.get_device_properties(0).total_memory > 0": "True",
    "torch.cuda.current_device()": "0",
    "torch.accelerator.current_device_index(), torch.mps.current_allocated_memory()": "(0, 0)",
    "torch.accelerator.current_accelerator().type if torch.accelerator.is_available() else 'cpu'": "cuda",
    "torch.cuda.Event().elapsed_time(torch.cuda.Event())": "0.0",
    "type(lr_scheduler.ReduceLROnPlateau(optimizer, 'min', verbose=True)).__name__": "ReduceLROnPlateau",
    "type(lr_scheduler.StepLR(optimizer, 1, verbose=True)).__name__": "StepLR",
    "lr_scheduler.OneCycleLR(optimizer, 0.1, 10).last_epoch": "0",
    "np.Inf, np.float, np.int": "(inf, <class 'float'>, <class 'int'>)",
    "torch.load('/content/drive/MyDrive/best.pth', map_location='cuda:0')": "{'a': 1}",
    "torch.load('BEST.pth', 'cuda')": "{'a': 1}",
    "open('/content/log.txt', 'a').write('x')": "1",
    "open('C:\\\\Users\\\\me\\\\log.txt').read()": "x",
    "Path('/elsewhere/log.txt').read_text()": "x",
    "torch.equal(tio.read_image('/content/cat.jpg'), torch.tensor(pixels).permute(2, 0, 1))": "True",
    "tuple(tio.read_image('cat.jpg', tio.ImageReadMode.GRAY).shape)": "(1, 2, 4)",
    "tuple(tio.image.decode_jpeg(tio.read_file('cat.jpg'), mode=tio.ImageReadMode.RGB).shape)": "(3, 2, 4)",
    "np.array_equal(plt.imread('cat.jpg'), pixels)": "True",
    "np.array_equal(mpl.image.imread('dog.PNG'), np.float32(pixels / 255))": "True",
    "plt.imread('dog.PNG').dtype": "float32",
    "plt.imread(open('dog.PNG', 'rb')).dtype": "float32",
    "list(colab.files.upload()), list(colab.files.upload())": "(['cat.jpg', 'dog.PNG'], ['dog.PNG', 'cat.jpg'])",
    "Image.open(io.BytesIO(colab.files.upload()['dog.PNG'])).size": "(4, 2)",
    "io.BytesIO(plt.figure())": "TypeError: a bytes-like object is required, "
    "not 'stand-in for a library that is not here'",
    "list(tnrange(2)), list(contrib.tenumerate('a'))": "([0, 1], [(0, 'a')])",
    "[bar.n for _ in bar], bar.update(2), bar.n": "([0, 1], None, 4)",
    "type(2 * plt.ylim()[1] + 1) is type(mplot3d)": "True",
    "type(plt)": "<class 'stand-in for a library that is not here'>",
    "sorted(os.listdir('/content/drive/MyDrive'))": "['best.pth', 'cat.jpg', 'checkpoints', "
    "'dog.PNG', 'log.txt', 'new', 'own']",
    "glob.glob('pictures/*.txt')": "['pictures/log.txt']",
    "os.listdir('own/deeper')": "['m.pt']",
    "os.listdir('/proc/self/fd') == os.listdir('.')": "False",
    "open('absent.txt')": "FileNotFoundError: [Errno 2] No such file or directory: 'absent.txt'",
}

pytestmark = [
    pytest.mark.medium,
    pytest.mark.skipif(
        find_spec("torch") is None or find_spec("torchvision") is None,
        reason="torch is not installed; type: python -m pip install -e '.[torch]'",
    ),
]


def prepared(folder: Path, *asked: str) -> list[str]:
    """What expressions come to in a process that is prepared for a notebook, with `folder` as its own."""
    command = [sys.executable, "-c", PREPARED, json.dumps([str(folder), asked])]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_what_notebooks_ask_of_other_machines_and_years_goes_here(tmp_path):
    expected = dict.fromkeys(CPU, "cpu") | dict.fromkeys(DONE, "") | SAID
    found = dict(zip(expected, prepared(tmp_path, *expected), strict=True))
    assert found == expected

"""Replaces a GPU by the CPU: a notebook that requests a GPU, by any of its names, gets the CPU."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from .replaced import replace

GPUS = ("cuda", "mps", "xpu", "xla")
IS_CUDA = torch.Tensor.is_cuda.__get__
# What a notebook asks of torch.cuda, torch.mps and torch.accelerator: to act, or for a number.
ACTIONS = (
    "synchronize", "set_device", "set_device_index", "set_device_idx", "empty_cache", "reset_peak_memory_stats",
    "reset_accumulated_memory_stats", "reset_max_memory_allocated", "reset_max_memory_cached", "init", "ipc_collect",
    "set_per_process_memory_fraction",
)  # fmt: skip
NUMBERS = (
    "memory_allocated", "max_memory_allocated", "memory_reserved", "max_memory_reserved", "current_device",
    "current_device_index", "current_device_idx", "current_allocated_memory", "driver_allocated_memory",
    "recommended_max_memory", "utilization", "temperature", "power_draw", "clock_rate",
)  # fmt: skip
LEGACY = "torch.cuda."  # begins old names of types: torch.cuda.FloatTensor


class OnCPU(TorchFunctionMode):
    """Uses the CPU wherever a GPU is requested, in the thread that enters it."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func == IS_CUDA:
            return not asked_by_torch(1) or func(*args)
        if func is torch.Tensor.cuda or func is torch.Tensor.pin_memory:
            return args[0]
        if func is torch.Tensor.to:
            args = (args[0], *map(numbered, args[1:]))
        return func(*map(cpu, args), **named(kwargs or {}))


def cpu(value: Any) -> Any:
    """`value`, or the CPU if it names a GPU."""
    if isinstance(value, torch.device):
        return value if value.type in ("cpu", "meta") else torch.device("cpu")
    if type(value) is str:
        if value.partition(":")[0] in GPUS:
            return "cpu"
        if value.startswith(LEGACY):
            return f"torch.{value.removeprefix(LEGACY)}"
    return value


def numbered(value: Any) -> Any:
    """As `cpu`, for arguments where a bare number names a GPU."""
    return "cpu" if type(value) is int else cpu(value)


def named(kwargs: dict[str, Any]) -> dict[str, Any]:
    """Keyword arguments without a GPU; memory is pinned for one alone."""
    given = {name: value for name, value in kwargs.items() if name != "pin_memory"}
    return {name: numbered(value) if name == "device" else cpu(value) for name, value in given.items()}


def asked_by_torch(depth: int) -> bool:
    """Whether the caller `depth` calls above is torch itself, which must get the true answer."""
    return str(sys._getframe(depth + 1).f_globals.get("__name__", "")).partition(".")[0] in ("torch", "torchvision")


def claimed(truth: Callable[..., Any], claim: Any) -> Callable[..., Any]:
    """A function such as `is_available` that returns `claim` to a notebook, and the truth to torch itself."""
    return lambda *args, **kwargs: truth(*args, **kwargs) if asked_by_torch(1) else claim


def prepare() -> None:
    """Replace, for good in this process, functions that OnCPU cannot intercept because they do not take tensors."""
    claim_a_gpu()
    stand_in_for_a_gpu()
    keep_on_cpu()


def claim_a_gpu() -> None:
    """Answer questions about the machine as if it had a GPU."""
    mps, accelerator = torch.backends.mps, getattr(torch, "accelerator", None)
    for owner, name, claim in (
        (torch.cuda, "is_available", True), (torch.cuda, "is_initialized", True), (torch.cuda, "device_count", 1),
        (mps, "is_available", True), (mps, "is_built", True), (torch.backends.cuda, "is_built", True),
        (accelerator, "is_available", True), (accelerator, "device_count", 1),
        (accelerator, "current_accelerator", torch.device("cuda")),
    ):  # fmt: skip
        if hasattr(owner, name):
            replace(owner, name, claimed(getattr(owner, name), claim))
    replace(torch.cuda, "get_device_name", lambda *args, **kwargs: PROPERTIES.name)
    replace(torch.cuda, "get_device_properties", lambda *args, **kwargs: PROPERTIES)
    replace(torch.cuda, "get_device_capability", lambda *args, **kwargs: (0, 0))
    for owner, name in ((torch.cuda, "mem_get_info"), (accelerator, "get_memory_info")):
        if hasattr(owner, name):
            replace(owner, name, lambda *args, **kwargs: (PROPERTIES.total_memory, PROPERTIES.total_memory))


def stand_in_for_a_gpu() -> None:
    """Have the CPU do what only a GPU can do, or nothing."""
    library: Any = torch
    accelerator = getattr(torch, "accelerator", None)
    half, scaler = torch.amp.autocast, torch.amp.GradScaler  # half precision, only for a GPU
    for owner in (library, torch.amp, torch.cuda.amp):
        replace(owner, "autocast", lambda *args, **kwargs: half("cpu", enabled=False))
        replace(owner, "GradScaler", lambda *args, **kwargs: scaler("cpu", enabled=False))
    for name in [name for name in dir(torch.cuda) if name.endswith("Tensor") and hasattr(torch, name)]:
        replace(torch.cuda, name, getattr(torch, name))
    for owner in (torch.cuda, torch.mps, accelerator):
        for name, given in (*dict.fromkeys(ACTIONS).items(), *dict.fromkeys(NUMBERS, 0).items()):
            if hasattr(owner, name):
                replace(owner, name, claimed(getattr(owner, name), given))
    for name in ("get_rng_state", "initial_seed"):
        state = getattr(library, name)
        replace(torch.cuda, name, lambda *args, state=state: state())
    replace(torch.cuda, "memory_summary", lambda *args, **kwargs: "")
    replace(torch.cuda, "device", lambda *args, **kwargs: contextlib.nullcontext())
    replace(torch.cuda, "Event", Event)
    replace(library, "Generator", Generator)


def keep_on_cpu() -> None:
    """Have what is moved to a device, made for one or loaded to one stay on the CPU."""
    library: Any = torch
    to, legacy, load = torch.nn.Module.to, library.set_default_tensor_type, torch.load
    replace(torch.nn.Module, "to", lambda self, *args, **kwargs: to(self, *map(numbered, args), **named(kwargs)))
    replace(library, "set_default_tensor_type", lambda kind: legacy(cpu(kind)))
    replace(library, "load", lambda f, map_location=None, *args, **kwargs: load(f, cpu(map_location), *args, **kwargs))


PROPERTIES = SimpleNamespace(name="CPU", total_memory=1 << 30, multi_processor_count=1, major=0, minor=0)


class Generator(torch.Generator):
    """A generator on the CPU, whatever device is requested."""

    def __new__(cls, device: Any = None) -> Any:
        return super().__new__(cls)


class Event:
    """A moment on the clock, for timing a GPU's work."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.at = 0.0

    def record(self, *args: Any) -> None:
        self.at = time.perf_counter()

    def wait(self, *args: Any) -> None:
        """Nothing to wait for on a CPU."""

    synchronize = wait

    def query(self) -> bool:
        return True

    def elapsed_time(self, end: Event) -> float:
        """Milliseconds."""
        return 1000 * (end.at - self.at)

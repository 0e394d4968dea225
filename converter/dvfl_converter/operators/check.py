"""Operator compatibility of a model, before any conversion."""

from __future__ import annotations

import importlib
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from dvfl.errors import ConversionError
from dvfl.manifest import OperatorReport
from dvfl.model.checkpoint import load_checkpoint
from dvfl.spec import PreprocessingSpec
from dvfl_converter.plan import check_clip_shape
from dvfl_converter.program import Program
from dvfl_converter.targets.base import Target
from dvfl_converter.targets.registry import load_backend


@dataclass(frozen=True)
class Checked:
    """One target's report, or why the program could not even be exported."""

    target: str
    report: OperatorReport | None
    error: str | None = None

    def slow_share(self) -> float:
        """Share of the MACs off the delegate or, on a target without one, that nothing runs."""
        if self.report is None:
            return 1.0
        if self.report.delegate:
            return 1.0 - self.report.macs_share("delegate")
        return self.report.macs_share("portable") + self.report.macs_share("unsupported")

    @property
    def convertible(self) -> bool:
        """No operator is unsupported."""
        return self.report is not None and self.report.count("unsupported") == 0


def check_checkpoint(path: Path, target: Target, frames: int, size: int) -> Checked:
    """Checks the program that ``dvfl convert`` would convert: the network as lowered for the target."""
    check_clip_shape(frames, size)
    network = load_checkpoint(path).network()
    spec = PreprocessingSpec.default().with_clip(frames=frames, size=size)
    return _checked(target, load_backend(target).lowered(network, spec))


def check_model(factory: str, target: Target, shape: tuple[int, ...]) -> Checked:
    """Checks any model as it is, on an input of zeros of ``shape``."""
    module = load_factory(factory)
    return _checked(target, Program(module.eval(), (torch.zeros(shape),), None))


def load_factory(factory: str) -> nn.Module:
    """Calls ``package.module:factory`` without arguments.

    Raises:
        ConversionError: it does not import, does not exist, fails, or gives no module.
    """
    module_name, colon, function = factory.partition(":")
    if not (module_name and colon and function):
        raise ConversionError(f"--model {factory}: write package.module:factory")
    # Like `python -m`: a factory beside the user is the common case.
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        made = getattr(importlib.import_module(module_name), function)()
    except ImportError as error:
        raise ConversionError(f"--model {factory}: {error}") from None
    except AttributeError:
        raise ConversionError(f"--model {factory}: '{module_name}' has no '{function}'") from None
    except Exception as error:
        raise ConversionError(
            f"--model {factory}: the factory failed: {type(error).__name__}: {error}"
        ) from error
    if not isinstance(made, nn.Module):
        raise ConversionError(f"--model {factory}: gives a {type(made).__name__}, not a torch.nn.Module")
    return made


def _checked(target: Target, program: Program) -> Checked:
    try:
        return Checked(target.name, load_backend(target).operators(program))
    except Exception as error:
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        return Checked(target.name, None, f"cannot be exported for {target.name}: {first[:300]}")

"""The released runtimes that an app may carry, as data."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Release:
    """A runtime as the package index has it.

    Attributes:
        family: runtimes of one family are ordered by version; the same package with other kernels is another.
        api: how ``probe.py`` talks to it.
        target: the artifacts that it may load.
        version: of the family.
        requirements: what ``pip install`` gets.
        alone: what it gets with ``--no-deps``.
    """

    family: str
    api: str
    target: str
    version: str
    requirements: tuple[str, ...]
    alone: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """``tensorflow 2.19.1``."""
        return f"{self.family} {self.version}"


# Wheels of before NumPy 2 do not say that they need an older one.
_OLD_NUMPY = "numpy<2"
_TENSORFLOW = ("2.17.1", "2.18.1", "2.19.1", "2.20.0", "2.21.0")
# What an app has where XNNPACK is missing or refuses a graph.
_KERNELS = (("tensorflow", "tensorflow"), ("tensorflow reference kernels", "tensorflow-reference"))
_LITERT = ("1.0.1", "1.1.2", "1.2.0", "1.3.0", "1.4.0", "2.0.3", "2.1.6", "2.2.0", "2.3.0")
# Each release of ExecuTorch is built against one of PyTorch; its runtime needs nothing else of what it
# depends on, some of which is no wheel.
_EXECUTORCH = {
    "1.0.1": "2.9.*",
    "1.1.0": "2.10.*",
    "1.2.0": "2.11.*",
    "1.3.1": "2.12.*",
    "1.4.1": "2.13.*",
    "1.5.1": "2.14.*",
}

RELEASES: tuple[Release, ...] = (
    Release("tflite-runtime", "tflite-runtime", "litert", "2.14.0", ("tflite-runtime==2.14.0", _OLD_NUMPY)),
    *(
        Release(family, api, "litert", version, (f"tensorflow-cpu=={version}",))
        for version in _TENSORFLOW
        for family, api in _KERNELS
    ),
    *(
        Release(
            "ai-edge-litert",
            "litert",
            "litert",
            version,
            (f"ai-edge-litert=={version}", *((_OLD_NUMPY,) if version == "1.0.1" else ())),
        )
        for version in _LITERT
    ),
    *(
        Release(
            "executorch",
            "executorch",
            "executorch",
            version,
            (f"torch=={torch}", "numpy"),
            (f"executorch=={version}",),
        )
        for version, torch in _EXECUTORCH.items()
    ),
)

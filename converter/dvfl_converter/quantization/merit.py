"""Whether an int8 artifact earns its place beside fp32."""

from __future__ import annotations

from dataclasses import dataclass

from dvfl.manifest import Artifact


@dataclass(frozen=True)
class Merit:
    """An int8 artifact against fp32.

    Attributes:
        bytes: its size.
        fp32_bytes: of the target's fp32 artifact or, where none was made, of the weights alone.
        time_ratio: fastest run over fp32's fastest, interleaved; ``None`` if no runtime is here.
    """

    bytes: int
    fp32_bytes: int
    time_ratio: float | None


def shortcomings(artifact: Artifact, merit: Merit) -> list[str]:
    """One phrase for each reason to leave the artifact out; empty if it earns its place."""
    found = []
    if artifact.parity.status == "failed":
        found.append(f"misses its gate: {artifact.parity.reason}")
    if merit.bytes >= merit.fp32_bytes:
        found.append(f"not smaller than fp32 ({merit.bytes:,} against {merit.fp32_bytes:,} bytes)")
    if merit.time_ratio is not None and merit.time_ratio > 1:
        found.append(f"slower than fp32 ({merit.time_ratio:.2f} x its time)")
    return found

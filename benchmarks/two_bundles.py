"""Times the artifacts that two bundles share, interleaved: is the second faster?

    python benchmarks/two_bundles.py BUNDLE OTHER [ROUNDS] [THREADS]

Ratios are OTHER over BUNDLE: of the fastest runs, and the median of the rounds, in which both take turns.
"""

from __future__ import annotations

import statistics
import sys
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path

from dvfl.bundle import Bundle
from dvfl.engines import ENGINES, open_engine
from dvfl_converter.bench.timing import interleaved
from dvfl_converter.verification import reference_vectors


def main(first: str, second: str, rounds: str = "30", threads: str = "1") -> None:
    """Prints one line per artifact that both bundles hold and that runs here."""
    bundles = [Bundle.open(Path(path)) for path in (first, second)]
    clip = reference_vectors(bundles[0])[0].pixels
    names = [artifact.name for artifact in bundles[1].manifest.artifacts]
    shared = [artifact for artifact in bundles[0].manifest.artifacts if artifact.name in names]
    for artifact in shared:
        if artifact.target not in ENGINES or ENGINES[artifact.target].obstacle() is not None:
            continue
        with ExitStack() as stack:
            engines = [
                stack.enter_context(
                    closing(
                        open_engine(
                            bundle,
                            bundle.artifact(artifact.target, artifact.precision),
                            threads=int(threads),
                        )
                    )
                )
                for bundle in bundles
            ]
            calls = {str(place): partial(engine.run, clip) for place, engine in enumerate(engines)}
            before, after = interleaved(calls, int(rounds)).values()
        pairs = zip(before.runs_ms, after.runs_ms, strict=True)
        median = statistics.median(b / a for a, b in pairs)
        print(
            f"{artifact.name:<17} fastest {before.min_ms:8.2f} -> {after.min_ms:8.2f} ms, "
            f"ratio {after.min_ms / before.min_ms:.3f}; median ratio {median:.3f} of {rounds} rounds"
        )


if __name__ == "__main__":
    main(*sys.argv[1:])

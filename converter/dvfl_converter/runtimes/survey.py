"""A bundle before every runtime asked for: environments, reference, progress."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import numpy as np

from dvfl.bundle import Bundle
from dvfl.engines import open_engine
from dvfl.errors import BundleError, ConversionError
from dvfl.manifest import Artifact
from dvfl_converter.parity.compare import LogitsByClip, run_clips
from dvfl_converter.progress import Steps
from dvfl_converter.runtimes.environments import environment
from dvfl_converter.runtimes.matrix import GIVEN, Entry, Examiner, Matrix, Subject
from dvfl_converter.runtimes.releases import Release
from dvfl_converter.verification import reference_vectors

# The targets whose artifacts are asked about, and how a Python that is given is talked to.
APIS = {"litert": "litert", "executorch": "executorch"}


def survey(
    bundle: Bundle,
    releases: Sequence[Release],
    pythons: Mapping[str, Path],
    *,
    runs: int = 5,
    keep: bool = False,
    quiet: bool = False,
) -> Matrix:
    """Asks every release, and every Python given by its name, about every artifact of its target.

    Raises:
        BundleError: no artifact has a runtime that could be asked, or there are no reference vectors.
    """
    artifacts = [artifact for artifact in bundle.manifest.artifacts if artifact.target in APIS]
    vectors = bundle.manifest.reference_vectors
    if not artifacts or not vectors:
        raise BundleError(f"{bundle.root}: holds no litert or executorch artifact with reference vectors")
    entries: list[Entry] = []
    environments = len({_packages(release) for release in releases})
    with (
        tempfile.TemporaryDirectory() as folder,
        Steps(total=1 + environments + len(pythons), quiet=quiet) as steps,
    ):
        with steps.step("running the artifacts here"):
            here = {artifact.name: _here(bundle, artifact) for artifact in artifacts}
        reference: LogitsByClip = {vector.name: np.array(vector.logits, np.float32) for vector in vectors}
        examiner = Examiner(bundle, reference_vectors(bundle), reference, here, Path(folder), runs)
        for packages, same in groupby(releases, key=_packages):
            with steps.step(packages[0]):
                entries += _released(examiner, tuple(same), artifacts, keep)
        for name, python in pythons.items():
            with steps.step(name):
                for target, api in APIS.items():
                    subject = Subject(name, name, GIVEN, api, target, python)
                    entries += _examined(examiner, subject, artifacts)
    return Matrix(manifest_sha256=bundle.manifest_sha256, entries=tuple(entries))


def _packages(release: Release) -> tuple[str, ...]:
    return *release.alone, *release.requirements


def _examined(examiner: Examiner, subject: Subject, artifacts: Sequence[Artifact]) -> list[Entry]:
    return [
        examiner.examine(subject, artifact) for artifact in artifacts if artifact.target == subject.target
    ]


def _released(
    examiner: Examiner, releases: Sequence[Release], artifacts: Sequence[Artifact], keep: bool
) -> list[Entry]:
    """What releases of one environment say."""
    subjects = [Subject(row.name, row.family, row.version, row.api, row.target, None) for row in releases]
    try:
        with environment(releases[0].requirements, alone=releases[0].alone, keep=keep) as python:
            asked = [replace(subject, python=python) for subject in subjects]
            return [entry for subject in asked for entry in _examined(examiner, subject, artifacts)]
    except ConversionError as error:
        asked = [replace(subject, obstacle=str(error)) for subject in subjects]
        return [entry for subject in asked for entry in _examined(examiner, subject, artifacts)]


def _here(bundle: Bundle, artifact: Artifact) -> LogitsByClip:
    with closing(open_engine(bundle, artifact)) as engine:
        return run_clips(engine, reference_vectors(bundle))

"""Writes the page after every validation of a run."""

from __future__ import annotations

from pathlib import Path

from dvfl.files import atomic_write
from dvfl_training.config import TrainConfig
from dvfl_training.data.manifest import Manifest, Split
from dvfl_training.engine.run_log import RunFolder, read_metrics
from dvfl_training.engine.stepping import StepFigures
from dvfl_training.engine.trainer import Validation
from dvfl_training.page.render import Story, render


class PageListener:
    """Follows a run and keeps its page up to date.

    It shows the best network; after a resume, the latest until a better one comes.

    Args:
        distilled: whether there is a teacher.
        steps: of the whole run.
        source: the manifest's file, for the commands.
    """

    def __init__(
        self,
        folder: RunFolder,
        config: TrainConfig,
        manifest: Manifest,
        source: Path,
        *,
        distilled: bool,
        steps: int,
    ) -> None:
        self._folder = folder
        self._config = config
        self._manifest = manifest
        self._source = source
        self._distilled = distilled
        self._steps = steps
        self._best: Validation | None = None

    def stepped(self, _: int, __: StepFigures) -> None:
        """Nothing: a page per step would be too much."""

    def validated(self, validation: Validation) -> None:
        """Writes the page.

        Raises:
            OutputError: it cannot be written.
        """
        if validation.best:
            self._best = validation
        page = render(self._story(self._best or validation))
        with atomic_write(self._folder.page) as stream:
            stream.write(page.encode())

    def _story(self, shown: Validation) -> Story:
        return Story(
            name=self._folder.path.resolve().name,
            dataset=" ".join(filter(None, (self._manifest.header.dataset, self._manifest.header.variant))),
            config=self._config,
            distilled=self._distilled,
            steps=self._steps,
            metrics=read_metrics(self._folder.metrics),
            evaluation=shown.evaluation,
            epoch=shown.epoch,
            best=shown.best,
            paths=[entry.path for entry in self._manifest.of(Split.VALIDATION)],
            commands=self._commands(),
        )

    def _commands(self) -> dict[str, str]:
        best = self._folder.best
        command = "distill" if self._distilled else "train"
        commands = {"go on after a stop": f"dvfl {command} --resume {self._folder.path}"}
        if any(entry.split is Split.TEST for entry in self._manifest.entries):
            commands["judge it"] = f"dvfl evaluate {best} --manifest {self._source} --split test"
        commands["for the phone"] = f"dvfl convert {best} --out BUNDLE"
        commands["all curves"] = f"tensorboard --logdir {self._folder.events}"
        return commands

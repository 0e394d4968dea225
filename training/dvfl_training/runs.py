"""From files and options to a run: reads, checks, builds, and starts the trainer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch

from dvfl.hashing import sha256_file
from dvfl_training.config import TrainConfig, load_config, save_config
from dvfl_training.data.loader import EvaluationLoader, TrainingLoader
from dvfl_training.data.manifest import Manifest, Split, read_manifest
from dvfl_training.engine.distributed import Processes, joined_processes
from dvfl_training.engine.interruption import StoppedError
from dvfl_training.engine.logit_cache import CachedTeacher, CacheKey, check_fixed, open_cache
from dvfl_training.engine.released import write_labels
from dvfl_training.engine.run_log import RunFolder
from dvfl_training.engine.state import Inputs, Job, SavedState, State, load_state, new_state
from dvfl_training.engine.stepping import AUTOCAST, StepFigures
from dvfl_training.engine.teacher import NetworkTeacher, Teacher, examine, load_teacher
from dvfl_training.engine.trainer import Listener, Material, Trainer, Validation
from dvfl_training.errors import TrainingError
from dvfl_training.initialisation import begin
from dvfl_training.network import TrainingNetwork
from dvfl_training.optimization import Schedule
from dvfl_training.page.listener import PageListener


@dataclass(frozen=True)
class Request:
    """What a person asked for.

    Attributes:
        out: the run's folder.
        manifest: of the data set.
        config: the recipe.
        teacher: a checkpoint; ``None`` to train without.
        init: weights to start from; ``None`` for none.
        logits: folder to keep the teacher's logits in; ``None`` to ask it every time.
        trust_teacher: do not examine the teacher first.
        device: ``auto``, ``cpu`` or ``cuda``.
        saved: the state to go on from; ``None`` to start.
    """

    out: Path
    manifest: Path
    config: TrainConfig
    teacher: Path | None = None
    init: Path | None = None
    logits: Path | None = None
    trust_teacher: bool = False
    device: str = "auto"
    saved: SavedState | None = None


@dataclass(frozen=True)
class Beginning:
    """What a listener is told before the first step.

    Attributes:
        schedule: steps and epochs.
        step: optimizer steps that are done already.
        manifest: of the data set.
    """

    schedule: Schedule
    step: int
    manifest: Manifest


Follow = Callable[[Beginning], AbstractContextManager[Listener]]
Say = Callable[[str], None]


def resume_request(folder: Path, settings: Sequence[str], manifest: Path | None, device: str) -> Request:
    """What the run in ``folder`` was asked for, to go on with.

    Args:
        settings: options to change; only such that change nothing in the result are accepted later.
        manifest: where it lies now; ``None`` if it was not moved.

    Raises:
        TrainingError: there is no run that can be continued.
        ConfigError: a setting is wrong.
    """
    files = RunFolder(folder)
    saved = load_state(files.state)
    inputs = saved.inputs
    return Request(
        out=folder,
        manifest=manifest or Path(inputs.manifest),
        config=load_config(files.config, settings),
        teacher=_path(inputs.teacher),
        init=_path(inputs.init),
        logits=_path(inputs.logits),
        # It was examined, or trusted, when the run began.
        trust_teacher=True,
        device=device,
        saved=saved,
    )


def run(request: Request, follow: Follow, say: Say) -> bool:
    """Trains to the end; whether this is the process that talks to the person.

    Args:
        follow: makes the listener of the main process.
        say: shows one line to a person; called in the main process only.

    Raises:
        DvflError: an input is unfit, or training stopped; one line says why and what to do.
        StoppedError: Ctrl-C or SIGTERM; the state is saved.
    """
    with joined_processes(request.device) as processes:
        try:
            _Run(request, processes, say if processes.main else _silent).train(follow)
        except StoppedError:
            # All stop together; one says so.
            if not processes.main:
                raise SystemExit(1) from None
            raise
        return processes.main


class _Run:
    def __init__(self, request: Request, processes: Processes, say: Say) -> None:
        self._request = request
        self._config = request.config
        self._processes = processes
        self._say = say
        self._folder = RunFolder(request.out)
        if request.logits is not None:
            check_fixed(self._config)
        if request.saved is None and self._folder.state.exists():
            raise TrainingError(
                f"{request.out}: holds a run; go on with --resume {request.out}, or choose another --out"
            )
        self._manifest = read_manifest(request.manifest)

    def train(self, follow: Follow) -> None:
        loader = TrainingLoader(
            self._manifest, self._config, rank=self._processes.rank, world=self._processes.world
        )
        validation = self._validation()
        teacher = self._teacher()
        # Before anything that takes long, so that a folder that cannot be written is found now.
        with self._folder.created():
            if teacher is not None and not self._request.trust_teacher:
                self._examine(teacher, validation)
            job = self._job(teacher)
            state = self._state(job)
            self._describe(job)
        material = Material(loader, validation, self._asked(teacher, job))
        schedule = Schedule(self._config.schedule, self._config.run.batch, loader.steps_per_epoch)
        with self._following(follow, Beginning(schedule, state.step, self._manifest)) as listener:
            inputs = self._inputs()
            Trainer(job, state, material, self._folder, self._processes, listener, inputs).run()

    def _state(self, job: Job) -> State:
        torch.manual_seed(self._config.run.seed)
        network = TrainingNetwork(job.architecture, self._config.model)
        if self._request.init is not None and self._request.saved is None:
            for line in begin(network, self._request.init, job.classes):
                self._say(f"init: {line}")
        state = new_state(network, self._config, self._processes.device)
        if self._request.saved is not None:
            self._request.saved.restore(state, job)
        return state

    def _teacher(self) -> NetworkTeacher | None:
        if self._request.teacher is None:
            return None
        autocast = AUTOCAST[self._config.run.precision]
        return load_teacher(self._request.teacher, self._manifest.classes, self._processes.device, autocast)

    def _examine(self, teacher: NetworkTeacher, clips: EvaluationLoader | None) -> None:
        if clips is None:
            raise TrainingError(
                "the data set has no validation clips to examine the teacher on; add them, or --trust-teacher"
            )
        share = examine(teacher, clips, self._manifest.classes, self._processes)
        self._say(f"teacher: top-1 {share} on {share.total:,} validation clips")

    def _asked(self, teacher: NetworkTeacher | None, job: Job) -> Teacher | None:
        """The teacher, with its answers kept if wanted."""
        if teacher is None or self._request.logits is None:
            return teacher
        clips = len(self._manifest.of(Split.TRAIN))
        shape = (clips, self._config.augmentation.variants, len(job.classes))
        key = CacheKey(teacher.sha256, job.data_sha256, self._config, shape)
        if self._processes.main:
            open_cache(self._request.logits, key)
        self._processes.gather(None)
        return CachedTeacher(teacher, open_cache(self._request.logits, key))

    def _validation(self) -> EvaluationLoader | None:
        if not any(entry.split is Split.VALIDATION for entry in self._manifest.entries):
            self._say("note: no clip is for validation, so the last network is kept, not the best")
            return None
        if gap := self._manifest.gap(Split.VALIDATION):
            self._say(f"warning: {gap}; the best network is chosen by the other classes")
        return EvaluationLoader(
            self._manifest,
            Split.VALIDATION,
            self._config.clip,
            workers=self._config.run.workers,
            rank=self._processes.rank,
            world=self._processes.world,
        )

    def _job(self, teacher: NetworkTeacher | None) -> Job:
        header, init = self._manifest.header, self._request.init
        return Job(
            config=self._config,
            classes=self._manifest.classes,
            dataset=header.dataset,
            data_sha256=header.rows_sha256,
            teacher_sha256=teacher.sha256 if teacher else "",
            init_sha256=sha256_file(init) if init and not self._request.saved else self._saved_init(),
        )

    def _saved_init(self) -> str:
        """These weights were used up at the start; their file may be gone."""
        return self._request.saved.job.init_sha256 if self._request.saved else ""

    def _inputs(self) -> Inputs:
        request = self._request
        files = (request.manifest, request.teacher, request.init, request.logits)
        return Inputs(*(str(file.resolve()) if file else "" for file in files))

    @contextmanager
    def _following(self, follow: Follow, beginning: Beginning) -> Iterator[Listener]:
        """What follows the run in this process: the page and a person's view, or nothing."""
        if not self._processes.main:
            yield _Listeners()
            return
        page = PageListener(
            self._folder,
            self._config,
            self._manifest,
            self._request.manifest,
            distilled=self._request.teacher is not None,
            steps=beginning.schedule.steps,
        )
        with follow(beginning) as view:
            yield _Listeners(page, view)

    def _describe(self, job: Job) -> None:
        if self._processes.main:
            write_labels(job.classes, self._folder.labels)
            save_config(self._config, self._folder.config)


def _path(text: str) -> Path | None:
    return Path(text) if text else None


def _silent(_: str) -> None:
    """For processes that only compute."""


class _Listeners:
    """Several listeners as one."""

    def __init__(self, *listeners: Listener) -> None:
        self._listeners = listeners

    def stepped(self, step: int, figures: StepFigures) -> None:
        """Tells all."""
        for listener in self._listeners:
            listener.stepped(step, figures)

    def validated(self, validation: Validation) -> None:
        """Tells all."""
        for listener in self._listeners:
            listener.validated(validation)

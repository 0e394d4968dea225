"""A training run as data: every number of the recipe, validated once, saved with the run.

The defaults are the published recipe (facts of the released configurations of DVFL-Net, arXiv 2507.12426);
a file in ``recipes/`` holds what differs for a data set, ``--set section.option=value`` what differs for one
run.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import tomli_w
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from dvfl.files import atomic_write
from dvfl.suggestions import unknown
from dvfl_training.errors import ConfigError

RECIPES = Path(__file__).parent / "recipes"


class _Section(BaseModel):
    # TOML has integers where a float is meant and arrays where a tuple is, hence no strict types; numbers in
    # quotes come from the command line.
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class ClipConfig(_Section):
    """What the network sees: ``frames`` of ``size`` x ``size`` pixels of videos resized to ``short_side``."""

    frames: int = Field(default=8, ge=1)
    size: int = Field(default=224, ge=32, multiple_of=32)
    short_side: int = Field(default=256, ge=32)

    @model_validator(mode="after")
    def _check(self) -> ClipConfig:
        if self.short_side < self.size:
            raise ValueError(f"short_side {self.short_side} is less than size {self.size}")
        return self


class AugmentationConfig(_Section):
    """Changes to training clips; one draw serves all frames of a clip.

    Attributes:
        area, ratio: of the random crop: share of the picture, width over height.
        flip: chance of mirroring, where the data set allows it.
        jitter: chance of a colour jitter of at most ``brightness``, ``contrast``, ``saturation``, ``hue``.
        greyscale: chance of losing colour.
        mix: chance that a pair of clips is mixed; ``cutmix_share`` of these by CutMix, others by Mixup.
        mixup_alpha, cutmix_alpha: of the Beta distributions that shares are drawn from.
        variants: 0 draws anew in each epoch; K > 0 fixes K augmentations per clip and mixes nothing, so that
            the teacher's logits can be kept.
    """

    area: tuple[float, float] = (0.08, 1.0)
    ratio: tuple[float, float] = (3 / 4, 4 / 3)
    flip: float = Field(default=0.5, ge=0, le=1)
    jitter: float = Field(default=0.8, ge=0, le=1)
    brightness: float = Field(default=0.4, ge=0, le=1)
    contrast: float = Field(default=0.4, ge=0, le=1)
    saturation: float = Field(default=0.2, ge=0, le=1)
    hue: float = Field(default=0.1, ge=0, le=0.5)
    greyscale: float = Field(default=0.2, ge=0, le=1)
    mix: float = Field(default=1.0, ge=0, le=1)
    cutmix_share: float = Field(default=0.5, ge=0, le=1)
    mixup_alpha: float = Field(default=0.8, gt=0)
    cutmix_alpha: float = Field(default=1.0, gt=0)
    variants: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _check(self) -> AugmentationConfig:
        for name, (low, high) in {"area": self.area, "ratio": self.ratio}.items():
            if not 0 < low <= high:
                raise ValueError(f"{name} must be two rising numbers above 0, not {low}, {high}")
        if self.area[1] > 1:
            raise ValueError(f"area ends at {self.area[1]}, more than the whole picture")
        return self


class ModelConfig(_Section):
    """The network and how it starts.

    Attributes:
        depths, width: of the architecture; the published student by default.
        drop_path: stochastic depth of the last block.
        start: ``released`` is the released initialisation, meant to be followed by ImageNet weights;
            ``unit_gain`` lets the network learn from scratch.
        feature_norm: normalise the pooled features over the batch while training; folded into the head
            afterwards. Without it the network stays at chance from scratch.
        fine_tune: go on with the weights of --init as they are: with their head, and so that temporal kernels
            of low rank (``dvfl compress``) keep their rank.
    """

    depths: tuple[int, int, int, int] = (1, 1, 2, 1)
    width: int = Field(default=96, ge=8)
    drop_path: float = Field(default=0.1, ge=0, lt=1)
    start: Literal["released", "unit_gain"] = "released"
    feature_norm: bool = False
    fine_tune: bool = False

    @model_validator(mode="after")
    def _check(self) -> ModelConfig:
        if self.fine_tune and self.feature_norm:
            raise ValueError("fine_tune keeps the head, which knows no feature_norm; set feature_norm=false")
        return self


class OptimizerConfig(_Section):
    """SGD with Nesterov momentum, or AdamW; no weight decay for biases and norms."""

    name: Literal["sgd", "adamw"] = "sgd"
    momentum: float = Field(default=0.9, ge=0, lt=1)
    weight_decay: float = Field(default=1e-4, ge=0)
    gradient_clip: float = Field(default=5.0, gt=0)


class ScheduleConfig(_Section):
    """Linear warm-up, then a cosine, stepped at every optimizer step.

    ``base_lr``, ``warmup_lr`` (the start) and ``min_lr`` (the end) are for a batch of ``lr_batch`` clips and
    scale with the real one.
    """

    epochs: int = Field(default=120, ge=1)
    warmup_epochs: float = Field(default=20, ge=0)
    base_lr: float = Field(default=0.1, gt=0)
    warmup_lr: float = Field(default=1e-3, ge=0)
    min_lr: float = Field(default=1e-3, ge=0)
    lr_batch: int = Field(default=512, ge=1)

    @model_validator(mode="after")
    def _check(self) -> ScheduleConfig:
        if self.warmup_epochs >= self.epochs:
            raise ValueError(f"warmup_epochs {self.warmup_epochs:g} leaves nothing of {self.epochs} epochs")
        return self


class DistillationConfig(_Section):
    """``alpha * T^2 * divergence(teacher, student) + (1 - alpha) * cross-entropy``.

    ``none`` ignores the teacher: cross-entropy alone.
    """

    divergence: Literal["forward_kl", "reverse_kl", "jensen_shannon", "none"] = "forward_kl"
    alpha: float = Field(default=0.2, ge=0, le=1)
    temperature: float = Field(default=10.0, gt=0)


class RunConfig(_Section):
    """How it is computed.

    Attributes:
        seed: fixes weights, order of clips and every augmentation.
        batch: clips per optimizer step, over all processes and accumulated parts.
        accumulate: parts that a process computes one after another to save memory.
        precision: ``bf16`` and ``fp16`` compute the features by autocast.
        full_precision_steps: as many steps in fp32 before that.
        ema: decay of the averaged weights that are kept instead of the last ones; 0 for none.
        label_smoothing: inside the soft targets.
        channels_last, compile: memory format and torch.compile.
        workers: processes that decode.
        validate_every: epochs between two validations.
        half_checkpoint: ``best.pth`` holds half-precision weights, and is validated with these.
    """

    seed: int = Field(default=0, ge=0)
    batch: int = Field(default=24, ge=2, multiple_of=2)
    accumulate: int = Field(default=1, ge=1)
    precision: Literal["fp32", "bf16", "fp16"] = "fp32"
    full_precision_steps: int = Field(default=0, ge=0)
    ema: float = Field(default=0.0, ge=0, lt=1)
    label_smoothing: float = Field(default=0.1, ge=0, lt=1)
    channels_last: bool = False
    compile: bool = False
    workers: int = Field(default=2, ge=0)
    validate_every: int = Field(default=1, ge=1)
    half_checkpoint: bool = False


class TrainConfig(_Section):
    """The whole recipe."""

    clip: ClipConfig = Field(default_factory=ClipConfig)
    augmentation: AugmentationConfig = Field(default_factory=AugmentationConfig)
    model: ModelConfig = Field(default_factory=ModelConfig)
    optimizer: OptimizerConfig = Field(default_factory=OptimizerConfig)
    schedule: ScheduleConfig = Field(default_factory=ScheduleConfig)
    distillation: DistillationConfig = Field(default_factory=DistillationConfig)
    run: RunConfig = Field(default_factory=RunConfig)

    @model_validator(mode="after")
    def _check(self) -> TrainConfig:
        if self.model.feature_norm and self.run.accumulate > 1:
            raise ValueError(
                "model.feature_norm takes statistics over the batch, so parts of it give another result; "
                "set run.accumulate=1 or model.feature_norm=false"
            )
        if self.model.fine_tune and self.run.half_checkpoint:
            raise ValueError(
                "model.fine_tune keeps ranks, which half precision would lose; set run.half_checkpoint=false"
            )
        if self.run.batch % (2 * self.run.accumulate):
            raise ValueError(
                f"run.batch {self.run.batch} does not divide into {self.run.accumulate} parts of whole pairs"
            )
        return self


def load_config(recipe: str | Path | None = None, settings: Sequence[str] = ()) -> TrainConfig:
    """The published defaults, then a recipe (a name in ``recipes/`` or a .toml file), then single settings.

    Args:
        settings: ``section.option=value``; a value is written as in TOML, words without quotes.

    Raises:
        ConfigError: the file or an option is unknown, or a value is outside its range.
    """
    values = _read(recipe) if recipe is not None else {}
    for setting in settings:
        section, option, value = _parse(setting)
        values.setdefault(section, {})[option] = value
    try:
        return TrainConfig.model_validate(values)
    except ValidationError as error:
        raise ConfigError(_explain(error, recipe, settings)) from None


def save_config(config: TrainConfig, path: Path) -> None:
    """Writes a .toml file that :func:`load_config` reads back as it was."""
    with atomic_write(path) as stream:
        tomli_w.dump(config.model_dump(mode="json"), stream)


def recipe_names() -> tuple[str, ...]:
    """The recipes that ship with the package."""
    return tuple(sorted(path.stem for path in RECIPES.glob("*.toml")))


def _read(recipe: str | Path) -> dict[str, Any]:
    path = Path(recipe)
    if path.suffix != ".toml":
        if str(recipe) not in recipe_names():
            raise ConfigError(f"{unknown('recipe', str(recipe), recipe_names())}; or give a .toml file")
        path = RECIPES / f"{recipe}.toml"
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: is no TOML file: {error}") from None


def _parse(setting: str) -> tuple[str, str, Any]:
    key, equals, text = setting.partition("=")
    section, dot, option = key.partition(".")
    if not (equals and dot and option and text):
        raise ConfigError(f"--set {setting}: write SECTION.OPTION=VALUE, e.g. schedule.epochs=60")
    if section not in TrainConfig.model_fields:
        raise ConfigError(f"--set {setting}: {unknown('section', section, TrainConfig.model_fields)}")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text
    return section, option, value


def _explain(error: ValidationError, recipe: str | Path | None, settings: Sequence[str]) -> str:
    first = error.errors()[0]
    location = [str(part) for part in first["loc"]]
    origin = f"{recipe}: " if recipe is not None else ""
    for setting in settings:
        if setting.partition("=")[0] == ".".join(location[:2]):
            origin = f"--set {setting}: "
    if first["type"] == "extra_forbidden":
        return f"{origin}{unknown('option', location[-1], _options(location[:-1]))}"
    where = f"{'.'.join(location)}: " if location else ""
    given = "" if isinstance(first["input"], Mapping | BaseModel) else f", not {first['input']!r}"
    return f"{origin}{where}{first['msg'].removeprefix('Value error, ')}{given}"


def _options(location: Sequence[str]) -> list[str]:
    model: type[BaseModel] = TrainConfig
    for part in location:
        annotation = model.model_fields[part].annotation
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            break
        model = annotation
    return list(model.model_fields)

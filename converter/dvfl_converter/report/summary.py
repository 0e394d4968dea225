"""The model card and the embedded preprocessing contract, as lines a person can read."""

from __future__ import annotations

from dvfl.manifest import Manifest
from dvfl.spec import PreprocessingSpec
from dvfl_converter.report.formats import large, plural

Line = tuple[str, str]


def model_lines(manifest: Manifest) -> list[Line]:
    """Name and value pairs of the model card."""
    model = manifest.model
    return [
        ("Model", model.name),
        ("Parameters", large(model.parameters)),
        ("MACs per clip", large(model.macs)),
        ("Input", f"{plural(model.frames, 'frame')} of {model.size} \N{MULTIPLICATION SIGN} {model.size}"),
        ("Classes", f"{len(manifest.labels):,}"),
        ("Checkpoint", model.checkpoint),
        ("Its sha256", f"{model.checkpoint_sha256[:12]}…"),
    ]


def preprocessing_lines(spec: PreprocessingSpec) -> list[Line]:
    """What happens to a video before the model sees it, in order."""
    size, color, norm = spec.crop.size, spec.color, spec.normalization
    frames = plural(spec.temporal.frames, "frame")
    antialias = "with" if spec.resize.antialias else "without"
    conversions = ", ".join(f"{item.matrix} {item.range}" for item in color.conversions)
    refused = ", ".join([*color.refused_transfer_codes, *color.refused_primaries_codes])
    return [
        (
            "Sampling",
            f"{frames}, each from the centre of one of {spec.temporal.frames} equal parts of the clip",
        ),
        (
            "Colour",
            f"YUV 4:2:0 to RGB in integers of 1/{2**color.shift}, {color.chroma_upsampling} chroma; "
            f"{conversions}; untagged is {color.untagged_matrix} {color.untagged_range}; refused: {refused}",
        ),
        ("Order", " → ".join(map(_words, spec.orientation.order))),
        (
            "Resize",
            f"short side to {spec.resize.short_side}, {spec.resize.filter} {antialias} antialiasing, "
            f"{_words(spec.resize.pixel_centres)} centres, "
            f"integer weights of 1/{2**spec.resize.coefficient_bits}",
        ),
        ("Crop", f"{spec.crop.position}, {size} \N{MULTIPLICATION SIGN} {size}"),
        (
            "Result",
            f"{spec.output.dtype} {spec.output.layout} "
            f"[{spec.temporal.frames}, {size}, {size}, 3], {spec.output.channel_order}",
        ),
        (
            "Normalisation",
            f"inside the {norm.applied_in}, never in an app: (x - mean) / std with mean {_vector(norm.mean)} "
            f"and std {_vector(norm.std)}",
        ),
    ]


def _words(identifier: str) -> str:
    return identifier.replace("_", " ")


def _vector(values: tuple[float, float, float]) -> str:
    return ", ".join(f"{value:g}" for value in values)

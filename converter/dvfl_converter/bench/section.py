"""The results as a section of a Markdown file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from dvfl.errors import OutputError
from dvfl.files import atomic_write
from dvfl_converter.bench import tables
from dvfl_converter.bench.results import BenchResults, Model

_ANY_END = re.compile(r"^<!-- end dvfl bench .* -->$", re.MULTILINE)

_EXPLANATION_OF_SPEED = (
    "`ratio` is the median over the rounds of time / time of the same runtime's plain fp32 conversion at the "
    "same threads in the same round (below 1 is faster), with its 95 % bootstrap interval over the rounds; "
    "`of minima` is fastest run / fastest run. `of GEMM` is the artifact's multiply-accumulates per second "
    "in its fastest run over the machine's best fp32 matrix product of the same rounds; `x limit` is its "
    "fastest run over the time that the model's matrix products would take at that rate. int8 may pass the "
    "fp32 rate, and an artifact that does with fewer products the limit."
)
_EXPLANATION_OF_COST = (
    "`load ms` is loading in a fresh process with the file in the page cache, `first ms` the first run after "
    "it. `peak MB` is the process's largest resident memory (VmHWM) over all rounds, `above imports` how "
    "much of it came after the runtime's imports. `cosine` compares the logits of the timed clip with "
    "PyTorch's."
)


def markdown(results: BenchResults) -> str:
    """A section with everything that a reader needs to believe the figures, and to repeat them."""
    model = results.model
    versions = ", ".join(f"{name} {version}" for name, version in results.versions.items())
    parts = [
        f"## {model.title}",
        f"```\n{results.command}\n```",
        "\n".join(
            [
                *(f"- {line}" for line in tables.conditions(results)),
                f"- {model.parameters:,} parameters, {model.macs / 1e9:.2f} GMACs per clip; manifest sha256 "
                f"`{model.manifest_sha256[:12]}`",
                f"- {versions}",
            ]
        ),
        _pipes(tables.speed(results)),
        _EXPLANATION_OF_SPEED,
        _pipes(tables.cost(results)),
        _EXPLANATION_OF_COST,
        "\n".join(f"- {line}" for line in tables.remarks(results)),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def write_section(path: Path, results: BenchResults) -> None:
    """Writes the Markdown section: the part of a file between this model's two marks.

    A new file is the section; one that holds other models' gets it at its end.

    Raises:
        OutputError: see :func:`check_section`; or the file cannot be written.
    """
    before, after = check_section(path, results.model)
    begin, end = _marks(results.model)
    with atomic_write(path) as stream:
        stream.write(f"{before}{begin}\n{markdown(results)}{end}{after}".encode())


def check_section(path: Path, model: Model) -> tuple[str, str]:
    """What stays before and after the section that :func:`write_section` would write.

    Raises:
        OutputError: it would not know its place: the file has not each of the model's two marks once, in
            order, nor only sections of other models.
    """
    if not path.exists():
        return "", "\n"
    begin, end = _marks(model)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise OutputError(f"{path}: unreadable: {error}") from None
    marks = re.findall(f"{re.escape(begin)}|{re.escape(end)}", text)
    if not marks and _ANY_END.search(text):
        return f"{text.rstrip()}\n\n", "\n"
    if marks != [begin, end]:
        raise OutputError(
            f"{path}: has no place for this bench; put the lines '{begin}' and '{end}' where it belongs, "
            "or give the name of a new file"
        )
    before, rest = text.split(begin)
    return before, rest.partition(end)[2]


def _marks(model: Model) -> tuple[str, str]:
    return f"<!-- begin dvfl bench {model.title} -->", f"<!-- end dvfl bench {model.title} -->"


def _pipes(table: Sequence[Sequence[str]]) -> str:
    head, *rows = (f"| {' | '.join(row)} |" for row in table)
    rule = "|---" + "|--:" * (len(table[0]) - 1) + "|"
    return "\n".join([head, rule, *rows])

"""``report.html``: one page that says whether each artifact agrees with PyTorch."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from dvfl_converter.compression.summary import HEADINGS
from dvfl_converter.report import figures, formats
from dvfl_converter.report.clips import MOST_CLIPS, OPEN_CLIPS, clip_views, stressed, with_pictures
from dvfl_converter.report.costs import conditions, costs, delegations
from dvfl_converter.report.devices import device_rows, with_devices
from dvfl_converter.report.evidence import Evidence
from dvfl_converter.report.searches import search_plot
from dvfl_converter.report.stress import stress_rows
from dvfl_converter.report.summary import model_lines, preprocessing_lines
from dvfl_converter.report.verdict import (
    ArtifactCard,
    cards,
    headline,
    is_interpreted,
    name_title,
    scope,
)

Plots = tuple[ArtifactCard, figures.Scatter | None, figures.ErrorPlot | None]

_TEMPLATES = Path(__file__).with_name("templates")


def render(evidence: Evidence) -> str:
    """The whole page as HTML: no scripts, and nothing is loaded from anywhere."""
    evidence = with_pictures(evidence)
    manifest = evidence.manifest
    scales = figures.error_scales(manifest.artifacts)
    artifacts = cards(manifest)
    return (
        _environment()
        .get_template("template.html.j2")
        .render(
            evidence=evidence,
            manifest=manifest,
            headline=with_devices(headline(evidence), evidence.devices),
            scope=scope(evidence),
            cards=artifacts,
            devices=device_rows(evidence.devices),
            executed=any(card.tone != "not_run" for card in artifacts),
            ran=any(card.tone != "not_run" and not is_interpreted(card.artifact) for card in artifacts),
            unrun=[card.title for card in artifacts if card.tone == "not_run"],
            model=model_lines(manifest),
            preprocessing=preprocessing_lines(manifest.preprocessing),
            clips=clip_views(manifest, evidence.clips),
            stress=stress_rows(manifest, evidence.stress),
            stress_clips=clip_views(stressed(manifest, evidence.stress), evidence.stress.clips),
            climbed=any(row.clip.startswith("ascent ") for row in stress_rows(manifest, evidence.stress)),
            open_clips=OPEN_CLIPS,
            hidden_clips=max(0, len(evidence.clips) - MOST_CLIPS),
            area=figures,
            plots=[_plots(card, scales, evidence) for card in artifacts],
            searches=[(search, search_plot(search)) for search in evidence.searches],
            peaks=evidence.peaks,
            delegations=delegations(manifest.artifacts),
            costs=costs(evidence),
            compression_headings=HEADINGS,
            conditions=conditions(evidence.latencies) if evidence.latencies else "",
        )
    )


def _plots(card: ArtifactCard, scales: Mapping[str, figures.ErrorScale], evidence: Evidence) -> Plots:
    artifact = card.artifact
    if artifact.name not in scales:
        return card, None, None
    return (
        card,
        figures.scatter(artifact, evidence.clips),
        figures.error_plot(artifact, scales[artifact.name]),
    )


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for form in (formats.scientific, formats.cosine, formats.percent, formats.file_size, formats.plural):
        environment.filters[form.__name__] = form
    environment.filters["title_of"] = name_title
    environment.filters["words"] = formats.enumerate_words
    return environment

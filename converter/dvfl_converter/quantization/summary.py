"""What a report keeps of a search."""

from __future__ import annotations

from dvfl_converter.inputs import Inputs
from dvfl_converter.quantization.decision import Searched
from dvfl_converter.quantization.search import Trial, frontier
from dvfl_converter.report.evidence import LayerSensitivity, PlanTrial, SearchEvidence


def search_evidence(artifact: str, searched: Searched, inputs: Inputs) -> SearchEvidence:
    """The search without its plans, of which the bundle holds the chosen one."""
    found = searched.found
    best = frontier(found.trials)

    def kept(trial: Trial) -> PlanTrial:
        return PlanTrial(
            name=trial.name,
            bytes=trial.bytes,
            agreement=trial.agreement,
            worst_cosine=trial.worst_cosine,
            snr_db=trial.snr_db,
            time_ratio=trial.time_ratio,
            missed=trial.missed,
            best=trial in best,
            chosen=trial == found.chosen,
        )

    return SearchEvidence(
        artifact=artifact,
        trials=tuple(map(kept, found.trials)),
        sensitivities=tuple(
            LayerSensitivity(item.group, item.scheme, item.snr_db, item.macs) for item in found.sensitivities
        ),
        calibration=len(inputs.calibration),
        selection=len(inputs.selection),
        remembered=searched.remembered,
    )

"""The data sets that can be rendered: one row each."""

from __future__ import annotations

from dvfl_training.generated.camera_motion import clips as camera_motion
from dvfl_training.generated.camera_motion.hard_motions import HARD_LABELS, MIRROR
from dvfl_training.generated.camera_motion.motions import LABELS as MOTION_LABELS
from dvfl_training.generated.clip import GeneratedSet
from dvfl_training.generated.mocap_actions import clips as mocap_actions
from dvfl_training.generated.mocap_actions.motions import LABELS as ACTION_LABELS

GENERATED: dict[str, GeneratedSet] = {
    row.name: row
    for row in (
        GeneratedSet(
            name="mocap-actions",
            classes=ACTION_LABELS,
            hard_classes=ACTION_LABELS,
            mirror={},
            render=mocap_actions.render,
        ),
        GeneratedSet(
            name="camera-motion",
            classes=MOTION_LABELS,
            hard_classes=HARD_LABELS,
            mirror=MIRROR,
            render=camera_motion.render,
        ),
    )
}

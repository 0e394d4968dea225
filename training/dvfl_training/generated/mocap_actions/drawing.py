"""Drawing a person of capsules over a picture: painter's order, anti-aliased edges, light from one side."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

Frame = NDArray[np.uint8]
Values = NDArray[np.float64]

# cv2 draws at fractions of a pixel: 2**4 of them.
_SHIFT = 4
_TONES = ((1.0, 0.0, 0.72), (0.78, 0.22, 0.95), (0.42, 0.42, 1.14))


def draw_person(
    canvas: Frame, points: Values, depths: Values, radii: Values, colours: Sequence[Values], light: Values
) -> None:
    """Paints capsules onto ``canvas`` uint8 ``[H, W, 3]``, the farthest first.

    Each is painted thrice: a dark rim, its colour, and a bright core, both moved towards the light.

    Args:
        points: ``[P, 2, 2]`` pixels; depths: ``[P]`` of their middles in metres; radii: ``[P, 2]`` pixels.
        colours: RGB 0..255 for each capsule.
        light: ``[2]`` where it comes from on the picture, at most 1 long.
    """
    order = np.argsort(-depths)
    scale, shift, tone = (np.array(column) for column in zip(*_TONES, strict=True))
    widths = radii[order, None] * scale[None, :, None]
    moved = points[order, None] + light * (radii[order, None] * shift[None, :, None])[..., None]
    paints = np.clip(np.array(colours)[order, None] * tone[None, :, None], 0, 255)
    _capsules(canvas, moved.reshape(-1, 2, 2), widths.reshape(-1, 2), paints.reshape(-1, 3))


def person_mask(size: tuple[int, int], points: Values, radii: Values) -> Frame:
    """Where a person is, uint8 0 or 255, ``[H, W]`` for ``size`` (W, H)."""
    mask = np.zeros((size[1], size[0]), np.uint8)
    _capsules(mask, points, radii, np.full((len(points), 1), 255.0), cv2.LINE_8)
    return mask


def _capsules(canvas: Frame, ends: Values, radii: Values, colours: Values, line: int = cv2.LINE_AA) -> None:
    """Paints capsules one over the other: ends ``[N, 2, 2]`` and radii ``[N, 2]`` in pixels."""
    along = ends[:, 1] - ends[:, 0]
    length = np.hypot(along[:, 0], along[:, 1])
    across = np.stack([-along[:, 1], along[:, 0]], axis=1) / np.maximum(length, 1e-9)[:, None]
    edges = across[:, None] * radii[..., None]
    # Along one side and back along the other.
    corners = np.concatenate([ends + edges, (ends - edges)[:, ::-1]], axis=1)
    centres, quads = _fixed(ends).tolist(), _fixed(corners)
    spans = np.maximum(1, _fixed(radii)).tolist()
    for index, colour in enumerate(colours.tolist()):
        for centre, radius in zip(centres[index], spans[index], strict=True):
            cv2.circle(canvas, centre, radius, colour, -1, line, _SHIFT)
        if length[index] >= 1e-3:
            cv2.fillConvexPoly(canvas, quads[index], colour, line, _SHIFT)


def _fixed(values: Values) -> NDArray[np.int32]:
    return np.round(values * (1 << _SHIFT)).astype(np.int32)

"""Reading labels and holding them against the classifier head."""

from __future__ import annotations

from pathlib import Path

from dvfl.errors import LabelsError


def read_labels(path: Path, classes: int) -> tuple[str, ...]:
    """One label per line, in the order of the head's rows.

    Raises:
        LabelsError: unreadable, empty lines, duplicates, or not as many as the head has rows.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise LabelsError(f"{path}: no such labels file; give one label per line") from None
    except (OSError, UnicodeDecodeError) as error:
        raise LabelsError(f"{path}: unreadable labels file: {error}") from None
    labels = [line.strip() for line in text.splitlines()]
    while labels and not labels[-1]:
        labels.pop()
    if "" in labels:
        raise LabelsError(f"{path}: line {labels.index('') + 1} is empty; give one label per line")
    if len(labels) != classes:
        raise LabelsError(f"{path}: {len(labels)} labels, but the checkpoint's head has {classes} classes")
    duplicates = sorted({label for label in labels if labels.count(label) > 1})
    if duplicates:
        raise LabelsError(f"{path}: label '{duplicates[0]}' occurs more than once")
    return tuple(labels)

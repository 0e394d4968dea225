"""From a folder of clips to a manifest: list, divide, open every clip once, write."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from dvfl.files import check_writable
from dvfl_training.data.division import Unit, chosen_groups
from dvfl_training.data.manifest import Entry, Excluded, Header, Manifest, Split, write_manifest
from dvfl_training.data.probing import Probe, probe_all, probe_clip
from dvfl_training.data.sources.listing import DataSource, Listed, Listing, Request
from dvfl_training.errors import DataError

_NAMED = 3


@dataclass(frozen=True)
class Options:
    """How a manifest is made.

    Attributes:
        out: the .csv file to write; a .json file of the same name goes beside it.
        validation: share of the training groups that are kept to choose between models; 0 for none.
        workers: processes that decode; 0 for this one.
        allow_missing: go on without clips that are listed but not on disk.
    """

    out: Path
    validation: float = 0.1
    workers: int = 1
    allow_missing: bool = False


@dataclass(frozen=True)
class Prepared:
    """A manifest that was written, and what a person should know about it, one line each."""

    manifest: Manifest
    notes: tuple[str, ...]


def prepare(
    source: DataSource,
    request: Request,
    options: Options,
    *,
    probe: Probe = probe_clip,
    started: Callable[[int], None] = lambda _: None,
    advanced: Callable[[], None] = lambda: None,
) -> Prepared:
    """Writes the manifest of a data set; nothing is written unless all of it succeeds.

    Args:
        probe: opens one clip.
        started, advanced: told the number of clips, and that one more was opened.

    Raises:
        DataError: lists or clips are missing or contradict each other, or a class is left without clips.
        OutputError: the manifest cannot be written.
    """
    _check_request(source, request)
    if options.out.suffix != ".csv":
        raise DataError(f"{options.out}: a manifest's name must end with .csv")
    check_writable(options.out)
    listing = source.parse(request)
    present = _present(listing, request, options)
    started(len(present))
    readable, excluded = _open(present, request.root, options.workers, probe, advanced)
    entries = _divided(readable, listing, options.validation, request.seed)
    missing = [
        Excluded(path=clip.name, reason="is not on disk") for clip in listing.clips if clip.path is None
    ]
    header = Header(
        dataset=source.name,
        variant=listing.variant,
        root=_root(request.root, options.out),
        classes=listing.classes,
        mirror=None if listing.mirror is None else dict(listing.mirror),
        excluded=(*missing, *excluded),
    )
    Manifest(header, entries, options.out.parent).of(Split.TRAIN)
    manifest = write_manifest(options.out, header, entries)
    return Prepared(manifest, (*listing.notes, *_count_notes(source, request, listing), *_gaps(manifest)))


def held_out(entries: Sequence[Entry], share: float, seed: int, split: Split) -> tuple[Entry, ...]:
    """The entries, with ``share`` of the training groups of each class moved to ``split``.

    Nothing changes if that split has entries already.
    """
    if any(entry.split is split for entry in entries):
        return tuple(entries)
    train = [Unit(entry.label, entry.group) for entry in entries if entry.split is Split.TRAIN]
    chosen = chosen_groups(train, share, seed, split.value)
    return tuple(
        replace(entry, split=split) if entry.split is Split.TRAIN and entry.group in chosen else entry
        for entry in entries
    )


def _check_request(source: DataSource, request: Request) -> None:
    if not request.root.is_dir():
        raise DataError(f"{request.root}: is no folder; {source.obtain}")
    if not 1 <= request.split <= source.splits:
        choice = f"splits 1 to {source.splits}" if source.splits > 1 else "one split only"
        raise DataError(f"{source.name} has {choice}, not {request.split}; change --split")


def _present(listing: Listing, request: Request, options: Options) -> list[Listed]:
    missing = [clip.name for clip in listing.clips if clip.path is None]
    present = [clip for clip in listing.clips if clip.path is not None]
    names = ", ".join(missing[:_NAMED]) + (", ..." if len(missing) > _NAMED else "")
    if not present:
        raise DataError(
            f"{request.root}: holds none of the {len(missing)} listed clips ({names}); "
            "give the folder that the clips are in"
        )
    if missing and not options.allow_missing:
        raise DataError(
            f"{request.root}: {len(missing)} of {len(listing.clips)} listed clips are missing ({names}); "
            "add them, or go on without them with --allow-missing"
        )
    return present


def _open(
    clips: Sequence[Listed], root: Path, workers: int, probe: Probe, advanced: Callable[[], None]
) -> tuple[list[Entry], list[Excluded]]:
    entries, excluded = [], []
    paths = [clip.path or "" for clip in clips]
    probes = probe_all([root / path for path in paths], workers, probe)
    for clip, path, probed in zip(clips, paths, probes, strict=True):
        if probed.problem:
            excluded.append(Excluded(path=path, reason=probed.problem))
        else:
            entries.append(Entry(path, clip.label, clip.group, clip.split, probed.frames, probed.fps))
        advanced()
    return entries, excluded


def _divided(entries: list[Entry], listing: Listing, validation: float, seed: int) -> tuple[Entry, ...]:
    """Chosen among readable clips only, so that none that is left out counts."""
    tested = held_out(entries, listing.test, seed, Split.TEST)
    labels = {entry.label for entry in tested if entry.split is Split.TEST}
    untested = [name for label, name in enumerate(listing.classes) if label not in labels]
    if listing.test and untested:
        raise DataError(
            f"class '{untested[0]}' has too few groups of readable clips to train and to test on; "
            "add clips from another recording, or divide them into folders train/ and test/"
        )
    return held_out(tested, validation, seed, Split.VALIDATION)


def _root(root: Path, out: Path) -> str:
    """Relative where the clips lie under the manifest's folder, so that both can move together."""
    clips, folder = root.resolve(), out.parent.resolve()
    return clips.relative_to(folder).as_posix() if clips.is_relative_to(folder) else str(clips)


def _count_notes(source: DataSource, request: Request, listing: Listing) -> list[str]:
    notes = []
    if source.classes is not None and len(listing.classes) != source.classes:
        notes.append(f"{len(listing.classes)} classes were found, {source.name} has {source.classes}")
    train = sum(clip.split is Split.TRAIN for clip in listing.clips)
    test = sum(clip.split is Split.TEST for clip in listing.clips)
    published = source.published.get(request.split)
    if published is not None and published != (train, test):
        notes.append(
            f"{train:,} clips are listed for training and {test:,} for testing; published are "
            f"{published[0]:,} and {published[1]:,}"
        )
    return notes


def _gaps(manifest: Manifest) -> list[str]:
    notes = []
    for split, purpose in ((Split.TEST, "testing"), (Split.VALIDATION, "validation")):
        if len(manifest.without(split)) == len(manifest.classes):
            notes.append(f"no clips are for {purpose}")
        elif gap := manifest.gap(split):
            notes.append(f"{gap}: too few groups, or no readable clip")
    return notes

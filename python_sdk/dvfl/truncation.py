"""How long a video file says it is, for the containers that say so: a cut-off copy is shorter."""

from __future__ import annotations

from typing import BinaryIO

_EBML_HEADER = b"\x1a\x45\xdf\xa3"
_EBML_SEGMENT = b"\x18\x53\x80\x67"
_ISO_BOXES = frozenset(
    {b"ftyp", b"moov", b"mdat", b"moof", b"free", b"skip", b"wide", b"uuid", b"sidx", b"styp"}
)


def declared_size(file: BinaryIO, size: int) -> int | None:
    """The least number of bytes the file must have by its own headers, or None if they don't say.

    Knows ISO media (MP4, MOV: ISO/IEC 14496-12 boxes), RIFF (AVI) and Matroska / WebM (RFC 8794, 9559).

    Args:
        file: a seekable file.
        size: its real size in bytes.
    """
    file.seek(0)
    head = file.read(12)
    if head[4:8] in _ISO_BOXES:
        return _iso_size(file, size)
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return 8 + int.from_bytes(head[4:8], "little")
    if head[:4] == _EBML_HEADER:
        return _ebml_size(file)
    return None


def _iso_size(file: BinaryIO, size: int) -> int | None:
    position = 0
    while position + 8 <= size:
        file.seek(position)
        head = file.read(16)
        length, kind = int.from_bytes(head[:4], "big"), head[4:8]
        if length == 1:
            length = int.from_bytes(head[8:16], "big")
        # Length 0 means "to the end of the file"; an unknown kind is trailing data, not a box.
        if length < 8 or kind not in _ISO_BOXES:
            return None
        position += length
    return position


def _ebml_size(file: BinaryIO) -> int | None:
    file.seek(4)
    header_length = _ebml_length(file)
    if header_length is None:
        return None
    file.seek(header_length, 1)
    if file.read(4) != _EBML_SEGMENT:
        return None
    segment_length = _ebml_length(file)
    return None if segment_length is None else file.tell() + segment_length


def _ebml_length(file: BinaryIO) -> int | None:
    """An EBML variable-length integer; None if it is missing or means "unknown"."""
    first = file.read(1)
    if not first or first[0] == 0:
        return None
    extra = 8 - first[0].bit_length()
    rest = file.read(extra)
    value = int.from_bytes(first + rest, "big") & ((1 << (7 * (extra + 1))) - 1)
    return None if len(rest) < extra or value == (1 << (7 * (extra + 1))) - 1 else value

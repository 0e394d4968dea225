"""Labels, held against the classifier head."""

from __future__ import annotations

import pytest

from dvfl.errors import LabelsError
from dvfl_converter.labels import read_labels


@pytest.fixture
def write(tmp_path):
    def to_file(content: str | bytes):
        path = tmp_path / "labels.txt"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return to_file


@pytest.fixture
def refused(write):
    """Reads labels that must be refused in one line which names the file; returns the line."""

    def read(content, classes) -> str:
        path = write(content)
        with pytest.raises(LabelsError) as error:
            read_labels(path, classes)
        assert str(error.value).startswith(f"{path}: ")
        assert "\n" not in str(error.value)
        return str(error.value).removeprefix(f"{path}: ")

    return read


@pytest.mark.parametrize(
    "content",
    ["a\nb c\nd", "a\nb c\nd\n", "a\r\nb c\r\nd\r\n", "  a \nb c\t\nd\n\n\n", b"\xef\xbb\xbfa\nb c\nd\n"],
    ids=["bare", "newline", "windows", "spaces", "byte order mark"],
)
def test_one_label_per_line_in_order(write, content):
    assert read_labels(write(content), 3) == ("a", "b c", "d")


def test_labels_keep_their_accents(write):
    assert read_labels(write("tänzer\n跳舞\n"), 2) == ("tänzer", "跳舞")


@pytest.mark.parametrize(("content", "count"), [("a\nb\n", 2), ("a\nb\nc\nd\n", 4), ("", 0)])
def test_another_number_than_the_heads_classes_names_both(refused, content, count):
    assert refused(content, 3) == f"{count} labels, but the checkpoint's head has 3 classes"


def test_an_empty_line_in_between_is_named(refused):
    assert refused("a\n\nb\n", 3) == "line 2 is empty; give one label per line"


def test_a_label_that_occurs_twice_is_named(refused):
    assert refused("b\na\nb\na\n", 4) == "label 'a' occurs more than once"


def test_a_missing_file(tmp_path):
    with pytest.raises(LabelsError, match=r"none\.txt: no such labels file; give one label per line"):
        read_labels(tmp_path / "none.txt", 3)


def test_a_folder(tmp_path):
    with pytest.raises(LabelsError, match="unreadable labels file"):
        read_labels(tmp_path, 3)


def test_a_file_that_is_no_text(refused):
    assert refused(b"\xff\xfea\x00", 1).startswith("unreadable labels file: ")

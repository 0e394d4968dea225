"""Choosing groups by a seeded hash."""

from __future__ import annotations

from dvfl_training.data.division import Unit, chosen_groups


def units(*sizes: int) -> list[Unit]:
    """Two clips of each group; groups are named by class and number."""
    return [
        Unit(label, f"{label}-{group}")
        for label, size in enumerate(sizes)
        for group in range(size)
        for _ in range(2)
    ]


def chosen_by_class(clips: list[Unit], share: float, seed: int = 0) -> list[int]:
    chosen = chosen_groups(clips, share, seed, "test")
    return [
        len({clip.group for clip in clips if clip.label == label} & chosen)
        for label in sorted({clip.label for clip in clips})
    ]


def test_each_class_gives_its_share_and_at_least_one_group_of_two() -> None:
    assert chosen_by_class(units(40, 25, 9, 2, 1), 0.1) == [4, 2, 1, 1, 0]


def test_nothing_is_chosen_for_no_share() -> None:
    assert chosen_groups(units(9, 9), 0.0, 0, "test") == frozenset()


def test_no_class_loses_its_last_group() -> None:
    assert chosen_by_class(units(3, 2), 0.99) == [2, 1]
    shared = [Unit(0, "a"), Unit(0, "b"), Unit(1, "a"), Unit(1, "b"), Unit(2, "b"), Unit(3, "a")]
    assert chosen_groups(shared, 0.5, 0, "test") == frozenset()


def test_a_group_of_several_classes_counts_for_each() -> None:
    people = [Unit(label, f"person {n}") for label in range(6) for n in range(20)]
    assert len(chosen_groups(people, 0.2, 0, "test")) == 4


def test_the_choice_depends_on_seed_and_purpose_but_not_on_the_order_of_clips() -> None:
    clips = units(40, 40)
    chosen = chosen_groups(clips, 0.2, 0, "test")
    assert chosen == chosen_groups(clips[::-1], 0.2, 0, "test")
    assert chosen != chosen_groups(clips, 0.2, 1, "test")
    assert chosen != chosen_groups(clips, 0.2, 0, "validation")


def test_more_clips_move_few_others() -> None:
    before = chosen_groups(units(100), 0.2, 0, "test")
    after = chosen_groups(units(110), 0.2, 0, "test")
    assert len(before & after) >= 16

"""Batches: the same clips whatever computes them, and what stands in them."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from small_sets import small_config, small_set

from dvfl.video import load_clip
from dvfl_training.config import ClipConfig, TrainConfig
from dvfl_training.data.clips import input_spec
from dvfl_training.data.loader import Batch, EvaluationLoader, TrainingLoader, to_input
from dvfl_training.data.manifest import Manifest, Split
from dvfl_training.errors import ConfigError, DataError

CLIP = ClipConfig(frames=4, size=32, short_side=36)


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    return small_set(tmp_path_factory.mktemp("small"))


def step(manifest: Manifest, config: TrainConfig, number: int, world: int = 1) -> list[Batch]:
    """All parts of one global batch, in order."""
    parts = []
    for rank in range(world):
        loader = TrainingLoader(manifest, config, rank=rank, world=world)
        parts += list(islice(loader.batches(2, first_step=number), config.run.accumulate))
    return parts


def joined(parts: list[Batch], name: str) -> torch.Tensor:
    return torch.cat([getattr(part, name) for part in parts])


def test_a_batch_has_the_promised_shapes(manifest: Manifest) -> None:
    loader = TrainingLoader(manifest, small_config())
    batches = list(loader.batches(0))
    assert len(batches) == loader.steps_per_epoch == 3
    for batch in batches:
        assert batch.clips.shape == (4, 4, 32, 32, 3)
        assert batch.clips.dtype == torch.uint8
        assert batch.targets.shape == (4, 3)
        assert torch.allclose(batch.targets.sum(1), torch.ones(4))
        assert batch.targets.dtype == torch.float32
        assert batch.labels.dtype == batch.indices.dtype == batch.variants.dtype == torch.int64
        assert batch.variants.tolist() == [0] * 4
    assert sorted(joined(batches, "indices").tolist()) == list(range(12))


@pytest.mark.parametrize(("world", "accumulate", "workers"), [(1, 2, 0), (2, 1, 0), (2, 1, 2), (1, 1, 1)])
def test_the_clips_do_not_depend_on_what_computes_them(
    manifest: Manifest, world: int, accumulate: int, workers: int
) -> None:
    expected = step(manifest, small_config(), 1)
    found = step(manifest, small_config(run={"accumulate": accumulate, "workers": workers}), 1, world)
    assert len(found) == world * accumulate
    for name in ("clips", "targets", "labels", "indices"):
        assert torch.equal(joined(found, name), joined(expected, name)), name


def test_an_epoch_continued_is_the_epoch(manifest: Manifest) -> None:
    loader = TrainingLoader(manifest, small_config())
    whole, rest = list(loader.batches(5)), list(loader.batches(5, first_step=1))
    assert len(rest) == 2
    assert all(torch.equal(one.clips, other.clips) for one, other in zip(whole[1:], rest, strict=True))


def test_epochs_and_seeds_differ(manifest: Manifest) -> None:
    first = joined(list(TrainingLoader(manifest, small_config()).batches(0)), "indices")
    second = joined(list(TrainingLoader(manifest, small_config()).batches(1)), "indices")
    reseeded = joined(list(TrainingLoader(manifest, small_config(run={"seed": 8})).batches(0)), "indices")
    assert not torch.equal(first, second)
    assert not torch.equal(first, reseeded)


def test_loading_leaves_the_global_generators_alone(manifest: Manifest) -> None:
    torch.manual_seed(3)
    expected = torch.rand(3)
    torch.manual_seed(3)
    list(TrainingLoader(manifest, small_config(run={"workers": 1})).batches(0))
    assert torch.equal(torch.rand(3), expected)


def test_fixed_variants_come_back_unmixed(manifest: Manifest) -> None:
    config = small_config(augmentation={"variants": 2}, run={"label_smoothing": 0.0})
    loader = TrainingLoader(manifest, config)
    by_epoch = []
    for epoch in range(3):
        batches = list(loader.batches(epoch))
        assert set(joined(batches, "variants").tolist()) == {epoch % 2}
        assert torch.equal(joined(batches, "targets").argmax(1), joined(batches, "labels"))
        assert joined(batches, "targets").max(1).values.eq(1).all()
        order = joined(batches, "indices").argsort()
        by_epoch.append(joined(batches, "clips")[order])
    assert torch.equal(by_epoch[0], by_epoch[2])
    assert not torch.equal(by_epoch[0], by_epoch[1])


def test_a_mirrored_clip_gets_the_mirrored_label(manifest: Manifest) -> None:
    loader = TrainingLoader(manifest, small_config(augmentation={"flip": 1.0}))
    entries = manifest.of(Split.TRAIN)
    for batch in loader.batches(0):
        for label, index in zip(batch.labels.tolist(), batch.indices.tolist(), strict=True):
            assert label == (1, 0, 2)[entries[index].label]


def test_a_data_set_without_mirroring_keeps_its_clips_and_labels(tmp_path: Path) -> None:
    manifest = small_set(tmp_path, per_class=2, mirror=None)
    always = TrainingLoader(manifest, small_config(augmentation={"flip": 1.0}))
    never = TrainingLoader(manifest, small_config(augmentation={"flip": 0.0}))
    for one, other in zip(always.batches(0), never.batches(0), strict=True):
        assert torch.equal(one.clips, other.clips)
        assert one.labels.tolist() == [manifest.of(Split.TRAIN)[index].label for index in one.indices]


def test_too_few_clips_for_a_batch_are_refused(manifest: Manifest) -> None:
    with pytest.raises(DataError, match=r"12 clips.*set run\.batch to 12 or less"):
        TrainingLoader(manifest, small_config(run={"batch": 16}))


def test_a_batch_that_does_not_divide_is_refused(manifest: Manifest) -> None:
    with pytest.raises(ConfigError, match="3 processes of 1 parts; take a multiple of 6"):
        TrainingLoader(manifest, small_config(), world=3)


@pytest.mark.parametrize("workers", [0, 2])
def test_a_clip_that_went_bad_is_named_in_one_line(tmp_path: Path, workers: int) -> None:
    manifest = small_set(tmp_path, per_class=2)
    (tmp_path / "wait" / "1.mp4").write_bytes(b"no video")
    loader = TrainingLoader(manifest, small_config(run={"batch": 6, "workers": workers}))
    with pytest.raises(DataError, match=r"wait.1\.mp4.*it was readable when") as caught:
        list(loader.batches(0))
    assert "\n" not in str(caught.value)


def test_clips_that_were_moved_away_are_missed_before_anything_begins(tmp_path: Path) -> None:
    manifest = small_set(tmp_path, per_class=2)
    (tmp_path / "wait").rename(tmp_path / "elsewhere")
    with pytest.raises(DataError, match=r"wait.0\.mp4: no such file; put the clips back"):
        TrainingLoader(manifest, small_config(run={"batch": 6}))
    with pytest.raises(DataError, match="no such file; put the clips back"):
        EvaluationLoader(manifest, Split.TRAIN, CLIP)


def test_evaluation_is_the_phones_preprocessing(manifest: Manifest) -> None:
    spec = input_spec(CLIP)
    batches = list(EvaluationLoader(manifest, Split.TEST, CLIP, batch=2, workers=1))
    assert [len(batch.labels) for batch in batches] == [2, 1]
    assert batches[0].clips.shape == (2, 1, 4, 32, 32, 3)
    for batch in batches:
        for clip, index, label in zip(batch.clips, batch.indices, batch.labels, strict=True):
            entry = manifest.of(Split.TEST)[int(index)]
            assert np.array_equal(clip[0].numpy(), load_clip(manifest.file(entry), spec).pixels)
            assert int(label) == entry.label


def test_processes_share_the_videos_of_an_evaluation(manifest: Manifest) -> None:
    indices = []
    for rank in range(2):
        loader = EvaluationLoader(manifest, Split.TRAIN, CLIP, batch=4, workers=0, rank=rank, world=2)
        batches = list(loader)
        assert len(batches) == len(loader)
        indices += [int(index) for batch in batches for index in batch.indices]
    assert sorted(indices) == list(range(12))


def test_twelve_views_show_three_places_at_four_moments(manifest: Manifest) -> None:
    (batch,) = EvaluationLoader(manifest, Split.TEST, CLIP, views=(4, 3), workers=0)
    assert batch.clips.shape == (3, 12, 4, 32, 32, 3)
    # 64 x 48 becomes 43 x 32, so the crops start at 0, 5 and 10 and overlap.
    left, middle, right = (batch.clips[:, place] for place in range(3))
    assert torch.equal(left[:, :, :, 5:], middle[:, :, :, :-5])
    assert torch.equal(middle[:, :, :, 5:], right[:, :, :, :-5])
    assert not torch.equal(batch.clips[:, 0], batch.clips[:, 9])
    again = next(iter(EvaluationLoader(manifest, Split.TEST, CLIP, views=(4, 3), workers=2)))
    assert torch.equal(batch.clips, again.clips)


def test_undefined_views_are_refused(manifest: Manifest) -> None:
    with pytest.raises(DataError, match="views 4 x 2"):
        EvaluationLoader(manifest, Split.TEST, CLIP, views=(4, 2))


def test_the_networks_input_is_normalised_by_the_contract() -> None:
    clips = torch.randint(0, 256, (2, 3, 4, 5, 3), dtype=torch.uint8)
    made = to_input(clips, "cpu")
    assert made.shape == (2, 3, 3, 4, 5)
    value = (float(clips[1, 2, 3, 4, 1]) - 116.28) / 57.12
    assert float(made[1, 2, 1, 3, 4]) == pytest.approx(value, abs=1e-5)

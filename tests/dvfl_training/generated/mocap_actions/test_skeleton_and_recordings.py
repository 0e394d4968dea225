"""The skeleton stands as the recordings' own simulator poses it, and recordings play at any time."""

from __future__ import annotations

import numpy as np
import pybullet
import pybullet_data
import pytest

from dvfl_training.generated.mocap_actions.motions import ACTIONS, LABELS, mirrored, recording, unsteady
from dvfl_training.generated.mocap_actions.skeleton import JOINTS, NAMES, Proportions, place, rotate

RECORDINGS = [name for action in ACTIONS for name in action.recordings]


@pytest.fixture(scope="module")
def simulator():
    client = pybullet.connect(pybullet.DIRECT)
    urdf = pybullet_data.getDataPath() + "/humanoid/humanoid.urdf"
    flags = pybullet.URDF_MAINTAIN_LINK_ORDER
    body = pybullet.loadURDF(urdf, globalScaling=0.25, flags=flags, physicsClientId=client)
    yield client, body
    pybullet.disconnect(client)


@pytest.mark.parametrize("name", ["walk", "backflip", "getup_faceup"])
def test_joints_are_where_the_simulator_puts_them(simulator, name: str) -> None:
    client, body = simulator
    recorded = recording(name)
    root, rotations = recorded.at(np.array([0.4 * recorded.length_s]), endless=False)
    positions, _ = place(root, rotations, Proportions())
    by_name = {
        pybullet.getJointInfo(body, index, client)[12].decode(): index
        for index in range(pybullet.getNumJoints(body, client))
    }
    w, x, y, z = rotations[0, 0]
    pybullet.resetBasePositionAndOrientation(body, root[0].tolist(), [x, y, z, w], client)
    for joint, (w, x, y, z) in zip(NAMES[1:], rotations[0, 1:], strict=True):
        hinge = joint.endswith(("knee", "elbow"))
        value = [2 * np.arctan2(z, w)] if hinge else [x, y, z, w]
        pybullet.resetJointStateMultiDof(body, by_name[joint], value, physicsClientId=client)
    origin = positions[0, 0] - link_position(body, by_name["root"], client)
    for joint, found in zip(NAMES, positions[0], strict=True):
        # The simulator's file gives lengths to a tenth of a millimetre.
        assert found == pytest.approx(origin + link_position(body, by_name[joint], client), abs=2e-3), joint


def link_position(body: int, link: int, client: int) -> np.ndarray:
    state = pybullet.getLinkState(body, link, computeForwardKinematics=True, physicsClientId=client)
    return np.array(state[4])


def test_there_are_thirteen_actions() -> None:
    assert len(set(LABELS)) == 13


@pytest.mark.parametrize("name", RECORDINGS)
def test_every_recording_is_of_a_person_of_plausible_size_on_the_ground(name: str) -> None:
    recorded = recording(name)
    assert 0.4 < recorded.length_s < 7
    assert (np.diff(recorded.seconds) > 0).all()
    positions, _ = place(recorded.root, recorded.rotations, Proportions())
    assert np.ptp(positions[..., 1], axis=1).max() < 2.2
    # Joints are inside the body, so the lowest one is a little above the ground at some time.
    assert -0.08 < positions[..., 1].min() < 0.15


@pytest.mark.parametrize("name", ["walk", "run", "crawl"])
def test_an_endless_recording_goes_on_where_it_ended(name: str) -> None:
    recorded = recording(name)
    step = 1e-4
    end = recorded.length_s
    root, rotations = recorded.at(np.array([end - step, end + step]), endless=True)
    assert np.abs(root[1] - root[0])[[0, 2]].max() < 0.005
    assert np.abs(np.sum(rotations[0] * rotations[1], axis=-1)).min() > 0.9999
    ahead, _ = recorded.at(np.array([0.0, 3 * end]), endless=True)
    once, _ = recorded.at(np.array([0.0, end - step]), endless=True)
    assert ahead[1, 0] - ahead[0, 0] == pytest.approx(3 * (once[1, 0] - once[0, 0]), rel=0.01)


def test_another_recording_rests_at_its_ends() -> None:
    recorded = recording("jump")
    root, _ = recorded.at(np.array([-1.0, 0.0, recorded.length_s, 99.0]), endless=False)
    np.testing.assert_array_equal(root[0], root[1])
    np.testing.assert_array_equal(root[2], root[3])


def test_a_mirrored_person_does_with_the_left_what_the_other_does_with_the_right() -> None:
    recorded = recording("kick")
    plain, _ = place(recorded.root, recorded.rotations, Proportions())
    other, _ = place(*mirrored(recorded.root, recorded.rotations), Proportions())
    for index, name in enumerate(NAMES):
        swap = name.replace("left", "right") if "left" in name else name.replace("right", "left")
        reflected = plain[:, NAMES.index(swap)] * np.array([1.0, 1.0, -1.0])
        np.testing.assert_allclose(other[:, index], reflected, atol=1e-9)


def test_unsteady_joints_keep_the_root_and_turn_the_others_a_little() -> None:
    recorded = recording("walk")
    shaken = unsteady(recorded.rotations, 0.1, np.random.default_rng(0))
    np.testing.assert_allclose(shaken[:, 0], recorded.rotations[:, 0], atol=1e-12)
    turned = 2 * np.arccos(np.clip(np.abs(np.sum(shaken * recorded.rotations, axis=-1)), 0, 1))
    assert 0.01 < turned[:, 1:].mean() < 0.15
    np.testing.assert_allclose(np.linalg.norm(shaken, axis=-1), 1.0)


def test_proportions_lengthen_what_they_name() -> None:
    recorded = recording("walk")
    plain, _ = place(recorded.root, recorded.rotations, Proportions())
    tall, _ = place(recorded.root, recorded.rotations, Proportions(legs=1.2))
    thigh = [NAMES.index("right_hip"), NAMES.index("right_knee")]
    lengths = [np.linalg.norm(np.diff(body[:, thigh], axis=1), axis=-1) for body in (plain, tall)]
    np.testing.assert_allclose(lengths[1], 1.2 * lengths[0])
    arm = [NAMES.index("right_shoulder"), NAMES.index("right_elbow")]
    np.testing.assert_allclose(np.diff(plain[:, arm], axis=1), np.diff(tall[:, arm], axis=1))


def test_rotating_keeps_lengths_and_a_quarter_turn_about_y_takes_x_to_minus_z() -> None:
    half = np.sqrt(0.5)
    turned = rotate(np.array([half, 0.0, half, 0.0]), np.array([1.0, 0.0, 0.0]))
    np.testing.assert_allclose(turned, [0.0, 0.0, -1.0], atol=1e-12)


def test_every_parent_comes_before_its_children() -> None:
    for index, joint in enumerate(JOINTS):
        assert not joint.parent or NAMES.index(joint.parent) < index

# SPDX-License-Identifier: Apache-2.0
"""The form `bvh`: a zip of motion capture files, one a person, joint angles on a skeleton of constant bones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from bonefide.data.synthetic.clips import label_table
from bonefide.data.synthetic.form import LABELS, Form, Order, write_zip
from bonefide.data.synthetic.take import Take
from bonefide.layouts import layout
from bonefide.types import Array

__all__ = ["BVH"]

_JOINT = {name: index for index, name in enumerate(layout("ntu25").joints)}
_FRAME_TIME = 0.033333
_PARTNER_FURTHER = 2
_CENTIMETRES = 100.0
_LEFT, _UP, _AHEAD = np.eye(3)


@dataclass(frozen=True)
class _Node:
    """A joint of the file.

    Args:
        parent: name of the joint it hangs on; empty for the root.
        joint: where it is.
        turn: what turns it: "pelvis" and "chest" the two rigid parts of the trunk, "hand" the flat hand; the name of a
            joint: as little as points the bone to that joint; empty: nothing but its parent.
        end: a last point in its own axes, in metres, if nothing hangs on it.
    """

    parent: str
    joint: str
    turn: str = ""
    end: tuple[float, float, float] | None = None


def _nodes() -> dict[str, _Node]:
    """Parents before children; in the resting pose arms are stretched sideways, thumbs and toes point ahead."""
    nodes = {
        "Hips": _Node("", "spine_base", "pelvis"),
        # At the same place as the root, because the spine turns against the hips there.
        "Spine": _Node("Hips", "spine_base", "spine_middle"),
        "Spine1": _Node("Spine", "spine_middle", "chest"),
        "Spine2": _Node("Spine1", "spine_shoulder"),
        "Neck": _Node("Spine2", "neck", "head"),
        "Head": _Node("Neck", "head", end=(0.0, 0.1, 0.0)),
    }
    for side, sign in (("Left", 1.0), ("Right", -1.0)):
        own = side.lower()
        nodes |= {
            f"{side}Arm": _Node("Spine2", f"{own}_shoulder", f"{own}_elbow"),
            f"{side}ForeArm": _Node(f"{side}Arm", f"{own}_elbow", f"{own}_wrist"),
            f"{side}Hand": _Node(f"{side}ForeArm", f"{own}_wrist", "hand"),
            f"{side}HandMiddle": _Node(f"{side}Hand", f"{own}_hand", end=(0.08 * sign, 0.0, 0.0)),
            f"{side}HandThumb": _Node(f"{side}Hand", f"{own}_thumb", end=(0.02 * sign, 0.0, 0.02)),
        }
    for side in ("Left", "Right"):
        own = side.lower()
        nodes |= {
            f"{side}UpLeg": _Node("Hips", f"{own}_hip", f"{own}_knee"),
            f"{side}Leg": _Node(f"{side}UpLeg", f"{own}_knee", f"{own}_ankle"),
            f"{side}Foot": _Node(f"{side}Leg", f"{own}_ankle", f"{own}_foot"),
            f"{side}ToeBase": _Node(f"{side}Foot", f"{own}_foot", end=(0.0, 0.0, 0.06)),
        }
    return nodes


_NODES: Mapping[str, _Node] = _nodes()


def _write(order: Order, out: Path) -> None:
    recordings = sorted(order.takes(), key=_stem)
    rows = [(f"{_stem(take)}_{place + 1}", take, person) for take in recordings for place, person in _people(take)]
    write_zip(out, recordings, _files, order.progress, table=label_table(rows))


def _stem(take: Take) -> str:
    return take.clip_name.rpartition("_")[0]


def _people(take: Take) -> list[tuple[int, int]]:
    """Place and number of everyone who takes part."""
    return [(place, take.subject + _PARTNER_FURTHER * place) for place in range(take.persons)]


def _files(take: Take) -> Iterator[tuple[str, bytes]]:
    for place, joints in enumerate(take.scene(), start=1):
        yield f"{_stem(take)}_{place}.bvh", _text(joints).encode("ascii")


def _text(joints: Array) -> str:
    """One person's file."""
    turns = _turns(joints)
    lines = ["HIERARCHY", *_hierarchy("Hips", joints[0], {name: turn[0] for name, turn in turns.items()}, "")]
    lines += ["MOTION", f"Frames: {len(joints)}", f"Frame Time: {_FRAME_TIME}"]
    channels = [_CENTIMETRES * joints[:, _JOINT["spine_base"]]]
    channels += [_angles(turns, name) for name in _order("Hips")]
    rows = np.concatenate(channels, axis=1) + 0.0
    line = " ".join(["%.5f"] * rows.shape[1])
    return "\n".join([*lines, *(line % tuple(row) for row in rows.tolist())]) + "\n"


def _order(name: str) -> list[str]:
    """A joint and all that hangs on it, in the order of the file."""
    return [name, *(below for child in _children(name) for below in _order(child))]


def _children(name: str) -> list[str]:
    return [child for child, node in _NODES.items() if node.parent == name]


def _hierarchy(name: str, joints: Array, turns: Mapping[str, Array], indent: str) -> list[str]:
    """The lines of a joint and of all that hangs on it; bones from any frame, as they are constant."""
    node = _NODES[name]
    offset = np.zeros(3)
    if node.parent:
        bone = joints[_JOINT[node.joint]] - joints[_JOINT[_NODES[node.parent].joint]]
        offset = _CENTIMETRES * turns[node.parent].T @ bone
    rotations = "Zrotation Xrotation Yrotation"
    channels = f"CHANNELS 3 {rotations}" if node.parent else f"CHANNELS 6 Xposition Yposition Zposition {rotations}"
    inner = f"{indent}\t"
    lines = [f"{indent}{'JOINT' if node.parent else 'ROOT'} {name}", f"{indent}{{"]
    lines += [f"{inner}OFFSET {_numbers(offset)}", f"{inner}{channels}"]
    for child in _children(name):
        lines += _hierarchy(child, joints, turns, inner)
    if node.end:
        end = _numbers(_CENTIMETRES * np.array(node.end))
        lines += [f"{inner}End Site", f"{inner}{{", f"{inner}\tOFFSET {end}", f"{inner}}}"]
    return [*lines, f"{indent}}}"]


def _numbers(point: Array) -> str:
    # Adding zero to what is rounded turns -0 into 0.
    return " ".join(f"{value:.5f}" for value in (np.round(point, 5) + 0.0).tolist())


def _angles(turns: Mapping[str, Array], name: str) -> Array:
    """Turn of a joint against its parent: about z, then the new x, then the new y, in degrees, (T, 3)."""
    parent = _NODES[name].parent
    local = turns[parent].transpose(0, 2, 1) @ turns[name] if parent else turns[name]
    angles: Array = np.unwrap(Rotation.from_matrix(local).as_euler("ZXY", degrees=True), axis=0, period=360.0)
    return angles


def _turns(joints: Array) -> dict[str, Array]:
    """Rotation of every joint from the resting pose to every frame, (T, 3, 3)."""
    point = {name: joints[:, index] for name, index in _JOINT.items()}
    turns: dict[str, Array] = {}
    for name, node in _NODES.items():
        if node.turn == "pelvis":
            middle = 0.5 * (point["left_hip"] + point["right_hip"])
            turns[name] = _axes(point["left_hip"] - point["right_hip"], point["spine_base"] - middle)
        elif node.turn == "chest":
            upward = point["spine_shoulder"] - point["spine_middle"]
            turns[name] = _axes(point["left_shoulder"] - point["right_shoulder"], upward)
        elif node.turn == "hand":
            side, sign = (name[: -len("Hand")].lower(), 1.0 if name == "LeftHand" else -1.0)
            along = sign * (point[f"{side}_hand"] - point[f"{side}_wrist"])
            turns[name] = _axes(along, np.cross(point[f"{side}_thumb"] - point[f"{side}_hand"], along))
        elif node.turn:
            parent = turns[node.parent]
            bone = point[node.turn] - point[node.joint]
            turns[name] = _swing(parent @ _resting(name), _unit(bone)) @ parent
        else:
            turns[name] = turns[node.parent]
    return turns


def _resting(name: str) -> Array:
    """Direction of the bone from a joint in the resting pose."""
    if name.endswith("Arm"):
        return _LEFT if name.startswith("Left") else -_LEFT
    if name.endswith("Leg"):
        return -_UP
    return _unit(np.array([0.0, -0.4, 1.0])) if name.endswith("Foot") else _UP


def _axes(left: Array, up: Array) -> Array:
    """Rotation whose columns are left, up and ahead, (T, 3, 3)."""
    first = _unit(left)
    third = _unit(np.cross(first, up))
    return np.stack([first, np.cross(third, first), third], axis=2)


def _swing(begin: Array, end: Array) -> Array:
    """The least turn that takes one direction to another, (T, 3, 3)."""
    axis = np.cross(begin, end)
    cross = np.zeros((len(axis), 3, 3))
    cross[:, (2, 0, 1), (1, 2, 0)] = axis
    cross[:, (1, 2, 0), (2, 0, 1)] = -axis
    cosine = np.sum(begin * end, axis=1)
    turn: Array = np.eye(3) + cross + cross @ cross / np.maximum(1.0 + cosine, 1e-6)[:, None, None]
    return turn


def _unit(vector: Array) -> Array:
    length: Array = np.linalg.norm(vector, axis=-1, keepdims=True)
    return vector / np.maximum(length, 1e-9)


BVH = Form(_write, LABELS, 106, 999, cameras=1)
"""Every action, true joints without a sensor; two files where two people take part."""

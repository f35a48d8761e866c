# SPDX-License-Identifier: Apache-2.0
"""From a score to joints: forward kinematics of the trunk, two-bone inverse kinematics of arms and legs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bonefide.data.synthetic.bodies import Body
from bonefide.data.synthetic.motion import Foot, Hand, Motion, Point, Reach, blend, curve
from bonefide.layouts import layout
from bonefide.types import Array

__all__ = ["joints", "two_bones"]

_LAYOUT = layout("ntu25")
_JOINT = {name: index for index, name in enumerate(_LAYOUT.joints)}
_SIDES = {"right": 1.0, "left": -1.0}
_AXES = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}
_TOES_OUT = 0.15


@dataclass(frozen=True, eq=False)
class _Trunk:
    """What the hands' anchors hang on: joints so far (T, 25, 3), axes of chest and head (T, 3, 3)."""

    points: Array
    chest: Array
    head: Array
    body: Body
    gap: float


def joints(
    motion: Motion,
    body: Body,
    rests: Mapping[str, Reach],
    times: Array,
    *,
    sway: Mapping[str, Array] | None = None,
    gap: float = 0.0,
) -> Array:
    """Where all joints of a person are who performs a motion.

    The person starts above the origin and looks along -z; x is to the person's right, y up, the ground at 0. Feet stay
    where the score puts them: the pelvis sinks as far as the legs need.

    Args:
        motion: what to do.
        body: who does it.
        rests: where "right" and "left" hand rest.
        times: when, in the motion's own seconds.
        sway: added to the trunk's curves of these names.
        gap: distance to the partner in metres, whom the person faces.

    Shape:
        times: (T,).
        sway: (T,) each.
        returned: (T, 25, 3) in metres, layout ntu25.
    """
    points = np.zeros((len(times), len(_LAYOUT.joints), 3))
    trunk = {name: curve(keys, times) for name, keys in motion.trunk.items()}
    for name, drift in (sway or {}).items():
        trunk[name] = trunk.get(name, 0.0) + drift
    steps = {"right": motion.right_foot, "left": motion.left_foot}
    feet = {side: _foot(steps[side], body, _SIDES[side], times) for side in _SIDES}
    pelvis, chest, head = _place_trunk(points, trunk, body, {side: foot[0] for side, foot in feet.items()})
    anchors = _Trunk(points, chest, head, body, gap)
    hands = {"right": motion.right, "left": motion.left}
    for side, sign in _SIDES.items():
        _place_leg(points, side, body, pelvis, feet[side])
        keys = hands[side] or (Hand(0.0, Reach("rest")),)
        hand, elbow = _hand(keys, rests[side], anchors, sign, times)
        _place_arm(points, side, body, hand, elbow)
    return points


def two_bones(start: Array, end: Array, lengths: tuple[float, float], toward: Array) -> tuple[Array, Array]:
    """Middle and end of two bones that reach for a point.

    Args:
        start: where the first bone begins.
        end: where the second should end; what is out of reach is approached as far as possible.
        lengths: of both bones.
        toward: direction in which the middle joint leaves the line from start to end.

    Shape:
        start, end, toward: (T, 3).
        returned: (T, 3) each.

    Example:
        >>> knee, ankle = two_bones(np.zeros((1, 3)), np.array([[0, -1.6, 0]]), (1.0, 1.0), np.array([[0, 0, -1.0]]))
        >>> knee.round(6).tolist(), ankle.round(6).tolist()
        ([[0.0, -0.8, -0.6]], [[0.0, -1.6, 0.0]])
    """
    first, second = lengths
    reach = end - start
    wanted = np.linalg.norm(reach, axis=1, keepdims=True)
    axis = reach / np.maximum(wanted, 1e-9)
    distance = np.clip(wanted, abs(first - second) + 0.12 * (first + second), 0.999 * (first + second))
    along = (first**2 - second**2 + distance**2) / (2.0 * distance)
    aside = np.sqrt(np.maximum(first**2 - along**2, 0.0))
    off = _unit(toward - axis * np.sum(axis * toward, axis=1, keepdims=True))
    return start + axis * along + off * aside, start + axis * distance


def _unit(vector: Array) -> Array:
    length: Array = np.linalg.norm(vector, axis=-1, keepdims=True)
    return vector / np.maximum(length, 1e-9)


def _turn(axis: str, angle: Array) -> Array:
    """Rotation matrices (T, 3, 3) about one axis."""
    turn = np.zeros((len(angle), 3, 3))
    turn[:, (0, 1, 2), (0, 1, 2)] = 1.0
    first, second = _AXES[axis]
    turn[:, first, first] = turn[:, second, second] = np.cos(angle)
    turn[:, second, first] = np.sin(angle)
    turn[:, first, second] = -turn[:, second, first]
    return turn


def _apply(turn: Array, vector: Array | Sequence[float]) -> Array:
    moved: Array = (turn @ np.asarray(vector, dtype=np.float64)[..., None])[..., 0]
    return moved


def _place_trunk(
    points: Array, trunk: Mapping[str, Array], body: Body, ankles: Mapping[str, Array]
) -> tuple[Array, ...]:
    """Fill in spine, neck, head, hips and shoulders; return the axes of pelvis, chest and head."""
    still = np.zeros(len(points))
    angle = {
        name: trunk.get(name, still)
        for name in ("yaw", "pitch", "bend", "side", "twist", "nod", "turn", "forward", "right")
    }
    pelvis = _turn("y", angle["yaw"]) @ _turn("x", -angle["pitch"])
    bend = 0.5 * (angle["bend"] + body.subject.stoop)
    half = _turn("y", 0.5 * angle["twist"]) @ _turn("x", -bend) @ _turn("z", -0.5 * angle["side"])
    middle = pelvis @ half
    chest = middle @ half
    head = chest @ _turn("y", angle["turn"]) @ _turn("x", -(angle["nod"] - 0.6 * bend))
    out, down = body.hip
    hips = {side: _apply(pelvis, (sign * out, -down, 0.0)) for side, sign in _SIDES.items()}
    base = np.stack([angle["right"], still, -angle["forward"]], axis=1) * body.stature
    base[:, 1] = _pelvis_height(trunk.get("height", still + 1.0) * body.pelvis, base, hips, ankles, body)
    low, high, neck, skull = body.spine
    points[:, _JOINT["spine_base"]] = base
    points[:, _JOINT["spine_middle"]] = base + _apply(middle, (0.0, low, 0.0))
    points[:, _JOINT["spine_shoulder"]] = top = points[:, _JOINT["spine_middle"]] + _apply(chest, (0.0, high, 0.0))
    points[:, _JOINT["neck"]] = top + _apply(chest, (0.0, neck, 0.0))
    points[:, _JOINT["head"]] = points[:, _JOINT["neck"]] + _apply(head, (0.0, skull, -0.012 * body.stature))
    out, down = body.shoulder
    for side, sign in _SIDES.items():
        points[:, _JOINT[f"{side}_hip"]] = base + hips[side]
        points[:, _JOINT[f"{side}_shoulder"]] = top + _apply(chest, (sign * out, -down, 0.0))
    return pelvis, chest, head


def _pelvis_height(
    wanted: Array, base: Array, hips: Mapping[str, Array], ankles: Mapping[str, Array], body: Body
) -> Array:
    """The wanted height, lowered as far as both legs need to reach the ground where the feet are."""
    reach = (0.998 * (body.thigh + body.shank)) ** 2
    soft = 0.004 * body.stature
    heights = [wanted]
    for side in _SIDES:
        away = (base + hips[side] - ankles[side])[:, (0, 2)]
        above = np.sqrt(np.maximum(reach - np.sum(away**2, axis=1), 1e-4))
        heights.append(ankles[side][:, 1] + above - hips[side][:, 1])
    stacked = np.stack(heights)
    least = stacked.min(axis=0)
    lowered: Array = least - soft * np.log(np.sum(np.exp((least - stacked) / soft), axis=0))
    return lowered


def _foot(keys: Sequence[Foot], body: Body, sign: float, times: Array) -> tuple[Array, Array, Array]:
    """Place of the ankle (T, 3), yaw and tilt of the foot (T,)."""
    keys = keys or (Foot(0.0),)
    shares = blend(np.array([key.time for key in keys]), times)
    place = shares @ np.array([key.place for key in keys])
    lift = 4.0 * np.sum(shares[:, :-1] * shares[:, 1:] * [key.arc for key in keys[1:]], axis=1)
    place = (place + lift[:, None] * (0.0, 1.0, 0.0)) * body.stature
    ankle = np.stack(
        [sign * (place[:, 0] + body.subject.stance * body.stature), place[:, 1] + body.ankle, -place[:, 2]], axis=1
    )
    return (
        ankle,
        shares @ np.array([key.yaw for key in keys]),
        shares @ np.array([key.tilt for key in keys]) + 6.0 * lift,
    )


def _place_leg(points: Array, side: str, body: Body, pelvis: Array, foot: tuple[Array, Array, Array]) -> None:
    ankle, yaw, tilt = foot
    sign = _SIDES[side]
    forward = _apply(_turn("y", yaw), (0.25 * sign, 0.7, -1.0)) + _apply(pelvis, (0.0, 0.0, -1.0))
    hip = points[:, _JOINT[f"{side}_hip"]]
    knee, ankle = two_bones(hip, ankle, (body.thigh, body.shank), forward)
    points[:, _JOINT[f"{side}_knee"]] = knee
    points[:, _JOINT[f"{side}_ankle"]] = ankle
    axes = _turn("y", yaw - sign * _TOES_OUT) @ _turn("x", -tilt)
    toes = (0.0, -0.03 * body.stature, -0.075 * body.stature)
    points[:, _JOINT[f"{side}_foot"]] = ankle + _apply(axes, toes)


def _place_arm(points: Array, side: str, body: Body, hand: Array, elbow: Array) -> None:
    """The hand continues the forearm; the thumb lies opposite the elbow's side."""
    shoulder = points[:, _JOINT[f"{side}_shoulder"]]
    lower = body.forearm + body.palm
    middle, palm = two_bones(shoulder, hand, (body.upper_arm, lower), elbow)
    along = (palm - middle) / lower
    thumb = -_unit(elbow - along * np.sum(along * elbow, axis=1, keepdims=True))
    points[:, _JOINT[f"{side}_elbow"]] = middle
    points[:, _JOINT[f"{side}_wrist"]] = middle + along * body.forearm
    points[:, _JOINT[f"{side}_hand"]] = palm
    points[:, _JOINT[f"{side}_hand_tip"]] = palm + along * body.palm
    points[:, _JOINT[f"{side}_thumb"]] = palm + (0.3 * along + 0.7 * thumb) * body.palm


def _hand(keys: Sequence[Hand], rest: Reach, trunk: _Trunk, sign: float, times: Array) -> tuple[Array, Array]:
    """Where a hand is to be and where its elbow is to point, (T, 3) each."""
    reaches = [rest if key.reach.anchor == "rest" else key.reach for key in keys]
    shares = blend(np.array([key.time for key in keys]), times)
    places = np.stack([_resolve(reach, trunk, sign) for reach in reaches], axis=1)
    hand = np.einsum("tk,tkc->tc", shares, places)
    # A hand swings forward around the body on its way, it does not cut through it.
    far = np.linalg.norm(np.diff(places, axis=1), axis=2)
    bulge = 0.36 * np.sum(shares[:, :-1] * shares[:, 1:] * far, axis=1)
    hand += _apply(trunk.chest, (0.25 * sign, 0.0, -1.0)) * bulge[:, None]
    elbows = np.array([_body_axes(reach.elbow, sign) for reach in reaches])
    elbows[:, 0] += 0.5 * sign * trunk.body.subject.elbow
    return hand, _apply(trunk.chest, shares @ elbows)


def _body_axes(point: Point, sign: float) -> tuple[float, float, float]:
    """From outward, upward, forward to the axes x (right), y (up), z (backward)."""
    return sign * point[0], point[1], -point[2]


def _resolve(reach: Reach, trunk: _Trunk, sign: float) -> Array:
    """A place relative to an anchor as a point of every frame, (T, 3)."""
    offset = np.array(_body_axes(reach.offset, sign))
    points, body = trunk.points, trunk.body
    if reach.anchor == "floor":
        return np.broadcast_to(offset * body.stature, (len(points), 3))
    if reach.anchor == "meet":
        return np.broadcast_to(offset - (0.0, 0.0, 0.5 * trunk.gap), (len(points), 3))
    if reach.anchor == "head":
        return points[:, _JOINT["head"]] + _apply(trunk.head, offset * body.stature)
    if reach.anchor == "chest":
        return points[:, _JOINT["spine_shoulder"]] + _apply(trunk.chest, offset * body.stature)
    side = "right" if sign > 0 else "left"
    return points[:, _JOINT[f"{side}_shoulder"]] + _apply(trunk.chest, offset * body.arm)

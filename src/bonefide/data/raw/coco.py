# SPDX-License-Identifier: Apache-2.0
"""COCO keypoints as MMPose, AlphaPose and others write them: one JSON file a clip."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from bonefide.data.raw._coco_forms import Found, find_persons
from bonefide.data.raw._detections import Detections
from bonefide.data.raw._first_look import fitted_to_first
from bonefide.data.raw._json_text import parse_json, table, uncollected
from bonefide.data.raw._recording import RawRecording
from bonefide.errors import RawFileError
from bonefide.layouts import SkeletonLayout, layout
from bonefide.types import Array

if TYPE_CHECKING:
    from bonefide.data.raw._source import RawSource

__all__ = ["COCO"]

_NAME = re.compile(r"(?!.*\d_keypoints\.json$).*\.json", re.ASCII | re.DOTALL | re.IGNORECASE)
_SIZES = {17: "coco17", 26: "halpe26", 133: "coco17", 136: "halpe26"}
_LOOKS = 20


@dataclass(frozen=True)
class COCO:
    """Reader of COCO keypoints, one JSON file a clip, in whichever of three forms.

    MMPose's predictions, the list also without the object around it; keypoints of two or three numbers:

    ```json
    {"meta_info": {}, "instance_info": [{"frame_id": 1, "instances": [
        {"keypoints": [[312.5, 104.2], ...], "keypoint_scores": [0.91, ...], "track_id": 0}]}]}
    ```

    A list of results, as of AlphaPose (`idx` tells who somebody is) and of the COCO evaluation; the last number in the
    name of an image is its frame:

    ```json
    [{"image_id": "000012.jpg", "keypoints": [312.5, 104.2, 0.91, ...], "score": 2.9, "idx": 1}]
    ```

    COCO annotations, the third of every triple being 0 for not labelled, 1 for hidden, 2 for visible:

    ```json
    {"images": [{"id": 7, "file_name": "000012.jpg"}], "categories": [],
     "annotations": [{"image_id": 7, "keypoints": [312, 104, 2, ...], "track_id": 0}]}
    ```

    Joints are COCO's 17 or Halpe's 26; of 133 or 136, which have face and hands too, these come first and are kept
    (warning `joints_dropped`). Others must be named and linked in `meta_info` or `categories`, as MMPose does with
    those of its 3D models. Coordinates are as in the files, pixels with y down in two dimensions (the preparation
    `plain` turns it up). The first frame becomes 0. Persons are those of the file if everybody has an id, else they are
    followed by proximity. A file called `alphapose-results.json` is named by its folder. Labels come from a table.

    Args:
        layout: of the keypoints, a name or the layout itself; "" for that of the first person, as `informed` sets it.
        channels: 2 or 3; 0 likewise.

    Shape:
        bodies of a recording: `joints` (t, V, 2 or 3) float64, `confidence` (t, V) where there are scores, `tracked`
            (t, V) from annotations.

    Raises:
        RawFileError: from `read`, with one of the codes `empty`, `encoding`, `json`, `truncated`, `depth`, `number`,
            `nonfinite`, `keys` (none of the forms), `joints` (not as many, or of as many numbers, as the layout has),
            `frames` (image ids or frame ids that cannot number the frames of a clip), `clips` (several clips in one
            file), `no_frames` (nobody in any frame), `count` (more than 64 persons in a frame).

    Reference:
        Lin et al. Microsoft COCO: Common Objects in Context. ECCV 2014. Fang et al. AlphaPose: Whole-Body Regional
        Multi-Person Pose Estimation and Tracking in Real-Time. TPAMI 2022.

    Differs from the official code:
        There is none that reads clips.

    Example:
        >>> import json
        >>> person = {"keypoints": [[5.0, 7.0]] * 17, "keypoint_scores": [0.5] * 17}
        >>> frames = [{"frame_id": 1, "instances": [person]}, {"frame_id": 2, "instances": []}]
        >>> recording = COCO().read("clips/wave.json", json.dumps({"instance_info": frames}).encode())
        >>> recording.name, recording.frames, recording.bodies[0].joints.shape
        ('wave', 2, (1, 17, 2))
    """

    layout: str | SkeletonLayout = ""
    channels: int = 0

    listed: ClassVar[tuple[str, ...]] = ()

    def matches(self, member: str) -> bool:
        """Whether a file is JSON, but not one frame as OpenPose writes it."""
        return _NAME.fullmatch(member) is not None

    def is_side(self, member: str) -> bool:
        """No file tells about others."""
        return False

    def informed(self, source: RawSource) -> COCO:
        """A reader for the joints and coordinates that the first clip with a person has.

        Raises:
            DataError: if none of the first 20 can be read.
        """
        return fitted_to_first(
            source,
            self.matches,
            self.fitted,
            looks=_LOOKS,
            absent="no JSON file is there",
            unusable="no clip with keypoints of somebody can be read",
        )

    def fitted(self, member: str, content: bytes) -> COCO:
        """A reader for files like this one.

        Args:
            member: its name.
            content: its bytes.

        Raises:
            RawFileError: if it is damaged, or `no_frames` if nobody is in it.
        """
        return self._fitted(_found(member, content), member)

    def read(self, member: str, content: bytes) -> RawRecording:
        """Read one clip.

        Args:
            member: its name, with or without folders.
            content: its bytes.

        Raises:
            RawFileError: if the file is damaged; see the class for the codes.
        """
        with uncollected():
            return self._read(member, content)

    def _read(self, member: str, content: bytes) -> RawRecording:
        found = _found(member, content)
        fitted = self._fitted(found, member)
        joints, _ = _size(found, member)
        kept = len(fitted._skeleton().joints)
        array, scores = _poses(found, joints, fitted.channels, member)
        scores = None if scores is None else scores[:, :kept]
        tracked = np.clip(scores, 0, 2).astype(np.int8) if found.annotated and scores is not None else None
        seen = Detections(member, found.numbers, found.listed, array[:, :kept], scores, tracked=tracked)
        return seen.recording(warnings=("joints_dropped",) if kept < joints else ())

    def _fitted(self, found: Found, path: str) -> COCO:
        """This reader with what it does not know yet, if it can read the persons of a file."""
        joints, channels = _size(found, path)
        known = self if self.layout else replace(self, layout=found.layout or _SIZES.get(joints, ""))
        known = known if self.channels else replace(known, channels=channels)
        if not known.layout or known.channels not in (2, 3):
            message = f"{joints} joints of {channels} numbers are of no layout known; declare one with --layout"
            raise RawFileError("joints", message, path=path)
        wanted = known._skeleton()
        if found.layout is None:
            fits = joints == len(wanted.joints) or _SIZES.get(joints) == wanted.name
        else:
            fits = replace(self, layout=found.layout)._skeleton().joints == wanted.joints
        if not fits or channels != known.channels:
            message = (
                f"{joints} joints of {channels} numbers, where layout {wanted.name} should have {len(wanted.joints)} "
                f"of {known.channels}; clips of another kind make another store"
            )
            raise RawFileError("joints", message, path=path)
        return known

    def _skeleton(self) -> SkeletonLayout:
        return layout(self.layout) if isinstance(self.layout, str) else self.layout


def _found(member: str, content: bytes) -> Found:
    found = find_persons(parse_json(content, member), member)
    if not found.listed.values:
        raise RawFileError("no_frames", f"nobody in any of {len(found.numbers)} frames", path=member)
    return found


def _size(found: Found, path: str) -> tuple[int, int]:
    """Joints and coordinates of the first person."""
    keypoints = found.listed.values[0][0]
    if not keypoints:
        raise RawFileError("joints", "somebody has no keypoints", path=path)
    if isinstance(keypoints[0], list):
        return len(keypoints), len(keypoints[0])
    return len(keypoints) // 3, 2


def _poses(found: Found, joints: int, channels: int, path: str) -> tuple[Array, Array | None]:
    """Coordinates and scores of all persons."""
    keypoints = [person[0] for person in found.listed.values]
    scores = [person[1] for person in found.listed.values]
    if not isinstance(keypoints[0][0], list):
        triples = table(keypoints, 3 * joints, path, "a list of keypoints").reshape(-1, joints, 3)
        return triples[..., :2], triples[..., 2]
    if {type(each) for each in keypoints} != {list} or {len(each) for each in keypoints} != {joints}:
        raise RawFileError("joints", f"somebody has not {joints} keypoints as the first", path=path)
    rows: list[Any] = [joint for each in keypoints for joint in each]
    array = table(rows, channels, path, "a keypoint").reshape(-1, joints, channels)
    if scores.count(None) == len(scores):
        return array, None
    return array, table(scores, joints, path, "keypoint_scores")

# SPDX-License-Identifier: Apache-2.0
"""BVH: skeleton and motion of one performer in one text file."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from bonefide.data.raw._bvh_anatomy import bvh_anatomy
from bonefide.data.raw._bvh_motion import positions
from bonefide.data.raw._bvh_text import Hierarchy, parse_bvh
from bonefide.data.raw._detections import clip_name
from bonefide.data.raw._first_look import fitted_to_first
from bonefide.data.raw._named_joints import twins
from bonefide.data.raw._recording import RawBody, RawRecording
from bonefide.errors import RawFileError
from bonefide.layouts import SkeletonLayout, layout

if TYPE_CHECKING:
    from bonefide.data.raw._source import RawSource

__all__ = ["BVH"]

_LOOKS = 20


@dataclass(frozen=True)
class BVH:
    r"""Reader of Biovision hierarchies, `CLIP.bvh`: joints by forward kinematics, with the layout of the file itself.

    ```text
    HIERARCHY
    ROOT Hips
    {
      OFFSET 0 0 0
      CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation
      End Site
      {
        OFFSET 0 10 0
      }
    }
    MOTION
    Frames: 1
    Frame Time: 0.0333333
    0 90 0 0 0 0
    ```

    Joints are the root, all joints and the End Sites, called `PARENT_end`. Rotations multiply in the order of the
    channels, which every joint has its own of; position channels stand instead of the offset. Positions are in the unit
    of the file, mostly centimetres or inches, with y up (the preparation `plain` scales them). Left and right are told
    by the names (`LeftArm`, `arm.L`, `l_arm`); what the joints are for conversions to other layouts likewise, for the
    names of MotionBuilder, Mixamo and CMU. Labels come from a table.

    Args:
        layout: whose joints all files must have, a name or the layout itself; "" for whatever a file has. `informed`
            sets that of the first file.

    Shape:
        bodies of a recording: one, `joints` (T, V, 3) float64.

    Raises:
        RawFileError: from `read`, with one of the codes `empty`, `encoding` (not UTF-8 text), `hierarchy` (not the
            words of one, or not in their order), `channels`, `joints` (none, two of one name, several skeletons, more
            than 1000, or other ones than the first file has), `number`, `nonfinite`, `truncated`, `no_frames`; numbers
            behind the last frame are the warning `trailing`.

    Reference:
        Meredith, Maddock. Motion Capture File Formats Explained. University of Sheffield, CS-01-11, 2001.

    Differs from the official code:
        There is none. Where a joint has position channels and an offset, some readers add them; files of MotionBuilder,
        Blender and Mixamo mean one instead of the other.

    Example:
        >>> joints = ["ROOT a", "{", "OFFSET 0 9 0", "CHANNELS 1 Zrotation", "End Site", "{", "OFFSET 0 1 0", "}}"]
        >>> lines = ["HIERARCHY", *joints, "MOTION", "Frames: 2", "Frame Time: 0.5", "0", "90"]
        >>> recording = BVH().read("wave.bvh", "\n".join(lines).encode())
        >>> recording.fps, recording.bodies[0].joints[:, 1].round(9).tolist()
        (2.0, [[0.0, 10.0, 0.0], [-1.0, 9.0, 0.0]])
    """

    layout: str | SkeletonLayout = ""

    channels: ClassVar[int] = 3
    listed: ClassVar[tuple[str, ...]] = ()

    def matches(self, member: str) -> bool:
        """Whether a file's name ends in `.bvh`."""
        return member.lower().endswith(".bvh")

    def is_side(self, member: str) -> bool:
        """No file tells about others."""
        return False

    def informed(self, source: RawSource) -> BVH:
        """A reader for the joints that the first file has.

        Raises:
            DataError: if none of the first 20 can be read.
        """
        return fitted_to_first(
            source,
            self.matches,
            self.fitted,
            looks=_LOOKS,
            absent="no BVH file is there",
            unusable="no BVH file can be read",
        )

    def fitted(self, member: str, content: bytes) -> BVH:
        """A reader for files with the joints of this one.

        Args:
            member: its name.
            content: its bytes.

        Raises:
            RawFileError: if it is damaged.
        """
        hierarchy, _ = parse_bvh(content, member)
        self._compare(hierarchy, member)
        return self if self.layout else replace(self, layout=_skeleton(hierarchy))

    def read(self, member: str, content: bytes) -> RawRecording:
        """Read one file.

        Args:
            member: its name, with or without folders.
            content: its bytes.

        Raises:
            RawFileError: if the file is damaged; see the class for the codes.
        """
        hierarchy, motion = parse_bvh(content, member)
        self._compare(hierarchy, member)
        with np.errstate(over="ignore", invalid="ignore"):
            joints = positions(hierarchy, motion.values)
        if not np.isfinite(joints).all():
            raise RawFileError("nonfinite", "its numbers are too large", path=member)
        frames = np.arange(len(joints))
        return RawRecording(
            name=clip_name(member),
            label=-1,
            frames=len(joints),
            fps=None if motion.seconds is None else 1 / motion.seconds,
            bodies=(RawBody("0", frames, np.zeros_like(frames), joints),),
            warnings=("trailing",) if motion.trailing else (),
        )

    def _compare(self, hierarchy: Hierarchy, path: str) -> None:
        joints = layout(self.layout).joints if isinstance(self.layout, str) and self.layout else ()
        joints = joints if isinstance(self.layout, str) else self.layout.joints
        if not joints or tuple(hierarchy.names) == joints:
            return
        more, less = set(hierarchy.names) - set(joints), set(joints) - set(hierarchy.names)
        told = "; ".join(
            f"{what} {', '.join(sorted(names)[:3])}" for what, names in (("it has", more), ("it lacks", less)) if names
        )
        message = f"its joints are not those of the layout: {told or 'their order is another'}"
        raise RawFileError("joints", f"{message}; files of another skeleton make another store", path=path)


def _skeleton(hierarchy: Hierarchy) -> SkeletonLayout:
    names = tuple(hierarchy.names)
    return SkeletonLayout("bvh", names, tuple(hierarchy.parents), twins(names), anatomy=bvh_anatomy(names))

# SPDX-License-Identifier: Apache-2.0
"""The form `utdmhad`: a zip of MATLAB files as the skeletons of UTD-MHAD come in."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

from scipy.io import savemat

from bonefide.data.synthetic.bodies import subject
from bonefide.data.synthetic.form import Form, Order, write_zip
from bonefide.data.synthetic.sensor import camera, observe
from bonefide.data.synthetic.take import Take
from bonefide.layouts import layout

__all__ = ["UTDMHAD"]

# Left out, because no official class is the same: the others of one person, and all of two.
_CODES = {
    "wave": 3,
    "clap": 4,
    "throw": 5,
    "punch": 13,
    "walk around": 23,
    "stand up": 24,
    "sit down": 25,
    "squat": 27,
}
_MIRROR = list(layout("ntu25").mirror)
# Head, shoulder centre (v2's spine at the shoulders), spine, hip centre, then the limbs as Kinect v2 has them.
_JOINTS = [3, 20, 1, 0, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19]
_HEADER = b"MATLAB 5.0 MAT-file, made-up people, written by bonefide"
_HEADER_BYTES = 116


def _write(order: Order, out: Path) -> None:
    write_zip(out, sorted(order.takes(), key=_stem), _files, order.progress)


def _stem(take: Take) -> str:
    # The official numbers are not padded with zeros.
    return f"a{_CODES[take.action]}_s{take.subject}_t{take.repeat}_skeleton"


def _files(take: Take) -> Iterator[tuple[str, bytes]]:
    person = take.scene()[0]
    if subject(take.subject, seed=take.seed).left_handed:
        # Several official classes are named for the right hand, and everyone used it.
        person = person[:, _MIRROR] * (-1.0, 1.0, 1.0)
    seen = camera(take.camera, take.setup, seed=take.seed)(person)
    joints = observe(seen[None], take.generator(), alone=True)[0].joints
    content = io.BytesIO()
    savemat(content, {"d_skel": joints[:, _JOINTS].transpose(1, 2, 0)}, do_compression=True)
    # SciPy writes the time of day into the text at the beginning, which nobody reads.
    yield f"Skeleton/{_stem(take)}.mat", _HEADER.ljust(_HEADER_BYTES) + content.getvalue()[_HEADER_BYTES:]


UTDMHAD = Form(_write, _CODES, 99, 99, cameras=1)
"""The eight actions that correspond to official classes, under the official codes; 20 joints, one camera."""

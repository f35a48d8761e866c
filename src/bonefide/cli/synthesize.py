# SPDX-License-Identifier: Apache-2.0
"""The verb `synthesize`: a made-up data set in an on-disk form that others define."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["synthesize"]


def synthesize(
    format: Annotated[str, typer.Argument(help="one of the forms above")],
    out: Annotated[Path, typer.Argument(help="file to write; a folder for PKU-MMD")],
    *,
    subjects: Annotated[int, typer.Option(help="number of people")] = 20,
    repeats: Annotated[int, typer.Option(help="how often everyone performs every action; PKU-MMD: videos of each")] = 1,
    cameras: Annotated[int | None, typer.Option(help="1 to 3 (utdmhad, bvh: 1); all if left out")] = None,
    seed: Annotated[int, typer.Option(help="same seed, same bytes; another seed, other people")] = 0,
    actions: Annotated[str, typer.Option(help="only these, separated by commas; all if left out")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON object")] = False,
) -> None:
    """Write a data set of made-up people in a form that others define.

    ntu: zip of .skeleton files of NTU RGB+D.

    nwucla: zip of JSON files of Northwestern-UCLA.

    pkummd1, pkummd2: folder with the 7z archives and lists of PKU-MMD, phases I and II.

    utdmhad: zip of MATLAB files of UTD-MHAD.

    pyskl, pyskl2d: pickle of PYSKL, 25 joints in metres or 17 keypoints in pixels.

    openpose: zip of folders of JSON files, BODY_25 in pixels.

    mediapipe: zip of JSON files, 33 landmarks in the picture and in metres.

    coco: zip of JSON files of MMPose, 17 keypoints in pixels.

    bvh: zip of motion capture files, joint angles.
    """
    from rich.console import Console

    from bonefide.cli._progress import Counter
    from bonefide.data.synthetic.write import synthesize as write

    chosen = [action for action in actions.split(",") if action.strip()] or None
    with Counter("perform") as counter:
        path = write(
            format,  # type: ignore[arg-type]  # an unknown one is refused with a sentence
            out,
            subjects=subjects,
            repeats=repeats,
            cameras=cameras,
            seed=seed,
            actions=chosen,
            progress=counter,
        )
    files = counter.total
    size = sum(file.stat().st_size for file in path.iterdir()) if path.is_dir() else path.stat().st_size
    if as_json:
        typer.echo(json.dumps({"path": str(path), "format": format, "files": files, "bytes": size, "seed": seed}))
    else:
        Console().print(f"wrote {files} recordings to {path} ({size / 1e6:.1f} MB)", highlight=False, soft_wrap=True)

# SPDX-License-Identifier: Apache-2.0
"""The pickles of PYSKL: a list of annotations, and which of them train and test."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from reprlib import repr as short  # the usual one follows a nest of lists until Python gives up
from typing import Any

import numpy as np

from bonefide.data.official._digest import digest_of
from bonefide.data.official._export import Export
from bonefide.data.official._pickling import write_annotations
from bonefide.data.official._samples import (
    OfficialSample,
    OfficialSet,
    Request,
    check_labels,
    check_names,
    join_sets,
    trim,
)
from bonefide.data.safe_pickle import load_pickle
from bonefide.data.store import SkeletonStore
from bonefide.errors import DataError, RawFileError
from bonefide.types import Array
from bonefide.writing import replacing

__all__ = ["PYSKLPickle"]

_LAYOUT_OF = {25: "ntu25_pyskl", 17: "coco17"}
_SPLIT = re.compile(r"(?:(?P<protocol>.+)_)?(?P<part>train|val|test)(?P<number>\d*)")
_UNNAMED = "split"
_SCORE = "confidence"
"""Option of the preparation "plain" that adds a last channel."""
_MOST_PERSONS = 127

Annotation = Mapping[str, Any]


class PYSKLPickle:
    """Files such as `ntu60_3danno.pkl`: `{"split": {"xsub_train": [...], ...}, "annotations": [...]}`.

    An annotation is a dictionary with `frame_dir` (or `filename`), `label`, `keypoint`, `total_frames`, and for poses
    from images `keypoint_score`, which becomes the last channel. A bare list of annotations has no parts. Parts called
    `train` and `val` are those of the protocol asked for, or "split". Nothing in the file is executed.

    Shape:
        keypoint: (M, T, V, C), C = 3 metres or 2 pixels.
        keypoint_score: (M, T, V), 0 to 1.

    Raises:
        DataError: from `read` and `write`, if a file or a store does not fit the form.

    Reference:
        Duan, Wang, Chen, Lin. PYSKL: Towards Good Practices for Skeleton Action Recognition. ACM MM 2022;
        kennymckormick/pyskl 3f6795f, tools/data/README.md.

    Differs from the official code:
        Annotations that are None, left by its converter for samples without bodies, are passed over; the sizes of the
        images are not kept.

    Example:
        >>> PYSKLPickle().matches(Path("ntu60_3danno.pkl")), PYSKLPickle().matches(Path("train_label.pkl"))
        (True, False)
    """

    def matches(self, path: Path) -> bool:
        """Whether a file of that name is of this form."""
        return path.suffix.lower() in (".pkl", ".pickle") and not path.stem.endswith("_label")

    def read(self, paths: Sequence[Path], request: Request, opened: ExitStack) -> OfficialSet:
        """Look into files; see `OfficialForm`."""
        return join_sets([_read(path, request) for path in paths])

    def targets(self, export: Export, out: Path) -> dict[str, Path]:
        """The one file."""
        if out.suffix.lower() in (".pkl", ".pickle"):
            return {"annotations": out}
        kind = f"{export.store.info.shape[2] - _has_score(export.store)}d"
        return {"annotations": out / f"{export.store.info.dataset}_{kind}anno.pkl"}

    def write(self, export: Export, targets: dict[str, Path]) -> None:
        """Write the file; see `targets`."""
        store = export.store
        split = {
            f"{protocol}_{part}": store.names[export.rows(protocol, ours)].tolist()
            for protocol in export.protocols
            for part, ours in (("train", "train"), ("val", "test"))
        }
        size = int(np.prod(store.info.shape)) * np.dtype(store.info.dtype).itemsize
        with replacing(targets["annotations"], needed=size) as temporary, temporary.open("wb") as file:
            write_annotations(file, split, _annotations(export))


def _annotations(export: Export) -> Iterator[dict[str, Any]]:
    store = export.store
    scored = _has_score(store)
    for row, (name, label) in enumerate(zip(store.names.tolist(), store.labels.tolist(), strict=True)):
        joints = store.joints(row)
        annotation = {"frame_dir": name, "label": label, "total_frames": joints.shape[1]}
        if scored:
            yield {**annotation, "keypoint": joints[..., :-1], "keypoint_score": joints[..., -1]}
        else:
            yield {**annotation, "keypoint": joints}
        for _ in export.protocols:
            export.tick()


def _has_score(store: SkeletonStore) -> bool:
    """Whether the last channel is how sure an estimator was."""
    return store.info.options.get(_SCORE) is True


def _read(path: Path, request: Request) -> OfficialSet:
    try:
        with path.open("rb") as file:
            content = load_pickle(file, path=str(path))
    except OSError as fault:
        raise DataError(f"{path} cannot be read: {fault.strerror or fault}") from None
    split, listed = ({}, content) if isinstance(content, list) else _parts_of(content, path)
    annotations = [each for each in listed if each is not None]
    noted = Counter(no_bodies=len(listed) - len(annotations))
    trains, protocols, tests = _protocols(split, request, path)
    samples, kept = [], []
    labels = [_label(each, place, path) for place, each in enumerate(annotations)]
    check_names([_name(each) for each in annotations], str(path))
    check_labels(labels, 0 if request.own else len(request.info.classes), str(path))
    for label, annotation in zip(labels, annotations, strict=True):
        name = _name(annotation)
        known = trains.get(name, frozenset()) | tests.get(name, frozenset())
        if protocols and not known:
            noted["unlisted"] += 1
            continue
        noted.update(f"unlisted_{protocol}" for protocol in protocols if protocol not in known)
        samples.append(OfficialSample(name, label, trains.get(name, frozenset())))
        kept.append(annotation)
    if not kept:
        raise DataError(f"{path} holds no annotation" + (" that a part lists" if annotations else ""))
    sizes = tuple(_bytes_of(each) for each in kept)
    if sum(sizes) > path.stat().st_size:
        raise DataError(f"{path} is no set of annotations: many share one array, which would fill the disk")
    joints, channels, scored = _shape(kept, path)
    usual = "ntu_pyskl" if joints == 25 and not (request.own or scored) else "plain"
    preparation = request.preparation or usual
    return OfficialSet(
        samples=tuple(samples),
        read=_reader(kept, (joints, channels), scored=scored),
        preparation=preparation,
        layout=_LAYOUT_OF[joints],
        shape=(joints, channels),
        sizes=sizes,
        listed=protocols,
        named=True,
        options={_SCORE: True} if scored and preparation == "plain" else {},
        noted=+noted,
        digest=digest_of(path),
    )


def _parts_of(content: Any, path: Path) -> tuple[dict[str, Any], list[Any]]:
    split, annotations = (
        (content.get("split"), content.get("annotations")) if isinstance(content, dict) else (None, None)
    )
    if not isinstance(split, dict) or not isinstance(annotations, list | tuple):
        raise DataError(f"{path} must hold a dictionary with 'split' and 'annotations', or a list of annotations")
    return split, list(annotations)


def _protocols(
    split: Mapping[str, Any], request: Request, path: Path
) -> tuple[dict[str, frozenset[str]], tuple[str, ...], dict[str, frozenset[str]]]:
    """Name of a sample to the protocols it trains in; all protocols; name to the protocols it tests in."""
    members: dict[bool, dict[str, frozenset[str]]] = {True: {}, False: {}}
    protocols: dict[str, set[str]] = {}
    for key, names in split.items():
        match = _SPLIT.fullmatch(key) if isinstance(key, str) else None
        if match is None or not isinstance(names, list | tuple | set | np.ndarray):
            raise DataError(f"{path}: a part is called like xsub_train or xsub_val and lists names, got {short(key)}")
        protocol = request.checked((match["protocol"] or request.protocol or _UNNAMED) + match["number"])
        if match["protocol"] and request.protocol not in (None, protocol):
            continue
        protocols.setdefault(protocol, set()).add(match["part"])
        part = members[match["part"] == "train"]
        for name in map(str, names.ravel().tolist() if isinstance(names, np.ndarray) else names):
            part[name] = part.get(name, frozenset()) | {protocol}
    for protocol, parts in protocols.items():
        if "train" not in parts or len(parts) == 1:
            raise DataError(f"{path}: protocol {protocol} needs a part that trains and one that tests, it has {parts}")
    if split and not protocols:
        raise DataError(f"{path} has no parts of {request.protocol}; it has {', '.join(map(str, split))}")
    both = [name for name, found in members[True].items() if found & members[False].get(name, frozenset())]
    if both:
        raise DataError(f"{path}: sample '{both[0]}' both trains and tests in one protocol")
    return members[True], tuple(protocols), members[False]


def _label(annotation: Any, place: int, path: Path) -> int:
    if not isinstance(annotation, Mapping) or not isinstance(_name(annotation), str) or not _name(annotation):
        raise DataError(f"{path}: annotation {place} is no dictionary with 'frame_dir' or 'filename'")
    label = annotation.get("label")
    if not isinstance(label, int | np.integer) or isinstance(label, bool):
        raise DataError(
            f"{path}: annotation {place} ('{_name(annotation)}') has the label {short(label)}, not a number"
        )
    return int(label)


def _bytes_of(annotation: Annotation) -> int:
    joints = annotation.get("keypoint")
    return joints.nbytes if isinstance(joints, np.ndarray) else 0


def _name(annotation: Annotation) -> Any:
    return annotation.get("frame_dir", annotation.get("filename"))


def _shape(annotations: Sequence[Annotation], path: Path) -> tuple[int, int, bool]:
    """Joints V and channels C of the first annotation that has any, and whether a score is one of them."""
    for annotation in annotations:
        joints = annotation.get("keypoint")
        if isinstance(joints, np.ndarray) and joints.ndim == 4 and joints.dtype.kind in "fiu":
            if joints.shape[2] not in _LAYOUT_OF or joints.shape[3] not in (2, 3):
                raise DataError(
                    f"{path}: keypoints are (M, T, V, C) with V = 25 or 17 and C = 2 or 3, got {joints.shape}"
                )
            scored = annotation.get("keypoint_score") is not None
            return joints.shape[2], joints.shape[3] + scored, scored
    raise DataError(f"{path}: no annotation has keypoints (M, T, V, C)")


def _reader(annotations: Sequence[Annotation], shape: tuple[int, int], *, scored: bool) -> Callable[[int], Array]:
    def read(place: int) -> Array:
        joints = _keypoints(annotations[place], scored=scored)
        if joints.ndim != 4 or joints.shape[2:] != shape:
            raise RawFileError("joints", f"keypoints of shape {joints.shape}, those before have V, C = {shape}")
        if len(joints) > _MOST_PERSONS:
            raise RawFileError("persons", f"{len(joints)} persons, {_MOST_PERSONS} is the limit")
        told = annotations[place].get("total_frames", joints.shape[1])
        if not isinstance(told, int | np.integer) or told != joints.shape[1]:
            raise RawFileError("frames", f"total_frames is {short(told)}, the keypoints have {joints.shape[1]}")
        return trim(joints, frames=False, persons=False)

    return read


def _keypoints(annotation: Annotation, *, scored: bool) -> Array:
    joints, score = annotation.get("keypoint"), annotation.get("keypoint_score")
    if not isinstance(joints, np.ndarray) or joints.dtype.kind not in "fiu":
        raise RawFileError("joints", "no keypoints")
    if not scored:
        return joints
    if not isinstance(score, np.ndarray) or score.shape != joints.shape[:-1] or score.dtype.kind not in "fiu":
        raise RawFileError("joints", "no keypoint_score that fits the keypoints")
    return np.concatenate([joints, score[..., None]], axis=-1)

# SPDX-License-Identifier: Apache-2.0
"""Join the shards of a store into its three files, streaming, in the order of the names."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from bonefide import layouts
from bonefide.data._checksum import checksum
from bonefide.data._shards import SavedShard
from bonefide.data._writing import sync_folder, write_array
from bonefide.data.store import index_schema, names_protocol
from bonefide.data.store_info import INDEX_FILE, INFO_FILE, JOINTS_FILE, PartCounts, StoreInfo
from bonefide.data.store_plan import StorePlan
from bonefide.errors import DataError
from bonefide.types import Array
from bonefide.writing import replacing, write_file

__all__ = ["join_index", "join_shards"]


def join_index(shards: Sequence[SavedShard], plan: StorePlan) -> dict[str, Array]:
    """The columns of the index, ordered by name, and "from": the place of each sequence among the shards'.

    Args:
        shards: all shards, in order.
        plan: of the store.

    Raises:
        DataError: if there is no sample, two have one name, or a label has no class.
    """
    index = _index(shards)
    _check_index(index, plan, shards)
    return index


def join_shards(folder: Path, index: Mapping[str, Array], shards: Sequence[SavedShard], plan: StorePlan) -> None:
    """Write the files of a store, `store.json` last.

    Args:
        folder: an empty folder.
        index: as `join_index` gave it.
        shards: all shards, in order.
        plan: of the store.
    """
    _write_joints(folder / JOINTS_FILE, index, shards, plan)
    _write_index(folder / INDEX_FILE, index)
    write_file(folder / INFO_FILE, _describe(folder, index, shards, plan).to_json())
    sync_folder(folder)


def _index(shards: Sequence[SavedShard]) -> dict[str, Array]:
    columns = (
        {name: [cell for shard in shards for cell in shard.columns[name]] for name in shards[0].columns}
        if shards
        else {}
    )
    names = np.array(columns.get("name", []), dtype=np.str_)
    order = np.argsort(names, kind="stable")
    index = {name: np.array(cells)[order] for name, cells in columns.items() if name != "name"}
    index["name"] = names[order]
    index["from"] = order
    return index


def _check_index(index: Mapping[str, Array], plan: StorePlan, shards: Sequence[SavedShard]) -> None:
    names = index["name"]
    if not len(names):
        codes = Counter(each.code for each in plan.skipped)
        for shard in shards:
            codes.update(each.code for each in shard.left_out)
            codes.update(shard.warnings)
        why = ", ".join(f"{count} {code}" for code, count in codes.most_common())
        raise DataError(
            f"no sample is left of {len(plan.members)} raw files of {plan.info.name}" + (f": {why}" if why else "")
        )
    twice = names[1:][names[1:] == names[:-1]]
    if len(twice):
        raise DataError(
            f"sample '{twice[0]}' occurs twice in the raw files of {plan.info.name}; give each recording once"
        )
    outside = names[(index["label"] < 0) | (index["label"] >= len(plan.info.classes))]
    if len(outside):
        raise DataError(
            f"sample '{outside[0]}' has a label outside the {len(plan.info.classes)} classes of {plan.info.name}"
        )


def _write_joints(path: Path, index: Mapping[str, Array], shards: Sequence[SavedShard], plan: StorePlan) -> None:
    joints, channels = plan.shape
    rows = int((index["persons"] * index["frames"]).sum())
    places = [place for shard in shards for place in _places(shard)]
    opened = lru_cache(maxsize=32)(SavedShard.open)
    ordered = (opened(shard)[start:stop] for shard, start, stop in (places[place] for place in index["from"].tolist()))
    shape = (rows, joints, channels)
    size = int(np.prod(shape)) * np.dtype(plan.dtype).itemsize
    with replacing(path, needed=size) as temporary, temporary.open("wb") as file:
        write_array(file, shape, np.dtype(plan.dtype), ordered)


def _places(shard: SavedShard) -> Iterator[tuple[SavedShard, int, int]]:
    stop = 0
    for persons, frames in zip(shard.columns["persons"], shard.columns["frames"], strict=True):
        start, stop = stop, stop + persons * frames
        yield shard, start, stop


def _write_index(path: Path, index: Mapping[str, Array]) -> None:
    import pyarrow  # noqa: PLC0415  # `bonefide.data` is imported by commands that write no store
    from pyarrow import parquet  # noqa: PLC0415

    sizes = index["persons"] * index["frames"]
    texts = {name: index[name].tolist() for name in ("name", "trains")}
    columns = {**index, **texts, "offset": np.cumsum(sizes) - sizes}
    schema = index_schema()
    table = pyarrow.table({name: columns[name] for name in schema.names}, schema=schema)
    content = io.BytesIO()
    parquet.write_table(table, content, compression="zstd")
    write_file(path, content.getvalue())


def _describe(folder: Path, index: Mapping[str, Array], shards: Sequence[SavedShard], plan: StorePlan) -> StoreInfo:
    warnings: Counter[str] = Counter()
    for shard in shards:
        warnings.update(shard.warnings)
    rows = int((index["persons"] * index["frames"]).sum())
    return StoreInfo(
        dataset=plan.info.name,
        raw=plan.raw,
        preparation=plan.preparation,
        version=plan.version,
        options=dict(plan.options),
        layout=plan.layout.name,
        skeleton=None if plan.layout.name in layouts.names() else layouts.layout_facts(plan.layout),
        listed=plan.listed,
        inferred=plan.inferred,
        classes=plan.info.classes,
        sequences=len(index["name"]),
        expected_sequences=plan.info.sequences,
        shape=(rows, *plan.shape),
        dtype=plan.dtype,
        sizes={name: (folder / name).stat().st_size for name in (JOINTS_FILE, INDEX_FILE)},
        checksums={name: checksum(folder / name) for name in (JOINTS_FILE, INDEX_FILE)},
        protocols=_count_parts(plan, index),
        left_out=(*plan.skipped, *(each for shard in shards for each in shard.left_out)),
        warnings=dict(warnings),
        fingerprint=plan.fingerprint,
    )


def _count_parts(plan: StorePlan, index: Mapping[str, Array]) -> dict[str, PartCounts]:
    info, counts = plan.info, {}
    for protocol, rule in info.protocols.items():
        if protocol in plan.listed:
            train = int(names_protocol(index["trains"], protocol).sum())
        elif rule.by == "lists":
            continue  # the raw data came without them
        elif (index[rule.by] < 0).any():
            continue
        else:
            train = int(np.isin(index[rule.by], sorted(rule.train)).sum())
        counts[protocol] = PartCounts(train, len(index["name"]) - train, *info.parts.get(protocol, (0, 0)))
    return counts

# SPDX-License-Identifier: Apache-2.0
"""`bonefide export`: a store to files that official code reads, a trained network to files for use elsewhere."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from bonefide.errors import BonefideError, DataError, UnknownNameError

if TYPE_CHECKING:
    from bonefide.serving.calibration import Calibration
    from bonefide.serving.check import Agreement, Likeness
    from bonefide.serving.network import Network

__all__ = ["export"]

_NETWORK_FORMS = {"onnx": ".onnx", "program": ".pt2"}
_PRECISIONS = ("float32", "int8")
_SEQUENCES = 128


def export(
    source: Annotated[
        Path, typer.Argument(help="A store; or a finished run, or a recogniser (folder or .safetensors).")
    ],
    out: Annotated[Path, typer.Argument(help="File or folder to write; in a folder files get their official names.")],
    *,
    form: Annotated[
        str | None,
        typer.Option(
            "--as",
            help="Of a store: ctrgcn, mamp (npz), npy (arrays and labels) or pyskl (pickle). Of a network: onnx, or "
            "program (torch.export); by the suffix of OUT (.onnx, .pt2) if left out.",
        ),
    ] = None,
    protocol: Annotated[list[str] | None, typer.Option(help="Whose parts; may be repeated; all if left out.")] = None,
    frames: Annotated[int, typer.Option(help="Length of padded samples; 300 or the longest, if left out.")] = 0,
    precision: Annotated[
        str, typer.Option(help="Of a network as ONNX: float32, or int8, made with training sequences of the run.")
    ] = "float32",
    store: Annotated[Path | None, typer.Option(help="For int8: the store, if it has moved since training.")] = None,
    calibrate: Annotated[int, typer.Option(min=1, help="For int8: training sequences to measure with.")] = _SEQUENCES,
    trust_code: Annotated[bool, typer.Option("--trust-code", help="Import networks of other packages.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files that are already there.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Write a store as files that the tools of a paper read, or a network as ONNX or a program of torch.export."""
    if precision not in _PRECISIONS:
        raise UnknownNameError("precisions", precision, _PRECISIONS)
    rounded = precision == "int8"
    if not rounded and (store is not None or calibrate != _SEQUENCES):
        raise BonefideError("--store and --calibrate are for --precision int8")
    if (source / "store.json").is_file() or (form is not None and form not in _NETWORK_FORMS and not source.is_file()):
        if rounded:
            raise BonefideError(f"--precision is for networks, and {source} is to be written as a store")
        _store(source, out, form, protocols=protocol, frames=frames or None, overwrite=overwrite, as_json=as_json)
        return
    if protocol or frames:
        raise BonefideError("--protocol and --frames are for stores; a network is exported for any clip it takes")
    chosen = _form(source, out, form)
    if rounded:
        if chosen != "onnx":
            raise BonefideError("--precision int8 is for ONNX files: say --as onnx, or give OUT the suffix .onnx")
        asked = _Asked(store, calibrate, trust_code)
        _int8(source, out, asked, overwrite=overwrite, as_json=as_json)
        return
    _network(source, out, chosen, trust_code=trust_code, overwrite=overwrite, as_json=as_json)


def _store(
    source: Path,
    out: Path,
    form: str | None,
    *,
    protocols: list[str] | None,
    frames: int | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    from rich.console import Console
    from rich.markup import escape

    from bonefide.cli._progress import Counter
    from bonefide.data.official import write_official
    from bonefide.data.store import open_store

    store = open_store(source)
    if form is None:
        raise BonefideError(
            f"{source} is a store: say --as ctrgcn, mamp, npy or pyskl (onnx and program are for networks)"
        )
    with Counter("export") as counter:
        paths = write_official(
            store, out, form, protocols=protocols, frames=frames, overwrite=overwrite, progress=counter
        )
    size = sum(path.stat().st_size for path in paths)
    if as_json:
        facts = {"form": form, "files": [str(path) for path in paths], "bytes": size, "sequences": len(store)}
        typer.echo(json.dumps(facts))
        return
    console = Console(soft_wrap=True, highlight=False)
    console.print(f"wrote {len(store)} sequences of {store.info.dataset} as '{form}' ({size / 1e6:.1f} MB):")
    for path in paths:
        console.print(f"  {escape(str(path))}")


def _network(source: Path, out: Path, form: str, *, trust_code: bool, overwrite: bool, as_json: bool) -> None:
    from rich.console import Console

    from bonefide.hub.recognizer import Recognizer
    from bonefide.serving.network import recognizer_network
    from bonefide.serving.onnx import export_onnx
    from bonefide.serving.program import export_program

    network = recognizer_network(Recognizer.load(source, trust_code=trust_code))
    write = export_onnx if form == "onnx" else export_program
    # Rich shows nothing of this where nobody watches.
    with Console(stderr=True).status(f"exporting and checking {out.name}"):
        found = write(network, out, overwrite=overwrite)
    size = out.stat().st_size
    if as_json:
        checked = [{"samples": each.samples, "frames": each.frames, "error": each.error} for each in found]
        facts = {"form": form, "files": [str(out)], "bytes": size, "checked": checked}
        typer.echo(json.dumps({**facts, "facts": network.described()}))
        return
    console = Console(soft_wrap=True, highlight=False, markup=False)
    console.print(_wrote(network, out))
    console.print(_checked(found))


class _Asked(NamedTuple):
    """Of what an int8 file is made."""

    store: Path | None
    sequences: int
    trust_code: bool


def _int8(source: Path, out: Path, asked: _Asked, *, overwrite: bool, as_json: bool) -> None:
    from rich.console import Console

    from bonefide.serving.int8 import export_int8

    with Console(stderr=True).status(f"quantising {out.name}"):
        network, calibration = _calibrated(source, asked)
        found = export_int8(network, out, calibration, overwrite=overwrite)
    if as_json:
        facts = {"form": "onnx", "files": [str(out)], "bytes": out.stat().st_size, "compared": asdict(found)}
        typer.echo(json.dumps({**facts, "facts": network.described() | calibration.facts}))
        return
    console = Console(soft_wrap=True, highlight=False, markup=False)
    console.print(_wrote(network, out))
    console.print(_compared(found, calibration))


def _calibrated(source: Path, asked: _Asked) -> tuple[Network, Calibration]:
    """The network of a run, and sequences it was trained with."""
    from bonefide.data.store import open_store
    from bonefide.evaluation.test import trained_run
    from bonefide.hub.recognizer import Recognizer
    from bonefide.run import Run
    from bonefide.serving.calibration import calibration
    from bonefide.serving.network import recognizer_network

    network = recognizer_network(Recognizer.load(source, trust_code=asked.trust_code))
    if not Run(source).recipe_file.is_file():
        raise BonefideError(f"{source} does not say what it was trained with, which int8 needs: give the run's folder")
    run = Run.open(source)
    foreign = [each.name for each in run.recipe.data.train if ":" in each.name]
    if foreign and not asked.trust_code:
        raise DataError(f"{source} was trained with {foreign[0]}, code from outside bonefide; allow it by --trust-code")
    _, data = trained_run(run, store=None if asked.store is None else open_store(asked.store))
    return network, calibration(network, data, sequences=asked.sequences)


def _wrote(network: Network, out: Path) -> str:
    inputs = ", ".join(network.input_names)
    size = out.stat().st_size / 1e6
    return f"wrote {out} ({size:.1f} MB): {inputs} to logits; {network.described()['lengths']}"


def _compared(found: Likeness, calibration: Calibration) -> str:
    return (
        f"calibrated on {calibration.sequences} training sequences; of {found.sequences} others it decides "
        f"{100 * found.alike:.1f} % as float32 does, and differs by {found.error:.1e} of the largest logit at most"
    )


def _form(source: Path, out: Path, form: str | None) -> str:
    if form is None:
        form = next((name for name, suffix in _NETWORK_FORMS.items() if out.suffix == suffix), None)
    if form is None:
        raise BonefideError(f"{source} is no store: say --as onnx or program, or give OUT the suffix .onnx or .pt2")
    if form not in _NETWORK_FORMS:
        raise UnknownNameError("forms to export a network in", form, _NETWORK_FORMS)
    return form


def _checked(found: list[Agreement]) -> str:
    clips = ", ".join(f"{each.samples} x {each.frames}" for each in found)
    worst = max(each.error for each in found)
    return f"checked on clips x frames of {clips}: it differs by {worst:.1e} of the largest logit at most"

# SPDX-License-Identifier: Apache-2.0
"""`bonefide embed`: what classes are called and how they look, as vectors of a text encoder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from bonefide.text.bank import TextBank

__all__ = ["embed"]


def embed(
    dataset: Annotated[
        str | None, typer.Argument(help="Data set whose classes are meant; not needed with --labels or --names.")
    ] = None,
    *,
    out: Annotated[Path, typer.Option(help="File (.npz) to write.")],
    encoder: Annotated[
        str,
        typer.Option(
            "--with",
            help="minilm; clip-vit-l14-336, clip-vit-l14, clip-vit-b16 or clip-vit-b32; a folder with a model of "
            "sentence-transformers or CLIP; or its name at the Hugging Face hub.",
        ),
    ] = "minilm",
    kinds: Annotated[
        str | None,
        typer.Option(
            help="Kinds of sentences, with commas between: name, definition, motion, body_parts, ...; all if left out. "
            "With --from: KIND=ARRAY to say which array of the file is which kind.",
        ),
    ] = None,
    labels: Annotated[
        str | None,
        typer.Option(help="Names of your own, with commas between; or 'name: description; name: description'."),
    ] = None,
    names: Annotated[Path | None, typer.Option(help="File with such a name, or name: description, a line.")] = None,
    read: Annotated[
        Path | None, typer.Option("--from", help="Encode nothing: take vectors that others computed, arrays of a .npz.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")] = "cpu",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that is already there.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Turn the names and descriptions of classes into vectors, the texts that zero-shot methods compare with.

    A recipe takes the file as data.texts. The texts of the package's data sets by minilm are already there.
    """
    from bonefide.errors import DataError, OutputError
    from bonefide.text.write_bank import write_bank

    if out.suffix != ".npz":
        raise DataError(f"--out {out}: the file of texts is a NumPy archive; give it the suffix .npz")
    if out.exists() and not overwrite:
        raise OutputError(f"{out} is there already; choose another --out, or replace it by --overwrite")
    own = _own_labels(labels, names)
    if read is not None:
        bank, cut = _taken(read, dataset, own, kinds), 0
    else:
        bank, cut = _encoded(encoder, dataset, own, kinds, device)
    write_bank(bank, out)
    if as_json:
        shapes = {kind: list(vectors.shape) for kind, vectors in bank.embeddings.items()}
        facts = {"encoder": bank.encoder, "width": bank.width, "classes": bank.classes, "kinds": shapes, "cut": cut}
        typer.echo(json.dumps({"path": str(out), **facts, "origin": dict(bank.origin)}))
    else:
        _summarize(bank, out, cut)


def _own_labels(labels: str | None, names: Path | None) -> tuple[str, ...]:
    from bonefide.errors import DataError
    from bonefide.text.labels import split_labels

    if labels is not None and names is not None:
        raise DataError("--labels and --names both give names; leave one out")
    if labels is not None:
        return split_labels(labels)
    if names is None:
        return ()
    try:
        text = names.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{names}: cannot be read as text ({error}); give a file with a name a line") from error
    found = tuple(line.strip() for line in text.splitlines() if line.strip())
    if not found:
        raise DataError(f"{names}: holds no names; write one a line")
    return found


def _taken(read: Path, dataset: str | None, own: tuple[str, ...], kinds: str | None) -> TextBank:
    from bonefide.errors import DataError
    from bonefide.text.read_arrays import read_arrays

    classes = tuple(label.partition(": ")[0] for label in own) or _classes(dataset)
    arrays: dict[str, str] = {}
    for each in _listed(kinds):
        kind, _, array = (part.strip() for part in each.partition("="))
        if arrays.setdefault(kind, array or kind) != (array or kind):
            raise DataError(
                f"--kinds: '{arrays[kind]}' and '{array or kind}' cannot both be '{kind}'; name one of them"
            )
    return read_arrays(read, classes, kinds=arrays or None)


def _encoded(
    encoder: str, dataset: str | None, own: tuple[str, ...], kinds: str | None, device: str
) -> tuple[TextBank, int]:
    """The bank, and how many of its sentences were longer than the encoder reads."""
    from bonefide.cli._device import computing_device
    from bonefide.text.descriptions import KINDS, described, provenance, sentences
    from bonefide.text.descriptions import descriptions as of_data_set
    from bonefide.text.embed import embed as embed_sentences
    from bonefide.text.encode import text_encoder
    from bonefide.text.labels import bank_of_labels

    wanted = _listed(kinds) or tuple(KINDS)
    if not own and dataset not in described():
        own = _classes(dataset)
    if not own:
        prompts = sentences(str(dataset), wanted)
    loaded = text_encoder(encoder, device=computing_device(device))
    if own:
        bank = bank_of_labels(own, wanted, loaded, dataset)
    else:
        classes = [each.name for each in of_data_set(str(dataset))]
        bank = embed_sentences(classes, prompts, loaded, origin=provenance(str(dataset)))
    once = {each for rows in bank.prompts.values() for row in rows for each in row}
    return bank, loaded.too_long(sorted(once))


def _classes(dataset: str | None) -> tuple[str, ...]:
    from bonefide.data import datasets
    from bonefide.errors import DataError

    found = datasets.info(dataset).classes if dataset is not None else ()
    if not found:
        raise DataError("say which classes: give a data set, or names by --labels or --names")
    return found


def _listed(kinds: str | None) -> tuple[str, ...]:
    return tuple(each.strip() for each in (kinds or "").split(",") if each.strip())


def _summarize(bank: TextBank, out: Path, cut: int) -> None:
    from rich.console import Console
    from rich.markup import escape

    console = Console(soft_wrap=True, highlight=False)
    console.print(escape(f"{len(bank.classes)} classes by {bank.encoder}, vectors of {bank.width} numbers, in {out}"))
    for kind, vectors in bank.embeddings.items():
        sentences = f"{vectors.shape[1]} sentences a class" if vectors.shape[1] > 1 else "1 sentence a class"
        console.print(escape(f"  {kind}: {sentences}"))
    if cut:
        console.print(f"  {cut} sentences are longer than the encoder reads; their ends do not count")

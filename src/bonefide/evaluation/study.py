# SPDX-License-Identifier: Apache-2.0
"""The page of a study: what a method changes, what it costs, what is left of it; from stored cards only."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bonefide.errors import RunError
from bonefide.evaluation._content import dataset_title, paper_name
from bonefide.evaluation._summary import Figure, difference
from bonefide.evaluation.audit import AuditCard
from bonefide.evaluation.compare import Disagreement, pooled
from bonefide.evaluation.pairs import Pair, pairs_of
from bonefide.evaluation.results import markdown_row, markdown_rule
from bonefide.writing import write_file

__all__ = ["load_costs", "study_markdown", "write_study"]

_INTRODUCTION = (
    "Each training with {name} stands beside one without it: the same encoder, data, schedule and seed, as the digests "
    "on their cards prove; the method alone differs. Top-1 in percent of the test samples; mean ± sample standard "
    "deviation over seeds; the difference is that of pairs of equal seed. p is McNemar's exact test on the samples "
    "that only one of the two has right. Together the seeds are added up; they share their test samples, so that p "
    "tends to be too low."
)
_NETWORKS = {"what", "variant", "batch", "train_ms", "train_cpu_ms", "peak_mb"}
_COST = (
    "Time of an epoch, its look at the test part included, as it was in these trainings: on machines that did other "
    "things too, so that only large differences say something. Learned numbers are those of the training."
)
_STEPS = (
    "Training steps (forward, losses, backward) of random clips, in turn within one run of `bonefide bench`: "
    "milliseconds a sample on the clock and of the processor. Memory is shown for GPUs, where it is exact."
)
_KEPT = (
    "Numbers in the files of weights. Where names, types and shapes of all tensors are equal, what recognises is the "
    "same network, without a trace of the method."
)


def load_costs(file: Path) -> dict[str, Any]:
    """What `bonefide bench --json` printed: its machine and its tables.

    Raises:
        RunError: if it is not that.
    """
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        machine, tables = dict(content["machine"]), dict(content["tables"])
        complete = all({"title", "how", "rows"} <= table.keys() for table in tables.values()) and all(
            row.keys() >= _NETWORKS for row in tables.get("networks", {"rows": []})["rows"]
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise RunError(f"{file}: not what `bonefide bench --json` prints ({error!r})") from error
    if not complete:
        raise RunError(f"{file}: not what `bonefide bench --json` prints; measure again with this version")
    return {"machine": machine, "tables": tables}


def study_markdown(
    cards: Sequence[AuditCard], *, method: str, costs: Sequence[Mapping[str, Any]] = (), command: str
) -> str:
    """The document, in an order that depends on the cards alone.

    Args:
        cards: of runs and fusions, with and without the method.
        method: a file of `methods/`.
        costs: measurements, by `load_costs`.
        command: what made the document, to stand in it.

    Raises:
        RunError: if two different cards stand for the same training.
        ScoresError: if the record of right samples on a card is damaged.

    Example:
        >>> print(study_markdown([], method="csre", command="bonefide report").splitlines()[0])
        # CSRE beside plain training
    """
    pairs, alone = pairs_of(cards, method=method)
    name = paper_name(method)
    lines = [f"# {name} beside plain training", ""]
    lines += [f"Made from stored audit cards by `{command}`; not edited by hand.", _INTRODUCTION.format(name=name)]
    groups: dict[tuple[Any, ...], list[Pair]] = {}
    for pair in pairs:
        groups.setdefault(_what_is_repeated(pair), []).append(pair)
    rows = list(groups.values())
    for place in dict.fromkeys((row[0].with_it.dataset, row[0].with_it.protocol) for row in rows):
        here = [row for row in rows if (row[0].with_it.dataset, row[0].with_it.protocol) == place]
        lines += ["", f"## {dataset_title(place[0])}, {place[1]}", "", *_accuracies(here, name)]
    lines += [] if rows else ["", "There are no pairs of trainings yet."]
    lines += ["", "## What it costs"] if rows or costs else []
    lines += ["", _COST, "", *_epochs(rows, name)] if rows else []
    lines += _measured(costs)
    if rows:
        lines += ["", "## What is left of it when it has been trained", "", _KEPT, "", *_kept(rows, name)]
    if alone:
        lines += ["", "## Without a partner", "", "Trained, but not in a pair as yet:", ""]
        lines += [f"- {card.recipe}, {card.run}, seed {_seeds([card])}" for card in alone]
    return "\n".join(lines) + "\n"


def write_study(
    cards: Sequence[AuditCard], file: Path, *, method: str, costs: Sequence[Mapping[str, Any]] = (), command: str
) -> Path:
    """Write the document, all or nothing.

    Args:
        cards: of runs and fusions, with and without the method.
        file: usually `docs/study_<method>.md`.
        method: a file of `methods/`.
        costs: measurements, by `load_costs`.
        command: what made the document, to stand in it.

    Raises:
        OutputError: if the place cannot be written.
        RunError: if two different cards stand for the same training.
        ScoresError: if the record of right samples on a card is damaged.
    """
    write_file(file, study_markdown(cards, method=method, costs=costs, command=command))
    return file


def _accuracies(rows: list[list[Pair]], name: str) -> list[str]:
    columns = ("recipe", "stream", "plain", name, "difference", "seeds", "only plain right", f"only {name} right")
    lines = [markdown_row((*columns, "p of each seed", "p together", "verdict")), markdown_rule("--rrr-rr-r-")]
    for pairs in rows:
        card = pairs[0].with_it
        found = [pair.disagreement for pair in pairs]
        together = pooled(found)
        cells = [
            card.recipe,
            _stream(card),
            str(Figure.of(pair.without.accuracy for pair in pairs)),
            str(Figure.of(pair.with_it.accuracy for pair in pairs)),
            _change(pairs),
            _seeds(pair.with_it for pair in pairs),
            str(together.only_first),
            str(together.only_second),
            ", ".join(f"{each.p_value:.2g}" for each in found),
            f"{together.p_value:.2g}",
            _verdict(together, name),
        ]
        lines.append(markdown_row(cells))
    return lines


def _epochs(rows: list[list[Pair]], name: str) -> list[str]:
    columns = ("recipe", "stream", "epoch, plain", f"epoch, {name}", "ratio", "learned, plain", f"learned, {name}")
    lines = [markdown_row((*columns, "hardware")), markdown_rule("--rrrrr-")]
    for pairs in rows:
        card = pairs[0].with_it
        seconds = [
            [side.seconds / side.epochs for side in sides if side.seconds and side.epochs]
            for sides in ([pair.without for pair in pairs], [pair.with_it for pair in pairs])
        ]
        means = [sum(side) / len(side) if side else 0.0 for side in seconds]
        devices = [each.environment.get("device", "unknown") for pair in pairs for each in (pair.without, pair.with_it)]
        cells = [card.recipe, _stream(card), *(f"{mean:.1f} s" if mean else "unknown" for mean in means)]
        cells += [f"{means[1] / means[0]:.2f}" if all(means) else "unknown"]
        cells += [f"{each.parameters:,}" for each in (pairs[0].without, card)]
        lines.append(markdown_row([*cells, " / ".join(dict.fromkeys(devices))]))
    return lines


def _measured(costs: Sequence[Mapping[str, Any]]) -> list[str]:
    """Training steps of all measurements in one table, then their other tables."""
    steps = [line for each in costs if "networks" in each["tables"] for line in _steps(each)]
    columns = ("what", "device", "batch", "clock, ms", "processor, ms", "over the first", "memory, MB")
    lines = ["", _STEPS, "", markdown_row(columns), markdown_rule("--rrrrr"), *steps] if steps else []
    for each in costs:
        for name, table in each["tables"].items():
            if name != "networks" and table["rows"]:
                names = list(table["rows"][0])
                lines += ["", f"### {table['title']}", "", f"{table['how']} On {_device(each)}.", ""]
                lines += [
                    markdown_row(key.replace("_", " ") for key in names),
                    markdown_rule("-" + "r" * (len(names) - 1)),
                ]
                lines += [markdown_row(_cell(row.get(key)) for key in names) for row in table["rows"]]
    return lines


def _steps(measured: Mapping[str, Any]) -> list[str]:
    eager = [row for row in measured["tables"]["networks"]["rows"] if row["variant"] == "eager"]
    device, lines = _device(measured), []
    on_cpu = device.startswith("cpu")
    counts = "train_cpu_ms" if on_cpu else "train_ms"
    for row in eager:
        memory = None if on_cpu else row["peak_mb"]
        numbers = (row["train_ms"], row["train_cpu_ms"], row[counts] / eager[0][counts], memory)
        lines.append(markdown_row([row["what"], device, str(row["batch"]), *map(_cell, numbers)]))
    return lines


def _device(measured: Mapping[str, Any]) -> str:
    return str(measured["machine"].get("device", "unknown"))


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return "\u2013" if value is None else str(value)


def _kept(rows: list[list[Pair]], name: str) -> list[str]:
    columns = ("recipe", "stream", "kept, plain", f"kept, {name}", "names, types and shapes")
    lines = [markdown_row(columns), markdown_rule("--rr-")]
    for pairs in rows:
        first = pairs[0]
        if first.with_it.fusion:
            continue
        forms = [(pair.without.hashes.get("form"), pair.with_it.hashes.get("form")) for pair in pairs]
        same = "unknown" if None in {each for form in forms for each in form} else _equal(forms)
        kept = [f"{each.kept:,}" if each.kept else "unknown" for each in (first.without, first.with_it)]
        lines.append(markdown_row([first.with_it.recipe, _stream(first.with_it), *kept, same]))
    return lines


def _equal(forms: list[tuple[str | None, str | None]]) -> str:
    return "equal" if all(plain == other for plain, other in forms) else "**different**"


def _verdict(together: Disagreement, name: str) -> str:
    if together.p_value >= 0.05:
        return "not to be told from chance"
    return f"{name} better" if together.only_second > together.only_first else f"{name} worse"


def _change(pairs: list[Pair]) -> str:
    found = Figure.of(pair.change for pair in pairs)
    assert found is not None
    return difference(found.mean, 0) + ("" if found.spread is None else f" ± {found.spread:.2f}")


def _stream(card: AuditCard) -> str:
    if not card.fusion:
        return card.stream.replace("_", " ")
    return f"{card.stream.replace('_', ' ').replace('+', ', ')} fused, weights {card.fusion.get('chosen', 'unknown')}"


def _seeds(cards: Iterable[AuditCard]) -> str:
    return ", ".join(str(seed) for card in cards for seed in card.seeds)


def _what_is_repeated(pair: Pair) -> tuple[Any, ...]:
    card = pair.with_it
    return card.dataset, card.protocol, card.recipe, card.run, card.selected_on, card.epochs, card.hashes.get("setting")

# SPDX-License-Identifier: Apache-2.0
"""A report set as one HTML page that asks nobody for anything, and as Markdown."""

from __future__ import annotations

import json
from importlib import metadata, resources
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from bonefide.evaluation._content import Content, Entry, finite
from bonefide.evaluation._summary import (
    BEST_ON_TEST,
    CHOSEN,
    ORACLES,
    Figure,
    Summary,
    difference,
    duration,
    interval,
    weights_of,
)
from bonefide.evaluation.audit import Choice
from bonefide.evaluation.metrics import confusion
from bonefide.evaluation.zero_shot_words import zero_shot_rows

__all__ = ["card_rows", "page", "script_json"]

_SCRIPTS = ("charts.js", "confusion.js", "zero_shot.js", "skeletons.js", "page.js")


def page(content: Content, *, notice: str) -> str:
    """The page.

    Args:
        content: what stands on it.
        notice: why there are no skeletons, if there are none.
    """
    environment = Environment(
        loader=PackageLoader("bonefide.evaluation", "_page"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.globals.update(
        chosen=chosen,
        difference=difference,
        interval=interval,
        probability=_probability,
        card_rows=card_rows,
        zero_shot_facts=_zero_shot_facts,
        weights_of=weights_of,
    )
    lead = _lead(content.summaries)
    details = [entry for entry in content.entries if entry.scores is not None or entry.card.curve]
    return environment.get_template("page.html.j2").render(
        content=content,
        details=list(enumerate(details)),
        lead=lead,
        others=[summary for summary in content.summaries if summary is not lead],
        chance=_chance(content, lead) if lead else None,
        notice=notice,
        best_on_test=BEST_ON_TEST,
        version=metadata.version("bonefide"),
        style=Markup(_source("style.css")),
        script=Markup("\n".join(map(_source, _SCRIPTS))),
        data=script_json(
            {
                "runs": [_run_data(entry) for entry in details],
                "sequences": content.sequences,
                "skeleton": content.skeleton,
            }
        ),
    )


def card_rows(entry: Entry) -> list[tuple[str, str]]:
    """The facts of a card, named, in words; what is not known is called unknown."""
    card = entry.card
    rows = [
        ("selected on", chosen(card.selected_on)),
        ("top-5", _number(card.top5)),
        ("mean of classes", _number(card.balanced)),
        ("published", "unknown" if card.published is None else f"{card.published} ({card.source or 'source unknown'})"),
        ("data", f"{card.dataset}, protocol {card.protocol}, preparation {card.preparation}"),
        ("stream", card.stream),
        ("test samples", str(card.test_samples)),
        ("seeds", ", ".join(map(str, card.seeds)) or "unknown"),
        ("epochs", str(card.epochs) if card.epochs else "unknown"),
        ("training time", duration(card.seconds) if card.seconds else "unknown"),
        ("parameters", f"{card.parameters:,}".replace(",", "\u202f") if card.parameters else "unknown"),
    ]
    if card.zero_shot is not None:
        rows[1:1] = zero_shot_rows(card.zero_shot)
    if card.neighbors:
        rows.insert(1, ("decided by", "the most similar training sample, by embeddings; nothing learned from labels"))
    if card.start:
        rows.append(("started from", _plain(card.start)))
    if card.fusion:
        rows[1:1] = [("weights", weights_of(card)), ("weights chosen", str(card.fusion.get("chosen", "unknown")))]
    if card.fitted_on_test is not None:
        rows.insert(1, ("fitted_on_test", f"{card.fitted_on_test:.2f}, which is no accuracy"))
    rows += [(f"accuracy of {name}", f"{value:.2f}") for name, value in card.parts.items()]
    rows += [(name, f"{value:.2f}. {ORACLES}.") for name, value in card.oracles.items()]
    rows += [(f"digest of {key}", card.hashes.get(key, "unknown")) for key in ("split", "preparation", "recipe")]
    return rows + [(key.replace("_", " "), _plain(value)) for key, value in card.environment.items()]


def chosen(selected_on: str) -> str:
    """How weights were chosen, in words; a fusion's members may differ."""
    return " + ".join(CHOSEN.get(each, each) for each in selected_on.split("+"))


def script_json(value: Any) -> Markup:
    r"""JSON that cannot end the script element it stands in, whatever names it holds.

    Example:
        >>> print(script_json({"class": "</script>"}))
        {"class":"\u003c/script\u003e"}
    """
    text = json.dumps(finite(value), separators=(",", ":"), allow_nan=False)
    return Markup(text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e"))


def _source(name: str) -> str:
    return (resources.files("bonefide.evaluation") / "_page" / name).read_text(encoding="utf-8")


def _lead(summaries: list[Summary]) -> Summary | None:
    """The figure to put first: the only one, or the only fusion; never the best."""
    fusions = [summary for summary in summaries if summary.first.fusion]
    for group in (summaries, fusions):
        if len(group) == 1:
            return group[0]
    return None


def _chance(content: Content, summary: Summary) -> tuple[float, float] | None:
    card = summary.first
    same = (card.dataset, card.protocol, card.test_samples)
    for entry in content.entries:
        if entry.chance and (entry.card.dataset, entry.card.protocol, entry.card.test_samples) == same:
            return entry.chance
    return None


def _run_data(entry: Entry) -> dict[str, Any]:
    card = entry.card
    choices = {name: _choice(getattr(card, name)) for name in ("last", "validation_chosen", "best_on_test")}
    cells = []
    if entry.scores is not None:
        matrix = confusion(entry.scores)
        cells = [[int(t), int(p), int(matrix[t, p])] for t, p in zip(*matrix.nonzero(), strict=True)]
    classes = entry.scores.classes if entry.scores is not None else ()
    found = {"curve": card.curve, "classes": classes, "confusion": cells, **choices}
    if card.zero_shot is not None:
        shown = ("curve", "gamma", "gamma_chosen_on", "uncalibrated", "calibrated")
        found["zero_shot"] = {name: getattr(card.zero_shot, name) for name in shown}
    if entry.projection is not None:
        points, texts = (np.round(each, 3).tolist() for each in (entry.projection.points, entry.projection.texts))
        found["features"] = {"points": points, "labels": entry.projection.labels.tolist(), "texts": texts}
    return found


def _zero_shot_facts(summary: Summary) -> list[tuple[str, str]]:
    """What stands beside the accuracy of a zero-shot recogniser, seeds together."""
    known = [card.zero_shot for card in summary.cards if card.zero_shot is not None]
    if not known:
        return []
    together = Figure.of(each.acc_transductive for each in known)
    named = zip(("seen", "unseen", "harmonic mean"), range(3), strict=True)
    everything = ", ".join(f"{name} {Figure.of(each.calibrated[place] for each in known)}" for name, place in named)
    facts = [("Transductive", f"{together} (all samples together)")] if together else []
    facts.append(("All classes", f"{everything}; gamma chosen on {known[0].gamma_chosen_on}"))
    return facts


def _choice(choice: Choice | None) -> dict[str, Any] | None:
    return {"epoch": choice.epoch, "test_top1": choice.test_top1} if choice else None


def _probability(share: float) -> str:
    percent = 100 * share
    return "> 99.9 %" if percent > 99.9 else f"{percent:.1f} %" if percent >= 0.1 else "< 0.1 %"


def _number(value: float | None) -> str:
    return "none: chosen with test labels" if value is None else f"{value:.2f}"


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_plain(each)}" for key, each in value.items())
    return ", ".join(map(_plain, value)) if isinstance(value, list) else str(value)

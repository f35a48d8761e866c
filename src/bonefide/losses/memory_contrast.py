# SPDX-License-Identifier: Apache-2.0
"""Class-wise contrast against a memory of all training samples: hard positives, hard and random negatives."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from bonefide.losses._distinct import distinct

__all__ = ["memory_contrast"]


def memory_contrast(
    anchors: Tensor,
    label: Tensor,
    *,
    bank: Tensor,
    filled: Tensor,
    rows: Tensor,
    usable: Tensor | None = None,
    positives: int = 128,
    negatives: int = 512,
    temperature: float = 0.8,
    random_rank: Tensor | None = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Contrast of unit vectors with rows of a memory, mean over the anchors that count.

    An anchor counts if the memory holds at least `positives` rows of its class and `negatives` of others. Its hard
    positives are the least similar rows of its class, its hard negatives the most similar ones of others, its random
    negatives are drawn from those without replacement. With l(p; A) = softplus(logsumexp(A / t) - p / t) the loss is
    the mean of l(p; hard) and l(p; random) over the hard positives p of all anchors that count; zero if none does.
    Gradients reach the anchors only; they are ready when the loss is, so the bank may change before the backward pass.

    Nothing here waits for a GPU, and no shape depends on what the tensors hold.

    Args:
        anchors: of unit length, of the bank's type.
        label: class of each anchor, 0-based.
        bank: one row for each training sample, finite.
        filled: which rows of the bank hold something.
        rows: rows of each class in ascending order, then -1.
        usable: anchors that may count; all if None.
        positives: hard positives P of an anchor.
        negatives: hard negatives K of an anchor, and random ones.
        temperature: t, above 0.
        random_rank: for tests, the random negatives: row a belongs to the a-th anchor that counts, an entry is a place
            in the ascending list of that anchor's negatives.
        generator: of the random negatives, on the device of the anchors; torch's own if None.

    Shape:
        anchors: (N, D).
        label: (N,) int64.
        bank: (S, D).
        filled: (S,) bool.
        rows: (classes, L) int64, L the size of the largest class.
        usable: (N,) bool.
        random_rank: (anchors that count, K) int64.
        returned: scalar.

    Reference:
        Zhang, Yin, Dang. A generically Contrastive Spatiotemporal Representation Enhancement for 3D skeleton action
        recognition. Pattern Recognition 164 (2025) 111521. zhshj0110/CSRE, which goes through anchors one by one.

    Example:
        >>> bank, label = torch.eye(4), torch.tensor([0, 1])
        >>> rows = torch.tensor([[0, 1], [2, 3]])
        >>> filled = torch.ones(4, dtype=torch.bool)
        >>> memory_contrast(bank[[0, 2]], label, bank=bank, filled=filled, rows=rows, positives=2, negatives=2)
        tensor(0.7758)
    """
    if rows.shape[1] < positives or bank.shape[0] < negatives:
        # No anchor will ever count.
        return (anchors * 0).sum()
    with torch.no_grad():
        own = _own_rows(label, filled, rows)
        others = filled.sum() - own.total
        counted = (own.total >= positives) & (others >= negatives)
        counted = counted if usable is None else counted & usable
        if random_rank is None:
            rank = distinct(others, negatives, generator=generator)
        else:
            rank = _of_all_anchors(random_rank, counted)
        empty = torch.zeros_like(bank[:, 0]).masked_fill(~filled, -torch.inf)
        similarities = torch.addmm(empty, anchors, bank.T)
        ours = similarities.gather(1, own.rows).masked_fill(~own.filled, torch.inf)
        near, near_place = ours.topk(positives, dim=1, largest=False, sorted=False)
        chance_row = _rows_at(rank, own, filled)
        chance = similarities.gather(1, chance_row)
        hard, hard_row = similarities.scatter_(1, own.rows, -torch.inf).topk(negatives, dim=1, sorted=False)
        similar = torch.cat([near, hard, chance], dim=1).masked_fill(~counted.unsqueeze(1), 0)
        similar_row = torch.cat([own.rows.gather(1, near_place), hard_row, chance_row], dim=1)
    chosen = _Chosen(similar, similar_row, counted, positives)
    found: Tensor = _Contrast.apply(anchors, bank, chosen, temperature)  # type: ignore[no-untyped-call]
    return found


class _Own(NamedTuple):
    """Rows of the anchors' own classes: (N, L) numbers, whether they are filled, and (N,) how many are."""

    rows: Tensor
    filled: Tensor
    total: Tensor


class _Chosen(NamedTuple):
    """Similarities to P hard positives, K hard and K random negatives, (N, P + 2 K); their rows; who counts, (N,)."""

    similarities: Tensor
    rows: Tensor
    counted: Tensor
    positives: int


class _Contrast(torch.autograd.Function):
    """The loss of what was chosen; the gradient of an anchor is a weighted sum of the rows it was compared with."""

    @staticmethod
    def forward(ctx: Any, anchors: Tensor, bank: Tensor, chosen: _Chosen, temperature: float) -> Tensor:
        if not ctx.needs_input_grad[0]:
            return _loss(chosen, temperature)
        with torch.enable_grad():
            leaf = chosen.similarities.detach().requires_grad_()
            loss = _loss(chosen._replace(similarities=leaf), temperature)
            (weights,) = torch.autograd.grad(loss, leaf)
        ctx.save_for_backward(F.embedding_bag(chosen.rows, bank, per_sample_weights=weights, mode="sum"))
        return loss.detach()

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        (of_anchors,) = ctx.saved_tensors
        return grad * of_anchors, None, None, None


def _loss(chosen: _Chosen, temperature: float) -> Tensor:
    near, others = (chosen.similarities / temperature).tensor_split([chosen.positives], dim=1)
    sums = torch.stack(others.chunk(2, dim=1)).logsumexp(dim=2, keepdim=True)
    each = F.softplus(sums - near).mean(dim=(0, 2))
    return (each * chosen.counted).sum() / chosen.counted.sum().clamp(min=1)


def _own_rows(label: Tensor, filled: Tensor, rows: Tensor) -> _Own:
    found = rows[label]
    there = found >= 0
    # Instead of nothing, the first of the class; it counts once only.
    found = torch.where(there, found, found[:, :1]).clamp(min=0)
    there &= filled[found]
    return _Own(found, there, there.sum(dim=1))


def _rows_at(rank: Tensor, own: _Own, filled: Tensor) -> Tensor:
    """Rows at places of the ascending list of what is filled and of another class.

    Among all that is filled, place r of that list is place r + j, if j rows of the own class come before it; the t-th
    of those, at place f, comes before it if there are at most r others before: f - t <= r.
    """
    place = filled.cumsum(0) - 1
    number = own.filled.cumsum(1) - 1
    width = own.rows.shape[1]
    before = rank.new_full((rank.shape[0], width + 1), filled.shape[0])
    before.scatter_(1, torch.where(own.filled, number, width), place[own.rows] - number)
    # The last column took what is not filled.
    before = before[:, :width].contiguous()
    among = rank + torch.searchsorted(before, rank, right=True)
    return torch.argsort(filled, descending=True, stable=True)[among.clamp(max=filled.shape[0] - 1)]


def _of_all_anchors(random_rank: Tensor, counted: Tensor) -> Tensor:
    """Row a for the a-th anchor that counts, zeros for others."""
    padded = F.pad(random_rank.long(), (0, 0, 1, 0))
    return padded[torch.where(counted, counted.cumsum(0), 0)]

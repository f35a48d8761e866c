# SPDX-License-Identifier: Apache-2.0
"""STJD-CL: a whole clip is contrasted with its prime joints, and prime joints with the others."""

from __future__ import annotations

import copy
from typing import Literal

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F

from bonefide.encoders._encoder import Encoder
from bonefide.errors import ShapeError
from bonefide.layers.joint_density import JointDensity
from bonefide.losses.info_nce import info_nce
from bonefide.losses.reversed_info_nce import reversed_info_nce
from bonefide.methods._method import Method
from bonefide.methods._prime_joints import hard_mask, pool_parts, prime_score, soft_mask, stretch
from bonefide.methods._processes import of_all_processes
from bonefide.types import Batch, Outputs

__all__ = ["STJDCL"]


class STJDCL(Method):
    """Pre-training without labels, by two contrasts with a queue of what earlier clips were.

    A second encoder follows the first slowly. Of its map of a mild view the detector says how prime each joint is;
    means weighted by that, and by what it leaves, become z_k and z_p. The first encoder sees a clip whose prime joints
    come from another mild view and whose others from a strong one, and makes z_q of it:

        contrastive  InfoNCE of z_q and z_k: the whole clip is like its prime joints
        regional     the same turned round, of z_p and z_k: what is left is no more like them than like other clips

    The first trains the first encoder, the second the detector alone. What it leaves is an encoder to probe or
    fine-tune; what is measured of it are nearest neighbours.

    The figure and the abstract of the paper show this structure; its code was never released. These are choices of this
    package: the form of both losses and their weight, the rule for prime joints and its temperature, how the two views
    are mixed, the temperature, queue and momentum, the projector and that z_p shares it, the encoder (that of AimCLR)
    and its views, and the epochs before the detector counts.

    Args:
        encoder: from clips to features; its map and `map_size` are used. Ours: the ST-GCN of AimCLR.
        frames: clip length T.
        width: of the embeddings that are contrasted, at least 1. Ours: 128.
        momentum: of the encoder that follows, from 0 to below 1. Ours: 0.999.
        queue: embeddings of earlier clips, at least 1. Ours: 32768.
        temperature: of both contrasts, above 0. Ours: 0.07.
        regional_weight: factor of the second contrast, at least 0. Ours: 1.
        prime_temperature: of the softmax over joints, above 0. Ours: 0.1.
        top_k: prime joints of a time step where views are mixed; None takes those above its mean. Ours: None.
        quantile: instead, joints above that quantile of a clip. Ours: None.
        variant: definition of the density, see `JointDensity`. Ours: "code".
        density_channels: projected features the density is taken of, at least 1. Ours: 16.
        warmup_epochs: first epochs in which all joints are equally prime and the second contrast does not count, for
            the features of a random encoder say nothing; 0 for an encoder that has been trained. Ours: 20.

    Shape:
        batch.clip: (N, C, T, V, M), a mild view.
        batch.view: (N, 2, C, T, V, M), another mild view and a strong one of the first, as `TwoViews` makes them.
        embedding: (N, D), pooled.

    Raises:
        ShapeError: if `frames` is not given, an option is out of its range, the encoder's map has no joints, or a batch
            has not these views.

    Reference:
        Gunasekara, Li, Ogunbona, Yang. Spatio-Temporal Joint Density Driven Learning for Skeleton-Based Action
        Recognition. IEEE TBIOM 2025. arXiv:2505.23012.

    Differs from the official code:
        There is none. The density is that of the released STJD-MP, here trained.

    Example:
        >>> from bonefide.encoders.stgcn import STGCN
        >>> from bonefide.layouts import layout
        >>> method = STJDCL(STGCN(layout("ucla20"), 3, base_channels=4), frames=16, width=8, queue=4, warmup_epochs=0)
        >>> clip = torch.rand(2, 3, 16, 20, 1)
        >>> batch = Batch(clip, torch.tensor([0, 9]), torch.tensor([0, 1]), view=torch.rand(2, 2, 3, 16, 20, 1))
        >>> list(method.losses(batch)), tuple(method.outputs(batch).embedding.shape)
        (['contrastive', 'regional'], (2, 16))
    """

    judged_by_neighbors = True
    only_training = ("follower.", "queue", "place")
    queue: Tensor
    place: Tensor

    def __init__(
        self,
        encoder: Encoder,
        *,
        frames: int,
        width: int = 128,
        momentum: float = 0.999,
        queue: int = 32768,
        temperature: float = 0.07,
        regional_weight: float = 1.0,
        prime_temperature: float = 0.1,
        top_k: int | None = None,
        quantile: float | None = None,
        variant: Literal["code", "paper"] = "code",
        density_channels: int = 16,
        warmup_epochs: int = 20,
    ) -> None:
        super().__init__()
        if frames is None or encoder.map_axis != "joint":
            raise ShapeError("STJD-CL needs frames, the clip length, and an encoder whose map has joints")
        if min(width, queue) < 1 or min(regional_weight, warmup_epochs) < 0:
            raise ShapeError(
                f"width and queue must be at least 1, regional_weight and warmup_epochs at least 0; got {width}, "
                f"{queue}, {regional_weight} and {warmup_epochs}"
            )
        if not (min(temperature, prime_temperature) > 0 and 0 <= momentum < 1):
            raise ShapeError(
                f"temperatures must be above 0 and momentum in [0, 1), got {temperature}, {prime_temperature} and "
                f"{momentum}"
            )
        channels, times, joints = encoder.map_size(frames)
        hard_mask(torch.zeros(1, times, joints), top_k=top_k, quantile=quantile)
        self.encoder = encoder
        self.project = _projector(channels, width)
        self.density = JointDensity(channels, joints, channels=density_channels, variant=variant)
        self.follower = nn.ModuleDict(
            {"encoder": copy.deepcopy(self.get_submodule("encoder")), "project": copy.deepcopy(self.project)}
        ).requires_grad_(False)
        self.register_buffer("queue", F.normalize(torch.randn(queue, width), dim=1))
        self.register_buffer("place", torch.zeros((), dtype=torch.int64))
        self.momentum, self.temperature, self.regional_weight = momentum, temperature, regional_weight
        self.prime_temperature, self.top_k, self.quantile = prime_temperature, top_k, quantile
        self.warmup_epochs, self.detects = warmup_epochs, warmup_epochs == 0

    def start_epoch(self, epoch: int) -> None:
        """Whether the detector counts."""
        self.detects = epoch >= self.warmup_epochs

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Both contrasts; in evaluation mode nothing follows and nothing is remembered."""
        mild, strong = _views(batch)
        if self.training:
            self._follow()
        with torch.no_grad():
            feature_map = self.follower.get_submodule("encoder")(mild).map.flatten(0, 1)
        score = self.prime_scores(feature_map)
        mixed = self._mixed(batch.clip, strong, score.detach())
        z_q = self.project(self.encoder(mixed).pooled)
        # Similarities are divided by a small temperature: half precision would tell few of them apart.
        with torch.autocast(batch.clip.device.type, enabled=False):
            return self._contrasts(z_q.to(score.dtype), feature_map.to(score.dtype), score)

    def outputs(self, batch: Batch) -> Outputs:
        """Embedding, before it is projected."""
        return Outputs(embedding=self.encoder(batch.clip, batch.joints).pooled)

    def prime_scores(self, feature_map: Tensor) -> Tensor:
        """How prime joints are.

        Shape:
            feature_map: (N * M, D, T', V').
            returned: (N * M, T', V'), 0 to 1.
        """
        return prime_score(self.density(feature_map.permute(0, 2, 3, 1)))

    def _contrasts(self, z_q: Tensor, feature_map: Tensor, score: Tensor) -> dict[str, Tensor]:
        z_k, z_p = self._regions(feature_map, score, len(z_q))
        own, others = z_k.detach(), self.queue.clone()
        found = {"contrastive": info_nce(F.normalize(z_q, dim=1), own, others, temperature=self.temperature)}
        if self.detects:
            regional = reversed_info_nce(z_p, z_k, others, temperature=self.temperature)
            found["regional"] = self.regional_weight * regional
        if self.training:
            self._remember(of_all_processes(own))
        return found

    def _regions(self, feature_map: Tensor, score: Tensor, samples: int) -> tuple[Tensor, Tensor]:
        """z_k and z_p: of prime joints and of the others, through the projector that follows, of length 1."""
        if self.detects:
            mask = soft_mask(score, temperature=self.prime_temperature)
        else:
            mask = torch.full_like(score, 1 / score.shape[2])
        project = self.follower.get_submodule("project")
        # Gradients go through it to the mask, and stop nowhere in it, whoever has thawed it.
        frozen = {name: parameter.detach() for name, parameter in project.named_parameters()}
        pooled = [part.unflatten(0, (samples, -1)).mean(dim=1) for part in pool_parts(feature_map, mask)]
        z_k, z_p = (F.normalize(functional_call(project, frozen, (part,)), dim=1) for part in pooled)
        return z_k, z_p

    def _mixed(self, mild: Tensor, strong: Tensor, score: Tensor) -> Tensor:
        """Prime joints of the mild view, the others of the strong one."""
        prime = hard_mask(score, top_k=self.top_k, quantile=self.quantile).to(mild.dtype)
        # (N, 1, T, V, M)
        share = stretch(prime, mild.shape[2]).unflatten(0, (len(mild), -1)).permute(0, 2, 3, 1).unsqueeze(1)
        return share * mild + (1 - share) * strong

    @torch.no_grad()
    def _follow(self) -> None:
        for name in ("encoder", "project"):
            leading = self.get_submodule(name).parameters()
            for follows, leads in zip(self.follower.get_submodule(name).parameters(), leading, strict=True):
                follows.lerp_(leads, 1 - self.momentum)

    @torch.no_grad()
    def _remember(self, rows: Tensor) -> None:
        """Put these in the place of the oldest."""
        size = len(self.queue)
        rows = rows[-size:].to(self.queue.dtype)
        places = (self.place + torch.arange(len(rows), device=rows.device)) % size
        self.queue[places] = rows
        self.place.copy_((self.place + len(rows)) % size)


def _projector(channels: int, width: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(channels, channels), nn.ReLU(), nn.Linear(channels, width))


def _views(batch: Batch) -> tuple[Tensor, Tensor]:
    if batch.view is None or tuple(batch.view.shape) != (len(batch.clip), 2, *batch.clip.shape[1:]):
        shape = None if batch.view is None else tuple(batch.view.shape)
        raise ShapeError(
            f"STJD-CL needs two views besides clips {tuple(batch.clip.shape)}, got {shape}; let data.train hold "
            "two_views, strong ones too"
        )
    return batch.view[:, 0], batch.view[:, 1]

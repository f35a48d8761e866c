# SPDX-License-Identifier: Apache-2.0
"""What a recipe may say: one published experiment, every key known, nothing extra allowed."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

__all__ = [
    "SGD",
    "Adam",
    "AdamW",
    "Component",
    "Constant",
    "Cosine",
    "DataRecipe",
    "Descriptor",
    "Exponential",
    "Optimizer",
    "Recipe",
    "Schedule",
    "Selection",
    "StartRecipe",
    "Step",
    "Stream",
    "TrainingRecipe",
    "ValidationRecipe",
]

Stream = Literal["joint", "bone", "joint_motion", "bone_motion"]
Descriptor = Literal["gd", "jdd", "add", "lad", "fdd"]
Selection = Literal["last", "validation", "best_on_test"]
Share = Annotated[float, Field(gt=0, le=1)]
Decay = Annotated[float, Field(ge=0, lt=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Component(BaseModel):
    """A file of a component folder and the options of its class, which are checked against its constructor."""

    model_config = ConfigDict(extra="allow", frozen=True)

    name: str

    @property
    def options(self) -> dict[str, Any]:
        """Everything but the name."""
        return dict(self.model_extra or {})


class ValidationRecipe(_Strict):
    """Which part of the training samples is kept from training, to choose an epoch or fusion weights with."""

    share: Annotated[float, Field(gt=0, lt=1)] = 0.2
    by: Literal["subject", "camera", "setup"] = "subject"


class DataRecipe(_Strict):
    """What is learned from, and how a sequence becomes a clip; or, with `images`, images of descriptors."""

    dataset: str
    protocol: str
    preparation: str | None = None
    stream: Stream = "joint"
    images: Annotated[tuple[Descriptor, ...], Field(min_length=1)] | None = None
    """Descriptors whose images a sample has, instead of a clip; transforms and streams have no part in that."""
    corrected: bool = False
    """Whether images are without the mistakes of the official code."""
    classes: str | None = None
    """A class split: only samples of its seen classes train; a method that reads no texts is tested on those alone."""
    rehearsal: bool = False
    """Whether seen classes and subjects that are held out play the test part, to choose with; the test part has no part
    in that."""
    texts: str = "minilm"
    """For methods that read texts of classes: a text encoder whose bank comes with the package, or a file of a bank."""
    train: tuple[Component, ...] = ()
    test: tuple[Component, ...] = ()
    batch_size: Annotated[int, Field(ge=1)] = 64
    test_batch_size: Annotated[int, Field(ge=1)] = 64
    repeat: Annotated[int, Field(ge=1)] = 1
    share: Share = 1.0
    share_by: Literal["sample", "class", "process"] = "sample"
    """Which samples a share keeps: any, the same part of each class, or those any of MAMP's two processes would see."""
    share_seed: Annotated[int, Field(ge=0)] | None = None
    """Of that choice; the training's own seed if None, so that several seeds of training have several choices."""
    drop_last: bool = True
    validation: ValidationRecipe | None = None

    @model_validator(mode="after")
    def _rehearses_classes(self) -> DataRecipe:
        if self.rehearsal and self.classes is None:
            raise ValueError("rehearsal needs classes, the split that says which classes are held out")
        if self.classes is not None and self.images is not None:
            raise ValueError("classes are for clips, not for images")
        if self.rehearsal and self.validation is not None:
            raise ValueError("rehearsal holds out what to choose with already: leave out validation")
        return self

    @model_validator(mode="after")
    def _images_or_clips(self) -> DataRecipe:
        if self.images is None:
            if self.corrected:
                raise ValueError("corrected is for images, and no images are asked for")
            if missing := [part for part in ("train", "test") if part not in self.model_fields_set]:
                raise ValueError(f"{' and '.join(missing)} must list the transforms of clips; or ask for images")
        elif self.train or self.test or self.stream != "joint":
            raise ValueError("images are not transformed and have no streams: leave out train, test and stream")
        elif len(set(self.images)) < len(self.images):
            raise ValueError(f"images must be different ones, got {', '.join(self.images)}")
        return self


class _Optimizer(_Strict):
    lr: Annotated[float, Field(gt=0)]
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    decay: Literal["all", "weights"] = "all"
    """"all" decays every parameter, "weights" spares biases and the parameters of norms."""
    decay_of: dict[str, Annotated[float, Field(ge=0)]] = Field(default_factory=dict)
    """Patterns of parameter names, `*` for anything, to a decay of their own; the first that fits counts."""


class SGD(_Optimizer):
    """Stochastic gradient descent."""

    name: Literal["sgd"]
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.0
    nesterov: bool = False

    @model_validator(mode="after")
    def _momentum_fits(self) -> SGD:
        if self.nesterov and not self.momentum:
            raise ValueError("nesterov needs a momentum above 0")
        return self


class Adam(_Optimizer):
    """Adam, whose weight decay is added to the gradient."""

    name: Literal["adam"]
    betas: tuple[Decay, Decay] = (0.9, 0.999)


class AdamW(_Optimizer):
    """Adam with decoupled weight decay."""

    name: Literal["adamw"]
    betas: tuple[Decay, Decay] = (0.9, 0.999)


Optimizer = Annotated[SGD | Adam | AdamW, Field(discriminator="name")]


class _Schedule(_Strict):
    warmup_epochs: Annotated[int, Field(ge=0)] = 0
    per: Literal["epoch", "step"] = "epoch"
    starts_idle: bool = False
    """Whether a warm-up per epoch rises from 0, so that in the first one only batch norms learn."""


class Constant(_Schedule):
    """The learning rate stays."""

    name: Literal["constant"]


class Step(_Schedule):
    """Times `gamma` at each of `steps`, in epochs, 0-based; with `every`, again and again so many after the last."""

    name: Literal["step"]
    steps: tuple[int, ...]
    every: Annotated[int, Field(ge=1)] | None = None
    gamma: Annotated[float, Field(gt=0)] = 0.1


class Exponential(_Schedule):
    """Times `gamma` each epoch."""

    name: Literal["exponential"]
    gamma: Annotated[float, Field(gt=0)]


class Cosine(_Schedule):
    """Half a cosine from the learning rate down to `minimum` times it at the end of training."""

    name: Literal["cosine"]
    minimum: Annotated[float, Field(ge=0, le=1)] = 0.0


Schedule = Annotated[Constant | Step | Exponential | Cosine, Field(discriminator="name")]


class TrainingRecipe(_Strict):
    """How it is learned."""

    epochs: Annotated[int, Field(ge=1)]
    optimizer: Optimizer
    schedule: Schedule = Constant(name="constant")
    select: Selection = "last"
    seed: Annotated[int, Field(ge=0)] = 0
    clip_norm: Annotated[float, Field(gt=0)] | None = None
    accumulate: Annotated[int, Field(ge=1)] = 1
    """Parts a batch is gone through in, one after the other, their gradients added up; it needs so much less memory.
    The same training up to rounding, unless samples meet in a batch: batch norms, contrasts."""
    freeze: dict[str, Annotated[int, Field(ge=1)] | Literal["always"]] = Field(default_factory=dict)
    """Beginning of parameter names to the number of first epochs they are frozen for, or "always"."""
    test_every: Annotated[int, Field(ge=0)] = 1
    """Epochs between looks at the test part, for curves and `best_on_test`; 0 looks only once, after the last."""


class StartRecipe(_Strict):
    """Whose weights a training starts from: those of a finished run, or of a file."""

    recipe: str | None = None
    run: str = "main"
    part: str = "encoder"
    """What of the method is overwritten, or "whole"."""
    fresh: tuple[str, ...] = ()
    """Beginnings of names, within that part, that those weights need not have; all others they must."""
    path: str | None = None
    """A run or a file of weights; filled with the run's folder when a training is planned."""

    @model_validator(mode="after")
    def _says_whose(self) -> StartRecipe:
        if self.recipe is None and self.path is None:
            raise ValueError("start_from must name a recipe, or the path of a run or of weights")
        return self


class Recipe(_Strict):
    """One published experiment.

    `name` is filled by whoever loads it. `runs` is the only fan-out: one training each, its keys are paths into the
    recipe. `ensemble` gives runs their weights in the fusion; a recipe that fuses its runs in several ways names the
    others in `ensembles`. `published` are top-1 accuracies in percent, per run or for the "ensemble" or one of those
    names; `source` says where they stand. `tolerance` is in points.
    """

    name: str = ""
    paper: str
    description: str = ""
    encoder: Component
    method: Component
    data: DataRecipe
    training: TrainingRecipe
    start_from: StartRecipe | None = None
    runs: dict[str, dict[str, Any]] = {"main": {}}
    ensemble: dict[str, float] = Field(default_factory=dict)
    ensembles: dict[str, dict[str, float]] = Field(default_factory=dict)
    published: dict[str, float] = Field(default_factory=dict)
    source: str = ""
    tolerance: float = 0.5

    @model_validator(mode="after")
    def _names_fit(self) -> Recipe:
        if not self.runs:
            raise ValueError("runs must name at least one run")
        runs = set(self.runs)
        if taken := sorted(self.ensembles.keys() & {*runs, "ensemble"}):
            raise ValueError(f"ensembles names {', '.join(taken)}, which is taken by a run or by ensemble itself")
        for kind, mapping, allowed in (
            *((f"ensembles.{name}", weights, runs) for name, weights in self.ensembles.items()),
            ("ensemble", self.ensemble, runs),
            ("published", self.published, {*runs, "ensemble", *self.ensembles}),
        ):
            if unknown := sorted(set(mapping) - allowed):
                raise ValueError(f"{kind} names {', '.join(unknown)}, which is no run of this recipe")
        if self.data.batch_size % self.training.accumulate:
            raise ValueError(
                f"training.accumulate {self.training.accumulate} must divide data.batch_size {self.data.batch_size}, "
                "the whole batch"
            )
        if self.training.select == "validation" and self.data.validation is None:
            raise ValueError("training.select: validation needs data.validation, the part to choose with")
        return self

    @property
    def fusions(self) -> dict[str, dict[str, float]]:
        """All ways its runs are fused, by name, the one called "ensemble" first: weights by run."""
        return ({"ensemble": self.ensemble} if self.ensemble else {}) | self.ensembles

# SPDX-License-Identifier: Apache-2.0
"""Recognisers: weights with all they need to name an action; made from runs or official weights, saved and loaded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple, get_args

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save
from torch import Tensor, nn

from bonefide.config import load
from bonefide.config.components import component, create
from bonefide.config.recipe import Descriptor, Recipe, Stream
from bonefide.config.recognizer import RecognizerConfig, config_of_recipe
from bonefide.data import datasets
from bonefide.data.adapt_store import AdaptedStore, adapt_store
from bonefide.data.descriptor_store import image_planes
from bonefide.data.preparation import preparation
from bonefide.data.prepare_files import prepare_files
from bonefide.data.store import SkeletonStore
from bonefide.data.store_info import LeftOut
from bonefide.descriptors import describe
from bonefide.errors import BonefideError, DataError, RunError, ShapeError, did_you_mean
from bonefide.methods._method import Method
from bonefide.run import Run
from bonefide.types import Array, Batch, Outputs, SkeletonSequence
from bonefide.writing import write_file

__all__ = ["HEADER", "Recognizer", "fitting_recipe", "fitting_recipes", "runs_of"]

HEADER = "recognizer"
"""Entry in the header of a file of weights that describes the rest."""
_CONFIG, _WEIGHTS = "config.json", "model.safetensors"
_STREAMS: tuple[str, ...] = (*get_args(Stream), *get_args(Descriptor))


class Recognizer:
    """A trained network with its transform, preparation and class names.

    Args:
        config: all that the weights do not say.
        method: network and head, on their device; put into evaluation mode.

    Example:
        >>> from bonefide.data.synthetic.perform import perform
        >>> config = config_of_recipe(load.recipe("ctrgcn/nwucla_small"), origin={})
        >>> recognizer = Recognizer(config, _built(config))
        >>> walk = SkeletonSequence("walk", 0, np.random.default_rng(0).normal(size=(1, 40, 20, 3)))
        >>> label, probability = recognizer(walk)
        >>> label in recognizer.classes, 0.1 <= probability <= 1
        (True, True)
    """

    def __init__(self, config: RecognizerConfig, method: Method) -> None:
        self.config = config
        self.method = method.eval()
        self._chain = config.chain()

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names; the place is the label."""
        return self.config.classes

    @property
    def encoder(self) -> nn.Module:
        """The network without its head.

        Raises:
            DataError: if its method has none.
        """
        found = getattr(self.method, "encoder", None)
        if not isinstance(found, nn.Module):
            raise DataError(f"the method {self.config.method.name} has no encoder to take features from")
        return found

    @classmethod
    def load(cls, place: str | Path, *, device: str = "cpu", trust_code: bool = False) -> Recognizer:
        """A recogniser from disk; nothing in the files is executed.

        Args:
            place: folder of a finished run, a folder that `save_pretrained` wrote, or a `.safetensors` file that `save`
                or `bonefide convert` wrote.
            device: as torch names it.
            trust_code: whether networks and transforms of other packages may be imported, which runs their code.

        Raises:
            DataError: if there is none, or it is damaged or of another version.
            RunError: if it is a run that has not finished.
        """
        config, file = _find(Path(place).expanduser())
        if config.foreign and not trust_code:
            raise DataError(
                f"{place} uses {config.foreign[0]}, code from outside bonefide, which loading would run; if you trust "
                "its author, allow it by trust_code"
            )
        try:
            weights = load_file(file)
        except (OSError, SafetensorError) as error:
            raise DataError(f"{file}: no readable weights ({error})") from None
        return cls(config, _fitted(config, weights, source=str(file)).to(device))

    @classmethod
    def from_weights(
        cls, weights: Mapping[str, Tensor], recipe: Recipe, *, origin: Mapping[str, str] | None = None
    ) -> Recognizer:
        """A recogniser from weights that were trained elsewhere, as a recipe says.

        Args:
            weights: under our names, as `convert` gives them.
            recipe: of a single run, see `fitting_recipe`.
            origin: where they come from, in words.

        Raises:
            DataError: if they do not fit the recipe.
        """
        config = config_of_recipe(recipe, origin={"recipe": recipe.name, **(origin or {})})
        return cls(config, _fitted(config, weights, source=f"the recipe {recipe.name}"))

    def save_pretrained(self, folder: str | Path) -> None:
        """Write `config.json` and `model.safetensors`.

        Raises:
            OutputError: if the folder cannot be written.
        """
        write_file(Path(folder) / _CONFIG, self.config.to_json())
        self.save(Path(folder) / _WEIGHTS)

    def save(self, file: str | Path) -> None:
        """Write all in one `.safetensors` file.

        Raises:
            OutputError: if it cannot be written.
        """
        weights = {name: value.detach().cpu().contiguous() for name, value in self.method.weights().items()}
        header = {**self.config.origin, HEADER: self.config.model_dump_json()}
        write_file(Path(file), save(weights, header))

    def prepare(
        self, path: str | Path, *, layout: str | Path | None = None, format: str | None = None
    ) -> Iterator[SkeletonSequence | LeftOut]:
        """Sequences of raw files, prepared as those were that it learned from; see `prepare_files`.

        Raises:
            DataError: if nothing is there, or the preparation is no longer what it was.
            UnknownNameError: if there is no such layout or format.
        """
        self._check_version()
        step = preparation(self.config.preparation, self.config.options)
        return prepare_files(path, step, layout=layout, format=format)

    def adapt(self, store: SkeletonStore) -> AdaptedStore:
        """A store of any data set, read as this network takes it; see `adapt_store`.

        Raises:
            DataError: if the preparation is no longer what it was, or the store cannot be adapted to it.
            ShapeError: if no joint of the network follows from those of the store.
        """
        self._check_version()
        return adapt_store(
            store,
            layout=self.config.skeleton,
            dataset=self.config.dataset,
            preparation=self.config.preparation,
            options=self.config.options,
        )

    def untrained(self, *, seed: int = 0) -> Recognizer:
        """The same network as it is before any training, on the same device.

        Args:
            seed: of its weights.
        """
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            method = _built(self.config)
        return Recognizer(self.config, method.to(next(self.method.parameters()).device))

    def __call__(self, sequence: SkeletonSequence) -> tuple[str, float]:
        """The likeliest class of a prepared sequence, and its probability."""
        probabilities = self.scores([sequence])[0]
        label = int(probabilities.argmax())
        return self.classes[label], float(probabilities[label])

    def scores(self, sequences: Iterable[SkeletonSequence], *, batch_size: int = 16) -> Array:
        """Probabilities of all classes.

        Args:
            sequences: prepared as those it learned from; labels do not matter.
            batch_size: clips at once.

        Shape:
            returned: (n, K) float32, rows sum to 1.

        Raises:
            ShapeError: if a sequence has other joints or coordinates.
        """
        found: list[Outputs] = []
        with torch.inference_mode():
            for batch in self.batches(sequences, batch_size=batch_size):
                found.append(self.method.outputs(batch))
            if not found:
                return np.zeros((0, len(self.classes)), dtype=np.float32)
            decided = [self.method.decide(outputs).float().softmax(dim=1).cpu() for outputs in found]
        return torch.cat(decided).numpy()

    def batches(
        self, sequences: Iterable[SkeletonSequence], *, batch_size: int = 16, frames: int | None = None
    ) -> Iterator[Batch]:
        """Clips as the network takes them, in the order of their sequences; without labels.

        Args:
            sequences: prepared as those it learned from.
            batch_size: clips at once.
            frames: so many first frames of every clip only, for networks that take any number of them; None takes all.

        Raises:
            ShapeError: if a sequence has other joints or coordinates, or a number is below 1.
        """
        if batch_size < 1:
            raise ShapeError(f"batch_size must be at least 1, got {batch_size}")
        if frames is not None and frames < 1:
            raise ShapeError(f"frames must be at least 1, got {frames}")
        device = next(self.method.parameters()).device
        clips = (_first(self._shown(sequence), frames) for sequence in sequences)
        for together in _together(clips, batch_size):
            yield _batch(together, device)

    def _check_version(self) -> None:
        known = preparation(self.config.preparation, self.config.options).version
        if known != self.config.version:
            raise DataError(
                f"these weights learned from version {self.config.version} of '{self.config.preparation}', this "
                f"bonefide has version {known}; use the bonefide they were made with"
            )

    def _shown(self, sequence: SkeletonSequence) -> _Clip:
        config = self.config
        if config.images is None:
            return self._clip(sequence)
        try:
            found = describe(
                config.images, [sequence.joints], config.skeleton, corrected=config.corrected, size=config.frames
            )
        except ShapeError as misfit:
            raise ShapeError(f"{sequence.name}: {misfit}") from None
        return _Clip(image_planes([found[name][0] for name in config.images]), None)

    def _clip(self, sequence: SkeletonSequence) -> _Clip:
        joints = np.asarray(sequence.joints)
        expected = (len(self.config.skeleton.joints), self.config.in_channels)
        if joints.ndim != 4 or joints.shape[2:] != expected or 0 in joints.shape:
            raise ShapeError(
                f"{sequence.name}: expected joints (M, T, V={expected[0]}, C={expected[1]}), as prepared by "
                f"{self.config.preparation}, got {joints.shape}"
            )
        clip = np.zeros((self.config.persons, *joints.shape[1:]), joints.dtype)
        clip[: len(joints)] = joints[: self.config.persons]
        found = self._chain.with_joints(clip.transpose(3, 1, 2, 0), np.random.default_rng(0))
        return _Clip(*(np.ascontiguousarray(each, dtype=np.float32) for each in found))


def runs_of(whole: Recipe, stream: str) -> Iterator[Recipe]:
    """The single runs of a recipe that see a stream, or the image of one descriptor.

    Networks of several images tell themselves apart by their weights, so they are among those of any stream.

    Args:
        whole: with all its runs.
        stream: "joint", "bone", "joint_motion" or "bone_motion"; or a descriptor.
    """
    for name in whole.runs:
        one = load.single_run(whole, name)
        images = one.data.images
        if stream == (one.data.stream if images is None else images[0]) or len(images or ()) > 1:
            yield one


def fitting_recipe(paper: str, weights: Mapping[str, Tensor], *, stream: str = "joint") -> Recipe | None:
    """The first of `fitting_recipes`; where they differ in protocol only, all give the same recogniser."""
    return next(fitting_recipes(paper, weights, stream=stream), None)


def fitting_recipes(paper: str, weights: Mapping[str, Tensor], *, stream: str = "joint") -> Iterator[Recipe]:
    """The recipes of a paper whose network takes these weights, each as a single run of a stream; see `runs_of`.

    Args:
        paper: as in `bonefide ls papers`.
        weights: under our names.
        stream: the weights do not tell it.

    Raises:
        DataError: if there is no such stream.
    """
    if stream not in _STREAMS:
        raise DataError(
            f"there is no stream '{stream}'{did_you_mean(stream, _STREAMS)}; there are: {', '.join(_STREAMS)}"
        )
    for name in load.names():
        whole = load.recipe(name)
        pretrains = getattr(component("methods", whole.method.name), "judged_by_neighbors", False)
        if whole.paper != paper or pretrains or not datasets.info(whole.data.dataset).classes:
            continue
        fitting = (run for run in runs_of(whole, stream) if not _misfit(config_of_recipe(run, origin={}), weights))
        yield from islice(fitting, 1)


class _Clip(NamedTuple):
    stream: Array
    joints: Array | None


def _first(clip: _Clip, frames: int | None) -> _Clip:
    """So many first frames; images have none."""
    return clip if frames is None or clip.joints is None else _Clip(clip.stream[:, :frames], clip.joints[:, :frames])


def _find(place: Path) -> tuple[RecognizerConfig, Path]:
    """Description and weights at a place."""
    if (place / _CONFIG).is_file():
        return RecognizerConfig.from_json((place / _CONFIG).read_bytes(), place=place / _CONFIG), place / _WEIGHTS
    file = place
    if Run(place).recipe_file.is_file():
        run = Run.open(place)
        file = run.weights_file
        if not file.is_file():
            raise RunError(f"{place}: no weights yet; the training has not finished")
    elif not place.exists():
        siblings = [each.name for each in place.parent.iterdir()] if place.parent.is_dir() else []
        raise DataError(f"there is no {place}{did_you_mean(place.name, siblings)}")
    elif place.is_dir():
        raise DataError(f"{place}: neither a run nor a recogniser; give a folder that holds {_CONFIG} or recipe.yaml")
    try:
        with safe_open(file, "pt") as opened:
            header = opened.metadata() or {}
    except (OSError, SafetensorError) as error:
        raise DataError(f"{file}: not a file of weights (.safetensors): {error}") from None
    if HEADER not in header:
        raise DataError(f"{file}: weights alone, without class names and transform; convert or train them again")
    return RecognizerConfig.from_json(header[HEADER], place=file), file


def _built(config: RecognizerConfig) -> Method:
    encoder = create("encoders", config.encoder, config.given)
    made: Method = create("methods", config.method, config.given | {"encoder": encoder})
    return made


def _misfit(config: RecognizerConfig, weights: Mapping[str, Tensor]) -> str:
    """Why weights do not fit, or nothing; on the device "meta" nothing is allocated, whatever sizes are asked for."""
    try:
        with torch.device("meta"):
            expected = {name: value.shape for name, value in _built(config).weights().items()}
    except (BonefideError, TypeError, RuntimeError) as error:
        return str(error)
    for name in sorted(expected.keys() | weights.keys()):
        ours = expected.get(name)
        given = weights[name].shape if name in weights else None
        if ours != given:
            return f"'{name}' should be {_words(ours)} and is {_words(given)}"
    return ""


def _words(shape: Sequence[int] | None) -> str:
    return "absent" if shape is None else f"of shape {tuple(shape)}"


def _fitted(config: RecognizerConfig, weights: Mapping[str, Tensor], *, source: str) -> Method:
    if misfit := _misfit(config, weights):
        raise DataError(f"{source}: the weights do not fit what is said about them: {misfit}")
    method = _built(config)
    method.load_weights(weights)
    return method


def _together(clips: Iterable[_Clip], batch_size: int) -> Iterator[list[_Clip]]:
    """Neighbouring clips of equal length."""
    held: list[_Clip] = []
    for clip in clips:
        if held and (len(held) == batch_size or clip.stream.shape != held[0].stream.shape):
            yield held
            held = []
        held.append(clip)
    if held:
        yield held


def _batch(clips: Sequence[_Clip], device: torch.device) -> Batch:
    clip = torch.from_numpy(np.stack([each.stream for each in clips])).to(device)
    nothing = torch.zeros(len(clips), dtype=torch.int64, device=device)
    known = [each.joints for each in clips if each.joints is not None]
    joints = torch.from_numpy(np.stack(known)).to(device) if known else None
    # Few are recognised at once, so the joints are there whether the encoder asks for them or not.
    return Batch(clip, nothing, nothing, joints)

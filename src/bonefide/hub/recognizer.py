# SPDX-License-Identifier: Apache-2.0
"""Recognisers: weights with all they need to name an action; made from runs or official weights, saved and loaded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

from bonefide.config.recipe import Recipe
from bonefide.config.recognizer import RecognizerConfig, config_of_recipe
from bonefide.data.adapt_store import AdaptedStore, adapt_store
from bonefide.data.class_splits import ClassSplit
from bonefide.data.descriptor_store import image_planes
from bonefide.data.preparation import preparation
from bonefide.data.prepare_files import prepare_files
from bonefide.data.store import SkeletonStore
from bonefide.data.store_info import LeftOut
from bonefide.descriptors import describe
from bonefide.errors import DataError, ShapeError
from bonefide.hub._clips import Clip, batch_of, first_frames, together
from bonefide.hub.weights import CONFIG, HEADER, WEIGHTS, built, find, fitted
from bonefide.methods._method import Method
from bonefide.text.bank import TextBank
from bonefide.types import Array, Batch, SkeletonSequence
from bonefide.writing import write_file

__all__ = ["Recognizer"]

_TEXTS = "texts."


class Recognizer:
    """A trained network with its transform, preparation and class names.

    Args:
        config: all that the weights do not say.
        method: network and head, on their device; put into evaluation mode.

    Example:
        >>> from bonefide.config import load
        >>> config = config_of_recipe(load.recipe("ctrgcn/nwucla_small"), origin={})
        >>> recognizer = Recognizer(config, built(config))
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
        config, file = find(Path(place).expanduser())
        if config.foreign and not trust_code:
            raise DataError(
                f"{place} uses {config.foreign[0]}, code from outside bonefide, which loading would run; if you trust "
                "its author, allow it by trust_code"
            )
        try:
            weights = load_file(file)
        except (OSError, SafetensorError) as error:
            raise DataError(f"{file}: no readable weights ({error})") from None
        return cls(config, fitted(config, weights, source=str(file)).to(device))

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
        return cls(config, fitted(config, weights, source=f"the recipe {recipe.name}"))

    def save_pretrained(self, folder: str | Path) -> None:
        """Write `config.json` and `model.safetensors`.

        Raises:
            OutputError: if the folder cannot be written.
        """
        write_file(Path(folder) / CONFIG, self.config.to_json())
        self.save(Path(folder) / WEIGHTS)

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
            method = built(self.config)
        return Recognizer(self.config, method.to(next(self.method.parameters()).device))

    def about(self, texts: TextBank, split: ClassSplit) -> Recognizer:
        """The same zero-shot network for other classes, on the same device.

        Args:
            texts: about all of them, of the kinds `text_kinds`, by the text encoder it was trained with.
            split: which of them it has seen: the classes it was trained with, in their order.

        Raises:
            DataError: if it is not a zero-shot network, the texts are not as it needs them, or it compares unseen
                classes with exemplars instead.
        """
        known = self.config.zero_shot
        if known is None:
            raise DataError(f"the method {self.config.method.name} recognises the classes it was trained with only")
        if f"{_TEXTS}exemplars" in self.method.weights():
            raise DataError("these weights compare unseen classes with clips of them, so words say nothing to them")
        if (texts.encoder, texts.width, len(split.seen)) != (known.encoder, known.width, len(known.seen)):
            raise DataError(
                f"these weights need texts by {known.encoder} ({known.width} numbers) and their {len(known.seen)} seen "
                f"classes, got {texts.encoder} ({texts.width}) and {len(split.seen)}"
            )
        told = type(known).of(split, texts).model_copy(update={"gamma": known.gamma, "floor": known.floor})
        config = self.config.model_copy(update={"classes": texts.classes, "zero_shot": told})
        method = built(config, given={"texts": texts})
        weights = {name: value for name, value in self.method.weights().items() if not name.startswith(_TEXTS)}
        method.load_weights(
            weights | {name: value for name, value in method.weights().items() if name.startswith(_TEXTS)}
        )
        return Recognizer(config, method.to(next(self.method.parameters()).device))

    @property
    def seen_texts(self) -> dict[str, Array]:
        """What a zero-shot network keeps of the texts of its seen classes: kind to vectors (S, P, E)."""
        seen = [] if self.config.zero_shot is None else list(self.config.zero_shot.seen)
        return {
            name.removeprefix(_TEXTS): value[seen].cpu().numpy()
            for name, value in self.method.weights().items()
            if name.startswith(_TEXTS)
        }

    def __call__(self, sequence: SkeletonSequence) -> tuple[str, float]:
        """The likeliest class of a prepared sequence, and its probability."""
        probabilities = self.scores([sequence])[0]
        label = int(probabilities.argmax())
        return self.classes[label], float(probabilities[label])

    def scores(self, sequences: Iterable[SkeletonSequence], *, batch_size: int = 16) -> Array:
        """Probabilities of all classes; a zero-shot network's seen classes are handicapped by its gamma.

        Args:
            sequences: prepared as those it learned from; labels do not matter.
            batch_size: clips at once.

        Shape:
            returned: (n, K) float32, rows sum to 1.

        Raises:
            ShapeError: if a sequence has other joints or coordinates.
        """
        values = torch.from_numpy(self.values(sequences, batch_size=batch_size) - self.handicap)
        return values.softmax(dim=1).numpy()

    def values(self, sequences: Iterable[SkeletonSequence], *, batch_size: int = 16) -> Array:
        """What its method decides by, for all classes, without any handicap; as `scores`.

        Shape:
            returned: (n, K) float32.
        """
        with torch.inference_mode():
            found = [
                self.method.decide(self.method.outputs(batch)).float().cpu()
                for batch in self.batches(sequences, batch_size=batch_size)
            ]
        return torch.cat(found).numpy() if found else np.zeros((0, len(self.classes)), dtype=np.float32)

    @property
    def handicap(self) -> Array:
        """What is taken from the values of each class, (K,): gamma of seen classes of a zero-shot network, else 0."""
        taken = np.zeros(len(self.classes), dtype=np.float32)
        if self.config.zero_shot is not None:
            taken[list(self.config.zero_shot.seen)] = self.config.zero_shot.gamma
        return taken

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
        clips = (first_frames(self._shown(sequence), frames) for sequence in sequences)
        for group in together(clips, batch_size):
            yield batch_of(group, device)

    def _check_version(self) -> None:
        known = preparation(self.config.preparation, self.config.options).version
        if known != self.config.version:
            raise DataError(
                f"these weights learned from version {self.config.version} of '{self.config.preparation}', this "
                f"bonefide has version {known}; use the bonefide they were made with"
            )

    def _shown(self, sequence: SkeletonSequence) -> Clip:
        config = self.config
        if config.images is None:
            return self._clip(sequence)
        try:
            found = describe(
                config.images, [sequence.joints], config.skeleton, corrected=config.corrected, size=config.frames
            )
        except ShapeError as misfit:
            raise ShapeError(f"{sequence.name}: {misfit}") from None
        return Clip(image_planes([found[name][0] for name in config.images]), None)

    def _clip(self, sequence: SkeletonSequence) -> Clip:
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
        return Clip(*(np.ascontiguousarray(each, dtype=np.float32) for each in found))

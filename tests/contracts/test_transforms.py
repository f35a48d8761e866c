# SPDX-License-Identifier: Apache-2.0
"""What every transform keeps; the folder says which there are, parameter names say how to build one."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from typing import Any

import numpy as np
import pytest

import bonefide.transforms
from bonefide.layouts import layout
from bonefide.transforms import Transform
from bonefide.types import Array

FRAMES = 80
OPTIONS = {
    "frames": 16,
    "joint": 1,
    "keep": (0.5, 1.0),
    "keep_absent": True,
    "layout": layout("ucla20"),
    "random": True,
    "stream": "bone",
}
"""Values by parameter name, for what has no default or is not random by default."""

NEUTRAL = {
    "angle": 0.0,
    "angles": (0.0,),
    "aside": 0.0,
    "degrees": 0,
    "deviation": 0.0,
    "frames": FRAMES,
    "keep": (1.0, 1.0),
    "probability": 0.0,
    "random": False,
    "scales": (1.0,),
    "ratio": 0,
    "shifts": (0.0,),
    "strength": 0.0,
    "stream": "joint",
}
"""Values by parameter name, with which a transform leaves a full clip alone."""


def _all_classes() -> list[type]:
    names = [module.name for module in pkgutil.iter_modules(bonefide.transforms.__path__)]
    modules = [importlib.import_module(f"bonefide.transforms.{name}") for name in names if not name.startswith("_")]
    return [getattr(module, module.__all__[0]) for module in modules]


CLASSES = _all_classes()
RANDOM = [each for each in CLASSES if hasattr(each, "draw")]
FIXED = [each for each in CLASSES if each not in RANDOM]
WITH_STRENGTH = [each for each in CLASSES if NEUTRAL.keys() & inspect.signature(each).parameters.keys()]

every = pytest.mark.parametrize("transform_class", CLASSES, ids=lambda each: each.__name__)


def build(transform_class: type, options: dict[str, Any]) -> Transform:
    parameters = inspect.signature(transform_class).parameters
    missing = [
        name for name, each in parameters.items() if each.default is inspect.Parameter.empty and name not in options
    ]
    if missing:
        pytest.fail(f"add values for {', '.join(missing)} of {transform_class.__name__} to OPTIONS in {__file__}")
    return transform_class(**{name: value for name, value in options.items() if name in parameters})


def full_clip(dtype: type = np.float64) -> Array:
    return np.random.default_rng(1).normal(size=(3, FRAMES, 20, 2)).astype(dtype)


def clip_of_one(dtype: type = np.float64) -> Array:
    """Nobody but person 0, and nobody in the last frames."""
    clip = full_clip(dtype)
    clip[..., 1] = 0
    clip[:, -6:] = 0
    return clip


def run(transform: Transform, clip: Array, seed: int = 0) -> Array:
    return transform(clip, np.random.default_rng(seed))


def test_the_folder_was_read() -> None:
    assert len(CLASSES) >= 13
    assert RANDOM
    assert FIXED


@every
def test_leaves_its_input_alone(transform_class: type) -> None:
    clip = clip_of_one()
    before = clip.copy()
    after = run(build(transform_class, OPTIONS), clip)
    after += 1
    np.testing.assert_array_equal(clip, before)


@every
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_keeps_type_axes_and_finiteness(transform_class: type, dtype: type) -> None:
    after = run(build(transform_class, OPTIONS), clip_of_one(dtype))
    assert after.dtype == dtype
    assert after.ndim == 4
    assert (after.shape[0], *after.shape[2:]) == (3, 20, 2)
    assert np.isfinite(after).all()
    assert after.any()


@every
def test_absent_persons_stay_zero(transform_class: type) -> None:
    assert not run(build(transform_class, OPTIONS), clip_of_one())[..., 1].any()


@every
def test_does_not_care_how_the_clip_lies_in_memory(transform_class: type) -> None:
    clip = clip_of_one()
    stored = np.ascontiguousarray(clip.transpose(3, 1, 2, 0)).transpose(3, 1, 2, 0)
    transform = build(transform_class, OPTIONS)
    np.testing.assert_allclose(run(transform, stored), run(transform, clip), atol=1e-12)


@pytest.mark.parametrize("transform_class", RANDOM, ids=lambda each: each.__name__)
def test_equal_seeds_equal_results_and_other_seeds_others(transform_class: type) -> None:
    transform, clip = build(transform_class, OPTIONS), clip_of_one()
    results = [run(transform, clip, seed) for seed in range(10)]
    np.testing.assert_array_equal(run(transform, clip, 0), results[0])
    assert any(not np.array_equal(each, results[0]) for each in results)


@pytest.mark.parametrize("transform_class", RANDOM, ids=lambda each: each.__name__)
def test_a_draw_can_be_replayed(transform_class: type) -> None:
    transform, clip = build(transform_class, OPTIONS), clip_of_one()
    draw = transform.draw(clip, np.random.default_rng(7))
    np.testing.assert_array_equal(transform.apply(clip, draw), run(transform, clip, 7))


@pytest.mark.parametrize("transform_class", FIXED, ids=lambda each: each.__name__)
def test_without_a_draw_seeds_do_not_matter(transform_class: type) -> None:
    transform, clip = build(transform_class, OPTIONS), clip_of_one()
    generator = np.random.default_rng(0)
    np.testing.assert_array_equal(transform(clip, generator), run(transform, clip, 1))
    assert generator.random() == np.random.default_rng(0).random()


@pytest.mark.parametrize("transform_class", WITH_STRENGTH, ids=lambda each: each.__name__)
def test_zero_strength_is_the_identity(transform_class: type) -> None:
    clip = full_clip()
    np.testing.assert_array_equal(run(build(transform_class, OPTIONS | NEUTRAL), clip), clip)

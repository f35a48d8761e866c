# SPDX-License-Identifier: Apache-2.0
"""Options of the whole suite, and the one place that knows where optional real data may lie."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

# The networks of the tests are so small that threads only get in each other's way.
os.environ.setdefault("OMP_NUM_THREADS", "1")

ROOT = Path(__file__).resolve().parents[1]
OWN_FIXTURES = ROOT / "tests" / "golden"
ARCHIVES = {
    "nwucla": ("BONEFIDE_NWUCLA", "data/NW-UCLA/all_sqe.zip"),
    "utdmhad": ("BONEFIDE_UTDMHAD", "data/UTD-MHAD/Skeleton.zip"),
    "shiftgcn": ("BONEFIDE_SHIFTGCN", "data/checkpoints"),
}
"""Recordings, and released weights, that may not be passed on: variable and usual place."""


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("bonefide")
    group.addoption(
        "--shared",
        metavar="DIR",
        help="folder with optional real data (or BONEFIDE_SHARED); default: 'shared' beside the repository",
    )
    group.addoption(
        "--golden",
        metavar="DIR",
        action="append",
        default=[],
        help="check the fixtures of this folder too; may be repeated, or several folders may follow",
    )
    for dataset, (variable, _) in ARCHIVES.items():
        group.addoption(f"--{dataset}", metavar="PATH", help=f"archive or folder of {dataset} (or {variable})")


def pytest_configure(config: pytest.Config) -> None:
    """Take the folders after the first of `--golden A B ...` for what they are, and refuse what is no folder.

    pytest reads them as places of tests. A folder of fixtures holds no Python, so the two cannot be confused.
    """
    given = config.getoption("--golden")
    if not given:
        return
    places = [argument for argument in config.args if not _holds_only_fixtures(Path(argument))]
    given += [argument for argument in config.args if argument not in places]
    config.args[:] = places or [str(OWN_FIXTURES)]
    for folder in map(Path, given):
        if not folder.is_dir():
            raise pytest.UsageError(f"--golden {folder}: no such folder; give one that holds fixtures (*.npz)")
        if not any(folder.glob("*.npz")):
            raise pytest.UsageError(f"--golden {folder}: holds no fixtures (*.npz)")


def _holds_only_fixtures(place: Path) -> bool:
    return place.is_dir() and any(place.glob("*.npz")) and not any(place.rglob("*.py"))


def shared_folder(config: pytest.Config) -> Path:
    """Where optional real data lie, whether they are there or not."""
    given = config.getoption("--shared") or os.environ.get("BONEFIDE_SHARED")
    return Path(given) if given else ROOT.parent / "shared"


def golden_folders(config: pytest.Config) -> list[Path]:
    """Our own fixtures, then those asked for; if none are asked for, those of real recordings when they are there."""
    asked = [Path(folder) for folder in config.getoption("--golden")] or [shared_folder(config) / "golden_real"]
    found = {folder.resolve(): folder for folder in (OWN_FIXTURES, *asked) if folder.is_dir()}
    return list(found.values())


def archives(config: pytest.Config) -> dict[str, Path]:
    """Data set to where its archive of real recordings should be, whether it is there or not."""
    return {
        dataset: Path(config.getoption(f"--{dataset}") or os.environ.get(variable) or shared_folder(config) / usual)
        for dataset, (variable, usual) in ARCHIVES.items()
    }


def optional_folder(config: pytest.Config, name: str) -> Path:
    """A folder of the optional real data; skips where it is absent."""
    folder = shared_folder(config) / name
    if not folder.is_dir():
        pytest.skip(
            f"optional real data are absent: no folder {folder}; give its parent by --shared or BONEFIDE_SHARED"
        )
    return folder


@pytest.fixture(scope="session")
def shared_data(request: pytest.FixtureRequest) -> Path:
    """The folder `data` of the optional real data; skips where it is absent."""
    return optional_folder(request.config, "data")


@pytest.fixture(scope="session")
def golden_real(request: pytest.FixtureRequest) -> Path:
    """The folder of golden fixtures with real recordings; skips where it is absent."""
    return optional_folder(request.config, "golden_real")

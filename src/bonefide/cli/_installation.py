# SPDX-License-Identifier: Apache-2.0
"""What is wrong with an installation: one finding a line, each with what to do."""

from __future__ import annotations

import importlib.util
import os
import platform
import re
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from packaging.requirements import Requirement

__all__ = [
    "Finding",
    "Status",
    "extras",
    "find_core",
    "find_devices",
    "find_extras",
    "find_imports",
    "find_lightning",
    "find_machine",
    "find_torch",
    "find_torchvision",
    "modules_of",
    "requirements",
]

Status = Literal["ok", "warning", "broken"]
_DISTRIBUTION = "bonefide"
_MALICIOUS = {"2.6.2", "2.6.3"}
_FOR_OTHERS = {"all", "dev"}
_GIVES = {
    "text": "text encoders for zero-shot recognition",
    "archives": "unpacking zip archives twice as fast",
    "viz": "MP4 films",
    "export": "ONNX export",
    "hub": "sharing weights on the Hugging Face hub",
    "serve": "the HTTP server",
    "scale": "work on several machines",
}
"""What an extra is good for, in words; which there are and what they need is read from the distribution."""
_LITTLE_MEMORY, _LITTLE_DISK = 4e9, 5e9


@dataclass(frozen=True)
class Finding:
    """One line of the diagnosis.

    Args:
        status: "broken" means that bonefide cannot do its work.
        subject: what was looked at.
        message: what was found.
        cure: what to do, or "".
    """

    status: Status
    subject: str
    message: str
    cure: str = ""


def requirements() -> list[Requirement]:
    """What the installed bonefide requires, extras included, by its own metadata."""
    from packaging.requirements import Requirement

    return [Requirement(line) for line in metadata.requires(_DISTRIBUTION) or []]


def extras(known: Iterable[Requirement]) -> dict[str, list[Requirement]]:
    """Each extra for users to what it needs here."""
    names = metadata.metadata(_DISTRIBUTION).get_all("Provides-Extra") or []
    return {
        extra: [each for each in known if each.marker and not _core(each) and each.marker.evaluate({"extra": extra})]
        for extra in sorted(set(names) - _FOR_OTHERS)
    }


def find_core(known: Iterable[Requirement]) -> list[Finding]:
    """Core dependencies that are missing or too old."""
    needed = [each for each in known if _core(each)]
    unfit = {each.name: fault for each in needed if (fault := _unfit(each))}
    if not unfit:
        return [Finding("ok", "dependencies", f"all {len(needed)} that are needed are here, none too old")]
    cures = {each.name: f"pip install '{each.name}{each.specifier}'" for each in needed}
    return [Finding("broken", name, fault, cures[name]) for name, fault in unfit.items()]


def find_extras(known: Iterable[Requirement]) -> list[Finding]:
    """Extras that are not installed, or not whole."""
    found = []
    for extra, needed in extras(known).items():
        gives = _GIVES.get(extra, "more")
        unfit = [f"{each.name} {fault}" for each in needed if (fault := _unfit(each))]
        if unfit:
            cure = f"if you want {gives}: pip install '{_DISTRIBUTION}[{extra}]'"
            found.append(Finding("warning", f"extra {extra}", "; ".join(unfit), cure))
        else:
            found.append(Finding("ok", f"extra {extra}", f"installed ({gives})"))
    return found


def find_lightning() -> list[Finding]:
    """Releases of Lightning that were made by attackers."""
    found = []
    for name in ("lightning", "pytorch-lightning"):
        if _version(name) in _MALICIOUS:
            found.append(
                Finding(
                    "broken",
                    name,
                    f"{_version(name)} is a malicious release, do not import it",
                    f"pip install --upgrade '{name}>=2.6.4', and change every password and key this machine could read",
                )
            )
    return found


def find_imports(faults: Mapping[str, str]) -> list[Finding]:
    """Modules of the core that cannot be imported.

    Args:
        faults: module to what went wrong, "" if nothing did.
    """
    bad = {module: fault for module, fault in faults.items() if fault and module != "torchvision"}
    if not bad:
        return [Finding("ok", "imports", "every dependency can be imported")]
    cure = "mend torchvision first, then look again" if faults.get("torchvision") else ""
    return [
        Finding("broken", module, f"cannot be used: {fault}", cure or f"pip install --force-reinstall {_owner(module)}")
        for module, fault in bad.items()
    ]


def find_torchvision(faults: Mapping[str, str]) -> list[Finding]:
    """A torchvision that is installed but does not work: bonefide does without it, its dependencies trip over it."""
    if "torchvision" not in faults:
        return []
    harm = "Lightning, torchmetrics and sentence-transformers import it and fail"
    cure = "bonefide does not need it: pip uninstall torchvision (or install the one made for this torch)"
    mismatch = _mismatch()
    if faults["torchvision"]:
        message = f"installed but cannot be imported ({faults['torchvision']}){mismatch}; {harm}"
        return [Finding("broken", "torchvision", message, cure)]
    if mismatch:
        return [Finding("warning", "torchvision", f"can be imported{mismatch}; when it breaks, {harm}", cure)]
    return [Finding("ok", "torchvision", f"{_version('torchvision') or 'of unknown version'} can be imported")]


def find_torch(said: Mapping[str, Any]) -> list[Finding]:
    """Which torch this is, and whether it sees the GPU it was built for.

    Args:
        said: what torch says of itself, see `_probe`; empty if it could not be imported.
    """
    if not said:
        return []
    build = f"CUDA {said['cuda']}" if said["cuda"] else f"ROCm {said['hip']}" if said["hip"] else "CPU"
    found = [Finding("ok", "torch", f"{said['version']}, built for {build}")]
    if build != "CPU" and not said["devices"]:
        found.append(Finding("warning", "GPU", f"torch is built for {build} but sees no GPU", _hint(said)))
    if build == "CPU" and shutil.which("nvidia-smi"):
        cure = "install the CUDA build, see https://pytorch.org/get-started/locally"
        found.append(Finding("warning", "GPU", "there is an NVIDIA driver, but torch is built for the CPU only", cure))
    return found


def find_devices(said: Mapping[str, Any]) -> list[Finding]:
    """What networks can compute on."""
    names = ["cpu"]
    for number, (name, memory) in enumerate(said.get("devices", [])):
        names.append(f"cuda:{number} ({name}, {memory / 1e9:.0f} GB)")
    names += ["mps"] if said.get("mps") else []
    return [Finding("ok", "devices", ", ".join(names))]


def find_machine(folder: Path) -> list[Finding]:
    """Python, cores, memory, room on the disk, ffmpeg.

    Args:
        folder: on whose disk to look.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    found = [
        Finding("ok", "python", f"{platform.python_version()} on {platform.system()} {platform.machine()}"),
        Finding("ok", "cores", str(cores)),
    ]
    memory, disk = _memory(), float(shutil.disk_usage(folder).free)
    if memory is not None:
        scarce = memory < _LITTLE_MEMORY
        cure = "train with a smaller data.batch_size" if scarce else ""
        found.append(Finding("warning" if scarce else "ok", "memory", f"{memory / 1e9:.1f} GB", cure))
    scarce = disk < _LITTLE_DISK
    cure = "prepare and train on another disk: a store of NTU RGB+D alone takes about 2 GB" if scarce else ""
    found.append(Finding("warning" if scarce else "ok", "disk", f"{disk / 1e9:.1f} GB free here", cure))
    if shutil.which("ffmpeg") or _version("imageio-ffmpeg"):
        found.append(Finding("ok", "ffmpeg", "there"))
    else:
        cure = f"for MP4 instead of GIF: install ffmpeg, or pip install '{_DISTRIBUTION}[viz]'"
        found.append(Finding("warning", "ffmpeg", "not there", cure))
    return found


def modules_of(known: Iterable[Requirement]) -> list[str]:
    """What to import: torchvision first if it is there, then the modules of the installed core dependencies."""
    owners = metadata.packages_distributions()
    modules = ["torchvision"] if importlib.util.find_spec("torchvision") is not None else []
    for each in known:
        if not _core(each) or _version(each.name) is None or _version(each.name) in _MALICIOUS:
            continue
        own = [module for module, names in owners.items() if _folded(each.name) in map(_folded, names)]
        named = [module for module in own if _folded(module) == _folded(each.name)]
        modules += named or sorted(module for module in own if module.isidentifier() and module[0] != "_")
    return modules


def _core(requirement: Requirement) -> bool:
    return requirement.marker is None or requirement.marker.evaluate({"extra": ""})


def _unfit(requirement: Requirement) -> str:
    version = _version(requirement.name)
    if version is None:
        return "is missing"
    if requirement.specifier.contains(version, prereleases=True):
        return ""
    return f"{version} does not do, {requirement.specifier} is needed"


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _folded(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _owner(module: str) -> str:
    return next(iter(metadata.packages_distributions().get(module, [])), module)


def _mismatch() -> str:
    """Whether torchvision was made for another torch, in words."""
    from packaging.requirements import Requirement

    if _version("torchvision") is None or _version("torch") is None:
        return ""
    wanted = [Requirement(line) for line in metadata.requires("torchvision") or []]
    of_torch = [each for each in wanted if each.name == "torch" and _core(each)]
    unfit = [each for each in of_torch if _unfit(each)]
    return f", made for torch{unfit[0].specifier} and here is {_version('torch')}" if unfit else ""


def _hint(said: Mapping[str, Any]) -> str:
    if os.environ.get("CUDA_VISIBLE_DEVICES", "all").strip() in {"", "-1"}:
        return "the variable CUDA_VISIBLE_DEVICES hides it: unset it"
    if said["cuda"] and not shutil.which("nvidia-smi"):
        return "there is no NVIDIA driver: install it, or install the smaller CPU build if there is no GPU"
    if said["cuda"]:
        return (
            f"the driver may be too old for CUDA {said['cuda']}: compare with the version nvidia-smi prints, update it"
        )
    return "see whether rocminfo lists the GPU, and whether you belong to the groups render and video"


def _memory() -> float | None:
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (ValueError, OSError, AttributeError):
        return None

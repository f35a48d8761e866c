# SPDX-License-Identifier: Apache-2.0
"""Make a few people up, prepare them, look at the store, draw one of them."""

from pathlib import Path

import bonefide


def main(out: Path) -> None:
    """Write everything below `out`."""
    archive = bonefide.synthesize("ntu", out / "people.zip", subjects=2, cameras=1, actions=["wave", "hug"])
    store = bonefide.prepare("synthetic", raw=archive, out=out / "people")
    for row in range(len(store)):
        sequence = store[row]
        persons, frames, joints, _ = sequence.joints.shape
        action = store.info.classes[sequence.label]
        print(f"{sequence.name}: {action}, {persons} persons, {frames} frames, {joints} joints")
    bonefide.draw(store[len(store) - 1], store.layout).save(out / "last.gif")


if __name__ == "__main__":
    main(Path("looked_at"))

# SPDX-License-Identifier: Apache-2.0
"""The whole chain with a plain loop: no recipe, no Lightning, no command line."""

from pathlib import Path

import numpy as np
import torch

import bonefide
from bonefide.data.dataset import SkeletonDataset
from bonefide.data.loader import loader
from bonefide.data.protocols import split
from bonefide.transforms import Compose
from bonefide.transforms.crop_resize import CropResize
from bonefide.transforms.modality import Modality
from bonefide.transforms.random_rotation import RandomRotation


def main(out: Path, *, subjects: int = 8, epochs: int = 12) -> float:
    """Train below `out`; the accuracy on unseen subjects in percent."""
    archive = bonefide.synthesize("ntu", out / "people.zip", subjects=subjects, actions=["wave", "kick", "bow", "hug"])
    store = bonefide.prepare("synthetic", raw=archive, out=out / "people")
    parts = split(store, "xsub")
    bones = Modality("bone", layout=store.layout)
    learned = Compose([CropResize(16, keep=(0.7, 1.0), shortest=24), RandomRotation(0.3), bones])
    tested = Compose([CropResize(16, keep=(0.95,)), bones])
    train = loader(SkeletonDataset(store, parts.train, transform=learned, persons=2), batch_size=8, shuffle=True)
    test = loader(SkeletonDataset(store, parts.test, transform=tested, persons=2), batch_size=16)

    torch.manual_seed(0)
    encoder = bonefide.encoder("ctrgcn", layout=store.layout, options={"base_channels": 8})
    method = bonefide.method("supervised", encoder=encoder, num_classes=len(store.info.classes))
    optimizer = torch.optim.AdamW(method.parameters(), lr=0.004)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    for epoch in range(epochs):
        train.sampler.set_epoch(epoch)
        for batch in train:
            loss = sum(method.losses(batch).values())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        schedule.step()
        print(f"epoch {epoch + 1}: loss of the last batch {loss.item():.3f}")

    method.eval()
    with torch.inference_mode():
        right = [(method.outputs(batch).logits.argmax(1) == batch.label).numpy() for batch in test]
    accuracy = float(100 * np.concatenate(right).mean())
    print(f"{accuracy:.1f} % of {sum(map(len, right))} samples of unseen subjects")
    return accuracy


if __name__ == "__main__":
    main(Path("trained"))

# SPDX-License-Identifier: Apache-2.0
"""One of several processes that train CSRE together on their parts of a batch; run as a script.

    two_processes.py RANK PROCESSES MEETING OUT

Writes what it ends with to OUT; one process alone takes the whole batch.
"""

from __future__ import annotations

import sys

import numpy as np
import torch
from torch import Tensor, distributed, nn

from bonefide.encoders.hcn import HCN
from bonefide.layouts import layout
from bonefide.methods.csre import CSRE
from bonefide.types import Batch

SIZE, CLASSES, BATCH = 16, 2, 8


class Training(nn.Module):
    """What is wrapped: losses as a forward pass."""

    def __init__(self, method: CSRE) -> None:
        super().__init__()
        self.method = method

    def forward(self, batch: Batch) -> Tensor:
        return torch.stack(list(self.method.losses(batch).values())).sum()


def main(rank: int, processes: int, meeting: str, out: str) -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    labels = np.arange(SIZE) % CLASSES
    # It has no statistics of a batch, which would differ between its parts.
    encoder = HCN(layout("ucla20"), 3, frames=16, persons=1, base_channels=8, dropout=0)
    method = CSRE(encoder, CLASSES, frames=16, train_labels=labels, width=8, positives=3, negatives=4)
    network: nn.Module = Training(method)
    if processes > 1:
        distributed.init_process_group("gloo", init_method=f"file://{meeting}", rank=rank, world_size=processes)
        network = nn.parallel.DistributedDataParallel(network, broadcast_buffers=False)
    optimizer = torch.optim.SGD(method.parameters(), lr=0.01)
    generator = torch.Generator().manual_seed(1)
    clips = torch.randn(SIZE, 3, 16, 20, 1, generator=generator)
    losses, draws = [], []
    for _ in range(4):
        # Both classes equally often, in each part too.
        places = torch.rand(SIZE // CLASSES, CLASSES, generator=generator).argsort(dim=0)[: BATCH // CLASSES]
        index = (CLASSES * places + torch.arange(CLASSES)).flatten().chunk(processes)[rank]
        optimizer.zero_grad()
        loss = network(Batch(clips[index], torch.from_numpy(labels)[index], index))
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
        draws.append(torch.rand(3, generator=method.memory._generator(torch.device("cpu"))))
    torch.save({"state": method.state_dict(), "losses": torch.stack(losses), "draws": torch.stack(draws)}, out)
    if processes > 1:
        distributed.destroy_process_group()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:])

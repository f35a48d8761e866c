# SPDX-License-Identifier: Apache-2.0
"""One of several processes that pre-train by STJD-MP together on their parts of a batch; run as a script.

    two_masked_processes.py RANK PROCESSES MEETING OUT

Writes what it ends with to OUT; one process alone takes the whole batch.
"""

from __future__ import annotations

import sys

import torch
from torch import Tensor, distributed, nn

from bonefide.encoders.masked_transformer import MaskedTransformer
from bonefide.layouts import layout
from bonefide.methods.stjd_mp import STJDMP
from bonefide.types import Batch

SIZE, BATCH = 16, 8


class Training(nn.Module):
    """What is wrapped: losses as a forward pass."""

    def __init__(self, method: STJDMP) -> None:
        super().__init__()
        self.method = method

    def forward(self, batch: Batch) -> Tensor:
        return self.method.losses(batch)["masked_regression"]


def main(rank: int, processes: int, meeting: str, out: str) -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    encoder = MaskedTransformer(layout("ucla20"), 3, frames=16, width=16, depth=1, heads=2)
    method = STJDMP(encoder, decoder_depth=1, decoder_width=8)
    network: nn.Module = Training(method)
    if processes > 1:
        distributed.init_process_group("gloo", init_method=f"file://{meeting}", rank=rank, world_size=processes)
        network = nn.parallel.DistributedDataParallel(network)
    optimizer = torch.optim.SGD(method.parameters(), lr=0.1)
    generator = torch.Generator().manual_seed(1)
    clips = torch.randn(SIZE, 3, 16, 20, 2, generator=generator).cumsum(2)
    losses = []
    for epoch in range(4):
        method.start_epoch(epoch)
        index = torch.randperm(SIZE, generator=generator)[:BATCH].chunk(processes)[rank]
        optimizer.zero_grad()
        loss = network(Batch(clips[index], torch.zeros_like(index), index))
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
    torch.save({"state": method.state_dict(), "losses": torch.stack(losses)}, out)
    if processes > 1:
        distributed.destroy_process_group()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:])

# SPDX-License-Identifier: Apache-2.0
"""An encoder as a user has it: outside the package, options without annotation, quick, and random in training."""

import torch
from torch import nn

from bonefide.types import Features


class TinyNet(nn.Module):
    needs_joints = False
    map_axis = "joint"

    def __init__(self, layout, in_channels, *, persons=1, width=8, dropout=0.2):
        super().__init__()
        self.joints = len(layout.joints)
        self.norm = nn.BatchNorm2d(in_channels)
        self.embed = nn.Linear(in_channels * self.joints, width)
        self.dropout = nn.Dropout(dropout)
        self.out_channels = width

    def map_size(self, frames):
        return self.out_channels, frames, self.joints

    def forward(self, clip, joints=None):
        count, channels, frames, places, persons = clip.shape
        folded = clip.permute(0, 4, 1, 2, 3).reshape(-1, channels, frames, places)
        flat = self.norm(folded).permute(0, 2, 3, 1).flatten(2)
        embedded = torch.relu(self.embed(self.dropout(flat))).view(count, persons, frames, -1)
        feature_map = embedded.permute(0, 1, 3, 2).unsqueeze(-1).expand(-1, -1, -1, -1, places)
        return Features(feature_map, feature_map.mean(dim=(1, 3, 4)))

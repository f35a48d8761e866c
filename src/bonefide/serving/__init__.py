# SPDX-License-Identifier: Apache-2.0
"""Trained networks for use elsewhere: ONNX files and programs of `torch.export`, checked against the network."""

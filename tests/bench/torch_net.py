"""log_net_joint once more in eager PyTorch: the code one would write without bioexp,
without avoidable work.

Images are float tensors in [0, 1] in memory, minibatches are picked by index, no DataLoader; Adam
is the fused one where this build of PyTorch has it. The loss is summed on the device, accuracy
(which bioexp also records) is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch

from bioexp.types import Examples

FLOOR = 1e-7


@dataclass
class TorchNet:
    """The net while it is trained. adam: "fused" or "foreach", which implementation this build has.
    loss: mean of the last epoch.
    """

    x: torch.Tensor
    y: torch.Tensor
    w1: torch.Tensor
    w2: torch.Tensor
    optimizer: torch.optim.Optimizer
    adam: str
    loss: float = float("nan")

    def epoch(self, steps: int, batch_size: int = 128) -> None:
        """So many minibatches, in passes of fresh order whose last partial batch is dropped."""
        total, done = torch.zeros(()), 0
        while done < steps:
            passes = torch.randperm(len(self.y)).split(batch_size)[
                : min(steps - done, len(self.y) // batch_size)
            ]
            for rows in passes:
                total += self.step(self.x[rows], self.y[rows])
            done += len(passes)
        self.loss = float(total) / steps

    def step(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """One minibatch: cross-entropy, Adam, then w1 back into [0, 1] and w2 to at least 0;
        returns the loss.
        """
        hidden = torch.log(x @ self.w1.T / x.shape[1] + FLOOR)
        loss = torch.nn.functional.cross_entropy(hidden @ self.w2.T, y)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        with torch.no_grad():
            self.w1.abs_().clamp_(max=1)
            self.w2.clamp_(min=0)
        return loss.detach()


def torch_net(params: Mapping[str, Mapping[str, np.ndarray]], data: Examples) -> TorchNet:
    """The net with bioexp's initial weights, {"0": {"w": …}, "1": {"w": …}}."""
    x = torch.from_numpy(np.asarray(data.x).reshape(len(data.y), -1).astype(np.float32) / 255)
    weights = [
        torch.tensor(np.asarray(params[layer]["w"]), requires_grad=True) for layer in ("0", "1")
    ]
    optimizer, adam = _adam(weights)
    return TorchNet(
        x, torch.from_numpy(np.asarray(data.y).astype(np.int64)), *weights, optimizer, adam
    )


def _adam(weights: list[torch.Tensor]) -> tuple[torch.optim.Optimizer, str]:
    """Fused Adam, or the foreach one where this build has no fused kernel for the CPU."""
    try:
        return torch.optim.Adam(weights, lr=0.001, fused=True), "fused"
    except RuntimeError:
        return torch.optim.Adam(weights, lr=0.001, foreach=True), "foreach"

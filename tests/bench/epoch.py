"""An epoch of the log net after compilation, beside eager PyTorch."""

from __future__ import annotations

from collections.abc import Iterator

from clock import Figure, in_turns, ratio
from digits import STEPS, Experiment, experiment

from bioexp.training import Record, fit


def epoch(rounds: int) -> Iterator[Figure]:
    """Seconds from one record of `bioexp.training.fit` to the next: 469 minibatches of 128, all
    that training does in them.

    log_net (SGD) is what users train; log_net_joint (Adam) does the same work as the net in
    PyTorch, from the same initial weights, so only its ratio has a target.
    """
    nets = {name: _Training(experiment(name, rounds + 1)) for name in ("log_net", "log_net_joint")}
    tasks = {name: net.advance for name, net in nets.items()}
    try:
        import torch
        from torch_net import torch_net
    except ImportError:
        rival, version = None, ""
    else:
        joint = nets["log_net_joint"]
        params = {
            name: {"w": layer["w"][0]} for name, layer in joint.record.params["layers"].items()
        }
        rival, version = (
            torch_net(params, joint.train),
            f"PyTorch {torch.__version__} eager, {torch.get_num_threads()} threads",
        )
        tasks["torch"] = lambda: rival.epoch(STEPS)
    taken = in_turns(tasks, rounds)
    yield Figure("log_net (SGD)", taken["log_net"], target="<= 0.2 s")
    yield Figure("log_net_joint (Adam)", taken["log_net_joint"])
    if rival is None:
        yield Figure("log_net_joint in PyTorch", note="torch is not installed (extra: bench)")
        return
    losses = (
        f"mean loss of the last epoch: {rival.loss:.3f}, bioexp"
        f" {joint.record.metrics['loss'][0]:.3f}"
    )
    yield Figure(
        f"log_net_joint in PyTorch ({rival.adam} Adam)", taken["torch"], note=f"{version}; {losses}"
    )
    yield ratio("PyTorch / bioexp, both Adam", taken["torch"], taken["log_net_joint"], ">= 1.8 x")
    yield ratio("PyTorch with Adam / bioexp with SGD", taken["torch"], taken["log_net"])


class _Training:
    """A training that goes on by one record at a time; seed 0."""

    def __init__(self, what: Experiment) -> None:
        self.train = what.train
        self._records: Iterator[Record] = fit(what.stages, what.train, [0])
        self.record = next(self._records)

    def advance(self) -> None:
        self.record = next(self._records)

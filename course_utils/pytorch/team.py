"""Processes that train one model together, each on its part of every batch.

Programs of tools/ are started so: torchrun --nproc-per-node 2 PROGRAM.

All processes draw the same batches and the same noise, and each takes its own rows; so
a run is the one of a single process with the same batches, to rounding. What one layer
draws for itself, as dropout does, or takes from a whole batch, as batch normalization
does, is a process's own: therefore a game of two networks is not trained in this way.
"""

import gc
import os
from dataclasses import dataclass

import torch
import torch._dynamo  # noqa: F401 -- imported later, it would hold the group for ever
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel


@dataclass(frozen=True)
class Team:
    """The processes that `torchrun` has started, or this one alone.

    Attributes:
        rank: of this process, from 0.
        size: how many there are.
    """

    rank: int = 0
    size: int = 1

    @classmethod
    def joined(cls) -> "Team":
        """The team that this process belongs to; it can speak to the others then."""
        if "WORLD_SIZE" not in os.environ:
            return cls()
        if torch.cuda.is_available():
            torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
        dist.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
        return cls(dist.get_rank(), dist.get_world_size())

    @property
    def is_first(self) -> bool:
        """Whether this process writes what the team has done."""
        return self.rank == 0

    def sharing(self, model: nn.Module) -> nn.Module:
        """The model, to be called in training: each gradient is the team's mean.

        It has to be kept as long as there are gradients to come.
        """
        return DistributedDataParallel(model) if self.size > 1 else model

    def part(self, batch: Tensor, dim: int = 0) -> Tensor:
        """The rows of a batch that are this process's."""
        rows = torch.arange(self.rank, batch.shape[dim], self.size, device=batch.device)
        return batch.index_select(dim, rows)

    def summed(self, own: Tensor) -> Tensor:
        """A sum over own rows, whose gradient is that of the sum over the batch."""
        return self.size * own

    def total(self, own: Tensor) -> Tensor:
        """The sum of a tensor over the team, without a gradient."""
        if self.size > 1:
            own = own.clone()
            dist.all_reduce(own)
        return own

    def leave(self) -> None:
        """End the group and its threads; one that outlives Python can abort it."""
        if self.size > 1:
            gc.collect()  # models that were shared hold the group
            dist.destroy_process_group()

"""Owns offloaded computations: asked for in the caller's transaction, routed by cost, believed once checked."""

from kernel.offload.asking import Jobs
from kernel.offload.jobs import Computed, Job, OffloadJob, PollOffload, Stored
from kernel.offload.offload import Check, Offload
from kernel.offload.routing import Place, Work

__all__ = ["Check", "Computed", "Job", "Jobs", "Offload", "OffloadJob", "Place", "PollOffload", "Stored", "Work"]

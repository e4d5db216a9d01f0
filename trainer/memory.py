"""How much memory this process has used at the most."""

import resource

import torch


def peak_bytes(device: torch.device) -> int:
    """Of the GPU's memory what torch had allocated; on a CPU the resident set of the process."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024  # Linux counts KiB

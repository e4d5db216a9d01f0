"""Real bundles of a small trained network, as the trainer's exports make them."""

from tests.trainer.export.conftest import fp16, fp32, int8, trained

__all__ = ["fp16", "fp32", "int8", "trained"]

"""Real bundles of a small trained network, as the trainer's exports make them."""

from tests.trainer.export.conftest import fp16, fp32, int8, trained, trained_on_boxes, trained_on_masks

__all__ = ["fp16", "fp32", "int8", "trained", "trained_on_boxes", "trained_on_masks"]

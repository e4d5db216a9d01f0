"""The divergences that methods share, and whoever compares networks. Shapes: B batch, K classes."""

from torch import Tensor
from torch.nn import functional


def distillation_loss(student_BK: Tensor, teacher_BK: Tensor, temperature: float) -> Tensor:
    """Mean KL(teacher || student) of softened logits, times temperature squared (Hinton et al. 2015, section 2).

    The teacher is detached. Returns a scalar in nats.
    """
    student_log = functional.log_softmax(student_BK / temperature, dim=1)
    teacher_log = functional.log_softmax(teacher_BK.detach() / temperature, dim=1)
    return temperature**2 * functional.kl_div(student_log, teacher_log, reduction="batchmean", log_target=True)


def kl_divergence(mine_BK: Tensor, reference_BK: Tensor) -> Tensor:
    """KL(reference || mine) of each row of logits, in nats, in float64; more dimensions behind K stay."""
    mine_log, reference_log = (logits.double().log_softmax(dim=1) for logits in (mine_BK, reference_BK))
    return (reference_log.exp() * (reference_log - mine_log)).sum(dim=1)

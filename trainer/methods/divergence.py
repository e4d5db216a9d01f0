"""The divergence that most distillation methods share. Shapes: B batch, K classes."""

from torch import Tensor
from torch.nn import functional


def distillation_loss(student_BK: Tensor, teacher_BK: Tensor, temperature: float) -> Tensor:
    """Mean KL(teacher || student) of softened logits, times temperature squared (Hinton et al. 2015, section 2).

    The teacher is detached. Returns a scalar in nats.
    """
    student_log = functional.log_softmax(student_BK / temperature, dim=1)
    teacher_log = functional.log_softmax(teacher_BK.detach() / temperature, dim=1)
    return temperature**2 * functional.kl_div(student_log, teacher_log, reduction="batchmean", log_target=True)

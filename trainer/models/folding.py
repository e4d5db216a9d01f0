"""Networks that train with branches which one convolution can replace afterwards: MobileOne, RepVGG and their like.

Source: Ding et al. 2021 (RepVGG, arXiv 2101.03697), section 3; Vasu et al. 2022 (MobileOne, arXiv 2206.04040).
"""

from timm.models import reparameterize_model
from torch import nn


def folded(model: nn.Module) -> nn.Module:
    """A network that says the same in evaluation mode without its branches; itself where it has none. A copy."""
    if not any(hasattr(module, "reparameterize") for module in model.modules()):
        return model
    return reparameterize_model(model.eval())

"""How the tensors of a weights file fit the network that they are said to be of."""

from contract.strict import Strict


class WeightsReport(Strict):
    """The layer that gives the logits is in none of these: it is made anew for other classes."""

    matched: list[str]  # names in the file
    missing: list[str]  # names in the network, which begin at random
    unexpected: list[str]  # names in the file that the network has no use for
    reshaped: list[str]  # names in the file whose numbers fit in another shape: a linear layer as a 1x1 convolution

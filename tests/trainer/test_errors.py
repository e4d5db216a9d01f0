"""The trainer's named endings."""

import pickle

from trainer.errors import loss_nan


def test_an_error_arrives_whole_in_another_process() -> None:
    sent = loss_nan(7)
    arrived = pickle.loads(pickle.dumps(sent))
    assert str(arrived) == sent.error.message
    assert arrived.error == sent.error

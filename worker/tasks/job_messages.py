"""What a trainer says of its job, written into the ledger."""

from contract.child import messages
from contract.child.messages import AnyMessage
from worker.claims.job_lease import JobLease
from worker.outputs.checkpoints import CheckpointUploads


def heed_trainer(message: AnyMessage, lease: JobLease, uploads: CheckpointUploads) -> None:
    """What one message of the trainer means for the job."""
    match message:
        case messages.Started():
            lease.progress.on_started(message)
            lease.note("notice", severity="info", code="training_started", message=_sentence(message), data={})
            lease.log.say(_sentence(message))
        case messages.Progress():
            lease.progress.on_progress(message)
        case messages.Metrics():
            lease.progress.on_metrics(message)
            prefix = "control." if message.arm == "control" else ""
            for key, value in message.values.items():
                lease.point(prefix + key, step=message.step, epoch=message.epoch, value=value)
            lease.log.say(_figures(message))
        case messages.Working():
            lease.progress.remaining.on_working(message)
        case messages.Checkpoint():
            uploads.submit(message)
        case messages.Notice():
            lease.note("notice", **message.model_dump(exclude={"type"}))
            lease.log.say(f"{message.severity}: {message.message}")


def _sentence(message: messages.Started) -> str:
    begins = f"continues at step {message.step}" if message.step else "begins"
    return f"Training of the {message.arm} arm {begins} on {message.device}: {message.steps} steps."


def _figures(message: messages.Metrics) -> str:
    values = ", ".join(f"{key} {value:.5g}" for key, value in message.values.items())
    return f"{message.arm} arm, epoch {message.epoch}, step {message.step}: {values}"

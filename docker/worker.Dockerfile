# Both workers: `train` holds a GPU, `short` ingests and exports. An export runs the trainer, so both carry torch.
FROM python:3.12-slim-bookworm AS build
# Empty: the CUDA build from pip's ordinary index. A fleet without GPUs passes pip's options for a CPU build.
ARG TORCH_OPTIONS=""
WORKDIR /source
COPY pyproject.toml docker/requirements.py ./
# torch first and pinned, then torchvision: no other package's open range may choose the build.
# hadolint ignore=SC2086
RUN python -m venv /venv \
    && /venv/bin/pip install --no-cache-dir $TORCH_OPTIONS torch==2.13.0 \
    && /venv/bin/pip install --no-cache-dir $TORCH_OPTIONS torchvision==0.28.0 \
    && python requirements.py worker pyproject.toml > requirements.txt \
    && /venv/bin/pip install --no-cache-dir --requirement requirements.txt
COPY . .
RUN /venv/bin/pip install --no-cache-dir --no-deps .

FROM python:3.12-slim-bookworm
# The scratch folder is made here with its owner, so that a fresh volume on it starts with that owner too.
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin patchswap \
    && install --directory --owner 10001 /scratch
COPY --from=build /venv /venv
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 HOME=/tmp PATCHSWAP_SCRATCH_DIR=/scratch
USER 10001
WORKDIR /scratch
# Whether this container's worker takes messages, not whether its process exists: Celery answers a ping only then.
# It tells an orchestrator; what ends a deaf worker is worker.liveness.watchdog, for which the container needs `--init`.
HEALTHCHECK --interval=30s --timeout=20s --start-period=30s --retries=3 \
    CMD ["python", "-c", "from core.queue import celery_app; from core.settings import settings; \
assert celery_app().control.ping(timeout=8, limit=1, pattern=f'*@{settings().worker_name}', matcher='glob')"]
CMD ["python", "-m", "worker", "short"]

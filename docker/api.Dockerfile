# The api, and the migrations that run before it. No torch: it serves HTTP and reads tables.
FROM python:3.12-slim-bookworm AS build
WORKDIR /source
COPY pyproject.toml docker/requirements.py ./
RUN python -m venv /venv \
    && python requirements.py api pyproject.toml > requirements.txt \
    && /venv/bin/pip install --no-cache-dir --requirement requirements.txt
COPY . .
RUN /venv/bin/pip install --no-cache-dir --no-deps .

FROM python:3.12-slim-bookworm
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin patchswap
COPY --from=build /venv /venv
# matplotlib keeps its list of fonts there; the account has no home
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 MPLCONFIGDIR=/tmp/matplotlib
USER 10001
WORKDIR /tmp
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
CMD ["python", "-m", "api", "--host", "0.0.0.0", "--port", "8000"]

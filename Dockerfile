# The service as one image; web, workers and one-off commands differ in their command alone.
#
#   docker build -t cutout .
#   docker run --rm -v cutout:/data cutout python manage.py migrate
#   docker run -p 8000:8000 -v cutout:/data cutout
#
# docs/operations.md states its size. `make prove-image` runs these same steps without an engine.

FROM python:3.11-slim-bookworm AS build
WORKDIR /app
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONDONTWRITEBYTECODE=1

COPY requirements.txt ./
RUN python -m venv .venv \
 && .venv/bin/python -m pip install --no-cache-dir --quiet --require-hashes --requirement requirements.txt

# The networks' weights, checked and built; of what was fetched only that which is run is kept.
COPY removal/__init__.py removal/
COPY removal/engine removal/engine
RUN .venv/bin/python -m removal.engine.weights \
 && rm -rf var/models/*.published.onnx* var/models/partial var/models/setup.lock

COPY . .
RUN SECRET_KEY=of-the-build-only STATIC_ROOT=/app/collected \
    .venv/bin/python manage.py compile_translations \
 && SECRET_KEY=of-the-build-only STATIC_ROOT=/app/collected \
    .venv/bin/python manage.py collectstatic --no-input --verbosity 0


FROM python:3.11-slim-bookworm
LABEL org.opencontainers.image.title="Cutout" org.opencontainers.image.licenses="MIT"
RUN useradd --uid 10001 --no-create-home --home-dir /data --shell /usr/sbin/nologin cutout \
 && install --directory --owner cutout --group cutout --mode 0700 /data
WORKDIR /app
# Code and weights belong to root: the service cannot change what it runs.
COPY --from=build /app /app
ENV PATH=/app/.venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    DATA_DIR=/data \
    STATIC_ROOT=/app/collected \
    REMOVAL_MODELS_DIR=/app/var/models \
    LOG_FORMAT=json
USER 10001:10001
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=10s --start-period=90s --retries=4 \
  CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/healthz', timeout=8)"]
CMD ["python", "manage.py", "serve", "--prepared", "--host", "0.0.0.0"]

# One image for worker, archive, dashboard and replay. It holds the runtime only: requirements-runtime.lock
# pins every version by its hash, the tools for development stay out.
FROM python:3.13.7-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/venv
WORKDIR /src
# Only Faust may have to be compiled: gridstress refuses its pure Python, so without a wheel for the
# platform the build needs a compiler.
COPY requirements-runtime.lock ./
RUN /opt/venv/bin/pip install --require-hashes -r requirements-runtime.lock
COPY pyproject.toml README.md LICENSE ./
COPY topology topology
COPY tables tables
COPY agents agents
COPY ui ui
COPY gridstress gridstress
RUN /opt/venv/bin/pip install --no-deps --no-build-isolation .

FROM python:3.13.7-slim-bookworm
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
RUN useradd --system --uid 10001 --create-home gridstress \
 && install --directory --owner=gridstress --group=gridstress /var/lib/gridstress /var/lib/gridstress-archive
COPY --from=build /opt/venv /opt/venv
USER gridstress
WORKDIR /home/gridstress
CMD ["gridstress", "--help"]

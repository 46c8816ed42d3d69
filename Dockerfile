# One image for worker, dashboard and replay. It holds the runtime only: the lock file pins every
# version, the tools for development stay out.
FROM python:3.13.7-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/venv
WORKDIR /src
COPY requirements.lock ./
# Faust is the only one that may have to be compiled; its pure Python works, too, and is what is
# used where there is no compiler.
COPY pyproject.toml README.md LICENSE ./
COPY topology topology
COPY tables tables
COPY agents agents
COPY ui ui
COPY gridstress gridstress
RUN /opt/venv/bin/pip install --constraint requirements.lock setuptools \
 && /opt/venv/bin/pip install --constraint requirements.lock --no-build-isolation ".[feed]"

FROM python:3.13.7-slim-bookworm
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
RUN useradd --system --uid 10001 --create-home gridstress \
 && install --directory --owner=gridstress --group=gridstress /var/lib/gridstress
COPY --from=build /opt/venv /opt/venv
USER gridstress
WORKDIR /home/gridstress
CMD ["gridstress", "--help"]

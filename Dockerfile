# Image of the command line: `docker build --tag claude-code-analytics .`, see docs/operations.md#in-a-container.
# Other destinations: --build-arg EXTRAS=report,bigquery
ARG PYTHON=3.13

FROM python:${PYTHON}-slim AS build
ARG EXTRAS=report,postgres
COPY pyproject.toml README.md LICENSE /project/
COPY sources /project/sources
COPY pipelines /project/pipelines
RUN python -m venv /opt/venv
RUN /opt/venv/bin/pip install --quiet --no-cache-dir --no-compile "/project[${EXTRAS}]"

FROM python:${PYTHON}-slim
COPY --from=build /opt/venv /opt/venv
RUN install --directory --owner=10001 --group=10001 --mode=700 /data
# Everything that is written goes to the volume, so the root can be read-only.
ENV PATH=/opt/venv/bin:/usr/bin:/bin HOME=/data TMPDIR=/data PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
WORKDIR /data
VOLUME /data
ENTRYPOINT ["claude-code-analytics"]

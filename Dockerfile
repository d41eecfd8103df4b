# syntax=docker/dockerfile:1
# One image for every Airflow component: the locked packages, and the project as it is in the repository.

# docs/operations.md says how to pin it to a digest.
ARG PYTHON_IMAGE=python:3.11-slim-bookworm

FROM ${PYTHON_IMAGE} AS packages
RUN python -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH PIP_DISABLE_PIP_VERSION_CHECK=1
COPY requirements-image.txt /tmp/
# --only-binary: nothing is compiled and no setup.py runs, so a hash covers all that is installed.
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install --require-hashes --only-binary :all: --requirement /tmp/requirements-image.txt
WORKDIR /opt/push-model
COPY pyproject.toml README.md LICENSE ./
COPY push_model push_model
# Editable, because the wheel is the serving side alone and Airflow trains too.
RUN pip install --no-deps --no-build-isolation --editable .

FROM ${PYTHON_IMAGE}
# Any fixed number above the system's own will do; it owns the volumes below.
ARG AIRFLOW_UID=50000
RUN useradd --uid "$AIRFLOW_UID" --create-home --shell /usr/sbin/nologin airflow
COPY --from=packages /opt/venv /opt/venv
COPY --from=packages /opt/push-model /opt/push-model
WORKDIR /opt/push-model
COPY plugins plugins
COPY dags dags
# A named volume takes the owner of the folder that it first covers.
RUN install -d -o airflow -g airflow /opt/airflow /opt/airflow/logs models runs data
# USER: Airflow needs a name, and a cluster may run the image as a number that has none.
ENV PATH=/opt/venv/bin:$PATH \
    USER=airflow \
    PYTHONPATH=/opt/push-model/plugins \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    AIRFLOW_HOME=/opt/airflow \
    AIRFLOW__CORE__DAGS_FOLDER=/opt/push-model/dags \
    AIRFLOW__CORE__PLUGINS_FOLDER=/opt/push-model/plugins \
    AIRFLOW__CORE__LOAD_EXAMPLES=False
USER airflow
EXPOSE 8080
CMD ["airflow", "version"]

"""Each documented setting reaches every part of the service, however it is deployed."""

import re

import pytest

from tests.deploy.test_files import CLUSTER, COMPOSE, OURS, UNITS, documented

PODS = [part for part in CLUSTER if part["kind"] in ("Deployment", "Job")]
WRITTEN = {name: f"value-of-{name}" for name in documented()} | {"POSTGRES_PASSWORD": "word"}


def interpolated(text: str, env_file: dict[str, str]) -> str:
    """What compose makes of ${NAME:?message} and ${NAME:-default}, which may hold others."""
    innermost = re.compile(r"\$\{([A-Z0-9_]+)(?::(-|\?)([^${}]*))?\}")
    while found := innermost.search(text):
        name, kind, rest = found.groups()
        value = env_file.get(name) or (rest if kind == "-" else "")
        assert value or kind != "?", rest
        text = text[: found.start()] + value + text[found.end() :]
    return text


def environment_of(service: str, env_file: dict[str, str]) -> dict[str, str]:
    """What compose gives a container: the files' variables, those of `environment` before them."""
    part = COMPOSE["services"][service]
    assert [file["path"] for file in part["env_file"]] == [".env"]
    own = {name: interpolated(str(value), env_file) for name, value in part["environment"].items()}
    return env_file | own


@pytest.mark.parametrize("service", OURS)
def test_a_setting_in_env_reaches_the_container(service):
    given = environment_of(service, WRITTEN)
    assert {name for name in documented() if given.get(name) != WRITTEN[name]} == set()


@pytest.mark.parametrize("service", OURS)
def test_what_compose_sets_by_itself_is_whole(service):
    least = {"SECRET_KEY": "key", "ALLOWED_HOSTS": "a.example", "POSTGRES_PASSWORD": "word"}
    given = environment_of(service, least)
    assert given["DATABASE_URL"] == "postgres://cutout:word@database/cutout"
    assert given["REMOVAL_EXECUTION"] == "queue"
    assert given["REQUIRE_HTTPS"] == "true"


@pytest.mark.parametrize("pod", PODS, ids=lambda pod: pod["metadata"]["name"])
def test_a_setting_in_the_config_map_or_the_secret_reaches_the_pod(pod):
    for container in pod["spec"]["template"]["spec"]["containers"]:
        assert container["envFrom"] == [
            {"configMapRef": {"name": "cutout-settings"}},
            {"secretRef": {"name": "cutout-secrets"}},
        ]
        assert "env" not in container  # it would win over both


def test_the_config_map_holds_text_alone():
    """Kubernetes refuses anything else, which YAML makes of an unquoted number or truth value."""
    (settings,) = (part["data"] for part in CLUSTER if part["kind"] == "ConfigMap")
    assert {name for name, value in settings.items() if not isinstance(value, str)} == set()


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_a_setting_in_the_file_of_settings_reaches_the_unit(unit):
    """systemd lets the file win over the unit's own `Environment`."""
    text = unit.read_text()
    assert re.findall(r"^EnvironmentFile=(.*)$", text, re.M) == ["/etc/cutout/settings"]
    assert "UnsetEnvironment" not in text
    assert "ExecStart=/usr/bin/env -i" not in text

"""The deployment files agree with the code: settings, limits, commands, what an image holds."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from pixian_site import server
from tests.deploy.dockerfile import ROOT, environment, stages

DEPLOY = ROOT / "deploy"
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
CLUSTER = list(yaml.safe_load_all((DEPLOY / "kubernetes" / "cutout.yaml").read_text()))
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
OURS = ("migrate", "web", "worker", "beat")  # of compose.yaml
# What others than the service read: PostgreSQL's image, Python, the shell, pip.
FOREIGN = {
    "POSTGRES_USER", "POSTGRES_DB", "POSTGRES_PASSWORD", "PATH", "PYTHONUNBUFFERED",
    "PYTHONDONTWRITEBYTECODE", "PIP_DISABLE_PIP_VERSION_CHECK",
}  # fmt: skip


def documented() -> set[str]:
    text = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    return set(re.findall(r"^\| `([A-Z][A-Z0-9_]+)`", text, re.MULTILINE))


def named_in_dockerfile() -> set[str]:
    names = {name for stage in stages() for name in environment(stage)}
    runs = " ".join(step.text for stage in stages() for step in stage if step.name == "RUN")
    return names | set(re.findall(r"\b([A-Z][A-Z_]+)=", runs))


def named_in_compose() -> set[str]:
    text = (ROOT / "compose.yaml").read_text()
    names = {name for part in COMPOSE["services"].values() for name in part.get("environment", ())}
    return names | set(re.findall(r"\$\{([A-Z_]+)", text))


def named_in_cluster() -> set[str]:
    text = (DEPLOY / "kubernetes" / "cutout.yaml").read_text()
    maps = (part["data"] for part in CLUSTER if part["kind"] == "ConfigMap")
    return {name for data in maps for name in data} | set(
        re.findall(r"--from-literal=([A-Z0-9_]+)", text)
    )


def named_in_units() -> set[str]:
    found = re.findall(r"^Environment=([A-Z0-9_]+)=", "".join(p.read_text() for p in UNITS), re.M)
    return {name.removesuffix("_FILE") for name in found}


@pytest.mark.parametrize(
    "names", [named_in_dockerfile, named_in_compose, named_in_cluster, named_in_units]
)
def test_every_variable_is_a_documented_setting(names):
    found = names()
    assert found
    assert found - FOREIGN - documented() == set()


def test_proxies_let_through_what_the_server_answers():
    mebibytes = f"{server.MAX_BODY_BYTES // 2**20}m"
    assert f"client_max_body_size {mebibytes};" in (DEPLOY / "nginx.conf").read_text()
    (ingress,) = (part for part in CLUSTER if part["kind"] == "Ingress")
    annotations = ingress["metadata"]["annotations"]
    assert annotations["nginx.ingress.kubernetes.io/proxy-body-size"] == mebibytes


def test_the_proxy_hands_the_host_on_with_its_port():
    """Django holds a form's origin against it: without the port all forms at :8443 fail."""
    hosts = re.findall(r"proxy_set_header Host ([^;]+);", (DEPLOY / "nginx.conf").read_text())
    assert hosts
    assert set(hosts) == {"$http_host"}


def test_proxies_wait_longer_than_the_service_works(settings):
    in_line = settings.IMAGE_URL_SECONDS + settings.REMOVAL_QUEUE_SECONDS
    longest = max(in_line, settings.REMOVAL_DEADLINE_SECONDS)
    seconds = int(re.search(r"proxy_read_timeout (\d+)s", (DEPLOY / "nginx.conf").read_text())[1])
    assert seconds > longest


def test_the_image_runs_as_nobody_in_particular_and_checks_its_health():
    final = stages()[-1]
    users = [step.text for step in final if step.name == "USER"]
    assert users == ["10001:10001"]
    assert any(step.name == "HEALTHCHECK" for step in final)
    assert [step.text for step in final if step.name == "COPY"] == ["--from=build /app /app"]


def test_packages_come_from_the_lock_alone():
    installs = [step.text for stage in stages() for step in stage if "pip install" in step.text]
    assert installs
    assert all("--require-hashes --requirement requirements.txt" in text for text in installs)


def test_no_secret_of_ours_gets_into_the_image():
    ignored = (ROOT / ".dockerignore").read_text().split()
    assert {".env", ".env.*", "var", ".git"} <= set(ignored)
    made_at_build = [s.text for s in stages()[0] if "manage.py" in s.text]
    for text in made_at_build:  # else one is made up and kept in the image
        assert text.count("SECRET_KEY=of-the-build-only") == text.count("manage.py")


def test_parts_of_the_service_can_change_nothing_but_their_data():
    for name in OURS:
        part = COMPOSE["services"][name]
        assert part["read_only"] is True
        assert part["cap_drop"] == ["ALL"]
        assert part["volumes"] == ["data:/data"]
    for part in CLUSTER:
        if part["kind"] in ("Deployment", "Job"):
            pod = part["spec"]["template"]["spec"]
            assert pod["securityContext"]["runAsNonRoot"]
            assert all(c["securityContext"]["readOnlyRootFilesystem"] for c in pod["containers"])


def test_places_are_as_many_as_workers():
    (settings,) = (part["data"] for part in CLUSTER if part["kind"] == "ConfigMap")
    (worker,) = (part for part in CLUSTER if part["metadata"]["name"] == "cutout-worker")
    command = worker["spec"]["template"]["spec"]["containers"][0]["command"]
    processes = worker["spec"]["replicas"] * int(command[command.index("--concurrency") + 1])
    assert int(settings["REMOVAL_SLOTS"]) == processes


def test_commands_beside_the_unit_run_as_it_does():
    def properties(text: str) -> set[str]:
        return set(re.findall(r"^(?:Environment|EnvironmentFile|LoadCredential|User|Group|"
                              r"WorkingDirectory|StateDirectory|StateDirectoryMode|UMask)=.*$",
                              text, re.MULTILINE))  # fmt: skip

    unit = (DEPLOY / "systemd" / "cutout-web.service").read_text()
    wrapper = (DEPLOY / "systemd" / "cutout-manage").read_text()
    given = properties(re.sub(r" *--property=", "\n", wrapper).replace(" \\", ""))
    # A command line knows no %d; the folder of credentials stands in a variable, too.
    assert given == properties(unit) - {"Environment=SECRET_KEY_FILE=%d/secret_key"}
    assert "SECRET_KEY_FILE=$CREDENTIALS_DIRECTORY/secret_key" in wrapper


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_units_are_well_formed(unit: Path, tmp_path: Path):
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not installed")
    for source in UNITS:  # the program need not be installed here
        text = source.read_text().replace("/opt/cutout/.venv/bin/python", "/bin/true")
        (tmp_path / source.name).write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(tmp_path / unit.name)],
        capture_output=True, text=True,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


def test_the_proxys_file_is_one_that_nginx_reads(tmp_path: Path):
    if not (nginx := shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/bin")):
        pytest.skip("nginx is not installed")
    if not shutil.which("openssl"):
        pytest.skip("openssl is not installed")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=test",
         "-keyout", str(tmp_path / "privkey.pem"), "-out", str(tmp_path / "fullchain.pem")],
        check=True, capture_output=True,
    )  # fmt: skip
    text = (DEPLOY / "nginx.conf").read_text()
    text = text.replace("/etc/nginx/certificates", str(tmp_path)).replace("web:8000", "127.0.0.1:1")
    (tmp_path / "site.conf").write_text(text)
    whole = f"pid {tmp_path}/pid; events {{}} http {{ include {tmp_path}/site.conf; }}"
    (tmp_path / "nginx.conf").write_text(whole)
    done = subprocess.run(
        [nginx, "-t", "-c", str(tmp_path / "nginx.conf")], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr

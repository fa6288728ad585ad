"""`make prove-image`: the Dockerfile's steps in an empty folder, without a container engine.

Copies what the image would copy, runs each RUN of the build stage as it stands, then the last
stage's command and health check, on a database of its own. /app and /data become folders.
"""

import fnmatch
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.deploy.dockerfile import ROOT, Instruction, environment, stages
from tests.serving import free_port

START_SECONDS = 180


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="image-") as folder:
        app, data = Path(folder) / "app", Path(folder) / "data"
        data.mkdir()
        build, final = stages()
        _build(build, app)
        for part in (".venv", "var/models", "collected"):
            print(f"{part}: {_mebibytes(app / part)} MiB")
        print(f"/app in all: {_mebibytes(app)} MiB")
        _serve(final, app, data)
    print("The image's steps work.")
    return 0


def _build(stage: list[Instruction], app: Path) -> None:
    app.mkdir()
    values = os.environ | environment(stage)
    for step in stage:
        if step.name == "COPY":
            *sources, target = step.text.split()
            for source in sources:
                _copy(source, app / target)
        elif step.name == "RUN":
            print(f"RUN {step.text}", flush=True)
            command = step.text.replace("/app", str(app))
            subprocess.run(command, shell=True, cwd=app, env=values, check=True)


def _copy(source: str, target: Path) -> None:
    """What COPY takes: neither what .dockerignore names nor what is not of the repository."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", source],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    for name in filter(_is_sent, listed):
        is_folder = (ROOT / source).is_dir()  # of which COPY takes the contents
        place = target / (Path(name).relative_to(source) if is_folder else Path(name).name)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, place)


def _is_sent(name: str) -> bool:
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").split("\n")
    parts = [Path(name), *Path(name).parents]
    return not any(
        fnmatch.fnmatch(str(part), pattern.removeprefix("**/"))
        for pattern in ignored if pattern and not pattern.startswith("#")
        for part in parts
    )  # fmt: skip


def _serve(stage: list[Instruction], app: Path, data: Path) -> None:
    places = (("/app", str(app)), ("/data", str(data)))
    values = {"HOME": str(data), "PATH": os.environ["PATH"]}
    for name, value in environment(stage).items():
        for inside, outside in places:
            value = value.replace(inside, outside)
        values[name] = value.replace("$PATH", os.environ["PATH"])
    port = free_port()
    command = json.loads(next(step.text for step in stage if step.name == "CMD"))
    health = json.loads(next(s.text for s in stage if s.name == "HEALTHCHECK").partition("CMD ")[2])
    subprocess.run(["python", "manage.py", "migrate", "-v0"], cwd=app, env=values, check=True)
    serving = subprocess.Popen([*command, "--port", str(port)], cwd=app, env=values)
    try:
        _wait([part.replace("8000", str(port)) for part in health], serving, values)
        _wait([part.replace("8000", str(port)).replace("healthz", "readyz") for part in health],
              serving, values)  # fmt: skip
    finally:
        serving.terminate()
        print("It ended with", serving.wait(timeout=60))


def _wait(check: list[str], serving: "subprocess.Popen[bytes]", values: dict[str, str]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while subprocess.run(check, env=values, capture_output=True).returncode:
        if time.monotonic() > deadline or serving.poll() is not None:
            sys.exit("The service did not get ready.")
        time.sleep(1)
    print("Health check passed:", check[-1])


def _mebibytes(folder: Path) -> int:
    files = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return sum(path.stat().st_size for path in files) // 2**20


if __name__ == "__main__":
    sys.exit(main())

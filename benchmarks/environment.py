"""Environments of their own for programs that are measured, or that measure, beside ours."""

import subprocess
import sys
import venv
from pathlib import Path


def install(environment: Path, requirements: Path, notice: str, *options: str) -> None:
    """Idempotent: quick where the environment already holds what is pinned. `options` are pip's;
    `notice` is told before anything is installed."""
    stamp = environment / "installed.txt"
    wanted = requirements.read_text()
    if stamp.exists() and stamp.read_text() == wanted:
        return
    print(notice, file=sys.stderr, flush=True)
    venv.create(environment, with_pip=True, clear=True)
    pip = [str(environment / "bin" / "python"), "-m", "pip", "install", "--quiet", *options]
    subprocess.run([*pip, "--requirement", requirements], check=True)
    stamp.write_text(wanted)

"""Who may import what, read from the code itself; .importlinter holds the layers."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
OURS = {"pixian_site", "accounts", "billing", "removal"}
FROM_BILLING = {"billing.ledger", "billing.pricing", "billing.errors", "billing.models"}
ONLY_HERE = {
    "onnxruntime": {"removal/engine/networks/runtime.py"},
    "stripe": {"billing/stripe_gateway.py"},
    "aiohttp": {"removal/outbound/fetch.py"},
    "celery": {"pixian_site/celery.py", "removal/execution/tasks.py"},
    "kombu": {"removal/execution/queue.py"},
    "boto3": {"removal/storage/bucket.py"},
    "storages": {"removal/storage/bucket.py"},
    "prometheus_client": {"removal/metrics.py", "billing/metrics.py", "pixian_site/gauges.py"},
    "sentry_sdk": {"pixian_site/sentry.py"},
}
WITHOUT_DJANGO = [
    "removal/engine/**/*.py",
    "removal/outbound/fetch.py",
    "removal/outbound/addresses.py",
    "billing/pricing.py",
]


def modules(pattern: str = "**/*.py") -> list[Path]:
    return [path for package in sorted(OURS) for path in sorted((ROOT / package).glob(pattern))]


def imports_of(path: Path) -> Iterator[str]:
    """Full dotted names of what a file imports, wherever in it the import stands."""
    package = path.relative_to(ROOT).parent.parts
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = list(package[: len(package) - node.level + 1]) if node.level else []
            name = ".".join([*base, *([node.module] if node.module else [])])
            yield name
            yield from (f"{name}.{alias.name}" for alias in node.names)


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", sorted((ROOT / "removal").glob("**/*.py")), ids=name_of)
def test_removal_reaches_billing_by_its_doors(path):
    reached = {".".join(name.split(".")[:2]) for name in imports_of(path)}
    assert {name for name in reached if name.startswith("billing.")} <= FROM_BILLING


@pytest.mark.parametrize("path", sorted((ROOT / "billing").glob("**/*.py")), ids=name_of)
def test_billing_knows_of_accounts_only_what_tells_of_people_and_the_site(path):
    reached = {".".join(name.split(".")[:2]) for name in imports_of(path)}
    assert {name for name in reached if name.startswith("accounts.")} <= {
        "accounts.addresses",
        "accounts.models",
        "accounts.public",
        "accounts.signals",
    }


@pytest.mark.parametrize("library", ONLY_HERE)
def test_some_libraries_are_imported_in_one_place_only(library):
    found = {name_of(path) for path in modules() if library in
             {name.split(".")[0] for name in imports_of(path)}}  # fmt: skip
    assert found <= ONLY_HERE[library]


@pytest.mark.parametrize("pattern", WITHOUT_DJANGO)
def test_some_code_is_plain_python(pattern):
    for path in ROOT.glob(pattern):
        roots = {name.split(".")[0] for name in imports_of(path)}
        assert not roots & {"django", "rest_framework"}, path


def test_importing_the_engine_loads_no_django():
    code = "import removal.engine, sys; sys.exit('django' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


def test_no_module_is_long():
    long = {name_of(p): n for p in modules() if (n := len(p.read_text().splitlines())) > 450}
    assert not long

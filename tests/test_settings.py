"""Settings of several values, as people write them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.serving import ROOT

SHOW = """
import json
from pixian_site import env, settings
names = ("ALLOWED_HOSTS", "CSRF_TRUSTED_ORIGINS", "SECRET_KEY_FALLBACKS", "STRIPE_WEBHOOK_SECRETS",
         "SELLER")
shown = {name: getattr(settings, name) for name in names}
print(json.dumps(shown | {"HIDDEN": sorted(env.secrets_known)}))
print(len(settings.IMAGE_URL_ALLOW))
"""
WRITTEN = {
    "ALLOWED_HOSTS": ("a.example{0}localhost", ["a.example", "localhost"]),
    "CSRF_TRUSTED_ORIGINS": (
        "https://a.example{0}https://b.example",
        ["https://a.example", "https://b.example"],
    ),
    "SECRET_KEY_FALLBACKS": ("older-key{0}oldest-key", ["older-key", "oldest-key"]),
    "STRIPE_WEBHOOK_SECRET": ("whsec_new{0}whsec_old", ["whsec_new", "whsec_old"]),
    "IMAGE_URL_ALLOW": ("10.0.0.0/8{0}pictures.internal", 2),
}
READ_AS = {"STRIPE_WEBHOOK_SECRET": "STRIPE_WEBHOOK_SECRETS"}


@pytest.mark.parametrize("separator", [",", ", ", " , ", ",,", ",\n"])
def test_blanks_and_empty_values_in_lists_do_not_count(tmp_path: Path, separator: str):
    given = {name: f" {text.format(separator)}, " for name, (text, _) in WRITTEN.items()}
    given |= {
        "SELLER": " Cutout Ltd | 1 High Street |",
        "DATA_DIR": str(tmp_path),
        "SECRET_KEY": "k",
    }
    done = subprocess.run(
        [sys.executable, "-c", SHOW],
        cwd=ROOT,
        env=os.environ | given,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    shown, allowed = done.stdout.splitlines()
    read = json.loads(shown) | {"IMAGE_URL_ALLOW": int(allowed)}
    assert {name: read[READ_AS.get(name, name)] for name in WRITTEN} == {
        name: value for name, (_, value) in WRITTEN.items()
    }
    assert read["SELLER"] == ["Cutout Ltd", "1 High Street"]
    assert {"older-key", "oldest-key", "whsec_new", "whsec_old"} <= set(read["HIDDEN"])


@pytest.mark.parametrize(
    ("given", "slots", "reserved"),
    [
        ({"REMOVAL_PLACES": "6", "REMOVAL_RESERVED_PLACES": "1"}, 6, 1),
        ({"REMOVAL_SLOTS": "8", "REMOVAL_PLACES": "6"}, 8, 2),
        (
            {"REMOVAL_SLOTS": "8", "REMOVAL_RESERVED_SLOTS": "3", "REMOVAL_RESERVED_PLACES": "1"},
            8,
            3,
        ),
    ],
)
def test_former_names_of_settings_are_accepted(tmp_path: Path, given, slots: int, reserved: int):
    show = "from pixian_site import settings as s; print(s.REMOVAL_SLOTS, s.REMOVAL_RESERVED_SLOTS)"
    done = subprocess.run(
        [sys.executable, "-c", show],
        cwd=ROOT,
        env=os.environ | given | {"DATA_DIR": str(tmp_path), "SECRET_KEY": "k"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == [str(slots), str(reserved)]

"""Static files are collected when they have changed, and only then."""

import shutil

import pytest

from pixian_site import static_files
from tests.serving import ROOT


@pytest.fixture
def site(settings, tmp_path):
    """A site with one file, collected as in service."""
    source = tmp_path / "source"
    (source / "css").mkdir(parents=True)
    shutil.copy(ROOT / "static" / "css" / "pages.css", source / "css")
    settings.STATICFILES_DIRS = [source]
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    settings.STATIC_ROOT = tmp_path / "collected"
    static_files.collect()
    return settings


def test_what_has_not_changed_is_not_collected_again(site, monkeypatch):
    assert (site.STATIC_ROOT / "css" / "pages.css").is_file()
    monkeypatch.setattr(static_files, "call_command", lambda *_, **__: pytest.fail("collected"))
    static_files.collect()


def test_what_has_changed_or_was_interrupted_is_collected(site):
    (site.STATICFILES_DIRS[0] / "new.txt").write_text("new")
    static_files.collect()
    assert (site.STATIC_ROOT / "new.txt").is_file()
    (site.STATIC_ROOT / static_files.STAMP).unlink()
    (site.STATIC_ROOT / "new.txt").unlink()
    static_files.collect()
    assert (site.STATIC_ROOT / "new.txt").is_file()

"""Tables, sections and plots of the benchmarks' page."""

from xml.etree import ElementTree

import pytest

from benchmarks import report


def test_a_table_lines_up_in_a_terminal_too():
    assert report.table(("name", "s"), [("png", "0.5"), ("delta", "12.0")]) == (
        "| name  |    s |\n| ----- | ---: |\n| png   |  0.5 |\n| delta | 12.0 |"
    )


def test_a_section_is_replaced_between_its_markers(tmp_path, monkeypatch):
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- a: begin -->\nold\n<!-- a: end -->\nafter\n")
    monkeypatch.setattr(report, "PAGE", page)

    report.write_section("a", "new")
    report.write_section("a", "newer")

    assert page.read_text() == "before\n<!-- a: begin -->\nnewer\n<!-- a: end -->\nafter\n"


def test_an_unknown_section_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(report, "PAGE", tmp_path / "page.md")
    report.PAGE.write_text("nothing")

    with pytest.raises(SystemExit, match="no section 'a'"):
        report.write_section("a", "new")


def test_a_plot_is_well_formed_and_has_a_line_for_each_series(tmp_path):
    path = tmp_path / "plot.svg"

    report.plot(path, "Time", "s", {"png": [(1, 0.5), (25, 2)], "jpeg": [(1, 0.4), (25, 1)]})

    drawing = ElementTree.parse(path).getroot()
    assert len(drawing.findall("{*}polyline")) == 2
    assert drawing.findtext("{*}title") == "Time"

"""Erasing and restoring by brush: what is painted is what is downloaded, and nothing else."""

from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from .test_remove import COFFEE, card, downloaded

MIDDLE = (300, 200)  # of coffee.jpg; the cup, opaque
CORNER = (12, 12)  # the table, removed


@pytest.fixture
def editor(coffee: Page) -> Page:
    open_editor(coffee)
    return coffee


def open_editor(page: Page) -> None:
    card(page, "coffee.jpg").get_by_role("button", name="Touch up").click()
    expect(page.locator("#editor")).to_be_visible()


def on_screen(page: Page, point: tuple[int, int]) -> tuple[float, float]:
    box = page.locator(".editor-canvas").bounding_box()
    assert box is not None
    return box["x"] + point[0] * box["width"] / 600, box["y"] + point[1] * box["height"] / 400


def set_brush(page: Page, tool: str, size: int, hardness: int = 100) -> None:
    """size: in pixels of the picture; the slider has those of the screen."""
    page.get_by_role("radio", name=tool, exact=True).check(force=True)
    box = page.locator(".editor-canvas").bounding_box()
    assert box is not None
    page.locator("#editor [name=size]").fill(str(round(size * box["width"] / 600)))
    if tool in ("Erase", "Restore"):
        page.locator("#editor [name=hardness]").fill(str(hardness))


def finish(page: Page, button: str = "Apply") -> np.ndarray:
    page.locator("#editor").get_by_role("button", name=button).click()
    expect(page.locator("#editor")).to_be_hidden()
    return np.asarray(downloaded(page, "coffee.jpg")[1])


def untouched(page: Page) -> np.ndarray:
    """The cut-out as it came, downloaded beside the open dialog."""
    return finish(page, "Cancel")


def test_erased_part_is_gone_and_the_rest_is_the_same(editor: Page) -> None:
    before = untouched(editor)
    open_editor(editor)
    set_brush(editor, "Erase", 40)
    editor.mouse.click(*on_screen(editor, MIDDLE))
    after = finish(editor)
    assert not after[195:206, 295:306].any(), "colour goes with alpha"
    changed = (after != before).any(axis=2)
    rows, columns = np.nonzero(changed)
    assert abs(rows - 200).max() <= 21
    assert abs(columns - 300).max() <= 21


def test_restored_part_is_the_original(editor: Page) -> None:
    set_brush(editor, "Restore", 20)
    editor.mouse.click(*on_screen(editor, CORNER))
    after = finish(editor)
    original = np.asarray(Image.open(COFFEE)).astype(int)
    assert after[12, 12, 3] == 255
    assert np.abs(after[8:17, 8:17, :3] - original[8:17, 8:17]).max() <= 2


def test_stroke_leaves_no_gaps(editor: Page) -> None:
    set_brush(editor, "Erase", 10)
    editor.mouse.move(*on_screen(editor, (220, 200)))
    editor.mouse.down()
    editor.mouse.move(*on_screen(editor, (380, 200)))
    editor.mouse.up()
    assert finish(editor)[200, 222:378, 3].max() == 0


def test_soft_brush_fades_towards_its_rim(editor: Page) -> None:
    set_brush(editor, "Erase", 80, hardness=0)
    editor.mouse.click(*on_screen(editor, MIDDLE))
    alpha = finish(editor)[200, 300:340, 3].astype(int)
    assert alpha[0] <= 2
    assert 100 <= alpha[20] <= 155
    assert (np.diff(alpha) >= 0).all()


def test_crossing_strokes_of_one_drag_do_not_add_up(editor: Page) -> None:
    set_brush(editor, "Erase", 80, hardness=0)
    editor.mouse.move(*on_screen(editor, MIDDLE))
    editor.mouse.down()
    for _ in range(3):
        editor.mouse.move(*on_screen(editor, (302, 200)))
        editor.mouse.move(*on_screen(editor, MIDDLE))
    editor.mouse.up()
    assert finish(editor)[200, 322, 3] >= 90


def test_undo_and_redo_go_step_by_step(editor: Page) -> None:
    set_brush(editor, "Erase", 30)
    undo = editor.get_by_role("button", name="Undo")
    expect(undo).to_be_disabled()
    editor.mouse.click(*on_screen(editor, (260, 200)))
    editor.mouse.click(*on_screen(editor, (340, 200)))
    undo.click()
    undo.click()
    expect(undo).to_be_disabled()
    editor.get_by_role("button", name="Redo").click()
    alpha = finish(editor)[200, :, 3]
    assert (alpha[260], alpha[340]) == (0, 255)


def test_everything_undone_is_the_cut_out_as_it_came(editor: Page) -> None:
    before = untouched(editor)
    open_editor(editor)
    set_brush(editor, "Restore", 60, hardness=30)
    editor.mouse.click(*on_screen(editor, CORNER))
    editor.get_by_role("button", name="Undo").click()
    assert np.array_equal(finish(editor), before)


def test_reset_takes_all_strokes_back(editor: Page) -> None:
    before = untouched(editor)
    open_editor(editor)
    set_brush(editor, "Erase", 200)
    editor.mouse.click(*on_screen(editor, MIDDLE))
    editor.get_by_role("button", name="Reset").click()
    assert np.array_equal(finish(editor), before)


def test_brush_works_by_keyboard_alone(editor: Page) -> None:
    set_brush(editor, "Erase", 40)
    canvas = editor.locator(".editor-canvas")
    canvas.focus()
    canvas.press("ArrowRight")  # half a radius: 10 pixels
    canvas.press(" ")
    alpha = finish(editor)[200, :, 3]
    assert alpha[310] == 0
    assert alpha[285] == 255


def test_zoomed_in_the_brush_stays_on_its_pixel(editor: Page) -> None:
    set_brush(editor, "Erase", 20)
    canvas = editor.locator(".editor-canvas")
    before = canvas.bounding_box()
    editor.mouse.move(*on_screen(editor, MIDDLE))
    editor.mouse.wheel(0, -600)
    after = canvas.bounding_box()
    assert before is not None
    assert after is not None
    assert after["width"] > 2 * before["width"]
    editor.mouse.click(*on_screen(editor, MIDDLE))
    alpha = finish(editor)[200, :, 3]
    assert alpha[300] == 0
    assert (alpha[285], alpha[315]) == (255, 255)


def test_finger_paints(browser: Browser, base_url: str, show: Callable[[Page, str], None]) -> None:
    phone = {"width": 390, "height": 844}
    with browser.new_context(base_url=base_url, has_touch=True, viewport=phone) as context:
        page = context.new_page()
        show(page, "coffee.jpg")
        open_editor(page)
        set_brush(page, "Erase", 60)
        page.touchscreen.tap(*on_screen(page, MIDDLE))
        assert finish(page)[200, 300, 3] == 0

"""Two fingers, a pen, a wheel and the hand tool in the touch-up dialog."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from playwright.sync_api import Browser, CDPSession, Page

from .test_touch_up import MIDDLE, finish, on_screen, open_editor, set_brush

Points = list[tuple[float, float]]


@pytest.fixture(params=["phone", "tablet"])
def touched(
    request: pytest.FixtureRequest,
    browser: Browser,
    base_url: str,
    show: Callable[[Page, str], None],
) -> Iterator[Page]:
    """The dialog, open on a screen that takes fingers."""
    size = {"phone": {"width": 390, "height": 844}, "tablet": {"width": 1280, "height": 800}}
    with browser.new_context(
        base_url=base_url, has_touch=True, viewport=size[request.param]
    ) as context:
        page = context.new_page()
        show(page, "coffee.jpg")
        open_editor(page)
        yield page


def touch(session: CDPSession, kind: str, points: Points) -> None:
    listed = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
    session.send("Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": listed})


def pinch(page: Page, before: Points, after: Points) -> None:
    session = page.context.new_cdp_session(page)
    touch(session, "Start", before[:1])
    touch(session, "Start", before)
    for step in range(1, 9):
        between = [
            (x + (to_x - x) * step / 8, y + (to_y - y) * step / 8)
            for (x, y), (to_x, to_y) in zip(before, after, strict=True)
        ]
        touch(session, "Move", between)
    touch(session, "End", [])
    session.detach()


def box(page: Page) -> dict[str, float]:
    found = page.locator(".editor-canvas").bounding_box()
    assert found is not None
    return dict(found)


def around(page: Page, reach: float) -> Points:
    x, y = on_screen(page, MIDDLE)
    return [(x - reach, y), (x + reach, y)]


def test_two_fingers_zoom_about_their_middle(touched: Page) -> None:
    width, middle = box(touched)["width"], on_screen(touched, MIDDLE)
    pinch(touched, around(touched, 30), around(touched, 90))
    assert box(touched)["width"] == pytest.approx(3 * width, rel=0.02)
    assert on_screen(touched, MIDDLE) == pytest.approx(middle, abs=2)


def test_two_fingers_move_the_picture(touched: Page) -> None:
    start = around(touched, 40)
    before = box(touched)
    pinch(touched, start, [(x + 50, y + 70) for x, y in start])
    after = box(touched)
    moved = (after["x"] - before["x"], after["y"] - before["y"])
    assert moved == pytest.approx((50, 70), abs=2)
    assert after["width"] == pytest.approx(before["width"], rel=0.01)


def test_two_fingers_leave_at_most_a_dab_that_can_be_undone(touched: Page) -> None:
    set_brush(touched, "Erase", 20)
    pinch(touched, around(touched, 30), around(touched, 60))
    undo = touched.get_by_role("button", name="Undo")
    if undo.is_enabled():
        undo.click()
    alpha = finish(touched)[..., 3]
    assert alpha[MIDDLE[1], MIDDLE[0] - 60 : MIDDLE[0] + 60].min() == 255


def test_pen_paints(coffee: Page) -> None:
    open_editor(coffee)
    set_brush(coffee, "Erase", 20)
    session = coffee.context.new_cdp_session(coffee)
    (x, y), (to_x, to_y) = on_screen(coffee, (260, 200)), on_screen(coffee, (340, 200))
    pen = {"button": "left", "buttons": 1, "clickCount": 1, "pointerType": "pen"}
    for kind, at in (("Pressed", (x, y)), ("Moved", (to_x, to_y)), ("Released", (to_x, to_y))):
        place = {"type": f"mouse{kind}", "x": at[0], "y": at[1]}
        session.send("Input.dispatchMouseEvent", place | pen)
    assert not finish(coffee)[200, 262:338].any()


def test_hand_tool_moves_without_painting(coffee: Page) -> None:
    open_editor(coffee)
    coffee.get_by_role("radio", name="Move").check(force=True)
    before = box(coffee)
    x, y = on_screen(coffee, MIDDLE)
    coffee.mouse.move(x, y)
    coffee.mouse.down()
    coffee.mouse.move(x + 60, y + 30)
    coffee.mouse.up()
    after = box(coffee)
    moved = (after["x"] - before["x"], after["y"] - before["y"])
    assert moved == pytest.approx((60, 30), abs=1)
    assert np.all(finish(coffee)[200, 280:320, 3] == 255)

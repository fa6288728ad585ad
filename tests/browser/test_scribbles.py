"""Keep and Remove scribbles, whole subjects, edges and the rest of the touch-up dialog."""

import io
import json
from collections.abc import Iterator

import cv2
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Dialog, Locator, Page, Request, Route, expect

from removal.engine import Hints, Options, Stroke, remove_background
from tests.serving import Server

from .people import create, sign_in
from .test_full_resolution import start, want_full
from .test_remove import COFFEE, card, choose, downloaded, file
from .test_touch_up import on_screen, open_editor

SIZE = (600, 400)
RED, BLUE = (170, 210), (440, 220)  # the middles of two subjects
NARROW = {"200 % zoom": (640, 360), "320 px": (320, 640), "phone": (390, 844), "lying": (844, 390)}


def two_subjects() -> tuple[bytes, np.ndarray, np.ndarray]:
    """A JPEG of a red and a blue oval before a plain wall, and the mask of each."""
    wall = np.linspace(150, 215, SIZE[0], dtype=np.uint8)
    picture = np.dstack([np.tile(line, (SIZE[1], 1)) for line in (wall, wall, wall[::-1])])
    masks = []
    for middle, axes, colour in ((RED, (75, 125), (150, 40, 40)), (BLUE, (80, 115), (40, 60, 150))):
        mask = np.zeros(SIZE[::-1], np.uint8)
        cv2.ellipse(mask, middle, axes, 0, 0, 360, (1,), -1)
        picture[mask > 0] = colour
        masks.append(mask > 0)
    noise = np.random.default_rng(1).normal(0, 4, picture.shape)
    buffer = io.BytesIO()
    pixels = np.clip(picture + noise, 0, 255).astype(np.uint8)
    Image.fromarray(pixels).save(buffer, "JPEG", quality=92)
    return buffer.getvalue(), masks[0], masks[1]


def drawn_alpha(page: Page, x: int, y: int) -> int:
    """The alpha that the canvas shows at a pixel of the picture."""
    pixel = "(it, [x, y]) => it.getContext('2d').getImageData(x, y, 1, 1).data[3]"
    return int(page.locator(".editor-canvas").evaluate(pixel, [x, y]))


def overlap(alpha: np.ndarray, mask: np.ndarray) -> float:
    found = alpha > 127
    return float((found & mask).sum() / (found | mask).sum())


@pytest.fixture
def editor(home: Page) -> Page:
    """The dialog, open on a picture that the server has."""
    choose(home, COFFEE)
    open_editor(home)
    return home


@pytest.fixture
def pair(home: Page) -> Page:
    """The same on a picture of two subjects."""
    choose(home, file("coffee.jpg", two_subjects()[0]))
    open_editor(home)
    return home


def tool(page: Page, name: str) -> None:
    page.get_by_role("radio", name=name, exact=True).check(force=True)


def status(page: Page) -> Locator:
    return page.locator(".editor-status")


def scribble(page: Page, name: str, *points: tuple[int, int]) -> Request:
    """Draw with the brush and wait until the cut-out has it; the request for that."""
    tool(page, name)
    with page.expect_request("**/mended") as sent:
        page.mouse.move(*on_screen(page, points[0]))
        page.mouse.down()
        for point in points[1:]:
            page.mouse.move(*on_screen(page, point), steps=3)
        page.mouse.up()
    expect(status(page)).to_have_text({"Keep": "Kept.", "Remove": "Removed."}[name])
    return sent.value


def apply(page: Page) -> np.ndarray:
    page.locator("#editor").get_by_role("button", name="Apply").click()
    expect(page.locator("#editor")).to_be_hidden()
    return np.asarray(downloaded(page, "coffee.jpg")[1])


def discard(page: Page) -> None:
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Discard").click()
    expect(page.locator("#editor")).to_be_hidden()


def expected(request: Request) -> np.ndarray:
    """What the engine makes of the photo with the scribbles that were sent as hints."""
    hints: dict[str, list[Stroke]] = {"keep": [], "remove": []}
    for said in json.loads(request.post_data or ""):
        points = tuple((float(x), float(y)) for x, y in said["points"])
        hints[said["label"]].append(Stroke(points, said["radius"]))
    options = Options(hints=Hints(**{kind: tuple(strokes) for kind, strokes in hints.items()}))
    content = remove_background(COFFEE.read_bytes(), options).content
    return np.asarray(Image.open(io.BytesIO(content)))


def test_scribbles_give_the_very_cut_out_that_the_engine_gives_for_them(editor: Page) -> None:
    scribble(editor, "Keep", (30, 30), (120, 40))
    request = scribble(editor, "Remove", (300, 180), (330, 200))
    after, engines = apply(editor), expected(request)
    assert after[34, 60, 3] == 255
    assert after[190, 315, 3] == 0
    assert np.array_equal(after[..., 3], engines[..., 3])
    assert np.abs(after.astype(int) - engines).max() <= 2, "browsers decode JPEG their own way"


def test_one_scribble_mends_a_whole_region(pair: Page) -> None:
    expect(pair.get_by_text("Keep and Remove are missing here")).to_be_hidden()
    _, red, blue = two_subjects()
    scribble(pair, "Remove", (430, 180), (450, 250))
    alpha = apply(pair)[..., 3]
    assert overlap(alpha, red | blue) < 0.7
    assert overlap(alpha, red) > 0.95
    open_editor(pair)
    scribble(pair, "Keep", (430, 180), (450, 250))
    assert overlap(apply(pair)[..., 3], red | blue) > 0.95


def test_a_scribble_is_one_step_wherever_the_focus_is(editor: Page) -> None:
    scribble(editor, "Keep", (30, 30), (120, 40))
    scribble(editor, "Keep", (570, 30), (575, 90))
    editor.locator("#editor [name=size]").focus()
    editor.keyboard.press("Control+z")
    expect(status(editor)).to_have_text("Undone.")
    editor.keyboard.press("Control+z")
    expect(editor.get_by_role("button", name="Undo")).to_be_disabled()
    editor.keyboard.press("Control+Shift+z")
    expect(status(editor)).to_have_text("Redone.")
    alpha = apply(editor)[..., 3]
    assert (alpha[34, 60], alpha[60, 572]) == (255, 0)


def test_strokes_elsewhere_stay_and_a_later_scribble_holds(editor: Page) -> None:
    tool(editor, "Erase")
    editor.mouse.click(*on_screen(editor, (300, 200)))
    scribble(editor, "Keep", (30, 30), (120, 40))
    scribble(editor, "Remove", (60, 34))
    alpha = apply(editor)[..., 3]
    assert (alpha[200, 300], alpha[34, 60]) == (0, 0)


def test_scribbles_work_by_keyboard_alone(editor: Page) -> None:
    tool(editor, "Remove")
    canvas = editor.locator(".editor-canvas")
    canvas.focus()
    canvas.press("Shift+ArrowRight")
    canvas.press(" ")
    expect(status(editor)).to_have_text("Removed.")
    assert apply(editor)[200, 300, 3] == 0


def test_a_refusal_is_told_and_changes_nothing(editor: Page, complaints: list[str]) -> None:
    error = {"error": {"status": 400, "code": 1101, "message": "Not so."}}
    editor.route("**/mended", lambda route: route.fulfill(status=400, json=error))
    tool(editor, "Keep")
    editor.mouse.click(*on_screen(editor, (30, 30)))
    expect(status(editor)).to_have_text("Not so.")
    expect(editor.get_by_role("button", name="Undo")).to_be_disabled()
    expect(editor.locator(".trail")).to_have_count(0)


def test_a_scribble_can_be_taken_back_before_it_is_answered(editor: Page) -> None:
    held: list[Route] = []
    editor.route("**/mended", lambda route: held.append(route))
    tool(editor, "Keep")
    editor.mouse.click(*on_screen(editor, (30, 30)))
    expect(status(editor)).to_have_text("Finding the edge …")
    editor.keyboard.press("Control+z")
    expect(editor.locator(".trail")).to_have_count(0)
    expect(editor.get_by_role("button", name="Undo")).to_be_disabled()
    editor.unroute("**/mended")
    scribble(editor, "Keep", (570, 30), (575, 90))
    alpha = apply(editor)[..., 3]
    assert (alpha[30, 30], alpha[60, 572]) == (0, 255)


def test_scribbles_go_on_from_what_was_applied_and_from_a_reload(editor: Page) -> None:
    scribble(editor, "Remove", (300, 180), (330, 200))
    with editor.expect_response(lambda answer: answer.request.method == "PUT"):
        apply(editor)
    editor.reload()
    open_editor(editor)
    scribble(editor, "Keep", (30, 30), (120, 40))
    alpha = apply(editor)[..., 3]
    assert (alpha[190, 315], alpha[34, 60]) == (0, 255)


def test_subjects_are_dropped_and_kept_whole_by_click_and_by_key(pair: Page) -> None:
    _, red, blue = two_subjects()
    expect(pair.get_by_role("radio", name="Subjects")).to_be_checked()
    boxes = pair.get_by_role("checkbox", name="Subject")
    expect(boxes).to_have_count(2)
    pair.mouse.click(*on_screen(pair, BLUE))
    expect(pair.locator("[name=subject]:not(:checked)")).to_have_count(1)
    boxes.first.focus()
    pair.keyboard.press("Space")
    pair.keyboard.press("Space")
    alpha = apply(pair)[..., 3]
    assert overlap(alpha, red) > 0.95
    assert not alpha[blue].any()


def test_edges_move_and_soften_and_can_be_undone(pair: Page) -> None:
    before = np.asarray(downloaded_beside(pair))[..., 3]
    pair.locator(".editor-more summary").click()
    slide(pair, "offset", 6)
    wide = apply(pair)
    assert (wide[..., 3] > 127).sum() > (before > 127).sum() + 2000
    assert wide[RED[1], RED[0] - 78, :3].max() > 130, "the wall beside the oval has come to light"
    open_editor(pair)
    slide(pair, "softness", 8)
    slide(pair, "offset", -3)
    pair.get_by_role("button", name="Undo").click()
    expect(pair.locator("[name=offset]")).to_have_value("0")
    soft = apply(pair)[..., 3]
    assert ((soft > 10) & (soft < 245)).sum() > 2 * (
        (wide[..., 3] > 10) & (wide[..., 3] < 245)
    ).sum()


# Every tile is a slice of its own, and the next turn comes when it is let.
SLOW = """
() => {
  let [now, held] = [performance.now(), true];
  const turns = [];
  performance.now = () => (now += 20);
  window.MessageChannel = class {
    port1 = { close() {} };
    port2 = { postMessage: () => (held ? turns.push(this.port1) : queueMicrotask(() => this.port1.onmessage())) };
  };
  window.goOn = () => {
    held = false;
    for (const port of turns.splice(0)) port.onmessage();
  };
}
"""  # noqa: E501


def test_applying_moved_edges_shows_its_progress_and_can_be_left(pair: Page) -> None:
    pair.evaluate(SLOW)
    pair.locator(".editor-more summary").click()
    slide(pair, "offset", 6)
    dialog, progress = pair.locator("#editor"), pair.get_by_role("progressbar", name="Apply")
    dialog.get_by_role("button", name="Apply").click()
    expect(progress).to_be_visible()
    expect(status(pair)).to_have_text("Moving the edges …")
    pair.keyboard.press("Control+z")
    pair.mouse.click(*on_screen(pair, RED))
    expect(pair.locator("[name=offset]")).to_have_value("6")
    pair.keyboard.press("Escape")
    pair.get_by_role("button", name="Go on touching up").click()
    expect(progress).to_be_hidden()
    pair.evaluate("goOn()")
    expect(dialog).to_be_visible()
    pair.get_by_role("button", name="Undo").click()
    pair.get_by_role("button", name="Redo").click()
    assert apply(pair)[RED[1], RED[0] - 78, 3] == 255


def downloaded_beside(page: Page) -> Image.Image:
    """The cut-out as it is, with the dialog left and opened again."""
    page.keyboard.press("Escape")
    picture = downloaded(page, "coffee.jpg")[1]
    open_editor(page)
    return picture


def slide(page: Page, name: str, value: int) -> None:
    page.locator(f"#editor [name={name}]").fill(str(value))


def test_nothing_is_lost_without_a_question(editor: Page) -> None:
    scribble(editor, "Keep", (30, 30), (120, 40))
    for leave in (
        lambda: editor.keyboard.press("Escape"),
        lambda: editor.locator("#editor").get_by_role("button", name="Cancel").click(),
    ):
        leave()
        editor.get_by_role("button", name="Go on touching up").click()
        expect(editor.locator("#editor")).to_be_visible()
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    editor.on("dialog", stay)
    editor.close(run_before_unload=True)
    expect(editor.locator("#editor")).to_be_visible()
    assert asked == ["beforeunload"]
    discard(editor)
    open_editor(editor)
    editor.keyboard.press("Escape")
    expect(editor.locator("#editor")).to_be_hidden()


def opacity(page: Page) -> float:
    return float(page.locator(".editor-original").evaluate("(it) => getComputedStyle(it).opacity"))


def test_the_original_shows_under_what_is_brought_back_and_whole_on_demand(editor: Page) -> None:
    for name, shown in (("Keep", 0.33), ("Restore", 0.33), ("Erase", 0), ("Remove", 0)):
        tool(editor, name)
        assert opacity(editor) == shown, name
    editor.keyboard.down("o")
    assert opacity(editor) == 1
    editor.keyboard.up("o")
    assert opacity(editor) == 0


def test_space_moves_the_picture_and_does_not_paint(editor: Page) -> None:
    tool(editor, "Erase")
    before = editor.locator(".editor-canvas").bounding_box()
    x, y = on_screen(editor, (300, 200))
    editor.mouse.move(x, y)
    editor.keyboard.down(" ")
    editor.mouse.down()
    editor.mouse.move(x + 40, y + 30)
    editor.mouse.up()
    editor.keyboard.up(" ")
    after = editor.locator(".editor-canvas").bounding_box()
    assert before is not None
    assert after is not None
    assert (after["x"] - before["x"], after["y"] - before["y"]) == pytest.approx((40, 30), abs=1)
    expect(editor.get_by_role("button", name="Undo")).to_be_disabled()


def test_the_brush_has_the_size_of_its_ring_up_to_a_quarter_of_the_view(editor: Page) -> None:
    tool(editor, "Keep")
    view = editor.locator(".editor-view").bounding_box()
    assert view is not None
    largest = float(editor.locator("#editor [name=size]").get_attribute("max") or 0)
    assert largest == pytest.approx(max(view["width"], view["height"]) / 4, abs=1)
    editor.locator("#editor [name=size]").fill("60")
    editor.mouse.move(*on_screen(editor, (300, 200)))
    ring = editor.locator(".brush-ring").bounding_box()
    assert ring is not None
    assert ring["width"] == pytest.approx(60, abs=3)


@pytest.fixture(params=NARROW)
def small(request: pytest.FixtureRequest, browser: Browser, base_url: str) -> Iterator[Page]:
    width, height = NARROW[request.param]
    size = {"width": width, "height": height}
    with browser.new_context(base_url=base_url, viewport=size) as context:
        page = context.new_page()
        page.goto("/")
        choose(page, COFFEE)
        open_editor(page)
        yield page


def test_there_is_room_for_the_picture_on_small_screens(small: Page) -> None:
    box, window = small.locator(".editor-view").bounding_box(), small.viewport_size
    assert box is not None
    assert window is not None
    assert box["height"] >= 0.45 * window["height"]
    assert box["width"] >= 0.55 * window["width"]
    overflow = "(it) => it.scrollWidth - it.clientWidth"
    assert small.locator(".editor-form").evaluate(overflow) <= 0
    scribble(small, "Keep", (30, 30), (120, 40))
    for name in ("Undo", "Original", "Apply"):
        button = small.locator("#editor").get_by_role("button", name=name)
        button.scroll_into_view_if_needed()
        expect(button).to_be_in_viewport()


def test_where_the_server_has_not_stored_the_picture_the_dialog_says_what_is_missing(
    home: Page,
) -> None:
    home.evaluate("""() => {
        const header = XMLHttpRequest.prototype.getResponseHeader;
        XMLHttpRequest.prototype.getResponseHeader = function (name) {
            return name === "X-Kept" ? "0" : header.call(this, name);
        };
    }""")
    choose(home, COFFEE)
    open_editor(home)
    expect(home.get_by_role("radio", name="Keep", exact=True)).to_be_hidden()
    expect(home.get_by_role("radio", name="Erase", exact=True)).to_be_checked()
    expect(home.get_by_text("Keep and Remove are missing here")).to_be_visible()
    expect(home.get_by_text("take a rough scribble")).to_be_hidden()


def test_a_picture_that_only_the_server_can_read_is_shown_and_mended(home: Page) -> None:
    buffer = io.BytesIO()
    Image.open(COFFEE).save(buffer, "TIFF")
    choose(home, file("coffee.tiff", buffer.getvalue(), "image/tiff"))
    card(home, "coffee.tiff").locator("[data-action=touch-up]").click()
    original = home.locator(".editor-original")
    expect(original).to_have_js_property("naturalWidth", 600)
    scribble(home, "Keep", (30, 30), (120, 40))
    home.locator("#editor").get_by_role("button", name="Apply").click()
    assert np.asarray(downloaded(home, "coffee.tiff")[1])[34, 60, 3] == 255


def test_a_large_picture_shows_a_scribble_before_the_cut_out_has_it(
    page: Page, server: Server
) -> None:
    create(server, {"scribbler@example.com": "1"})
    sign_in(page, "scribbler@example.com")
    picture = Image.open(io.BytesIO(two_subjects()[0])).resize((1800, 1200))
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG")
    want_full(page, file("coffee.jpg", buffer.getvalue()))
    start(page)
    with page.expect_response("**/matte"):
        open_editor(page)
    held: list[Route] = []
    page.route("**/mended", lambda route: held.append(route))
    tool(page, "Remove")
    with page.expect_request("**/mended"):
        page.mouse.click(*on_screen(page, BLUE))
    expect(page.locator(".trail")).to_have_count(0)
    assert drawn_alpha(page, BLUE[0] * 3, BLUE[1] * 3) == 0
    expect(page.get_by_role("button", name="Apply")).to_be_enabled()
    held[0].continue_()
    expect(status(page)).to_have_text("Removed.")
    alpha = apply(page)[..., 3]
    assert (alpha[BLUE[1] * 3, BLUE[0] * 3], alpha[RED[1] * 3, RED[0] * 3]) == (0, 255)

"""Removing backgrounds on the page, as a visitor does it."""

import io
import os
import re
import signal
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import BrowserContext, FilePayload, Locator, Page, Route, expect

from tests.serving import Server

from .conftest import SAMPLES

COFFEE = SAMPLES / "coffee.jpg"
ASTRONAUT = SAMPLES / "astronaut.jpg"


def card(page: Page, name: str) -> Locator:
    return page.get_by_role("article", name=name)


def choose(page: Page, *files: Path | FilePayload) -> None:
    page.locator("#file-input").set_input_files(list(files))


def downloaded(page: Page, name: str) -> tuple[str, Image.Image]:
    link = card(page, name).get_by_role("button", name="Download")
    with page.expect_download() as waiting:
        link.click()
    picture = Image.open(waiting.value.path())
    picture.load()
    return waiting.value.suggested_filename, picture


def file(name: str, content: bytes, mime: str = "image/jpeg") -> FilePayload:
    return {"name": name, "mimeType": mime, "buffer": content}


def jpeg(size: tuple[int, int]) -> bytes:
    buffer = io.BytesIO()
    Image.open(ASTRONAUT).resize(size).save(buffer, "JPEG")
    return buffer.getvalue()


def test_chosen_photo_becomes_a_cut_out_to_download(home: Page) -> None:
    choose(home, ASTRONAUT)
    name, picture = downloaded(home, "astronaut.jpg")
    assert name == "astronaut-cutout.png"
    assert (picture.mode, picture.size) == ("RGBA", (512, 512))
    alpha = np.asarray(picture)[..., 3]
    assert alpha[300, 220] == 255, "the suit stays"
    assert alpha[10, 300] < 13, "the wall goes"


def test_photo_chosen_before_the_script_has_come_is_taken_too(page: Page) -> None:
    def choose_first(route: Route) -> None:
        choose(page, COFFEE)
        route.continue_()

    page.route("**/main*.js", choose_first)
    page.goto("/")
    assert downloaded(page, "coffee.jpg")[1].size == (600, 400)


def test_dropped_photo_is_cut_out(home: Page) -> None:
    transfer = home.evaluate_handle(
        """async (url) => {
            const blob = await (await fetch(url)).blob();
            const transfer = new DataTransfer();
            transfer.items.add(new File([blob], "dropped.jpg", { type: "image/jpeg" }));
            return transfer;
        }""",
        home.locator("[name=showcase][value=coffee]").get_attribute("data-photo"),
    )
    home.locator("#drop-zone").dispatch_event("drop", {"dataTransfer": transfer})
    assert downloaded(home, "dropped.jpg")[1].size == (600, 400)


def test_pasted_photo_is_cut_out(home: Page) -> None:
    home.evaluate(
        """async (url) => {
            const blob = await (await fetch(url)).blob();
            const held = new DataTransfer();
            held.items.add(new File([blob], "pasted.jpg", { type: "image/jpeg" }));
            dispatchEvent(new ClipboardEvent("paste", { clipboardData: held }));
        }""",
        home.locator("[name=showcase][value=coffee]").get_attribute("data-photo"),
    )
    assert downloaded(home, "pasted.jpg")[1].size == (600, 400)


def test_sample_shows_its_stored_result_without_the_network_and_is_kept_like_any_other(
    home: Page, server: Server
) -> None:
    home.get_by_role("radio", name="Product").check(force=True)
    (engine,) = server.engine_pids()
    os.kill(engine, signal.SIGSTOP)
    try:
        home.get_by_role("button", name="Open this photo: A cup of coffee on a wooden").click()
        name, picture = downloaded(home, "coffee.jpg")
    finally:
        os.kill(engine, signal.SIGCONT)
    assert (name, picture.mode, picture.size) == ("coffee-cutout.png", "RGBA", (600, 400))
    alpha = np.asarray(picture)[..., 3]
    assert (alpha[200, 300], alpha[390, 10]) == (255, 0), "the cup stays, the table goes"
    home.reload()
    assert np.array_equal(np.asarray(downloaded(home, "coffee.jpg")[1]), np.asarray(picture))
    card(home, "coffee.jpg").get_by_role("button", name="Touch up").click()
    expect(home.get_by_role("radio", name="Keep", exact=True)).to_be_attached()


UNTIL_MOVED = """() => new Promise((done) => {
    const slider = document.querySelector("#showcase .compare-slider");
    const look = () => (slider.value < 40 ? done() : requestAnimationFrame(look));
    look();
})"""


def test_front_page_shows_before_and_after_and_moves_once(page: Page) -> None:
    page.goto("/")
    slider = page.locator("#showcase").get_by_role("slider")
    page.evaluate(UNTIL_MOVED)
    expect(slider).to_have_value("50")
    slider.press("ArrowRight")
    expect(slider).to_have_value("51")
    page.get_by_role("radio", name="Glass").check(force=True)
    shown = page.get_by_role("img", name="A glass of wine on a wooden table")
    expect(shown).to_have_js_property("naturalWidth", 510)
    expect(page.get_by_text("Free, no sign-up, no watermark, 10000 an hour.")).to_be_visible()
    page.emulate_media(reduced_motion="reduce")
    page.reload()
    page.evaluate("() => new Promise((done) => requestIdleCallback(done))")
    expect(slider).to_have_value("50")


def test_several_photos_each_get_a_card(home: Page) -> None:
    choose(home, *(file(f"photo-{number}.jpg", jpeg((160, 160))) for number in range(10)))
    expect(home.get_by_role("article")).to_have_count(10)
    for number in range(10):
        assert downloaded(home, f"photo-{number}.jpg")[1].size == (160, 160)


def test_two_photos_at_most_are_under_way(home: Page) -> None:
    home.route("**/removals", lambda route: None)  # the answer never comes
    choose(home, *(file(f"photo-{number}.jpg", jpeg((64, 64))) for number in range(4)))
    expect(home.locator("[data-state=uploading], [data-state=processing]")).to_have_count(2)
    expect(home.locator("[data-state=waiting]")).to_have_count(2)


def test_photo_above_the_free_size_is_made_smaller(home: Page) -> None:
    photo = jpeg((2000, 1500))
    choose(home, file("large.jpg", photo))
    width, height = downloaded(home, "large.jpg")[1].size
    assert width * height <= 1_200_000 < (width + 2) * (height + 2)
    told = f"{width} × {height} of 2000 × 1500 px"
    expect(card(home, "large.jpg").locator(".card-size")).to_have_text(told)
    (row,) = home.request.get("/removals").json()["pictures"]
    sent = home.request.get(f"/removals/{row['id']}/original").body()
    assert sent.startswith(b"\xff\xd8\xff")
    assert len(sent) < len(photo)


def test_unreadable_file_is_explained_beside_the_others(home: Page) -> None:
    choose(
        home,
        file("broken.jpg", b"\xff\xd8\xff not a photo"),
        file("coffee.jpg", COFFEE.read_bytes()),
    )
    broken = card(home, "broken.jpg")
    expect(broken.get_by_role("alert")).to_contain_text("broken.jpg: This picture")
    expect(broken.get_by_role("button", name="Remove")).to_be_visible()
    expect(broken.get_by_role("button", name="Try again")).to_be_hidden()
    assert downloaded(home, "coffee.jpg")[1].size == (600, 400)


@pytest.mark.parametrize(
    ("payload", "sentence"),
    [
        (file("empty.jpg", b""), "This file is empty"),
        (file("text.txt", b"words", "text/plain"), "This is not a picture"),
    ],
)
def test_hopeless_file_is_not_sent(home: Page, payload: FilePayload, sentence: str) -> None:
    home.route("**/removals", lambda route: pytest.fail("sent"))
    choose(home, payload)
    expect(home.get_by_role("alert")).to_contain_text(sentence)
    expect(home.get_by_role("button", name="Try again")).to_be_hidden()


def test_file_above_the_byte_limit_is_not_sent(home: Page, tmp_path: Path) -> None:
    large = tmp_path / "large.jpg"
    large.write_bytes(b"\0" * (30 * 2**20 + 1))
    choose(home, large)
    expect(home.get_by_role("alert")).to_contain_text("larger than 30 MB")


def test_jpeg_that_only_the_server_can_read_is_cut_out_all_the_same(page: Page) -> None:
    page.add_init_script(
        """const make = createImageBitmap;
        createImageBitmap = async (source, ...more) => {
            if (source instanceof Blob) throw new Error("no codec");
            return make(source, ...more);
        };"""
    )
    page.goto("/")
    choose(page, COFFEE)
    assert downloaded(page, "coffee.jpg")[1].size == (600, 400)
    expect(page.get_by_role("slider")).to_be_hidden()


def test_offline_is_told_and_retry_mends_it(home: Page, context: BrowserContext) -> None:
    context.set_offline(True)
    choose(home, COFFEE)
    expect(home.get_by_role("alert")).to_contain_text("server cannot be reached")
    context.set_offline(False)
    home.get_by_role("button", name="Try again").click()
    assert downloaded(home, "coffee.jpg")[1].size == (600, 400)


def test_cancelled_photo_can_be_started_again(home: Page) -> None:
    home.route("**/removals", lambda route: None)
    choose(home, COFFEE)
    home.get_by_role("button", name="Cancel").click()
    expect(home.get_by_role("alert")).to_have_text("coffee.jpg: Cancelled.")
    home.unroute("**/removals")
    home.get_by_role("button", name="Try again").click()
    assert downloaded(home, "coffee.jpg")[1].size == (600, 400)


def test_waiting_photo_takes_the_place_of_a_cancelled_one(home: Page) -> None:
    home.route("**/removals", lambda route: None)
    choose(home, *(file(f"photo-{number}.jpg", jpeg((64, 64))) for number in range(3)))
    expect(card(home, "photo-2.jpg").locator(".status-line")).to_have_text("Waiting for its turn …")
    card(home, "photo-0.jpg").get_by_role("button", name="Cancel").click()
    expect(home.locator("[data-state=waiting]")).to_have_count(0)


def test_busy_server_is_asked_again_without_the_visitor(home: Page) -> None:
    answers = iter([True])

    def once_busy(route):
        if next(answers, False):
            body = '{"error": {"status": 429, "code": 1015, "message": "Slow down."}}'
            headers = {"Retry-After": "1", "Content-Type": "application/json"}
            route.fulfill(status=429, headers=headers, body=body)
        else:
            route.continue_()

    home.route("**/removals", once_busy)
    choose(home, COFFEE)
    expect(home.locator(".status-line")).to_have_text(re.compile("server is busy"))
    assert downloaded(home, "coffee.jpg")[1].size == (600, 400)


def test_whoever_waits_long_is_told_for_how_long(home: Page, server: Server) -> None:
    home.clock.install()
    (engine,) = server.engine_pids()
    os.kill(engine, signal.SIGSTOP)
    try:
        choose(home, COFFEE)
        line = home.locator(".status-line")
        expect(line).to_have_text("Cutting out …")
        home.clock.run_for(65_000)
        expect(line).to_have_text(re.compile(r"waiting its turn … 6\d s"))
    finally:
        os.kill(engine, signal.SIGCONT)
    expect(home.locator("[data-state=done]")).to_be_visible()
    expect(line).to_have_text("")


def test_removed_card_leaves_the_page_as_it_was(home: Page) -> None:
    choose(home, COFFEE)
    home.get_by_role("button", name="Remove").click()
    expect(home.get_by_role("article")).to_have_count(0)
    expect(home.get_by_role("heading", level=1)).to_be_visible()


def test_slider_moves_by_keyboard(page: Page) -> None:
    page.emulate_media(reduced_motion="reduce")
    page.goto("/")
    choose(page, COFFEE)
    slider = page.get_by_role("slider")
    expect(slider).to_have_value("0")
    slider.press("ArrowRight")
    expect(slider).to_have_value("1")
    split = (
        card(page, "coffee.jpg")
        .locator(".compare")
        .evaluate("it => it.style.getPropertyValue('--split')")
    )
    assert split == "1%"


def test_picture_that_the_browser_cannot_show_is_cut_out_all_the_same(home: Page) -> None:
    buffer = io.BytesIO()
    Image.open(COFFEE).save(buffer, "TIFF")
    choose(home, file("scan.tif", buffer.getvalue(), "image/tiff"))
    assert downloaded(home, "scan.tif")[1].size == (600, 400)
    expect(home.get_by_role("img", name="scan.tif, background removed")).to_be_visible()
    expect(home.get_by_role("slider")).to_be_hidden()
    home.get_by_role("button", name="View large").click()
    viewer = home.get_by_role("dialog", name="scan.tif")
    expect(viewer.get_by_role("button", name="Original")).to_be_enabled()
    expect(viewer.get_by_role("img", name="scan.tif, original")).to_have_count(1)

"""What a reload, a restart or a slip leaves of the visitor's pictures."""

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from tests.serving import Server, serving

from .conftest import environment_of
from .people import create, sign_in
from .test_options import ready
from .test_remove import ASTRONAUT, COFFEE, card, choose, downloaded, file, jpeg
from .test_touch_up import MIDDLE, on_screen, open_editor, set_brush

SIZES = {"desktop": {"width": 1280, "height": 800}, "phone": {"width": 390, "height": 844}}


def pixels(page: Page, name: str = "coffee.jpg") -> np.ndarray:
    return np.asarray(downloaded(page, name)[1])


def kept_files(server: Server) -> list[Path]:
    return sorted((Path(server.environment["DATA_DIR"]) / "media" / "page-pictures").glob("*"))


def slow_picture() -> bytes:
    """A TIFF that is sent as it is and takes the server a while."""
    buffer = io.BytesIO()
    Image.open(ASTRONAUT).resize((4000, 4000)).save(buffer, "TIFF", compression="jpeg")
    return buffer.getvalue()


@pytest.mark.parametrize("size", SIZES)
def test_results_survive_a_reload_to_the_last_bit(
    browser: Browser, base_url: str, size: str
) -> None:
    with browser.new_context(base_url=base_url, viewport=SIZES[size]) as context:
        page = context.new_page()
        page.goto("/")
        choose(page, COFFEE)
        before = pixels(page)
        page.reload()
        assert np.array_equal(pixels(page), before)
        expect(page.get_by_role("img", name="coffee.jpg, original")).to_be_visible()


def test_language_is_switched_without_losing_the_results(home: Page) -> None:
    choose(home, COFFEE)
    ready(home, "coffee.jpg")
    home.get_by_role("button", name="日本語").click()
    download = card(home, "coffee.jpg").get_by_role("button", name="ダウンロード")
    with home.expect_download() as waiting:
        download.click()
    with Image.open(waiting.value.path()) as picture:
        assert picture.size == (600, 400)


def test_what_was_touched_up_survives_a_reload(home: Page) -> None:
    choose(home, COFFEE)
    ready(home, "coffee.jpg")
    open_editor(home)
    set_brush(home, "Erase", 40)
    home.mouse.click(*on_screen(home, MIDDLE))
    with home.expect_response(lambda answer: answer.request.method == "PUT"):
        home.locator("#editor").get_by_role("button", name="Apply").click()
    before = pixels(home)
    assert not before[200, 300].any()
    home.reload()
    assert np.array_equal(pixels(home), before)
    open_editor(home)
    set_brush(home, "Restore", 40)
    home.mouse.click(*on_screen(home, MIDDLE))
    home.locator("#editor").get_by_role("button", name="Apply").click()
    assert pixels(home)[200, 300, 3] == 255


def test_work_goes_on_while_the_page_is_reloaded(home: Page) -> None:
    choose(home, file("slow.tif", slow_picture(), "image/tiff"))
    home.locator("[data-state=processing]").wait_for()
    home.reload()
    assert pixels(home, "slow.tif").shape == (1095, 1095, 4)


def test_pictures_that_were_not_sent_are_named_after_a_reload(home: Page) -> None:
    def hold(route: Route) -> None:
        """The answer never comes."""

    home.route("**/removals", hold)
    choose(home, *(file(f"photo-{n}.jpg", COFFEE.read_bytes()) for n in range(4)))
    home.locator("[data-state=waiting]").nth(1).wait_for()
    home.reload()
    expect(home.locator("#lost")).to_contain_text("photo-2.jpg, photo-3.jpg. Please choose them")
    home.reload()
    expect(home.locator("#lost")).to_be_hidden()


def test_removed_picture_is_gone_from_the_server_too(home: Page, server: Server) -> None:
    before = kept_files(server)
    choose(home, COFFEE)
    ready(home, "coffee.jpg")
    assert len(kept_files(server)) == len(before) + 2
    remove = home.get_by_role("button", name="Remove", exact=True)
    remove.click()
    undo = home.get_by_role("button", name="Undo: bring back coffee.jpg")
    expect(undo).to_be_focused()
    undo.press("Enter")
    expect(remove).to_be_focused()
    remove.click()
    home.keyboard.press("Control+z")
    assert downloaded(home, "coffee.jpg")[1].size == (600, 400)
    assert len(kept_files(server)) == len(before) + 2, "nothing is deleted while it can come back"
    home.clock.install()
    remove.click()
    with home.expect_response(lambda answer: answer.request.method == "DELETE"):
        home.clock.run_for(10_000)
    expect(undo).to_be_hidden()
    assert kept_files(server) == before


def test_picture_removed_as_the_page_is_left_is_gone(home: Page, server: Server) -> None:
    before = kept_files(server)
    choose(home, COFFEE, ASTRONAUT)
    ready(home, "coffee.jpg")
    ready(home, "astronaut.jpg")
    card(home, "coffee.jpg").get_by_role("button", name="Remove", exact=True).click()
    home.reload()
    expect(home.get_by_role("article")).to_have_count(1)
    ready(home, "astronaut.jpg")
    assert len(kept_files(server)) == len(before) + 2


def test_all_are_deleted_once_confirmed(home: Page, server: Server) -> None:
    before = kept_files(server)
    choose(home, COFFEE, ASTRONAUT)
    ready(home, "coffee.jpg")
    ready(home, "astronaut.jpg")
    dialog = home.locator("#forget-dialog")
    home.get_by_role("button", name="Delete all").click()
    dialog.get_by_role("button", name="Cancel").click()
    expect(home.get_by_role("article")).to_have_count(2)
    home.get_by_role("button", name="Delete all").click()
    dialog.get_by_role("button", name="Delete all").click()
    expect(home.get_by_role("article")).to_have_count(0)
    assert kept_files(server) == before


def test_other_browsers_see_nothing(home: Page, browser: Browser, base_url: str) -> None:
    choose(home, COFFEE)
    ready(home, "coffee.jpg")
    with browser.new_context(base_url=base_url) as stranger:
        page = stranger.new_page()
        page.goto("/")
        expect(page.get_by_role("article")).to_have_count(0)


@pytest.fixture
def restartable(prepared: Path) -> Iterator[Server]:
    server = Server(prepared, prepared=True, **environment_of(prepared))
    server.wait()
    yield server
    server.process.kill()
    server.process.wait()


def test_where_nothing_is_kept_the_browser_brings_all_of_it_through_signing_in(
    browser: Browser, prepared: Path
) -> None:
    """What was touched up, what waits for the next hour, and the network chosen for each."""
    environment = environment_of(prepared) | {
        "REMOVAL_PAGE_KEEP_SECONDS": "0",
        "REMOVAL_MODELS": "u2netp,isnet",
        "REMOVAL_ANONYMOUS_PER_HOUR": "1",
    }
    with serving(prepared, prepared=True, **environment) as server:
        create(server, {"keeper@example.com": "1"})
        page = browser.new_page(base_url=server.url)
        page.goto("/")
        networks = page.locator("#networks input")
        networks.nth(1).check(force=True)
        choose(page, file("large.jpg", jpeg((1300, 1000))), file("small.jpg", jpeg((64, 64))))
        expect(page.locator("[data-state=done], [data-state=waiting]")).to_have_count(2)
        page.locator("[data-state=done] [data-action=touch-up]").click()
        set_brush(page, "Erase", 40)
        page.mouse.click(*on_screen(page, MIDDLE))
        page.locator("#editor").get_by_role("button", name="Apply").click()
        before = pixels(page, "large.jpg")
        page.locator("[data-offer=take]").first.click()
        page.wait_for_url("**/accounts/**")
        used: list[str | None] = []
        page.on("response", lambda it: used.append(it.headers.get("x-model")))
        sign_in(page, "keeper@example.com")
        expect(page.locator("[data-state=done]")).to_have_count(2)
        assert np.array_equal(pixels(page, "large.jpg"), before)
        assert [model for model in used if model] == ["isnet", "isnet"]
        page.close()


def test_restart_of_the_server_is_told_and_retry_mends_it(
    context: BrowserContext, restartable: Server, prepared: Path
) -> None:
    page = context.new_page()
    page.goto(restartable.url)
    choose(page, file("slow.tif", slow_picture(), "image/tiff"))
    page.locator("[data-state=processing]").wait_for()
    restartable.process.kill()
    restartable.process.wait()
    expect(card(page, "slow.tif").get_by_role("alert")).to_contain_text("cannot be reached")
    again = Server(prepared, restartable.port, prepared=True, **environment_of(prepared))
    try:
        again.wait()
        page.get_by_role("button", name="Try again").click()
        assert pixels(page, "slow.tif").shape == (1095, 1095, 4)
    finally:
        again.stop()

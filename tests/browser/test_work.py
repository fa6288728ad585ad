"""Work with many photos: the bar in view, what waits, what is missing, a shop's whole afternoon."""

import zipfile
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, FilePayload, Locator, Page, Route, expect

from tests.engine.shadows import scene
from tests.pictures import encoded

from .conftest import SAMPLES
from .test_options import open_more, ready
from .test_recipes import open_own, save, take
from .test_remove import COFFEE, card, choose, downloaded, file

RED = (200, 20, 30)
COUNT, WORKED_ON = 30, 5
SIZE = (240, 180)


def product(seed: int) -> bytes:
    """A small photo of a red thing on an even ground, with its soft shadow."""
    made = scene(seed, SIZE)
    matte = made.alpha[..., None] / 255
    photo = made.rgb * (1 - matte) + np.array(RED) * matte
    return encoded(Image.fromarray(photo.astype(np.uint8)), "JPEG", quality=95)


def products(count: int) -> list[FilePayload]:
    return [file(f"photo-{number:02}.jpg", product(number)) for number in range(count)]


def red_of(picture: Image.Image) -> np.ndarray:
    """Where the picture is coloured: the subject, not its grey shadow."""
    pixels = np.asarray(picture).astype(int)
    return np.asarray(pixels.max(axis=2) - pixels.min(axis=2) > 8)


def share(red: np.ndarray) -> float:
    """Of the frame, by the direction that the subject fills more of."""
    rows, columns = np.nonzero(red)
    height, width = red.shape
    return max((np.ptp(rows) + 1) / height, (np.ptp(columns) + 1) / width)


def bar(page: Page) -> Locator:
    return page.locator("#bar")


def test_a_shops_afternoon(home: Page, remember: Callable[[Page, FilePayload], None]) -> None:
    """Thirty photos: the server works on the first, the others are answered like one it knows."""
    choose(home, *products(WORKED_ON))
    expect(bar(home)).to_contain_text(f"{WORKED_ON} of {WORKED_ON} ready")
    known = file("known.jpg", product(WORKED_ON))
    remember(home, known)
    names = [f"photo-{number:02}.jpg" for number in range(COUNT)]
    choose(home, *[file(name, product(WORKED_ON)) for name in names[WORKED_ON:]])
    take(home, "Instagram square")
    open_more(home)
    home.get_by_role("combobox", name="Shadow", exact=True).select_option("natural")
    open_own(home)
    form = home.locator("#options")
    form.get_by_label("Size").select_option("custom")
    form.get_by_label("Width").fill("400")
    form.get_by_label("Height").fill("300")
    form.get_by_label("Subject fills (%)").fill("60")
    save(home, "Shop")
    removed = card(home, "photo-04.jpg")
    removed.get_by_role("button", name="Remove", exact=True).click()
    home.get_by_role("button", name="Undo: bring back photo-04.jpg").click()
    expect(removed).to_be_visible()
    card(home, "photo-03.jpg").get_by_role("button", name="Touch up").click()
    home.get_by_role("radio", name="Erase", exact=True).check(force=True)
    canvas = home.locator(".editor-canvas").bounding_box()
    assert canvas is not None
    marks = np.argwhere(scene(3, SIZE).alpha > 200)
    row, column = marks.mean(axis=0)
    home.mouse.click(
        canvas["x"] + (column + 0.5) * canvas["width"] / SIZE[0],
        canvas["y"] + (row + 0.5) * canvas["height"] / SIZE[1],
    )
    home.locator("#editor").get_by_role("button", name="Apply").click()
    boxes = home.locator(".recipe-several")
    for name in ("Instagram square", "Shop"):
        boxes.get_by_text(name, exact=True).click()
    expect(bar(home)).to_contain_text(f"{COUNT} of {COUNT} ready")
    with home.expect_download() as waiting:
        boxes.get_by_role("button").click()
    with zipfile.ZipFile(waiting.value.path()) as archive:
        files = {name: Image.open(archive.open(name)) for name in archive.namelist()}
        shadows = {name: checked(name, picture) for name, picture in files.items()}
    assert list(files) == [f"{kind}/{name}" for kind in SIZES for name in names]
    assert sum(shadows.values()) > len(shadows) / 2, "most have a shadow that can be kept"


SIZES = {"Instagram square": ((1080, 1080), 0.85), "Shop": ((400, 300), 0.6)}


def checked(name: str, picture: Image.Image) -> bool:
    """Hold a file to its recipe; whether it has a shadow."""
    size, fill = SIZES[name.split("/")[0]]
    pixels, red = np.asarray(picture), red_of(picture)
    assert (picture.format, picture.size) == ("JPEG", size)
    assert share(red) == pytest.approx(fill, abs=0.01), name
    white = (pixels == 255).all(axis=2)
    assert white[:20, :20].all(), name
    assert white[:20, -20:].all(), f"{name}: above it, where no shadow falls"
    rows, columns = np.nonzero(red)
    middle = red[int(rows.mean()), int(columns.mean())]
    assert middle == (not name.endswith("photo-03.jpg")), name
    around = ~cv2.dilate(red.astype(np.uint8), np.ones((9, 9))).astype(bool)
    return bool((pixels[around].max(axis=1) < 245).any())


PHONE = {"width": 390, "height": 844}


def test_the_bar_stays_in_view_and_a_download_can_wait(browser: Browser, base_url: str) -> None:
    held: list[Route] = []
    with browser.new_context(base_url=base_url, viewport=PHONE, has_touch=True) as context:
        page = context.new_page()
        begun: list[bool] = []

        def answer(route: Route) -> None:
            if begun:
                route.continue_()
            else:
                held.append(route)

        page.route("**/removals", answer)
        page.goto("/")
        photos = products(4)
        choose(page, *photos, file("words.pdf", b"%PDF", "application/pdf"))
        expect(page.locator("[data-state=waiting]")).to_have_count(2)
        waiting = card(page, "photo-03.jpg")
        expect(waiting.get_by_role("img", name="photo-03.jpg, original")).to_be_visible()
        expect(waiting.locator(".veil .progress")).to_be_hidden()
        expect(card(page, "photo-00.jpg").locator(".veil .progress")).to_be_visible()
        told = page.get_by_text("This browser cannot show").filter(visible=True)
        expect(told).to_have_count(0)
        waiting.evaluate("(it) => it.scrollIntoView({ block: 'end' })")
        box = bar(page).bounding_box()
        assert box is not None
        assert box["y"] == 0
        assert box["height"] < 130
        expect(bar(page)).to_contain_text("1 of 5")
        bar(page).get_by_role("combobox", name="Background").select_option("white")
        expect(page.locator("#options").get_by_label("White")).to_be_checked()
        begun.append(True)
        held[0].continue_()
        ready(page, "photo-00.jpg")
        card(page, "photo-00.jpg").get_by_role("slider").tap()
        page.get_by_role("dialog", name="photo-00.jpg").get_by_role("button", name="Close").tap()
        bar(page).get_by_role("button", name="Download all (ZIP)").click()
        dialog = page.get_by_role("dialog", name="Some are not ready yet")
        expect(dialog).to_contain_text("photo-01.jpg")
        with page.expect_download() as saving:
            dialog.get_by_role("button", name="Wait, then download all").click()
            expect(bar(page).get_by_role("button", name="Do not wait")).to_be_visible()
            held[1].continue_()
        with zipfile.ZipFile(saving.value.path()) as archive:
            assert archive.namelist() == [f"photo-{n:02}-cutout.jpg" for n in range(4)]
        expect(
            page.get_by_role("alert").filter(has_text="Not in the ZIP: words.pdf.")
        ).to_be_visible()


def test_options_survive_a_reload(coffee: Page) -> None:
    take(coffee, "Instagram square")
    coffee.reload()
    choose(coffee, COFFEE)
    expect(card(coffee, "coffee.jpg").locator(".card-size")).to_contain_text("1080 × 1080 px")
    expect(bar(coffee).get_by_label("Recipe")).to_have_value("instagram_square")
    red = file("red.png", encoded(Image.new("RGB", (90, 90), RED)), "image/png")
    coffee.locator("#background-file").set_input_files(red)
    expect(coffee.locator("#options").get_by_label("Picture", exact=True)).to_be_checked()
    coffee.reload()
    choose(coffee, COFFEE)
    expect(coffee.locator("#options").get_by_label("Picture", exact=True)).to_be_checked()
    corner = downloaded(coffee, "coffee.jpg")[1].getpixel((5, 5))
    assert np.abs(np.subtract(corner, RED)).max() <= 3
    coffee.locator("#options").get_by_text("Transparent", exact=True).click()
    coffee.reload()
    choose(coffee, COFFEE)
    ready(coffee, "coffee.jpg")
    expect(coffee.locator("#options").get_by_label("Transparent")).to_be_checked()


def test_a_dropped_folder_is_walked(home: Page, tmp_path: Path) -> None:
    for name in ("shop/b.jpg", "shop/inside/a.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(product(1))
    (tmp_path / "shop" / "list.txt").write_text("not a picture")
    session = home.context.new_cdp_session(home)
    data = {"items": [], "files": [str(tmp_path / "shop")], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        session.send("Input.dispatchDragEvent", {"type": kind, "x": 700, "y": 300, "data": data})
    expect(home.get_by_role("article")).to_have_count(2)
    assert home.locator(".card-name").all_inner_texts() == ["b.jpg", "a.jpg"]


def test_troubles_are_told_where_one_looks(
    coffee: Page, context: BrowserContext, complaints: list[str]
) -> None:
    with coffee.expect_file_chooser() as choosing:
        coffee.locator("#options").get_by_text("Picture", exact=True).click()
    choosing.value.set_files(SAMPLES / "chelsea.jpg")
    expect(coffee.get_by_role("radio", name="Picture")).to_be_checked()
    open_more(coffee)
    coffee.set_viewport_size({"width": 1280, "height": 420})
    coffee.get_by_label("Margin").fill("wide")
    expect(coffee.locator(".option-error")).to_be_in_viewport()
    coffee.get_by_label("Margin").fill("0")
    coffee.get_by_role("button", name="Remove", exact=True).click()
    context.set_offline(True)
    coffee.locator("[data-sample]").first.click()
    trouble = coffee.get_by_role("alert").filter(has_text="sample could not be loaded")
    expect(trouble).to_be_visible()
    complaints.clear()  # the console has it, too

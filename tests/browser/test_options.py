"""How results are shaped on the page, and how they leave it."""

import io
import zipfile

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import BrowserContext, Page, expect

from .conftest import ask
from .test_remove import ASTRONAUT, COFFEE, card, choose, downloaded, file


def open_more(page: Page) -> None:
    page.get_by_text("Crop, size and format").click()


def pick(page: Page, background: str) -> None:
    page.locator("#options").get_by_text(background, exact=True).click()


def ready(page: Page, name: str) -> None:
    expect(card(page, name).get_by_role("button", name="Download")).to_be_visible()


def from_server(page: Page, name: str, content: bytes, mime: str) -> np.ndarray:
    """The PNG that the server makes of the same picture."""
    with Image.open(io.BytesIO(ask(page, file(name, content, mime), "png").body())) as picture:
        return np.asarray(picture)


def test_rebuilt_result_is_the_servers_to_the_last_bit(home: Page) -> None:
    buffer = io.BytesIO()
    Image.open(ASTRONAUT).save(buffer, "PNG")
    choose(home, file("astronaut.png", buffer.getvalue(), "image/png"))
    found = np.asarray(downloaded(home, "astronaut.png")[1])
    wanted = from_server(home, "astronaut.png", buffer.getvalue(), "image/png")
    assert np.array_equal(found, wanted)


def test_rebuilt_result_of_a_jpeg_differs_by_two_levels_at_most(home: Page) -> None:
    choose(home, COFFEE)
    found = np.asarray(downloaded(home, "coffee.jpg")[1]).astype(int)
    wanted = from_server(home, "coffee.jpg", COFFEE.read_bytes(), "image/jpeg").astype(int)
    assert np.array_equal(found[..., 3], wanted[..., 3])
    assert np.abs(found - wanted).max() <= 2


def test_picture_with_transparency_of_its_own_keeps_it(home: Page) -> None:
    picture = Image.open(ASTRONAUT).convert("RGBA")
    picture.putalpha(Image.linear_gradient("L").resize(picture.size))
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    choose(home, file("faded.png", buffer.getvalue(), "image/png"))
    found = np.asarray(downloaded(home, "faded.png")[1])
    wanted = from_server(home, "faded.png", buffer.getvalue(), "image/png")
    assert np.array_equal(found, wanted)


def test_crop_and_margin_shape_preview_and_file_alike(home: Page) -> None:
    choose(home, ASTRONAUT)
    whole = np.asarray(downloaded(home, "astronaut.jpg")[1])
    rows, columns = np.nonzero(whole[..., 3] >= 13)
    box = whole[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    open_more(home)
    home.get_by_text("Crop to the subject").click()
    home.get_by_label("Margin").fill("10px 20px")
    found = np.asarray(downloaded(home, "astronaut.jpg")[1])
    assert found.shape == (box.shape[0] + 20, box.shape[1] + 40, 4)
    assert np.array_equal(found[10:-10, 20:-20], box)
    size = f"{found.shape[1]} × {found.shape[0]} px"
    expect(card(home, "astronaut.jpg").locator(".card-size")).to_have_text(size)


def test_size_and_position_are_kept(coffee: Page) -> None:
    open_more(coffee)
    coffee.locator("#options").get_by_label("Size").select_option("1000 1000")
    coffee.get_by_label("Position").select_option("bottom")
    picture = np.asarray(downloaded(coffee, "coffee.jpg")[1])
    assert picture.shape == (1000, 1000, 4)
    assert picture[:333, :, 3].max() == 0, "spare height lies above"
    assert picture[340:, :, 3].max() == 255


@pytest.mark.parametrize(("name", "colour"), [("White", (255, 255, 255)), ("Black", (0, 0, 0))])
def test_plain_background_makes_a_jpeg(astronaut: Page, name: str, colour: tuple[int, ...]) -> None:
    pick(astronaut, name)
    file_name, picture = downloaded(astronaut, "astronaut.jpg")
    assert (file_name, picture.format) == ("astronaut-cutout.jpg", "JPEG")
    corner = np.asarray(picture)[5, 350].astype(int)
    assert np.abs(corner - colour).max() <= 3


def test_own_colour_lies_behind_the_subject(astronaut: Page) -> None:
    pick(astronaut, "Colour")
    astronaut.get_by_label("Choose the background colour").fill("#3366cc")
    open_more(astronaut)
    astronaut.get_by_label("Format").select_option("png")
    picture = np.asarray(downloaded(astronaut, "astronaut.jpg")[1].convert("RGB"))
    assert tuple(picture[5, 350]) == (0x33, 0x66, 0xCC)


def test_own_picture_lies_behind_the_subject(astronaut: Page) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (90, 30), (200, 30, 40)).save(buffer, "PNG")
    astronaut.locator("#background-file").set_input_files(
        file("red.png", buffer.getvalue(), "image/png")
    )
    expect(astronaut.get_by_role("radio", name="Picture")).to_be_checked()
    picture = np.asarray(downloaded(astronaut, "astronaut.jpg")[1].convert("RGB")).astype(int)
    assert np.abs(picture[5, 350] - (200, 30, 40)).max() <= 3


@pytest.mark.parametrize(
    ("choice", "kind", "mode"), [("webp", "WEBP", "RGBA"), ("mask", "PNG", "L")]
)
def test_format_is_what_was_chosen(coffee: Page, choice: str, kind: str, mode: str) -> None:
    open_more(coffee)
    coffee.get_by_label("Format").select_option(choice)
    picture = downloaded(coffee, "coffee.jpg")[1]
    assert (picture.format, picture.mode) == (kind, mode)


def test_impossible_margin_is_explained_and_the_rest_stays(coffee: Page) -> None:
    open_more(coffee)
    coffee.get_by_label("Margin").fill("wide")
    expect(coffee.locator(".option-error")).to_contain_text("one to four lengths")
    coffee.get_by_label("Margin").fill("5%")
    expect(coffee.locator(".option-error")).to_be_hidden()
    expect(card(coffee, "coffee.jpg").locator(".card-size")).to_have_text("660 × 460 px")


def test_all_results_come_as_one_zip(home: Page) -> None:
    choose(home, COFFEE, ASTRONAUT)
    ready(home, "coffee.jpg")
    ready(home, "astronaut.jpg")
    with home.expect_download() as waiting:
        home.get_by_role("button", name="Download all (ZIP)").click()
    with zipfile.ZipFile(waiting.value.path()) as archive:
        assert archive.namelist() == ["coffee-cutout.png", "astronaut-cutout.png"]
        assert Image.open(archive.open("coffee-cutout.png")).size == (600, 400)


def test_result_is_copied_as_png(coffee: Page, context: BrowserContext) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    card(coffee, "coffee.jpg").get_by_role("button", name="Copy").click()
    expect(coffee.locator("#announcer")).to_have_text("coffee.jpg is copied.")
    expect(card(coffee, "coffee.jpg").get_by_role("button", name="Copied.")).to_be_visible()
    kinds = coffee.evaluate("navigator.clipboard.read().then((items) => items[0].types)")
    assert kinds == ["image/png"]


def test_options_are_shown_as_code(coffee: Page) -> None:
    pick(coffee, "White")
    open_more(coffee)
    coffee.get_by_text("Crop to the subject").click()
    coffee.get_by_label("Margin").fill("5% 10px")
    coffee.get_by_role("button", name="Show as code").click()
    program = coffee.locator("[data-code=curl]").inner_text()
    assert "-F 'background.color=#FFFFFF'" in program
    assert "-F result.crop_to_foreground=true" in program
    assert "-F 'result.margin=5% 10px'" in program
    assert "-o cut-out.jpg" in program
    compile(coffee.locator("[data-code=python]").inner_text(), "sample.py", "exec")
    coffee.keyboard.press("Escape")
    expect(coffee.locator("#code-dialog")).to_be_hidden()


def test_code_leaves_a_background_picture_out_and_says_so(coffee: Page) -> None:
    coffee.locator("#background-file").set_input_files(ASTRONAUT)
    expect(coffee.get_by_label("Picture", exact=True)).to_be_checked()
    coffee.get_by_role("button", name="Show as code").click()
    expect(coffee.get_by_text("The background picture is left out")).to_be_visible()
    assert "-o cut-out.png" in coffee.locator("[data-code=curl]").inner_text()


def test_without_a_clipboard_no_button_offers_copying(page: Page) -> None:
    page.add_init_script("delete Navigator.prototype.clipboard")  # as on plain HTTP
    page.goto("/")
    page.locator("#show-code").evaluate("(button) => button.click()")
    expect(page.locator("#code-dialog")).to_be_visible()
    expect(page.get_by_role("button", name="Copy")).to_have_count(0)
    page.goto("/docs")
    expect(page.locator("[data-copy]").first).to_be_hidden()

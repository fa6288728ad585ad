"""Recipes and shadows on the page, as a shop owner uses them."""

import io
import zipfile

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.serving import Server

from .people import create, sign_in
from .test_options import open_more, pick, ready
from .test_remove import ASTRONAUT, COFFEE, card, choose, downloaded, file


def recipe(page: Page, name: str):
    return page.locator("#recipes").get_by_role("radio", name=name, exact=True)


def take(page: Page, name: str) -> None:
    page.locator("#recipes .recipe-chips").get_by_text(name, exact=True).click()


def open_own(page: Page) -> None:
    page.get_by_text("Own recipes, and several at once").click()


def save(page: Page, name: str) -> None:
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Name", exact=True).press("Enter")
    expect(page.locator(".recipe-said")).to_have_text(f"{name} is saved.")


def test_a_recipe_sets_everything_and_shows_itself_in_the_code(astronaut: Page) -> None:
    take(astronaut, "Amazon main image")
    name, picture = downloaded(astronaut, "astronaut.jpg")
    pixels = np.asarray(picture)
    assert (name, picture.format, picture.size) == ("astronaut-cutout.jpg", "JPEG", (2000, 2000))
    rows, columns = np.nonzero((pixels < 250).any(axis=2))
    longest = max(np.ptp(rows), np.ptp(columns)) + 1
    assert longest / 2000 == pytest.approx(0.85, abs=0.01)
    assert (pixels[:100] == 255).all()
    astronaut.get_by_role("button", name="Show as code").click()
    assert "-F recipe=amazon" in astronaut.locator("[data-code=curl]").inner_text()
    astronaut.keyboard.press("Escape")
    expect(astronaut.get_by_label("Subject fills (%)")).to_have_value("85")
    open_more(astronaut)
    astronaut.get_by_role("combobox", name="Shadow", exact=True).select_option("drop")
    expect(recipe(astronaut, "Amazon main image")).to_be_checked()
    astronaut.get_by_role("button", name="Show as code").click()
    program = astronaut.locator("[data-code=curl]").inner_text()
    assert "-F recipe=amazon" in program
    assert "-F result.shadow=drop" in program
    assert "target_size" not in program
    astronaut.keyboard.press("Escape")
    pick(astronaut, "Black")
    expect(recipe(astronaut, "Own settings")).to_be_checked()
    take(astronaut, "Instagram story")
    expect(card(astronaut, "astronaut.jpg").locator(".card-size")).to_contain_text("1080 × 1920 px")


def test_the_share_of_the_frame_is_a_margin(coffee: Page) -> None:
    open_more(coffee)
    coffee.locator("#options").get_by_label("Size").select_option("1000 1000")
    coffee.get_by_label("Subject fills (%)").fill("60")
    expect(coffee.get_by_label("Crop to the subject")).to_be_checked()
    expect(coffee.get_by_label("Margin")).to_have_value("20%")
    coffee.get_by_label("Margin").fill("5%")
    expect(coffee.get_by_label("Subject fills (%)")).to_have_value("90")


def test_own_recipes_stay_in_the_browser(coffee: Page) -> None:
    pick(coffee, "Black")
    open_own(coffee)
    save(coffee, "Night <b>")
    expect(recipe(coffee, "Night <b>")).to_be_checked()
    coffee.reload()
    choose(coffee, COFFEE)
    take(coffee, "Night <b>")
    expect(coffee.get_by_role("radio", name="Black")).to_be_checked()
    open_own(coffee)
    coffee.get_by_role("button", name="Delete the recipe Night <b>").click()
    expect(recipe(coffee, "Night <b>")).to_have_count(0)


def test_own_recipes_of_somebody_signed_in_are_in_the_account(
    server: Server, browser: Browser, base_url: str
) -> None:
    create(server, {"shop@example.com": "1"})
    contexts = [browser.new_context(base_url=base_url) for _ in range(2)]
    page, other = (context.new_page() for context in contexts)
    sign_in(page, "shop@example.com")
    choose(page, COFFEE)
    pick(page, "Black")
    open_own(page)
    save(page, "Night")
    sign_in(other, "shop@example.com")
    expect(recipe(other, "Night")).to_have_count(1)
    for context in contexts:
        context.close()


def test_several_recipes_come_as_one_zip_of_folders(home: Page) -> None:
    choose(home, COFFEE, ASTRONAUT)
    ready(home, "coffee.jpg")
    ready(home, "astronaut.jpg")
    open_own(home)
    boxes = home.locator(".recipe-several")
    for name in ("eBay", "Instagram story"):
        boxes.get_by_text(name, exact=True).click()
    with home.expect_download() as waiting:
        boxes.get_by_role("button").click()
    with zipfile.ZipFile(waiting.value.path()) as archive:
        sizes = {name: Image.open(archive.open(name)).size for name in archive.namelist()}
    assert sizes == {
        "eBay/coffee.jpg": (1600, 1600),
        "eBay/astronaut.jpg": (1600, 1600),
        "Instagram story/coffee.jpg": (1080, 1920),
        "Instagram story/astronaut.jpg": (1080, 1920),
    }


def test_a_shadow_is_shown_and_is_the_engines(home: Page) -> None:
    buffer = io.BytesIO()
    Image.open(ASTRONAUT).resize((300, 300)).save(buffer, "PNG")
    photo = file("astronaut.png", buffer.getvalue(), "image/png")
    choose(home, photo)
    open_more(home)
    home.get_by_label("Crop to the subject").check()
    home.get_by_label("Margin").fill("10%")
    home.get_by_role("combobox", name="Shadow", exact=True).select_option("drop")
    expect(home.locator(".compare-shadow")).to_be_visible()
    found = np.asarray(downloaded(home, "astronaut.png")[1]).astype(int)
    token = home.locator("[name=csrfmiddlewaretoken]").first.input_value()
    asked = {
        "result.crop_to_foreground": "true",
        "result.margin": "10%",
        "result.shadow": "drop",
        "output.format": "png",
    }
    answer = home.request.post(
        "/removals", headers={"X-CSRFToken": token}, multipart={**asked, "image": photo}
    )
    assert answer.headers["x-result-shadow"] == "drop"
    wanted = np.asarray(Image.open(io.BytesIO(answer.body()))).astype(int)
    assert found.shape == wanted.shape
    assert np.abs(found[..., 3] - wanted[..., 3]).max() <= 4
    assert wanted[-28:, :, 3].max() > 20, "it reaches into the margin"


def test_a_busy_background_has_no_natural_shadow_and_says_so(astronaut: Page) -> None:
    open_more(astronaut)
    astronaut.get_by_role("combobox", name="Shadow", exact=True).select_option("natural")
    expect(astronaut.get_by_text("No natural shadow")).to_be_visible()
    expect(astronaut.locator(".compare-shadow")).to_be_hidden()
    astronaut.get_by_role("combobox", name="Shadow", exact=True).select_option("contact")
    expect(astronaut.get_by_text("No natural shadow")).to_be_hidden()

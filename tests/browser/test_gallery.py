"""The site of several studies in a real browser: walked with the keyboard alone, wide and narrow, light and dark."""

import shutil

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from embquant.cli import main
from support.browser import CONTRAST, THEMES, emulate
from support.made_up_study import write_study

MOST_BYTES = 5_000_000
PAGES = ("index.html", "compare/made-up--rerun.html")


@pytest.fixture(scope="module")
def site(tmp_path_factory, page):
    """The site of a study and of its copy."""
    folder = tmp_path_factory.mktemp("site")
    reports = write_study(folder / "first", methods=["float32", "int8", "binary"], multipliers=(1, 4))
    studies = [folder / "made-up", folder / "rerun"]
    for study in studies:
        shutil.copytree(reports, study)
        shutil.copy(page, study / "report.html")
    assert main(["gallery", "--reports", *map(str, studies), "--output", str(folder / "gallery")]) == 0
    return folder / "gallery"


def test_it_can_be_walked_with_the_keyboard_alone(driver, site):
    driver.get((site / "index.html").as_uri())
    targets = []
    while (focused := _next(driver)) not in targets:
        targets.append(focused)
    assert [target.removeprefix(site.as_uri()) for target in targets] == [
        "/index.html#main",
        *("/made-up/report.html", "/rerun/report.html", "/compare/made-up--rerun.html"),
        "",  # past the last link, the document has the focus again
    ]
    driver.find_element(By.LINK_TEXT, "made-up and rerun").send_keys(Keys.ENTER)
    assert driver.title == "made-up and rerun, compared"
    driver.find_element(By.LINK_TEXT, "All studies").send_keys(Keys.ENTER)
    driver.find_element(By.LINK_TEXT, "rerun").send_keys(Keys.ENTER)
    assert driver.find_element(By.TAG_NAME, "h1").text == "made-up"
    assert driver.get_log("browser") == []
    assert all(page.stat().st_size < MOST_BYTES for page in site.rglob("*.html"))


def _next(driver):
    driver.switch_to.active_element.send_keys(Keys.TAB)
    return driver.execute_script("return document.activeElement.href || ''")


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("width", [1400, 500])
@pytest.mark.parametrize("name", PAGES)
def test_it_can_be_read(driver, site, name, width, theme):
    emulate(driver, theme)
    driver.set_window_size(width, 900)
    driver.get((site / name).as_uri())
    least, element = driver.execute_script(CONTRAST)
    assert least >= 4.5, element
    body = driver.find_element(By.TAG_NAME, "body")
    assert body.get_property("scrollWidth") <= driver.execute_script("return innerWidth")

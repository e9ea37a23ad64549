"""A headless Chromium, as Debian packages it, that can reach nothing."""

import shutil

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

from embquant.cli import main
from support.made_up_study import write_examples, write_study, write_worst_queries

ARGUMENTS = [
    "--headless=new",
    "--no-sandbox",  # a container's root may use no other
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--window-size=1300,900",
]


@pytest.fixture(scope="session")
def page(tmp_path_factory):
    """The page of a study of two models and more settings than the default one's, with all sections, as a file."""
    folder = tmp_path_factory.mktemp("Bericht für Browser")
    reports = write_study(folder, queries=400, multipliers=(1, 2, 4, 10), models=("minilm", "small"), stages=True)
    write_worst_queries(reports, query='<b>bold</b> & "quoted"', document="yeast turns sugar to gas\n" * 30)
    write_examples(reports, query="why does dough rise " * 30, document="because of yeast " * 20)
    path = reports / "report.html"
    folders = ["--figures", reports / "figures", "--tables", reports / "tables"]
    arguments = ["--page", path, *folders, "--databases", reports / "databases.md"]
    assert main(["write-report", "--reports", str(reports), *map(str, arguments)]) == 0
    alone = folder / "page alone.html"  # nothing beside it
    shutil.copy(path, alone)
    return alone


@pytest.fixture(scope="session")
def driver(tmp_path_factory):
    """A browser that keeps what its console says."""
    chromium, chromedriver = shutil.which("chromium"), shutil.which("chromedriver")
    assert chromium and chromedriver, "apt-get install chromium chromium-driver"
    options = Options()
    options.binary_location = chromium
    for argument in [*ARGUMENTS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"]:
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    browser = webdriver.Chrome(options, Service(chromedriver))
    yield browser
    browser.quit()


@pytest.fixture
def opened(driver, page):
    """The browser with the page freshly loaded, in light colours."""
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": []})
    driver.set_window_size(1300, 900)
    driver.get_log("browser")
    driver.get(page.as_uri())
    return driver

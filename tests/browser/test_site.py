"""The web page of the course in a browser, from a site of three lessons in a sub-folder."""

from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler
from pathlib import Path
from urllib.parse import urldefrag, urljoin

import pytest
from bs4 import BeautifulSoup

import web
from build import texts
from pages import executed
from tests import loopback
from tests.browser.axe import faults
from tests.browser.test_overlay_static import pixel_in

FIRST_LOAD = 1_500_000
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 900}
PAGES = ("index.html", "00_start_here.html", "keras/04_two_tracks.html")

TWO_TRACKS = """\
# %% [markdown]
# # 04 · Two tracks
#
# Plan about 5 minutes. The other one is [here](../keras/04_two_tracks.ipynb#the-end).

# %% [markdown]
# ## Shared

# %%
import sys
from pathlib import Path
from tqdm.auto import tqdm
print("kept in", Path.home() / "weights")
print("noise", file=sys.stderr)
for _ in tqdm(range(7), "counted"):
    pass

# %% [markdown] tags=["torch"]
# ## Only in PyTorch

# %% [markdown] tags=["keras"]
# ## Only in Keras

# %%
from helpers import figures
for n in range(12):
    figure, axes = figures.canvas(height=5)
    axes[0, 0].plot([0, n])
    figures.show(figure, alt=f"A line that rises to {n}.")

# %% [markdown]
# ## The end
#
# Here a platypus crosses the street. $$\\frac{a}{b}$$
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder of a site of 00, 01 and a short lesson in two tracks; and its address."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "04_two_tracks.py").write_text(TWO_TRACKS, "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(executed, "KEPT", folder / "kept")
        chosen = [*texts()[:2], folder / "04_two_tracks.py"]
        assert web.make(chosen, folder / "served/pixelwise") == []
        with served(folder / "served") as address:
            yield folder / "served/pixelwise", f"{address}/pixelwise/"


class Files(SimpleHTTPRequestHandler):
    """Hands out the files of a folder."""

    def __init__(self, *connection):
        super().__init__(*connection, directory=str(self.server_knows))

    def log_message(self, *_):
        pass


@contextmanager
def served(folder):
    server = loopback.start(Files, folder)
    server.handle_error = lambda *_: None  # the browser went on before it had it all
    yield f"http://127.0.0.1:{server.server_port}"
    loopback.stop(server)


@pytest.fixture
def tab(browser, site):
    """An empty tab; nobody but the site may be asked for anything. `asked` lists the addresses."""
    tab = browser.new_page()
    tab.set_viewport_size(DESK)
    tab.asked, errors = [], []
    tab.on("request", lambda request: tab.asked.append(request.url))
    tab.on("pageerror", lambda error: errors.append(str(error)))
    tab.route(lambda url: not url.startswith(site[1]), lambda route: route.abort())
    yield tab
    tab.close()
    assert errors == []
    assert [url for url in tab.asked if not url.startswith((site[1], "data:", "blob:"))] == []


def see_all(tab):
    """Scrolls to the end in steps, so that all that is lazy gets loaded."""
    for y in range(0, tab.evaluate("document.documentElement.scrollHeight"), 800):
        tab.evaluate("y => scrollTo(0, y)", y)
        tab.wait_for_timeout(30)
    tab.wait_for_load_state("networkidle")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_accessible(tab, site, scheme, screenshots):
    tab.emulate_media(color_scheme=scheme)
    for page in PAGES:
        tab.goto(site[1] + page)
        see_all(tab)
        assert faults(tab, "html") == []
        tab.evaluate("scrollTo(0, 0)")
        tab.screenshot(path=screenshots / f"site-{page.replace('/', '-')}-{scheme}.png")
    tab.keyboard.press("/")
    tab.get_by_label("Search the course").fill("platypus")
    tab.locator("#results a").first.wait_for()
    assert faults(tab, "html") == []
    tab.screenshot(path=screenshots / f"site-search-{scheme}.png")


def test_the_first_load_is_small(tab, site):
    for page in [*PAGES, "01_what_is_segmentation.html"]:
        tab.goto("about:blank")
        devtools, loaded = tab.context.new_cdp_session(tab), []
        devtools.send("Network.enable")
        devtools.send("Network.setCacheDisabled", {"cacheDisabled": True})
        devtools.on("Network.loadingFinished", lambda e, got=loaded: got.append(e))
        tab.goto(site[1] + page, wait_until="load")
        transferred = sum(e["encodedDataLength"] for e in loaded)
        devtools.detach()
        print(f"\n{page}: {transferred:,.0f} bytes")
        assert 5_000 < transferred < FIRST_LOAD


def test_figures_wait_until_they_are_near(tab, site):
    tab.goto(site[1] + "pytorch/04_two_tracks.html")
    tab.wait_for_load_state("networkidle")
    last = tab.locator("figure img").last
    address = last.evaluate("image => image.src")
    assert address not in tab.asked
    last.scroll_into_view_if_needed()
    tab.wait_for_function("image => image.naturalWidth > 100", arg=last.element_handle())
    assert address in tab.asked
    assert last.get_attribute("alt") == "A line that rises to 11."
    size = last.evaluate("image => [image.naturalWidth, image.naturalHeight]")
    assert size == [int(last.get_attribute(side)) for side in ("width", "height")]


def test_search_leads_to_the_heading_in_the_readers_track(tab, site):
    tab.goto(site[1] + "keras/04_two_tracks.html")
    tab.keyboard.press("/")
    tab.keyboard.type("platypus")
    tab.get_by_text("In 1 lesson.").wait_for()
    tab.keyboard.press("ArrowDown")
    tab.keyboard.press("ArrowDown")
    assert tab.evaluate("document.activeElement.innerText") == "The end"
    tab.keyboard.press("Enter")
    tab.wait_for_url(site[1] + "keras/04_two_tracks.html#the-end")
    assert not tab.locator("#search").is_visible()
    tab.goto(site[1] + "index.html")
    tab.keyboard.press("Control+k")
    tab.keyboard.type("platypus")
    tab.get_by_text("In 2 lessons.").wait_for()
    assert "04 · Two tracks (Keras)" in tab.locator("#results").inner_text()
    tab.get_by_label("Search the course").fill("qwertyuiop")
    tab.get_by_text("Nothing found.").wait_for()


def test_the_other_track_opens_at_the_same_heading(tab, site):
    tab.goto(site[1] + "pytorch/04_two_tracks.html#the-end")
    tab.locator(".contents [aria-current]", has_text="The end").wait_for()
    tab.locator(".tracks").get_by_text("Keras").click()
    tab.wait_for_url(site[1] + "keras/04_two_tracks.html#the-end")
    # a heading of one track alone: the last one before it that both have
    tab.goto(site[1] + "keras/04_two_tracks.html#only-in-keras")
    tab.locator(".contents [aria-current]", has_text="Only in Keras").wait_for()
    tab.locator(".tracks").get_by_text("PyTorch").click()
    tab.wait_for_url(site[1] + "pytorch/04_two_tracks.html#shared")


def test_the_overlay_works_by_keyboard_without_a_network_and_follows_the_theme(tab, site):
    tab.emulate_media(color_scheme="light")
    tab.goto(site[1] + "00_start_here.html")
    element = tab.locator(".widget iframe").first
    element.scroll_into_view_if_needed()
    frame = element.content_frame
    frame.locator(".pixelwise[data-ready]").wait_for()
    tab.context.set_offline(True)
    try:
        canvas, slider = frame.locator("canvas"), frame.locator("[data-name=opacity]")
        before = pixel_in(canvas, 160, 200)
        slider.focus()
        tab.keyboard.press("End")
        assert pixel_in(canvas, 160, 200) != before
        tab.get_by_role("button", name="Dark").click()
        frame.locator(".pixelwise[data-theme=dark]").wait_for()
    finally:
        tab.context.set_offline(False)
    tab.reload()
    assert tab.locator("html").get_attribute("data-theme") == "dark"
    tab.get_by_role("button", name="Dark").click()  # the next test begins in the light
    tab.evaluate("localStorage.clear()")


def test_a_hint_unfolds_and_a_quiz_answers(tab, site):
    tab.goto(site[1] + "00_start_here.html")
    hint = tab.locator("details", has_text="Hint 1").first
    assert not hint.locator("p").first.is_visible()
    hint.locator("summary").click()
    assert hint.locator("p").first.is_visible()
    tab.get_by_label("The pixel 30 to the right and 10 down.").check()
    assert tab.get_by_text("✓ Right.").first.is_visible()
    assert tab.get_by_text("Not done yet").count() >= 3
    assert tab.get_by_text("your code here").count() >= 3


def test_no_page_tells_where_its_author_lives(site):
    for page in site[0].rglob("*.html"):
        assert f"{Path.home()}/" not in page.read_text("utf-8"), page
    assert "kept in ~/weights" in (site[0] / "keras/04_two_tracks.html").read_text("utf-8")


def test_no_page_is_wider_than_a_phone(tab, site, screenshots):
    tab.set_viewport_size(PHONE)
    for page in sorted(site[0].rglob("*.html")):
        if page.parent.name == "files":
            continue
        name = page.relative_to(site[0]).as_posix()
        tab.goto(site[1] + name)
        see_all(tab)
        assert tab.evaluate("document.documentElement.scrollWidth") == PHONE["width"], name


def test_on_a_phone_the_lessons_unfold_wherever_one_is(tab, site, screenshots):
    tab.set_viewport_size(PHONE)
    tab.goto(site[1] + "keras/04_two_tracks.html#the-end")
    other = tab.locator("#lessons").get_by_role("link", name="01 · What is semantic segmentation?")
    assert not other.is_visible()
    tab.get_by_role("button", name="Lessons").click()
    box = other.bounding_box()
    assert 0 < box["y"] < PHONE["height"] and tab.evaluate("scrollY") > 1000
    tab.screenshot(path=screenshots / "site-phone.png")
    tab.keyboard.press("Escape")
    assert not other.is_visible()


def test_every_link_leads_somewhere(site):
    """Every address within the site is a file, and every anchor is in it."""
    documents = {
        path: BeautifulSoup(path.read_text("utf-8"), "html.parser")
        for path in site[0].rglob("*.html")
    }
    assert len(documents) >= 6
    checked = 0
    for path, page in documents.items():
        ids = [element["id"] for element in page.find_all(id=True)]
        assert len(ids) == len(set(ids)), path
        for element in page.select("[href], [src]"):
            address = element.get("href") or element.get("src")
            if address.startswith(("https:", "data:")):
                continue
            there, anchor = urldefrag(urljoin(path.as_uri(), address))
            there = Path(there.removeprefix("file://"))
            assert there.is_file(), f"{path.name}: {address}"
            if anchor:
                assert documents[there].find(id=anchor), f"{path.name}: {address}"
            checked += 1
    assert checked > 100


def test_a_notebook_that_fails_is_named_and_the_others_run(tmp_path, monkeypatch, capsys):
    chosen = []
    for number, code in ((0, "1 / 0"), (1, "print('fine')")):
        chosen.append(tmp_path / f"{number:02}_made_up.py")
        chosen[-1].write_text(f"# %% [markdown]\n# # {number:02} · Made up\n\n# %%\n{code}\n")
    monkeypatch.setattr(executed, "KEPT", tmp_path / "kept")
    monkeypatch.setattr(web, "SITE", tmp_path / "site")
    monkeypatch.setattr(web, "texts", lambda: chosen)
    monkeypatch.setattr("sys.argv", ["web.py"])
    with pytest.raises(SystemExit) as stopped:
        web.main()
    assert "✗ course/00_made_up.ipynb, cell" in str(stopped.value)  # a text: status 1
    assert "ZeroDivisionError" in str(stopped.value)
    assert [path.name[:17] for path in (tmp_path / "kept").iterdir()] == ["course-01_made_up"]
    assert not (tmp_path / "site").exists()
    capsys.readouterr()
    with pytest.raises(SystemExit):
        web.main()
    assert "[2/2] course/01_made_up.ipynb: as it ran before" in capsys.readouterr().out

"""The instructor's report in a browser: legible in light and dark, and nothing in it runs."""

import pytest

from grader import report
from tests.browser.axe import faults
from tests.grader import made_up
from tests.grader.classroom import NAME, opened


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """The report of a class with hostile students."""
    with opened(tmp_path_factory.mktemp("report")) as room:
        made_up.fill(room, hostile=True)
        page, _ = report.write(room.course(), NAME, {})
        yield page


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_accessible_asks_for_nothing_and_runs_nothing(path, browser, repo, scheme):
    tab = browser.new_page()
    tab.emulate_media(color_scheme=scheme)
    tab.set_viewport_size({"width": 1280, "height": 1000})
    asked = []
    tab.on("request", lambda request: asked.append(request.url))
    # a page of its own policy lets no script in, axe's neither
    tab.route(
        "**", lambda route: route.fulfill(body=without_policy(path), content_type="text/html")
    )
    tab.goto("http://report.test/")
    for summary in tab.locator("summary").all():
        summary.click()
    assert tab.title() == f"Report of {NAME}"
    assert made_up.HOSTILE in tab.locator("#wrong + table").inner_text()
    assert asked == ["http://report.test/"]
    assert faults(tab, "html") == []
    shots = repo / "build" / "screenshots"
    shots.mkdir(parents=True, exist_ok=True)
    tab.screenshot(path=shots / f"report-{scheme}.png", full_page=True)
    tab.close()


def without_policy(path):
    """The page without the line that forbids scripts: what is left must be harmless by itself."""
    lines = path.read_text("utf-8").splitlines()
    kept = [line for line in lines if "Content-Security-Policy" not in line]
    assert len(kept) == len(lines) - 1
    return "\n".join(kept)

"""nbgrader's formgrader in JupyterLab: one submission from its button to its feedback page."""

import pytest

from tests.browser.conftest import jupyter_lab
from tests.grader.classroom import NAME, RIGHT, opened

STUDENTS = {"ada": RIGHT, "bert": {"analysis": "I did not finish."}}


@pytest.fixture(scope="module")
def room(tmp_path_factory, sandboxed):
    """A course with two submissions that are collected and not graded."""
    with opened(tmp_path_factory.mktemp("formgrader")) as room:
        room.collect(STUDENTS)
        yield room


@pytest.fixture(scope="module")
def tab(browser, room, repo, tmp_path_factory):
    """JupyterLab, started in the folder of the assignments, with the formgrader open."""

    def folder(name):
        return room.assignments.parent if name == "work" else tmp_path_factory.mktemp(name)

    environment = {"PIXELWISE_COURSE": str(room.run), "JUPYTER_PREFER_ENV_PATH": "1"}
    with jupyter_lab(repo, folder, cwd=room.assignments, **environment) as lab:
        tab = browser.new_page()
        tab.goto(f"{lab.address}/lab?token={lab.token}")
        tab.get_by_role("menuitem", name="Nbgrader").click(timeout=120_000)
        tab.get_by_role("menuitem", name="Formgrader", exact=True).click()
        yield tab
        tab.close()


@pytest.fixture(scope="module")
def desk(tab):
    """The formgrader's own pages, which JupyterLab shows in a frame."""
    return tab.frame_locator("#formgrader-iframe iframe")


def row(desk, student):
    return desk.locator("tr", has=desk.locator(f".student-id:text-is('{student}')"))


def press(tab, desk, student, button):
    """Presses a button of the student's line; what the dialogue says when it is done."""
    row(desk, student).locator(f".{button} a").click()
    dialogue = desk.locator(".modal.in .modal-body p").first
    dialogue.wait_for(timeout=120_000)
    said = dialogue.inner_text()
    desk.locator(".modal.in .modal-footer button").click()
    desk.locator(".modal-backdrop").wait_for(state="detached")
    return said


def until_the_marks_are_loaded(tab):
    """The page asks for them after it is drawn; a mark that is typed before is overwritten."""
    (page,) = (frame for frame in tab.frames if "/formgrader/submissions/" in frame.url)
    page.wait_for_function("formgrader.grades?.loaded && formgrader.comments?.loaded")


def saved(tab, what):
    """Waits in its block until the server has a mark or a comment."""
    return tab.expect_response(lambda reply: f"/api/{what}/" in reply.url and reply.ok)


def test_the_button_grades_one_submission_in_the_sandbox(tab, desk, room, screenshots):
    desk.get_by_role("link", name="2", exact=True).click()
    row(desk, "ada").wait_for()
    assert "needs autograding" in row(desk, "ada").inner_text()
    said = press(tab, desk, "ada", "autograde")
    assert said == f"Successfully autograded '{NAME}' for student 'ada'."
    tab.screenshot(path=screenshots / "formgrader_submissions.png")
    text = row(desk, "ada").inner_text()
    assert "needs manual grading" in text and "10 / 45" in text
    assert "needs autograding" in row(desk, "bert").inner_text()
    (ada,) = room.course().grades(NAME)
    assert ada.confined and {q.question: q.points for q in ada.questions}["one_hot"] == 5


def test_the_written_answer_is_marked_by_hand(tab, desk, room, screenshots):
    desk.get_by_role("link", name="Manual Grading").click()
    desk.get_by_role("link", name=NAME).click()
    desk.get_by_role("link", name=NAME).last.click()
    desk.get_by_role("link", name="Submission #1").click()
    points = desk.locator("input#analysis")
    points.wait_for(timeout=60_000)
    assert "Poles are worst: they are thin." in desk.locator("body").inner_text()
    until_the_marks_are_loaded(tab)
    points.fill("7.5")
    with saved(tab, "grade"):
        points.press("Tab")
    desk.locator("#analysis-comment").fill("Which class do they turn into?")
    with saved(tab, "comment"):
        desk.locator("#analysis-comment").press("Tab")
    points.scroll_into_view_if_needed()
    tab.screenshot(path=screenshots / "formgrader_by_hand.png")
    (ada,) = room.course().grades(NAME)
    assert ada.points == 17.5
    by_hand = [q.question for q in ada.questions if q.outcome == "by hand"]
    assert by_hand == ["analysis"]


def test_the_feedback_button_writes_our_page_with_the_mark(tab, desk, room, screenshots):
    desk.locator("a[href$='/formgrader/gradebook']").first.click()
    desk.get_by_role("link", name="Manage Assignments").click()
    desk.get_by_role("link", name="2", exact=True).click()
    said = press(tab, desk, "ada", "generate-feedback")
    assert said.startswith("Successfully generated feedback")
    page = room.run / "feedback" / "ada" / NAME / f"{NAME}.html"
    assert "Which class do they turn into?" in page.read_text()
    feedback = tab.context.new_page()
    feedback.goto(page.as_uri())
    feedback.screenshot(path=screenshots / "formgrader_feedback.png", full_page=True)
    assert "17.5" in feedback.inner_text("body")
    feedback.close()


def test_grading_again_keeps_what_was_marked_by_hand(tab, desk, room):
    said = press(tab, desk, "ada", "autograde")
    assert said.startswith("Successfully autograded")
    (ada,) = room.course().grades(NAME)
    assert ada.points == 17.5

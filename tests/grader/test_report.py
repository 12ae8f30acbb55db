"""The instructor's page and tables: of a class that is made up, and of two real submissions."""

import csv
import stat
from html.parser import HTMLParser

import nbformat
import numpy as np
import pytest
from scipy.stats import pearsonr
from typer.testing import CliRunner

from grader import cli, exports, report, statistics
from grader.course import Grade
from grader.outcomes import Outcome
from grader.pseudonyms import pseudonyms
from grader.settings import REPOSITORY
from tests.grader import made_up
from tests.grader.classroom import NAME, RIGHT, opened
from tests.grader.made_up import HINT, HOSTILE, outcome

ROSTER = {"s0": {"name": "Noor, Nadia", "canvas": "417", "moodle": "9001"}}


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    """The course of a class that nobody taught."""
    with opened(tmp_path_factory.mktemp("made-up")) as made:
        made_up.fill(made)
        yield made


@pytest.fixture(scope="module")
def found(room):
    """Its report, and where it was written."""
    course = room.course()
    return report.make(course, NAME), *report.write(course, NAME, ROSTER)


def table(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


class Tags(HTMLParser):
    """What a browser would see: elements with their attributes, and the text."""

    def __init__(self, text):
        super().__init__()
        self.seen, self.text = [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


def test_totals_leave_out_who_was_not_graded_and_count_everybody_else(found):
    totals = found[0].totals
    assert (totals.people, totals.max) == (10, 45)
    assert sum(count for _, count in totals.bins) == 10
    points = [g.points for g in found[0].grades if g.student != "t"]
    assert totals.mean == pytest.approx(np.mean(points))
    assert totals.median == pytest.approx(np.median(points))
    assert totals.deviation == pytest.approx(np.std(points, ddof=1))
    assert dict(totals.bins)["36 to 40.5"] == sum(36 <= p < 40.5 for p in points)


def test_full_points_fall_into_the_last_bin():
    grades = [Grade("a", [Outcome("q", 4, 4, "score", "")], True)]
    assert statistics.totals(grades).bins[-1] == ("3.6 to 4", 1)
    assert statistics.totals([]).bins[0][1] == 0


def test_each_question_has_pass_rate_difficulty_and_discrimination(found):
    items = {item.question: item for item in found[0].items}
    assert list(items) == ["one_hot", "crop_flip", "trained_model", "analysis"]
    assert (items["one_hot"].passed, items["crop_flip"].passed) == (0.7, 0.4)
    assert items["trained_model"].difficulty == pytest.approx((25 - 9) / 25)
    answers = {q: [g.questions[i].points for g in found[0].grades if g.student != "t"]
               for i, q in enumerate(items)}  # fmt: skip
    for question, item in items.items():
        rest = np.sum([points for q, points in answers.items() if q != question], axis=0)
        assert item.discrimination == pytest.approx(pearsonr(answers[question], rest).statistic)
    assert items["one_hot"].discrimination > 0.7


def test_discrimination_by_hand():
    # means 0.6 and 4; deviations multiply to 4, their squares add up to 1.2 and 20
    assert statistics.discrimination([0, 0, 1, 1, 1], [1, 3, 4, 5, 7]) == pytest.approx(
        4 / (1.2 * 20) ** 0.5
    )


@pytest.mark.parametrize(
    ("points", "rest"), [([1] * 6, range(6)), (range(6), [3] * 6), ([0, 1, 2, 3], [0, 1, 2, 3])]
)
def test_discrimination_is_left_open_where_it_is_undefined_or_people_are_few(points, rest):
    assert statistics.discrimination(list(points), list(rest)) is None


def test_a_question_that_waits_for_a_person_bends_no_other():
    def grade(n, analysis):
        found = [outcome("one_hot", 5 * (n > 2)), outcome("crop_flip", 5 * (n > 3))]
        return Grade(f"s{n}", [*found, outcome("analysis", analysis)], True)

    marked = [grade(n, 10 if n == 0 else None) for n in range(6)]
    one_hot, _, analysis = statistics.items(marked)
    rest = [5 * (n > 3) for n in range(6)]
    assert one_hot.discrimination == pytest.approx(pearsonr([0, 0, 0, 5, 5, 5], rest).statistic)
    assert (analysis.people, analysis.passed, analysis.discrimination) == (1, None, None)


def test_wrong_answers_are_gathered_by_hint(found):
    mistakes = found[0].mistakes
    assert [(m.question, m.hint, len(m.students)) for m in mistakes] == [
        ("crop_flip", statistics.UNKNOWN, 6),
        ("one_hot", HINT, 3),
    ]
    assert mistakes[0].said == "public case 4: has 13 maps"
    assert found[0].mistakes_in("one_hot") == mistakes[1:]


def test_the_example_does_not_say_the_hint_again():
    grades = [Grade("a", [outcome("one_hot", 0, HINT, f"{HINT}; in public case 2 it is 3")], True)]
    (mistake,) = statistics.mistakes(grades)
    assert (mistake.hint, mistake.said) == (HINT, "in public case 2 it is 3")


def test_the_leaderboard_names_nobody_and_gives_equal_scores_one_rank(found):
    made, _, folder = found
    assert [place.rank for place in made.places] == [1, 1, 3, 3, 5, 5, 7, 7, 9, 9]
    rows = table(folder / "leaderboard.csv")
    assert [row["score"] for row in rows[:3]] == ["90.0", "90.0", "89.0"]
    assert {row["pseudonym"] for row in rows} == {made.names[f"s{n}"] for n in range(10)}


def test_pseudonyms_are_stable_unique_and_depend_on_the_seed():
    students = [f"s{n}" for n in range(400)]
    names = pseudonyms(7, students)
    assert names == pseudonyms(7, reversed(students))
    assert len(set(names.values())) == 400
    assert all(len(name.split()) == 2 for name in names.values())
    fewer = pseudonyms(7, students[:200])
    assert sum(fewer[s] != names[s] for s in fewer) < 8, "only where two collide"
    other = pseudonyms(8, students)
    assert sum(other[s] == names[s] for s in students) < 8


def test_equal_models_are_a_pair_with_both_reasons(found):
    (pair,) = found[0].pairs
    assert (pair.first, pair.second) == ("s8", "s9")
    assert pair.reasons[0] == "identical weights" and "100% of their wrong" in pair.reasons[1]


def test_who_was_not_graded_stands_there_with_the_reason(found):
    everything = ", ".join(made_up.MAX)
    assert found[0].ungraded == [
        ("t", everything, "the disk was full"),
        ("u", "all", "it has not been graded yet"),
    ]


def test_times_are_sorted(found):
    assert list(found[0].seconds)[:2] == ["s9", "s8"]
    assert found[0].median_seconds == 14


def test_the_page_needs_nothing_and_every_table_says_what_it_is(found):
    _, page, folder = found
    text = page.read_text()
    tags = Tags(text)
    names = [tag for tag, _ in tags.seen]
    assert names.count("table") == names.count("caption") >= 8
    assert all(
        attributes.get("scope") in ("col", "row") for t, attributes in tags.seen if t == "th"
    )
    assert not {"script", "img", "link", "iframe"} & set(names)
    assert "http:" not in text and "https:" not in text and "url(" not in text
    assert "prefers-color-scheme: dark" in text
    assert "cheat" not in text.lower() and "plagiar" not in text.lower()
    for path in (page, *folder.iterdir()):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_few_people_get_dashes(room):
    grades = [Grade(s, [outcome("one_hot", 5)], True) for s in "abcd"]
    made = report.Report(NAME, grades, statistics.totals(grades), statistics.items(grades),
                         [], {"a": 3.0}, [], {}, [], [], {})  # fmt: skip
    text = Tags(report.render(made)).text
    assert "Mean –, median –" in text and "Median – s" in text
    (item,) = made.items
    assert (item.passed, item.difficulty, item.discrimination) == (None, None, None)
    empty = report.Report(NAME, [], statistics.totals([]), [], [], {}, [], {}, [], [], {})
    assert "No model was judged" in report.render(empty)


def test_what_students_wrote_is_text_in_the_page(tmp_path):
    with opened(tmp_path) as room:
        made_up.fill(room, hostile=True)
        made_up.put(room, "<b onmouseover=alert(1)>", [outcome("one_hot", 5)], seconds=99)
        page, folder = report.write(room.course(), NAME, {})
    tags = Tags(page.read_text())
    assert HOSTILE in tags.text and "<b onmouseover=alert(1)>" in tags.text
    assert not [a for _, attributes in tags.seen for a in attributes if a.startswith("on")]
    assert not {"script", "img", "b"} & {tag for tag, _ in tags.seen}


def test_code_that_cannot_be_read_or_never_ends_holds_nothing_up(tmp_path):
    path = tmp_path / "handed_in.ipynb"
    endless = nbformat.v4.new_code_cell("x = 1\n" * 1_000_000)
    nbformat.write(nbformat.v4.new_notebook(cells=[endless]), path)
    assert len(report._code(path)) == report.MAX_CODE
    path.write_text("no notebook")
    assert report._code(path) == report._code(tmp_path) == report._code(tmp_path / "none") == ""
    (tmp_path / "link.ipynb").symlink_to("/etc/hostname")
    assert report._code(tmp_path / "link.ipynb") == ""


def test_canvas_gets_who_is_finished(found):
    rows = table(found[2] / "canvas.csv")
    assert list(rows[0]) == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", NAME]
    assert rows[0]["Student"].strip() == "Points Possible" and rows[0][NAME] == "45"
    assert list(rows[1].values()) == ["Noor, Nadia", "417", "", "s0", "", "41"]
    assert [row["SIS Login ID"] for row in rows[2:]] == [f"s{n}" for n in range(1, 10)]


def test_moodle_gets_grade_and_one_line_of_feedback(found):
    rows = table(found[2] / "moodle.csv")
    assert len(rows) == 10
    assert (rows[0]["Identifier"], rows[0]["Grade"]) == ("Participant 9001", "41")
    assert rows[9]["Identifier"] == "s9"
    assert rows[9]["Feedback comments"].startswith("one_hot, crop_flip: public case 9: has 13 maps")


def test_no_cell_of_a_table_is_taken_for_a_formula(tmp_path):
    exports.write(tmp_path / "t.csv", ["a", "b"], [["=1+1", -0.5], ["@x", None]])
    assert (tmp_path / "t.csv").read_text().splitlines()[1:] == ["'=1+1,-0.5", "'@x,"]


def test_the_command_writes_all_of_it_and_takes_numbers_from_a_roster(room, tmp_path):
    roster = tmp_path / "people.csv"
    roster.write_text("student,name,canvas,moodle\ns3,Ada Lovelace,77,8003\n")
    typed = ["report", NAME, "--course", str(room.assignments), "--roster", str(roster)]
    done = CliRunner().invoke(cli.app, typed)
    said = done.output.replace("\n", "")
    assert done.exit_code == 1 and "Not graded in full, by our fault: t." in said
    assert f"report-{NAME}.html" in said and "canvas.csv and moodle.csv" in said
    folder = room.run / f"report-{NAME}"
    assert table(folder / "canvas.csv")[4]["ID"] == "77"
    assert table(folder / "moodle.csv")[3]["Identifier"] == "Participant 8003"
    roster.write_text("name\nAda\n")
    assert "it needs student" in str(CliRunner().invoke(cli.app, typed).exception)


def test_of_real_submissions(classroom):
    model = (REPOSITORY / "assignments/examples/ada/model.onnx").read_bytes()
    wrong = {"one_hot": RIGHT["one_hot"].replace("np.arange(classes)", "np.arange(classes) + 1")}
    course = classroom.course()
    for student, answers in {"anna": RIGHT, "bert": RIGHT | wrong}.items():
        folder = course.submitted / student / NAME
        folder.mkdir(parents=True)
        nbformat.write(classroom.notebook(answers), folder / f"{NAME}.ipynb")
        (folder / "model.onnx").write_bytes(model)
        course.grade(NAME, student)
    page, folder = report.write(course, NAME, {})
    made = report.make(course, NAME)
    assert set(made.seconds) == {"anna", "bert"} and min(made.seconds.values()) > 0.5
    assert [place.rank for place in made.places] == [1, 1] and 75 < made.places[0].score < 100
    (pair,) = made.pairs
    assert pair.reasons[0] == "identical weights" and "100%" in pair.reasons[1]
    assert {m.students for m in made.mistakes_in("one_hot")} == {("bert",)}
    assert made.waiting == {"analysis": 2}
    assert len(table(folder / "canvas.csv")) == 1, "nobody is finished yet"
    assert "2 of 2 have a question without points" in " ".join(Tags(page.read_text()).text.split())

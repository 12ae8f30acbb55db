"""What Moodle, Canvas and nbgrader's exchange hand out: whose it is, and which attempt counts."""

import os
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from nbgrader.api import Gradebook

from grader.collect import take
from grader.inbox import of_exchange, of_folder
from grader.names import Roster, Unknown, read_name

NAME = "lyft_unet"
ROSTER = """\
student,name,moodle,canvas
ada,Ada Lovelace,123456,
grace,Grace Brewster Hopper,,12345
emmy,Emmy Noether,,
jose,José Álvarez-Núñez,,
"""


def notebook(text: str = "1 + 1") -> bytes:
    return nbformat.writes(new_notebook(cells=[new_code_cell(text)])).encode()


def put(path, text: str = "1 + 1", day: int = 1, **files: bytes):
    """A notebook, or a zip with one and more, of a day in November."""
    path.parent.mkdir(exist_ok=True, parents=True)
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(f"{NAME}.ipynb", notebook(text))
            for name, data in files.items():
                archive.writestr(name.replace("__", "."), data)
    else:
        path.write_bytes(notebook(text) if path.suffix == ".ipynb" else text.encode())
    for changed in (path, path.parent):
        os.utime(changed, (datetime(2026, 11, day, 12, tzinfo=UTC).timestamp(),) * 2)


@pytest.fixture
def inbox(tmp_path):
    (tmp_path / "inbox").mkdir()
    return tmp_path / "inbox"


@pytest.fixture
def roster(tmp_path):
    path = tmp_path / "students.csv"
    path.write_text(ROSTER)
    return Roster(path)


@pytest.fixture
def collected(inbox, tmp_path):
    """Collects the inbox; gives file → student and remarks."""

    def run(roster=None, due=None):
        found = take(of_folder(inbox, roster), tmp_path / "submitted", NAME, NAME, due)
        return {one.source: (one.student, " ".join(one.remarks)) for one in found}

    return run


def taken(tmp_path, student: str) -> str:
    path = tmp_path / "submitted" / student / NAME / f"{NAME}.ipynb"
    return nbformat.read(path, as_version=4).cells[0].source


def test_moodles_folders_and_files_are_known_by_the_participants_number(inbox, collected, tmp_path):
    put(inbox / "Ada Lovelace_123456_assignsubmission_file_" / "my work.zip", "ada")
    put(inbox / "Grace Hopper_123457_assignsubmission_file_lyft_unet.zip", "grace")
    put(inbox / "Emmy Noether_123458_assignsubmission_file_" / "lyft_unet.ipynb", "emmy")
    put(inbox / "Participant_99_assignsubmission_file_lyft_unet.ipynb", "nobody's name")
    found = collected()
    assert {student for student, _ in found.values()} == {"123456", "123457", "123458", "99"}
    assert not any(remark for _, remark in found.values()), found
    assert taken(tmp_path, "123456") == "ada" and taken(tmp_path, "123457") == "grace"
    assert taken(tmp_path, "123458") == "emmy" and taken(tmp_path, "99") == "nobody's name"


def test_moodles_online_text_is_reported_and_does_not_displace_the_file(inbox, collected, tmp_path):
    put(inbox / "Ada Lovelace_123456_assignsubmission_file_" / "lyft_unet.zip", "ada", day=1)
    put(inbox / "Ada Lovelace_123456_assignsubmission_onlinetext_" / "onlinetext.html", day=2)
    found = collected()
    assert (
        "Moodle's onlinetext is not read"
        in found["Ada Lovelace_123456_assignsubmission_onlinetext_"][1]
    )
    assert taken(tmp_path, "123456") == "ada"


def test_canvas_files_are_known_by_the_user_id_and_the_last_upload_counts(
    inbox, collected, tmp_path
):
    put(inbox / "lovelaceada_12345_67890_lyft_unet.zip", "first", day=3)
    put(inbox / "lovelaceada_12345_67893_lyft_unet-2.zip", "third", day=1)
    put(inbox / "lovelaceada_12345_67891_lyft_unet-1.zip", "second", day=2)
    put(inbox / "hoppergrace_LATE_12346_67892_lyft unet (final).zip", "grace")
    found = collected()
    assert found["lovelaceada_12345_67890_lyft_unet.zip"] == (
        "12345",
        "older: lovelaceada_12345_67893_lyft_unet-2.zip counts instead.",
    )
    assert "older" in found["lovelaceada_12345_67891_lyft_unet-1.zip"][1]
    assert found["lovelaceada_12345_67893_lyft_unet-2.zip"] == ("12345", "")
    late = found["hoppergrace_LATE_12346_67892_lyft unet (final).zip"]
    assert late == ("12346", "late, says Canvas.")
    assert taken(tmp_path, "12345") == "third" and taken(tmp_path, "12346") == "grace"


def test_canvas_attempts_of_one_upload_number_are_told_apart_by_their_ending():
    names = ("lyft-10.zip", "lyft.zip", "lyft-2.zip")
    order = [read_name(_path(f"lovelaceada_1_2_{name}")).order for name in names]
    assert order == [(2, 10), (2, 0), (2, 2)]


def _path(name):
    return Path("nowhere", name)


def test_a_notebook_and_a_model_that_came_as_two_files_are_one_submission(
    inbox, collected, tmp_path
):
    put(inbox / "lovelaceada_12345_67890_lyft_unet.ipynb", "ada")
    put(inbox / "lovelaceada_12345_67891_model.onnx", "network")
    put(inbox / "Grace Hopper_7_assignsubmission_file_model.onnx", "alone")
    put(inbox / "Emmy Noether_8_assignsubmission_file_" / "lyft_unet.ipynb", "emmy")
    put(inbox / "Emmy Noether_8_assignsubmission_file_" / "model.onnx", "emmy's")
    found = collected()
    both = "lovelaceada_12345_67890_lyft_unet.ipynb, lovelaceada_12345_67891_model.onnx"
    assert found[both] == ("12345", "")
    submitted = tmp_path / "submitted"
    assert taken(tmp_path, "12345") == "ada"
    assert (submitted / "12345" / NAME / "model.onnx").read_text() == "network"
    assert (submitted / "8" / NAME / "model.onnx").read_text() == "emmy's"
    assert "no notebook" in found["Grace Hopper_7_assignsubmission_file_model.onnx"][1]


def test_a_roster_says_who_the_platforms_numbers_and_names_are(inbox, roster, collected, tmp_path):
    put(inbox / "A. Lovelace_123456_assignsubmission_file_lyft_unet.zip", "by number")
    put(inbox / "whoever_12345_1_lyft_unet.zip", "by Canvas' id")
    put(inbox / "noetheremmy_99_1_lyft_unet.zip", "by Canvas' spelling")
    put(inbox / "josé álvarez-núñez_98_assignsubmission_file_lyft_unet.zip", "by name")
    put(inbox / "Mallory Mean_666_assignsubmission_file_lyft_unet.zip", "a stranger")
    put(inbox / "mallory.zip", "a stranger")
    found = {source: student for source, (student, _) in collected(roster).items()}
    assert sorted(filter(None, found.values())) == ["ada", "emmy", "grace", "jose"]
    assert taken(tmp_path, "ada") == "by number"
    assert taken(tmp_path, "grace") == "by Canvas' id"
    assert taken(tmp_path, "emmy") == "by Canvas' spelling" and taken(tmp_path, "jose") == "by name"
    assert not list((tmp_path / "submitted").glob("*6*"))
    remarks = collected(roster)
    stranger = remarks["Mallory Mean_666_assignsubmission_file_lyft_unet.zip"][1]
    assert stranger == (
        "Mallory Mean (moodle 666) is not in students.csv; nothing was taken. Write 666 into the "
        "column moodle of its line."
    )
    assert "mallory is not in students.csv" in remarks["mallory.zip"][1]


def test_two_people_of_one_name_are_not_guessed(tmp_path):
    path = tmp_path / "students.csv"
    path.write_text("student,name\nada1,Ada Lovelace\nada2,Ada Lovelace\n")
    with pytest.raises(Unknown, match="is ada1, ada2 in students.csv"):
        Roster(path).student(read_name(_path("Ada Lovelace_5_assignsubmission_file_x.zip")))


@pytest.mark.parametrize(
    ("text", "said"),
    {
        "id;name\n1;Ada\n": "has the columns id;name; it needs student",
        "student,name\nada\n": "line 2: not as many values as columns",
        "student\nada\nada\n": "line 3: ada is there twice",
        "student\n../ada\n": "line 2: '../ada' is no id",
        "": "has the columns none",
    }.items(),
)
def test_a_roster_that_makes_no_sense_is_refused_with_its_line(text, said, tmp_path):
    (tmp_path / "students.csv").write_text(text)
    with pytest.raises(ValueError) as refused:
        Roster(tmp_path / "students.csv")
    assert said in str(refused.value)


def test_what_came_after_the_due_date_is_taken_and_said(inbox, collected, tmp_path):
    put(inbox / "anna.zip", "in time", day=2)
    put(inbox / "bert.zip", "too late", day=3)
    found = collected(due=datetime(2026, 11, 2, 23, tzinfo=UTC))
    assert found["anna.zip"] == ("anna", "")
    assert found["bert.zip"] == (
        "bert",
        "late: of 2026-11-03 12:00:00 UTC, due 2026-11-02 23:00:00 UTC.",
    )
    assert taken(tmp_path, "bert") == "too late"


def test_several_zips_in_a_folder_are_not_guessed(inbox, collected):
    put(inbox / "Ada Lovelace_1_assignsubmission_file_" / "a.zip")
    put(inbox / "Ada Lovelace_1_assignsubmission_file_" / "b.zip")
    ((_, remark),) = collected().values()
    assert "there are 2 zips in it (a.zip, b.zip)" in remark


def test_the_zip_of_all_downloads_is_to_be_unpacked_first(tmp_path):
    put(tmp_path / "submissions.zip")
    with pytest.raises(FileNotFoundError, match="is a file. Unpack it"):
        of_folder(tmp_path / "submissions.zip")


def test_the_exchange_hands_over_the_newest_and_names_the_others(classroom, call, tmp_path):
    course = classroom.course()
    course.release(NAME, exchange=True)
    inbound = classroom.run / "exchange/pixelwise/inbound"

    def hand_in(folder: str, text: str):
        put(inbound / folder / f"{NAME}.ipynb", text)
        (inbound / folder / "timestamp.txt").write_text("1999-01-01 00:00:00 UTC")

    hand_in(f"anna+{NAME}+2026-11-01 08:00:00.123456 UTC+x1", "first")
    hand_in(f"anna+{NAME}+2026-11-02 08:00:00.123456 UTC+x2", "second")
    hand_in(f"bert+{NAME}+2026-11-03 08:00:00.123456 UTC+x3", "late")
    hand_in("anna+fcn+2026-11-03 08:00:00.123456 UTC+x4", "another assignment")
    hand_in(f"..+{NAME}+2026-11-03 08:00:00.123456 UTC+x5", "out of the folder")
    (inbound / f"carl+{NAME}+2026-11-01 08:00:00.0 UTC+x6").mkdir()
    secret = inbound / f"carl+{NAME}+2026-11-01 08:00:00.0 UTC+x6" / f"{NAME}.ipynb"
    secret.symlink_to(classroom.run / "grading.toml")
    due = datetime(2026, 11, 2, 23, tzinfo=UTC)
    found = take(of_exchange(inbound, NAME), course.submitted, NAME, NAME, due)
    remarks = {one.source.rsplit("+")[-1]: " ".join(one.remarks) for one in found}
    assert remarks["x1"].startswith(f"older: anna+{NAME}+2026-11-02 08:00:00.123456 UTC+x2 counts")
    assert "anna's, but root wrote it" in remarks["x2"] or os.getuid()
    assert "late: of 2026-11-03 08:00:00 UTC, due 2026-11-02 23:00:00 UTC." in remarks["x3"]
    assert "x4" not in remarks and "does not name submissions so" in remarks["x5"]
    assert "is a link" in remarks["x6"]
    kept = classroom.run / "submitted/anna" / NAME
    assert nbformat.read(kept / f"{NAME}.ipynb", 4).cells[0].source == "second"
    assert (kept / "timestamp.txt").read_text() == "2026-11-02 08:00:00 UTC\n"
    carl = (classroom.run / "submitted/carl" / NAME / f"{NAME}.ipynb").read_text()
    assert "nothing to grade" in carl and "seed" not in carl
    roster = tmp_path / "students.csv"
    roster.write_text("student\nanna\nbert\ncarl\nzoe\n")
    status, said = call("collect", NAME, "--exchange", "--roster", str(roster))
    assert status == 0 and "3 students in" in said and "Nothing of 1: zoe." in said


def test_the_command_takes_the_due_date_from_the_gradebook(classroom, call):
    with Gradebook(classroom.course().db_url) as book:
        book.update_or_create_assignment(NAME, duedate="2026-11-02 23:00:00 UTC")
    put(classroom.inbox / "zoe.zip", day=3)
    status, said = call("collect", NAME, str(classroom.inbox))
    assert status == 0 and "taken late: of 2026-11-03" in said.replace("│ ", "")


def test_a_source_is_named_once(classroom, call):
    assert call("collect", NAME)[0] == 1
    status, said = call("collect", NAME, str(classroom.inbox), "--exchange")
    assert status == 1 and "or --exchange" in said

"""nbgrader's configuration: its own commands and the formgrader grade through our pipeline.

Run `nbgrader ...` in this folder. For the formgrader, which sees only what lies below the server's
root, run `jupyter lab --ServerApp.root_dir=$(dirname $(pwd))` here. Only the sources live here;
what grading makes goes to build/course, or to the folder that PIXELWISE_COURSE names. The gradebook
is a file there, or a database whose URL stands in PIXELWISE_GRADEBOOK.
"""

import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
COURSE = Path(os.environ.setdefault("PIXELWISE_COURSE", str(HERE.parent / "build" / "course")))
(COURSE / "exchange").mkdir(parents=True, exist_ok=True)
COURSE = COURSE.resolve()
# nbgrader calls `alembic`, which is installed beside this Python.
os.environ["PATH"] = str(Path(sys.prefix) / "bin") + os.pathsep + os.environ.get("PATH", "")

c = get_config()  # noqa: F821

c.CourseDirectory.course_id = "pixelwise"
c.CourseDirectory.root = str(COURSE)
if gradebook := os.environ.get("PIXELWISE_GRADEBOOK"):
    c.CourseDirectory.db_url = gradebook
# Relative, because nbgrader makes a regular expression of it.
c.CourseDirectory.source_directory = os.path.relpath(HERE / "source", COURSE)
c.CourseDirectory.ignore = [".ipynb_checkpoints", "*.pyc", "__pycache__", "feedback", "~*"]
c.Exchange.root = str(COURSE / "exchange")
# A stub that does nothing: the notebook runs to its end, and check says "not done yet".
c.ClearSolutions.code_stub = {"python": "...  # your code here"}

c.GenerateAssignment.preprocessors = [
    "grader.release.NameData",
    *(f"nbgrader.preprocessors.{name}" for name in (
        "IncludeHeaderFooter", "InstantiateTests", "LockCells", "ClearSolutions", "ClearOutput",
        "CheckCellMetadata", "ComputeChecksums", "SaveCells", "ClearHiddenTests", "ClearMarkScheme",
        "ComputeChecksums", "CheckCellMetadata",
    )),
]  # fmt: skip

c.Autograde.exporter_class = "grader.pipeline.SubmissionExporter"
c.Autograde.pre_convert_hook = "grader.pipeline.remove_links"
c.Autograde.sanitize_preprocessors = [
    "grader.pipeline.MendMetadata",
    "nbgrader.preprocessors.OverwriteKernelspec",
    "nbgrader.preprocessors.OverwriteCells",
    "nbgrader.preprocessors.CheckCellMetadata",
]
c.Autograde.autograde_preprocessors = [
    "grader.execute.SandboxExecute",
    "nbgrader.preprocessors.IgnorePattern",
    "nbconvert.preprocessors.ClearMetadataPreprocessor",
    "nbgrader.preprocessors.LimitOutput",
    "grader.pipeline.LedgerSaveAutoGrades",
    "nbgrader.preprocessors.AssignLatePenalties",
    "grader.pipeline.SafeOutputs",
    "nbgrader.preprocessors.CheckCellMetadata",
]

c.GenerateFeedback.exporter_class = "grader.feedback.FeedbackPage"
# nbgrader's own two, after ours
c.GenerateFeedback.preprocessors = [
    "grader.feedback.OnlyTheJudge",
    "nbgrader.preprocessors.GetGrades",
    "nbconvert.preprocessors.CSSHTMLHeaderPreprocessor",
]

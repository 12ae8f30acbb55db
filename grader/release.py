"""What a release adds to an assignment: the name of the data that its models are judged on."""

import re

from nbconvert.exporters.exporter import ResourcesDict
from nbformat.notebooknode import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor

from grader.settings import settings


class NameData(NbGraderPreprocessor):
    """Writes the instructor's choice, streets or lyft, into the cell that students read it from."""

    def preprocess(
        self, nb: NotebookNode, resources: ResourcesDict
    ) -> tuple[NotebookNode, ResourcesDict]:
        for cell in nb.cells:
            if cell.metadata.get("nbgrader", {}).get("grade_id") == "data":
                chosen = f'DATA = "{settings().data}"'
                cell.source = re.sub(r'^DATA = "\w+"', chosen, cell.source, flags=re.MULTILINE)
        return nb, resources

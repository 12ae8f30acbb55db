"""The confusion matrix as buttons: choose a cell, and its pixels light up in the picture."""

import numpy as np

from helpers.classes import LYFT, Classes
from helpers.metrics import Confusion
from helpers.widgets.core import Synced, Widget, check_image, check_mask, jpeg, packed

LIT = (255, 242, 0)


class ConfusionCells(Widget):
    """What `confusion` returns; every attribute can be set from Python.

    Attributes:
        cell: [true id, predicted id] of the pixels that are lit.
        normalise: 'counts', 'rows' (percent of each true class) or 'columns' (of each predicted).
    """

    script = "confusion.js"
    cell = Synced([0, 0])
    normalise = Synced("rows")

    def __init__(self, image, truth, prediction, classes, alt) -> None:
        self._image, self._truth, self._prediction = image, truth, prediction
        self._classes = classes
        self._matrix = Confusion(len(classes)).add(truth, prediction).matrix
        height, width = truth.shape
        super().__init__(
            "Confusion matrix",
            alt or f"A photo of {width}×{height} pixels; those of one cell of the matrix are lit.",
            image=jpeg(image),
            truth=packed(truth),
            prediction=packed(prediction),
            width=width,
            height=height,
            names=list(classes.names),
            colours=list(classes.colours),
        )
        self.cell = self._mistakes()[0]

    def _mistakes(self) -> list[list[int]]:
        """All cells beside the diagonal, those with most pixels first."""
        beside = self._matrix * (1 - np.eye(len(self._matrix), dtype=np.int64))
        order = np.argsort(-beside.ravel(), kind="stable")
        return [[int(i) for i in divmod(k, len(beside))] for k in order]

    def _words(self, t: int, p: int) -> str:
        names = self._classes.names
        return f"true {t} {names[t]}, called {p} {names[p]}: {self._matrix[t, p]:,} pixels"

    def text(self) -> str:
        """The chosen cell, and the five largest mistakes."""
        wrong = [
            cell for cell in self._mistakes()[:5] if cell[0] != cell[1] and self._matrix[*cell]
        ]
        largest = ["The largest mistakes:"] + [self._words(*cell) for cell in wrong]
        return "\n".join([f"Lit: {self._words(*self.cell)}", *(largest if wrong else [])])

    def picture(self) -> np.ndarray:
        """The photo, dark, with the pixels of the cell in yellow."""
        shown = self._image // 3
        t, p = self.cell
        shown[(self._truth == t) & (self._prediction == p)] = LIT
        return shown


def confusion(
    image: np.ndarray,
    truth: np.ndarray,
    prediction: np.ndarray,
    classes: Classes = LYFT,
    alt: str = "",
) -> ConfusionCells:
    """The confusion matrix of one answer; a click on a cell lights its pixels up in the photo.

    Rows are true classes, columns predicted ones, as in `helpers.metrics.Confusion`. Classes that
    are in neither mask are left out. At first the largest mistake is lit.

    Args:
        image: uint8, H×W×3.
        truth, prediction: class ids, uint8 H×W; 255 in the truth is ignored.
        classes: the label scheme: names and colours.
        alt: what the picture shows, in a sentence.

    Returns:
        the widget: make it the last line of a cell.

    Raises:
        ValueError: sizes differ or an id is no class.
    """
    image = check_image(image)
    truth = check_mask("truth", truth, image, classes)
    prediction = check_mask("prediction", prediction, image, classes, ignore=False)
    return ConfusionCells(image, truth, prediction, classes, alt)

"""How far a training is, and when it ends: what the two `train` functions share."""

import signal
import threading
import time
from pathlib import Path

import numpy as np
from tqdm.auto import tqdm

from helpers import checkpoint
from helpers.augment import Augment
from helpers.schedule import one_cycle


class History(list):
    """[(step, loss), …] of a training.

    Attributes:
        validation: [(step, mean IoU, loss), …], measured after that step.
        interrupted: Ctrl-C ended it.
    """

    def __init__(self, rows=(), validation=()):
        super().__init__((step, loss) for step, loss in rows)
        self.validation = [tuple(row) for row in validation]
        self.interrupted = False


def same_again(
    images: np.ndarray, batch: int, learning_rate: float, seed: int, augment: Augment | None
) -> dict:
    """The settings that must be the same when a training goes on."""
    return {
        "the shape of the images": list(images.shape),
        "batch": batch,
        "learning_rate": learning_rate,
        "seed": seed,
        "augment": repr(augment),
    }


class Training:
    """Counts the steps, gives the learning rate, shows the progress, and keeps it in a folder.

        with Training(…) as training:
            while not training.over:
                …  # learns from one batch at the rate training.factor
                training.log(loss)
                if training.validation_due: training.score(…)
                if training.saving_due: training.save(…)

    In the `with` block Ctrl-C waits for the end of the step; a second one does not.

    Args:
        epoch: how many steps show every pair once.
        steps, epochs, seconds: when it ends; seconds win over epochs, and epochs over steps.
        every: how many steps to the next validation and checkpoint; by default an epoch, and at
            least 50 steps.
        folder: where resume.safetensors lies. What is there is gone on from.
        progress: show a bar.
        settings: what must be the same when a training goes on.

    Attributes:
        arrays: what was saved last, to go on from; None at the beginning.
        over: nothing is left to do.

    Raises:
        ValueError: the folder holds a training with other settings, or the file is damaged.
    """

    def __init__(
        self,
        epoch: int,
        steps: int,
        epochs: int | None,
        seconds: float | None,
        every: int | None,
        folder: str | Path | None,
        progress: bool,
        settings: dict,
    ):
        self.steps = steps if epochs is None else epochs * epoch
        self.seconds = seconds
        self.every = every or max(epoch, 50)
        self.file = folder and Path(folder) / "resume.safetensors"
        self.settings = settings
        self.history, self.arrays, self._spent = History(), None, 0.0
        if self.file and self.file.exists():
            self._resume()
        self._start = time.perf_counter()
        self.over = self.done >= 1
        hidden = not progress or self.over
        self._bar = tqdm(
            total=self.steps if seconds is None else None,
            initial=self.step,
            disable=hidden,
            unit="step",
        )

    @property
    def step(self) -> int:
        """How many steps are behind."""
        return len(self.history)

    @property
    def elapsed(self) -> float:
        """The seconds so far, those before an interruption included."""
        return self._spent + time.perf_counter() - self._start

    @property
    def done(self) -> float:
        """The part that is behind, 0 to 1."""
        part, whole = self.step, self.steps
        if self.seconds is not None:
            part, whole = self.elapsed, self.seconds
        return part / whole if whole else 1.0

    @property
    def factor(self) -> float:
        """What the peak of the learning rate is multiplied by now. With `seconds` it follows the
        clock: it has come down to 0 when time is up."""
        return one_cycle(self.done)

    def log(self, loss: float, mean_iou: float | None = None) -> None:
        """A step is done, with this loss; the mean IoU of its batch is shown alone."""
        self.history.append((self.step, loss))
        self.over = self.done >= 1 or self.history.interrupted
        shown = {"loss": f"{loss:.3f}"}
        if mean_iou is not None:
            shown["mean_iou"] = f"{mean_iou:.2f}"
        if self.history.validation:
            shown["validation"] = f"{self.history.validation[-1][1]:.3f}"
        self._bar.set_postfix(shown, refresh=False)
        self._bar.update()

    @property
    def validation_due(self) -> bool:
        finished = self.over and not self.history.interrupted
        return self.step % self.every == 0 or finished

    @property
    def saving_due(self) -> bool:
        return bool(self.file) and (self.validation_due or self.over)

    def score(self, mean_iou: float, loss: float) -> bool:
        """What validation gave after this step; True if that is the best mean IoU so far."""
        before = [score for _, score, _ in self.history.validation]
        self.history.validation.append((self.step, mean_iou, loss))
        return mean_iou > max(before, default=-1)

    def save(self, arrays: dict[str, np.ndarray]) -> None:
        """Keeps the arrays, with what is known of the training."""
        about = {
            "history": self.history,
            "validation": self.history.validation,
            "seconds": self.elapsed,
            "settings": self.settings,
        }
        checkpoint.write(self.file, arrays, about)

    def _resume(self) -> None:
        self.arrays, about = checkpoint.read(self.file)
        if "history" not in about:
            raise ValueError(f"{self.file}: holds no training. Remove it to begin anew.")
        before = about["settings"]
        for name in sorted(self.settings.keys() | before.keys()):
            if (was := before.get(name)) != (now := self.settings.get(name)):
                raise ValueError(
                    f"{self.file}: that training has {name} = {was}, asked for is {now}. "
                    "Use the same, or another folder."
                )
        self.history = History(about["history"], about["validation"])
        self._spent = about["seconds"]

    def __enter__(self) -> "Training":
        self._handler = None
        if threading.current_thread() is threading.main_thread():  # others get no signals
            self._handler = signal.signal(signal.SIGINT, self._interrupt)
        return self

    def _interrupt(self, number, frame) -> None:
        self.history.interrupted = True
        signal.signal(signal.SIGINT, signal.default_int_handler)

    def __exit__(self, *error) -> None:
        if self._handler is not None:
            signal.signal(signal.SIGINT, self._handler)
        self._bar.close()

"""Runs a submitted notebook: the judge beside it, the kernel in the sandbox, a watch over both."""

import os
import shutil
import time
from pathlib import Path
from typing import Any

import psutil
from nbclient.client import CellExecutionComplete
from nbclient.exceptions import DeadKernelError
from nbconvert.exporters.exporter import ResourcesDict
from nbformat.notebooknode import NotebookNode
from nbgrader.preprocessors import Execute
from traitlets import Bool, Integer

from grader import outcomes, sandbox, submissions, warm
from grader.kernel import SandboxKernelManager
from grader.pipeline import only_text_and_pictures
from grader.run_folder import run_folder
from grader.sandbox import MIB, SandboxUnavailable
from grader.warm import WarmStartFailed
from grader.watch import BUSY, Watch

JUDGE_START = 300  # seconds; at its first start it may have to draw the hidden scenes
JUDGE_FINISH = 1800  # seconds; on a busy machine; what it runs has limits of its own


class JudgeUnavailable(RuntimeError):
    """The judge did not start, or broke."""


class JudgeProcess:
    """The judge of one submission, a trusted process of its own.

    It listens on a socket in the run folder that the kernel may reach, and writes the ledger where
    the kernel may not.
    """

    def __init__(self, run: Path, assignment: str, submission: Path, confined: bool) -> None:
        self.ledger = run / "ledger.jsonl"
        self._said = run / "judge.log"
        argv = ["grader.judge", "--assignment", assignment, "--line", "3"]
        argv += ["--socket", str(run / "k" / "judge.sock"), "--ledger", str(self.ledger)]
        argv += ["--submission", str(submission)]
        with open(self._said, "wb") as log:
            pid, self._line = warm.judge(assignment, argv, log.fileno(), confined)
        try:
            self._process = psutil.Process(pid)
        except psutil.NoSuchProcess:
            raise JudgeUnavailable(f"the judge did not start: {self._last_words()}") from None

    @property
    def pid(self) -> int:
        return self._process.pid

    def wait_until_ready(self) -> None:
        """Raises JudgeUnavailable when the judge does not listen."""
        deadline = time.monotonic() + JUDGE_START
        while not any(e.get("event") == "ready" for e in outcomes.read_ledger(self.ledger)):
            if not self._process.is_running():
                raise JudgeUnavailable(f"the judge did not start: {self._last_words()}")
            if time.monotonic() > deadline:
                raise JudgeUnavailable(f"the judge was not ready after {JUDGE_START} s")
            time.sleep(0.004)

    def finish(self) -> str:
        """End the judge; what went wrong with it, or an empty string."""
        try:
            self._line.settimeout(JUDGE_FINISH)
            self._line.sendall(b".")  # a word, any
            self._line.recv(1)  # nothing comes: it is closed when the judge has ended
        except TimeoutError:
            self._process.kill()
            return f"the judge did not finish within {JUDGE_FINISH} s"
        except OSError:
            return f"the judge broke down: {self._last_words()}"
        finally:
            self._line.close()
        return ""

    def _last_words(self) -> str:
        lines = self._said.read_text("utf-8", errors="replace").strip().splitlines()
        return (lines or ["it said nothing"])[-1][:300]


class SandboxExecute(Execute):
    """nbgrader's execute step, in the sandbox and with the judge. Leaves an `outcomes.Run` in
    resources["pixelwise"], whatever happens."""

    confined = Bool(True, help="Run the kernel in the sandbox.").tag(config=True)
    timeout = Integer(60, allow_none=True, help="Seconds for one cell.").tag(config=True)
    total_timeout = Integer(300, help="Seconds for the whole notebook.").tag(config=True)
    memory_mib = Integer(3072, help="Memory of all its processes, MiB.").tag(config=True)
    output_mib = Integer(10, help="Output of all its cells, MiB.").tag(config=True)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "kernel_manager_class": SandboxKernelManager})
        self.shutdown_kernel = "immediate"
        self.raise_on_iopub_timeout = False

    def preprocess(
        self, nb: NotebookNode, resources: ResourcesDict, km: None = None
    ) -> tuple[NotebookNode, ResourcesDict]:
        self.result = outcomes.Run(confined=self.confined, problem=submissions.problem(nb))
        resources["pixelwise"] = self.result
        who = resources["nbgrader"]
        submission = Path(resources["metadata"]["path"])
        begun = time.monotonic()
        with run_folder() as self._run:
            judge = None
            try:
                if self.confined:
                    sandbox.preflight()
                sandbox.prepare(self._run)
                copy_files(submission, self._run / "work")
                self._judge = judge = JudgeProcess(
                    self._run, who["assignment"], submission, self.confined
                )
                judge.wait_until_ready()
                self._execute(nb, resources)
            except (SandboxUnavailable, JudgeUnavailable, WarmStartFailed) as error:
                self.result.broken = str(error)
            except Exception as error:
                self.log.exception("running the notebook failed")
                self.result.broken = f"running the notebook failed: {type(error).__name__}: {error}"
            finally:
                if judge is not None:
                    failed = judge.finish()
                    self.result.broken = self.result.broken or failed
                    self.result.events = outcomes.read_ledger(judge.ledger)
                self.result.seconds = time.monotonic() - begun
        if self.result.broken:
            self.log.error("%s: %s", who["student"], self.result.broken)
        return nb, resources

    def _execute(self, nb: NotebookNode, resources: ResourcesDict) -> None:
        self.watch, self._printed, self._position = None, 0, 0
        try:
            super().preprocess(nb, resources)
        except RuntimeError as error:
            if self.watch is None:
                log = (self._run / "kernel.log").read_text("utf-8", errors="replace")
                raise SandboxUnavailable(f"the kernel did not start: {log[-300:]}") from error
            if not isinstance(error, DeadKernelError):
                raise
            why = self.watch.reason or "the kernel died (os._exit, too much memory, or a crash)"
            self.result.stopped = f"the notebook was stopped in cell {self._position + 1}: {why}"
        finally:
            only_text_and_pictures(nb)
            if self.watch is not None:
                self.watch.end()
                if self.watch.ours:
                    self.result.broken = self.watch.reason

    def start_new_kernel(self, **kwargs: Any) -> None:
        # nbclient calls this one, not the asynchronous one of the same name.
        place = {"run": str(self._run), "confined": self.confined}
        super().start_new_kernel(framework=warm.framework_of(self.nb), **place, **kwargs)

    def start_new_kernel_client(self) -> None:
        super().start_new_kernel_client()
        sandbox.close(self._run)
        kernel = self.km.provisioner
        limits = (self.total_timeout, self.memory_mib)
        self.watch = Watch(kernel.process, kernel.forked, self._judge.pid, self._run / "k", *limits)
        self.watch.start()

    def preprocess_cell(self, cell: NotebookNode, resources: ResourcesDict, index: int) -> Any:
        self._position = index
        self._begun = time.monotonic(), self.watch.waited
        try:
            return super().preprocess_cell(cell, resources, index)
        finally:
            if self.result.dealt is None and outcomes.has_dealt(self._run / "ledger.jsonl"):
                self.result.dealt = index

    async def _async_handle_timeout(self, timeout: int, cell: Any = None) -> Any:
        """A cell that was kept waiting by a busy machine goes on."""
        passed = time.monotonic() - self._begun[0]
        if passed - (self.watch.waited - self._begun[1]) < 0.9 * timeout:
            if passed < BUSY * timeout:
                return None
            self.watch.ours = True
            self.watch.stop(
                f"this machine was too busy: cell {self._position + 1} was not done after "
                f"{passed:.0f} s"
            )
        return await super()._async_handle_timeout(timeout, cell)

    def _update_display_id(self, display_id: str, msg: dict) -> None:
        # The outputs of earlier cells stand: a later one must not write into them.
        places = self._display_id_map.get(display_id, {})
        kept = {cell: found for cell, found in places.items() if cell == self._position}
        self._display_id_map[display_id] = kept
        super()._update_display_id(display_id, msg)

    def process_message(self, msg: dict, cell: NotebookNode, cell_index: int) -> Any:
        self._printed += len(str(msg.get("content", "")))
        if self._printed > self.output_mib * MIB:
            self.watch.stop(f"it printed more than {self.output_mib} MiB")
            return None
        try:
            return super().process_message(msg, cell, cell_index)
        except CellExecutionComplete:
            raise
        except Exception:
            return None  # no kernel says such a thing: the student's code sent it


def copy_files(source: Path, target: Path) -> None:
    """Copy what was handed in beside the notebook: files only, links never."""
    for folder, names, files in os.walk(source):
        names[:] = [n for n in names if not (Path(folder) / n).is_symlink()]
        place = target / Path(folder).relative_to(source)
        place.mkdir(parents=True, exist_ok=True)
        place.chmod(0o755)
        for name in files:
            path = Path(folder) / name
            if path.is_file() and not path.is_symlink() and path.suffix != ".ipynb":
                shutil.copyfile(path, place / name)
                (place / name).chmod(0o644)

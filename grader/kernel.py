"""Starts a Jupyter kernel in the sandbox, and reads what it says with care."""

import functools
import math
import os
import queue
import signal
import sys
import time
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import zmq
from jupyter_client.asynchronous import AsyncKernelClient
from jupyter_client.client import KernelClient
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning import KernelProvisionerFactory, LocalProvisioner
from jupyter_client.session import Session
from traitlets import Type, default

from grader import sandbox, warm

MAX_MESSAGE = 32 * sandbox.MIB


class SandboxProvisioner(LocalProvisioner):
    """Starts a kernel in the sandbox. Kernel and grader speak over sockets in `run`/k.

    Attributes:
        forked: the kernel's process id after a warm start; its process is then no child of ours.
    """

    forked: int | None = None

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        run, confined = Path(kwargs.pop("run")), kwargs.pop("confined")
        framework = kwargs.pop("framework")
        self._framework = framework if confined else None
        manager = self.parent
        manager.transport = "ipc"
        manager.ip = str(run / "k" / "s")
        manager.connection_file = str(run / "k" / "kernel.json")
        kwargs = await super().pre_launch(**kwargs)
        if os.geteuid() == 0:
            os.chown(manager.connection_file, sandbox.NOBODY, sandbox.NOBODY)
        env = sandbox.environment(run, PIXELWISE_JUDGE=str(run / "k" / "judge.sock"))
        self._argv = kwargs["cmd"][kwargs["cmd"].index("-m") + 1 :]
        if confined:
            program = warm.WAITING if self._framework else kwargs["cmd"]
            kwargs["cmd"] = sandbox.command(program, run, env)
        kwargs["env"] = env if not confined else {"PATH": os.environ["PATH"]}
        kwargs["cwd"] = "/" if confined else str(run / "work")
        self._run, self._env = run, env
        return kwargs

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> dict[str, Any]:
        # What it writes past Jupyter must not reach the instructor's terminal.
        with open(self._run / "kernel.log", "wb") as log:
            if not self._framework:
                return await super().launch_kernel(cmd, stdout=log, stderr=log, **kwargs)
            with warm.seat() as (ours, theirs):
                kwargs |= {"stdin": theirs, "stdout": theirs, "stderr": log}
                started = await super().launch_kernel(cmd, **kwargs)
                theirs.close()
                self.forked = warm.kernel(
                    self._framework, self._argv, self._env, ours, log.fileno()
                )
            return started

    async def send_signal(self, signum: int) -> None:
        # An interrupt travels as a message; as a signal it would end bubblewrap itself.
        if signum != signal.SIGINT:
            await super().send_signal(signum)


class CarefulSession(Session):
    """Reads messages that a student's code may have made up: what is none, says nothing."""

    def feed_identities(self, msg_list: list, copy: bool = True) -> tuple[list, list]:
        try:
            return super().feed_identities(msg_list, copy)
        except ValueError:
            return [], []

    def deserialize(self, msg_list: list, content: bool = True, copy: bool = True) -> dict:
        try:
            message = super().deserialize(msg_list, content, copy)
            if all(isinstance(message[p], dict) for p in ("header", "parent_header", "content")):
                needed = {"error": {"ename", "evalue", "traceback"}, "ok": set(), "aborted": set()}
                said = message["content"]
                if message["msg_type"] != "execute_reply" or needed[said["status"]] <= said.keys():
                    return message
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            pass
        return self.msg("nothing") | {"parent_header": {}, "buffers": []}


class SandboxClient(AsyncKernelClient):
    """A client that is ready when the kernel is; Jupyter's own waits until nothing more comes."""

    async def _async_wait_for_ready(self, timeout: float | None = None) -> None:
        end = time.monotonic() + (timeout or math.inf)
        while not await self._is_idle():
            if not await self._async_is_alive():
                raise RuntimeError("the kernel died before it was ready")
            if time.monotonic() > end:
                raise RuntimeError(f"the kernel was not ready after {timeout} s")

    wait_for_ready = _async_wait_for_ready

    async def _is_idle(self) -> bool:
        """Asks the kernel what it is; whether both of its channels have told."""
        asked = self.kernel_info()
        try:
            await self.get_shell_msg(timeout=1)
            while True:
                said = await self.get_iopub_msg(timeout=0.03)  # none before it is connected
                about = said["parent_header"].get("msg_id")
                if about == asked and said["content"].get("execution_state") == "idle":
                    return True
        except queue.Empty:
            return False


class SandboxKernelManager(AsyncKernelManager):
    """A kernel manager with one kernel: this Python's, in the sandbox."""

    client_factory = Type(SandboxClient)

    @default("session")
    def _careful(self) -> Session:
        return CarefulSession(parent=self)

    def client(self, **kwargs: Any) -> KernelClient:
        # A single message must not fill the grader's memory.
        client = super().client(**kwargs)
        client.context.setsockopt(zmq.MAXMSGSIZE, MAX_MESSAGE)
        client.context.setsockopt(zmq.RECONNECT_IVL, 5)  # ms: the kernel is about to bind them
        return client

    async def _async_shutdown_kernel(self, now: bool = False, restart: bool = False) -> None:
        """At once: there is nothing to be saved, and Jupyter looks only ten times a second."""
        if self.has_kernel:
            self.provisioner.process.kill()
            self.provisioner.process.wait()
            await self.provisioner.wait()
        await self._async_cleanup_resources(restart=restart)

    shutdown_kernel = _async_shutdown_kernel

    @functools.cached_property
    def kernel_spec(self) -> KernelSpec:
        return KernelSpec(
            # -P: not with a module of the submission that has a library's name
            argv=[sys.executable, "-P", "-m", "ipykernel_launcher", "-f", "{connection_file}"],
            display_name="Pixelwise sandbox",
            language="python",
            interrupt_mode="message",
            metadata={"kernel_provisioner": {"provisioner_name": "pixelwise-sandbox"}},
        )


KernelProvisionerFactory.provisioners["pixelwise-sandbox"] = EntryPoint(
    "pixelwise-sandbox", "grader.kernel:SandboxProvisioner", KernelProvisionerFactory.GROUP_NAME
)

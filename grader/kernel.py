"""Starts a Jupyter kernel in the sandbox, and reads what it says with care."""

import functools
import os
import signal
import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import zmq
from jupyter_client.client import KernelClient
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning import KernelProvisionerFactory, LocalProvisioner
from jupyter_client.session import Session
from traitlets import default

from grader import sandbox

MAX_MESSAGE = 32 * sandbox.MIB


class SandboxProvisioner(LocalProvisioner):
    """Starts a kernel in the sandbox. Kernel and grader speak over sockets in `run`/k."""

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        run, confined = Path(kwargs.pop("run")), kwargs.pop("confined")
        manager = self.parent
        manager.transport = "ipc"
        manager.ip = str(run / "k" / "s")
        manager.connection_file = str(run / "k" / "kernel.json")
        kwargs = await super().pre_launch(**kwargs)
        if os.geteuid() == 0:
            os.chown(manager.connection_file, sandbox.NOBODY, sandbox.NOBODY)
        env = sandbox.environment(run, PIXELWISE_JUDGE=str(run / "k" / "judge.sock"))
        if confined:
            kwargs["cmd"] = sandbox.command(kwargs["cmd"], run, env)
        kwargs["env"] = env if not confined else {"PATH": os.environ["PATH"]}
        kwargs["cwd"] = "/" if confined else str(run / "work")
        self._log = run / "kernel.log"
        return kwargs

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> dict[str, Any]:
        # What it writes past Jupyter must not reach the instructor's terminal.
        with open(self._log, "wb") as log:
            return await super().launch_kernel(cmd, stdout=log, stderr=log, **kwargs)

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


class SandboxKernelManager(AsyncKernelManager):
    """A kernel manager with one kernel: this Python's, in the sandbox."""

    @default("session")
    def _careful(self) -> Session:
        return CarefulSession(parent=self)

    def client(self, **kwargs: Any) -> KernelClient:
        # A single message must not fill the grader's memory.
        client = super().client(**kwargs)
        client.context.setsockopt(zmq.MAXMSGSIZE, MAX_MESSAGE)
        return client

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

"""A kernel as Jupyter starts, asks and ends it."""

import os
import re
from pathlib import Path

from jupyter_client import KernelManager

ROOT = Path(__file__).resolve().parents[3]
PATIENCE = 240  # seconds, on a machine with much else to do

os.environ["JUPYTER_PATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("JUPYTER_PATH")]))


class Kernel:
    """A kernel and its client; cells run one at a time unless `send` is used."""

    def __init__(self, code):
        self.code = code
        self.manager = KernelManager(kernel_name=code["name"])
        self.manager.start_kernel(cwd=str(ROOT / "notebooks"))
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=PATIENCE)
        self.pid = self.manager.provisioner.pid

    def send(self, name, **fields):
        return self.client.execute(self.code[name].format(**fields))

    def reply(self, msg_id, timeout=PATIENCE):
        while True:
            message = self.client.get_shell_msg(timeout=timeout)
            if message["parent_header"]["msg_id"] == msg_id:
                return message["content"]

    def published(self, msg_id, until="idle", timeout=PATIENCE):
        """What a cell publishes, `(parent, type, content)` each, also of other cells meanwhile."""
        while True:
            message = self.client.get_iopub_msg(timeout=timeout)
            parent = message["parent_header"].get("msg_id")
            yield parent, message["msg_type"], message["content"]
            if parent != msg_id:
                continue
            if message["content"].get("execution_state") == until:
                return

    def run(self, name, **fields):
        msg_id = self.send(name, **fields)
        messages = [m[1:] for m in self.published(msg_id) if m[0] == msg_id]
        return self.reply(msg_id), messages

    def text(self, name, **fields):
        _, messages = self.run(name, **fields)
        parts = (c.get("text") or c.get("data", {}).get("text/plain", "") for t, c in messages if t in ("stream", "execute_result"))
        return "".join(parts)

    def memory(self, which="VmHWM"):
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(rf"{which}:\s+(\d+)", status)[1]) / 1024

    def close(self):
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


def cpu_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

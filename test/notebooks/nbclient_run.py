"""Runs a notebook with Jupyter's own client and prints what the test looks at, as JSON."""

import json
import os
import sys

import nbformat
from nbclient import NotebookClient

path = sys.argv[1]
notebook = nbformat.read(path, as_version=4)
client = NotebookClient(
    notebook,
    timeout=240,
    startup_timeout=180,
    kernel_name="typescript",
    resources={"metadata": {"path": os.path.dirname(path)}},
)
client.execute()
nbformat.validate(notebook)
cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
last = cells[-1].outputs[-1]["data"]["text/plain"]
print(json.dumps({"counts": [cell.execution_count for cell in cells], "last": last}))

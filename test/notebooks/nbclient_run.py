"""Runs a notebook with Jupyter's own client and writes the copy that ran: nbclient_run.py IN OUT.

A cell that fails ends the run, and the copy holds what there is until then. Streams are joined as nbconvert joins them.
"""

import os
import sys

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbconvert.preprocessors import CoalesceStreamsPreprocessor

path, output = sys.argv[1:]
notebook = nbformat.read(path, as_version=4)
client = NotebookClient(
    notebook,
    timeout=600,
    startup_timeout=180,
    kernel_name="typescript",
    resources={"metadata": {"path": os.path.dirname(path)}},
)
try:
    client.execute()
except CellExecutionError:
    pass  # the outputs tell
CoalesceStreamsPreprocessor(enabled=True)(notebook, {})
nbformat.validate(notebook)
nbformat.write(notebook, output)

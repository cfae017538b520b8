"""Writes the requirements files beside it: TensorFlow's wheels for each target with their hashes, as pip resolves them.

    .venv/bin/python kernels/tensorflow/setup/pins/make.py

The CUDA libraries are the oldest that TensorFlow's `and-cuda` extra allows, which are those it is built with.
"""

import json
import pathlib
import subprocess
import sys
import tempfile

TENSORFLOW = "2.21.0"
CUDA = {
    "nvidia-cublas-cu12": "12.5.3.2",
    "nvidia-cuda-cupti-cu12": "12.5.82",
    "nvidia-cuda-nvcc-cu12": "12.5.82",
    "nvidia-cuda-nvrtc-cu12": "12.5.82",
    "nvidia-cuda-runtime-cu12": "12.5.82",
    "nvidia-cudnn-cu12": "9.3.0.75",
    "nvidia-cufft-cu12": "11.2.3.61",
    "nvidia-curand-cu12": "10.3.6.82",
    "nvidia-cusolver-cu12": "11.6.3.83",
    "nvidia-cusparse-cu12": "12.5.1.3",
    "nvidia-nccl-cu12": "2.27.7",
    "nvidia-nvjitlink-cu12": "12.5.82",
}
TARGETS = {
    "linux-x64": (["manylinux_2_27_x86_64"], {"tensorflow-cpu": TENSORFLOW}),
    "linux-x64-cuda": (
        ["manylinux_2_27_x86_64", "manylinux2014_x86_64"],
        {"tensorflow": TENSORFLOW, **CUDA},
    ),
    "linux-arm64": (["manylinux_2_27_aarch64"], {"tensorflow": TENSORFLOW}),
    "darwin-arm64": (["macosx_12_0_arm64"], {"tensorflow": TENSORFLOW}),
}


def pinned(name, version, options):
    """One line of a requirements file: the wheel that pip would take, held by its hash."""
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--quiet", "--no-deps", "--report=-"]
    with tempfile.TemporaryDirectory() as folder:
        command += ["--only-binary=:all:", *options, f"--target={folder}", f"{name}=={version}"]
        answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    info = json.loads(answer)["install"][0]["download_info"]
    return f"{name}=={version} --hash=sha256:{info['archive_info']['hashes']['sha256']}\n"


for target, (platforms, wheels) in TARGETS.items():
    options = ["--python-version=3.11", "--implementation=cp", *(f"--platform={p}" for p in platforms)]
    lines = [pinned(name, version, options) for name, version in wheels.items()]
    header = f"# Made by make.py. pip options: {' '.join(options)}\n"
    pathlib.Path(__file__).with_name(f"{target}.txt").write_text(header + "".join(lines))
    print(target, len(lines), flush=True)

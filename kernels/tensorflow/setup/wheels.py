"""Writes wheels.json: the wheels of each target with their hashes, as pip resolves them.

    .venv/bin/python kernels/tensorflow/setup/wheels.py

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
    "linux-x64": {"tensorflow_cpu": TENSORFLOW},
    "linux-x64-cuda": {"tensorflow": TENSORFLOW, **CUDA},
    "linux-arm64": {"tensorflow": TENSORFLOW},
    "darwin-arm64": {"tensorflow": TENSORFLOW},
}
PLATFORMS = {
    "linux-x64": ["manylinux_2_27_x86_64", "manylinux2014_x86_64"],
    "linux-x64-cuda": ["manylinux_2_27_x86_64", "manylinux2014_x86_64"],
    "linux-arm64": ["manylinux_2_27_aarch64"],
    "darwin-arm64": ["macosx_12_0_arm64"],
}


def pin(name, version, platform):
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--quiet", "--no-deps", "--report=-"]
    command += ["--only-binary=:all:", "--python-version=3.11", "--implementation=cp"]
    with tempfile.TemporaryDirectory() as folder:
        command += [f"--platform={platform}", f"--target={folder}", f"{name}=={version}"]
        answer = subprocess.run(command, capture_output=True, text=True)
    if answer.returncode != 0:
        return None
    info = json.loads(answer.stdout)["install"][0]["download_info"]
    return {
        "name": name,
        "version": version,
        "platform": platform,
        "file": info["url"].rsplit("/", 1)[1],
        "sha256": info["archive_info"]["hashes"]["sha256"],
    }


pins = {}
for target, wheels in TARGETS.items():
    pins[target] = []
    for name, version in wheels.items():
        found = [wheel for platform in PLATFORMS[target] if (wheel := pin(name, version, platform))]
        if not found:
            sys.exit(f"{target}: pip finds no wheel of {name} {version}")
        pins[target].append(found[0])
        print(target, found[0]["file"], flush=True)

path = pathlib.Path(__file__).with_name("wheels.json")
path.write_text(json.dumps(pins, indent=2) + "\n")

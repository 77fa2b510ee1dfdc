# SPDX-License-Identifier: Apache-2.0
import os
import subprocess
from pathlib import Path

import pytest
from small_cohort import make_cohort, study_text

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("LAMELLA_PROGRAM", str(ROOT / "build/bin/lamella"))

NETWORK = '''
import torch

def make():
    return torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3, stride=2), torch.nn.ReLU(),
                               torch.nn.Conv2d(8, 12, 3, stride=2), torch.nn.BatchNorm2d(12),
                               torch.nn.ReLU())

def fixed():
    return torch.nn.Sequential(torch.nn.Conv2d(3, 4, 16, stride=16), torch.nn.Flatten(2))

def tokens_of_one():
    return torch.nn.Flatten(0)
'''
FINETUNE = '''
[finetune]
network = "net.py:make"
input_px = 32
epochs = 3
head_epochs = 1
batch_size = 16
learning_rate = 3e-3
held_out = 0
precision = "f32"
'''


@pytest.fixture(scope="session")
def training_cohort(tmp_path_factory):
    """Four slides of four patients, two to train on and two to test on."""
    def program(*words):
        subprocess.run([PROGRAM, *map(str, words), "--quiet"], check=True)

    return make_cohort(program, tmp_path_factory.mktemp("tuned"), size_px="1536,1024", seed=5)


@pytest.fixture
def study(training_cohort, tmp_path):
    """study(more="", table=...): a study file with a small network of its own."""
    def write(more: str = "", table: Path | None = None, finetune: str = FINETUNE) -> Path:
        (tmp_path / "net.py").write_text(NETWORK)
        path = tmp_path / "study.toml"
        path.write_text(study_text(tmp_path / "out", table or training_cohort / "slides.csv", most=24)
                        + finetune + more)
        return path

    return write

# SPDX-License-Identifier: Apache-2.0
"""Fine-tuning over a real Spark cluster of two workers of one core, by TorchDistributor."""

import inspect
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="PyTorch is not installed")
pytest.importorskip("onnx", reason="onnx is not installed")
pytest.importorskip("pyspark", reason="pyspark is not installed")
lamella = pytest.importorskip("lamella", reason="the package is not built")
if shutil.which("java") is None and not os.environ.get("JAVA_HOME"):
    pytest.skip("java is not here", allow_module_level=True)

ROOT = Path(__file__).resolve().parents[2]
sys.path += [str(ROOT / "python/tests_spark"), str(ROOT / "python/tests_frameworks")]
import lamella.spark  # noqa: E402
from cluster import Cluster  # noqa: E402
from pyspark.sql import SparkSession  # noqa: E402
from small_cohort import make_cohort, study_text  # noqa: E402

PROGRAM = os.environ.get("LAMELLA_PROGRAM", str(ROOT / "build/bin/lamella"))
NETWORK = '''
import os
import torch

def make():
    return torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3, stride=2), torch.nn.ReLU(),
                               torch.nn.Conv2d(8, 12, 3, stride=2), torch.nn.ReLU())

class Dies(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layers, self.calls = make(), 0

    def forward(self, x):
        self.calls += 1
        if self.calls > 8 and os.environ.get("RANK") == "1" and not os.path.exists(MARK):
            open(MARK, "w").close()
            os.kill(os.getpid(), 9)
        return self.layers(x)
'''
FINETUNE = '''
[finetune]
network = "net.py:{name}"
input_px = 32
epochs = 2
batch_size = 16
learning_rate = 3e-3
held_out = 0
checkpoint_seconds = 0
'''


@pytest.fixture(scope="module")
def spark(tmp_path_factory):
    cluster = Cluster(tmp_path_factory.mktemp("cluster"))
    os.environ["PYSPARK_PYTHON"] = sys.executable
    session = SparkSession.builder.master(cluster.url).appName("lamella tests") \
        .config("spark.driver.host", "127.0.0.1").config("spark.driver.bindAddress", "127.0.0.1") \
        .config("spark.ui.enabled", "false").config("spark.executor.memory", "1g") \
        .config("spark.executorEnv.PYTHONPATH",
                f"{Path(__file__).parent / 'torchrun_1_13'}:{os.environ.get('PYTHONPATH', '')}") \
        .getOrCreate()
    yield session
    session.stop()
    cluster.stop()


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    def program(*words):
        subprocess.run([PROGRAM, *map(str, words), "--quiet"], check=True)

    return make_cohort(program, tmp_path_factory.mktemp("cohort"), size_px="1536,1024", seed=5)


def study(cohort, folder, name="make"):
    (folder / "net.py").write_text(f"MARK = {str(folder / 'killed')!r}\n" + NETWORK)
    path = folder / "study.toml"
    path.write_text(study_text(folder / "out", cohort / "slides.csv", most=24)
                    + FINETUNE.format(name=name))
    return path


def test_two_workers_are_as_one_process(spark, cohort, tmp_path):
    path = study(cohort, tmp_path)
    two = lamella.spark.finetune(path, spark, workers=2, out=tmp_path / "of_two")
    one = lamella.finetune(path, threads=1, out=tmp_path / "of_one",
                           overrides=[f"output={tmp_path / 'one'}"])
    for a, b in zip(one["history"], two["history"]):
        assert a["train_loss"] == pytest.approx(b["train_loss"], abs=1e-4)
    record = json.loads((Path(two["run_dir"]) / "run.json").read_text())
    assert record["study"]["finetune"]["ranks"] == 2
    assert (tmp_path / "of_two" / "network.onnx").exists()


def test_a_killed_worker(spark, cohort, tmp_path):
    """The job ends, or Spark begins it anew by itself; the same call ends it, from the checkpoint."""
    path = study(cohort, tmp_path, "Dies")
    try:
        told = lamella.spark.finetune(path, spark, workers=2)
    except Exception:
        told = lamella.spark.finetune(path, spark, workers=2)
    assert (tmp_path / "killed").exists() and told["resumed"] and told["epochs"] == 2


def test_what_is_wrong_is_said(spark, cohort, tmp_path):
    path = study(cohort, tmp_path)
    with pytest.raises(lamella.Error, match="epochs: found 0"):
        lamella.spark.finetune(path, spark, epochs=0)
    with pytest.raises(lamella.Error, match="does not fit patches of 8 px"):
        lamella.spark.finetune(path, spark, workers=2, input_px=8,
                               network=write_wide(tmp_path))


def write_wide(folder):
    (folder / "wide.py").write_text("import torch\n\ndef make():\n"
                                    "    return torch.nn.Conv2d(3, 4, 16)\n")
    return f"{folder}/wide.py:make"


def test_its_signature():
    parameters = inspect.signature(lamella.spark.finetune).parameters
    assert list(parameters)[:2] == ["study", "spark"]
    assert {"workers", "use_gpu", "lora_rank", "epochs", "out"} <= set(parameters)

# SPDX-License-Identifier: Apache-2.0
"""Fine-tuning by several processes, and what goes wrong in one of them or in all."""

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
pytest.importorskip("onnx", reason="onnx is not installed")
lamella = pytest.importorskip("lamella", reason="the package is not built")
if not torch.distributed.is_available():
    pytest.skip("this torch has no distributed part", allow_module_level=True)

FAULTS = Path(__file__).parent / "rank_faults.py"


class Ended(NamedTuple):
    returncode: int  # of the first process that did not go well
    stdout: str      # of the first process
    stderr: str      # of all


def torchrun(path, *words, ranks=2, fault="", slide=""):
    """Processes with the environment that torchrun gives them. (torchrun itself: below.)"""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    processes = [subprocess.Popen(
        [sys.executable, str(FAULTS), str(path), "--threads", "1", "--json", *map(str, words)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "FAULT": fault, "SLIDE": str(slide), "GLOO_SOCKET_IFNAME": "lo",
             "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "RANK": str(rank),
             "LOCAL_RANK": str(rank), "WORLD_SIZE": str(ranks), "LOCAL_WORLD_SIZE": str(ranks)})
        for rank in range(ranks)]
    told = [process.communicate(timeout=200) for process in processes]
    codes = [process.returncode for process in processes]
    return Ended(next((code for code in codes if code), 0), told[0][0],
                 "".join(errors for _, errors in told))


def result(run):
    assert run.returncode == 0, run.stderr[-3000:]
    return json.loads(run.stdout.strip().splitlines()[-1])


@pytest.fixture
def own_slides(training_cohort, tmp_path):
    """Slides that a test may damage; its table."""
    folder = tmp_path / "slides"
    shutil.copytree(training_cohort, folder)
    return folder


def test_processes_change_nothing_but_rounding(study):
    path = study()
    two = result(torchrun(path, "--set=finetune.held_out=0.5", "--set=finetune.batch_size=15"))
    one = lamella.finetune(path, threads=1, held_out=0.5, batch_size=15,
                           out=Path(two["encoder"]).parent / "of_one",
                           overrides=[f"output={Path(two['encoder']).parents[2] / 'one'}"])
    for a, b in zip(one["history"], two["history"]):
        assert a["train_loss"] == pytest.approx(b["train_loss"], abs=1e-4)
        assert a["held_out_log_loss"] == pytest.approx(b["held_out_log_loss"], abs=1e-4)
    record = json.loads((Path(two["run_dir"]) / "run.json").read_text())
    assert record["study"]["finetune"]["ranks"] == 2


def real_torchrun(path, *words, fault="", restarts=0):
    return subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-addr",
         "127.0.0.1", "--master-port", "0", "--rdzv-backend", "c10d", "--rdzv-endpoint",
         "127.0.0.1:0", "--local-addr", "127.0.0.1", "--max-restarts", str(restarts),
         *(["-m", "lamella.finetuning"] if not fault else [str(FAULTS)]), str(path), "--threads",
         "1", "--json", *map(str, words)],
        capture_output=True, text=True, timeout=200, check=False,
        env={**os.environ, "GLOO_SOCKET_IFNAME": "lo", "FAULT": fault})


@pytest.mark.skipif(int(torch.__version__.split(".")[0]) < 2,
                    reason="torchrun of PyTorch 1.13 fails under Python 3.11")
def test_torchrun_itself(study, tmp_path):
    """The same weights as one process, within rounding; after a process was killed, too."""
    path = study()
    one = lamella.finetune(path, threads=1, out=tmp_path / "of_one",
                           overrides=[f"output={tmp_path / 'one'}"])
    killed = real_torchrun(path, "--set=finetune.checkpoint_seconds=0", fault="killed")
    assert killed.returncode != 0
    assert "cannot be reached any more; one was killed" in killed.stderr
    assert "goes on from the last checkpoint" in killed.stderr
    two = result(real_torchrun(path, "--set=finetune.checkpoint_seconds=0"))
    assert two["resumed"]
    for a, b in zip(one["history"], two["history"]):
        assert a["train_loss"] == pytest.approx(b["train_loss"], abs=1e-4)
    features = [np.array(json.loads((Path(run["encoder"]) / "finetuned.json").read_text())[
        "known_answers"]["features"]) for run in (one, two)]
    np.testing.assert_allclose(features[0], features[1], rtol=1e-3, atol=1e-4)


def test_more_processes_than_patches_of_a_step(study):
    two = result(torchrun(study(), "--set=finetune.batch_size=1", "--set=finetune.epochs=1",
                          "--set=finetune.patches_per_epoch=6"))
    assert np.isfinite(two["history"][0]["train_loss"])


def test_one_class_alone_in_a_process(study):
    path = study()
    odd = result(torchrun(path, fault="one class"))
    one = lamella.finetune(path, threads=1, out=Path(odd["encoder"]).parent / "of_one",
                           overrides=[f"output={Path(odd['encoder']).parents[2] / 'one'}"])
    for a, b in zip(one["history"], odd["history"]):
        assert a["train_loss"] == pytest.approx(b["train_loss"], abs=1e-4)


def test_a_killed_worker(study, tmp_path):
    """The others end, and all go on from the checkpoint when they are started anew."""
    path = study()
    whole = lamella.finetune(path, threads=1, out=tmp_path / "whole",
                             overrides=[f"output={tmp_path / 'one'}"])
    run = torchrun(path, "--set=finetune.checkpoint_seconds=0", fault="killed")
    assert run.returncode != 0
    assert "cannot be reached any more" in run.stderr
    after = result(torchrun(path, "--set=finetune.checkpoint_seconds=0"))
    assert after["resumed"]
    for a, b in zip(whole["history"], after["history"]):
        assert a["train_loss"] == pytest.approx(b["train_loss"], abs=1e-4)


@pytest.mark.parametrize("fault, words", [
    ("memory", ["ran out of memory in step 2 of epoch 1", "device_batch", "process 1 of 2"]),
    ("settings", ["process 1 found the settings", "expected the same everywhere"]),
    ("gloo", ["without gloo", "pip install torch"])])
def test_what_fails_in_one_process_ends_all_and_is_named(study, fault, words):
    run = torchrun(study(), fault=fault)
    assert run.returncode != 0
    for word in words:
        assert word in run.stderr, run.stderr[-3000:]


@pytest.mark.parametrize("fault, words", [
    ("files", ["another file", "process 1 of 2"]),
    ("slide", ["slide 'phantom_01'", " of 2 on "])])
def test_slides_that_one_process_sees_otherwise(study, own_slides, fault, words):
    path = study("\n", table=own_slides / "slides.csv")
    run = torchrun(path, "--set=finetune.read_ahead_mb=1", fault=fault,
                   slide=own_slides / "phantom_01.tif")
    assert run.returncode != 0
    for word in words:
        assert word in run.stderr, run.stderr[-3000:]


# One process.

def test_a_loss_that_is_not_a_number_names_its_patches(study, tmp_path):
    path = study()
    with open(tmp_path / "net.py", "a") as file:
        file.write("class Bad(torch.nn.Module):\n"
                   "    def __init__(self):\n"
                   "        super().__init__()\n"
                   "        self.conv, self.calls = torch.nn.Conv2d(3, 4, 3), 0\n"
                   "    def forward(self, x):\n"
                   "        made = self.conv(x)\n"
                   "        self.calls += 1\n"
                   "        return made * float('nan') if self.calls > 5 else made\n")
    with pytest.raises(lamella.Error, match=r"loss that is not a number in step \d of epoch 1, of "
                       r"slide 'phantom_0\d' \(\d+, \d+\)"):
        lamella.finetune(path, network=str(tmp_path / "net.py") + ":Bad", threads=1)
    run, = (tmp_path / "out" / "runs").iterdir()
    record = json.loads((run / "run.json").read_text())
    assert record["status"] == "FAILED" and "not a number" in record["error"]


def test_a_slide_that_fails_amid_an_epoch(study, own_slides, monkeypatch):
    from lamella.finetuning import _reading
    path = study("", table=own_slides / "slides.csv")
    plain, reads = _reading.Reader._read_slide, []

    def read(self, slide, *words):
        reads.append(slide)
        if len(reads) == 5:
            victim = own_slides / "phantom_01.tif"
            os.truncate(victim, victim.stat().st_size // 2)
        return plain(self, slide, *words)

    monkeypatch.setattr(_reading.Reader, "_read_slide", read)
    with pytest.raises(lamella.Error, match="phantom_01"):
        lamella.finetune(path, threads=1, read_ahead_mb=1, epochs=40)


def test_a_network_that_does_not_fit(study, tmp_path):
    path = study()
    net = str(tmp_path / "net.py")
    with pytest.raises(lamella.Error, match=r"does not fit patches of 32 px.*\(2, 4, 4\)"):
        lamella.finetune(path, network=net + ":fixed")
    with pytest.raises(lamella.Error, match="expected"):
        lamella.finetune(path, network=net + ":tokens_of_one")
    with pytest.raises(lamella.Error, match="absent.*no such|no such.*absent|there is no such file"):
        lamella.finetune(path, network=str(tmp_path / "absent.py") + ":make")
    with pytest.raises(lamella.Error, match="found no encoder|nothing"):
        lamella.finetune(path, network="absent")


def test_an_encoder_of_several_views_says_what_to_do(study):
    views = Path(__file__).resolve().parents[2] / "testdata" / "encoders" / "tiny_views"
    with pytest.raises(lamella.Error, match=r"views \[1.*, 2.*\], expected one of the patch alone: "
                                            "fine-tune that, and give it views when it is used"):
        lamella.finetune(study(), network=str(views))


def test_a_folder_that_is_taken(study, tmp_path):
    (tmp_path / "mine").mkdir()
    with pytest.raises(lamella.Error, match="not of this fine-tuning"):
        lamella.finetune(study(), out=tmp_path / "mine")


def test_a_damaged_checkpoint(study, tmp_path):
    path = study()
    lamella.finetune(path, threads=1, epochs=1)
    state, = (tmp_path / "out" / "finetune").rglob("state.pt")
    state.write_bytes(state.read_bytes()[:-100])
    with pytest.raises(lamella.Error, match="no checkpoint that can be read.*begin anew"):
        lamella.finetune(path, threads=1, epochs=1)


def test_labels_of_one_class(study):
    with pytest.raises(lamella.Error, match="no patches of .*tumor to learn from"):
        lamella.finetune(study(), overrides=["patches.min_coverage=1", "patches.size_px=400"])


def test_without_torch(study, tmp_path):
    (tmp_path / "torch.py").write_text("raise ImportError('none')\n")
    run = subprocess.run([sys.executable, "-m", "lamella.finetuning", str(study())],
                         capture_output=True, text=True, check=False,
                         env={**os.environ, "PYTHONPATH": f"{tmp_path}:{os.environ['PYTHONPATH']}"})
    assert run.returncode == 1 and "the package torch is not installed" in run.stderr


def test_f16_wants_a_graphics_card(study):
    if torch.cuda.is_available():
        pytest.skip("there is one")
    with pytest.raises(lamella.Error, match="f16 is for graphics cards"):
        lamella.finetune(study(), precision="f16")


def test_two_at_once(study, tmp_path):
    from lamella.finetuning._checkpoint import Checkpoint
    path = study()
    told = lamella.finetune(path, threads=1, epochs=1)
    folder = next((tmp_path / "out" / "finetune").iterdir())
    other = Checkpoint(folder, "")
    other.lock()
    with pytest.raises(lamella.Error, match="another process is at this fine-tuning"):
        lamella.finetune(path, threads=1, epochs=1)
    assert told["epochs"] == 1

# SPDX-License-Identifier: Apache-2.0
"""Fine-tuning by PyTorch: one process, from the study to heat-maps."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
pytest.importorskip("onnx", reason="onnx is not installed")
lamella = pytest.importorskip("lamella", reason="the package is not built")
from conftest import PROGRAM  # noqa: E402
from fake_mlflow import FakeMlflow  # noqa: E402
from lamella.finetuning import _augment, _order  # noqa: E402
from lamella.finetuning._cohort import read_cohort  # noqa: E402
from lamella.finetuning._export import known_answers  # noqa: E402
from lamella.finetuning._networks import load_network  # noqa: E402
from lamella.finetuning._ranks import Ranks  # noqa: E402
from lamella.finetuning._reading import Reader  # noqa: E402
from lamella.finetuning._settings import Settings  # noqa: E402
from lamella.finetuning._weights import blocks_of, choose_weights, merge_lora  # noqa: E402

KILLS = int(os.environ.get("LAMELLA_FINETUNE_KILLS", "3"))


def program(*words, python=sys.executable, code=0):
    run = subprocess.run([PROGRAM, *map(str, words)], capture_output=True, text=True, check=False,
                         env={**os.environ, "LAMELLA_PYTHON": python})
    assert run.returncode == code, run.stderr + run.stdout
    return run.stdout if code == 0 else run.stderr


def finetuned(path, **options):
    return lamella.finetune(path, threads=1, **options)


# Order and variation.

def test_the_random_bits_are_splitmix64s():
    # The first number of splitmix64 from the seed 0 is the mix of its constant.
    assert int(_order._mix(np.array([0x9E3779B97F4A7C15], np.uint64))[0]) == 0xE220A8397B1DCDAF


def test_the_order_is_of_seed_and_epoch_alone():
    rows = np.arange(100)
    first = _order.epoch_order(rows, 1, 0)
    assert sorted(first) == list(rows) and list(first) == list(_order.epoch_order(rows, 1, 0))
    assert list(first) != list(_order.epoch_order(rows, 1, 1))
    assert list(first) != list(_order.epoch_order(rows, 2, 0))
    assert list(_order.epoch_order(rows, 1, 0, 10)) == list(first[:10])
    # A patch keeps its numbers whoever its neighbours are.
    whole = _order.uniforms(3, 4, rows, 2)
    assert (whole[[7, 3]] == _order.uniforms(3, 4, np.array([7, 3]), 2)).all()
    assert 0.4 < whole.mean() < 0.6 and whole.min() >= 0 and whole.max() < 1


@pytest.mark.parametrize("count, ranks", [(16, 2), (17, 4), (1, 3)])
def test_parts_of_a_step_are_the_step(count, ranks):
    step = np.arange(count)
    parts = [_order.part_of(step, rank, ranks) for rank in range(ranks)]
    assert list(np.concatenate(parts)) == list(step)
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_patients_are_held_out_whole():
    patients = ["a", "b", "c", "d", "a"]
    assert _order.held_out_patients(patients, 0, 1) == set()
    assert len(_order.held_out_patients(patients, 0.25, 1)) == 1
    assert len(_order.held_out_patients(patients, 0.9, 1)) == 3
    assert _order.held_out_patients(["a", "a"], 0.5, 1) == set()


def test_eight_turns_of_a_square():
    picture = torch.arange(4.0).reshape(1, 2, 2)
    made = {tuple(_augment.turned(picture, how).reshape(-1).tolist()) for how in range(8)}
    assert len(made) == 8 and tuple(range(4)) in made


def test_more_of_one_stain_is_more_of_its_density():
    density = 0.8 * _augment.STAINS[0]
    more, = _augment.stain_matrices(np.array([[1.5, 0.7, 0.7]]))
    np.testing.assert_allclose(more @ density, 1.2 * _augment.STAINS[0], atol=1e-12)
    same, = _augment.stain_matrices(np.ones((1, 3)))
    np.testing.assert_allclose(same, np.eye(3), atol=1e-12)


def test_variation():
    rows = np.arange(6)
    planes = torch.rand(6, 3, 8, 8, generator=torch.Generator().manual_seed(1)) * 255
    assert _augment.vary(planes, rows, 1, 0, geometry=False, stain=0) is planes
    one = _augment.vary(planes, rows, 1, 0, geometry=True, stain=0.1)
    assert torch.equal(one, _augment.vary(planes, rows, 1, 0, geometry=True, stain=0.1))
    assert not torch.equal(one, _augment.vary(planes, rows, 1, 1, geometry=True, stain=0.1))
    part = _augment.vary(planes[2:4], rows[2:4], 1, 0, geometry=True, stain=0.1)
    assert torch.equal(part, one[2:4])
    white = torch.full((6, 3, 8, 8), 255.0)
    assert torch.equal(_augment.vary(white, rows, 1, 0, geometry=True, stain=0.3), white)


# Reading.

@pytest.fixture
def cohort(study):
    read = lamella._core.Study(str(study()))
    return read_cohort(read, 0, 1, Ranks(1))


def test_patches_come_in_the_wanted_order(cohort):
    order = _order.epoch_order(cohort.train, 1, 0)
    steps = _order.steps_of(order, 16)
    assert len({int(slide) for slide in cohort.slide_of[steps[0]]}) == 2
    small = Reader(cohort, 32, threads=1, memory_mb=1, skip=False)
    small.window = 20  # several windows
    found = {int(row): pixels.copy() for step, wanted in zip(small.steps(steps), steps)
             for row, pixels in zip(step.rows, step.pixels) if list(step.rows) == list(wanted)}
    assert sorted(found) == sorted(order.tolist())
    for number, part in enumerate(cohort.slides):
        rows = np.flatnonzero(cohort.slide_of == number)
        batch, = lamella.PatchDataset(part.plan.slide_path, part.plan, output_px=32,
                                      plan_order=True, batch_size=len(part.plan))
        for row, pixels in zip(rows, batch.pixels):
            assert (found[int(row)] == pixels).all()


def test_a_reader_that_is_left_ends_its_thread(cohort):
    import threading
    reader = Reader(cohort, 32, threads=1, memory_mb=1, skip=False)
    reader.window = 4
    steps = reader.steps(_order.steps_of(cohort.train, 4))
    next(steps)
    steps.close()
    assert not [one for one in threading.enumerate() if one.name == "lamella reading"]


# Networks.

def encoder_settings(study, **options):
    overrides = lamella._core.finetune_overrides(**options)
    read = lamella._core.Study(str(study()), overrides)
    return Settings.of(read), read


def test_an_encoder_becomes_a_module(study, cohort, tmp_path):
    """lite0's own features, by torch from its ONNX file and by lamella."""
    settings, read = encoder_settings(study, network="lite0")
    network = load_network(settings, read)
    assert network.dimension == 424 and network.input_px == 224
    assert [len(block) > 0 for block in blocks_of(network.module)] == [True] * 16
    answers = known_answers(network, cohort, Path(lamella._core.EncoderInfo("lite0").folder))
    assert answers["least_cosine_to_torch"] > 0.99999


@pytest.mark.parametrize("method, share", [("whole", 1.0), ("last", 0.5), ("lora", 1.0)])
def test_what_is_learnt(study, method, share):
    settings, read = encoder_settings(study, network="lite0", method=method, blocks=3)
    network = load_network(settings, read)
    before = {name: one.detach().clone() for name, one in network.module.named_parameters()}
    learnt = choose_weights(network.module, settings)
    if method == "whole":
        assert set(learnt) == set(before)
    elif method == "last":  # 3 of 16 blocks: those with most weights
        assert 0 < len(learnt) < len(before) / 4
        assert any("layer4" in name for name in learnt) and "layers.layer0.conv.weight" not in learnt
    else:
        assert all("parametrizations" in name for name in learnt)
        planes = torch.rand(1, 3, 224, 224)
        untouched = network.module(planes)
        with torch.no_grad():
            for name, one in learnt.items():
                one.add_(0.01 if name.endswith(".b") else 0)
        changed = network.module(planes)
        assert not torch.allclose(untouched, changed)
        merge_lora(network.module)
        assert torch.allclose(network.module(planes), changed, rtol=1e-4, atol=1e-5)


def test_blocks_of_other_modules():
    from torch import nn
    plain = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 4, 3))
    assert [len(block) for block in blocks_of(plain)] == [2, 2]

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.stem = nn.Conv2d(3, 4, 1)
            self.blocks = nn.ModuleList([nn.Linear(4, 4) for _ in range(5)])
            self.norm = nn.LayerNorm(4)

    assert [len(block) for block in blocks_of(Net())] == [2, 2, 2, 2, 4]  # with the last, the norm


def test_a_graph_with_everything(tmp_path):
    """Operators that lite0 does not have, against onnx's own reference."""
    from onnx import TensorProto, helper, numpy_helper
    from onnx.reference import ReferenceEvaluator

    from lamella.finetuning._onnx_graph import Graph

    rng = np.random.default_rng(3)

    def constant(name, *shape):
        return numpy_helper.from_array(rng.normal(size=shape).astype(np.float32), name)

    nodes = [("Transpose", ["input"], "x", {"perm": [0, 3, 1, 2]}),
             ("Conv", ["x", "w", "b"], "c", {"pads": [0, 0, 1, 1], "strides": [2, 2]}),
             ("BatchNormalization", ["c", "s", "t", "m", "v"], "n", {}),
             ("Sigmoid", ["n"], "g", {}), ("Mul", ["n", "g"], "a", {}),
             ("MaxPool", ["a"], "p", {"kernel_shape": [3, 3], "strides": [2, 2],
                                      "pads": [1, 1, 1, 1]}),
             ("Add", ["p", "k"], "q", {}), ("LeakyRelu", ["q"], "l", {"alpha": 0.1}),
             ("AveragePool", ["l"], "o", {"kernel_shape": [3, 3], "auto_pad": "SAME_UPPER"}),
             ("AveragePool", ["o"], "e", {"kernel_shape": [2, 2], "pads": [1, 0, 1, 0]}),
             ("Concat", ["e", "e"], "f", {"axis": 1}), ("GlobalAveragePool", ["f"], "h", {}),
             ("Squeeze", ["h", "axes"], "i", {}), ("Gemm", ["i", "gw", "gb"], "out", {"transB": 1})]
    graph = helper.make_graph(
        [helper.make_node(kind, inputs, [output], name=output, **attributes)
         for kind, inputs, output, attributes in nodes], "g",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["N", 16, 16, 3])],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, ["N", 5])],
        [constant("w", 8, 3, 3, 3), constant("b", 8), constant("s", 8), constant("t", 8),
         constant("m", 8), numpy_helper.from_array(rng.random(8).astype(np.float32) + 0.5, "v"),
         constant("k", 1, 8, 1, 1), numpy_helper.from_array(np.array([2, 3]), "axes"),
         constant("gw", 5, 16), constant("gb", 5)])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    (tmp_path / "g.onnx").write_bytes(model.SerializeToString())
    module = Graph(tmp_path / "g.onnx", [("out", "none")]).eval()
    assert {"constant6"} == {name for name, _ in module.named_parameters() if "constant" in name}
    pictures = rng.normal(size=(2, 16, 16, 3)).astype(np.float32)
    expected, = ReferenceEvaluator(model).run(None, {"input": pictures})
    with torch.no_grad():
        found = module(torch.from_numpy(pictures.transpose(0, 3, 1, 2).copy())).numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


# The whole.

def test_from_the_study_to_heat_maps(study, tmp_path):
    path = study()
    out = tmp_path / "encoders" / "mine"
    told = json.loads(program("finetune", path, "--out", out, "--json", "--threads", 1))
    assert told["encoder"] == str(out) and told["epochs"] == 3 and not told["resumed"]
    losses = [epoch["train_loss"] for epoch in told["history"]]
    assert losses[-1] < losses[0]
    story = json.loads((out / "finetuned.json").read_text())
    assert story["known_answers"]["least_cosine_to_torch"] > 0.9999
    assert json.loads((out / "encoder.json").read_text())["dimension"] == 12

    record = json.loads((Path(told["run_dir"]) / "run.json").read_text())
    assert record["status"] == "FINISHED" and record["study"]["verb"] == "finetune"
    assert record["study"]["finetune"]["key"] == story["key"]
    curves = {one["key"] for one in record["history"]}
    assert {"train_loss", "patches_per_second", "system/cpu_utilization_percentage"} <= curves
    assert [one["value"] for one in record["history"] if one["key"] == "train_loss"] == losses
    wrong = Path(told["run_dir"]) / "wrong_patches.csv"
    if wrong.exists():
        for row in csv.DictReader(wrong.open()):
            assert row["class"] != row["said"]

    made = json.loads(program("run", path, "--set", f"encoder.name={out}", "--set",
                              "encoder.precision=f32", "--json"))
    assert all(slide["status"] == "done" for slide in made["slides"])
    assert made["metrics"]["test"]["auc"] > 0.8
    if lamella._core.EncoderInfo(str(out)).resolve_precision("auto") == "bf16":
        other = json.loads(program("run", path, "--set", f"encoder.name={out}", "--set",
                                   "encoder.precision=bf16", "--json"))
        assert other["precision"] == "bf16"
        assert abs(other["metrics"]["test"]["auc"] - made["metrics"]["test"]["auc"]) < 0.02
    assert json.loads(program("finetune", path, "--out", out, "--json"))["resumed"]


def test_once_more_finds_it_finished(study):
    path = study()
    first = finetuned(path)
    again = finetuned(path)
    assert again["resumed"] and again["history"] == first["history"]
    assert again["encoder"] == first["encoder"]


def test_patients_held_out_judge_and_end_it(study):
    told = finetuned(study(), held_out=0.5, epochs=6, patience=1, learning_rate=0.0,
                     head_learning_rate=0.0)
    # With nothing learnt no epoch is better than the first.
    assert told["epochs"] == 2 and told["best_epoch"] == 0
    losses = [epoch["held_out_log_loss"] for epoch in told["history"]]
    assert losses[0] == losses[1] == pytest.approx(np.log(2), rel=1e-6)
    record = json.loads((Path(told["run_dir"]) / "run.json").read_text())
    assert len(record["split"]["held_out"]["patients"]) == 1
    assert len(record["split"]["train"]["patients"]) == 1


def test_nobody_can_be_held_out_of_one_patient(study, training_cohort, tmp_path):
    rows = (training_cohort / "slides.csv").read_text().splitlines()
    table = training_cohort / "one_patient.csv"
    table.write_text("\n".join([rows[0], rows[1], *rows[3:]]) + "\n")
    with pytest.warns(lamella.LamellaWarning, match="one patient"):
        told = finetuned(study(table=table), held_out=0.2, epochs=1)
    assert "held_out_log_loss" not in told["history"][0]


def weights_of(told) -> bytes:
    return (Path(told["encoder"]) / "network.onnx").read_bytes()


def test_memory_and_threads_change_no_bit(study, tmp_path):
    one = finetuned(study(), out=tmp_path / "a")
    (tmp_path / "out/finetune").rename(tmp_path / "out/before")
    two = finetuned(study(), out=tmp_path / "b", read_ahead_mb=1, checkpoint_seconds=0)
    assert weights_of(one) == weights_of(two) and one["history"] != []


def test_a_part_of_the_device_batch_is_the_same_but_for_rounding(study, tmp_path):
    one = finetuned(study(), out=tmp_path / "a")
    (tmp_path / "out/finetune").rename(tmp_path / "out/before")
    two = finetuned(study(), out=tmp_path / "b", device_batch=3)
    for a, b in zip(one["history"], two["history"]):
        assert a["train_loss"] == pytest.approx(b["train_loss"], abs=1e-4)


def test_bf16_learns_too(study):
    told = finetuned(study(), precision="bf16")
    assert told["history"][-1]["train_loss"] < told["history"][0]["train_loss"]


def test_killed_at_random_moments_it_ends_in_the_same_weights(study, tmp_path):
    path = study()
    whole = finetuned(path, out=tmp_path / "whole")
    (tmp_path / "out/finetune").rename(tmp_path / "out/before")
    words = [sys.executable, "-m", "lamella.finetuning", path, "--threads", "1", "--json",
             f"--set=finetune.out={tmp_path / 'killed'}", "--set=finetune.checkpoint_seconds=0"]
    random = np.random.default_rng(11)
    states = tmp_path / "out" / "finetune"
    for _ in range(KILLS):
        process = subprocess.Popen([*map(str, words)], stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        before = [file.stat().st_mtime_ns for file in states.rglob("state.pt")]
        end = time.monotonic() + 30
        while time.monotonic() < end and process.poll() is None and \
                before == [file.stat().st_mtime_ns for file in states.rglob("state.pt")]:
            time.sleep(0.01)  # until it has learnt something
        time.sleep(float(random.uniform(0, 0.15)))
        process.send_signal(signal.SIGKILL)
        process.wait()
    run = subprocess.run([*map(str, words)], capture_output=True, text=True, check=True)
    told = json.loads(run.stdout)
    assert told["resumed"]
    assert weights_of(told) == weights_of(whole)
    assert [one["train_loss"] for one in told["history"]] == \
        [one["train_loss"] for one in whole["history"]]


def test_ctrl_c_ends_after_a_step_and_goes_on(study, tmp_path):
    path = study()
    words = [PROGRAM, "finetune", path, "--epochs", "200", "--threads", "1", "--out",
             tmp_path / "mine"]
    process = subprocess.Popen([*map(str, words)], stderr=subprocess.PIPE, text=True,
                               env={**os.environ, "LAMELLA_PYTHON": sys.executable})
    states = tmp_path / "out" / "finetune"
    end = time.monotonic() + 60
    while not list(states.rglob("state.pt")) and time.monotonic() < end:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130 and "the same command goes on" in errors
    run, = (tmp_path / "out" / "runs").iterdir()
    assert json.loads((run / "run.json").read_text())["status"] == "KILLED"
    assert not (tmp_path / "mine").exists()


def test_its_curves_are_at_mlflow(study):
    fake = FakeMlflow()
    try:
        told = finetuned(study(f'[tracking]\nmlflow = "{fake.uri}"\n'))
        run = fake.runs[told["mlflow"]["mlflow_run_id"]]
    finally:
        fake.stop()
    text = json.dumps(run, default=list)
    assert "train_loss" in text and "system/cpu_utilization_percentage" in text
    assert "finetune.lora_rank" in text and any("encoder.json" in name for name in fake.files)


def test_an_active_mlflow_run_is_filled_in_and_a_second_nested_in_it(study, monkeypatch):
    """As MLflow's client says that one is active."""
    fake = FakeMlflow()
    active = fake.start_run("by hand")
    client = {"python": sys.executable, "tracking_uri": fake.uri, "active_run_id": active}
    monkeypatch.setattr("lamella.finetuning._record.calling_client", lambda: client)
    try:
        path = study()
        first = finetuned(path, epochs=1)
        second = finetuned(path, epochs=1, seed=2)
    finally:
        fake.stop()
    assert first["mlflow"]["mlflow_run_id"] == active
    assert fake.runs[active]["info"]["status"] == "RUNNING", "its caller ends it"
    assert "train_loss" in json.dumps(fake.runs[active], default=list)
    nested = fake.runs[second["mlflow"]["mlflow_run_id"]]
    assert nested["tags"]["mlflow.parentRunId"] == active
    assert len(fake.runs) == 2


def test_a_server_that_is_required_and_away_ends_it_before_it_learns(study, tmp_path):
    more = '[tracking]\nmlflow = "http://127.0.0.1:9"\nrequired = true\n'
    with pytest.raises(lamella.Error, match="127.0.0.1:9"):
        finetuned(study(more))
    run, = (tmp_path / "out" / "runs").iterdir()
    record = json.loads((run / "run.json").read_text())
    assert record["status"] == "FAILED" and "127.0.0.1:9" in record["error"]
    with pytest.raises(lamella.Error, match="required is true and no MLflow server is named"):
        finetuned(study("[tracking]\nrequired = true\n"))


def test_what_it_writes_is_what_is_quantized_in_tests(study):
    """Those have no torch: testdata/encoders/tiny_finetuned was made by this."""
    import onnx
    told = finetuned(study())
    kept = Path(__file__).resolve().parents[2] / "testdata" / "encoders" / "tiny_finetuned"
    shapes = []
    for folder in (kept, Path(told["encoder"])):
        graph = onnx.load(folder / "network.onnx").graph
        shapes.append(([node.op_type for node in graph.node if node.op_type != "Constant"],
                       [list(one.dims) for one in graph.initializer if len(one.dims) == 4]))
        assert set(json.loads((folder / "encoder.json").read_text())) >= {"sha256", "outputs"}
    assert shapes[0] == shapes[1]


@pytest.mark.parametrize("method", ["lora", "last"])
def test_a_timm_model(study, tmp_path, method):
    timm = pytest.importorskip("timm", reason="timm is not installed")
    torch.manual_seed(2)
    name = "mobilenetv3_small_050"
    torch.save(timm.create_model(name, num_classes=0).state_dict(), tmp_path / "weights.pth")
    told = finetuned(study(), network="timm:" + name, weights=tmp_path / "weights.pth",
                     method=method, epochs=2, patches_per_epoch=8, batch_size=4, wrong_patches=0)
    made = json.loads((Path(told["encoder"]) / "encoder.json").read_text())
    assert made["dimension"] == 1024 and made["input_px"] == 224
    story = json.loads((Path(told["encoder"]) / "finetuned.json").read_text())
    assert story["known_answers"]["least_cosine_to_torch"] > 0.9999
    with pytest.raises(lamella.Error, match="no timm model 'absent'"):
        finetuned(study(), network="timm:absent")

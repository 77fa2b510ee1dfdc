# SPDX-License-Identifier: Apache-2.0
"""Known-answer tests of the default encoder's conversion."""

import hashlib
import json
import os
import pickle
import struct
import subprocess
import sys

import numpy as np
import pytest

import lite0_reference
import make_lite0
from legacy_checkpoint import MAGIC, PROTOCOL, CheckpointError, read_checkpoint

openvino = pytest.importorskip("openvino")


@pytest.fixture(scope="module")
def checkpoint():
    return make_lite0.find_checkpoint()


@pytest.fixture(scope="module")
def folder(tmp_path_factory, checkpoint):
    path = tmp_path_factory.mktemp("encoders")
    make_lite0.make(path, checkpoint)
    return path / "lite0"


def synthetic_patch():
    """A picture with edges, gradients and noise, the same on every machine: h x w x 3, 0-255."""
    y, x = np.mgrid[0:224, 0:224]
    noise = (x * 7919 + y * 104729 + x * y * 31) % 61
    red = 180 + 60 * np.sin(x / 9.0) * np.cos(y / 13.0)
    green = 90 + 0.4 * y + ((x // 16 + y // 16) % 2) * 50
    blue = 200 - 0.5 * x + noise
    return np.clip(np.stack([red, green, blue], axis=2), 0, 255).astype(np.uint8)


def preprocess(patch, info):
    scaled = (patch.astype(np.float64) - info["mean"]) / info["std"]
    return np.ascontiguousarray(scaled.transpose(2, 0, 1))


def run_openvino(folder, batch):
    info = json.loads((folder / "encoder.json").read_text())
    compiled = openvino.Core().compile_model(
        str(folder / "network.onnx"), "CPU", {"INFERENCE_PRECISION_HINT": "f32"}
    )
    results = compiled(batch.astype(np.float32))
    return np.concatenate([results[name] for name in info["outputs"]], axis=1)


def test_network_equals_the_independent_forward_pass(folder, checkpoint):
    info = json.loads((folder / "encoder.json").read_text())
    state = read_checkpoint(checkpoint)
    images = [
        preprocess(synthetic_patch(), info),
        preprocess(255 - synthetic_patch()[::-1, :, ::-1], info),
        preprocess(np.full((224, 224, 3), 255, np.uint8), info),
    ]
    expected = np.stack([lite0_reference.features(state, image) for image in images])
    found = run_openvino(folder, np.stack(images))
    assert found.shape == expected.shape == (3, 424)
    assert expected.std() > 0.1 and np.abs(expected[0] - expected[1]).max() > 0.1
    scale = np.abs(expected).max()
    assert np.abs(found - expected).max() / scale < 1e-4


def test_description_names_what_the_network_has(folder):
    info = json.loads((folder / "encoder.json").read_text())
    network = (folder / "network.onnx").read_bytes()
    assert info["sha256"] == hashlib.sha256(network).hexdigest()
    assert info["dimension"] == 424
    assert info["outputs"] == ["block5", "block8", "block11", "block15"]
    model = openvino.Core().read_model(str(folder / "network.onnx"))
    assert str(model.input("input").partial_shape) == "[?,3,224,224]"
    widths = [model.output(name).partial_shape[1].get_length() for name in info["outputs"]]
    assert widths == [40, 80, 112, 192]
    assert b"_conv_head" not in network and b"block16" not in network


def test_context_is_the_same_network_on_two_views(folder):
    info = json.loads((folder / "encoder.json").read_text())
    other = folder.parent / "lite0-context"
    context = json.loads((other / "encoder.json").read_text())
    assert info["views"] == [1] and context["views"] == [1, 2]
    assert context["dimension"] == 848
    assert (other / "network.onnx").read_bytes() == (folder / "network.onnx").read_bytes()
    differing = {key for key in info if info[key] != context[key]}
    assert differing == {"name", "views", "dimension"}


def test_same_bytes_each_time(folder, checkpoint, tmp_path):
    make_lite0.make(tmp_path, checkpoint)
    for one in ("lite0", "lite0-context"):
        for name in ("network.onnx", "encoder.json"):
            again, before = tmp_path / one / name, folder.parent / one / name
            assert again.read_bytes() == before.read_bytes()


def test_second_run_does_nothing(folder, checkpoint):
    def times():
        return {path: path.stat().st_mtime_ns for path in folder.parent.rglob("*")}

    before = times()
    assert make_lite0.make(folder.parent, checkpoint).endswith("are up to date")
    assert times() == before


@pytest.mark.parametrize("name", ["lite0", "lite0-context"])
def test_damaged_folder_is_made_again(checkpoint, tmp_path, name):
    make_lite0.make(tmp_path, checkpoint)
    network = tmp_path / name / "network.onnx"
    good = network.read_bytes()
    network.write_bytes(good[:1000])
    assert not make_lite0.make(tmp_path, checkpoint).endswith("are up to date")
    assert network.read_bytes() == good


def test_wrong_checkpoint_is_refused(tmp_path):
    path = tmp_path / "other.pth"
    path.write_bytes(b"something else")
    with pytest.raises(CheckpointError, match="found sha256"):
        make_lite0.make(tmp_path / "out", path)
    assert not (tmp_path / "out").exists()


def legacy_file(tensor, values, *, count=None, module="torch._utils", tail=b""):
    """The bytes of a checkpoint with one tensor `w` in one storage "7"; pickle opcodes by hand."""
    shape, strides, offset = tensor

    def numbers(items):
        return b"(" + b"".join(b"I%d\n" % item for item in items) + b"t"

    pid = b"(V" + b"storage\nctorch\nFloatStorage\nV7\nVcpu\nI%d\nNtQ" % len(values)
    built = (b"c" + module.encode() + b"\n_rebuild_tensor_v2\n(" + pid + b"I%d\n" % offset +
             numbers(shape) + numbers(strides) + b"I00\n" + b"}tR")
    head = b"".join(pickle.dumps(item, 2)
                    for item in (MAGIC, PROTOCOL, {"little_endian": True}))
    state = b"(dVw\n" + built + b"s."
    storage = struct.pack("<q", len(values) if count is None else count)
    storage += np.asarray(values, "<f4").tobytes()
    return head + state + pickle.dumps(["7"], 2) + storage + tail


def read_bytes(tmp_path, data):
    path = tmp_path / "small.pth"
    path.write_bytes(data)
    return read_checkpoint(path)


def test_strides_and_offset_are_honoured(tmp_path):
    state = read_bytes(tmp_path, legacy_file(((2, 3), (1, 2), 1), range(8)))
    assert state["w"].tolist() == [[1, 3, 5], [2, 4, 6]]


@pytest.mark.parametrize(
    "data, message",
    [
        (legacy_file(((2, 3), (3, 1), 3), range(8)), "reaches element 8 of a storage of 8"),
        (legacy_file(((2,), (1,), 0), range(8), count=9), "found 9 elements in storage 7"),
        (legacy_file(((2,), (1,), 0), range(8))[:-4], "found the end of the file"),
        (legacy_file(((2,), (1,), 0), range(8), tail=b"x"), "bytes after the last storage"),
        (legacy_file(((2,), (1,), 0), range(8), module="os"), "the global os._rebuild_tensor_v2"),
        (b"PK\x03\x04 a zip", "found no pickle for the magic number"),
        (pickle.dumps(5, 2), "found the magic number 5"),
    ],
)
def test_bad_checkpoints_say_what_was_found(tmp_path, data, message):
    with pytest.raises(CheckpointError, match=message):
        read_bytes(tmp_path, data)


def test_command_line(folder):
    script = os.path.join(os.path.dirname(make_lite0.__file__), "make_lite0.py")
    done = subprocess.run([sys.executable, script, "--out", str(folder.parent)],
                          capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("are up to date")

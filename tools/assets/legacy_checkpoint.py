# SPDX-License-Identifier: Apache-2.0
"""Reads PyTorch's legacy checkpoint files (not the zip form) with numpy alone.

Such a file is a row of pickles (magic number, protocol, system, the state dict, the keys of its
storages) followed by the raw storages, each preceded by its element count as int64. The state
dict's tensors name a storage, an offset, a shape and strides; only the few globals listed below
may appear in it, so that a pickle cannot run anything else.
"""

import collections
import pickle
import struct
import sys

import numpy as np

MAGIC = 0x1950A86A20F9469CFC6C
PROTOCOL = 1001
STORAGE_DTYPES = {"FloatStorage": "<f4", "LongStorage": "<i8"}


class CheckpointError(Exception):
    """The file is not what was expected; the message says what was found."""


class _Storage(collections.namedtuple("_Storage", "key dtype count")):
    """What a persistent id of the pickle stands for."""


class _Tensor(collections.namedtuple("_Tensor", "storage offset shape strides")):
    """A view into a storage, in elements."""


def _rebuild_tensor(storage, offset, shape, strides, requires_grad, hooks):
    del requires_grad, hooks
    return _Tensor(storage, offset, shape, strides)


class _Unpickler(pickle.Unpickler):
    _ALLOWED = {
        ("collections", "OrderedDict"): collections.OrderedDict,
        ("torch._utils", "_rebuild_tensor_v2"): _rebuild_tensor,
        ("torch", "FloatStorage"): "FloatStorage",
        ("torch", "LongStorage"): "LongStorage",
    }

    def find_class(self, module, name):
        try:
            return self._ALLOWED[module, name]
        except KeyError:
            raise CheckpointError(
                f"found the global {module}.{name} in the pickle, expected tensors only"
            ) from None

    def persistent_load(self, pid):
        kind, storage_type, key, _location, count, view = pid
        if kind != "storage" or view is not None or storage_type not in STORAGE_DTYPES:
            raise CheckpointError(f"found the persistent id {pid!r}, expected a whole storage")
        return _Storage(key, STORAGE_DTYPES[storage_type], int(count))


def _read_exactly(file, size):
    data = file.read(size)
    if len(data) != size:
        raise CheckpointError(f"found the end of the file, expected {size - len(data)} bytes more")
    return data


def _read_storage(file, storage):
    (count,) = struct.unpack("<q", _read_exactly(file, 8))
    if count != storage.count:
        raise CheckpointError(
            f"found {count} elements in storage {storage.key}, expected {storage.count}"
        )
    dtype = np.dtype(storage.dtype)
    return np.frombuffer(_read_exactly(file, count * dtype.itemsize), dtype)


def _view(tensor, data):
    """The tensor as a contiguous array; its strides need not be C order."""
    if tensor.offset < 0 or any(n < 1 for n in tensor.shape) or any(s < 0 for s in tensor.strides):
        raise CheckpointError(f"found a tensor of shape {tensor.shape}, strides {tensor.strides}")
    last = tensor.offset + sum((n - 1) * s for n, s in zip(tensor.shape, tensor.strides))
    if len(tensor.shape) != len(tensor.strides) or last >= len(data):
        raise CheckpointError(
            f"found a tensor that reaches element {last} of a storage of {len(data)}"
        )
    strides = [s * data.itemsize for s in tensor.strides]
    strided = np.lib.stride_tricks.as_strided(data[tensor.offset :], tensor.shape, strides)
    return np.array(strided, order="C")


def read_checkpoint(path):
    """name -> array for every tensor of the state dict. CheckpointError if anything is amiss."""
    with open(path, "rb") as file:
        for what, expected in (("magic number", MAGIC), ("protocol", PROTOCOL)):
            try:
                found = _Unpickler(file).load()
            except (pickle.UnpicklingError, EOFError, UnicodeDecodeError) as error:
                raise CheckpointError(f"found no pickle for the {what}: {error}") from error
            if found != expected:
                raise CheckpointError(f"found the {what} {found!r}, expected {expected}")
        system = _Unpickler(file).load()
        if not system.get("little_endian"):
            raise CheckpointError(f"found the system {system}, expected a little-endian one")
        tensors = _Unpickler(file).load()
        keys = _Unpickler(file).load()
        storages = {tensor.storage.key: tensor.storage for tensor in tensors.values()}
        if sorted(storages) != sorted(keys):
            raise CheckpointError("found storages that the state dict does not name")
        data = {key: _read_storage(file, storages[key]) for key in keys}
        if file.read(1):
            raise CheckpointError("found bytes after the last storage, expected the end")
    return {name: _view(tensor, data[tensor.storage.key]) for name, tensor in tensors.items()}


if __name__ == "__main__":
    for tensor_name, array in read_checkpoint(sys.argv[1]).items():
        print(f"{tensor_name} {array.dtype} {array.shape}")

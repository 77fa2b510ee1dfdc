# SPDX-License-Identifier: Apache-2.0
"""EfficientNet-Lite0's forward pass in numpy, written from the architecture, layer by layer.

Slow and plain, for the known-answer test of make_lite0.py: batch norm is applied as it is
defined (nothing folded), convolutions are sums over shifted views, everything in float64, one
image (channels x height x width) at a time.
"""

import numpy as np


def same_pad(image, kernel, stride):
    """Zeros around the image so that the output has ceil(size / stride) pixels, odd one after."""
    widths = [(0, 0)]
    for size in image.shape[1:]:
        outputs = -(-size // stride)
        missing = max(0, stride * (outputs - 1) + kernel - size)
        widths.append((missing // 2, missing - missing // 2))
    return np.pad(image, widths)


def shifted_views(image, kernel, stride):
    """(row, column, view): the pixels that each tap of the kernel meets."""
    height, width = (-(-size // stride) for size in image.shape[1:])
    padded = same_pad(image, kernel, stride)
    for row in range(kernel):
        for column in range(kernel):
            rows = slice(row, row + stride * (height - 1) + 1, stride)
            columns = slice(column, column + stride * (width - 1) + 1, stride)
            yield row, column, padded[:, rows, columns]


def convolve(image, weight, stride=1):
    """weight: output x input x kernel x kernel."""
    taps = shifted_views(image, weight.shape[2], stride)
    return sum(np.einsum("oi,ihw->ohw", weight[:, :, r, c], view, optimize=True)
               for r, c, view in taps)


def convolve_depthwise(image, weight, stride=1):
    """weight: channels x 1 x kernel x kernel."""
    taps = shifted_views(image, weight.shape[2], stride)
    return sum(weight[:, 0, r, c, None, None] * view for r, c, view in taps)


def batch_norm(image, state, name):
    gain, shift, mean, variance = (
        state[f"{name}.{part}"].astype(np.float64)[:, None, None]
        for part in ("weight", "bias", "running_mean", "running_var")
    )
    return gain * (image - mean) / np.sqrt(variance + 0.001) + shift


def relu6(image):
    return np.minimum(np.maximum(image, 0.0), 6.0)


def mbconv(image, state, name, stride):
    def weight(layer):
        return state[f"{name}.{layer}.weight"].astype(np.float64)

    value = image
    if f"{name}._expand_conv.weight" in state:
        value = relu6(batch_norm(convolve(value, weight("_expand_conv")), state, f"{name}._bn0"))
    value = convolve_depthwise(value, weight("_depthwise_conv"), stride)
    value = relu6(batch_norm(value, state, f"{name}._bn1"))
    value = batch_norm(convolve(value, weight("_project_conv")), state, f"{name}._bn2")
    return value + image if value.shape == image.shape else value


def block_outputs(state, image):
    """Outputs of blocks 1 to 16 for one preprocessed image (3 x h x w), block 1 first."""
    strides_of_blocks = (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1, 1, 1, 1)
    stem = convolve(image, state["_conv_stem.weight"].astype(np.float64), 2)
    value = relu6(batch_norm(stem, state, "_bn0"))
    outputs = []
    for index, stride in enumerate(strides_of_blocks):
        value = mbconv(value, state, f"_blocks.{index}", stride)
        outputs.append(value)
    return outputs


def features(state, image, taps=(5, 8, 11, 15)):
    """The averages over height and width after the blocks named by `taps` (from 1), joined."""
    outputs = block_outputs(state, image)
    return np.concatenate([outputs[tap - 1].mean(axis=(1, 2)) for tap in taps])


def class_scores(state, image):
    """The 1000 ImageNet logits: the whole network, to see that it recognises a photograph."""
    last = block_outputs(state, image)[-1]
    head = convolve(last, state["_conv_head.weight"].astype(np.float64))
    head = relu6(batch_norm(head, state, "_bn1")).mean(axis=(1, 2))
    return state["_fc.weight"].astype(np.float64) @ head + state["_fc.bias"]

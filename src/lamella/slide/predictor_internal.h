// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace lamella::slide {

// Undoes TIFF's horizontal differencing (predictor 2) of 8-bit samples in each row.
void undo_horizontal_predictor(std::span<uint8_t> rows, size_t row_bytes, size_t samples);

// The same, plainly; the other is measured by it.
void undo_horizontal_predictor_plain(std::span<uint8_t> rows, size_t row_bytes, size_t samples);

}  // namespace lamella::slide

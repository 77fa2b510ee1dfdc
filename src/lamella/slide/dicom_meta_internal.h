// SPDX-License-Identifier: Apache-2.0
// What a DICOM file says it is, for messages.
#pragma once

#include <optional>
#include <string>

#include "lamella/io/byte_source.h"

namespace lamella::slide {

// "a DICOM file (CT image, transfer syntax JPEG-LS lossless)"; nullopt if it is no DICOM file.
std::optional<std::string> describe_dicom(const io::ByteSource& source);

}  // namespace lamella::slide

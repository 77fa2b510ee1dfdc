// SPDX-License-Identifier: Apache-2.0
// How messages name options. The core writes an option by its name in backquotes, `slide_mpp`; the
// face that shows the message puts its own spelling there: --slide-mpp, slide_mpp=, a key.
#pragma once

#include <functional>
#include <string>

namespace lamella {

// The text with every `name` replaced by spelling(name), without the backquotes.
std::string spell_options(const std::string& text,
                          const std::function<std::string(const std::string& name)>& spelling);

// The option that the text names first, "" if it names none.
std::string named_option(const std::string& text);

}  // namespace lamella

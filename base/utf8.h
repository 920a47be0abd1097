// UTF-8 validation (Unicode 15, table 3-7: well-formed byte sequences).
#pragma once

#include <string_view>

namespace varve {

bool IsValidUtf8(std::string_view text);

}  // namespace varve

// The operating system's errors as Status.
#pragma once

#include <string_view>

#include "varve/status.h"

namespace varve {

// `error_number` of `operation` on `path`: "write /data/x: No space left on device".
Status PosixError(std::string_view operation, std::string_view path, int error_number);

}  // namespace varve

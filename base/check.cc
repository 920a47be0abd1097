#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace varve {

void CheckFailed(const char* file, int line, const char* condition) {
  std::fprintf(stderr, "varve: broken invariant at %s:%d: %s\n", file, line, condition);
  std::abort();
}

}  // namespace varve

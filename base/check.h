// Invariant checks that stay on in release builds: the only copy of someone's history is not the
// place to guess.
#pragma once

namespace varve {

// Writes file, line and the broken condition to stderr and aborts. Never returns.
[[noreturn]] void CheckFailed(const char* file, int line, const char* condition);

}  // namespace varve

// Ends the process when an invariant of our own code is broken. Never for bad input or damaged
// bytes.
#define VARVE_CHECK(condition)                                                                   \
  do {                                                                                           \
    if (__builtin_expect(!(condition), 0)) ::varve::CheckFailed(__FILE__, __LINE__, #condition); \
  } while (false)

// For per-sample paths: on unless NDEBUG.
#ifdef NDEBUG
#define VARVE_DCHECK(condition)              \
  do {                                       \
    if (false) static_cast<void>(condition); \
  } while (false)
#else
#define VARVE_DCHECK(condition) VARVE_CHECK(condition)
#endif

// What the process that is to be killed reports to its parent, one write(2) each.
#pragma once

#include <cstddef>
#include <cstdint>

namespace varve::crash {

inline constexpr size_t kThreadCount = 3;

// Under the database's directory.
inline constexpr const char* kBackupsFolder = "/backups-of-it";

enum class ReportKind : uint32_t {
  kOpening = 1,       // Database::Open is about to be called
  kReady = 2,         // it returned
  kAcknowledged = 3,  // Append of this thread's batch returned ok
  kDeleted = 4,       // a delete that began after this thread's batch returned ok
};

struct Report {
  ReportKind kind = ReportKind::kOpening;
  uint32_t thread = 0;
  uint64_t batch = 0;
};

}  // namespace varve::crash

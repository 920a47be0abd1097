// The engine's span reader: all that query/ sees of the spans of a database.
//
// A reader is a read view: what was appended before it was made. A span may be met twice, when it
// was sent twice or is on its way into a part.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/format/span_block.h"
#include "varve/database.h"
#include "varve/status.h"

namespace varve::engine {

// A block that may be opened while its reader lives.
struct SpanBlockRef {
  uint64_t id = 0;  // names the block as long as the process runs
  std::function<Result<std::shared_ptr<const format::SpanBlock>>()> open;
};

// Blocks that were opened are kept for later queries, within Options::trace_cache_bytes.
// Thread safety: const methods from any thread.
class SpanReader {
 public:
  virtual ~SpanReader() = default;
  // The blocks that may have spans that start within [min_ns, max_ns].
  virtual Result<std::vector<SpanBlockRef>> Blocks(uint64_t min_ns, uint64_t max_ns) const = 0;
  // The blocks that have spans of the trace, wherever it lies in time.
  virtual Result<std::vector<SpanBlockRef>> BlocksOf(std::string_view trace_id) const = 0;
  // A TracesData message of every span of the trace, each once, by start time; nothing when there
  // is no such trace.
  virtual Result<std::optional<std::string>> Trace(std::string_view trace_id) const = 0;
};

// `database` is one that Database::Open returned, and outlives the reader. Errors: kDataLoss.
Result<std::unique_ptr<SpanReader>> NewSpanReader(Database* database);

}  // namespace varve::engine

// Options: everything that can be set when a Database is opened. Defaults suit a server on a small
// machine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "varve/matcher.h"

namespace varve {

// What an acknowledged append has survived.
enum class Durability {
  kSync,  // fsync before every acknowledgement (concurrent appends share one): kill -9 and power
          // loss
  kInterval,  // written before, fsync every durability_interval_ms: kill -9; power loss takes at
              // most the interval
  kNone,  // written before, fsync left to the kernel: kill -9; power loss takes what the kernel had
          // not written
};

enum class LogLevel { kDebug, kInfo, kWarning, kError };

// The series that all matchers select are kept for `retention_ms`; 0: for ever.
struct RetentionRule {
  std::vector<Matcher> selector;
  int64_t retention_ms = 0;
};

// One resolution that samples are rolled up into: per bucket of `resolution_ms` the count, first,
// last, smallest and largest value, the sum, and the increase across counter resets.
struct DownsamplingLevel {
  int64_t resolution_ms = 0;  // divides a day; at least a second
  int64_t after_ms = 0;       // a day of samples is rolled up when its end is so old
  int64_t retention_ms = 0;   // of the rollups, by sample time; 0: for ever
};

// The series that all matchers select and no rule before it are rolled up into each of `levels`,
// from the finest on; every resolution is a multiple of the first.
struct DownsamplingRule {
  std::vector<Matcher> selector;
  std::vector<DownsamplingLevel> levels;
};

struct Options {
  Durability durability = Durability::kSync;
  int64_t durability_interval_ms = 1000;  // kInterval only

  bool create_if_missing = true;

  // Samples older than now - retention_ms are refused, and parts that hold nothing younger are
  // dropped. 0: for ever.
  int64_t retention_ms = int64_t{90} * 24 * 3600 * 1000;
  // Series that a rule selects are kept for the rule's time instead; the first that selects a
  // series decides. Samples are refused by the longest time of all. Rules may change from open to
  // open: what is on disk is then written anew, once, in the background.
  std::vector<RetentionRule> retention_rules = {};
  // Rollups come beside raw samples, whose own retention stays. Raw samples do not go before the
  // first level of their rule is on disk; it is made early when their retention ends before
  // after_ms. Queries take rollups where they give the same answer and where raw samples are gone.
  std::vector<DownsamplingRule> downsampling_rules = {};
  // When the parts on disk are larger, the oldest go, whatever their retention. 0: no limit.
  uint64_t part_bytes_max = 0;
  // Samples of any age are accepted and readable at once. One that is older than this, measured
  // from its series' newest sample, is counted as backfill (docs/decisions/0002).
  int64_t out_of_order_window_ms = 3600 * 1000;
  // Samples further ahead of the clock are refused by name. 0: no limit.
  int64_t future_limit_ms = 3600 * 1000;

  // For tools that open a database whose rules they do not know: the rules above must be empty, and
  // the database stays by those that it was last opened with. Nothing is dropped, split or rolled
  // up; what is flushed is sorted by the rules at the next opening that brings them.
  bool keep_rules = false;

  // Exemplars have a retention of their own; 0: for ever.
  int64_t exemplar_retention_ms = int64_t{15} * 24 * 3600 * 1000;
  // Spans that start before now - trace_retention_ms are refused, and parts that hold nothing
  // younger are dropped. 0: for ever.
  int64_t trace_retention_ms = int64_t{7} * 24 * 3600 * 1000;
  // Counts of spans and of calls between services as series (docs/ARCHITECTURE.md, "Span metrics").
  bool span_metrics = true;
  // Spans that started longer before their arrival are stored but not counted.
  int64_t span_metrics_slack_ms = 3600 * 1000;
  // Combinations of labels; what comes beyond is counted in a series overflow="true".
  size_t span_metrics_series_max = 20'000;
  // Memory for columns of spans that queries decoded, for later queries.
  size_t trace_cache_bytes = size_t{256} << 20;
  size_t exemplar_label_bytes_max = 1024;  // names and values of one exemplar together

  // Limits, each with a rejection reason of its own (RejectReason).
  size_t series_count_max = 50'000'000;  // in memory
  size_t label_count_max = 64;           // per series
  size_t label_name_bytes_max = 1024;
  size_t label_value_bytes_max = 16 * 1024;

  // Memory for the head's samples; reaching it starts a flush, exceeding it by half refuses appends
  // with kResourceExhausted until flushing has caught up.
  size_t head_bytes_max = size_t{512} << 20;
  // RocksDB's block cache and write buffers together.
  size_t storage_cache_bytes = size_t{32} << 20;
  // Less free space than this on the data directory's file system refuses appends with
  // kResourceExhausted, before anything meets a full disk. Queries go on.
  uint64_t free_disk_bytes_min = uint64_t{256} << 20;

  // A checkpoint starts when the journal has grown by so many bytes since the last one.
  uint64_t checkpoint_journal_bytes = uint64_t{256} << 20;
  // The head is flushed to a part when it spans more time than this (by sample timestamps).
  int64_t head_span_ms_max = int64_t{3} * 3600 * 1000;

  // Threads for flushes, merges, checkpoints (background) and for recovery and queries (shared).
  size_t background_thread_count = 1;

  // Wall clock in milliseconds; empty: the system's. Called from any thread.
  std::function<int64_t()> now_ms;
  // Receives the library's messages, from any thread, which must not call back into the Database.
  // Empty: silence.
  std::function<void(LogLevel, std::string_view message)> log;
};

}  // namespace varve

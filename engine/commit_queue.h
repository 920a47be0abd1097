// CommitQueue: orders appends and lets concurrent ones share a journal write and a sync (group
// commit).
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <span>
#include <vector>

#include "base/mutex.h"
#include "engine/metrics/exemplar_store.h"
#include "engine/metrics/head.h"
#include "engine/metrics/prepared_batch.h"
#include "engine/traces/span_head.h"
#include "storage/journal/journal.h"
#include "varve/options.h"
#include "varve/status.h"

namespace varve::engine {

// Invariants:
//   1. Journal order, sequence order and the order of application to the head are the same.
//   2. A batch is applied only after the journal has it as durably as the options ask.
// Thread safety: all methods from any thread.
class CommitQueue {
 public:
  // All borrowed. The first record gets `next_sequence`.
  CommitQueue(Head* head, ExemplarStore* exemplars, SpanHead* spans, journal::Writer* journal,
              Durability durability, uint64_t next_sequence);

  // Returns when the batch is durable and visible, or with the journal's error (then nothing of it
  // is).
  Status Commit(PreparedBatch* batch);

  // Runs `body` as the leader: no batch is resolved to new series, journaled or removed meanwhile.
  // Batches journaled before may still be on their way into the head until `body` holds the head's
  // visibility lock.
  void RunAlone(const std::function<void()>& body);

  // The last sequence handed out. Meaningful within RunAlone, or when no appends run.
  uint64_t last_sequence() const { return next_sequence_.load(std::memory_order_acquire) - 1; }

 private:
  struct Waiter {
    PreparedBatch* batch = nullptr;  // null: wants to lead alone
    Status status;
    bool done = false;
  };
  // A group ends at so many journal bytes, so that the first of it does not wait long for the last.
  static constexpr size_t kGroupBytesMax = size_t{4} << 20;
  // How long a leader may wait for the writers of the group before to come back, as a part of what
  // a sync takes.
  static constexpr int64_t kWaitPerSyncDivisor = 4;
  static constexpr int64_t kWaitNsMax = 2'000'000;

  bool MayLead(const Waiter& waiter) const REQUIRES(mutex_) {
    return !leading_ && !queue_.empty() && queue_.front() == &waiter;
  }
  void AwaitCompany() REQUIRES(mutex_);
  void TakeGroup(std::vector<Waiter*>* group) REQUIRES(mutex_);
  static journal::Record RecordOf(PreparedBatch* batch, uint64_t sequence);
  Status WriteJournal(std::span<Waiter* const> group);
  void TakeBackCreated(std::span<Waiter* const> group);
  void Apply(const PreparedBatch& batch) REQUIRES(head_->visibility_mutex);
  void LeadGroup(std::span<Waiter* const> group);

  Head* const head_;
  ExemplarStore* const exemplars_;
  SpanHead* const spans_;
  journal::Writer* const journal_;
  const Durability durability_;

  Mutex mutex_;
  CondVar changed_;
  std::deque<Waiter*> queue_ GUARDED_BY(mutex_);
  bool leading_ GUARDED_BY(mutex_) = false;
  size_t expected_batches_ GUARDED_BY(mutex_) = 1;  // writers seen around the last group
  std::atomic<int64_t> sync_ns_{0};      // what a sync takes, smoothed; written by the leader
  std::atomic<uint64_t> next_sequence_;  // written by the leader
};

}  // namespace varve::engine

#include "engine/commit_queue.h"

#include <algorithm>

#include "base/check.h"
#include "base/clock.h"
#include "engine/metrics/exemplar_record.h"
#include "engine/metrics/sample_record.h"

namespace varve::engine {

CommitQueue::CommitQueue(Head* head, ExemplarStore* exemplars, SpanHead* spans,
                         journal::Writer* journal, Durability durability, uint64_t next_sequence)
    : head_(head),
      exemplars_(exemplars),
      spans_(spans),
      journal_(journal),
      durability_(durability),
      next_sequence_(next_sequence) {}

Status CommitQueue::Commit(PreparedBatch* batch) {
  Waiter self;
  self.batch = batch;
  std::vector<Waiter*> group;
  {
    MutexLock lock(&mutex_);
    queue_.push_back(&self);
    if (leading_ && queue_.size() >= expected_batches_)
      changed_.NotifyAll();  // a leader may await this batch
    while (!self.done && !MayLead(self)) changed_.Wait(&mutex_);
    if (self.done) return self.status;
    leading_ = true;
    AwaitCompany();
    TakeGroup(&group);
  }
  LeadGroup(group);
  return self.status;
}

void CommitQueue::RunAlone(const std::function<void()>& body) {
  Waiter self;
  {
    MutexLock lock(&mutex_);
    queue_.push_back(&self);
    while (!MayLead(self)) changed_.Wait(&mutex_);
    leading_ = true;
    queue_.pop_front();
  }
  body();
  MutexLock lock(&mutex_);
  leading_ = false;
  changed_.NotifyAll();
}

// Writers that were answered a moment ago are about to send their next batch. Without a short wait
// two steady writers would alternate, each paying a sync of its own; with it they share one (the
// idea of PostgreSQL's commit_delay, bounded by what a sync takes).
void CommitQueue::AwaitCompany() {
  if (durability_ != Durability::kSync || queue_.size() >= expected_batches_) return;
  const int64_t wait_ns =
      std::min(sync_ns_.load(std::memory_order_relaxed) / kWaitPerSyncDivisor, kWaitNsMax);
  const int64_t deadline_ns = Clock::System()->SteadyNs() + wait_ns;
  while (queue_.size() < expected_batches_ && queue_.back()->batch != nullptr) {
    const int64_t left_ns = deadline_ns - Clock::System()->SteadyNs();
    if (left_ns <= 0) return;
    changed_.WaitForNs(&mutex_, left_ns);
  }
}

void CommitQueue::TakeGroup(std::vector<Waiter*>* group) {
  size_t bytes = 0;
  while (!queue_.empty() && queue_.front()->batch != nullptr && bytes < kGroupBytesMax) {
    group->push_back(queue_.front());
    bytes += queue_.front()->batch->journal_body.size();
    bytes += queue_.front()->batch->exemplar_body.size();
    if (queue_.front()->batch->span_body != nullptr) {
      bytes += queue_.front()->batch->span_body->size();
    }
    bytes += queue_.front()->batch->span_state_body.size();
    queue_.pop_front();
  }
}

// The one record of a batch.
journal::Record CommitQueue::RecordOf(PreparedBatch* batch, uint64_t sequence) {
  using Kind = journal::RecordKind;
  if (batch->exemplar_body.empty()) return {sequence, Kind::kSamples, batch->journal_body};
  if (batch->runs.empty() && batch->created.empty()) {
    return {sequence, Kind::kExemplars, batch->exemplar_body};
  }
  batch->joined_body = JoinRecords(batch->journal_body, batch->exemplar_body);
  return {sequence, Kind::kSamplesAndExemplars, batch->joined_body};
}

Status CommitQueue::WriteJournal(std::span<Waiter* const> group) {
  std::vector<journal::Record> records;
  records.reserve(group.size());
  uint64_t sequence = next_sequence_.load(std::memory_order_relaxed);
  for (Waiter* waiter : group) {
    if (waiter->batch->span_body != nullptr) {
      records.push_back({sequence++, journal::RecordKind::kSpans, *waiter->batch->span_body});
      continue;
    }
    if (!waiter->batch->span_state_body.empty()) {
      records.push_back(
          {sequence++, journal::RecordKind::kSpanState, waiter->batch->span_state_body});
      continue;
    }
    const uint64_t resolved_generation = waiter->batch->index_generation;
    head_->CreatePending(waiter->batch);
    if (!waiter->batch->created.empty() || waiter->batch->journal_body.empty() ||
        resolved_generation != head_->index_generation()) {
      EncodeSampleRecord(waiter->batch);
    }
    const bool samples = !waiter->batch->runs.empty() || !waiter->batch->created.empty();
    if (!samples && waiter->batch->exemplar_body.empty()) continue;
    records.push_back(RecordOf(waiter->batch, sequence++));
  }
  if (records.empty()) return OkStatus();
  if (Status status = journal_->Append(records); !status.ok()) return status;
  next_sequence_.store(sequence, std::memory_order_release);
  if (durability_ != Durability::kSync) return OkStatus();
  const int64_t started_ns = Clock::System()->SteadyNs();
  Status status = journal_->Sync();
  const int64_t smoothed_ns = sync_ns_.load(std::memory_order_relaxed);
  sync_ns_.store(smoothed_ns + (Clock::System()->SteadyNs() - started_ns - smoothed_ns) / 8,
                 std::memory_order_relaxed);
  return status;
}

void CommitQueue::TakeBackCreated(std::span<Waiter* const> group) {
  std::vector<index::SeriesId> created;
  for (const Waiter* waiter : group) {
    for (const NewSeries& series : waiter->batch->created) created.push_back(series.id);
  }
  head_->TakeBackCreated(created);
}

void CommitQueue::Apply(const PreparedBatch& batch) {
  if (batch.span_body != nullptr) {
    const Status added = spans_->Add(batch.span_body);
    VARVE_CHECK(added.ok());  // AppendSpans checked it
    return;
  }
  if (!batch.span_state_body.empty()) return;  // for recovery alone
  head_->Apply(batch);
  if (batch.exemplar_body.empty()) return;
  const Status status = exemplars_->Add(batch.exemplar_body);
  VARVE_CHECK(status.ok());  // PrepareExemplars made the record
}

// The visibility lock is taken before the lead is given up, so that groups enter the head in
// journal order while the next group's journal write runs beside this one's application.
void CommitQueue::LeadGroup(std::span<Waiter* const> group) NO_THREAD_SAFETY_ANALYSIS {
  const Status status = WriteJournal(group);
  if (!status.ok()) TakeBackCreated(group);
  head_->visibility_mutex.Lock();
  {
    MutexLock lock(&mutex_);
    leading_ = false;
    expected_batches_ = group.size() + queue_.size();
    changed_.NotifyAll();
  }
  if (status.ok()) {
    for (const Waiter* waiter : group) Apply(*waiter->batch);
  }
  head_->PublishCounters();
  head_->visibility_mutex.Unlock();
  MutexLock lock(&mutex_);
  for (Waiter* waiter : group) {
    waiter->status = status;
    waiter->done = true;
  }
  changed_.NotifyAll();
}

}  // namespace varve::engine

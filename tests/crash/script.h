// Script: what a writer thread of the crash tests sends, as a pure function of seed, thread and
// batch number, so that whoever finds a database afterwards knows what may be in it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/model/twin.h"
#include "varve/database.h"

namespace varve::crash {

// Batch `number` of a thread, with samples in order, late ones and overwritten ones. Every batch
// has a sample of the thread's marker series, whose newest value says which batch was the last,
// with an exemplar, and a sample of its doomed series, which DeleteDoomed may delete at any time.
void BuildBatch(uint64_t seed, size_t thread, uint64_t number, WriteBatch* batch);

// Sends span `number` of the thread's trace, then batch `number`, built in `*batch`: of a thread's
// spans there are as many as of its batches, or one more.
Result<AppendResult> AppendNumber(Database* database, uint64_t seed, size_t thread, uint64_t number,
                                  WriteBatch* batch);

// Deletes the doomed series of all threads.
Status DeleteDoomed(Database* database);

// Options under which flushes, checkpoints and merges happen all the time.
Options BusyOptions(Durability durability);

// What one thread's series must hold, followed batch by batch.
class ThreadTwin {
 public:
  ThreadTwin(uint64_t seed, size_t thread) : seed_(seed), thread_(thread) {}

  // Reads the thread's series and says how many batches they hold: at least `at_least` and at most
  // `at_most`, each of them whole, and nothing else. Otherwise kDataLoss, saying what differs.
  Result<uint64_t> Verify(Database* database, uint64_t at_least, uint64_t at_most);
  // Of the doomed series, samples of batches before this one must be gone.
  void ExpectDeletedBefore(uint64_t batch) { deleted_before_ = std::max(deleted_before_, batch); }

 private:
  Status VerifyExemplars(Database* database, uint64_t batch_count) const;
  Status VerifyDoomed(Database* database, uint64_t batch_count) const;
  Status VerifySpans(Database* database, uint64_t batch_count) const;
  void AdvanceTo(uint64_t batch_count);

  const uint64_t seed_;
  const size_t thread_;
  uint64_t batch_count_ = 0;
  uint64_t deleted_before_ = 0;
  model::Twin twin_;
};

}  // namespace varve::crash

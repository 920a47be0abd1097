// A fixed set of named threads running queued tasks in order of arrival.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "base/mutex.h"

namespace varve {

// Thread safety: Schedule and ParallelFor from any thread. The destructor runs what is queued, then
// joins.
class ThreadPool {
 public:
  // Threads are named `name` (at most 15 bytes, a limit of the kernel).
  ThreadPool(std::string name, size_t thread_count);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  void Schedule(std::function<void()> task);
  // Calls body(i) for every i in [0, count), on the pool's threads and the calling one, and returns
  // when all have returned. May be called from inside a task: the caller takes part, so it cannot
  // starve.
  void ParallelFor(size_t count, const std::function<void(size_t)>& body);
  size_t thread_count() const { return threads_.size(); }

 private:
  void Run();

  const std::string name_;
  Mutex mutex_;
  CondVar ready_;
  std::deque<std::function<void()>> tasks_ GUARDED_BY(mutex_);
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace varve

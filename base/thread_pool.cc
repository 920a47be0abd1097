#include "base/thread_pool.h"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <utility>

namespace varve {

ThreadPool::ThreadPool(std::string name, size_t thread_count) : name_(std::move(name)) {
  threads_.reserve(thread_count);
  for (size_t i = 0; i < thread_count; ++i) {
    threads_.emplace_back([this] { Run(); });
    pthread_setname_np(threads_.back().native_handle(), name_.substr(0, 15).c_str());
  }
}

ThreadPool::~ThreadPool() {
  {
    MutexLock lock(&mutex_);
    stopping_ = true;
  }
  ready_.NotifyAll();
  for (std::thread& thread : threads_) thread.join();
}

void ThreadPool::Schedule(std::function<void()> task) {
  {
    MutexLock lock(&mutex_);
    tasks_.push_back(std::move(task));
  }
  ready_.NotifyOne();
}

void ThreadPool::Run() {
  while (true) {
    std::function<void()> task;
    {
      MutexLock lock(&mutex_);
      while (tasks_.empty() && !stopping_) ready_.Wait(&mutex_);
      if (tasks_.empty()) return;
      task = std::move(tasks_.front());
      tasks_.pop_front();
    }
    task();
  }
}

namespace {

// Shared by the caller and the pool's tasks; outlives whichever of them finishes last.
struct ParallelLoop {
  std::atomic<size_t> next{0};
  std::atomic<size_t> done{0};
  size_t count = 0;
  const std::function<void(size_t)>* body = nullptr;
  Mutex mutex;
  CondVar finished;

  void Work() {
    for (size_t i = next.fetch_add(1); i < count; i = next.fetch_add(1)) {
      (*body)(i);
      if (done.fetch_add(1) + 1 == count) {
        MutexLock lock(&mutex);
        finished.NotifyAll();
      }
    }
  }
};

}  // namespace

void ThreadPool::ParallelFor(size_t count, const std::function<void(size_t)>& body) {
  if (count == 0) return;
  auto loop = std::make_shared<ParallelLoop>();
  loop->count = count;
  loop->body = &body;
  const size_t helpers = std::min(count - 1, threads_.size());
  for (size_t i = 0; i < helpers; ++i) Schedule([loop] { loop->Work(); });
  loop->Work();
  MutexLock lock(&loop->mutex);
  while (loop->done.load() < count) loop->finished.Wait(&loop->mutex);
}

}  // namespace varve

// A mutex, a readers-writer lock and a condition variable with clang's thread-safety annotations
// (https://clang.llvm.org/docs/ThreadSafetyAnalysis.html); no-ops under gcc.
#pragma once

#include <pthread.h>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>

#if defined(__clang__)
#define VARVE_ANNOTATION(x) __attribute__((x))
#else
#define VARVE_ANNOTATION(x)
#endif

#define GUARDED_BY(x) VARVE_ANNOTATION(guarded_by(x))
#define PT_GUARDED_BY(x) VARVE_ANNOTATION(pt_guarded_by(x))
#define REQUIRES(...) VARVE_ANNOTATION(requires_capability(__VA_ARGS__))
#define REQUIRES_SHARED(...) VARVE_ANNOTATION(requires_shared_capability(__VA_ARGS__))
#define EXCLUDES(...) VARVE_ANNOTATION(locks_excluded(__VA_ARGS__))
#define NO_THREAD_SAFETY_ANALYSIS VARVE_ANNOTATION(no_thread_safety_analysis)

namespace varve {

class VARVE_ANNOTATION(capability("mutex")) Mutex {
 public:
  void Lock() VARVE_ANNOTATION(acquire_capability()) { mutex_.lock(); }
  void Unlock() VARVE_ANNOTATION(release_capability()) { mutex_.unlock(); }
  bool TryLock() VARVE_ANNOTATION(try_acquire_capability(true)) { return mutex_.try_lock(); }

 private:
  friend class CondVar;
  std::mutex mutex_;
};

class VARVE_ANNOTATION(scoped_lockable) MutexLock {
 public:
  explicit MutexLock(Mutex* mutex) VARVE_ANNOTATION(acquire_capability(mutex)) : mutex_(mutex) {
    mutex_->Lock();
  }
  ~MutexLock() VARVE_ANNOTATION(release_capability()) { mutex_->Unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex* mutex_;
};

// A waiting writer goes before later readers (glibc's default lets a stream of readers starve it),
// so a thread must not take the shared lock twice.
class VARVE_ANNOTATION(capability("shared_mutex")) SharedMutex {
 public:
  SharedMutex() {
    pthread_rwlockattr_t attributes;
    pthread_rwlockattr_init(&attributes);
    pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(&lock_, &attributes);
    pthread_rwlockattr_destroy(&attributes);
  }
  ~SharedMutex() { pthread_rwlock_destroy(&lock_); }
  SharedMutex(const SharedMutex&) = delete;
  SharedMutex& operator=(const SharedMutex&) = delete;

  void Lock() VARVE_ANNOTATION(acquire_capability()) { pthread_rwlock_wrlock(&lock_); }
  void Unlock() VARVE_ANNOTATION(release_capability()) { pthread_rwlock_unlock(&lock_); }
  void LockShared() VARVE_ANNOTATION(acquire_shared_capability()) { pthread_rwlock_rdlock(&lock_); }
  void UnlockShared() VARVE_ANNOTATION(release_shared_capability()) {
    pthread_rwlock_unlock(&lock_);
  }

 private:
  pthread_rwlock_t lock_;
};

class VARVE_ANNOTATION(scoped_lockable) WriterLock {
 public:
  explicit WriterLock(SharedMutex* mutex) VARVE_ANNOTATION(acquire_capability(mutex))
      : mutex_(mutex) {
    mutex_->Lock();
  }
  ~WriterLock() VARVE_ANNOTATION(release_capability()) { mutex_->Unlock(); }
  WriterLock(const WriterLock&) = delete;
  WriterLock& operator=(const WriterLock&) = delete;

 private:
  SharedMutex* mutex_;
};

class VARVE_ANNOTATION(scoped_lockable) ReaderLock {
 public:
  explicit ReaderLock(SharedMutex* mutex) VARVE_ANNOTATION(acquire_shared_capability(mutex))
      : mutex_(mutex) {
    mutex_->LockShared();
  }
  ~ReaderLock() VARVE_ANNOTATION(release_generic_capability()) { mutex_->UnlockShared(); }
  ReaderLock(const ReaderLock&) = delete;
  ReaderLock& operator=(const ReaderLock&) = delete;

 private:
  SharedMutex* mutex_;
};

// Wait calls require the mutex to be held and hold it again when they return.
class CondVar {
 public:
  void Wait(Mutex* mutex) REQUIRES(mutex) NO_THREAD_SAFETY_ANALYSIS {
    std::unique_lock<std::mutex> lock(mutex->mutex_, std::adopt_lock);
    condition_.wait(lock);
    lock.release();
  }
  // Returns after at most `milliseconds` (or earlier, also spuriously).
  void WaitForMs(Mutex* mutex, long milliseconds) REQUIRES(mutex) NO_THREAD_SAFETY_ANALYSIS {
    std::unique_lock<std::mutex> lock(mutex->mutex_, std::adopt_lock);
    condition_.wait_for(lock, std::chrono::milliseconds(milliseconds));
    lock.release();
  }
  void WaitForNs(Mutex* mutex, int64_t nanoseconds) REQUIRES(mutex) NO_THREAD_SAFETY_ANALYSIS {
    std::unique_lock<std::mutex> lock(mutex->mutex_, std::adopt_lock);
    condition_.wait_for(lock, std::chrono::nanoseconds(nanoseconds));
    lock.release();
  }
  void NotifyOne() { condition_.notify_one(); }
  void NotifyAll() { condition_.notify_all(); }

 private:
  std::condition_variable condition_;
};

}  // namespace varve

// SeenSpans: which spans came lately, so that what is sent again is not counted again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace varve::engine {

// Remembers at least the last `count_max` identities and at most twice as many, in up to 32 bytes
// each. Identities are hashes; two that are equal are taken for one span.
// Thread safety: none.
class SeenSpans {
 public:
  explicit SeenSpans(size_t count_max) : count_max_(count_max) {}
  // False when it was there.
  bool Insert(uint64_t identity);
  // The last identities that came, up to kRecent.
  static constexpr size_t kRecent = 65'536;
  const std::vector<uint64_t>& recent() const { return recent_; }
  // Has the places ready where Insert will look for it.
  void Prefetch(uint64_t identity) const;

 private:
  struct Generation {
    std::vector<uint64_t> slots;  // 0: free
    size_t count = 0;
    bool Contains(uint64_t identity) const;
    void Insert(uint64_t identity);
    void Grow();
  };

  const size_t count_max_;
  std::vector<uint64_t> recent_;  // a ring
  size_t recent_at_ = 0;
  Generation young_;
  Generation old_;
};

}  // namespace varve::engine

// Runs every fuzz target over its corpus and over seeded mutations of it. What a target finds ends
// the process, so a failure is a crash of this program; the input is named before.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#define VARVE_FUZZER(name) extern "C" int FuzzOneInput_##name(const uint8_t* data, size_t size);
#include "fuzzers.inc"
#undef VARVE_FUZZER

namespace varve {
namespace {

constexpr int kMutations = 3000;

struct Fuzzer {
  std::string name;
  int (*run)(const uint8_t* data, size_t size);
};

const Fuzzer kFuzzers[] = {
#define VARVE_FUZZER(name) {#name, FuzzOneInput_##name},
#include "fuzzers.inc"
#undef VARVE_FUZZER
};

void PrintTo(const Fuzzer& fuzzer, std::ostream* out) { *out << fuzzer.name; }

std::vector<std::string> ReadCorpus(const std::string& name) {
  std::vector<std::filesystem::path> paths;
  const std::filesystem::path directory = std::filesystem::path(VARVE_FUZZ_CORPUS_DIRECTORY) / name;
  if (std::filesystem::is_directory(directory)) {
    for (const auto& entry : std::filesystem::directory_iterator(directory))
      paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  std::vector<std::string> corpus;
  for (const auto& path : paths) {
    std::ifstream in(path, std::ios::binary);
    corpus.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  }
  return corpus;
}

// One to eight small changes: flipped bits, random and extreme bytes, ranges removed, repeated or
// taken from elsewhere.
std::string Mutate(const std::vector<std::string>& corpus, std::mt19937_64* random) {
  const auto pick = [&](size_t n) {
    return n == 0 ? size_t{0} : static_cast<size_t>((*random)() % n);
  };
  std::string bytes = corpus[pick(corpus.size())];
  for (size_t changes = 1 + pick(8); changes > 0; --changes) {
    const size_t at = pick(bytes.size());
    const size_t length = std::min(bytes.size() - at, 1 + pick(16));
    const std::string& other = corpus[pick(corpus.size())];
    switch (bytes.empty() ? 5 : pick(7)) {
      case 0:
        bytes[at] ^= static_cast<char>(1 << pick(8));
        break;
      case 1:
        bytes[at] = static_cast<char>((*random)());
        break;
      case 2:
        bytes[at] = pick(2) == 0 ? '\0' : '\xff';
        break;
      case 3:
        bytes.erase(at, length);
        break;
      case 4:
        bytes.insert(at, bytes.substr(at, length));
        break;
      case 5:
        bytes.insert(at, other.substr(pick(other.size()), 1 + pick(64)));
        break;
      default:
        bytes.resize(at);
        break;
    }
  }
  return bytes;
}

class FuzzCorpus : public testing::TestWithParam<Fuzzer> {
 protected:
  // From an allocation of exactly its size, so that a sanitizer sees a read beyond it.
  static void Run(const std::string& input) {
    const std::vector<uint8_t> exact(input.begin(), input.end());
    GetParam().run(exact.data(), exact.size());
  }
};

TEST_P(FuzzCorpus, RunsItsFiles) {
  const std::vector<std::string> corpus = ReadCorpus(GetParam().name);
  ASSERT_FALSE(corpus.empty()) << "no corpus in tests/fuzz/corpus/" << GetParam().name;
  Run("");
  for (const std::string& input : corpus) Run(input);
}

TEST_P(FuzzCorpus, RunsMutations) {
  const std::vector<std::string> corpus = ReadCorpus(GetParam().name);
  ASSERT_FALSE(corpus.empty()) << "no corpus in tests/fuzz/corpus/" << GetParam().name;
  std::mt19937_64 random(1);
  for (int i = 0; i < kMutations; ++i) Run(Mutate(corpus, &random));
}

INSTANTIATE_TEST_SUITE_P(Fuzz, FuzzCorpus, testing::ValuesIn(kFuzzers),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace varve

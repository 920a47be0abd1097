// Queries and the spans they find, over traces written down here; and structural operators against
// their definitions, over random trees in random blocks.
#include "query/traceql/search.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "query/traceql/parser.h"
#include "query/traceql/trace_table.h"
#include "tests/unit/query/traceql/fake_spans.h"

namespace varve::traceql {
namespace {

constexpr uint64_t kMs = 1'000'000;

// "2[b a] 1[c]": traces as they come, and names of their spans, a list per spanset.
std::string Show(const SearchResult& result) {
  std::string text;
  for (const FoundTrace& trace : result.traces) {
    if (!text.empty()) text += ' ';
    text += std::to_string(static_cast<uint8_t>(trace.trace_id.back()));
    for (const FoundSpanset& spanset : trace.spansets) {
      text += '[';
      for (const FoundSpan& span : spanset.spans) {
        if (text.back() != '[') text += ' ';
        text += span.name;
      }
      text += ']';
    }
  }
  return text;
}

Result<SearchResult> RunSearch(const FakeSpanReader& reader, const std::string& text,
                               SearchRequest request = {}) {
  Result<Query> query = Parse(text);
  if (!query.ok()) return query.status();
  request.spans_max = 0;
  TimeWindow window;
  if (request.end_ns != 0) window = {request.start_ns, request.end_ns};
  Result<std::unique_ptr<TraceTable>> table =
      TraceTable::OpenEmpty(&reader, window.min_ns, window.max_ns);
  if (!table.ok()) return table.status();
  if (NeedsEverything(*query)) {
    if (Status status = (*table)->AddNewest(SIZE_MAX); !status.ok()) return status;
  }
  return Search(*query, request, window, table->get(), [] { return OkStatus(); });
}

// Trace 1: a shop; trace 2: later, with an error; trace 3: a root is missing.
TestSpan Span(uint64_t trace, uint64_t id, uint64_t parent, std::string name, std::string service) {
  TestSpan span;
  span.trace = trace;
  span.id = id;
  span.parent = parent;
  span.name = std::move(name);
  span.service = std::move(service);
  return span;
}

struct Timing {
  uint64_t start_ms;
  uint64_t duration_ms;
  int32_t kind = 0;
  int32_t status = 0;
};

TestSpan Timed(TestSpan span, Timing timing,
               std::vector<std::pair<std::string, std::string>> attributes = {}) {
  span.start_ns = timing.start_ms * kMs;
  span.duration_ns = timing.duration_ms * kMs;
  span.kind = timing.kind;
  span.status = timing.status;
  span.attributes = std::move(attributes);
  return span;
}

FakeSpanReader Shop() {
  FakeSpanReader reader;
  TestSpan select = Timed(Span(1, 4, 3, "select", "catalog"), {103, 10, 3});
  select.events = {"row", "row"};
  select.event_attribute = "n=3";
  reader.AddBlock({
      Timed(Span(1, 1, 0, "get", "gateway"), {100, 50, 2},
            {{"http.route", "\"/\""}, {"http.status", "200"}, {"ratio", "0.5"}}),
      Timed(Span(1, 2, 1, "call", "gateway"), {101, 40, 3}, {{"ok", "true"}}),
      Timed(Span(1, 3, 2, "list", "catalog"), {102, 30, 2},
            {{"service.name", "\"own\""}, {"http.status", "404"}}),
      select,
      Timed(Span(1, 5, 3, "render", "catalog"), {115, 5, 1}),
      Timed(Span(3, 1, 99, "lost", "cart"), {10, 1}),
      Timed(Span(3, 2, 1, "found", "cart"), {11, 0}),
  });
  reader.AddBlock({
      Timed(Span(2, 1, 0, "post", "gateway"), {500, 9, 2, 2},
            {{"http.status", "500"}, {"http.route", "\"/pay\""}}),
      Timed(Span(2, 2, 1, "pay", "payment"), {501, 2, 2, 2}),
  });
  return reader;
}

struct Case {
  const char* query;
  const char* found;
};

TEST(TraceQlSearchTest, Filters) {
  const FakeSpanReader reader = Shop();
  for (const auto& [query, found] : std::vector<Case>{
           {"{}", "2[post pay] 1[get call list select render] 3[lost found]"},
           {"{ false }", ""},
           {"{ name = \"get\" }", "1[get]"},
           {"{ name =~ \"g|p\" }", ""},
           {"{ name =~ \"p.*\" }", "2[post pay]"},
           {"{ name !~ \".*(t|l)\" && kind != unspecified }", "2[pay] 1[render]"},
           {"{ kind = server && status = error }", "2[post pay]"},
           {"{ status != error && kind = client }", "1[call select]"},
           {"{ duration >= 40ms }", "1[get call]"},
           {"{ duration < 2ms }", "3[lost found]"},
           {"{ 40ms <= duration }", "1[get call]"},
           {"{ span.http.status > 250 }", "2[post] 1[list]"},
           {"{ span.http.status = 200.0 }", "1[get]"},
           {"{ span.ratio = 0.5 }", "1[get]"},
           {"{ span.ok = true }", "1[call]"},
           {"{ span.ok != false }", "1[call]"},
           {"{ span.ok }", "1[call]"},
           {"{ span.http.route != \"/\" }", "2[post]"},
           {"{ span.http.route = 5 }", ""},
           {"{ span.http.route = nil && kind = server }", "2[pay] 1[list]"},
           {"{ nil != span.http.route }", "2[post] 1[get]"},
           {"{ .service.name = \"own\" }", "1[list]"},
           {"{ .service.name = \"catalog\" }", "1[select render]"},
           {"{ resource.service.name = \"catalog\" }", "1[list select render]"},
           {"{ resource.service.name =~ \"ca.*\" }", "1[list select render] 3[lost found]"},
           {"{ span.http.status + 1 = 501 || span.http.status * 2 = 400 }", "2[post] 1[get]"},
           {"{ -span.http.status < -450 }", "2[post]"},
           {"{ span.http.status % 100 = 4 }", "1[list]"},
           {"{ 2 ^ 3 ^ 0 = 2 && name = \"get\" }", "1[get]"},
           {"{ !(span.http.status = 200) && kind = server }", "2[post pay] 1[list]"},
           {"{ event:name = \"row\" }", "1[select]"},
           {"{ event:name != \"row\" }", ""},
           {"{ event.n = 3 && event:timeSinceStart = 1ns }", "1[select]"},
           {"{ parent = nil }", "2[post] 1[get]"},
           {"{ span:parentID = \"0000000000000063\" }", "3[lost]"},
           {"{ span:id = \"0000000000000005\" }", "1[render]"},
           {"{ trace:id = \"00000000000000000000000000000002\" }", "2[post pay]"},
           {"{ trace:duration > 40ms && kind = client }", "1[call select]"},
           {"{ rootName = \"post\" && rootServiceName = \"gateway\" }", "2[post pay]"},
           {"{ trace:rootName = nil }", "3[lost found]"},
           {"{ span:childCount = 2 }", "1[list]"},
           {"{ nestedSetParent = -1 }", "2[post] 1[get]"},
           {"{ nestedSetLeft = 2 }", "2[pay] 1[call]"},
           {"{ nestedSetRight = 10 && nestedSetLeft = 1 }", "1[get]"},
           {"{ nestedSetParent = 0 }", "3[lost found]"},
           {"{ parent.resource.service.name = \"gateway\" }", "2[pay] 1[call list]"},
           {"{ parent.span.ok = true }", "1[list]"},
           {"{ instrumentation:name = \"\" && name = \"get\" }", "1[get]"},
       }) {
    const Result<SearchResult> result = RunSearch(reader, query);
    ASSERT_TRUE(result.ok()) << query << ": " << result.status().message();
    EXPECT_EQ(Show(*result), found) << query;
  }
}

TEST(TraceQlSearchTest, SpansetsAndPipelines) {
  const FakeSpanReader reader = Shop();
  for (const auto& [query, found] : std::vector<Case>{
           {"{ name = \"get\" } > { }", "1[call]"},
           {"{ name = \"get\" } >> { kind = client }", "1[call select]"},
           {"{ } < { name = \"list\" }", "1[list]"},
           {"{ name = \"render\" } < { }", "1[list]"},
           {"{ name = \"render\" } << { }", "1[get call list]"},
           {"{ name = \"render\" } ~ { }", "1[select]"},
           {"{ name = \"get\" } !> { }", "2[post pay] 1[get list select render] 3[lost found]"},
           {"{ name = \"get\" } !>> { kind = client }", ""},
           {"{ name = \"call\" } &> { name = \"list\" }", "1[call list]"},
           {"{ name = \"list\" } &>> { kind = client }", "1[list select]"},
           {"{ name = \"select\" } &~ { name = \"render\" }", "1[select render]"},
           {"{ name = \"get\" } && { name = \"render\" }", "1[get render]"},
           {"{ name = \"get\" } && { name = \"pay\" }", ""},
           {"{ name = \"get\" } || { name = \"pay\" }", "2[pay] 1[get]"},
           {"{ name = \"lost\" } > { }", "3[found]"},
           {"{ } | count() = 2", "2[post pay] 3[lost found]"},
           {"{ kind = client } | count() > 1", "1[call select]"},
           {"{ kind = client } | avg(duration) > 20ms", "1[call select]"},
           {"{ kind = client } | min(duration) < 5ms", ""},
           {"{ } | max(span.http.status) >= 500", "2[post pay]"},
           {"{ } | sum(span.http.status) = 604", "1[get call list select render]"},
           {"{ } | sum(duration) - max(duration) < 3ms && { name = \"pay\" }", "!"},
           {"{ } | max(duration) - min(duration) = 7ms", "2[post pay]"},
           {"{ } | by(resource.service.name) | count() = 2", "1[get call] 3[lost found]"},
           {"{ } | by(resource.service.name) | count() > 1 | coalesce()",
            "1[get call list select render] 3[lost found]"},
           {"{ kind = server } | { status = error }", "2[post pay]"},
           {"({ kind = client } | count() > 1) && { name = \"render\" }", "1[call select render]"},
       }) {
    const Result<SearchResult> result = RunSearch(reader, query);
    if (std::string(found) == "!") {
      EXPECT_FALSE(result.ok()) << query;
      continue;
    }
    ASSERT_TRUE(result.ok()) << query << ": " << result.status().message();
    EXPECT_EQ(Show(*result), found) << query;
  }
}

TEST(TraceQlSearchTest, TheNewestComeFirstWhateverTheLimit) {
  const FakeSpanReader reader = Shop();
  SearchRequest request;
  request.limit = 1;
  EXPECT_EQ(Show(*RunSearch(reader, "{}", request)), "2[post pay]");
  request.limit = 0;
  request.start_ns = 1;
  request.end_ns = 102 * kMs;
  EXPECT_EQ(Show(*RunSearch(reader, "{}", request)),
            "1[get call list select render] 3[lost found]");
}

TEST(TraceQlSearchTest, ResultsTellOfTheTrace) {
  const FakeSpanReader reader = Shop();
  const Result<SearchResult> result = RunSearch(
      reader, "{ name = \"list\" } | by(span.http.status) | count() > 0 | select(kind, .x)");
  ASSERT_TRUE(result.ok());
  ASSERT_EQ(result->traces.size(), 1u);
  const FoundTrace& trace = result->traces.front();
  EXPECT_EQ(trace.root_service, "gateway");
  EXPECT_EQ(trace.root_name, "get");
  EXPECT_EQ(trace.start_ns, 100 * kMs);
  EXPECT_EQ(trace.duration_ns, static_cast<int64_t>(50 * kMs));
  ASSERT_EQ(trace.services.size(), 2u);
  EXPECT_EQ(trace.services[0].service, "catalog");
  EXPECT_EQ(trace.services[0].span_count, 3u);
  const FoundSpanset& spanset = trace.spansets.front();
  ASSERT_EQ(spanset.attributes.size(), 2u);
  EXPECT_EQ(spanset.attributes[0].first, "by(span.http.status)");
  EXPECT_EQ(spanset.attributes[0].second.integer, 404);
  EXPECT_EQ(spanset.attributes[1].first, "count()");
  ASSERT_EQ(spanset.spans.size(), 1u);
  ASSERT_EQ(spanset.spans[0].attributes.size(), 1u);  // .x is not there
  EXPECT_EQ(spanset.spans[0].attributes[0].second.text, "server");
}

TEST(TraceQlSearchTest, ASpanInTwoBlocksIsOne) {
  FakeSpanReader reader;
  const TestSpan span{.trace = 1, .id = 1, .name = "a", .start_ns = 5};
  TestSpan twin = span;  // of the same id, but another span
  twin.name = "b";
  reader.AddBlock({span});
  reader.AddBlock({span, twin});
  EXPECT_EQ(Show(*RunSearch(reader, "{}")), "1[a b]");
  EXPECT_EQ(Show(*RunSearch(reader, "{} | count() = 2")), "1[a b]");
}

// Random spansets by structural operators, and what the definitions say.
class Naive {
 public:
  Naive(std::vector<TestSpan> spans, std::mt19937_64* random)
      : spans_(std::move(spans)), random_(*random) {}

  using Set = std::set<size_t>;

  struct Made {
    std::string query;
    Set spans;
  };

  Made Make(int depth) {
    if (depth == 0 || random_() % 4 == 0) {
      const std::string value = std::to_string(random_() % 3);
      Made made{"{ .k = " + value + " }", {}};
      for (size_t i = 0; i < spans_.size(); ++i) {
        if (spans_[i].attributes[0].second == value) made.spans.insert(i);
      }
      return made;
    }
    const Made left = Make(depth - 1);
    const Made right = Make(depth - 1);
    static const std::vector<std::string> operators = {"&&", "||",  ">",   ">>",  "<",   "<<",
                                                       "~",  "!>",  "!>>", "!<",  "!<<", "!~",
                                                       "&>", "&>>", "&<",  "&<<", "&~"};
    const std::string& op = operators[random_() % operators.size()];
    return {"(" + left.query + " " + op + " " + right.query + ")",
            Combine(op, left.spans, right.spans)};
  }

 private:
  bool IsParent(size_t a, size_t b) const { return spans_[b].parent == spans_[a].id; }
  bool IsAncestor(size_t a, size_t b) const {
    for (size_t i = 0; i < spans_.size(); ++i) {
      if (IsParent(i, b)) return i == a || IsAncestor(a, i);
    }
    return false;
  }
  // b as it is seen from a.
  bool Relates(char kind, bool deep, size_t a, size_t b) const {
    if (kind == '>') return deep ? IsAncestor(a, b) : IsParent(a, b);
    if (kind == '<') return deep ? IsAncestor(b, a) : IsParent(b, a);
    return a != b && spans_[a].parent == spans_[b].parent && spans_[a].parent != 0 &&
           spans_[a].parent < 1000;
  }
  Set Combine(const std::string& op, const Set& left, const Set& right) const {
    Set both = left;
    both.insert(right.begin(), right.end());
    if (op == "&&") return left.empty() || right.empty() ? Set() : both;
    if (op == "||") return both;
    const bool is_negated = op.front() == '!';
    const bool is_union = op.front() == '&';
    const char kind = op[is_negated || is_union ? 1 : 0];
    const bool deep = op.size() > 1 && op[op.size() - 2] == kind;
    Set found;
    for (const size_t b : right) {
      bool is_related = false;
      for (const size_t a : left) is_related = is_related || Relates(kind, deep, a, b);
      if (is_related != is_negated) found.insert(b);
      if (!is_union || !is_related) continue;
      for (const size_t a : left) {
        if (Relates(kind, deep, a, b)) found.insert(a);
      }
    }
    return found;
  }

  const std::vector<TestSpan> spans_;
  std::mt19937_64& random_;
};

TEST(TraceQlSearchTest, StructuralOperatorsDoAsTheyAreDefined) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 300; ++round) {
    std::vector<TestSpan> spans;
    const size_t count = 1 + random() % 12;
    for (size_t i = 0; i < count; ++i) {
      TestSpan span;
      span.id = i + 1;
      span.parent = i == 0 ? 0 : 1 + random() % i;
      if (i > 0 && random() % 10 == 0) span.parent = 1000 + i;  // is not there
      span.name = std::to_string(i);
      span.start_ns = 1 + random() % 5;
      span.attributes = {{"k", std::to_string(random() % 3)}};
      spans.push_back(span);
    }
    FakeSpanReader reader;
    std::vector<TestSpan> blocks[3];
    const size_t block_count = 1 + random() % 3;
    for (const TestSpan& span : spans) {
      const size_t block = random() % block_count;
      blocks[block].push_back(span);
      // Sent twice: a block has it once.
      const size_t other = random() % block_count;
      if (other != block) blocks[other].push_back(span);
    }
    for (const std::vector<TestSpan>& block : blocks) {
      if (!block.empty()) reader.AddBlock(block);
    }
    Naive naive(spans, &random);
    for (int i = 0; i < 5; ++i) {
      const Naive::Made made = naive.Make(3);
      const Result<SearchResult> result = RunSearch(reader, made.query);
      ASSERT_TRUE(result.ok()) << made.query << ": " << result.status().message();
      std::set<std::string> expected;
      for (const size_t span : made.spans) expected.insert(spans[span].name);
      std::set<std::string> found;
      for (const FoundTrace& trace : result->traces) {
        for (const FoundSpanset& spanset : trace.spansets) {
          for (const FoundSpan& span : spanset.spans) found.insert(span.name);
        }
      }
      ASSERT_EQ(found, expected) << "round " << round << ": " << made.query;
    }
  }
}

// A search with a limit looks at the newest blocks first, and finds what one without would show.
TEST(TraceQlSearchTest, ALimitCutsTheSameList) {
  std::mt19937_64 random(11);
  for (int round = 0; round < 60; ++round) {
    const size_t block_count = 1 + random() % 30;
    std::vector<std::vector<TestSpan>> blocks(block_count);
    const uint64_t trace_count = 1 + random() % 60;
    for (uint64_t trace = 1; trace <= trace_count; ++trace) {
      const uint64_t start = 100 + random() % 200;
      const size_t span_count = 1 + random() % 4;
      for (size_t i = 0; i < span_count; ++i) {
        TestSpan span;
        span.trace = trace;
        span.id = i + 1;
        span.parent = i;
        span.start_ns = start + random() % (random() % 3 == 0 ? 100 : 3);
        span.attributes = {{"k", std::to_string(random() % 3)}};
        // Blocks follow the time, more or less; some spans come late.
        const size_t place = (span.start_ns - 100) * block_count / 320;
        blocks[random() % 5 == 0 ? random() % block_count : place].push_back(span);
      }
    }
    FakeSpanReader reader;
    for (std::vector<TestSpan>& block : blocks) {
      std::stable_sort(block.begin(), block.end(),
                       [](const auto& a, const auto& b) { return a.trace < b.trace; });
      if (!block.empty()) reader.AddBlock(block);
    }
    for (const char* query : {"{}", "{ .k = 1 }", "{ .k = 1 } && { .k = 2 }",
                              "{ .k = 0 } > { .k = 1 }", "{ .k = 0 } | count() > 1"}) {
      for (const uint64_t end_ns : {uint64_t{0}, uint64_t{220}}) {
        SearchRequest request;
        request.start_ns = end_ns == 0 ? 0 : 150;
        request.end_ns = end_ns;
        request.limit = 0;
        const Result<SearchResult> all = RunSearch(reader, query, request);
        ASSERT_TRUE(all.ok());
        request.limit = 1 + random() % 8;
        const Result<SearchResult> some = RunSearch(reader, query, request);
        ASSERT_TRUE(some.ok());
        ASSERT_EQ(some->traces.size(), std::min(request.limit, all->traces.size())) << query;
        for (size_t i = 0; i < some->traces.size(); ++i) {
          ASSERT_EQ(some->traces[i].trace_id, all->traces[i].trace_id)
              << query << " round " << round << " place " << i;
          ASSERT_EQ(some->traces[i].start_ns, all->traces[i].start_ns);
        }
      }
    }
  }
}

}  // namespace
}  // namespace varve::traceql

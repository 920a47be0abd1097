#include "tests/conformance/series_notation.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/status_macros.h"
#include "query/promql/literal.h"
#include "varve/write_batch.h"

namespace varve::conformance {
namespace {

// No script needs more; it keeps a typing error from filling the memory.
constexpr uint64_t kRepetitionsMax = 1'000'000;

bool IsBlank(char c) { return c == ' ' || c == '\t'; }

class LineReader {
 public:
  explicit LineReader(std::string_view line) : line_(line) {}

  Result<SeriesLine> Read() {
    SeriesLine out;
    ASSIGN_OR_RETURN(out.labels, ReadMetric());
    if (!done() && !IsBlank(Peek())) return Error("expected a space behind the metric");
    for (SkipBlanks(); !done(); SkipBlanks()) RETURN_IF_ERROR(ReadItem(&out.values));
    return out;
  }

 private:
  bool done() const { return at_ >= line_.size(); }
  char Peek() const { return done() ? '\0' : line_[at_]; }
  bool Take(std::string_view text) {
    if (!line_.substr(at_).starts_with(text)) return false;
    at_ += text.size();
    return true;
  }
  void SkipBlanks() {
    while (!done() && IsBlank(line_[at_])) ++at_;
  }
  Status Error(const std::string& what) const {
    return InvalidArgumentError(what + " at column " + std::to_string(at_ + 1) +
                                " of series line \"" + std::string(line_) + "\"");
  }

  bool AtBrace() const { return Peek() == '{' && !line_.substr(at_).starts_with("{{"); }

  std::string_view TakeWord(std::string_view also) {
    const size_t begin = at_;
    if (promql::IsDigit(Peek())) return {};
    while (!done() &&
           (promql::IsAlphaNumeric(line_[at_]) || also.find(line_[at_]) != std::string_view::npos))
      ++at_;
    return line_.substr(begin, at_ - begin);
  }

  Result<Labels> ReadMetric() {
    LabelsBuilder labels;
    const std::string_view name = TakeWord(":");
    if (!name.empty()) {
      labels.Set(kMetricNameLabel, name);
      const size_t behind_name = at_;
      SkipBlanks();
      if (!AtBrace()) at_ = behind_name;
    }
    if (AtBrace()) {
      ++at_;
      RETURN_IF_ERROR(ReadLabels(&labels));
    } else if (name.empty()) {
      return Error("expected a metric");
    }
    return labels.Build();
  }

  Status ReadLabels(LabelsBuilder* labels) {
    while (true) {
      while (!done() && (IsBlank(Peek()) || Peek() == ',')) ++at_;
      if (Take("}")) return OkStatus();
      const bool quoted = Peek() == '"' || Peek() == '\'' || Peek() == '`';
      std::string name;
      if (quoted) {
        ASSIGN_OR_RETURN(name, ReadString());
      } else {
        name = std::string(TakeWord(""));
      }
      if (name.empty()) return Error("expected a label");
      SkipBlanks();
      if (Take("=")) {
        SkipBlanks();
        ASSIGN_OR_RETURN(const std::string value, ReadString());
        labels->Set(name, value);
      } else if (quoted) {
        labels->Set(kMetricNameLabel, name);
      } else {
        return Error("expected \"=\"");
      }
    }
  }

  Result<std::string> ReadString() {
    const size_t begin = at_;
    const char quote = Peek();
    if (quote != '"' && quote != '\'' && quote != '`') return Error("expected a string");
    for (++at_; !done() && Peek() != quote; ++at_) {
      if (Peek() == '\\' && quote != '`') ++at_;
    }
    if (done()) return Error("unterminated string");
    ++at_;
    return promql::Unquote(line_.substr(begin, at_ - begin));
  }

  // One item of the sequence, which may stand for many values.
  Status ReadItem(std::vector<SequenceValue>* out) {
    if (line_.substr(at_).starts_with("{{")) return ReadHistogram(out);
    if (Take("_")) {
      ASSIGN_OR_RETURN(const std::optional<uint64_t> times, ReadTimes());
      out->insert(out->end(), times.value_or(1), SequenceValue{});
      return OkStatus();
    }
    if (Take("stale")) {
      ASSIGN_OR_RETURN(const std::optional<uint64_t> times, ReadTimes());
      const double marker = std::bit_cast<double>(kStaleMarkerBits);
      out->insert(out->end(), times.value_or(0) + 1, {SequenceValue::Kind::kFloat, marker});
      return OkStatus();
    }
    ASSIGN_OR_RETURN(double value, ReadNumber());
    double step = 0;
    const bool steps = Peek() == '+' || Peek() == '-';
    if (steps) {
      ASSIGN_OR_RETURN(step, ReadNumber());
    }
    ASSIGN_OR_RETURN(const std::optional<uint64_t> times, ReadTimes());
    if (steps && !times.has_value()) return Error("expected \"x\" and a count");
    for (uint64_t i = 0; i <= times.value_or(0); ++i) {
      out->push_back({SequenceValue::Kind::kFloat, value});
      if (steps) value += step;
    }
    if (!done() && !IsBlank(Peek())) return Error("expected a space");
    return OkStatus();
  }

  Result<NotedHistogram> ReadOneHistogram() {
    const size_t end = line_.find("}}", at_);
    if (!Take("{{") || end == std::string_view::npos) return Error("unterminated histogram");
    const std::string_view text = line_.substr(at_, end - at_);
    at_ = end + 2;
    return ParseHistogram(text);
  }

  Status ReadHistogram(std::vector<SequenceValue>* out) {
    ASSIGN_OR_RETURN(const NotedHistogram first, ReadOneHistogram());
    std::optional<Step> direction;
    if (Peek() == '+' || Peek() == '-') {
      direction = Take("+") ? Step::kAdd : Step::kSubtract;
      if (*direction == Step::kSubtract) ++at_;
    }
    NotedHistogram step;
    if (direction.has_value()) {
      ASSIGN_OR_RETURN(step, ReadOneHistogram());
    }
    ASSIGN_OR_RETURN(const std::optional<uint64_t> times, ReadTimes());
    auto current = std::make_shared<const NotedHistogram>(first);
    out->push_back({SequenceValue::Kind::kHistogram, 0, current});
    for (uint64_t i = 0; i < times.value_or(0); ++i) {
      if (direction.has_value()) {
        ASSIGN_OR_RETURN(Histogram next, Combine(current->histogram, step.histogram, *direction));
        current =
            std::make_shared<const NotedHistogram>(NotedHistogram{std::move(next), step.has_hint});
      }
      out->push_back({SequenceValue::Kind::kHistogram, 0, current});
    }
    return OkStatus();
  }

  // `xN`, if there is one.
  Result<std::optional<uint64_t>> ReadTimes() {
    if (!Take("x")) return std::optional<uint64_t>();
    uint64_t times = 0;
    const auto [end, error] =
        std::from_chars(line_.data() + at_, line_.data() + line_.size(), times);
    if (error != std::errc() || times > kRepetitionsMax) return Error("bad repetition");
    at_ = static_cast<size_t>(end - line_.data());
    return std::optional<uint64_t>(times);
  }

  // A number with its sign; it ends before a sign that does not belong to its exponent, or an `x`.
  Result<double> ReadNumber() {
    const bool negative = Peek() == '-';
    if (negative || Peek() == '+') ++at_;
    const size_t begin = at_;
    while (!done() && !IsBlank(Peek()) && Peek() != 'x') {
      const bool in_exponent = at_ > begin && (line_[at_ - 1] == 'e' || line_[at_ - 1] == 'E');
      if ((Peek() == '+' || Peek() == '-') && !in_exponent) break;
      ++at_;
    }
    const Result<double> value = promql::ParseNumber(line_.substr(begin, at_ - begin));
    if (!value.ok()) return Error(value.status().message());
    return negative ? -*value : *value;
  }

  const std::string_view line_;
  size_t at_ = 0;
};

}  // namespace

namespace {

// "-30s", "+1m", "0".
Result<int64_t> ParseOffset(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  if (text == "0") return int64_t{0};
  ASSIGN_OR_RETURN(const int64_t ns, promql::ParseDurationNs(text));
  return (negative ? -ns : ns) / 1'000'000;
}

// `_`, `_x3`, `-30s`, `-30s-1mx2`.
Status AddStartOffsets(std::string_view item, std::vector<std::optional<int64_t>>* out) {
  uint64_t times = 0;
  const size_t x = item.find('x');
  if (x != std::string_view::npos) {
    const auto [end, error] =
        std::from_chars(item.data() + x + 1, item.data() + item.size(), times);
    if (error != std::errc() || end != item.data() + item.size() || times > kRepetitionsMax) {
      return InvalidArgumentError("bad repetition in \"" + std::string(item) + "\"");
    }
    item = item.substr(0, x);
  }
  if (item == "_") {
    out->insert(out->end(), x == std::string_view::npos ? 1 : times, std::nullopt);
    return OkStatus();
  }
  const size_t sign = item.find_first_of("+-", 1);
  ASSIGN_OR_RETURN(int64_t offset_ms, ParseOffset(item.substr(0, sign)));
  int64_t step_ms = 0;
  if (sign != std::string_view::npos) {
    ASSIGN_OR_RETURN(step_ms, ParseOffset(item.substr(sign)));
  }
  for (uint64_t i = 0; i <= times; ++i) {
    out->push_back(offset_ms);
    offset_ms += step_ms;
  }
  return OkStatus();
}

}  // namespace

Result<SeriesLine> ParseSeriesLine(std::string_view line) { return LineReader(line).Read(); }

Result<std::vector<std::optional<int64_t>>> ParseStartTimeLine(std::string_view line) {
  std::vector<std::optional<int64_t>> out;
  size_t at = line.find("@st");
  if (at == std::string_view::npos)
    return InvalidArgumentError("no \"@st\" in " + std::string(line));
  at += 3;
  while ((at = line.find_first_not_of(" \t", at)) != std::string_view::npos) {
    const size_t end = std::min(line.find_first_of(" \t", at), line.size());
    RETURN_IF_ERROR(AddStartOffsets(line.substr(at, end - at), &out));
    at = end;
  }
  return out;
}

}  // namespace varve::conformance

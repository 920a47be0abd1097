#include "tests/conformance/histogram_notation.h"

#include <charconv>
#include <cmath>
#include <map>
#include <span>
#include <vector>

#include "base/status_macros.h"
#include "query/promql/literal.h"
#include "tests/conformance/expectation.h"

namespace varve::conformance {
namespace {

using Buckets = std::map<int32_t, double>;  // count by bucket index

constexpr std::string_view kBlanks = " \t";

Status Bad(std::string_view what, std::string_view text) {
  return InvalidArgumentError(std::string(what) + " \"" + std::string(text) + "\" in a histogram");
}

Result<double> ParseSigned(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  ASSIGN_OR_RETURN(const double value, promql::ParseNumber(text));
  return negative ? -value : value;
}

Result<int32_t> ParseInteger(std::string_view text) {
  int32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return Bad("bad integer", text);
  return value;
}

Result<std::vector<double>> ParseList(std::string_view text) {
  if (!text.starts_with('[') || !text.ends_with(']')) return Bad("bad list", text);
  text = text.substr(1, text.size() - 2);
  std::vector<double> out;
  for (size_t at = text.find_first_not_of(kBlanks); at != std::string_view::npos;
       at = text.find_first_not_of(kBlanks, at)) {
    const size_t end = std::min(text.find_first_of(kBlanks, at), text.size());
    ASSIGN_OR_RETURN(const double value, ParseSigned(text.substr(at, end - at)));
    out.push_back(value);
    at = end;
  }
  return out;
}

Result<CounterResetHint> ParseHint(std::string_view text) {
  if (text == "unknown") return CounterResetHint::kUnknown;
  if (text == "reset") return CounterResetHint::kReset;
  if (text == "not_reset") return CounterResetHint::kNoReset;
  if (text == "gauge") return CounterResetHint::kGauge;
  return Bad("unknown counter_reset_hint", text);
}

// The items "key:value" of a histogram; a value is a word or a bracketed list.
Result<std::map<std::string, std::string, std::less<>>> SplitItems(std::string_view text) {
  std::map<std::string, std::string, std::less<>> items;
  for (size_t at = text.find_first_not_of(kBlanks); at != std::string_view::npos;
       at = text.find_first_not_of(kBlanks, at)) {
    const size_t colon = text.find(':', at);
    if (colon == std::string_view::npos) return Bad("no value for", text.substr(at));
    size_t end = text.find_first_not_of(kBlanks, colon + 1);
    if (end == std::string_view::npos) return Bad("no value for", text.substr(at));
    const size_t begin = end;
    end = text[begin] == '[' ? text.find(']', begin) : text.find_first_of(kBlanks, begin);
    if (end == std::string_view::npos) end = text.size();
    if (text[begin] == '[') end = std::min(end + 1, text.size());
    items[std::string(text.substr(at, colon - at))] = text.substr(begin, end - begin);
    at = end;
  }
  return items;
}

Status ApplyItem(std::string_view key, std::string_view value, NotedHistogram* out) {
  Histogram& h = out->histogram;
  if (key == "schema") {
    ASSIGN_OR_RETURN(h.schema, ParseInteger(value));
  } else if (key == "count") {
    ASSIGN_OR_RETURN(h.count, ParseSigned(value));
  } else if (key == "sum") {
    ASSIGN_OR_RETURN(h.sum, ParseSigned(value));
  } else if (key == "z_bucket") {
    ASSIGN_OR_RETURN(h.zero_count, ParseSigned(value));
  } else if (key == "z_bucket_w") {
    ASSIGN_OR_RETURN(h.zero_threshold, ParseSigned(value));
  } else if (key == "custom_values") {
    ASSIGN_OR_RETURN(h.custom_values, ParseList(value));
  } else if (key == "counter_reset_hint") {
    ASSIGN_OR_RETURN(h.reset_hint, ParseHint(value));
    out->has_hint = true;
  } else if (key == "buckets") {
    ASSIGN_OR_RETURN(h.positive_buckets, ParseList(value));
  } else if (key == "n_buckets") {
    ASSIGN_OR_RETURN(h.negative_buckets, ParseList(value));
  } else if (key != "offset" && key != "n_offset") {
    return Bad("unknown key", key);
  }
  return OkStatus();
}

Buckets Sparse(std::span<const BucketSpan> spans, std::span<const double> counts) {
  Buckets out;
  int32_t index = 0;
  size_t next = 0;
  for (const BucketSpan& span : spans) {
    index += span.offset;
    for (uint32_t i = 0; i < span.length && next < counts.size(); ++i)
      out[index++] = counts[next++];
  }
  return out;
}

void SetBuckets(const Buckets& buckets, std::vector<BucketSpan>* spans,
                std::vector<double>* counts) {
  spans->clear();
  counts->clear();
  int32_t next = 0;
  for (const auto& [index, count] : buckets) {
    if (spans->empty() || index != next) {
      spans->push_back({spans->empty() ? index : index - next, 0});
    }
    ++spans->back().length;
    counts->push_back(count);
    next = index + 1;
  }
}

// The buckets at the coarser schema `to`.
Buckets Coarser(const Buckets& buckets, int32_t from, int32_t to) {
  Buckets out;
  for (const auto& [index, count] : buckets) out[((index - 1) >> (from - to)) + 1] += count;
  return out;
}

CounterResetHint CombineHints(CounterResetHint a, CounterResetHint b) {
  if (a == b || a == CounterResetHint::kGauge) return a;
  return b == CounterResetHint::kGauge ? b : CounterResetHint::kUnknown;
}

std::optional<std::string> CompareBuckets(const char* side, const Buckets& want,
                                          const Buckets& got) {
  Buckets all = want;
  all.insert(got.begin(), got.end());
  const auto count_in = [](const Buckets& buckets, int32_t index) {
    const auto at = buckets.find(index);
    return at == buckets.end() ? 0 : at->second;
  };
  for (const auto& [index, unused] : all) {
    if (AlmostEqual(count_in(want, index), count_in(got, index))) continue;
    return std::string(side) + " bucket " + std::to_string(index);
  }
  return std::nullopt;
}

std::optional<std::string> Difference(const NotedHistogram& expected, const Histogram& got) {
  const Histogram& want = expected.histogram;
  if (want.schema != got.schema) return "schema";
  if (!AlmostEqual(want.count, got.count)) return "count";
  if (!AlmostEqual(want.sum, got.sum)) return "sum";
  if (!AlmostEqual(want.zero_count, got.zero_count)) return "zero count";
  if (want.zero_threshold != got.zero_threshold) return "zero threshold";
  if (want.custom_values != got.custom_values) return "custom values";
  if (expected.has_hint && want.reset_hint != got.reset_hint) return "counter reset hint";
  if (auto side = CompareBuckets("positive", Sparse(want.positive_spans, want.positive_buckets),
                                 Sparse(got.positive_spans, got.positive_buckets))) {
    return side;
  }
  return CompareBuckets("negative", Sparse(want.negative_spans, want.negative_buckets),
                        Sparse(got.negative_spans, got.negative_buckets));
}

}  // namespace

Result<NotedHistogram> ParseHistogram(std::string_view text) {
  NotedHistogram out;
  ASSIGN_OR_RETURN(const auto items, SplitItems(text));
  for (const auto& [key, value] : items) RETURN_IF_ERROR(ApplyItem(key, value, &out));
  Histogram& h = out.histogram;
  const auto cover = [&](std::string_view key, const std::vector<double>& buckets,
                         std::vector<BucketSpan>* spans) -> Status {
    int32_t offset = 0;
    if (const auto at = items.find(key); at != items.end()) {
      ASSIGN_OR_RETURN(offset, ParseInteger(at->second));
    }
    if (!buckets.empty()) spans->push_back({offset, static_cast<uint32_t>(buckets.size())});
    return OkStatus();
  };
  RETURN_IF_ERROR(cover("offset", h.positive_buckets, &h.positive_spans));
  RETURN_IF_ERROR(cover("n_offset", h.negative_buckets, &h.negative_spans));
  return out;
}

Result<Histogram> Combine(const Histogram& base, const Histogram& step, Step direction) {
  if (base.uses_custom_buckets() != step.uses_custom_buckets() || base.schema > step.schema ||
      base.zero_threshold != step.zero_threshold || base.custom_values != step.custom_values) {
    return InvalidArgumentError("cannot step " + ShowHistogram(base) + " by " +
                                ShowHistogram(step));
  }
  const double sign = direction == Step::kAdd ? 1 : -1;
  Histogram out = base;
  out.reset_hint = CombineHints(base.reset_hint, step.reset_hint);
  out.count += sign * step.count;
  out.sum += sign * step.sum;
  out.zero_count += sign * step.zero_count;
  const auto add = [&](std::span<const BucketSpan> spans, std::span<const double> counts,
                       std::vector<BucketSpan>* out_spans, std::vector<double>* out_counts) {
    Buckets sum = Sparse(*out_spans, *out_counts);
    Buckets more = Sparse(spans, counts);
    if (step.schema != base.schema) more = Coarser(more, step.schema, base.schema);
    for (const auto& [index, count] : more) sum[index] += sign * count;
    SetBuckets(sum, out_spans, out_counts);
  };
  add(step.positive_spans, step.positive_buckets, &out.positive_spans, &out.positive_buckets);
  add(step.negative_spans, step.negative_buckets, &out.negative_spans, &out.negative_buckets);
  return out;
}

std::optional<std::string> CompareHistograms(const NotedHistogram& expected, const Histogram& got) {
  const std::optional<std::string> difference = Difference(expected, got);
  if (!difference.has_value()) return std::nullopt;
  return *difference + " differs: want " + ShowHistogram(expected.histogram) + ", got " +
         ShowHistogram(got);
}

std::string ShowHistogram(const Histogram& histogram) {
  const auto number = [](double value) { return promql::FormatFloat(value); };
  std::string out = "{{schema:" + std::to_string(histogram.schema) +
                    " count:" + number(histogram.count) + " sum:" + number(histogram.sum) +
                    " z_bucket:" + number(histogram.zero_count) +
                    " z_bucket_w:" + number(histogram.zero_threshold) +
                    " hint:" + std::to_string(static_cast<int>(histogram.reset_hint));
  if (histogram.uses_custom_buckets()) {
    out += " custom_values:[";
    for (const double bound : histogram.custom_values) out += " " + number(bound);
    out += "]";
  }
  const auto side = [&](const char* name, const Buckets& buckets) {
    if (buckets.empty()) return;
    out += std::string(" ") + name + ":[";
    for (const auto& [index, count] : buckets)
      out += " " + std::to_string(index) + "=" + number(count);
    out += "]";
  };
  side("buckets", Sparse(histogram.positive_spans, histogram.positive_buckets));
  side("n_buckets", Sparse(histogram.negative_spans, histogram.negative_buckets));
  return out + "}}";
}

}  // namespace varve::conformance

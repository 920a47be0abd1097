// A write batch as text, for comparison in tests.
#pragma once

#include <bit>
#include <cstdio>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "varve/write_batch.h"

namespace varve::server {

// " 1000^500:int/0 schema 0 count 3 sum 1.5 zero 0@0 pos 0+2 1 2": times, form and reset hint,
// spans and absolute buckets.
inline std::string HistogramText(const HistogramSample& sample) {
  const Histogram& h = sample.histogram;
  std::string text = " " + std::to_string(sample.timestamp_ms);
  if (sample.start_ms != 0) text += "^" + std::to_string(sample.start_ms);
  char item[160];
  std::snprintf(item, sizeof item, ":%s/%d schema %d count %g sum %g zero %g@%g",
                h.form == Histogram::Form::kInteger ? "int" : "float",
                static_cast<int>(h.reset_hint), h.schema, h.count, h.sum, h.zero_count,
                h.zero_threshold);
  text += item;
  const auto add = [&](const char* name, const std::vector<BucketSpan>& spans,
                       const std::vector<double>& buckets) {
    if (spans.empty() && buckets.empty()) return;
    text += name;
    for (const BucketSpan& span : spans)
      text += " " + std::to_string(span.offset) + "+" + std::to_string(span.length);
    for (const double bucket : buckets) {
      std::snprintf(item, sizeof item, " %g", bucket);
      text += item;
    }
  };
  add(" pos", h.positive_spans, h.positive_buckets);
  add(" neg", h.negative_spans, h.negative_buckets);
  add(" bounds", {}, h.custom_values);
  return text;
}

// "{__name__=up,job=x} 1000^500:3ff0000000000000 ..." one line per series: times, start times where
// known, and the values' bits; then histograms and exemplars.
inline std::string BatchText(const WriteBatch& batch) {
  std::string text;
  for (const WriteBatch::Series& series : batch.series()) {
    ByteReader labels(batch.label_bytes().substr(series.label_offset, series.label_size));
    text += '{';
    while (!labels.done()) {
      const std::string_view name = labels.LengthPrefixed();
      const std::string_view value = labels.LengthPrefixed();
      if (text.back() != '{') text += ',';
      text.append(name).append("=").append(value);
    }
    text += labels.ok() ? "}" : "} DAMAGED";
    for (size_t i = series.sample_begin; i < series.sample_begin + series.sample_count; ++i) {
      const Sample& sample = batch.samples()[i];
      text += " " + std::to_string(sample.timestamp_ms);
      const int64_t start =
          i < batch.start_times_ms().size() ? batch.start_times_ms()[i] : int64_t{0};
      if (start != 0) text += "^" + std::to_string(start);
      char item[64];
      std::snprintf(item, sizeof item, ":%016llx",
                    static_cast<unsigned long long>(std::bit_cast<uint64_t>(sample.value)));
      text += item;
    }
    for (const HistogramSample& sample :
         batch.histograms().subspan(series.histogram_begin, series.histogram_count)) {
      text += HistogramText(sample);
    }
    for (const Exemplar& exemplar :
         batch.exemplars().subspan(series.exemplar_begin, series.exemplar_count)) {
      char item[64];
      std::snprintf(item, sizeof item, "=%g@%lld", exemplar.value,
                    static_cast<long long>(exemplar.timestamp_ms));
      text += " #" + exemplar.labels.ToString() + item;
    }
    text += '\n';
  }
  return text;
}

}  // namespace varve::server

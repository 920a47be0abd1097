// A write batch as text, for comparison in tests.
#pragma once

#include <bit>
#include <cstdio>
#include <string>

#include "base/bytes.h"
#include "varve/write_batch.h"

namespace varve::server {

// "{__name__=up,job=x} 1000:3ff0000000000000 ..." one line per series: times and the values' bits.
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
    for (const Sample& sample : batch.samples().subspan(series.sample_begin, series.sample_count)) {
      char item[64];
      std::snprintf(item, sizeof item, " %lld:%016llx", static_cast<long long>(sample.timestamp_ms),
                    static_cast<unsigned long long>(std::bit_cast<uint64_t>(sample.value)));
      text += item;
    }
    text += '\n';
  }
  return text;
}

}  // namespace varve::server

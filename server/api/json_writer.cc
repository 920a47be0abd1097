#include "server/api/json_writer.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include "base/hash.h"
#include "server/api/number_text.h"

namespace varve::server {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

// The length of the well-formed UTF-8 sequence at `i` (Unicode 15, table 3-7), or 0.
size_t SequenceLength(std::string_view text, size_t i) {
  const auto byte = [&](size_t k) -> unsigned {
    return i + k < text.size() ? static_cast<unsigned char>(text[i + k]) : 0u;
  };
  const auto is_tail = [&](size_t k) { return (byte(k) & 0xC0) == 0x80; };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return is_tail(1) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    const unsigned low = lead == 0xE0 ? 0xA0 : 0x80;
    const unsigned high = lead == 0xED ? 0x9F : 0xBF;  // no surrogates
    return byte(1) >= low && byte(1) <= high && is_tail(2) ? 3 : 0;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    const unsigned low = lead == 0xF0 ? 0x90 : 0x80;
    const unsigned high = lead == 0xF4 ? 0x8F : 0xBF;
    return byte(1) >= low && byte(1) <= high && is_tail(2) && is_tail(3) ? 4 : 0;
  }
  return 0;
}

void AppendControl(unsigned char c, std::string* out) {
  static constexpr char kHex[] = "0123456789abcdef";
  switch (c) {
    case '\n':
      *out += "\\n";
      return;
    case '\r':
      *out += "\\r";
      return;
    case '\t':
      *out += "\\t";
      return;
    default:
      break;
  }
  *out += "\\u00";
  *out += kHex[c >> 4];
  *out += kHex[c & 15];
}

}  // namespace

void AppendJsonString(std::string_view text, std::string* out) {
  *out += '"';
  size_t plain = 0;  // start of what needs no escape
  for (size_t i = 0; i < text.size();) {
    const auto c = static_cast<unsigned char>(text[i]);
    const bool is_plain_ascii = c >= 0x20 && c < 0x7F && c != '"' && c != '\\';
    if (is_plain_ascii) {
      ++i;
      continue;
    }
    const size_t length = c < 0x80 ? 0 : SequenceLength(text, i);
    if (length > 0) {
      i += length;
      continue;
    }
    out->append(text, plain, i - plain);
    if (c == '"' || c == '\\') {
      *out += '\\';
      *out += text[i];
    } else if (c < 0x80) {
      AppendControl(c, out);
    } else {
      *out += kReplacement;
    }
    plain = ++i;
  }
  out->append(text, plain, text.size() - plain);
  *out += '"';
}

void JsonWriter::Open(char c) {
  Separate();
  *out_ += c;
  needs_comma_ = false;
}

void JsonWriter::Close(char c) {
  *out_ += c;
  needs_comma_ = true;
}

void JsonWriter::Key(std::string_view key) {
  Separate();
  AppendJsonString(key, out_);
  *out_ += ':';
  needs_comma_ = false;
}

void JsonWriter::String(std::string_view text) {
  Separate();
  AppendJsonString(text, out_);
}

void JsonWriter::Integer(int64_t value) {
  Separate();
  AppendInteger(value, out_);
}

void JsonWriter::Integer(uint64_t value) {
  Separate();
  AppendInteger(value, out_);
}

void JsonWriter::Double(double value) {
  Separate();
  AppendValue(value, out_);
}

void JsonWriter::Literal(std::string_view json) {
  Separate();
  *out_ += json;
}

void JsonWriter::QuotedNumber(double value) {
  Separate();
  *out_ += '"';
  AppendValue(value, out_);
  *out_ += '"';
}

void JsonWriter::Seconds(int64_t timestamp_ms) {
  Separate();
  AppendSeconds(timestamp_ms, out_);
}

std::string_view JsonWriter::SecondsText(int64_t timestamp_ms) {
  if (point_count_ < kPointsBeforeMemory) {
    ++point_count_;
    seconds_.clear();
    AppendSeconds(timestamp_ms, &seconds_);
    return seconds_;
  }
  if (times_.empty()) times_.resize(kTimesKept);
  TimeText& time = times_[MixBits(static_cast<uint64_t>(timestamp_ms)) % kTimesKept];
  if (time.size == 0 || time.timestamp_ms != timestamp_ms) {
    seconds_.clear();
    AppendSeconds(timestamp_ms, &seconds_);
    time.timestamp_ms = timestamp_ms;
    time.size = static_cast<uint8_t>(seconds_.copy(time.text, sizeof(time.text)));
  }
  return {time.text, time.size};
}

void JsonWriter::Point(int64_t timestamp_ms, double value) {
  const std::string_view seconds = SecondsText(timestamp_ms);
  std::array<char, kTimeBytesMax + kValueBytesMax + 8> text;
  char* at = text.data();
  if (needs_comma_) *at++ = ',';
  needs_comma_ = true;
  *at++ = '[';
  at = std::copy(seconds.begin(), seconds.end(), at);
  *at++ = ',';
  *at++ = '"';
  at = WriteValue(value, at);
  *at++ = '"';
  *at++ = ']';
  out_->append(text.data(), at);
}

}  // namespace varve::server

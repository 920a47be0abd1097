// Writes JSON (RFC 8259) into one growing string.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace varve::server {

// Commas are its business, nesting the caller's. REQUIRES: calls that make a well-formed document;
// inside an object every value follows a Key.
//
//   json.BeginObject();  json.Key("status");  json.String("success");  json.EndObject();
class JsonWriter {
 public:
  explicit JsonWriter(std::string* out) : out_(out) {}

  void BeginObject() { Open('{'); }
  void EndObject() { Close('}'); }
  void BeginArray() { Open('['); }
  void EndArray() { Close(']'); }
  void Key(std::string_view key);
  void String(std::string_view text);  // invalid UTF-8 becomes U+FFFD
  void Integer(int64_t value);
  void Integer(uint64_t value);
  void Double(double value);  // a JSON number. REQUIRES: finite
  void True() { Literal("true"); }
  void False() { Literal("false"); }
  void Null() { Literal("null"); }
  // A value that the caller has written already as JSON.
  void Literal(std::string_view json);

  // "1.5", "+Inf": a sample value, as Prometheus' API quotes it.
  void QuotedNumber(double value);
  // A time as a JSON number of seconds.
  void Seconds(int64_t timestamp_ms);
  // For hot loops: [seconds,"value"], as Prometheus' API gives a point.
  void Point(int64_t timestamp_ms, double value);
  // Makes room for so many bytes to come.
  void Reserve(size_t bytes) { out_->reserve(out_->size() + bytes); }

 private:
  // Series of one result have their points at the same times, so the times' texts are kept.
  static constexpr size_t kPointsBeforeMemory = 512;
  static constexpr size_t kTimesKept = 2048;
  static constexpr size_t kTimeBytesMax = 23;
  struct TimeText {
    int64_t timestamp_ms = 0;
    uint8_t size = 0;  // 0: free
    char text[kTimeBytesMax] = {};
  };
  std::string_view SecondsText(int64_t timestamp_ms);

  void Open(char c);
  void Close(char c);
  void Separate() {
    if (needs_comma_) *out_ += ',';
    needs_comma_ = true;
  }

  std::string* const out_;
  bool needs_comma_ = false;
  size_t point_count_ = 0;  // up to kPointsBeforeMemory
  std::string seconds_;     // scratch
  std::vector<TimeText> times_;
};

// Appends `text` between quotes, escaped.
void AppendJsonString(std::string_view text, std::string* out);

}  // namespace varve::server

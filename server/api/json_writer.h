// Writes JSON (RFC 8259) into one growing string.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

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

 private:
  void Open(char c);
  void Close(char c);
  void Separate() {
    if (needs_comma_) *out_ += ',';
    needs_comma_ = true;
  }

  std::string* const out_;
  bool needs_comma_ = false;
};

// Appends `text` between quotes, escaped.
void AppendJsonString(std::string_view text, std::string* out);

}  // namespace varve::server

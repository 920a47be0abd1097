// Prometheus' text exposition format 0.0.4
// (https://prometheus.io/docs/instrumenting/exposition_formats).
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace varve::server {

// One label, or none where the name is empty.
struct MetricLabel {
  std::string_view name;
  std::string_view value;
};

// Appends what stands between the quotes of a label's value.
void AppendLabelValue(std::string_view value, std::string* out);

class MetricsText {
 public:
  // Starts a family; the samples that follow are its own.
  void Family(std::string_view name, std::string_view type, std::string_view help);
  void Sample(std::string_view suffix, std::initializer_list<MetricLabel> labels, double value);
  // A family of one sample.
  void Counter(std::string_view name, std::string_view help, double value);
  void Gauge(std::string_view name, std::string_view help, double value);

  std::string Take() { return std::move(out_); }

 private:
  std::string out_;
  std::string name_;
};

}  // namespace varve::server

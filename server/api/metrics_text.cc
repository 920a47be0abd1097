#include "server/api/metrics_text.h"

#include "server/api/number_text.h"

namespace varve::server {

void AppendLabelValue(std::string_view value, std::string* out) {
  for (const char c : value) {
    switch (c) {
      case '\\':
        *out += "\\\\";
        break;
      case '"':
        *out += "\\\"";
        break;
      case '\n':
        *out += "\\n";
        break;
      default:
        *out += c;
    }
  }
}

void MetricsText::Family(std::string_view name, std::string_view type, std::string_view help) {
  name_ = name;
  out_ += "# HELP ";
  out_ += name;
  out_ += ' ';
  out_ += help;
  out_ += "\n# TYPE ";
  out_ += name;
  out_ += ' ';
  out_ += type;
  out_ += '\n';
}

void MetricsText::Sample(std::string_view suffix, std::initializer_list<MetricLabel> labels,
                         double value) {
  out_ += name_;
  out_ += suffix;
  char before = '{';
  for (const MetricLabel& label : labels) {
    out_ += before;
    out_ += label.name;
    out_ += "=\"";
    AppendLabelValue(label.value, &out_);
    out_ += '"';
    before = ',';
  }
  if (before == ',') out_ += '}';
  out_ += ' ';
  AppendValue(value, &out_);
  out_ += '\n';
}

void MetricsText::Counter(std::string_view name, std::string_view help, double value) {
  Family(name, "counter", help);
  Sample("", {}, value);
}

void MetricsText::Gauge(std::string_view name, std::string_view help, double value) {
  Family(name, "gauge", help);
  Sample("", {}, value);
}

}  // namespace varve::server

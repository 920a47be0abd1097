#include "tools/result_table.h"

#include <algorithm>
#include <variant>

#include "server/api/number_text.h"

namespace varve::tools {
namespace {

constexpr size_t kTimeWidth = 16;

void AppendPoint(const promql::Point& point, std::string* out) {
  std::string time;
  server::AppendSeconds(point.timestamp_ms, &time);
  time.resize(std::max(time.size(), kTimeWidth), ' ');
  *out += time;
  server::AppendValue(point.value, out);
}

struct TableWriter {
  std::string* out;

  void operator()(const promql::Scalar& scalar) const {
    AppendPoint(scalar.point, out);
    *out += '\n';
  }
  void operator()(const promql::String& text) const { *out += text.value + '\n'; }
  void operator()(const promql::Vector& vector) const {
    for (const promql::VectorSample& sample : vector) {
      AppendPoint(sample.point, out);
      *out += "  " + sample.labels.ToString() + '\n';
    }
  }
  void operator()(const promql::Matrix& matrix) const {
    for (const promql::Series& series : matrix) {
      *out += series.labels.ToString() + '\n';
      for (const promql::Point& point : series.points) {
        *out += "  ";
        AppendPoint(point, out);
        *out += '\n';
      }
    }
  }
};

}  // namespace

std::string ResultTable(const promql::QueryResult& result) {
  std::string out;
  std::visit(TableWriter{&out}, result.value);
  return out;
}

}  // namespace varve::tools

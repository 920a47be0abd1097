// Data points of one OTLP metric made into series of a write batch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/otlp/delta_state.h"
#include "server/otlp/metrics_decoder.h"
#include "server/otlp/point_messages.h"
#include "varve/write_batch.h"

namespace varve::server {

// Labels out of attributes: names made fit, values as text, those that fall on one name joined by
// ';' in the order of their keys; sorted by name.
OtlpLabels LabelsOfAttributes(std::vector<OtlpAttribute> attributes);

// Thread safety: none.
class OtlpSeriesWriter {
 public:
  // `batch` is borrowed.
  OtlpSeriesWriter(WriteBatch* batch, size_t bytes_max) : batch_(batch), bytes_max_(bytes_max) {}

  // The labels that every series of a resource has; sorted by name. They win over those of points.
  void SetTarget(OtlpLabels target) { target_ = std::move(target); }
  const OtlpLabels& target() const { return target_; }

  // What the points to come are added to; null: they are totals already.
  void SetDelta(DeltaState* delta) { delta_ = delta; }

  // Series of that name out of a point. Each returns why the point cannot be taken, or nothing.
  std::string WriteNumber(const std::string& name, const OtlpPoint& point);
  std::string WriteHistogram(const std::string& name, const OtlpPoint& point);
  std::string WriteExponential(const std::string& name, const OtlpPoint& point);
  std::string WriteSummary(const std::string& name, const OtlpPoint& point);
  // target_info of the target at these times.
  void WriteTargetInfo(const std::vector<OtlpAttribute>& attributes, int64_t first_ms,
                       int64_t last_ms);

  // True when the batch would become larger than it may; what follows is not written.
  bool is_over_limit() const { return bytes_ > bytes_max_; }

 private:
  // Where a classic histogram's exemplars go: to the bucket they fall in.
  struct ValueRange {
    double above;
    double up_to;
  };

  void BeginPoint(const OtlpPoint& point);
  // Keeps views of all three.
  void SetLabels(const std::string& name, std::string_view extra_name,
                 std::string_view extra_value);
  // One series with one sample. False when nothing was written: what is to be added was counted
  // before, or cannot be, as refusal_ then says.
  bool WriteSeries(const std::string& name, double value, std::string_view extra_name = {},
                   std::string_view extra_value = {});
  bool Allows(const Result<DeltaState::Outcome>& outcome);
  void AddExemplars(const ValueRange& range);

  WriteBatch* const batch_;
  const size_t bytes_max_;
  size_t bytes_ = 0;
  OtlpLabels target_;
  DeltaState* delta_ = nullptr;
  const OtlpPoint* point_ = nullptr;
  std::string refusal_;  // of the point
  OtlpLabels labels_;    // of the point, target included
  std::vector<LabelView> series_labels_;
};

}  // namespace varve::server

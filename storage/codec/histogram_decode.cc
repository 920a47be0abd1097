#include <bit>
#include <limits>
#include <string>

#include "base/status_macros.h"
#include "storage/codec/bit_stream.h"
#include "storage/codec/histogram.h"
#include "storage/codec/histogram_state.h"

namespace varve::codec {
namespace {

using namespace histogram;  // the state, shared with the encoder

class Decoder {
 public:
  Decoder(std::string_view payload, HistogramHints hints) : in_(payload), hints_(hints) {}

  Status Next(int64_t* timestamp_ms, int64_t* start_ms, HistogramPtr* out) {
    ReadTimes(timestamp_ms, start_ms);
    auto histogram = std::make_shared<Histogram>();
    const Prefix prefix = ReadPrefix();
    if (prefix == kStaleMarker) {
      histogram->form = ReadForm();
      histogram->reset_hint = ReadHint();
      histogram->sum = std::bit_cast<double>(kStaleMarkerBits);
      comparable_ = false;
      *out = std::move(histogram);
      return Ended();
    }
    if (prefix == kNewLayout) RETURN_IF_ERROR(ReadLayout());
    if (prefix == kNewHint) state_.hint = ReadHint();
    RETURN_IF_ERROR(Ended());
    if (!state_.has_layout) return DataLossError("a sample comes before any layout");
    RETURN_IF_ERROR(CountDecodedBytes());
    FillLayout(histogram.get());
    fell_ = false;
    if (prefix == kUnchanged) {
      state_.StandStill();
      FillNumbers(histogram.get());
    } else {
      RETURN_IF_ERROR(ReadNumbers(histogram.get()));
    }
    ResolveHint(histogram.get());
    *out = std::move(histogram);
    return Ended();
  }

 private:
  Status Ended() const { return in_.ok() ? OkStatus() : DataLossError("the bytes end early"); }
  Histogram::Form ReadForm() { return static_cast<Histogram::Form>(in_.Read(kFormBits)); }
  CounterResetHint ReadHint() { return static_cast<CounterResetHint>(in_.Read(kHintBits)); }

  Prefix ReadPrefix() {
    unsigned prefix = 0;
    while (prefix < kStaleMarker && in_.ReadFlag()) ++prefix;
    return static_cast<Prefix>(prefix);
  }

  void ReadTimes(int64_t* timestamp_ms, int64_t* start_ms) {
    const uint64_t delta =
        static_cast<uint64_t>(state_.expected_delta) + static_cast<uint64_t>(in_.ReadVarint());
    *start_ms = state_.start_code.Read(state_.timestamp_ms, &in_);
    state_.timestamp_ms = static_cast<int64_t>(static_cast<uint64_t>(state_.timestamp_ms) + delta);
    state_.expected_delta =
        state_.sample_count == 0
            ? 0
            : gorilla::NextExpectedDelta(state_.expected_delta, static_cast<int64_t>(delta));
    ++state_.sample_count;
    *timestamp_ms = state_.timestamp_ms;
  }

  Status ReadSpans(std::vector<BucketSpan>* spans) {
    const auto count = static_cast<uint64_t>(in_.ReadVarint());
    if (count > in_.remaining_bits()) return DataLossError("more spans than bits");
    int64_t end = 0;
    uint64_t buckets = 0;
    for (uint64_t i = 0; i < count && in_.ok(); ++i) {
      const int64_t offset = in_.ReadVarint();
      const int64_t length = in_.ReadVarint();
      constexpr int64_t kMax = std::numeric_limits<int32_t>::max();
      if (offset > kMax || offset < (i == 0 ? std::numeric_limits<int32_t>::min() : 0) ||
          length < 0 || length > int64_t{2} * kMax || end + offset + length > kMax) {
        return DataLossError("a span of " + std::to_string(length) + " buckets at offset " +
                             std::to_string(offset));
      }
      end += offset + length;
      buckets += static_cast<uint64_t>(length);
      // A bucket takes a bit at least.
      if (buckets > in_.remaining_bits()) return DataLossError("more buckets than bits");
      spans->push_back({static_cast<int32_t>(offset), static_cast<uint32_t>(length)});
    }
    return OkStatus();
  }

  Status ReadBounds(std::vector<double>* bounds) {
    if (!in_.ReadFlag()) {
      *bounds = state_.layout.custom_values;
      return OkStatus();
    }
    const auto count = static_cast<uint64_t>(in_.ReadVarint());
    if (count > in_.remaining_bits() / 64) return DataLossError("more bounds than bits");
    bounds->reserve(count);
    for (uint64_t i = 0; i < count; ++i) bounds->push_back(std::bit_cast<double>(in_.Read(64)));
    return OkStatus();
  }

  Status ReadLayout() {
    Layout next;
    next.form = ReadForm();
    next.whole_counts = in_.ReadFlag();
    state_.hint = ReadHint();
    const int64_t schema = in_.ReadVarint();
    if (schema != static_cast<int32_t>(schema)) {
      return DataLossError("schema " + std::to_string(schema));
    }
    next.schema = static_cast<int32_t>(schema);
    next.zero_threshold =
        in_.ReadFlag() ? std::bit_cast<double>(in_.Read(64)) : state_.layout.zero_threshold;
    RETURN_IF_ERROR(ReadSpans(&next.positive_spans));
    RETURN_IF_ERROR(ReadSpans(&next.negative_spans));
    RETURN_IF_ERROR(ReadBounds(&next.custom_values));
    RETURN_IF_ERROR(Ended());
    state_.ChangeLayout(std::move(next));
    comparable_ = false;
    sample_bytes_ =
        sizeof(uint64_t) *
        (state_.layout.positive_spans.size() + state_.layout.negative_spans.size() +
         state_.positive.size() + state_.negative.size() + state_.layout.custom_values.size());
    return OkStatus();
  }

  Status CountDecodedBytes() {
    decoded_bytes_ += sample_bytes_;
    return decoded_bytes_ <= kHistogramDecodedBytesMax
               ? OkStatus()
               : DataLossError("its samples take more than " +
                               std::to_string(kHistogramDecodedBytesMax) + " bytes");
  }

  Status ReadXor(Track* track, double* value) {
    if (in_.ReadFlag()) {
      if (in_.ReadFlag()) {
        const auto leading = static_cast<unsigned>(in_.Read(kLeadingBits));
        const auto significant = static_cast<unsigned>(in_.Read(kSignificantBits)) + 1;
        if (leading + significant > 64) return DataLossError("a value window beyond 64 bits");
        track->leading_zeros = static_cast<uint8_t>(leading);
        track->significant_bits = static_cast<uint8_t>(significant);
      }
      if (track->significant_bits == 0) return DataLossError("a value without a window");
      const unsigned trailing = 64u - track->leading_zeros - track->significant_bits;
      track->last ^= in_.Read(track->significant_bits) << trailing;
    }
    *value = std::bit_cast<double>(track->last);
    return OkStatus();
  }

  Status ReadCount(Track* track, double* value) {
    if (!state_.layout.whole_counts) {
      const double before = std::bit_cast<double>(track->last);
      RETURN_IF_ERROR(ReadXor(track, value));
      fell_ = fell_ || *value < before;
      return OkStatus();
    }
    const uint64_t before = track->last;
    const uint64_t integer = track->Expected() + static_cast<uint64_t>(in_.ReadVarint());
    if (integer > kIntegerMax) return DataLossError("a count of " + std::to_string(integer));
    track->Learn(integer);
    fell_ = fell_ || integer < before;
    *value = static_cast<double>(integer);
    return OkStatus();
  }

  Status ReadBuckets(std::vector<Track>* tracks, std::vector<double>* buckets) {
    if (tracks->size() > in_.remaining_bits()) return DataLossError("more buckets than bits");
    buckets->resize(tracks->size());
    for (size_t i = 0; i < tracks->size(); ++i) {
      RETURN_IF_ERROR(ReadCount(&(*tracks)[i], &(*buckets)[i]));
    }
    return OkStatus();
  }

  void FillLayout(Histogram* histogram) const {
    const Layout& layout = state_.layout;
    histogram->form = layout.form;
    histogram->reset_hint = state_.hint;
    histogram->schema = layout.schema;
    histogram->zero_threshold = layout.zero_threshold;
    histogram->positive_spans = layout.positive_spans;
    histogram->negative_spans = layout.negative_spans;
    histogram->custom_values = layout.custom_values;
  }

  // The numbers of the sample before.
  void FillNumbers(Histogram* histogram) const {
    const auto value = [this](const Track& track) {
      return state_.layout.whole_counts ? static_cast<double>(track.last)
                                        : std::bit_cast<double>(track.last);
    };
    histogram->count = value(state_.count);
    histogram->zero_count = value(state_.zero_count);
    histogram->sum = std::bit_cast<double>(state_.sum.last);
    histogram->positive_buckets.reserve(state_.positive.size());
    histogram->negative_buckets.reserve(state_.negative.size());
    for (const Track& track : state_.positive) histogram->positive_buckets.push_back(value(track));
    for (const Track& track : state_.negative) histogram->negative_buckets.push_back(value(track));
  }

  Status ReadNumbers(Histogram* histogram) {
    RETURN_IF_ERROR(ReadCount(&state_.count, &histogram->count));
    RETURN_IF_ERROR(ReadCount(&state_.zero_count, &histogram->zero_count));
    RETURN_IF_ERROR(ReadXor(&state_.sum, &histogram->sum));
    RETURN_IF_ERROR(ReadBuckets(&state_.positive, &histogram->positive_buckets));
    return ReadBuckets(&state_.negative, &histogram->negative_buckets);
  }

  void ResolveHint(Histogram* histogram) {
    const CounterResetHint written = histogram->reset_hint;
    if (hints_ == HistogramHints::kResolved && written == CounterResetHint::kUnknown &&
        comparable_ && !fell_) {
      histogram->reset_hint = CounterResetHint::kNoReset;
    }
    comparable_ = written != CounterResetHint::kGauge;
  }

  BitReader in_;
  const HistogramHints hints_;
  State state_;
  bool comparable_ = false;  // the sample before is a counter of the same layout
  bool fell_ = false;        // a count of the sample is less than it was
  size_t sample_bytes_ = 0;  // decoded, of a sample of the layout
  size_t decoded_bytes_ = 0;
};

}  // namespace

Status HistogramDecode(std::string_view payload, uint32_t sample_count,
                       std::vector<int64_t>* timestamps_ms, std::vector<int64_t>* start_times_ms,
                       std::vector<HistogramPtr>* histograms, HistogramHints hints) {
  if (sample_count > kHistogramSampleCountMax) {
    return DataLossError("histogram chunk: " + std::to_string(sample_count) + " samples");
  }
  Decoder decoder(payload, hints);
  for (uint32_t i = 0; i < sample_count; ++i) {
    int64_t timestamp_ms = 0;
    int64_t start_ms = 0;
    HistogramPtr histogram;
    if (Status status = decoder.Next(&timestamp_ms, &start_ms, &histogram); !status.ok()) {
      return DataLossError("histogram chunk: sample " + std::to_string(i) + " of " +
                           std::to_string(sample_count) + ": " + status.message());
    }
    timestamps_ms->push_back(timestamp_ms);
    start_times_ms->push_back(start_ms);
    histograms->push_back(std::move(histogram));
  }
  return OkStatus();
}

}  // namespace varve::codec

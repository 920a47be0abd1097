#include "server/ingest/unstored_message.h"

#include <array>
#include <cstdint>
#include <span>

namespace varve::server {
namespace {

enum class FieldKind : uint8_t {
  kUnknown,
  kVarint,
  kFixed64,
  kMessage,
  kPackedVarint,  // repeated: one length-delimited run, or one by one
  kPackedFixed64,
};

// Indexed by field number.
constexpr std::array<FieldKind, 18> kHistogramFields = {
    FieldKind::kUnknown,
    FieldKind::kVarint,         // 1 count_int
    FieldKind::kFixed64,        // 2 count_float
    FieldKind::kFixed64,        // 3 sum
    FieldKind::kVarint,         // 4 schema
    FieldKind::kFixed64,        // 5 zero_threshold
    FieldKind::kVarint,         // 6 zero_count_int
    FieldKind::kFixed64,        // 7 zero_count_float
    FieldKind::kMessage,        // 8 negative_spans
    FieldKind::kPackedVarint,   // 9 negative_deltas
    FieldKind::kPackedFixed64,  // 10 negative_counts
    FieldKind::kMessage,        // 11 positive_spans
    FieldKind::kPackedVarint,   // 12 positive_deltas
    FieldKind::kPackedFixed64,  // 13 positive_counts
    FieldKind::kVarint,         // 14 reset_hint
    FieldKind::kVarint,         // 15 timestamp
    FieldKind::kPackedFixed64,  // 16 custom_values
    FieldKind::kVarint,         // 17 start_timestamp (2.0)
};
constexpr std::array<FieldKind, 3> kSpanFields = {FieldKind::kUnknown, FieldKind::kVarint,
                                                  FieldKind::kVarint};
constexpr std::array<FieldKind, 4> kExemplarV1Fields = {FieldKind::kUnknown, FieldKind::kMessage,
                                                        FieldKind::kFixed64, FieldKind::kVarint};
constexpr std::array<FieldKind, 4> kExemplarV2Fields = {
    FieldKind::kUnknown, FieldKind::kPackedVarint, FieldKind::kFixed64, FieldKind::kVarint};

void CheckPacked(WireReader run, FieldKind kind) {
  while (!run.done()) {
    if (kind == FieldKind::kPackedVarint) {
      run.Varint("a packed varint");
    } else {
      run.Fixed64("a packed 8-byte value");
    }
  }
}

bool IsPacked(FieldKind kind) {
  return kind == FieldKind::kPackedVarint || kind == FieldKind::kPackedFixed64;
}

WireType ElementType(FieldKind kind) {
  switch (kind) {
    case FieldKind::kVarint:
    case FieldKind::kPackedVarint:
      return WireType::kVarint;
    case FieldKind::kFixed64:
    case FieldKind::kPackedFixed64:
      return WireType::kFixed64;
    case FieldKind::kUnknown:
    case FieldKind::kMessage:
      break;
  }
  return WireType::kBytes;
}

// `nested` describes the fields of message-typed fields; empty: their content is not looked at.
void CheckFields(WireReader message, std::span<const FieldKind> fields,
                 std::span<const FieldKind> nested) {
  while (!message.done()) {
    const uint8_t* start = message.at();
    const uint32_t tag = message.Tag();
    if (message.failed()) return;
    const uint32_t field = tag >> 3;
    const FieldKind kind = field < fields.size() ? fields[field] : FieldKind::kUnknown;
    const auto type = static_cast<WireType>(tag & 7);
    if (kind == FieldKind::kUnknown) {
      message.Skip(tag);
    } else if (IsPacked(kind) && type == WireType::kBytes) {
      CheckPacked(message.Message("a packed run"), kind);
    } else if (type != ElementType(kind)) {
      message.Fail(start, "this field in the wire type of its definition");
    } else if (kind == FieldKind::kMessage && !nested.empty()) {
      CheckFields(message.Message("a nested message"), nested, {});
    } else {
      message.Skip(tag);
    }
  }
}

}  // namespace

void CheckHistogram(WireReader message) { CheckFields(message, kHistogramFields, kSpanFields); }

void CheckExemplar(WireReader message, RemoteWriteVersion version) {
  if (version == RemoteWriteVersion::kV1) {
    CheckFields(message, kExemplarV1Fields, {});
  } else {
    CheckFields(message, kExemplarV2Fields, {});
  }
}

}  // namespace varve::server

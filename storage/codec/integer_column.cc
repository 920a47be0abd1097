#include "storage/codec/integer_column.h"

#include <algorithm>
#include <bit>

#include "base/check.h"
#include "base/varint.h"

namespace varve::codec {
namespace {

// What each way of telling the residues of a column would take.
struct Sizes {
  size_t varints = 0;
  size_t sparse_gaps = 0;
  size_t sparse_residues = 0;
  uint64_t bits = 0;  // of all residues, or-ed
  size_t last = 0;    // the latest residue that is not 0; 0: none yet

  void Add(size_t i, uint64_t residue) {
    const size_t length = VarintLength(residue);
    varints += length;
    bits |= residue;
    if (residue == 0) return;
    sparse_gaps += VarintLength(i - last - 1);
    sparse_residues += length;
    last = i;
  }
  size_t sparse() const { return sparse_gaps + sparse_residues + VarintLength(sparse_gaps); }
  size_t plane_count() const {
    return std::max<size_t>(1, (static_cast<size_t>(std::bit_width(bits)) + 7) / 8);
  }
};

// A choice of form, and the bytes of what follows the first value.
struct Choice {
  IntegerForm form = IntegerForm::kDeltas;
  size_t bytes = 0;
  size_t plane_count = 0;
  size_t gap_bytes = 0;
};

// Ties go to what a compressor behind makes smaller: planes, then sparse, then varints.
Choice ChooseOf(const Sizes& sizes, size_t count, bool twice) {
  const auto form = [twice](IntegerForm of_deltas) {
    return static_cast<IntegerForm>(static_cast<unsigned>(of_deltas) + (twice ? 4 : 0));
  };
  Choice best{form(IntegerForm::kDeltas), sizes.varints, 0, 0};
  if (sizes.sparse() <= best.bytes) {
    best = {form(IntegerForm::kSparseDeltas), sizes.sparse(), 0, sizes.sparse_gaps};
  }
  const size_t planes = sizes.plane_count() * (count - 1);
  if (sizes.plane_count() > 1 && planes <= best.bytes) {
    best = {form(IntegerForm::kDeltaPlanes), planes, sizes.plane_count(), 0};
  }
  return best;
}

// Calls visit(i, residue of deltas, residue of double deltas) for i = 1 ...
template <typename Visit>
void VisitResidues(std::span<const int64_t> values, Visit visit) {
  uint64_t last_delta = 0;
  for (size_t i = 1; i < values.size(); ++i) {
    const uint64_t delta = static_cast<uint64_t>(values[i]) - static_cast<uint64_t>(values[i - 1]);
    visit(i, ZigZagEncode(static_cast<int64_t>(delta)),
          ZigZagEncode(static_cast<int64_t>(delta - last_delta)));
    last_delta = delta;
  }
}

Choice Choose(std::span<const int64_t> values) {
  Sizes deltas;
  Sizes double_deltas;
  VisitResidues(values, [&](size_t i, uint64_t delta, uint64_t double_delta) {
    deltas.Add(i, delta);
    double_deltas.Add(i, double_delta);
  });
  const Choice once = ChooseOf(deltas, values.size(), false);
  const Choice twice = ChooseOf(double_deltas, values.size(), true);
  return twice.bytes < once.bytes ? twice : once;
}

bool IsDouble(IntegerForm form) { return (static_cast<unsigned>(form) & 4) != 0; }

void AppendVarints(std::span<const int64_t> values, bool twice, std::string* out) {
  VisitResidues(values, [&](size_t, uint64_t delta, uint64_t double_delta) {
    AppendVarint(out, twice ? double_delta : delta);
  });
}

void AppendSparse(std::span<const int64_t> values, bool twice, size_t gap_bytes, std::string* out) {
  AppendVarint(out, gap_bytes);
  size_t last = 0;
  std::string residues;
  VisitResidues(values, [&](size_t i, uint64_t delta, uint64_t double_delta) {
    const uint64_t residue = twice ? double_delta : delta;
    if (residue == 0) return;
    AppendVarint(out, i - last - 1);
    AppendVarint(&residues, residue);
    last = i;
  });
  out->append(residues);
}

void AppendPlanes(std::span<const int64_t> values, bool twice, size_t plane_count,
                  std::string* out) {
  const size_t begin = out->size();
  out->resize(begin + plane_count * (values.size() - 1));
  char* const planes = out->data() + begin;
  VisitResidues(values, [&](size_t i, uint64_t delta, uint64_t double_delta) {
    const uint64_t residue = twice ? double_delta : delta;
    for (size_t plane = 0; plane < plane_count; ++plane) {
      planes[plane * (values.size() - 1) + i - 1] = static_cast<char>(residue >> (8 * plane));
    }
  });
}

// Of a column's first byte; the number of planes stands above.
constexpr unsigned kFormBits = 3;

}  // namespace

void EncodeIntegers(std::span<const int64_t> values, std::string* out) {
  VARVE_CHECK(!values.empty());
  const Choice choice = Choose(values);
  out->push_back(static_cast<char>(static_cast<unsigned>(choice.form) |
                                   (static_cast<unsigned>(choice.plane_count) << kFormBits)));
  AppendVarint(out, ZigZagEncode(values.front()));
  const bool twice = IsDouble(choice.form);
  if (choice.plane_count > 0) {  // their size follows from the count
    AppendPlanes(values, twice, choice.plane_count, out);
    return;
  }
  AppendVarint(out, choice.bytes);
  if (choice.form == IntegerForm::kDeltas || choice.form == IntegerForm::kDoubleDeltas) {
    AppendVarints(values, twice, out);
  } else {
    AppendSparse(values, twice, choice.gap_bytes, out);
  }
}

bool ReadIntegerColumn(ByteReader* in, size_t count, IntegerColumn* column) {
  const auto head = in->Fixed<uint8_t>();
  column->form = static_cast<IntegerForm>(head & ((1u << kFormBits) - 1));
  column->plane_count = head >> kFormBits;
  column->first = in->SignedVarint();
  switch (column->form) {
    case IntegerForm::kDeltaPlanes:
    case IntegerForm::kDoubleDeltaPlanes: {
      if (column->plane_count == 0 || column->plane_count > 8) return false;
      const size_t per_value = column->plane_count;
      if (count - 1 > in->remaining() / per_value) return false;
      column->residues = in->Bytes(per_value * (count - 1));
      break;
    }
    case IntegerForm::kDeltas:
    case IntegerForm::kDoubleDeltas:
      column->residues = in->LengthPrefixed();
      break;
    case IntegerForm::kSparseDeltas:
    case IntegerForm::kSparseDoubleDeltas: {
      ByteReader body(in->LengthPrefixed());
      column->gaps = body.LengthPrefixed();
      column->residues = body.Bytes(body.remaining());
      if (!body.ok()) return false;
      break;
    }
    default:
      return false;
  }
  const bool planes =
      column->form == IntegerForm::kDeltaPlanes || column->form == IntegerForm::kDoubleDeltaPlanes;
  return in->ok() && (planes || column->plane_count == 0);
}

}  // namespace varve::codec

#include "engine/metrics/checkpoint.h"

#include <algorithm>
#include <unordered_map>

#include "base/bytes.h"
#include "base/check.h"
#include "base/hash.h"
#include "base/status_macros.h"
#include "storage/format/label_bytes.h"

namespace varve::engine {
namespace {

// On disk. File: header, payload blocks, index, footer.
constexpr uint64_t kHeaderMagic = 0x3154504b43525656;  // "VVRCKPT1"
constexpr uint64_t kFooterMagic = 0x31444e4543525656;  // "VVRCEND1"
constexpr size_t kHeaderBytes = 24;                    // magic, version u32, zero u32, database id
constexpr size_t kFooterBytes = 40;  // index offset, index size, index hash, footer hash, magic
constexpr uint32_t kVersion = 1;
constexpr uint32_t kVersionWithCodecs = 2;  // every chunk says its codec; else all are Gorilla
constexpr size_t kPayloadBlockBytes = size_t{256} << 10;
constexpr uint8_t kManifestVersion = 1;

Status Damaged(const std::string& path, const std::string& what) {
  return DataLossError("checkpoint " + path + ": " + what);
}

// Streams payload bytes into blocks with a checksum each; a payload lies in one block or begins its
// own.
class PayloadWriter {
 public:
  explicit PayloadWriter(WritableFile* file) : file_(file), offset_(file->size()) {}

  Status Add(std::string_view payload, uint64_t* offset) {
    if (!block_.empty() && block_.size() + payload.size() > kPayloadBlockBytes)
      RETURN_IF_ERROR(FinishBlock());
    *offset = offset_ + block_.size();
    block_.append(payload);
    return OkStatus();
  }
  Status FinishBlock() {
    if (block_.empty()) return OkStatus();
    AppendVarint(&directory_, block_.size());
    AppendFixed(&directory_, Hash64(block_));
    ++block_count_;
    offset_ += block_.size();
    Status status = file_->Append(block_);
    block_.clear();
    return status;
  }
  // Block sizes and checksums, for the index.
  void AppendDirectory(std::string* out) const {
    AppendVarint(out, block_count_);
    out->append(directory_);
  }

 private:
  WritableFile* const file_;
  uint64_t offset_;
  std::string block_;
  std::string directory_;
  uint64_t block_count_ = 0;
};

// A dictionary of pairs, then the series as lists of its entries.
void AppendSeriesSection(Head* head, std::span<const index::SeriesId> series, std::string* out) {
  ReaderLock lock(&head->index_mutex);
  std::unordered_map<index::PairId, uint32_t> numbers;
  std::string dictionary;
  std::string table;
  uint64_t count = 0;
  index::SeriesId previous = 0;
  for (const index::SeriesId id : series) {
    if (!head->index.Contains(id)) continue;
    const std::span<const index::PairId> pairs = head->index.SeriesPairs(id);
    AppendVarint(&table, id - previous);
    previous = id;
    AppendFixed(&table, head->index.Hash(id));
    AppendVarint(&table, pairs.size());
    for (const index::PairId pair : pairs) {
      const auto [at, added] = numbers.emplace(pair, static_cast<uint32_t>(numbers.size()));
      if (added) AppendLengthPrefixed(&dictionary, head->index.PairBytes(pair));
      AppendVarint(&table, at->second);
    }
    ++count;
  }
  AppendVarint(out, numbers.size());
  out->append(dictionary);
  AppendVarint(out, count);
  out->append(table);
}

// The version that the file needs: what an older program can read, it shall.
uint32_t VersionFor(std::span<const FrozenSeries> frozen) {
  for (const FrozenSeries& series : frozen) {
    const SealedChunk* chunk = series.newest.get();
    for (; chunk != nullptr && chunk->owned; chunk = chunk->older) {
      if (chunk->codec != format::ChunkCodec::kGorilla) return kVersionWithCodecs;
    }
  }
  return kVersion;
}

Status AppendChunkSection(std::span<const FrozenSeries> frozen, uint32_t version,
                          PayloadWriter* payloads, std::vector<uint64_t>* payload_offsets,
                          std::string* out) {
  std::string table;
  uint64_t count = 0;
  index::SeriesId previous = 0;
  std::vector<SealedChunk*> chunks;
  for (const FrozenSeries& series : frozen) {
    SealedChunk* kept = nullptr;
    UnwrittenChunks(series, &chunks, &kept);
    if (chunks.empty() && (series.newest || series.max_time_ms == INT64_MIN))
      continue;  // nothing new
    ++count;
    AppendVarint(&table, series.id - previous);
    previous = series.id;
    AppendVarint(&table, ZigZagEncode(series.max_time_ms));
    AppendFixed(&table, series.newest_fingerprint);
    AppendVarint(&table, chunks.size());
    for (const SealedChunk* chunk : chunks) {
      uint64_t offset = 0;
      RETURN_IF_ERROR(payloads->Add(chunk->View().payload, &offset));
      payload_offsets->push_back(offset);
      table.push_back(static_cast<char>(chunk->arrival));
      if (version == kVersionWithCodecs) table.push_back(static_cast<char>(chunk->codec));
      AppendVarint(&table, chunk->sample_count);
      AppendVarint(&table, ZigZagEncode(chunk->min_time_ms));
      AppendVarint(&table, static_cast<uint64_t>(chunk->max_time_ms) -
                               static_cast<uint64_t>(chunk->min_time_ms));
      AppendVarint(&table, offset);
      AppendVarint(&table, chunk->payload_bytes);
    }
  }
  RETURN_IF_ERROR(payloads->FinishBlock());
  payloads->AppendDirectory(out);
  AppendVarint(out, count);
  out->append(table);
  return OkStatus();
}

}  // namespace

std::string EncodeHeadManifest(const HeadManifest& manifest) {
  std::string out;
  out.push_back(static_cast<char>(kManifestVersion));
  for (const uint64_t field :
       {manifest.sequence, manifest.flushed_sequence, manifest.first_segment,
        manifest.next_series_id, manifest.next_file, uint64_t{manifest.files.size()}}) {
    AppendVarint(&out, field);
  }
  for (const std::string& file : manifest.files) AppendLengthPrefixed(&out, file);
  AppendFixed(&out, Hash64(out));
  return out;
}

Result<HeadManifest> DecodeHeadManifest(std::string_view bytes) {
  if (bytes.size() < 9)
    return DataLossError("head manifest: " + std::to_string(bytes.size()) + " bytes");
  ByteReader trailer(bytes.substr(bytes.size() - 8));
  const std::string_view body = bytes.substr(0, bytes.size() - 8);
  if (trailer.Fixed<uint64_t>() != Hash64(body))
    return DataLossError("head manifest: checksum mismatch");
  ByteReader reader(body);
  if (const auto version = reader.Fixed<uint8_t>(); version != kManifestVersion) {
    return FailedPreconditionError("head manifest: version " + std::to_string(version) +
                                   " is newer than this program");
  }
  HeadManifest manifest;
  manifest.sequence = reader.Varint();
  manifest.flushed_sequence = reader.Varint();
  manifest.first_segment = reader.Varint();
  manifest.next_series_id = reader.Varint();
  manifest.next_file = reader.Varint();
  const uint64_t file_count = reader.Varint();
  for (uint64_t i = 0; i < file_count && reader.ok(); ++i)
    manifest.files.emplace_back(reader.LengthPrefixed());
  if (!reader.ok() || !reader.done()) return DataLossError("head manifest: bad length");
  return manifest;
}

std::string CheckpointFileName(uint64_t number) {
  std::string digits = std::to_string(number);
  return "checkpoint-" + std::string(digits.size() < 8 ? 8 - digits.size() : 0, '0') + digits +
         ".vc";
}

void UnwrittenChunks(const FrozenSeries& frozen, std::vector<SealedChunk*>* chunks,
                     SealedChunk** kept) {
  chunks->clear();
  SealedChunk* chunk = frozen.newest.get();
  for (; chunk != nullptr && chunk->owned; chunk = chunk->older) chunks->push_back(chunk);
  *kept = chunk;
  std::reverse(chunks->begin(), chunks->end());
}

Status WriteCheckpoint(FileSystem* file_system, const std::string& path, uint64_t database_id,
                       Head* head, std::span<const index::SeriesId> new_series,
                       std::span<const FrozenSeries> frozen,
                       std::vector<uint64_t>* payload_offsets) {
  ASSIGN_OR_RETURN(auto file, file_system->OpenWritable(path, OpenMode::kTruncate));
  const uint32_t version = VersionFor(frozen);
  std::string header;
  AppendFixed(&header, kHeaderMagic);
  AppendFixed(&header, version);
  AppendFixed(&header, uint32_t{0});
  AppendFixed(&header, database_id);
  VARVE_CHECK(header.size() == kHeaderBytes);
  RETURN_IF_ERROR(file->Append(header));

  PayloadWriter payloads(file.get());
  std::string index;
  AppendSeriesSection(head, new_series, &index);
  RETURN_IF_ERROR(AppendChunkSection(frozen, version, &payloads, payload_offsets, &index));
  const uint64_t index_offset = file->size();
  RETURN_IF_ERROR(file->Append(index));
  std::string footer;
  AppendFixed(&footer, index_offset);
  AppendFixed(&footer, uint64_t{index.size()});
  AppendFixed(&footer, Hash64(index));
  AppendFixed(&footer, Hash64(header + footer));
  AppendFixed(&footer, kFooterMagic);
  VARVE_CHECK(footer.size() == kFooterBytes);
  RETURN_IF_ERROR(file->Append(footer));
  RETURN_IF_ERROR(file->Sync());
  return file->Close();
}

namespace {

// One pass over a checkpoint's index, restoring as it goes.
class Loader {
 public:
  Loader(const std::string& path, std::string_view bytes, Head* head)
      : path_(path), bytes_(bytes), head_(head) {}

  Status Load(uint64_t database_id) {
    RETURN_IF_ERROR(FindIndex(database_id));
    ByteReader reader(index_);
    RETURN_IF_ERROR(RestoreSeries(&reader));
    RETURN_IF_ERROR(CheckBlocks(&reader));
    RETURN_IF_ERROR(RestoreChunks(&reader));
    return reader.done() ? OkStatus() : Damaged(path_, "bytes after the index");
  }
  uint64_t damaged_chunks() const { return damaged_chunks_; }

 private:
  struct BadBlock {
    uint64_t begin = 0;
    uint64_t end = 0;
  };

  Status FindIndex(uint64_t database_id) {
    if (bytes_.size() < kHeaderBytes + kFooterBytes) return Damaged(path_, "too short");
    ByteReader header(bytes_);
    const auto magic = header.Fixed<uint64_t>();
    version_ = header.Fixed<uint32_t>();
    header.Fixed<uint32_t>();
    if (magic != kHeaderMagic) return Damaged(path_, "not a checkpoint");
    if (version_ != kVersion && version_ != kVersionWithCodecs)
      return Damaged(path_, "unknown version " + std::to_string(version_));
    if (header.Fixed<uint64_t>() != database_id)
      return Damaged(path_, "belongs to another database");
    const std::string_view footer = bytes_.substr(bytes_.size() - kFooterBytes);
    ByteReader reader(footer);
    const auto offset = reader.Fixed<uint64_t>();
    const auto size = reader.Fixed<uint64_t>();
    const auto hash = reader.Fixed<uint64_t>();
    const std::string covered =
        std::string(bytes_.substr(0, kHeaderBytes)) + std::string(footer.substr(0, 24));
    if (reader.Fixed<uint64_t>() != Hash64(covered))
      return Damaged(path_, "footer checksum mismatch");
    if (reader.Fixed<uint64_t>() != kFooterMagic) return Damaged(path_, "no footer");
    const uint64_t room = bytes_.size() - kFooterBytes;
    if (offset < kHeaderBytes || offset > room || size != room - offset)
      return Damaged(path_, "bad index position");
    payload_end_ = offset;
    index_ = bytes_.substr(offset, size);
    return Hash64(index_) == hash ? OkStatus() : Damaged(path_, "index checksum mismatch");
  }

  Status RestoreSeries(ByteReader* reader) {
    const uint64_t pair_count = reader->Varint();
    if (pair_count > reader->remaining()) return Damaged(path_, "pair count exceeds the bytes");
    std::vector<std::string_view> dictionary;
    dictionary.reserve(pair_count);
    for (uint64_t i = 0; i < pair_count; ++i) {
      dictionary.push_back(reader->LengthPrefixed());
      format::LabelCursor cursor(dictionary.back());
      if (!reader->ok() || !cursor.Next() || cursor.pair().size() != dictionary.back().size()) {
        return Damaged(path_, "bad label pair");
      }
    }
    RETURN_IF_ERROR(DropSuperseded(dictionary, *reader));
    std::vector<index::PairId> pairs;
    pairs.reserve(pair_count);
    {
      WriterLock lock(&head_->index_mutex);
      for (const std::string_view pair : dictionary) pairs.push_back(head_->index.InternPair(pair));
    }
    std::vector<index::PairId> series_pairs;
    std::string labels;
    return VisitSeries(
        pair_count, reader,
        [&](index::SeriesId id, uint64_t hash, std::span<const uint32_t> numbers) -> Status {
          if (id < head_->next_id()) return Damaged(path_, "series ids do not ascend");
          series_pairs.clear();
          labels.clear();
          for (const uint32_t number : numbers) {
            series_pairs.push_back(pairs[number]);
            labels.append(dictionary[number]);
          }
          RETURN_IF_ERROR(CheckNewSeries(labels, hash));
          head_->RestoreSeries(id, series_pairs, hash);
          return OkStatus();
        });
  }

  // What the index requires of a series: canonical labels, their hash, and that it is new.
  Status CheckNewSeries(std::string_view labels, uint64_t hash) {
    if (!format::CheckCanonical(labels).ok()) return Damaged(path_, "labels are not canonical");
    index::SeriesId found = index::kNoSeriesId;
    uint64_t actual_hash = 0;
    ReaderLock lock(&head_->index_mutex);
    head_->index.Lookup({&labels, 1}, {&found, 1}, {&actual_hash, 1});
    if (actual_hash != hash) return Damaged(path_, "a series' hash is not that of its labels");
    return found == index::kNoSeriesId ? OkStatus() : Damaged(path_, "a series occurs twice");
  }

  // Series that older checkpoints know under other numbers go before any pair is looked up, since
  // pairs that nothing uses lose their numbers.
  Status DropSuperseded(std::span<const std::string_view> dictionary, ByteReader reader) {
    {
      ReaderLock lock(&head_->index_mutex);
      if (head_->index.series_count() == 0) return OkStatus();
    }
    std::string labels;
    return VisitSeries(dictionary.size(), &reader,
                       [&](index::SeriesId, uint64_t, std::span<const uint32_t> numbers) {
                         labels.clear();
                         for (const uint32_t number : numbers) labels.append(dictionary[number]);
                         return head_->DropSuperseded(labels).WithContext("checkpoint " + path_);
                       });
  }

  // Calls visit(id, hash, numbers of its pairs) -> Status for every series of the table.
  template <typename Visit>
  Status VisitSeries(uint64_t pair_count, ByteReader* reader, Visit visit) {
    const uint64_t series_count = reader->Varint();
    if (!reader->ok() || series_count > reader->remaining())
      return Damaged(path_, "series count exceeds the bytes");
    uint64_t id = 0;
    std::vector<uint32_t> numbers;
    for (uint64_t i = 0; i < series_count; ++i) {
      id += reader->Varint();
      const auto hash = reader->Fixed<uint64_t>();
      const uint64_t count = reader->Varint();
      if (!reader->ok() || count == 0 || count > reader->remaining() || id >= Head::kIdEnd) {
        return Damaged(path_, "bad series");
      }
      numbers.clear();
      for (uint64_t k = 0; k < count; ++k) {
        const uint64_t number = reader->Varint();
        if (!reader->ok() || number >= pair_count) return Damaged(path_, "bad pair number");
        numbers.push_back(static_cast<uint32_t>(number));
      }
      RETURN_IF_ERROR(visit(static_cast<index::SeriesId>(id), hash, numbers));
    }
    return OkStatus();
  }

  Status CheckBlocks(ByteReader* reader) {
    const uint64_t block_count = reader->Varint();
    uint64_t at = kHeaderBytes;
    for (uint64_t i = 0; i < block_count; ++i) {
      const uint64_t size = reader->Varint();
      const auto hash = reader->Fixed<uint64_t>();
      if (!reader->ok() || size > payload_end_ - at) return Damaged(path_, "bad payload block");
      if (Hash64(bytes_.substr(at, size)) != hash) bad_blocks_.push_back({at, at + size});
      at += size;
    }
    return at == payload_end_ ? OkStatus() : Damaged(path_, "payload blocks do not add up");
  }

  Status RestoreChunks(ByteReader* reader) {
    const uint64_t series_count = reader->Varint();
    uint64_t id = 0;
    for (uint64_t i = 0; i < series_count; ++i) {
      id += reader->Varint();
      const int64_t max_time = reader->SignedVarint();
      const auto newest_bits = reader->Fixed<uint64_t>();
      const uint64_t chunk_count = reader->Varint();
      if (!reader->ok() || chunk_count > reader->remaining())
        return Damaged(path_, "bad chunk table");
      bool known = false;
      {
        ReaderLock lock(&head_->index_mutex);
        known = id < head_->next_id() && head_->index.Contains(static_cast<index::SeriesId>(id));
      }
      if (!known) return Damaged(path_, "chunks of an unknown series");
      HeadSeries* series = head_->series(static_cast<index::SeriesId>(id));
      MutexLock lock(&head_->visibility_mutex);
      series->max_time_ms = max_time;
      series->newest_fingerprint = newest_bits;
      for (uint64_t k = 0; k < chunk_count; ++k) RETURN_IF_ERROR(RestoreChunk(reader, series));
    }
    return OkStatus();
  }

  Status RestoreChunk(ByteReader* reader, HeadSeries* series) NO_THREAD_SAFETY_ANALYSIS {
    const auto arrival = reader->Fixed<uint8_t>();
    const auto codec = version_ == kVersionWithCodecs
                           ? static_cast<format::ChunkCodec>(reader->Fixed<uint8_t>())
                           : format::ChunkCodec::kGorilla;
    const uint64_t sample_count = reader->Varint();
    const int64_t min_time = reader->SignedVarint();
    const auto max_time = static_cast<int64_t>(static_cast<uint64_t>(min_time) + reader->Varint());
    const uint64_t offset = reader->Varint();
    const uint64_t size = reader->Varint();
    if (!reader->ok() || arrival > static_cast<uint8_t>(Arrival::kLate) ||
        !format::IsKnownCodec(codec) || sample_count == 0 ||
        sample_count > codec::kGorillaSampleCountMax || max_time < min_time ||
        offset < kHeaderBytes || offset > payload_end_ || size > payload_end_ - offset) {
      return Damaged(path_, "bad chunk");
    }
    for (const BadBlock& bad : bad_blocks_) {
      if (offset < bad.end && offset + size > bad.begin) {
        ++damaged_chunks_;
        return OkStatus();
      }
    }
    auto* chunk = new SealedChunk;
    chunk->payload_bytes = static_cast<uint32_t>(size);
    chunk->min_time_ms = min_time;
    chunk->max_time_ms = max_time;
    chunk->payload = reinterpret_cast<const uint8_t*>(bytes_.data()) + offset;
    chunk->sample_count = static_cast<uint16_t>(sample_count);
    chunk->arrival = static_cast<Arrival>(arrival);
    chunk->codec = codec;
    PushSealed(series, chunk, &head_->mutable_counters);
    head_->WidenTimeRange(min_time, max_time);
    return OkStatus();
  }

  const std::string& path_;
  const std::string_view bytes_;
  Head* const head_;
  uint32_t version_ = kVersion;
  std::string_view index_;
  uint64_t payload_end_ = 0;
  std::vector<BadBlock> bad_blocks_;
  uint64_t damaged_chunks_ = 0;
};

}  // namespace

Status LoadCheckpoint(FileSystem* file_system, const std::string& path, uint64_t database_id,
                      Head* head, LoadedCheckpoint* loaded) {
  ASSIGN_OR_RETURN(loaded->file, file_system->OpenMapped(path));
  ASSIGN_OR_RETURN(const std::string_view bytes,
                   loaded->file->Read(0, loaded->file->size(), nullptr));
  return RestoreCheckpoint(path, bytes, database_id, head, &loaded->damaged_chunks);
}

Status RestoreCheckpoint(const std::string& path, std::string_view bytes, uint64_t database_id,
                         Head* head, uint64_t* damaged_chunks) {
  Loader loader(path, bytes, head);
  const Status status = loader.Load(database_id);
  *damaged_chunks = loader.damaged_chunks();
  return status;
}

}  // namespace varve::engine

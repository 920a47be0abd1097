#include "server/http/compression.h"

#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

#include "base/check.h"
#include "server/http/message.h"

namespace varve::server {
namespace {

constexpr int kGzipWindowBits = 15 + 16;  // the largest window, with a gzip header
// Answers are compressed once and read once, mostly over loopback or a LAN: speed before size.
constexpr int kGzipLevel = 1;
constexpr int kZstdLevel = 1;
constexpr size_t kInflateStep = 64 * 1024;

Bytef* ZlibBytes(const char* bytes) {
  // zlib's next_in is not const for want of const in its old interface; it does not write there.
  return reinterpret_cast<Bytef*>(const_cast<char*>(bytes));
}

std::string Gzip(std::string_view bytes) {
  z_stream stream{};
  VARVE_CHECK(deflateInit2(&stream, kGzipLevel, Z_DEFLATED, kGzipWindowBits, 8,
                           Z_DEFAULT_STRATEGY) == Z_OK);
  std::string out(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = ZlibBytes(bytes.data());
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = ZlibBytes(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  VARVE_CHECK(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string Zstd(std::string_view bytes) {
  std::string out(ZSTD_compressBound(bytes.size()), '\0');
  const size_t size = ZSTD_compress(out.data(), out.size(), bytes.data(), bytes.size(), kZstdLevel);
  VARVE_CHECK(!ZSTD_isError(size));
  out.resize(size);
  return out;
}

std::string_view Trim(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// True for "", ";q=0.5", ";q=1"; false for ";q=0", ";q=0.000".
bool HasWeight(std::string_view parameters) {
  const size_t q = parameters.find("q=");
  if (q == std::string_view::npos) return true;
  return parameters.substr(q + 2).find_first_of("123456789") != std::string_view::npos;
}

}  // namespace

std::string_view ContentCodingName(ContentCoding coding) {
  switch (coding) {
    case ContentCoding::kGzip:
      return "gzip";
    case ContentCoding::kZstd:
      return "zstd";
    case ContentCoding::kIdentity:
      break;
  }
  return "identity";
}

ContentCoding ChooseCoding(std::string_view accept_encoding) {
  ContentCoding best = ContentCoding::kIdentity;
  while (!accept_encoding.empty()) {
    const size_t comma = accept_encoding.find(',');
    const std::string_view item = accept_encoding.substr(0, comma);
    accept_encoding = comma == std::string_view::npos ? "" : accept_encoding.substr(comma + 1);
    const size_t semicolon = item.find(';');
    const std::string_view name = Trim(item.substr(0, semicolon));
    if (semicolon != std::string_view::npos && !HasWeight(item.substr(semicolon))) continue;
    if (EqualsIgnoreCase(name, "zstd")) return ContentCoding::kZstd;
    if (EqualsIgnoreCase(name, "gzip")) best = ContentCoding::kGzip;
  }
  return best;
}

std::string Compress(ContentCoding coding, std::string_view bytes) {
  VARVE_CHECK(coding != ContentCoding::kIdentity);
  return coding == ContentCoding::kGzip ? Gzip(bytes) : Zstd(bytes);
}

Result<std::string> GunzipAtMost(std::string_view bytes, size_t size_max) {
  z_stream stream{};
  VARVE_CHECK(inflateInit2(&stream, kGzipWindowBits) == Z_OK);
  stream.next_in = ZlibBytes(bytes.data());
  stream.avail_in = static_cast<uInt>(bytes.size());
  std::string out;
  int outcome = Z_OK;
  while (outcome == Z_OK && out.size() <= size_max) {
    const size_t before = out.size();
    out.resize(before + kInflateStep);
    stream.next_out = ZlibBytes(out.data() + before);
    stream.avail_out = static_cast<uInt>(kInflateStep);
    outcome = inflate(&stream, Z_NO_FLUSH);
    out.resize(out.size() - stream.avail_out);
  }
  inflateEnd(&stream);
  if (out.size() > size_max) {
    return OutOfRangeError("the gzip body expands to more than " + std::to_string(size_max) +
                           " bytes");
  }
  if (outcome != Z_STREAM_END) return InvalidArgumentError("the gzip body is damaged or cut off");
  return out;
}

Result<std::string> UnzstdAtMost(std::string_view bytes, size_t size_max) {
  const std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> context(ZSTD_createDCtx(),
                                                                     &ZSTD_freeDCtx);
  VARVE_CHECK(context != nullptr);
  ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
  std::string out;
  size_t hint = 1;  // 0 at the end of a frame
  while (hint != 0 && out.size() <= size_max) {
    const size_t before = out.size();
    out.resize(before + kInflateStep);
    ZSTD_outBuffer step{out.data() + before, kInflateStep, 0};
    const size_t in_before = in.pos;
    hint = ZSTD_decompressStream(context.get(), &step, &in);
    out.resize(before + step.pos);
    if (ZSTD_isError(hint)) {
      return InvalidArgumentError(std::string("the zstd body is damaged: ") +
                                  ZSTD_getErrorName(hint));
    }
    if (hint != 0 && step.pos == 0 && in.pos == in_before) {
      return InvalidArgumentError("the zstd body is cut off");
    }
    if (hint == 0 && in.pos < in.size) hint = 1;  // another frame
  }
  if (out.size() > size_max) {
    return OutOfRangeError("the zstd body expands to more than " + std::to_string(size_max) +
                           " bytes");
  }
  return out;
}

}  // namespace varve::server

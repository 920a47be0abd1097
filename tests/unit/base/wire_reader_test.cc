#include "base/wire_reader.h"

#include <gtest/gtest.h>

#include <string>

namespace varve {
namespace {

// Every length of varint, at the end of the bytes and with others behind it.
TEST(WireReaderTest, VarintsOfEveryLength) {
  for (unsigned bits = 0; bits <= 64; ++bits) {
    for (const uint64_t near : {0u, 1u}) {
      const uint64_t value = (bits == 64 ? 0 : uint64_t{1} << bits) - near;
      for (const char* behind : {"", "\x01\x02\x03\x04\x05\x06\x07\x08\x09"}) {
        std::string bytes;
        AppendVarint(&bytes, value);
        const size_t size = bytes.size();
        bytes += behind;
        WireError error;
        WireReader reader(bytes, &error);
        EXPECT_EQ(reader.Varint("x"), value);
        EXPECT_EQ(bytes.size() - reader.remaining(), size);
        EXPECT_FALSE(error.failed());
      }
    }
  }
}

TEST(WireReaderTest, OverlongVarintsReadAndTooLongOnesDoNot) {
  WireError error;
  WireReader overlong(std::string_view("\x85\x80\x80\x80\x80\x80\x00zz", 9),
                      &error);  // 5 in seven bytes
  EXPECT_EQ(overlong.Varint("x"), 5u);
  const std::string endless(20, '\xff');
  WireReader too_long(endless, &error);
  EXPECT_EQ(too_long.Varint("x"), 0u);
  EXPECT_TRUE(error.failed());
  EXPECT_TRUE(too_long.done());
}

TEST(WireReaderTest, FailuresLeaveEmptyNotNull) {
  WireError error;
  const std::string bytes =
      "\x05"
      "ab";
  WireReader reader(bytes, &error);
  const std::string_view view = reader.Bytes("text");
  EXPECT_EQ(view.size(), 0u);
  EXPECT_NE(view.data(), nullptr);
  EXPECT_EQ(error.at, reinterpret_cast<const uint8_t*>(bytes.data()));
  EXPECT_STREQ(error.expected, "text");
}

TEST(WireReaderTest, TagsOutsideTheFormatFail) {
  for (const std::string_view bytes : {std::string_view("\x00", 1), std::string_view("\x07", 1),
                                       std::string_view("\xff\xff\xff\xff\x7f", 5)}) {
    WireError error;
    WireReader reader(bytes, &error);
    reader.Tag();
    EXPECT_TRUE(error.failed());
  }
  WireError error;
  WireReader group("\x0b\x0c", &error);  // group start and end
  group.Skip(group.Tag());
  EXPECT_TRUE(error.failed());
}

}  // namespace
}  // namespace varve

// What a hash leaves behind: nothing of its input, in contexts that are kept neither.
#if defined(__linux__)
#include "core/hash.h"
#include "memory_scan.h"

namespace tinymls {
namespace {

using test::Hidden;
using test::occurrences;

class EachHash : public testing::TestWithParam<HashId> {};

TEST_P(EachHash, LeavesNothingOfAMessage) {
  const Hidden hidden;
  ASSERT_EQ(occurrences(hidden), 0u);
  std::vector<uint8_t> message(hidden.size()), out(hash_length(GetParam()));
  hidden.show(message);
  const View parts[] = {message};
  ASSERT_TRUE(hash(Library::standard(), GetParam(), parts, out));
  EXPECT_GE(occurrences(hidden), 1u);  // the search finds what is there
  wipe(message);
  EXPECT_EQ(occurrences(hidden), 0u);
}

TEST_P(EachHash, LeavesNothingOfWhatAMacIsOver) {
  const Hidden hidden;
  std::vector<uint8_t> message(hidden.size()), out(hash_length(GetParam()));
  hidden.show(message);
  const View parts[] = {message};
  ASSERT_TRUE(hmac(Library::standard(), GetParam(), message, parts, out));
  wipe(message);
  EXPECT_EQ(occurrences(hidden), 0u);
}

INSTANTIATE_TEST_SUITE_P(Hashes, EachHash, testing::Values(HashId::kSha256, HashId::kSha384, HashId::kSha512));

}  // namespace
}  // namespace tinymls
#endif

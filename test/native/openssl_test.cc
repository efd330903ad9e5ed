#include "core/openssl.h"

#include <gtest/gtest.h>
#include <openssl/provider.h>
#include <openssl/rand.h>

namespace tinymls {
namespace {

TEST(Library, StandardHasTheBasicAlgorithms) {
  const Library& library = Library::standard();
  EXPECT_EQ(&library, &Library::standard());
  EXPECT_TRUE(library.aes_128_gcm && library.aes_256_gcm && library.chacha20_poly1305 && library.aes_256_ctr);
  EXPECT_TRUE(library.sha256 && library.sha384 && library.sha512);
}

TEST(Library, FipsIsApprovedOnlyOrAConfigFault) {
  auto library = Library::fips();
  if (!library) {
    EXPECT_EQ(library.fault(), Fault::kConfig);
  } else {
    EXPECT_NE((*library)->context, nullptr);
    EXPECT_TRUE((*library)->aes_256_gcm && (*library)->sha256);
    EXPECT_FALSE((*library)->chacha20_poly1305);
    for (EVP_RAND_CTX* drbg : {RAND_get0_public((*library)->context), RAND_get0_private((*library)->context)}) {
      ASSERT_NE(drbg, nullptr);
      EXPECT_STREQ(OSSL_PROVIDER_get0_name(EVP_RAND_get0_provider(EVP_RAND_CTX_get0_rand(drbg))), "fips");
    }
  }
  EXPECT_EQ(ERR_peek_error(), 0u);
}

TEST(ErrorMark, LeavesTheQueueAsItWas) {
  ERR_clear_error();
  ERR_raise(ERR_LIB_USER, 1);
  const unsigned long before = ERR_peek_last_error();
  {
    ErrorMark mark;
    ERR_raise(ERR_LIB_USER, 2);
    EXPECT_NE(ERR_peek_last_error(), before);
  }
  EXPECT_EQ(ERR_peek_last_error(), before);
  ERR_clear_error();
}

}  // namespace
}  // namespace tinymls

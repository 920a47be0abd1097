#include "server/http/router.h"

#include <gtest/gtest.h>

namespace varve::server {
namespace {

Endpoint At(const char* path, MethodSet methods) {
  return {path, methods, Lane::kControl,
          [](const Request&, const CallContext&) { return Response(); }};
}

TEST(RouterTest, FindsExactPathsAndParameters) {
  const Router router(
      {At("/a", {Method::kGet}), At("/label/{name}/values", {Method::kGet, Method::kPost})});
  EXPECT_EQ(router.Find("/a").index, 0u);
  const Router::Match match = router.Find("/label/a%2Fb%20c/values");
  ASSERT_NE(match.endpoint, nullptr);
  EXPECT_EQ(match.index, 1u);
  EXPECT_EQ(match.path_parameter, "a/b c");
  for (const std::string_view path :
       {"", "/", "/a/", "/A", "/label//values", "/label/values", "/label/a/b/values", "/label/a"}) {
    EXPECT_EQ(router.Find(path).endpoint, nullptr) << path;
  }
}

TEST(RouterTest, MethodSets) {
  const MethodSet get_post = {Method::kGet, Method::kPost};
  EXPECT_TRUE(get_post.Contains(Method::kHead));
  EXPECT_TRUE(get_post.Contains(Method::kPost));
  EXPECT_FALSE(get_post.Contains(Method::kDelete));
  EXPECT_FALSE(get_post.Contains(Method::kOther));
  EXPECT_EQ(get_post.ToString(), "GET, HEAD, POST");
  EXPECT_EQ(MethodSet({Method::kPost}).ToString(), "POST");
}

}  // namespace
}  // namespace varve::server

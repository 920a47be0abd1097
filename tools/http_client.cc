#include "tools/http_client.h"

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <limits>
#include <string_view>
#include <utility>

namespace varve::tools {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;

constexpr std::string_view kScheme = "http://";
constexpr int kHttp11 = 11;

}  // namespace

namespace {

Result<HttpAnswer> Exchange(http::verb verb, const std::string& base, const std::string& target) {
  std::string_view authority = base;
  if (!authority.starts_with(kScheme)) {
    return InvalidArgumentError("\"" + base + "\": expected http://host:port");
  }
  authority.remove_prefix(kScheme.size());
  while (authority.ends_with('/')) authority.remove_suffix(1);
  const size_t colon = authority.rfind(':');
  const bool has_port = colon != std::string_view::npos && !authority.ends_with(']');
  std::string host(authority.substr(0, has_port ? colon : authority.size()));
  const std::string port(has_port ? authority.substr(colon + 1) : "80");
  if (host.size() > 2 && host.front() == '[') host = host.substr(1, host.size() - 2);

  asio::io_context io;
  asio::ip::tcp::socket socket(io);
  error_code error;
  const auto addresses = asio::ip::tcp::resolver(io).resolve(host, port, error);
  if (!error) asio::connect(socket, addresses, error);
  http::request<http::empty_body> request(verb, target, kHttp11);
  request.set(http::field::host, std::string(authority));
  request.set(http::field::connection, "close");
  if (verb == http::verb::post) request.content_length(0);
  if (!error) http::write(socket, request, error);
  boost::beast::flat_buffer buffer;
  http::response_parser<http::string_body> parser;
  parser.body_limit(std::numeric_limits<std::uint64_t>::max());
  if (!error) http::read(socket, buffer, parser, error);
  if (error) return UnavailableError(base + ": " + error.message());
  return HttpAnswer{static_cast<int>(parser.get().result_int()), std::move(parser.get().body())};
}

}  // namespace

Result<HttpAnswer> HttpGet(const std::string& base, const std::string& target) {
  return Exchange(http::verb::get, base, target);
}

Result<HttpAnswer> HttpPost(const std::string& base, const std::string& target) {
  return Exchange(http::verb::post, base, target);
}

}  // namespace varve::tools

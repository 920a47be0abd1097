// A TCP client that sends bytes as they are and reads until the server is done.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/check.h"

namespace varve::server {

class RawClient {
 public:
  // `address` is "127.0.0.1:port".
  explicit RawClient(const std::string& address) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    VARVE_CHECK(::connect(socket_, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0);
  }
  ~RawClient() { Leave(); }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  void Send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;  // the server closed; what it said shows why
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
  }
  // Everything up to the end of the connection.
  std::string ReadAll() {
    while (Receive()) {
    }
    return std::move(received_);
  }
  // One response, header and body; by Content-Length, or without a body when `method` is HEAD.
  std::string ReadResponse(std::string_view method = "GET") {
    size_t end = std::string::npos;
    while ((end = received_.find("\r\n\r\n")) == std::string::npos && Receive()) {
    }
    if (end == std::string::npos) return std::move(received_);
    size_t size = end + 4;
    const std::string_view key = "\r\nContent-Length: ";
    const size_t length_at = received_.find(key);
    if (method != "HEAD" && length_at < end) {
      size += std::strtoul(received_.c_str() + length_at + key.size(), nullptr, 10);
    }
    while (received_.size() < size && Receive()) {
    }
    const std::string response = received_.substr(0, size);
    received_.erase(0, size);
    return response;
  }
  void Leave() {
    if (socket_ >= 0) ::close(socket_);
    socket_ = -1;
  }

 private:
  // False at the end of the connection, also when the server says nothing for too long for any test
  // to pass.
  bool Receive() {
    pollfd poll_for{socket_, POLLIN, 0};
    constexpr int kSilenceMs = 20'000;
    if (::poll(&poll_for, 1, kSilenceMs) <= 0) return false;
    std::array<char, 65536> buffer;
    const ssize_t size = ::recv(socket_, buffer.data(), buffer.size(), 0);
    if (size <= 0) return false;
    received_.append(buffer.data(), static_cast<size_t>(size));
    return true;
  }

  int socket_;
  std::string received_;
};

}  // namespace varve::server

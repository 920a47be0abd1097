#include "server/http/session.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/buffers_range.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <cstdio>
#include <ctime>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>

#include "base/check.h"
#include "base/clock.h"

namespace varve::server {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;

constexpr size_t kReadBytes = 64 * 1024;
constexpr size_t kBodyBytesRetained = 256 * 1024;   // per connection, between requests
constexpr size_t kBodyBytesReserved = 1024 * 1024;  // at most, on a client's word about the length
constexpr int64_t kLingerNs = 2'000'000'000;
constexpr size_t kLingerBytesMax = 16 * 1024 * 1024;
constexpr int64_t kNoDeadline = INT64_MAX;

// A Beast body that appends to a string which keeps its memory from request to request, and that
// does not believe Content-Length before the bytes arrive.
struct RecycledBody {
  using value_type = std::string;
  class reader {
   public:
    template <bool kIsRequest, class Fields>
    explicit reader(http::header<kIsRequest, Fields>&, value_type& body) : body_(body) {}
    void init(const boost::optional<std::uint64_t>& length, error_code& error) {
      body_.clear();
      if (length) body_.reserve(std::min<uint64_t>(*length, kBodyBytesReserved));
      error = {};
    }
    template <class Buffers>
    size_t put(const Buffers& buffers, error_code& error) {
      size_t size = 0;
      for (const auto buffer : beast::buffers_range_ref(buffers)) {
        body_.append(static_cast<const char*>(buffer.data()), buffer.size());
        size += buffer.size();
      }
      error = {};
      return size;
    }
    void finish(error_code& error) { error = {}; }

   private:
    value_type& body_;
  };
};

using Parser = http::request_parser<RecycledBody>;

std::string_view View(beast::string_view text) { return {text.data(), text.size()}; }

Method ToMethod(http::verb verb) {
  switch (verb) {
    case http::verb::get:
      return Method::kGet;
    case http::verb::head:
      return Method::kHead;
    case http::verb::post:
      return Method::kPost;
    case http::verb::put:
      return Method::kPut;
    case http::verb::delete_:
      return Method::kDelete;
    case http::verb::options:
      return Method::kOptions;
    default:
      return Method::kOther;
  }
}

// The answer to what is no acceptable HTTP; none where the client just went away.
std::optional<Response> AnswerTo(const error_code& error, const HttpLimits& limits) {
  if (error == http::error::header_limit || error == http::error::buffer_overflow) {
    return TextResponse(HttpStatus::kRequestHeaderFieldsTooLarge,
                        "the request header is larger than " +
                            std::to_string(limits.header_bytes_max) + " bytes\n");
  }
  if (error == http::error::body_limit) {
    return TextResponse(
        HttpStatus::kPayloadTooLarge,
        "the request body is larger than " + std::to_string(limits.body_bytes_max) + " bytes\n");
  }
  if (error == http::error::bad_version) {
    return TextResponse(HttpStatus::kHttpVersionNotSupported, "HTTP/1.1 and 1.0 are supported\n");
  }
  if (error == http::error::end_of_stream || error == http::error::partial_message) return {};
  if (error.category() == http::make_error_code(http::error::bad_method).category()) {
    return TextResponse(HttpStatus::kBadRequest, "malformed HTTP: " + error.message() + "\n");
  }
  return {};
}

// "Date: ..." by RFC 9110; changes once a second.
void AppendDate(std::string* out) {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[64];
  const size_t size =
      std::strftime(text, sizeof text, "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &parts);
  out->append(text, size);
}

class SessionImpl final : public Session {
 public:
  SessionImpl(asio::ip::tcp::socket socket, SessionHost* host)
      : socket_(std::move(socket)),
        host_(host),
        buffer_(host->limits.header_bytes_max + kReadBytes) {}

  void Start() override { AwaitRequest(); }
  void Refuse() override;
  void CheckDeadline(int64_t now_ns) override;
  void Drain() override;
  void Abort() override;
  void Complete() override;

 private:
  enum class State { kIdle, kHeader, kBody, kHandling, kWriting, kLingering, kClosed };

  std::shared_ptr<SessionImpl> Self() {
    return std::static_pointer_cast<SessionImpl>(shared_from_this());
  }
  void AwaitRequest();
  void ReadSome();
  void OnReadSome(error_code error, size_t size);
  void ReadHeader();
  void OnHeader(error_code error);
  void SendContinue();
  void ReadBody();
  void OnBody(error_code error);
  void AccountBody(size_t capacity);
  void Handle();
  void OnHandled();
  void Write();
  void WritePiece();
  void Send();
  bool MayHaveBody() const;
  void OnWritten(error_code error);
  void AnswerAndClose(Response answer);
  void OnReadFailed(error_code error);
  void Linger();
  void ReadAndDiscard();
  void RecycleBody();
  void Close();
  void BuildHead();
  void ExpectWithin(int64_t timeout_ms) {
    deadline_ns_ = Clock::System()->SteadyNs() + timeout_ms * 1'000'000;
  }

  asio::ip::tcp::socket socket_;
  SessionHost* const host_;
  beast::flat_buffer
      buffer_;  // bytes received and not parsed, of this request and of pipelined ones
  std::optional<Parser> parser_;
  std::string body_;
  std::string head_;  // of the response, or of a chunk of a streamed one
  std::string tail_;  // of a chunk
  std::stop_source stop_;
  State state_ = State::kIdle;
  int64_t deadline_ns_ = kNoDeadline;
  size_t body_bytes_accounted_ = 0;
  size_t discarded_bytes_ = 0;
  enum class After { kKeepAlive, kClose } after_ = After::kKeepAlive;
  // How the end of the response's body is told.
  enum class Framing { kLength, kChunks, kClose } framing_ = Framing::kLength;
  enum class Sent { kNothing, kHead } sent_ = Sent::kNothing;
  enum class Reading { kNo, kYes } reading_ = Reading::kNo;  // a ReadSome is pending
  enum class TimedOut { kNo, kYes } timed_out_ = TimedOut::kNo;
};

void SessionImpl::AwaitRequest() {
  state_ = State::kIdle;
  if (host_->phase == SessionHost::Phase::kDraining) return Close();
  if (buffer_.size() > 0) return ReadHeader();
  ExpectWithin(host_->limits.idle_timeout_ms);
  if (reading_ == Reading::kNo) ReadSome();
}

// Waits for bytes: of the next request, or, while a query runs, for its client to leave. While it
// is pending buffer_ is empty and nothing else reads.
void SessionImpl::ReadSome() {
  reading_ = Reading::kYes;
  socket_.async_read_some(buffer_.prepare(4096), [self = Self()](error_code error, size_t size) {
    self->OnReadSome(error, size);
  });
}

void SessionImpl::OnReadSome(error_code error, size_t size) {
  reading_ = Reading::kNo;
  buffer_.commit(size);
  switch (state_) {
    case State::kIdle:
      if (error) return Close();
      return ReadHeader();
    case State::kHandling:
    case State::kWriting:
      if (error) {
        after_ = After::kClose;
        stop_.request_stop();
      }
      return;
    case State::kLingering:
    case State::kClosed:
    case State::kHeader:
    case State::kBody:
      return;
  }
}

void SessionImpl::ReadHeader() {
  state_ = State::kHeader;
  timed_out_ = TimedOut::kNo;
  ExpectWithin(host_->limits.header_timeout_ms);
  parser_.emplace();
  parser_->get().body() = std::move(body_);
  parser_->header_limit(static_cast<std::uint32_t>(host_->limits.header_bytes_max));
  parser_->body_limit(host_->limits.body_bytes_max);
  http::async_read_header(socket_, buffer_, *parser_,
                          [self = Self()](error_code error, size_t) { self->OnHeader(error); });
}

void SessionImpl::OnHeader(error_code error) {
  if (state_ == State::kClosed) return;
  if (error) return OnReadFailed(error);
  state_ = State::kBody;
  ExpectWithin(host_->limits.body_timeout_ms);
  const auto& message = parser_->get();
  after_ = parser_->keep_alive() ? After::kKeepAlive : After::kClose;
  if (message.version() >= 11 && beast::iequals(message[http::field::expect], "100-continue") &&
      !parser_->is_done()) {
    return SendContinue();
  }
  ReadBody();
}

void SessionImpl::SendContinue() {
  static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
  asio::async_write(socket_, asio::buffer(kContinue.data(), kContinue.size()),
                    [self = Self()](error_code error, size_t) {
                      if (self->state_ == State::kClosed) return;
                      if (error) return self->OnReadFailed(error);
                      self->ReadBody();
                    });
}

void SessionImpl::ReadBody() {
  if (parser_->is_done()) return Handle();
  // Beast reads as much as the buffer has room for: a few large reads, not one for each page.
  buffer_.reserve(kReadBytes);
  http::async_read_some(socket_, buffer_, *parser_,
                        [self = Self()](error_code error, size_t) { self->OnBody(error); });
}

void SessionImpl::OnBody(error_code error) {
  if (state_ == State::kClosed) return;
  if (error) return OnReadFailed(error);
  const std::string& body = parser_->get().body();
  AccountBody(body.capacity());
  if (host_->body_bytes > host_->limits.body_bytes_total_max) {
    Response answer = TextResponse(HttpStatus::kServiceUnavailable,
                                   "the requests under way hold too much memory\n");
    answer.AddHeader("Retry-After", "1");
    return AnswerAndClose(std::move(answer));
  }
  ExpectWithin(host_->limits.body_timeout_ms + static_cast<int64_t>(body.size() >> 16) * 1000);
  ReadBody();
}

void SessionImpl::AccountBody(size_t capacity) {
  host_->body_bytes += capacity - body_bytes_accounted_;  // modulo 2^64: may shrink
  body_bytes_accounted_ = capacity;
}

void SessionImpl::Handle() {
  state_ = State::kHandling;
  deadline_ns_ = kNoDeadline;
  const auto& message = parser_->get();
  const std::string_view target = View(message.target());
  const size_t mark = target.find('?');
  request.method = ToMethod(message.method());
  request.path = target.substr(0, mark);
  request.query = mark == std::string_view::npos ? std::string_view() : target.substr(mark + 1);
  request.headers.clear();
  for (const auto& field : message) {
    request.headers.push_back({View(field.name_string()), View(field.value())});
  }
  request.body = message.body();
  const Lane lane = host_->dispatcher->LaneOf(request.path);
  // A write is short and its outcome is wanted even when its sender is gone; only queries are worth
  // a watch.
  if (lane == Lane::kQuery) {
    stop_ = std::stop_source();
    request.stop = stop_.get_token();
    // Not with a pipelined request in the buffer, which has to stay where it is until it is parsed.
    if (buffer_.size() == 0) ReadSome();
  } else {
    request.stop = std::stop_token();
  }
  host_->dispatcher->Submit(shared_from_this());
}

void SessionImpl::Complete() {
  asio::post(socket_.get_executor(), [self = Self()] { self->OnHandled(); });
}

void SessionImpl::OnHandled() {
  if (state_ == State::kClosed) {
    RecycleBody();
    return;
  }
  if (host_->phase == SessionHost::Phase::kDraining) after_ = After::kClose;
  if (sent_ == Sent::kNothing) return Write();
  if (stream == Stream::kBroken) {
    RecycleBody();
    return Close();
  }
  WritePiece();
}

void SessionImpl::BuildHead() {
  const bool is_http10 = parser_.has_value() && parser_->get().version() == 10;
  head_.clear();
  head_ += "HTTP/1.1 ";
  head_ += std::to_string(static_cast<int>(response.status));
  head_ += ' ';
  head_ += ReasonPhrase(response.status);
  head_ += "\r\n";
  AppendDate(&head_);
  if (response.status != HttpStatus::kNoContent) {
    if (framing_ == Framing::kLength) {
      head_ += "Content-Length: " + std::to_string(response.body.size()) + "\r\n";
    } else if (framing_ == Framing::kChunks) {
      head_ += "Transfer-Encoding: chunked\r\n";
    }
    if (!response.body.empty() || response.stream != nullptr) {
      head_ += "Content-Type: ";
      head_ += response.content_type;
      head_ += "\r\n";
    }
  }
  for (const auto& [name, value] : response.headers) {
    head_ += name;
    head_ += ": ";
    head_ += value;
    head_ += "\r\n";
  }
  if (after_ == After::kClose) {
    head_ += "Connection: close\r\n";
  } else if (is_http10) {
    head_ += "Connection: keep-alive\r\n";
  }
  head_ += "\r\n";
}

bool SessionImpl::MayHaveBody() const {
  return response.status != HttpStatus::kNoContent &&
         (!parser_.has_value() || parser_->get().method() != http::verb::head);
}

void SessionImpl::Write() {
  framing_ = Framing::kLength;
  if (response.stream != nullptr) {
    // HTTP/1.0 knows no chunks: there the end of the connection is the end of the body.
    const bool is_http10 = parser_.has_value() && parser_->get().version() == 10;
    framing_ = is_http10 ? Framing::kClose : Framing::kChunks;
    if (is_http10) after_ = After::kClose;
  }
  BuildHead();
  if (!MayHaveBody()) {
    response.body.clear();
    response.stream = nullptr;
    framing_ = Framing::kLength;
  }
  Send();
}

void SessionImpl::WritePiece() {
  head_.clear();
  Send();
}

// Sends head_ and the body at hand, within a chunk if the body comes in such. An empty piece makes
// no chunk, for an empty chunk would be the end.
void SessionImpl::Send() {
  state_ = State::kWriting;
  sent_ = Sent::kHead;
  ExpectWithin(host_->limits.write_timeout_ms +
               static_cast<int64_t>(response.body.size() >> 16) * 1000);
  tail_.clear();
  if (framing_ == Framing::kChunks) {
    if (!response.body.empty()) {
      char size[24];
      std::snprintf(size, sizeof size, "%zx\r\n", response.body.size());
      head_ += size;
      tail_ = "\r\n";
    }
    if (response.stream == nullptr) tail_ += "0\r\n\r\n";
  }
  const std::array<asio::const_buffer, 3> parts = {asio::buffer(head_), asio::buffer(response.body),
                                                   asio::buffer(tail_)};
  asio::async_write(socket_, parts,
                    [self = Self()](error_code error, size_t) { self->OnWritten(error); });
}

void SessionImpl::OnWritten(error_code error) {
  if (response.stream != nullptr && state_ != State::kClosed && !error) {
    // The request stays as it is until the last piece.
    state_ = State::kHandling;
    deadline_ns_ = kNoDeadline;
    return host_->dispatcher->Resume(shared_from_this());
  }
  RecycleBody();
  if (state_ == State::kClosed) return;
  response = Response();
  sent_ = Sent::kNothing;
  stream = Stream::kWhole;
  if (error) return Close();
  if (after_ == After::kClose) return Linger();
  AwaitRequest();
}

// Takes the body's memory back from the parser and gives up what is more than a usual request
// needs.
void SessionImpl::RecycleBody() {
  request.body = {};
  if (!parser_.has_value()) return;
  body_ = std::move(parser_->get().body());
  body_.clear();
  if (body_.capacity() > kBodyBytesRetained) body_ = std::string();
  AccountBody(state_ == State::kClosed ? 0 : body_.capacity());
}

void SessionImpl::AnswerAndClose(Response answer) {
  host_->metrics.malformed.fetch_add(1, std::memory_order_relaxed);
  response = std::move(answer);
  after_ = After::kClose;
  Write();
}

void SessionImpl::OnReadFailed(error_code error) {
  if (timed_out_ == TimedOut::kYes) {
    return AnswerAndClose(
        TextResponse(HttpStatus::kRequestTimeout, "the request did not arrive in time\n"));
  }
  std::optional<Response> answer = AnswerTo(error, host_->limits);
  if (!answer.has_value()) return Close();
  AnswerAndClose(*std::move(answer));
}

// Closing a socket with unread bytes makes the kernel reset the connection, which can take the
// response from the client's hands. So: end our side, read and drop for a moment, then close.
void SessionImpl::Linger() {
  state_ = State::kLingering;
  deadline_ns_ = Clock::System()->SteadyNs() + kLingerNs;
  error_code ignored;
  socket_.shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
  if (ignored) return Close();
  if (reading_ == Reading::kYes) socket_.cancel(ignored);
  ReadAndDiscard();
}

void SessionImpl::ReadAndDiscard() {
  buffer_.clear();
  socket_.async_read_some(buffer_.prepare(kReadBytes),
                          [self = Self()](error_code error, size_t size) {
                            if (self->state_ == State::kClosed) return;
                            self->discarded_bytes_ += size;
                            if (error || self->discarded_bytes_ > kLingerBytesMax)
                              return self->Close();
                            self->ReadAndDiscard();
                          });
}

void SessionImpl::Refuse() {
  Response answer =
      TextResponse(HttpStatus::kServiceUnavailable,
                   "the server has reached its limit of " +
                       std::to_string(host_->limits.connection_count_max) + " connections\n");
  answer.AddHeader("Retry-After", "1");
  response = std::move(answer);
  after_ = After::kClose;
  Write();
}

void SessionImpl::CheckDeadline(int64_t now_ns) {
  if (now_ns < deadline_ns_) return;
  switch (state_) {
    case State::kHeader:
    case State::kBody: {
      host_->metrics.timed_out.fetch_add(1, std::memory_order_relaxed);
      timed_out_ = TimedOut::kYes;
      deadline_ns_ = kNoDeadline;
      error_code ignored;
      socket_.cancel(ignored);  // the pending read ends with an error, and OnReadFailed answers
      return;
    }
    case State::kWriting:
      host_->metrics.timed_out.fetch_add(1, std::memory_order_relaxed);
      return Close();
    case State::kIdle:
    case State::kLingering:
      return Close();
    case State::kHandling:
    case State::kClosed:
      return;
  }
}

void SessionImpl::Drain() {
  if (state_ == State::kIdle || state_ == State::kLingering) Close();
}

void SessionImpl::Abort() {
  stop_.request_stop();
  Close();
}

void SessionImpl::Close() {
  if (state_ == State::kClosed) return;
  // The handler of a closed session still reads the request: the body goes back in OnHandled.
  const bool is_handling = state_ == State::kHandling;
  state_ = State::kClosed;
  deadline_ns_ = kNoDeadline;
  stop_.request_stop();
  error_code ignored;
  socket_.close(ignored);
  if (!is_handling) AccountBody(0);
  host_->Remove(this);
}

}  // namespace

std::shared_ptr<Session> NewSession(asio::ip::tcp::socket socket, SessionHost* host) {
  return std::make_shared<SessionImpl>(std::move(socket), host);
}

}  // namespace varve::server

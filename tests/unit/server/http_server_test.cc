#include "server/http/http_server.h"

#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "server/http/compression.h"
#include "tests/unit/server/raw_client.h"

namespace varve::server {
namespace {

// Holds every caller of Wait until Open.
class Gate {
 public:
  void Wait() {
    MutexLock lock(&mutex_);
    ++waiting_;
    changed_.NotifyAll();
    while (!open_) changed_.Wait(&mutex_);
  }
  void AwaitWaiting(int count) {
    MutexLock lock(&mutex_);
    while (waiting_ < count) changed_.Wait(&mutex_);
  }
  void Open() {
    MutexLock lock(&mutex_);
    open_ = true;
    changed_.NotifyAll();
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  int waiting_ GUARDED_BY(mutex_) = 0;
  bool open_ GUARDED_BY(mutex_) = false;
};

// Yields its pieces; one that is "error" fails.
class Pieces final : public BodyStream {
 public:
  explicit Pieces(std::vector<std::string> pieces) : pieces_(std::move(pieces)) {}
  Result<bool> Next(std::string* piece) override {
    *piece = pieces_.at(next_++);
    if (*piece == "error") return DataLossError("a damaged part");
    return next_ < pieces_.size();
  }

 private:
  const std::vector<std::string> pieces_;
  size_t next_ = 0;
};

class HttpServerTest : public testing::Test {
 protected:
  ~HttpServerTest() override {
    write_gate_.Open();
    query_gate_.Open();
  }

  static Response Echo(const Request& request, const CallContext&) {
    std::string text = std::string(MethodName(request.method)) + " " + std::string(request.path) +
                       "?" + std::string(request.query) + "\n";
    text += request.body;
    return TextResponse(HttpStatus::kOk, text);
  }
  std::vector<Endpoint> Endpoints() {
    const MethodSet both = {Method::kGet, Method::kPost};
    return {
        {"/echo", both, Lane::kControl, Echo},
        {"/big",
         {Method::kGet},
         Lane::kControl,
         [](const Request&, const CallContext&) {
           return TextResponse(HttpStatus::kOk, std::string(100'000, 'x'));
         }},
        {"/throw",
         {Method::kGet},
         Lane::kControl,
         [](const Request&, const CallContext&) -> Response { throw std::bad_alloc(); }},
        {"/query", both, Lane::kQuery,
         [this](const Request& request, const CallContext&) {
           std::stop_callback on_stop(request.stop, [this] { stopped_.set_value(); });
           query_gate_.Wait();
           return TextResponse(HttpStatus::kOk, "queried");
         }},
        {"/stream", both, Lane::kQuery,
         [this](const Request&, const CallContext&) {
           Response response = TextResponse(HttpStatus::kOk, "begin,");
           response.stream = std::make_shared<Pieces>(pieces_);
           return response;
         }},
        {"/write", both, Lane::kWrite,
         [this](const Request&, const CallContext&) {
           write_gate_.Wait();
           return TextResponse(HttpStatus::kNoContent, "");
         }},
    };
  }
  void Start() {
    auto server = HttpServer::Bind("127.0.0.1:0", limits_, [](LogLevel, std::string_view) {});
    ASSERT_TRUE(server.ok()) << server.status().ToString();
    server_ = std::move(server).value();
    options_.lanes[static_cast<size_t>(Lane::kWrite)].refusal = HttpStatus::kTooManyRequests;
    auto dispatcher = std::make_unique<Dispatcher>(options_, Endpoints());
    dispatcher_ = dispatcher.get();
    ASSERT_TRUE(server_->Start(std::move(dispatcher)).ok());
  }
  std::string Exchange(std::string_view bytes) {
    RawClient client(server_->address());
    client.Send(bytes);
    return client.ReadAll();
  }

  HttpLimits limits_;
  DispatcherOptions options_;
  std::vector<std::string> pieces_;
  Gate query_gate_;
  Gate write_gate_;
  std::promise<void> stopped_;
  Dispatcher* dispatcher_ = nullptr;  // the server's
  std::unique_ptr<HttpServer> server_;
};

std::string StatusOf(const std::string& response) { return response.substr(0, 12); }
std::string BodyOf(const std::string& response) {
  return response.substr(response.find("\r\n\r\n") + 4);
}
bool Contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST_F(HttpServerTest, AnswersAndKeepsTheConnection) {
  Start();
  RawClient client(server_->address());
  client.Send("GET /echo?a=1 HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(BodyOf(client.ReadResponse()), "GET /echo?a=1\n");
  client.Send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello");
  EXPECT_EQ(BodyOf(client.ReadResponse()), "POST /echo?\nhello");
  client.Send("GET /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  const std::string last = client.ReadAll();
  EXPECT_EQ(StatusOf(last), "HTTP/1.1 200");
  EXPECT_TRUE(Contains(last, "Connection: close\r\n"));
}

TEST_F(HttpServerTest, PipelinedRequestsAreAnsweredInOrder) {
  Start();
  std::string requests;
  std::string expected;
  for (int i = 0; i < 100; ++i) {
    const std::string body = std::to_string(i);
    requests += "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body.size()) +
                "\r\n\r\n" + body;
  }
  RawClient client(server_->address());
  client.Send(requests);
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(BodyOf(client.ReadResponse()), "POST /echo?\n" + std::to_string(i));
  }
}

TEST_F(HttpServerTest, StreamsInChunks) {
  pieces_ = {"one", "", std::string(20, 'x'), ""};
  Start();
  const std::string request = "GET /stream HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\n";
  const std::string first =
      Exchange(request + "\r\n" + request + "Connection: close\r\n\r\n");  // two of them
  const std::string body = "6\r\nbegin,\r\n3\r\none\r\n14\r\nxxxxxxxxxxxxxxxxxxxx\r\n0\r\n\r\n";
  EXPECT_TRUE(Contains(first, "Transfer-Encoding: chunked\r\n"));
  EXPECT_FALSE(Contains(first, "Content-Length"));
  EXPECT_FALSE(Contains(first, "Content-Encoding"));
  const std::string rest = BodyOf(first);
  EXPECT_EQ(rest.substr(0, body.size()), body);
  EXPECT_EQ(BodyOf(rest.substr(body.size())), body);
}

TEST_F(HttpServerTest, StreamsToTheEndOfTheConnectionForHttp10) {
  pieces_ = {"one", "two"};
  Start();
  const std::string response = Exchange("GET /stream HTTP/1.0\r\n\r\n");
  EXPECT_EQ(BodyOf(response), "begin,onetwo");
  EXPECT_TRUE(Contains(response, "Connection: close\r\n"));
  const std::string head = Exchange("HEAD /stream HTTP/1.1\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(BodyOf(head), "");
}

TEST_F(HttpServerTest, AStreamThatFailsIsCutOff) {
  pieces_ = {"one", "error"};
  Start();
  const std::string response = Exchange("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(BodyOf(response), "6\r\nbegin,\r\n3\r\none\r\n");  // no last chunk
}

TEST_F(HttpServerTest, PipelinedBehindAQuery) {
  Start();
  query_gate_.Open();
  RawClient client(server_->address());
  const std::string query = "GET /query HTTP/1.1\r\nHost: x\r\n\r\n";
  client.Send(query + query + "GET /echo HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(BodyOf(client.ReadResponse()), "queried");
  EXPECT_EQ(BodyOf(client.ReadResponse()), "queried");
  EXPECT_EQ(BodyOf(client.ReadResponse()), "GET /echo?\n");
  client.Send(query);  // and on the connection at rest
  EXPECT_EQ(BodyOf(client.ReadResponse()), "queried");
}

TEST_F(HttpServerTest, RequestThatArrivesWhileAQueryRuns) {
  Start();
  RawClient client(server_->address());
  client.Send("GET /query HTTP/1.1\r\nHost: x\r\n\r\n");
  query_gate_.AwaitWaiting(1);
  client.Send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc");
  query_gate_.Open();
  EXPECT_EQ(BodyOf(client.ReadResponse()), "queried");
  EXPECT_EQ(BodyOf(client.ReadResponse()), "POST /echo?\nabc");
}

TEST_F(HttpServerTest, ChunkedBodies) {
  Start();
  const std::string response = Exchange(
      "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
      "5\r\nhello\r\n6;x=y\r\n world\r\n0\r\n\r\n");
  EXPECT_EQ(BodyOf(response), "POST /echo?\nhello world");
}

TEST_F(HttpServerTest, ExpectContinue) {
  Start();
  RawClient client(server_->address());
  client.Send(
      "POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(client.ReadResponse(), "HTTP/1.1 100 Continue\r\n\r\n");
  client.Send("ok");
  EXPECT_EQ(BodyOf(client.ReadResponse()), "POST /echo?\nok");
}

TEST_F(HttpServerTest, Http10) {
  Start();
  EXPECT_EQ(BodyOf(Exchange("GET /echo HTTP/1.0\r\n\r\n")), "GET /echo?\n");
  RawClient client(server_->address());
  client.Send("GET /echo HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_TRUE(Contains(client.ReadResponse(), "Connection: keep-alive\r\n"));
  client.Send("GET /echo HTTP/1.0\r\n\r\n");
  EXPECT_EQ(BodyOf(client.ReadAll()), "GET /echo?\n");
}

TEST_F(HttpServerTest, HeadHasTheHeaderOnly) {
  Start();
  RawClient client(server_->address());
  client.Send("HEAD /big HTTP/1.1\r\nHost: x\r\n\r\n");
  const std::string head = client.ReadResponse("HEAD");
  EXPECT_TRUE(Contains(head, "Content-Length: 100000\r\n"));
  client.Send("GET /echo HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(StatusOf(client.ReadResponse()), "HTTP/1.1 200");
}

TEST_F(HttpServerTest, UnknownPathsAndMethods) {
  Start();
  EXPECT_EQ(StatusOf(Exchange("GET /none HTTP/1.1\r\nConnection: close\r\n\r\n")), "HTTP/1.1 404");
  const std::string wrong = Exchange("DELETE /echo HTTP/1.1\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(StatusOf(wrong), "HTTP/1.1 405");
  EXPECT_TRUE(Contains(wrong, "Allow: GET, HEAD, POST\r\n"));
  EXPECT_EQ(StatusOf(Exchange("BREW /echo HTTP/1.1\r\nConnection: close\r\n\r\n")), "HTTP/1.1 405");
}

TEST_F(HttpServerTest, CompressesWhenAsked) {
  Start();
  const std::string response = Exchange(
      "GET /big HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(Contains(response, "Content-Encoding: gzip\r\n"));
  EXPECT_EQ(*GunzipAtMost(BodyOf(response), 1'000'000), std::string(100'000, 'x'));
  EXPECT_FALSE(
      Contains(Exchange("GET /big HTTP/1.1\r\nConnection: close\r\n\r\n"), "Content-Encoding"));
}

TEST_F(HttpServerTest, GarbageIsAnsweredAndClosed) {
  Start();
  for (const std::string& garbage :
       {std::string("\x16\x03\x01\x02\x00\x01\x00\x01", 8), std::string("hello\r\n\r\n"),
        std::string("GET / HTTP/9.9\r\n\r\n"), std::string(10'000, '\0'),
        std::string("GET /echo HTTP/1.1\r\nContent-Length: x\r\n\r\n"),
        std::string("POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")}) {
    const std::string response = Exchange(garbage);
    EXPECT_TRUE(StatusOf(response) == "HTTP/1.1 400" || StatusOf(response) == "HTTP/1.1 505")
        << response;
  }
  EXPECT_EQ(StatusOf(Exchange("GET /echo HTTP/1.0\r\n\r\n")), "HTTP/1.1 200");
}

TEST_F(HttpServerTest, LargeHeadersAre431) {
  limits_.header_bytes_max = 8192;
  Start();
  const std::string response =
      Exchange("GET /echo HTTP/1.1\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n");
  EXPECT_EQ(StatusOf(response), "HTTP/1.1 431");
}

TEST_F(HttpServerTest, LargeBodiesAre413BeforeTheyArrive) {
  limits_.body_bytes_max = 1000;
  Start();
  RawClient client(server_->address());
  client.Send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\n");
  EXPECT_EQ(StatusOf(client.ReadResponse()), "HTTP/1.1 413");
  EXPECT_EQ(StatusOf(Exchange("POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n7d0\r\n" +
                              std::string(2000, 'x') + "\r\n0\r\n\r\n")),
            "HTTP/1.1 413");
  EXPECT_EQ(StatusOf(Exchange("POST /echo HTTP/1.1\r\nConnection: close\r\nContent-Length: 1000"
                              "\r\n\r\n" +
                              std::string(1000, 'x'))),
            "HTTP/1.1 200");
}

TEST_F(HttpServerTest, BodiesTogetherHaveALimit) {
  limits_.body_bytes_total_max = 100'000;
  Start();
  const std::string response =
      Exchange("POST /echo HTTP/1.1\r\nContent-Length: 500000\r\n\r\n" + std::string(500'000, 'x'));
  EXPECT_EQ(StatusOf(response), "HTTP/1.1 503");
}

TEST_F(HttpServerTest, SlowRequestsEnd) {
  limits_.header_timeout_ms = 50;
  limits_.body_timeout_ms = 50;
  limits_.idle_timeout_ms = 50;
  Start();
  EXPECT_EQ(StatusOf(Exchange("GET /echo HT")), "HTTP/1.1 408");
  EXPECT_EQ(StatusOf(Exchange("POST /echo HTTP/1.1\r\nContent-Length: 5\r\n\r\nab")),
            "HTTP/1.1 408");
  EXPECT_EQ(Exchange(""), "");  // idle: closed without a word
}

TEST_F(HttpServerTest, TooManyConnectionsAreToldSo) {
  limits_.connection_count_max = 2;
  Start();
  RawClient first(server_->address());
  RawClient second(server_->address());
  first.Send("GET /echo HTTP/1.1\r\nHost: x\r\n\r\n");
  second.Send("GET /echo HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(StatusOf(first.ReadResponse()), "HTTP/1.1 200");
  EXPECT_EQ(StatusOf(second.ReadResponse()), "HTTP/1.1 200");
  RawClient third(server_->address());
  const std::string refused = third.ReadAll();
  EXPECT_EQ(StatusOf(refused), "HTTP/1.1 503");
  EXPECT_TRUE(Contains(refused, "limit of 2 connections"));
  EXPECT_EQ(server_->connection_metrics().refused.load(), 1u);
}

TEST_F(HttpServerTest, LeavingClientStopsItsQuery) {
  Start();
  RawClient client(server_->address());
  client.Send("GET /query HTTP/1.1\r\nHost: x\r\n\r\n");
  query_gate_.AwaitWaiting(1);
  client.Leave();
  stopped_.get_future().wait();
  query_gate_.Open();
}

TEST_F(HttpServerTest, FullLaneIsRefusedAndTheOthersGoOn) {
  options_.lanes[static_cast<size_t>(Lane::kWrite)].queue_size_max = 1;
  Start();
  const std::string write = "POST /write HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n";
  RawClient running(server_->address());
  running.Send(write);
  write_gate_.AwaitWaiting(1);
  RawClient one(server_->address());
  RawClient two(server_->address());
  one.Send(write);
  two.Send(write);
  // One of the two waits for the worker, the other is refused; which, the kernel decides.
  while (dispatcher_->refused_count(Lane::kWrite) < 1) std::this_thread::yield();
  RawClient third(server_->address());
  third.Send(write);
  const std::string answer = third.ReadResponse();
  EXPECT_EQ(StatusOf(answer), "HTTP/1.1 429");
  EXPECT_TRUE(Contains(answer, "Retry-After: 1\r\n"));
  EXPECT_EQ(StatusOf(Exchange("GET /echo HTTP/1.0\r\n\r\n")), "HTTP/1.1 200");
  write_gate_.Open();
  EXPECT_EQ(StatusOf(running.ReadResponse()), "HTTP/1.1 204");
}

TEST_F(HttpServerTest, OutOfMemoryCostsOneRequest) {
  Start();
  EXPECT_EQ(StatusOf(Exchange("GET /throw HTTP/1.0\r\n\r\n")), "HTTP/1.1 503");
  EXPECT_EQ(StatusOf(Exchange("GET /echo HTTP/1.0\r\n\r\n")), "HTTP/1.1 200");
}

TEST_F(HttpServerTest, StopAnswersWhatIsUnderWay) {
  Start();
  RawClient busy(server_->address());
  RawClient idle(server_->address());
  idle.Send("GET /echo HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(StatusOf(idle.ReadResponse()), "HTTP/1.1 200");
  busy.Send("POST /write HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
  write_gate_.AwaitWaiting(1);
  std::thread stop([this] { server_->Stop(60'000); });
  EXPECT_EQ(idle.ReadAll(), "");
  write_gate_.Open();
  const std::string answer = busy.ReadAll();
  EXPECT_EQ(StatusOf(answer), "HTTP/1.1 204");
  EXPECT_TRUE(Contains(answer, "Connection: close\r\n"));
  stop.join();
}

TEST_F(HttpServerTest, StopCancelsWhatTakesTooLong) {
  Start();
  RawClient client(server_->address());
  client.Send("GET /query HTTP/1.1\r\nHost: x\r\n\r\n");
  query_gate_.AwaitWaiting(1);
  std::thread stop([this] { server_->Stop(0); });
  stopped_.get_future().wait();
  query_gate_.Open();
  stop.join();
}

TEST(HttpServerBindTest, AddressesThatCannotBe) {
  const auto bind = [](const std::string& address) {
    return HttpServer::Bind(address, {}, [](LogLevel, std::string_view) {});
  };
  for (const char* address :
       {"", "127.0.0.1", "127.0.0.1:", "127.0.0.1:99999", "no-host:1", ":x"}) {
    const auto server = bind(address);
    ASSERT_FALSE(server.ok()) << address;
    EXPECT_EQ(server.status().code(), StatusCode::kInvalidArgument);
    EXPECT_TRUE(Contains(server.status().message(), '"' + std::string(address) + '"'));
  }
  const auto first = bind("127.0.0.1:0");
  ASSERT_TRUE(first.ok());
  ASSERT_TRUE(
      (*first)
          ->Start(std::make_unique<Dispatcher>(DispatcherOptions(), std::vector<Endpoint>()))
          .ok());
  const auto second = bind((*first)->address());
  EXPECT_EQ(second.status().code(), StatusCode::kIoError);
  EXPECT_TRUE(Contains(second.status().message(), (*first)->address()));
}

}  // namespace
}  // namespace varve::server
